//! Keys and values of `__consumer_offsets`: committed offsets, and classic groups with their members.
//!
//! A key's version tells what kind it is. Kinds of newer protocols come out as [`Key::Unknown`], which a loader passes over.

use super::fields::{FieldError, Reader, Writer};
use crate::ids::Uuid;
use bytes::Bytes;

/// First version of both values that is flexible, and the newest that is known.
const FLEXIBLE_VERSION: i16 = 4;
/// What [`GroupMetadataValue::encode`] writes, as Kafka 4.3: the highest version that is not flexible.
const GROUP_METADATA_VERSION: i16 = 3;
/// What [`OffsetCommitValue::encode`] writes for a commit with its own expiry: the only version that has the field.
const EXPIRING_OFFSET_COMMIT_VERSION: i16 = 1;
/// What [`OffsetCommitValue::encode`] writes otherwise, as Kafka 4.3: the first version with a topic id.
const OFFSET_COMMIT_VERSION: i16 = 4;

const LEGACY_OFFSET_COMMIT_KEY: i16 = 0;
const OFFSET_COMMIT_KEY: i16 = 1;
const GROUP_METADATA_KEY: i16 = 2;

/// A key of `__consumer_offsets`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// Version 1, and 0 of older brokers. Its value is an [`OffsetCommitValue`].
    OffsetCommit {
        /// The group.
        group: String,
        /// The topic's name.
        topic: String,
        /// The partition's index.
        partition: i32,
    },
    /// Version 2. Its value is a [`GroupMetadataValue`].
    GroupMetadata {
        /// The group.
        group: String,
    },
    /// A version that is not known here, from a newer or another kind of group.
    Unknown(i16),
}

impl Key {
    /// Reads a key of any version.
    pub fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        let mut fields = Reader::new(bytes);
        match fields.i16()? {
            LEGACY_OFFSET_COMMIT_KEY | OFFSET_COMMIT_KEY => {
                Ok(Self::OffsetCommit { group: fields.string()?, topic: fields.string()?, partition: fields.i32()? })
            }
            GROUP_METADATA_KEY => Ok(Self::GroupMetadata { group: fields.string()? }),
            version => Ok(Self::Unknown(version)),
        }
    }

    /// Writes the key. What is unknown cannot be written; a name over 32,767 bytes neither.
    pub fn encode(&self) -> Result<Vec<u8>, FieldError> {
        match self {
            Self::OffsetCommit { group, topic, partition } => {
                let mut fields = Writer::new(OFFSET_COMMIT_KEY, false);
                fields.string(group)?;
                fields.string(topic)?;
                fields.i32(*partition);
                Ok(fields.finish())
            }
            Self::GroupMetadata { group } => {
                let mut fields = Writer::new(GROUP_METADATA_KEY, false);
                fields.string(group)?;
                Ok(fields.finish())
            }
            Self::Unknown(version) => Err(FieldError::Version(*version)),
        }
    }
}

fn value_version(fields: &mut Reader<'_>) -> Result<i16, FieldError> {
    let version = fields.i16()?;
    if !(0..=FLEXIBLE_VERSION).contains(&version) {
        return Err(FieldError::Version(version));
    }
    fields.flexible = version >= FLEXIBLE_VERSION;
    Ok(version)
}

fn value_writer(version: i16) -> Result<Writer, FieldError> {
    match version {
        0..=FLEXIBLE_VERSION => Ok(Writer::new(version, version >= FLEXIBLE_VERSION)),
        _ => Err(FieldError::Version(version)),
    }
}

/// A committed offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetCommitValue {
    /// The next offset to read.
    pub offset: i64,
    /// Leader epoch of the last record read, -1 if unknown.
    pub leader_epoch: i32,
    /// The client's own words.
    pub metadata: String,
    /// When it was committed, in ms since the epoch.
    pub commit_timestamp_ms: i64,
    /// When it expires, in ms since the epoch; -1 if the broker's retention decides.
    pub expire_timestamp_ms: i64,
    /// The topic's id, nil if unknown.
    pub topic_id: Uuid,
}

impl OffsetCommitValue {
    /// Reads versions 0 to 4.
    pub fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        let mut fields = Reader::new(bytes);
        let version = value_version(&mut fields)?;
        let mut topic_id = Uuid::nil();
        let value = Self {
            offset: fields.i64()?,
            leader_epoch: if version >= 3 { fields.i32()? } else { -1 },
            metadata: fields.string()?,
            commit_timestamp_ms: fields.i64()?,
            expire_timestamp_ms: if version == 1 { fields.i64()? } else { -1 },
            topic_id,
        };
        fields.tagged(|tag, mut field| {
            if tag == 0 {
                topic_id = field.uuid()?;
            }
            Ok(())
        })?;
        Ok(Self { topic_id, ..value })
    }

    /// Writes the version that Kafka 4.3 writes: 1 with an expiry (which loses leader epoch and topic id), else 4.
    pub fn encode(&self) -> Result<Vec<u8>, FieldError> {
        match self.expire_timestamp_ms {
            -1 => self.encode_version(OFFSET_COMMIT_VERSION),
            _ => self.encode_version(EXPIRING_OFFSET_COMMIT_VERSION),
        }
    }

    /// Writes one of the versions 0 to 4. Fields that the version lacks are left out.
    pub fn encode_version(&self, version: i16) -> Result<Vec<u8>, FieldError> {
        let mut fields = value_writer(version)?;
        fields.i64(self.offset);
        if version >= 3 {
            fields.i32(self.leader_epoch);
        }
        fields.string(&self.metadata)?;
        fields.i64(self.commit_timestamp_ms);
        if version == 1 {
            fields.i64(self.expire_timestamp_ms);
        }
        match self.topic_id.is_nil() {
            true => fields.tagged(&[]),
            false => fields.tagged(&[(0, self.topic_id.as_bytes())]),
        }
        Ok(fields.finish())
    }
}

/// A classic group, as its last rebalance left it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupMetadataValue {
    /// `consumer`, `connect`, or another protocol type; empty without members.
    pub protocol_type: String,
    /// The generation.
    pub generation: i32,
    /// The protocol (assignor) that was chosen, `None` without members.
    pub protocol: Option<String>,
    /// The leader's member id, `None` without members.
    pub leader: Option<String>,
    /// When the group last changed its state, in ms since the epoch; -1 if unknown.
    pub current_state_timestamp_ms: i64,
    /// The members.
    pub members: Vec<MemberMetadata>,
}

/// A member of a classic group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberMetadata {
    /// The id that the coordinator gave.
    pub member_id: String,
    /// `group.instance.id` of a static member.
    pub group_instance_id: Option<String>,
    /// `client.id`.
    pub client_id: String,
    /// Where the member comes from: `/` and its address.
    pub client_host: String,
    /// How long a rebalance waits for the member, in ms; -1 in version 0.
    pub rebalance_timeout_ms: i32,
    /// After how long without a heartbeat the member is gone, in ms.
    pub session_timeout_ms: i32,
    /// The member's metadata under the chosen protocol.
    pub subscription: Bytes,
    /// What the leader assigned.
    pub assignment: Bytes,
}

impl GroupMetadataValue {
    /// Reads versions 0 to 4.
    pub fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        let mut fields = Reader::new(bytes);
        let version = value_version(&mut fields)?;
        let value = Self {
            protocol_type: fields.string()?,
            generation: fields.i32()?,
            protocol: fields.nullable_string()?,
            leader: fields.nullable_string()?,
            current_state_timestamp_ms: if version >= 2 { fields.i64()? } else { -1 },
            members: fields.list(MemberMetadata::LEAST_BYTES, |fields| MemberMetadata::decode(fields, version))?,
        };
        fields.skip_tagged()?;
        Ok(value)
    }

    /// Writes version 3, as Kafka 4.3.
    pub fn encode(&self) -> Result<Vec<u8>, FieldError> {
        self.encode_version(GROUP_METADATA_VERSION)
    }

    /// Writes one of the versions 0 to 4. Fields that the version lacks are left out.
    pub fn encode_version(&self, version: i16) -> Result<Vec<u8>, FieldError> {
        let mut fields = value_writer(version)?;
        fields.string(&self.protocol_type)?;
        fields.i32(self.generation);
        fields.nullable_string(self.protocol.as_deref())?;
        fields.nullable_string(self.leader.as_deref())?;
        if version >= 2 {
            fields.i64(self.current_state_timestamp_ms);
        }
        fields.list(&self.members, |fields, member| member.encode(fields, version))?;
        fields.tagged(&[]);
        Ok(fields.finish())
    }
}

impl MemberMetadata {
    /// Five lengths and the session timeout, in the flexible version.
    const LEAST_BYTES: usize = 9;

    fn decode(fields: &mut Reader<'_>, version: i16) -> Result<Self, FieldError> {
        let member = Self {
            member_id: fields.string()?,
            group_instance_id: if version >= 3 { fields.nullable_string()? } else { None },
            client_id: fields.string()?,
            client_host: fields.string()?,
            rebalance_timeout_ms: if version >= 1 { fields.i32()? } else { -1 },
            session_timeout_ms: fields.i32()?,
            subscription: fields.bytes()?,
            assignment: fields.bytes()?,
        };
        fields.skip_tagged()?;
        Ok(member)
    }

    fn encode(&self, fields: &mut Writer, version: i16) -> Result<(), FieldError> {
        fields.string(&self.member_id)?;
        if version >= 3 {
            fields.nullable_string(self.group_instance_id.as_deref())?;
        }
        fields.string(&self.client_id)?;
        fields.string(&self.client_host)?;
        if version >= 1 {
            fields.i32(self.rebalance_timeout_ms);
        }
        fields.i32(self.session_timeout_ms);
        fields.bytes(&self.subscription)?;
        fields.bytes(&self.assignment)?;
        fields.tagged(&[]);
        Ok(())
    }
}
