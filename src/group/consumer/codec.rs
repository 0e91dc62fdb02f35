//! A consumer group's records as Kafka's own bytes, and back.

use super::super::request::Protocol;
use super::super::Text;
use super::member::{ClassicPart, Current, MemberState, Profile};
use super::partitions::{Owned, Partitions};
use super::records::{ConsumerRecord, GroupEpoch, ResolvedRegex, TargetEpoch};
use crate::record::internal::consumer_groups::{
    ClassicMemberMetadata, CurrentMemberAssignmentValue, CurrentTopic, GroupMetadataValue, Key, MemberMetadataValue,
    RegularExpressionValue, TargetAssignmentMemberValue, TargetAssignmentMetadataValue, TargetTopic,
};
use crate::record::internal::FieldError;
use bytes::Bytes;
use std::sync::Arc;

impl ConsumerRecord {
    /// Key, and value or tombstone. Fails on a text of more than 32,767 bytes in a key.
    pub fn encode(&self, group: &Text) -> Result<(Vec<u8>, Option<Vec<u8>>), FieldError> {
        let group = group.to_string();
        let (key, value) = match self {
            Self::Epoch(value) => (Key::GroupMetadata { group }, value.map(|value| Ok(to_epoch(value).encode()))),
            Self::LegacyMetadata(value) => {
                (Key::PartitionMetadata { group }, value.as_ref().map(|bytes| Ok(bytes.to_vec())))
            }
            Self::Profile { member, value } => {
                let key = Key::MemberMetadata { group, member: member.to_string() };
                (key, value.as_ref().map(|value| to_profile(value).encode()))
            }
            Self::TargetEpoch(value) => {
                (Key::TargetAssignmentMetadata { group }, value.map(|value| Ok(to_target_epoch(value).encode())))
            }
            Self::Target { member, value } => {
                let key = Key::TargetAssignmentMember { group, member: member.to_string() };
                (key, value.as_ref().map(|value| to_target(value).encode()))
            }
            Self::Current { member, value } => {
                let key = Key::CurrentMemberAssignment { group, member: member.to_string() };
                (key, value.as_ref().map(|value| to_current(value).encode()))
            }
            Self::Regex { regex, value } => {
                let key = Key::RegularExpression { group, regex: regex.to_string() };
                (key, value.as_ref().map(|value| to_regex(value).encode()))
            }
        };
        Ok((key.encode()?, value.transpose()?))
    }

    /// Reads a record with its group; none if it is of another kind.
    pub fn decode(key: &[u8], value: Option<&[u8]>) -> Result<Option<(Text, Self)>, FieldError> {
        let Some(key) = Key::decode(key)? else { return Ok(None) };
        Ok(Some(match key {
            Key::GroupMetadata { group } => {
                let value = value.map(GroupMetadataValue::decode).transpose()?;
                let value = value.map(|value| GroupEpoch { epoch: value.epoch, metadata_hash: value.metadata_hash });
                (group.into(), Self::Epoch(value))
            }
            Key::PartitionMetadata { group } => (group.into(), Self::LegacyMetadata(value.map(Bytes::copy_from_slice))),
            Key::MemberMetadata { group, member } => {
                let value = value.map(MemberMetadataValue::decode).transpose()?.map(from_profile);
                (group.into(), Self::Profile { member: member.into(), value })
            }
            Key::TargetAssignmentMetadata { group } => {
                let value = value.map(TargetAssignmentMetadataValue::decode).transpose()?;
                let value = value.map(|value| TargetEpoch {
                    epoch: value.assignment_epoch,
                    computed_ms: value.assignment_timestamp_ms,
                });
                (group.into(), Self::TargetEpoch(value))
            }
            Key::TargetAssignmentMember { group, member } => {
                let value = value.map(TargetAssignmentMemberValue::decode).transpose()?;
                let value = value.map(|value| Arc::new(from_target(&value)));
                (group.into(), Self::Target { member: member.into(), value })
            }
            Key::CurrentMemberAssignment { group, member } => {
                let value = value.map(CurrentMemberAssignmentValue::decode).transpose()?;
                let value = value.as_ref().map(from_current);
                (group.into(), Self::Current { member: member.into(), value })
            }
            Key::RegularExpression { group, regex } => {
                let value = value.map(RegularExpressionValue::decode).transpose()?;
                let value = value.map(|value| Arc::new(from_regex(value)));
                (group.into(), Self::Regex { regex: regex.into(), value })
            }
        }))
    }
}

fn to_epoch(value: GroupEpoch) -> GroupMetadataValue {
    GroupMetadataValue { epoch: value.epoch, metadata_hash: value.metadata_hash }
}

fn to_target_epoch(value: TargetEpoch) -> TargetAssignmentMetadataValue {
    TargetAssignmentMetadataValue { assignment_epoch: value.epoch, assignment_timestamp_ms: value.computed_ms }
}

fn to_profile(value: &Profile) -> MemberMetadataValue {
    let some = |text: &Option<Text>| text.as_ref().map(Text::to_string);
    let protocol = |protocol: &Protocol| (protocol.name.to_string(), protocol.metadata.clone());
    MemberMetadataValue {
        instance_id: some(&value.instance_id),
        rack_id: some(&value.rack_id),
        client_id: value.client_id.to_string(),
        client_host: value.client_host.to_string(),
        subscribed_topic_names: value.topics.iter().map(Text::to_string).collect(),
        subscribed_topic_regex: some(&value.regex),
        rebalance_timeout_ms: value.rebalance_timeout_ms,
        server_assignor: some(&value.assignor),
        classic: value.classic.as_ref().map(|classic| ClassicMemberMetadata {
            session_timeout_ms: classic.session_timeout_ms,
            supported_protocols: classic.protocols.iter().map(protocol).collect(),
        }),
    }
}

fn from_profile(value: MemberMetadataValue) -> Profile {
    let protocol = |(name, metadata): (String, Bytes)| Protocol { name: name.into(), metadata };
    Profile {
        instance_id: value.instance_id.map(Text::from),
        rack_id: value.rack_id.map(Text::from),
        client_id: value.client_id.into(),
        client_host: value.client_host.into(),
        topics: Arc::new(value.subscribed_topic_names.into_iter().map(Text::from).collect()),
        regex: value.subscribed_topic_regex.map(Text::from),
        rebalance_timeout_ms: value.rebalance_timeout_ms,
        assignor: value.server_assignor.map(Text::from),
        classic: value.classic.map(|classic| ClassicPart {
            session_timeout_ms: classic.session_timeout_ms,
            protocols: classic.supported_protocols.into_iter().map(protocol).collect(),
        }),
    }
}

fn to_target(value: &Partitions) -> TargetAssignmentMemberValue {
    let topic = |(topic, partitions): (&crate::ids::Uuid, &std::collections::BTreeSet<i32>)| TargetTopic {
        topic_id: *topic,
        partitions: partitions.iter().copied().collect(),
    };
    TargetAssignmentMemberValue { topics: value.topics().map(topic).collect() }
}

fn from_target(value: &TargetAssignmentMemberValue) -> Partitions {
    let each = |topic: &TargetTopic| {
        let id = topic.topic_id;
        topic.partitions.clone().into_iter().map(move |partition| (id, partition))
    };
    value.topics.iter().flat_map(each).collect()
}

fn to_current(value: &Current) -> CurrentMemberAssignmentValue {
    let topics = |owned: &Owned| {
        let each = owned.topics().map(|(topic, partitions)| CurrentTopic {
            topic_id: *topic,
            partitions: partitions.keys().copied().collect(),
            assignment_epochs: Some(partitions.values().copied().collect()),
        });
        each.collect()
    };
    CurrentMemberAssignmentValue {
        member_epoch: value.epoch,
        previous_member_epoch: value.previous_epoch,
        state: value.state.number(),
        assigned: topics(&value.assigned),
        pending_revocation: topics(&value.revoking),
    }
}

/// Before Kafka 4.3 the epochs of the single partitions were not kept: then the member's own stands for each.
fn from_current(value: &CurrentMemberAssignmentValue) -> Current {
    let owned = |topics: &[CurrentTopic]| {
        let mut owned = Owned::default();
        for topic in topics {
            for (at, partition) in topic.partitions.iter().enumerate() {
                let epoch = topic.assignment_epochs.as_ref().and_then(|epochs| epochs.get(at)).copied();
                owned.insert(topic.topic_id, *partition, epoch.unwrap_or(value.member_epoch));
            }
        }
        Arc::new(owned)
    };
    Current {
        epoch: value.member_epoch,
        previous_epoch: value.previous_member_epoch,
        state: MemberState::of(value.state),
        assigned: owned(&value.assigned),
        revoking: owned(&value.pending_revocation),
    }
}

fn to_regex(value: &ResolvedRegex) -> RegularExpressionValue {
    RegularExpressionValue {
        topics: value.topics.iter().map(Text::to_string).collect(),
        version: value.metadata_offset,
        timestamp_ms: value.resolved_ms,
    }
}

fn from_regex(value: RegularExpressionValue) -> ResolvedRegex {
    ResolvedRegex {
        topics: value.topics.into_iter().map(Text::from).collect(),
        metadata_offset: value.version,
        resolved_ms: value.timestamp_ms,
    }
}
