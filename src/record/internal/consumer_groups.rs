//! Keys and values of `__consumer_offsets` for groups of the consumer protocol (KIP-848).
//!
//! As beside them in `offsets`, a key's version tells what kind it is. All values are of version 0, which is flexible.

use super::fields::{FieldError, Reader, Writer};
use crate::ids::Uuid;
use bytes::Bytes;

const GROUP_METADATA_KEY: i16 = 3;
const PARTITION_METADATA_KEY: i16 = 4;
const MEMBER_METADATA_KEY: i16 = 5;
const TARGET_ASSIGNMENT_METADATA_KEY: i16 = 6;
const TARGET_ASSIGNMENT_MEMBER_KEY: i16 = 7;
const CURRENT_MEMBER_ASSIGNMENT_KEY: i16 = 8;
const REGULAR_EXPRESSION_KEY: i16 = 16;

/// A key of `__consumer_offsets` that belongs to a consumer group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// Version 3. Its value is a [`GroupMetadataValue`].
    GroupMetadata {
        /// The group.
        group: String,
    },
    /// Version 4. Written before Kafka 4.1; since then only its tombstones.
    PartitionMetadata {
        /// The group.
        group: String,
    },
    /// Version 5. Its value is a [`MemberMetadataValue`].
    MemberMetadata {
        /// The group.
        group: String,
        /// The member.
        member: String,
    },
    /// Version 6. Its value is a [`TargetAssignmentMetadataValue`].
    TargetAssignmentMetadata {
        /// The group.
        group: String,
    },
    /// Version 7. Its value is a [`TargetAssignmentMemberValue`].
    TargetAssignmentMember {
        /// The group.
        group: String,
        /// The member.
        member: String,
    },
    /// Version 8. Its value is a [`CurrentMemberAssignmentValue`].
    CurrentMemberAssignment {
        /// The group.
        group: String,
        /// The member.
        member: String,
    },
    /// Version 16. Its value is a [`RegularExpressionValue`].
    RegularExpression {
        /// The group.
        group: String,
        /// The expression as its members wrote it.
        regex: String,
    },
}

impl Key {
    /// Reads a key; `None` if it is of another kind.
    pub fn decode(bytes: &[u8]) -> Result<Option<Self>, FieldError> {
        let mut fields = Reader::new(bytes);
        Ok(Some(match fields.i16()? {
            GROUP_METADATA_KEY => Self::GroupMetadata { group: fields.string()? },
            PARTITION_METADATA_KEY => Self::PartitionMetadata { group: fields.string()? },
            MEMBER_METADATA_KEY => Self::MemberMetadata { group: fields.string()?, member: fields.string()? },
            TARGET_ASSIGNMENT_METADATA_KEY => Self::TargetAssignmentMetadata { group: fields.string()? },
            TARGET_ASSIGNMENT_MEMBER_KEY => {
                Self::TargetAssignmentMember { group: fields.string()?, member: fields.string()? }
            }
            CURRENT_MEMBER_ASSIGNMENT_KEY => {
                Self::CurrentMemberAssignment { group: fields.string()?, member: fields.string()? }
            }
            REGULAR_EXPRESSION_KEY => Self::RegularExpression { group: fields.string()?, regex: fields.string()? },
            _ => return Ok(None),
        }))
    }

    /// Writes the key; fails on a text of more than 32,767 bytes.
    pub fn encode(&self) -> Result<Vec<u8>, FieldError> {
        let (version, group, rest) = match self {
            Self::GroupMetadata { group } => (GROUP_METADATA_KEY, group, None),
            Self::PartitionMetadata { group } => (PARTITION_METADATA_KEY, group, None),
            Self::MemberMetadata { group, member } => (MEMBER_METADATA_KEY, group, Some(member)),
            Self::TargetAssignmentMetadata { group } => (TARGET_ASSIGNMENT_METADATA_KEY, group, None),
            Self::TargetAssignmentMember { group, member } => (TARGET_ASSIGNMENT_MEMBER_KEY, group, Some(member)),
            Self::CurrentMemberAssignment { group, member } => (CURRENT_MEMBER_ASSIGNMENT_KEY, group, Some(member)),
            Self::RegularExpression { group, regex } => (REGULAR_EXPRESSION_KEY, group, Some(regex)),
        };
        let mut fields = Writer::new(version, false);
        fields.string(group)?;
        if let Some(text) = rest {
            fields.string(text)?;
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

/// A group's epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMetadataValue {
    /// The epoch.
    pub epoch: i32,
    /// A hash of the metadata of all topics that the group reads; 0 if it reads none, or was last written before
    /// Kafka 4.1.
    pub metadata_hash: i64,
}

impl GroupMetadataValue {
    /// Reads version 0.
    pub fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        let mut fields = reader(bytes)?;
        let epoch = fields.i32()?;
        let mut metadata_hash = 0;
        fields.tagged(|tag, mut field| {
            if tag == 0 {
                metadata_hash = field.i64()?;
            }
            Ok(())
        })?;
        Ok(Self { epoch, metadata_hash })
    }

    /// Writes version 0.
    pub fn encode(&self) -> Vec<u8> {
        let mut fields = writer();
        fields.i32(self.epoch);
        tagged_i64(&mut fields, self.metadata_hash);
        fields.finish()
    }
}

/// Ends a structure whose only tagged field is a number that defaults to 0.
fn tagged_i64(fields: &mut Writer, value: i64) {
    match value {
        0 => fields.tagged(&[]),
        value => fields.tagged(&[(0, &value.to_be_bytes())]),
    }
}

/// What a member says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberMetadataValue {
    /// `group.instance.id` of a static member.
    pub instance_id: Option<String>,
    /// `client.rack`.
    pub rack_id: Option<String>,
    /// `client.id`.
    pub client_id: String,
    /// Where it comes from: `/` and its address.
    pub client_host: String,
    /// The topics that it names.
    pub subscribed_topic_names: Vec<String>,
    /// The expression that it subscribes by.
    pub subscribed_topic_regex: Option<String>,
    /// How long it may take to give partitions up, ms.
    pub rebalance_timeout_ms: i32,
    /// The assignor that it asks for.
    pub server_assignor: Option<String>,
    /// Set if it speaks the classic protocol.
    pub classic: Option<ClassicMemberMetadata>,
}

/// What a member that speaks the classic protocol brought in its JoinGroup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassicMemberMetadata {
    /// How long it may be silent, ms.
    pub session_timeout_ms: i32,
    /// Its protocols, in its order: name and metadata.
    pub supported_protocols: Vec<(String, Bytes)>,
}

impl MemberMetadataValue {
    /// Reads version 0.
    pub fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        let mut fields = reader(bytes)?;
        let mut value = Self {
            instance_id: fields.nullable_string()?,
            rack_id: fields.nullable_string()?,
            client_id: fields.string()?,
            client_host: fields.string()?,
            subscribed_topic_names: fields.list(1, Reader::string)?,
            subscribed_topic_regex: fields.nullable_string()?,
            rebalance_timeout_ms: fields.i32()?,
            server_assignor: fields.nullable_string()?,
            classic: None,
        };
        fields.tagged(|tag, mut field| {
            if tag == 0 && field.i8()? > 0 {
                value.classic = Some(ClassicMemberMetadata::decode(&mut field)?);
            }
            Ok(())
        })?;
        Ok(value)
    }

    /// Writes version 0. That there is no classic part is written out, as Kafka does.
    pub fn encode(&self) -> Result<Vec<u8>, FieldError> {
        let mut fields = writer();
        fields.nullable_string(self.instance_id.as_deref())?;
        fields.nullable_string(self.rack_id.as_deref())?;
        fields.string(&self.client_id)?;
        fields.string(&self.client_host)?;
        fields.list(&self.subscribed_topic_names, |fields, topic| fields.string(topic))?;
        fields.nullable_string(self.subscribed_topic_regex.as_deref())?;
        fields.i32(self.rebalance_timeout_ms);
        fields.nullable_string(self.server_assignor.as_deref())?;
        let classic = match &self.classic {
            None => vec![0],
            Some(classic) => classic.encode()?,
        };
        fields.tagged(&[(0, &classic)]);
        Ok(fields.finish())
    }
}

impl ClassicMemberMetadata {
    fn decode(fields: &mut Reader<'_>) -> Result<Self, FieldError> {
        let protocol = |fields: &mut Reader<'_>| {
            let protocol = (fields.string()?, fields.bytes()?);
            fields.skip_tagged()?;
            Ok(protocol)
        };
        let value = Self {
            session_timeout_ms: fields.i32()?,
            supported_protocols: fields.list(PROTOCOL_LEAST_BYTES, protocol)?,
        };
        fields.skip_tagged()?;
        Ok(value)
    }

    fn encode(&self) -> Result<Vec<u8>, FieldError> {
        let mut fields = Writer::nested();
        fields.i8(1);
        fields.i32(self.session_timeout_ms);
        fields.list(&self.supported_protocols, |fields, (name, metadata)| {
            fields.string(name)?;
            fields.bytes(metadata)?;
            fields.tagged(&[]);
            Ok(())
        })?;
        fields.tagged(&[]);
        Ok(fields.finish())
    }
}

/// A name's length, the metadata's, and the count of tags.
const PROTOCOL_LEAST_BYTES: usize = 3;
/// A topic's id, the count of partitions, and the count of tags.
const TOPIC_LEAST_BYTES: usize = 18;

/// The epoch of a target assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetAssignmentMetadataValue {
    /// The group's epoch that it was computed for.
    pub assignment_epoch: i32,
    /// When it was computed, ms since the epoch; 0 before Kafka 4.3.
    pub assignment_timestamp_ms: i64,
}

impl TargetAssignmentMetadataValue {
    /// Reads version 0.
    pub fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        let GroupMetadataValue { epoch, metadata_hash } = GroupMetadataValue::decode(bytes)?;
        // Field by field the same, under other names.
        Ok(Self { assignment_epoch: epoch, assignment_timestamp_ms: metadata_hash })
    }

    /// Writes version 0.
    pub fn encode(&self) -> Vec<u8> {
        let mut fields = writer();
        fields.i32(self.assignment_epoch);
        tagged_i64(&mut fields, self.assignment_timestamp_ms);
        fields.finish()
    }
}

/// Partitions of one topic that a member is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetTopic {
    /// The topic.
    pub topic_id: Uuid,
    /// Partition indexes.
    pub partitions: Vec<i32>,
}

/// What one member is to have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetAssignmentMemberValue {
    /// By topic.
    pub topics: Vec<TargetTopic>,
}

impl TargetAssignmentMemberValue {
    /// Reads version 0.
    pub fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        let mut fields = reader(bytes)?;
        let topics = fields.list(TOPIC_LEAST_BYTES, |fields| {
            let topic = TargetTopic { topic_id: fields.uuid()?, partitions: fields.list(4, Reader::i32)? };
            fields.skip_tagged()?;
            Ok(topic)
        })?;
        Ok(Self { topics })
    }

    /// Writes version 0.
    pub fn encode(&self) -> Result<Vec<u8>, FieldError> {
        let mut fields = writer();
        fields.list(&self.topics, |fields, topic| {
            fields.uuid(topic.topic_id);
            fields.ints(&topic.partitions)?;
            fields.tagged(&[]);
            Ok(())
        })?;
        fields.tagged(&[]);
        Ok(fields.finish())
    }
}

/// Partitions of one topic that a member has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentTopic {
    /// The topic.
    pub topic_id: Uuid,
    /// Partition indexes.
    pub partitions: Vec<i32>,
    /// The epoch in which the member came to each; none before Kafka 4.3.
    pub assignment_epochs: Option<Vec<i32>>,
}

/// What one member has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CurrentMemberAssignmentValue {
    /// Its epoch.
    pub member_epoch: i32,
    /// The one before, in case the answer that raised it was lost.
    pub previous_member_epoch: i32,
    /// 0 stable, 1 has still to give partitions up, 2 waits for others to do so, 127 unknown.
    pub state: i8,
    /// What it has, by topic.
    pub assigned: Vec<CurrentTopic>,
    /// What it must give up, by topic.
    pub pending_revocation: Vec<CurrentTopic>,
}

impl CurrentMemberAssignmentValue {
    /// Reads version 0.
    pub fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        let mut fields = reader(bytes)?;
        Ok(Self {
            member_epoch: fields.i32()?,
            previous_member_epoch: fields.i32()?,
            state: fields.i8()?,
            assigned: fields.list(TOPIC_LEAST_BYTES, CurrentTopic::decode)?,
            pending_revocation: fields.list(TOPIC_LEAST_BYTES, CurrentTopic::decode)?,
        })
    }

    /// Writes version 0.
    pub fn encode(&self) -> Result<Vec<u8>, FieldError> {
        let mut fields = writer();
        fields.i32(self.member_epoch);
        fields.i32(self.previous_member_epoch);
        fields.i8(self.state);
        fields.list(&self.assigned, CurrentTopic::encode)?;
        fields.list(&self.pending_revocation, CurrentTopic::encode)?;
        fields.tagged(&[]);
        Ok(fields.finish())
    }
}

impl CurrentTopic {
    fn decode(fields: &mut Reader<'_>) -> Result<Self, FieldError> {
        let (topic_id, partitions) = (fields.uuid()?, fields.list(4, Reader::i32)?);
        let mut assignment_epochs = None;
        fields.tagged(|tag, mut field| {
            if tag == 0 {
                assignment_epochs = field.nullable_list(4, Reader::i32)?;
            }
            Ok(())
        })?;
        Ok(Self { topic_id, partitions, assignment_epochs })
    }

    fn encode(fields: &mut Writer, topic: &Self) -> Result<(), FieldError> {
        fields.uuid(topic.topic_id);
        fields.ints(&topic.partitions)?;
        match &topic.assignment_epochs {
            None => fields.tagged(&[]),
            Some(epochs) => {
                let mut nested = Writer::nested();
                nested.ints(epochs)?;
                fields.tagged(&[(0, &nested.finish())]);
            }
        }
        Ok(())
    }
}

/// What an expression stood for when it was last resolved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegularExpressionValue {
    /// The topics that it matched.
    pub topics: Vec<String>,
    /// The version of the cluster's metadata that it was resolved against.
    pub version: i64,
    /// When, ms since the epoch.
    pub timestamp_ms: i64,
}

impl RegularExpressionValue {
    /// Reads version 0.
    pub fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        let mut fields = reader(bytes)?;
        Ok(Self { topics: fields.list(1, Reader::string)?, version: fields.i64()?, timestamp_ms: fields.i64()? })
    }

    /// Writes version 0.
    pub fn encode(&self) -> Result<Vec<u8>, FieldError> {
        let mut fields = writer();
        fields.list(&self.topics, |fields, topic| fields.string(topic))?;
        fields.i64(self.version);
        fields.i64(self.timestamp_ms);
        fields.tagged(&[]);
        Ok(fields.finish())
    }
}
