//! Arbitrary records, and arbitrary histories that fit together.

use crate::ids::Uuid;
use crate::metadata::broker::{BrokerImage, Endpoint, SecurityProtocol, EPOCH_OF_ENTRY};
use crate::metadata::configs::{ConfigResource, ResourceType};
use crate::metadata::image::{MetadataImage, PartitionImage};
use crate::metadata::partition::PartitionChange;
use crate::metadata::quotas::{EntityName, QuotaEntity, QuotaValue};
use crate::metadata::record::MetadataRecord;
use crate::metadata::scram::{ScramCredential, ScramMechanism};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

pub(super) fn uuid() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn nodes() -> impl Strategy<Value = Vec<i32>> {
    vec(prop_oneof![0..5_i32, any::<i32>()], 0..4)
}

fn partition() -> impl Strategy<Value = PartitionImage> {
    let lists = (nodes(), vec(uuid(), 0..4), nodes(), nodes(), nodes(), nodes(), nodes());
    (lists, any::<(i32, i32, i32)>()).prop_map(
        |((replicas, directories, isr, elr, last, adding, removing), numbers)| PartitionImage {
            replicas,
            directories,
            isr,
            leader: numbers.0,
            leader_epoch: numbers.1,
            partition_epoch: numbers.2,
            elr,
            last_known_elr: last,
            adding_replicas: adding,
            removing_replicas: removing,
        },
    )
}

fn change() -> impl Strategy<Value = PartitionChange> {
    let lists = (
        option::of(nodes()),
        option::of(vec(uuid(), 0..3)),
        option::of(nodes()),
        option::of(nodes()),
        option::of(nodes()),
        option::of(nodes()),
        option::of(nodes()),
    );
    (lists, option::of(any::<i32>())).prop_map(|((replicas, directories, isr, elr, last, adding, removing), leader)| {
        PartitionChange {
            replicas,
            directories,
            isr,
            leader,
            elr,
            last_known_elr: last,
            adding_replicas: adding,
            removing_replicas: removing,
        }
    })
}

pub(super) fn resource() -> impl Strategy<Value = ConfigResource> {
    let kinds = [ResourceType::Topic, ResourceType::Broker, ResourceType::ClientMetrics, ResourceType::Group];
    (prop::sample::select(kinds.to_vec()), "[a-d]{0,1}").prop_map(|(kind, name)| ConfigResource::new(kind, name))
}

fn broker() -> impl Strategy<Value = BrokerImage> {
    let protocols = [
        SecurityProtocol::Plaintext,
        SecurityProtocol::Ssl,
        SecurityProtocol::SaslPlaintext,
        SecurityProtocol::SaslSsl,
    ];
    let endpoint = ("[A-Z]{1,4}", ".{0,5}", any::<u16>(), prop::sample::select(protocols.to_vec()))
        .prop_map(|(listener, host, port, security_protocol)| Endpoint { listener, host, port, security_protocol });
    let flags = any::<(bool, bool)>();
    (0..5_i32, any::<i64>(), uuid(), vec(endpoint, 0..3), option::of(".{0,3}"), flags, vec(uuid(), 0..3)).prop_map(
        |(id, epoch, incarnation, endpoints, rack, (fenced, in_controlled_shutdown), log_dirs)| BrokerImage {
            id,
            epoch,
            incarnation,
            endpoints,
            rack,
            fenced,
            in_controlled_shutdown,
            log_dirs,
        },
    )
}

fn entity() -> impl Strategy<Value = QuotaEntity> {
    let part = || option::of(option::of("[a-c]{0,2}").prop_map(|name| EntityName::from_option(name.as_deref())));
    (part(), part(), part()).prop_map(|(user, client_id, ip)| QuotaEntity { user, client_id, ip })
}

fn credential() -> impl Strategy<Value = ScramCredential> {
    let bytes = || vec(any::<u8>(), 0..4);
    (bytes(), bytes(), bytes(), any::<i32>()).prop_map(|(salt, stored_key, server_key, iterations)| ScramCredential {
        salt,
        stored_key,
        server_key,
        iterations,
    })
}

fn client() -> impl Strategy<Value = MetadataRecord> {
    let mechanism = prop::sample::select(vec![ScramMechanism::Sha256, ScramMechanism::Sha512]);
    prop_oneof![
        (entity(), "[k-l]", option::of(any::<f64>().prop_map(QuotaValue)))
            .prop_map(|(entity, key, value)| MetadataRecord::ClientQuota { entity, key, value }),
        ("[u-v]", mechanism, option::of(credential())).prop_map(|(user, mechanism, credential)| {
            MetadataRecord::UserScramCredential { user, mechanism, credential }
        }),
    ]
}

pub(super) fn record() -> impl Strategy<Value = MetadataRecord> {
    prop_oneof![
        (".{0,9}", uuid()).prop_map(|(name, topic_id)| MetadataRecord::Topic { name, topic_id }),
        (uuid(), any::<i32>(), partition()).prop_map(|(topic_id, partition, state)| MetadataRecord::Partition {
            topic_id,
            partition,
            state
        }),
        (uuid(), any::<i32>(), change()).prop_map(|(topic_id, partition, change)| MetadataRecord::PartitionChange {
            topic_id,
            partition,
            change
        }),
        uuid().prop_map(|topic_id| MetadataRecord::RemoveTopic { topic_id }),
        (resource(), ".{0,5}", option::of(".{0,5}")).prop_map(|(resource, key, value)| MetadataRecord::Config {
            resource,
            key,
            value
        }),
        broker().prop_map(MetadataRecord::RegisterBroker),
        (any::<i32>(), any::<i64>(), any::<(Option<bool>, Option<bool>)>(), option::of(vec(uuid(), 0..3))).prop_map(
            |(broker_id, broker_epoch, (fenced, in_controlled_shutdown), log_dirs)| MetadataRecord::BrokerChange {
                broker_id,
                broker_epoch,
                fenced,
                in_controlled_shutdown,
                log_dirs
            }
        ),
        any::<(i32, i64)>()
            .prop_map(|(broker_id, broker_epoch)| MetadataRecord::UnregisterBroker { broker_id, broker_epoch }),
        any::<(i32, i64, i64)>().prop_map(|(broker_id, broker_epoch, next_producer_id)| MetadataRecord::ProducerIds {
            broker_id,
            broker_epoch,
            next_producer_id
        }),
        (".{0,5}", any::<i16>()).prop_map(|(name, level)| MetadataRecord::FeatureLevel { name, level }),
        ".{0,22}".prop_map(|cluster_id| MetadataRecord::ClusterId { cluster_id }),
        client(),
        Just(MetadataRecord::NoOp),
    ]
}

/// One step of a history; small names and numbers, so that steps meet.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Topic(String),
    Partition(usize, PartitionImage),
    Change(usize, usize, PartitionChange),
    Remove(usize),
    Config(ConfigResource, String, Option<String>),
    Register(BrokerImage),
    Fence(i32, bool),
    Unregister(i32),
    ProducerIds(i64),
    Feature(String, i16),
    Client(MetadataRecord),
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => "[a-d._]{1,2}".prop_map(Step::Topic),
        6 => (0..8_usize, partition()).prop_map(|(topic, state)| Step::Partition(topic, state)),
        3 => (0..8_usize, 0..3_usize, change()).prop_map(|(topic, index, change)| Step::Change(topic, index, change)),
        1 => (0..8_usize).prop_map(Step::Remove),
        3 => (resource(), "[x-z]", option::of(".{0,2}")).prop_map(|(resource, key, value)| Step::Config(resource, key, value)),
        1 => broker().prop_map(Step::Register),
        1 => (0..5_i32, any::<bool>()).prop_map(|(id, fenced)| Step::Fence(id, fenced)),
        1 => (0..5_i32).prop_map(Step::Unregister),
        1 => (0..9_i64).prop_map(Step::ProducerIds),
        1 => ("[f-g]", 0..3_i16).prop_map(|(name, level)| Step::Feature(name, level)),
        3 => client().prop_map(Step::Client),
    ];
    vec(step, 0..60)
}

/// The record that a step stands for on `image`; `None` if it does not fit there.
pub(super) fn record_of(step: &Step, image: &MetadataImage) -> Option<MetadataRecord> {
    let topic = |place: usize| image.topics().nth(place % image.topic_count().max(1));
    Some(match step {
        Step::Topic(name) if image.topic_by_name(name).is_some() => return None,
        // Nobody decides to create such a topic.
        Step::Topic(name) if image.topic_colliding_with(name).is_some() => return None,
        Step::Topic(name) => MetadataRecord::Topic {
            name: name.clone(),
            topic_id: Uuid::from_u128(image.applied().0.unsigned_abs().into()),
        },
        Step::Partition(place, state) => {
            let topic = topic(*place)?;
            MetadataRecord::Partition { topic_id: topic.id, partition: topic.partition_count(), state: state.clone() }
        }
        Step::Change(place, index, change) => {
            let topic = topic(*place).filter(|topic| !topic.partitions.is_empty())?;
            let partition = (index % topic.partitions.len()) as i32;
            MetadataRecord::PartitionChange { topic_id: topic.id, partition, change: change.clone() }
        }
        Step::Remove(place) => MetadataRecord::RemoveTopic { topic_id: topic(*place)?.id },
        Step::Config(resource, key, value) => {
            MetadataRecord::Config { resource: resource.clone(), key: key.clone(), value: value.clone() }
        }
        Step::Register(broker) => {
            MetadataRecord::RegisterBroker(BrokerImage { epoch: EPOCH_OF_ENTRY, ..broker.clone() })
        }
        Step::Fence(id, fenced) => MetadataRecord::BrokerChange {
            broker_id: *id,
            broker_epoch: image.broker(*id)?.epoch,
            fenced: Some(*fenced),
            in_controlled_shutdown: None,
            log_dirs: None,
        },
        Step::Unregister(id) => {
            MetadataRecord::UnregisterBroker { broker_id: *id, broker_epoch: image.broker(*id)?.epoch }
        }
        Step::ProducerIds(next_producer_id) => {
            MetadataRecord::ProducerIds { broker_id: 1, broker_epoch: 1, next_producer_id: *next_producer_id }
        }
        Step::Feature(name, level) => MetadataRecord::FeatureLevel { name: name.clone(), level: *level },
        Step::Client(record) => record.clone(),
    })
}

/// Folds the steps that fit, one entry each.
pub(super) fn fold(image: &mut MetadataImage, steps: &[Step]) {
    for step in steps {
        let (offset, epoch) = image.applied();
        image.begin_entry(offset + 1, epoch);
        if let Some(record) = record_of(step, image) {
            image.apply(&record).expect("a record made for the image fits it");
        }
    }
}
