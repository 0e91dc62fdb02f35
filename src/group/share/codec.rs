//! A share group's records as Kafka's own bytes, and back.

use super::super::consumer::Partitions;
use super::super::Text;
use super::records::{Current, GroupEpoch, NamedPartitions, Profile, ShareRecord, StatePartitions};
use crate::record::internal::share_groups::{
    AssignedTopic, AssignedTopics, CurrentMemberAssignmentValue, GroupMetadataValue, Key, MemberMetadataValue,
    StatePartitionMetadataValue, StateTopic, TargetAssignmentMetadataValue,
};
use crate::record::internal::FieldError;

impl ShareRecord {
    /// Key, and value or tombstone. Fails on a text of more than 32,767 bytes in a key.
    pub fn encode(&self, group: &Text) -> Result<(Vec<u8>, Option<Vec<u8>>), FieldError> {
        let group = group.to_string();
        let (key, value) = match self {
            Self::Epoch(value) => {
                let value =
                    value.map(|GroupEpoch { epoch, metadata_hash }| GroupMetadataValue { epoch, metadata_hash });
                (Key::GroupMetadata { group }, value.map(|value| Ok(value.encode())))
            }
            Self::Profile(member, value) => {
                let key = Key::MemberMetadata { group, member: member.to_string() };
                (key, value.as_ref().map(|value| to_profile(value).encode()))
            }
            Self::TargetEpoch(value) => {
                let value = value.map(|(assignment_epoch, assignment_timestamp_ms)| TargetAssignmentMetadataValue {
                    assignment_epoch,
                    assignment_timestamp_ms,
                });
                (Key::TargetAssignmentMetadata { group }, value.map(|value| Ok(value.encode())))
            }
            Self::Target(member, value) => {
                let key = Key::TargetAssignmentMember { group, member: member.to_string() };
                (key, value.as_ref().map(|value| AssignedTopics(to_topics(value)).encode()))
            }
            Self::Current(member, value) => {
                let key = Key::CurrentMemberAssignment { group, member: member.to_string() };
                (key, value.as_ref().map(|value| to_current(value).encode()))
            }
            Self::StatePartitions(value) => {
                (Key::StatePartitionMetadata { group }, value.as_ref().map(|value| to_state(value).encode()))
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
            Key::MemberMetadata { group, member } => {
                let value = value.map(MemberMetadataValue::decode).transpose()?.map(from_profile);
                (group.into(), Self::Profile(member.into(), value))
            }
            Key::TargetAssignmentMetadata { group } => {
                let value = value.map(TargetAssignmentMetadataValue::decode).transpose()?;
                let value = value.map(|value| (value.assignment_epoch, value.assignment_timestamp_ms));
                (group.into(), Self::TargetEpoch(value))
            }
            Key::TargetAssignmentMember { group, member } => {
                let value = value.map(AssignedTopics::decode).transpose()?.map(|value| from_topics(value.0));
                (group.into(), Self::Target(member.into(), value))
            }
            Key::CurrentMemberAssignment { group, member } => {
                let value = value.map(CurrentMemberAssignmentValue::decode).transpose()?.map(|value| Current {
                    epoch: value.member_epoch,
                    previous_epoch: value.previous_member_epoch,
                    assigned: from_topics(value.assigned),
                });
                (group.into(), Self::Current(member.into(), value))
            }
            Key::StatePartitionMetadata { group } => {
                let value = value.map(StatePartitionMetadataValue::decode).transpose()?.map(from_state);
                (group.into(), Self::StatePartitions(value))
            }
        }))
    }
}

fn to_profile(value: &Profile) -> MemberMetadataValue {
    MemberMetadataValue {
        rack_id: value.rack_id.as_ref().map(Text::to_string),
        client_id: value.client_id.to_string(),
        client_host: value.client_host.to_string(),
        subscribed_topic_names: value.topics.iter().map(Text::to_string).collect(),
    }
}

fn from_profile(value: MemberMetadataValue) -> Profile {
    Profile {
        rack_id: value.rack_id.map(Text::from),
        client_id: value.client_id.into(),
        client_host: value.client_host.into(),
        topics: value.subscribed_topic_names.into_iter().map(Text::from).collect(),
    }
}

fn to_topics(value: &Partitions) -> Vec<AssignedTopic> {
    let topic = |(id, partitions): (&crate::ids::Uuid, &std::collections::BTreeSet<i32>)| AssignedTopic {
        topic_id: *id,
        partitions: partitions.iter().copied().collect(),
    };
    value.topics().map(topic).collect()
}

fn from_topics(topics: Vec<AssignedTopic>) -> Partitions {
    let each = topics.into_iter().flat_map(|topic| topic.partitions.into_iter().map(move |at| (topic.topic_id, at)));
    each.collect()
}

/// Kafka's number of a stable member.
const STABLE: i8 = 0;

fn to_current(value: &Current) -> CurrentMemberAssignmentValue {
    CurrentMemberAssignmentValue {
        member_epoch: value.epoch,
        previous_member_epoch: value.previous_epoch,
        state: STABLE,
        assigned: to_topics(&value.assigned),
    }
}

fn to_state(value: &StatePartitions) -> StatePartitionMetadataValue {
    let topics = |topics: &NamedPartitions| {
        let topics = topics.iter().map(|(topic_id, (name, partitions))| StateTopic {
            topic_id: *topic_id,
            name: name.to_string(),
            partitions: partitions.iter().copied().collect(),
        });
        topics.collect()
    };
    let deleting = value.deleting.iter().map(|(topic_id, name)| StateTopic {
        topic_id: *topic_id,
        name: name.to_string(),
        partitions: Vec::new(),
    });
    StatePartitionMetadataValue {
        initializing: topics(&value.initializing),
        initialized: topics(&value.initialized),
        deleting: deleting.collect(),
    }
}

fn from_state(value: StatePartitionMetadataValue) -> StatePartitions {
    let topics = |topics: Vec<StateTopic>| {
        let topics = topics.into_iter().map(|topic| {
            let partitions = topic.partitions.into_iter().collect();
            (topic.topic_id, (Text::from(topic.name), partitions))
        });
        topics.collect()
    };
    StatePartitions {
        initializing: topics(value.initializing),
        initialized: topics(value.initialized),
        deleting: value.deleting.into_iter().map(|topic| (topic.topic_id, Text::from(topic.name))).collect(),
    }
}
