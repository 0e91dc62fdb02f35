//! Keys and values of `__consumer_offsets` for share groups (KIP-932).
//!
//! As beside them in `offsets`, a key's version tells what kind it is. All values are of version 0, which is flexible.

use super::fields::{FieldError, Reader, Writer};
use crate::ids::Uuid;

const MEMBER_METADATA_KEY: i16 = 10;
const GROUP_METADATA_KEY: i16 = 11;
const TARGET_ASSIGNMENT_METADATA_KEY: i16 = 12;
const TARGET_ASSIGNMENT_MEMBER_KEY: i16 = 13;
const CURRENT_MEMBER_ASSIGNMENT_KEY: i16 = 14;
const STATE_PARTITION_METADATA_KEY: i16 = 15;

/// A key of `__consumer_offsets` that belongs to a share group.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "every kind names its group, and its member where it has one")]
pub enum Key {
    /// Version 10. Its value is a [`MemberMetadataValue`].
    MemberMetadata { group: String, member: String },
    /// Version 11. Its value is a [`GroupMetadataValue`].
    GroupMetadata { group: String },
    /// Version 12. Its value is a [`TargetAssignmentMetadataValue`].
    TargetAssignmentMetadata { group: String },
    /// Version 13. Its value is [`AssignedTopics`].
    TargetAssignmentMember { group: String, member: String },
    /// Version 14. Its value is a [`CurrentMemberAssignmentValue`].
    CurrentMemberAssignment { group: String, member: String },
    /// Version 15. Its value is a [`StatePartitionMetadataValue`].
    StatePartitionMetadata { group: String },
}

impl Key {
    /// Reads a key; `None` if it is of another kind.
    pub fn decode(bytes: &[u8]) -> Result<Option<Self>, FieldError> {
        let mut fields = Reader::new(bytes);
        Ok(Some(match fields.i16()? {
            MEMBER_METADATA_KEY => Self::MemberMetadata { group: fields.string()?, member: fields.string()? },
            GROUP_METADATA_KEY => Self::GroupMetadata { group: fields.string()? },
            TARGET_ASSIGNMENT_METADATA_KEY => Self::TargetAssignmentMetadata { group: fields.string()? },
            TARGET_ASSIGNMENT_MEMBER_KEY => {
                Self::TargetAssignmentMember { group: fields.string()?, member: fields.string()? }
            }
            CURRENT_MEMBER_ASSIGNMENT_KEY => {
                Self::CurrentMemberAssignment { group: fields.string()?, member: fields.string()? }
            }
            STATE_PARTITION_METADATA_KEY => Self::StatePartitionMetadata { group: fields.string()? },
            _ => return Ok(None),
        }))
    }

    /// Writes the key; fails on a text of more than 32,767 bytes.
    pub fn encode(&self) -> Result<Vec<u8>, FieldError> {
        let (version, group, member) = match self {
            Self::MemberMetadata { group, member } => (MEMBER_METADATA_KEY, group, Some(member)),
            Self::GroupMetadata { group } => (GROUP_METADATA_KEY, group, None),
            Self::TargetAssignmentMetadata { group } => (TARGET_ASSIGNMENT_METADATA_KEY, group, None),
            Self::TargetAssignmentMember { group, member } => (TARGET_ASSIGNMENT_MEMBER_KEY, group, Some(member)),
            Self::CurrentMemberAssignment { group, member } => (CURRENT_MEMBER_ASSIGNMENT_KEY, group, Some(member)),
            Self::StatePartitionMetadata { group } => (STATE_PARTITION_METADATA_KEY, group, None),
        };
        let mut fields = Writer::new(version, false);
        fields.string(group)?;
        if let Some(member) = member {
            fields.string(member)?;
        }
        Ok(fields.finish())
    }
}

fn reader(bytes: &[u8]) -> Result<Reader<'_>, FieldError> {
    let mut fields = Reader::new(bytes);
    match fields.i16()? {
        0 => fields.flexible = true,
        version => return Err(FieldError::Version(version)),
    }
    Ok(fields)
}

fn writer() -> Writer {
    Writer::new(0, true)
}

/// What a member says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberMetadataValue {
    /// Its rack.
    pub rack_id: Option<String>,
    /// `client.id`.
    pub client_id: String,
    /// Where it comes from.
    pub client_host: String,
    /// The topics that it names.
    pub subscribed_topic_names: Vec<String>,
}

impl MemberMetadataValue {
    /// Reads version 0.
    pub fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        let mut fields = reader(bytes)?;
        let value = Self {
            rack_id: fields.nullable_string()?,
            client_id: fields.string()?,
            client_host: fields.string()?,
            subscribed_topic_names: fields.list(1, Reader::string)?,
        };
        fields.skip_tagged()?;
        Ok(value)
    }

    /// Writes version 0.
    pub fn encode(&self) -> Result<Vec<u8>, FieldError> {
        let mut fields = writer();
        fields.nullable_string(self.rack_id.as_deref())?;
        fields.string(&self.client_id)?;
        fields.string(&self.client_host)?;
        fields.list(&self.subscribed_topic_names, |fields, name| fields.string(name))?;
        fields.tagged(&[]);
        Ok(fields.finish())
    }
}

/// The group's epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupMetadataValue {
    /// The epoch.
    pub epoch: i32,
    /// A hash of the topics that the group reads.
    pub metadata_hash: i64,
}

impl GroupMetadataValue {
    /// Reads version 0.
    pub fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        let mut fields = reader(bytes)?;
        let value = Self { epoch: fields.i32()?, metadata_hash: fields.i64()? };
        fields.skip_tagged()?;
        Ok(value)
    }

    /// Writes version 0.
    pub fn encode(&self) -> Vec<u8> {
        let mut fields = writer();
        fields.i32(self.epoch);
        fields.i64(self.metadata_hash);
        fields.tagged(&[]);
        fields.finish()
    }
}

/// The epoch of the target assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetAssignmentMetadataValue {
    /// The epoch.
    pub assignment_epoch: i32,
    /// When it was computed, ms since the epoch; 0 if that is not known (KIP-1263).
    pub assignment_timestamp_ms: i64,
}

impl TargetAssignmentMetadataValue {
    /// Reads version 0.
    pub fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        let mut fields = reader(bytes)?;
        let assignment_epoch = fields.i32()?;
        let mut assignment_timestamp_ms = 0;
        fields.tagged(|tag, mut field| {
            if tag == 0 {
                assignment_timestamp_ms = field.i64()?;
            }
            Ok(())
        })?;
        Ok(Self { assignment_epoch, assignment_timestamp_ms })
    }

    /// Writes version 0.
    pub fn encode(&self) -> Vec<u8> {
        let mut fields = writer();
        fields.i32(self.assignment_epoch);
        match self.assignment_timestamp_ms {
            0 => fields.tagged(&[]),
            timestamp_ms => fields.tagged(&[(0, &timestamp_ms.to_be_bytes())]),
        }
        fields.finish()
    }
}

/// Partitions of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignedTopic {
    /// The topic's id.
    pub topic_id: Uuid,
    /// Partition indexes.
    pub partitions: Vec<i32>,
}

impl AssignedTopic {
    /// Id, length and tags.
    const LEAST_BYTES: usize = 18;

    fn decode(fields: &mut Reader<'_>) -> Result<Self, FieldError> {
        let topic = Self { topic_id: fields.uuid()?, partitions: fields.list(4, Reader::i32)? };
        fields.skip_tagged()?;
        Ok(topic)
    }

    fn encode(&self, fields: &mut Writer) -> Result<(), FieldError> {
        fields.uuid(self.topic_id);
        fields.ints(&self.partitions)?;
        fields.tagged(&[]);
        Ok(())
    }
}

/// What a member is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignedTopics(pub Vec<AssignedTopic>);

impl AssignedTopics {
    /// Reads version 0.
    pub fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        let mut fields = reader(bytes)?;
        let topics = fields.list(AssignedTopic::LEAST_BYTES, AssignedTopic::decode)?;
        fields.skip_tagged()?;
        Ok(Self(topics))
    }

    /// Writes version 0.
    pub fn encode(&self) -> Result<Vec<u8>, FieldError> {
        let mut fields = writer();
        fields.list(&self.0, |fields, topic| topic.encode(fields))?;
        fields.tagged(&[]);
        Ok(fields.finish())
    }
}

/// What a member has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentMemberAssignmentValue {
    /// Its epoch.
    pub member_epoch: i32,
    /// The one before: the answer that raised it may have been lost.
    pub previous_member_epoch: i32,
    /// 0: stable. Members of share groups are never anything else.
    pub state: i8,
    /// Its partitions.
    pub assigned: Vec<AssignedTopic>,
}

impl CurrentMemberAssignmentValue {
    /// Reads version 0.
    pub fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        let mut fields = reader(bytes)?;
        let value = Self {
            member_epoch: fields.i32()?,
            previous_member_epoch: fields.i32()?,
            state: fields.i8()?,
            assigned: fields.list(AssignedTopic::LEAST_BYTES, AssignedTopic::decode)?,
        };
        fields.skip_tagged()?;
        Ok(value)
    }

    /// Writes version 0.
    pub fn encode(&self) -> Result<Vec<u8>, FieldError> {
        let mut fields = writer();
        fields.i32(self.member_epoch);
        fields.i32(self.previous_member_epoch);
        fields.i8(self.state);
        fields.list(&self.assigned, |fields, topic| topic.encode(fields))?;
        fields.tagged(&[]);
        Ok(fields.finish())
    }
}

/// A topic whose share-group state exists or is being made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateTopic {
    /// The topic's id.
    pub topic_id: Uuid,
    /// The topic's name.
    pub name: String,
    /// Partition indexes; of a topic whose state is being deleted there are none.
    pub partitions: Vec<i32>,
}

impl StateTopic {
    /// Id, two lengths and tags.
    const LEAST_BYTES: usize = 18;

    fn decode(fields: &mut Reader<'_>, with_partitions: bool) -> Result<Self, FieldError> {
        let (topic_id, name) = (fields.uuid()?, fields.string()?);
        let partitions = if with_partitions { fields.list(4, Reader::i32)? } else { Vec::new() };
        fields.skip_tagged()?;
        Ok(Self { topic_id, name, partitions })
    }

    fn encode(&self, fields: &mut Writer, with_partitions: bool) -> Result<(), FieldError> {
        fields.uuid(self.topic_id);
        fields.string(&self.name)?;
        if with_partitions {
            fields.ints(&self.partitions)?;
        }
        fields.tagged(&[]);
        Ok(())
    }
}

/// Which partitions' share-group state a group has, is to get, or loses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatePartitionMetadataValue {
    /// Being made.
    pub initializing: Vec<StateTopic>,
    /// Made.
    pub initialized: Vec<StateTopic>,
    /// Being deleted.
    pub deleting: Vec<StateTopic>,
}

impl StatePartitionMetadataValue {
    /// Reads version 0.
    pub fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        let mut fields = reader(bytes)?;
        let value = Self {
            initializing: fields.list(StateTopic::LEAST_BYTES, |fields| StateTopic::decode(fields, true))?,
            initialized: fields.list(StateTopic::LEAST_BYTES, |fields| StateTopic::decode(fields, true))?,
            deleting: fields.list(StateTopic::LEAST_BYTES, |fields| StateTopic::decode(fields, false))?,
        };
        fields.skip_tagged()?;
        Ok(value)
    }

    /// Writes version 0.
    pub fn encode(&self) -> Result<Vec<u8>, FieldError> {
        let mut fields = writer();
        fields.list(&self.initializing, |fields, topic| topic.encode(fields, true))?;
        fields.list(&self.initialized, |fields, topic| topic.encode(fields, true))?;
        fields.list(&self.deleting, |fields, topic| topic.encode(fields, false))?;
        fields.tagged(&[]);
        Ok(fields.finish())
    }
}
