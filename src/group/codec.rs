//! A shard's records as Kafka's own bytes, and back.

use super::consumer::ConsumerRecord;
use super::records::{CommittedOffset, Record, StoredGroup, StoredMember};
use super::share::ShareRecord;
use super::Text;
use crate::record::internal::offsets::{GroupMetadataValue, Key, MemberMetadata, OffsetCommitValue};
use crate::record::internal::FieldError;
use std::collections::BTreeSet;

impl Record {
    /// Key, and value or tombstone. Fails on a text of more than 32,767 bytes, which no record can hold.
    pub fn encode(&self) -> Result<(Vec<u8>, Option<Vec<u8>>), FieldError> {
        match self {
            Self::Group { group, value } => {
                let key = Key::GroupMetadata { group: group.to_string() }.encode()?;
                Ok((key, value.as_ref().map(|value| to_metadata(value).encode()).transpose()?))
            }
            Self::Consumer { group, record } => record.encode(group),
            Self::Share { group, record } => record.encode(group),
            Self::Offset { group, topic, partition, value } => {
                let (group, topic) = (group.to_string(), topic.to_string());
                let key = Key::OffsetCommit { group, topic, partition: *partition }.encode()?;
                Ok((key, value.as_ref().map(|value| to_commit(value).encode()).transpose()?))
            }
        }
    }

    /// Reads a record; none if it is of a kind that is not known here.
    pub fn decode(key: &[u8], value: Option<&[u8]>) -> Result<Option<Self>, FieldError> {
        Ok(Some(match Key::decode(key)? {
            Key::GroupMetadata { group } => {
                let value = value.map(GroupMetadataValue::decode).transpose()?.map(from_metadata);
                Self::Group { group: group.into(), value }
            }
            Key::OffsetCommit { group, topic, partition } => {
                let value = value.map(OffsetCommitValue::decode).transpose()?.map(from_commit);
                Self::Offset { group: group.into(), topic: topic.into(), partition, value }
            }
            Key::Unknown(_) => {
                if let Some((group, record)) = ConsumerRecord::decode(key, value)? {
                    return Ok(Some(Self::Consumer { group, record }));
                }
                let of_group = |(group, record)| Self::Share { group, record };
                return Ok(ShareRecord::decode(key, value)?.map(of_group));
            }
        }))
    }
}

fn to_commit(value: &CommittedOffset) -> OffsetCommitValue {
    OffsetCommitValue {
        offset: value.offset,
        leader_epoch: value.leader_epoch,
        metadata: value.metadata.to_string(),
        commit_timestamp_ms: value.commit_timestamp_ms,
        expire_timestamp_ms: value.expire_timestamp_ms.unwrap_or(-1),
        topic_id: value.topic_id,
    }
}

fn from_commit(value: OffsetCommitValue) -> CommittedOffset {
    CommittedOffset {
        offset: value.offset,
        leader_epoch: value.leader_epoch,
        metadata: value.metadata.into(),
        commit_timestamp_ms: value.commit_timestamp_ms,
        expire_timestamp_ms: (value.expire_timestamp_ms != -1).then_some(value.expire_timestamp_ms),
        topic_id: value.topic_id,
    }
}

fn to_metadata(value: &StoredGroup) -> GroupMetadataValue {
    let text = |text: &Text| text.to_string();
    let member = |m: &StoredMember| MemberMetadata {
        member_id: text(&m.id),
        group_instance_id: m.instance_id.as_ref().map(text),
        client_id: text(&m.client_id),
        client_host: text(&m.client_host),
        rebalance_timeout_ms: m.rebalance_timeout_ms,
        session_timeout_ms: m.session_timeout_ms,
        subscription: m.subscription.clone(),
        assignment: m.assignment.clone(),
    };
    GroupMetadataValue {
        protocol_type: value.protocol_type.as_ref().map(text).unwrap_or_default(),
        generation: value.generation,
        protocol: value.protocol_name.as_ref().map(text),
        leader: value.leader.as_ref().map(text),
        current_state_timestamp_ms: value.state_since_ms.unwrap_or(-1),
        members: value.members.iter().map(member).collect(),
    }
}

/// Members come out by id, and each id and instance id once, whatever the log says.
fn from_metadata(value: GroupMetadataValue) -> StoredGroup {
    let mut instances = BTreeSet::new();
    let mut members: Vec<StoredMember> = value.members.into_iter().map(from_member).collect();
    members.sort_by(|a, b| a.id.cmp(&b.id));
    members.dedup_by(|a, b| a.id == b.id);
    members.retain(|m| m.instance_id.as_ref().is_none_or(|id| instances.insert(id.clone())));
    StoredGroup {
        protocol_type: Some(Text::from(value.protocol_type)).filter(|text| !text.is_empty()),
        protocol_name: value.protocol.map(Text::from),
        generation: value.generation,
        leader: value.leader.map(Text::from),
        state_since_ms: Some(value.current_state_timestamp_ms).filter(|ms| *ms != -1),
        members: members.into(),
    }
}

fn from_member(m: MemberMetadata) -> StoredMember {
    let timeout_ms = m.session_timeout_ms;
    StoredMember {
        id: m.member_id.into(),
        instance_id: m.group_instance_id.map(Text::from),
        client_id: m.client_id.into(),
        client_host: m.client_host.into(),
        // Version 0 has none.
        rebalance_timeout_ms: if m.rebalance_timeout_ms == -1 { timeout_ms } else { m.rebalance_timeout_ms },
        session_timeout_ms: timeout_ms,
        subscription: m.subscription,
        assignment: m.assignment,
    }
}
