//! The bytes of metadata records: protobuf messages with fixed tags, each behind its length.
//!
//! A reader skips fields that it does not know, so a field may be added under a new tag at any time. A *kind* of record
//! that it does not know is an error: a node that skipped it would hold another image than its peers. New kinds are
//! therefore written only once `metadata.version` says that every node knows them.
//!
//! Tags are never used twice and never change their meaning.

use super::broker::{BrokerImage, Endpoint, SecurityProtocol};
use super::configs::{ConfigResource, ResourceType};
use super::partition::{PartitionChange, PartitionImage};
use super::quotas::{EntityName, QuotaEntity, QuotaValue};
use super::record::MetadataRecord;
use super::scram::{ScramCredential, ScramMechanism};
use crate::ids::Uuid;
use prost::Message;

mod wire;

/// The longest record that is decoded, in bytes. A partition with 1,000 replicas takes 30 KiB.
pub const MAX_RECORD_BYTES: usize = 1024 * 1024;

/// Why bytes are not metadata records.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end inside a record, or a length is not a number.
    #[error("a metadata record is cut short")]
    Truncated,
    /// A record is longer than [`MAX_RECORD_BYTES`].
    #[error("a metadata record of {0} bytes is over the limit of {MAX_RECORD_BYTES}")]
    TooLong(u64),
    /// The bytes are not a protobuf message of ours.
    #[error("a metadata record is malformed: {0}")]
    Malformed(String),
    /// A record of a kind that this version does not know.
    #[error("a metadata record is of a kind that this version does not know")]
    UnknownKind,
    /// A field's value is outside of its range.
    #[error("a metadata record's field {0} is out of range")]
    OutOfRange(&'static str),
}

/// Appends the bytes of `record`, with its length in front, to `out`.
pub fn encode(record: &MetadataRecord, out: &mut Vec<u8>) {
    let message = wire::Record { kind: Some(to_wire(record)) };
    message.encode_length_delimited(out).expect("a Vec grows as needed");
}

/// The bytes of `records`, one after the other.
pub fn encode_all<'a>(records: impl IntoIterator<Item = &'a MetadataRecord>) -> Vec<u8> {
    let mut out = Vec::new();
    for record in records {
        encode(record, &mut out);
    }
    out
}

/// Reads the records in `bytes` one by one; ends after the first error.
pub fn decode_each(bytes: &[u8]) -> Records<'_> {
    Records { rest: bytes }
}

/// Reads all records in `bytes`.
///
/// # Errors
/// The first of the records that is none.
pub fn decode_all(bytes: &[u8]) -> Result<Vec<MetadataRecord>, DecodeError> {
    decode_each(bytes).collect()
}

/// The records in a slice of bytes. See [`decode_each`].
pub struct Records<'a> {
    rest: &'a [u8],
}

impl Records<'_> {
    fn read(&mut self) -> Result<MetadataRecord, DecodeError> {
        let length = prost::encoding::decode_varint(&mut self.rest).map_err(|_| DecodeError::Truncated)?;
        if length > MAX_RECORD_BYTES as u64 {
            return Err(DecodeError::TooLong(length));
        }
        let (record, rest) = self.rest.split_at_checked(length as usize).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        let message = wire::Record::decode(record).map_err(|error| DecodeError::Malformed(error.to_string()))?;
        from_wire(message.kind.ok_or(DecodeError::UnknownKind)?)
    }
}

impl Iterator for Records<'_> {
    type Item = Result<MetadataRecord, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let record = self.read();
        if record.is_err() {
            self.rest = &[];
        }
        Some(record)
    }
}

fn to_wire(record: &MetadataRecord) -> wire::Kind {
    match record {
        MetadataRecord::Topic { name, topic_id } => {
            wire::Kind::Topic(wire::Topic { name: name.clone(), topic_id: uuid_bytes(topic_id) })
        }
        MetadataRecord::Partition { topic_id, partition, state } => {
            wire::Kind::Partition(partition_to_wire(topic_id, *partition, state))
        }
        MetadataRecord::PartitionChange { topic_id, partition, change } => {
            wire::Kind::PartitionChange(change_to_wire(topic_id, *partition, change))
        }
        MetadataRecord::RemoveTopic { topic_id } => {
            wire::Kind::RemoveTopic(wire::RemoveTopic { topic_id: uuid_bytes(topic_id) })
        }
        MetadataRecord::Config { resource, key, value } => wire::Kind::Config(wire::Config {
            resource_type: i32::from(resource.resource_type.code()),
            resource_name: resource.name.to_string(),
            key: key.clone(),
            value: value.clone(),
        }),
        MetadataRecord::RegisterBroker(broker) => wire::Kind::RegisterBroker(broker_to_wire(broker)),
        MetadataRecord::BrokerChange { broker_id, broker_epoch, fenced, in_controlled_shutdown, log_dirs } => {
            wire::Kind::BrokerChange(wire::BrokerChange {
                broker_id: *broker_id,
                broker_epoch: *broker_epoch,
                fenced: *fenced,
                in_controlled_shutdown: *in_controlled_shutdown,
                log_dirs: log_dirs.as_ref().map(|ids| wire::Uuids { packed: uuids_packed(ids) }),
            })
        }
        MetadataRecord::UnregisterBroker { broker_id, broker_epoch } => {
            wire::Kind::UnregisterBroker(wire::UnregisterBroker { broker_id: *broker_id, broker_epoch: *broker_epoch })
        }
        MetadataRecord::ProducerIds { broker_id, broker_epoch, next_producer_id } => {
            wire::Kind::ProducerIds(wire::ProducerIds {
                broker_id: *broker_id,
                broker_epoch: *broker_epoch,
                next_producer_id: *next_producer_id,
            })
        }
        MetadataRecord::FeatureLevel { name, level } => {
            wire::Kind::FeatureLevel(wire::FeatureLevel { name: name.clone(), level: i32::from(*level) })
        }
        MetadataRecord::ClusterId { cluster_id } => {
            wire::Kind::ClusterId(wire::ClusterId { cluster_id: cluster_id.clone() })
        }
        MetadataRecord::ClientQuota { entity, key, value } => {
            wire::Kind::ClientQuota(quota_to_wire(entity, key, *value))
        }
        MetadataRecord::UserScramCredential { user, mechanism, credential } => {
            wire::Kind::UserScramCredential(scram_to_wire(user, *mechanism, credential.as_ref()))
        }
        MetadataRecord::NoOp => wire::Kind::NoOp(wire::NoOp {}),
    }
}

fn from_wire(kind: wire::Kind) -> Result<MetadataRecord, DecodeError> {
    Ok(match kind {
        wire::Kind::Topic(topic) => {
            MetadataRecord::Topic { name: topic.name, topic_id: uuid(&topic.topic_id, "topic_id")? }
        }
        wire::Kind::Partition(partition) => partition_from_wire(partition)?,
        wire::Kind::PartitionChange(change) => change_from_wire(change)?,
        wire::Kind::RemoveTopic(topic) => MetadataRecord::RemoveTopic { topic_id: uuid(&topic.topic_id, "topic_id")? },
        wire::Kind::Config(config) => MetadataRecord::Config {
            resource: ConfigResource::new(
                i8::try_from(config.resource_type)
                    .ok()
                    .and_then(ResourceType::from_code)
                    .ok_or(DecodeError::OutOfRange("resource_type"))?,
                config.resource_name,
            ),
            key: config.key,
            value: config.value,
        },
        wire::Kind::RegisterBroker(broker) => MetadataRecord::RegisterBroker(broker_from_wire(broker)?),
        wire::Kind::BrokerChange(change) => MetadataRecord::BrokerChange {
            broker_id: change.broker_id,
            broker_epoch: change.broker_epoch,
            fenced: change.fenced,
            in_controlled_shutdown: change.in_controlled_shutdown,
            log_dirs: change.log_dirs.map(|ids| uuids(&ids.packed, "log_dirs")).transpose()?,
        },
        wire::Kind::UnregisterBroker(broker) => {
            MetadataRecord::UnregisterBroker { broker_id: broker.broker_id, broker_epoch: broker.broker_epoch }
        }
        wire::Kind::ProducerIds(ids) => MetadataRecord::ProducerIds {
            broker_id: ids.broker_id,
            broker_epoch: ids.broker_epoch,
            next_producer_id: ids.next_producer_id,
        },
        wire::Kind::FeatureLevel(feature) => MetadataRecord::FeatureLevel {
            name: feature.name,
            level: i16::try_from(feature.level).map_err(|_| DecodeError::OutOfRange("level"))?,
        },
        wire::Kind::ClusterId(cluster) => MetadataRecord::ClusterId { cluster_id: cluster.cluster_id },
        wire::Kind::ClientQuota(quota) => quota_from_wire(quota),
        wire::Kind::UserScramCredential(credential) => scram_from_wire(credential)?,
        wire::Kind::NoOp(_) => MetadataRecord::NoOp,
    })
}

fn partition_to_wire(topic_id: &Uuid, partition: i32, state: &PartitionImage) -> wire::Partition {
    wire::Partition {
        topic_id: uuid_bytes(topic_id),
        partition,
        replicas: state.replicas.clone(),
        directories: uuids_packed(&state.directories),
        isr: state.isr.clone(),
        leader: state.leader,
        leader_epoch: state.leader_epoch,
        partition_epoch: state.partition_epoch,
        elr: state.elr.clone(),
        last_known_elr: state.last_known_elr.clone(),
        adding_replicas: state.adding_replicas.clone(),
        removing_replicas: state.removing_replicas.clone(),
    }
}

fn partition_from_wire(partition: wire::Partition) -> Result<MetadataRecord, DecodeError> {
    Ok(MetadataRecord::Partition {
        topic_id: uuid(&partition.topic_id, "topic_id")?,
        partition: partition.partition,
        state: PartitionImage {
            replicas: partition.replicas,
            directories: uuids(&partition.directories, "directories")?,
            isr: partition.isr,
            leader: partition.leader,
            leader_epoch: partition.leader_epoch,
            partition_epoch: partition.partition_epoch,
            elr: partition.elr,
            last_known_elr: partition.last_known_elr,
            adding_replicas: partition.adding_replicas,
            removing_replicas: partition.removing_replicas,
        },
    })
}

fn change_to_wire(topic_id: &Uuid, partition: i32, change: &PartitionChange) -> wire::PartitionChange {
    let nodes = |nodes: &Option<Vec<i32>>| nodes.as_ref().map(|ids| wire::Nodes { ids: ids.clone() });
    wire::PartitionChange {
        topic_id: uuid_bytes(topic_id),
        partition,
        replicas: nodes(&change.replicas),
        directories: change.directories.as_ref().map(|ids| wire::Uuids { packed: uuids_packed(ids) }),
        isr: nodes(&change.isr),
        leader: change.leader,
        elr: nodes(&change.elr),
        last_known_elr: nodes(&change.last_known_elr),
        adding_replicas: nodes(&change.adding_replicas),
        removing_replicas: nodes(&change.removing_replicas),
    }
}

fn change_from_wire(change: wire::PartitionChange) -> Result<MetadataRecord, DecodeError> {
    let nodes = |nodes: Option<wire::Nodes>| nodes.map(|nodes| nodes.ids);
    Ok(MetadataRecord::PartitionChange {
        topic_id: uuid(&change.topic_id, "topic_id")?,
        partition: change.partition,
        change: PartitionChange {
            replicas: nodes(change.replicas),
            directories: change.directories.map(|ids| uuids(&ids.packed, "directories")).transpose()?,
            isr: nodes(change.isr),
            leader: change.leader,
            elr: nodes(change.elr),
            last_known_elr: nodes(change.last_known_elr),
            adding_replicas: nodes(change.adding_replicas),
            removing_replicas: nodes(change.removing_replicas),
        },
    })
}

fn broker_to_wire(broker: &BrokerImage) -> wire::RegisterBroker {
    let endpoint = |endpoint: &Endpoint| wire::Endpoint {
        listener: endpoint.listener.clone(),
        host: endpoint.host.clone(),
        port: u32::from(endpoint.port),
        security_protocol: security_protocol_number(endpoint.security_protocol),
    };
    wire::RegisterBroker {
        broker_id: broker.id,
        broker_epoch: broker.epoch,
        incarnation: uuid_bytes(&broker.incarnation),
        endpoints: broker.endpoints.iter().map(endpoint).collect(),
        rack: broker.rack.clone(),
        fenced: broker.fenced,
        in_controlled_shutdown: broker.in_controlled_shutdown,
        log_dirs: uuids_packed(&broker.log_dirs),
    }
}

fn broker_from_wire(broker: wire::RegisterBroker) -> Result<BrokerImage, DecodeError> {
    let endpoint = |endpoint: wire::Endpoint| -> Result<Endpoint, DecodeError> {
        Ok(Endpoint {
            listener: endpoint.listener,
            host: endpoint.host,
            port: u16::try_from(endpoint.port).map_err(|_| DecodeError::OutOfRange("port"))?,
            security_protocol: security_protocol(endpoint.security_protocol)?,
        })
    };
    Ok(BrokerImage {
        id: broker.broker_id,
        epoch: broker.broker_epoch,
        incarnation: uuid(&broker.incarnation, "incarnation")?,
        endpoints: broker.endpoints.into_iter().map(endpoint).collect::<Result<_, _>>()?,
        rack: broker.rack,
        fenced: broker.fenced,
        in_controlled_shutdown: broker.in_controlled_shutdown,
        log_dirs: uuids(&broker.log_dirs, "log_dirs")?,
    })
}

fn quota_to_wire(entity: &QuotaEntity, key: &str, value: Option<QuotaValue>) -> wire::ClientQuota {
    let part = |part: &Option<EntityName>| {
        part.as_ref().map(|name| wire::EntityName { name: name.as_option().map(str::to_owned) })
    };
    wire::ClientQuota {
        user: part(&entity.user),
        client_id: part(&entity.client_id),
        ip: part(&entity.ip),
        key: key.to_owned(),
        value: value.map(|value| value.0),
    }
}

fn quota_from_wire(quota: wire::ClientQuota) -> MetadataRecord {
    let part = |part: Option<wire::EntityName>| part.map(|part| EntityName::from_option(part.name.as_deref()));
    let entity = QuotaEntity { user: part(quota.user), client_id: part(quota.client_id), ip: part(quota.ip) };
    MetadataRecord::ClientQuota { entity, key: quota.key, value: quota.value.map(QuotaValue) }
}

fn scram_to_wire(
    user: &str,
    mechanism: ScramMechanism,
    credential: Option<&ScramCredential>,
) -> wire::UserScramCredential {
    wire::UserScramCredential {
        user: user.to_owned(),
        mechanism: i32::from(mechanism.code()),
        credential: credential.map(|credential| wire::ScramCredential {
            salt: credential.salt.clone(),
            stored_key: credential.stored_key.clone(),
            server_key: credential.server_key.clone(),
            iterations: credential.iterations,
        }),
    }
}

fn scram_from_wire(record: wire::UserScramCredential) -> Result<MetadataRecord, DecodeError> {
    let mechanism = i8::try_from(record.mechanism).ok().and_then(ScramMechanism::from_code);
    Ok(MetadataRecord::UserScramCredential {
        user: record.user,
        mechanism: mechanism.ok_or(DecodeError::OutOfRange("mechanism"))?,
        credential: record.credential.map(|credential| ScramCredential {
            salt: credential.salt,
            stored_key: credential.stored_key,
            server_key: credential.server_key,
            iterations: credential.iterations,
        }),
    })
}

const SECURITY_PROTOCOLS: [SecurityProtocol; 4] =
    [SecurityProtocol::Plaintext, SecurityProtocol::Ssl, SecurityProtocol::SaslPlaintext, SecurityProtocol::SaslSsl];

fn security_protocol_number(protocol: SecurityProtocol) -> i32 {
    (0..).zip(SECURITY_PROTOCOLS).find(|(_, known)| *known == protocol).map_or(0, |(number, _)| number)
}

fn security_protocol(number: i32) -> Result<SecurityProtocol, DecodeError> {
    let known = usize::try_from(number).ok().and_then(|place| SECURITY_PROTOCOLS.get(place));
    known.copied().ok_or(DecodeError::OutOfRange("security_protocol"))
}

fn uuid_bytes(id: &Uuid) -> Vec<u8> {
    id.as_bytes().to_vec()
}

fn uuid(bytes: &[u8], field: &'static str) -> Result<Uuid, DecodeError> {
    Uuid::from_slice(bytes).map_err(|_| DecodeError::OutOfRange(field))
}

fn uuids_packed(ids: &[Uuid]) -> Vec<u8> {
    ids.iter().flat_map(|id| *id.as_bytes()).collect()
}

fn uuids(packed: &[u8], field: &'static str) -> Result<Vec<Uuid>, DecodeError> {
    if !packed.len().is_multiple_of(16) {
        return Err(DecodeError::OutOfRange(field));
    }
    packed.chunks_exact(16).map(|bytes| uuid(bytes, field)).collect()
}
