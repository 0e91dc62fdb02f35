//! What consumers tell each other through the coordinator in the classic protocol: subscriptions and assignments, versions 0 to 3.
//!
//! A version above 3 is read as 3, as every client does: newer versions only add fields behind the known ones.

use super::fields::{FieldError, Reader, Writer};
use bytes::Bytes;

/// Newest version that is known.
pub const LATEST_VERSION: i16 = 3;

/// Partitions of one topic.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TopicPartitions {
    /// The topic's name.
    pub topic: String,
    /// Partition indexes.
    pub partitions: Vec<i32>,
}

impl TopicPartitions {
    /// A name's length and an array's.
    const LEAST_BYTES: usize = 6;

    fn decode(fields: &mut Reader<'_>) -> Result<Self, FieldError> {
        Ok(Self { topic: fields.string()?, partitions: fields.list(4, Reader::i32)? })
    }

    fn encode(fields: &mut Writer, owned: &Self) -> Result<(), FieldError> {
        fields.string(&owned.topic)?;
        fields.list(&owned.partitions, |fields, partition| {
            fields.i32(*partition);
            Ok(())
        })
    }
}

/// What a member wants to read, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Topics to read.
    pub topics: Vec<String>,
    /// The assignor's own.
    pub user_data: Option<Bytes>,
    /// What the member owns now; from version 1.
    pub owned_partitions: Vec<TopicPartitions>,
    /// The generation in which it came to own them, -1 for none; from version 2.
    pub generation_id: i32,
    /// `client.rack`; from version 3.
    pub rack_id: Option<String>,
}

impl Default for Subscription {
    /// To nothing, owning nothing, in no generation.
    fn default() -> Self {
        Self { topics: Vec::new(), user_data: None, owned_partitions: Vec::new(), generation_id: -1, rack_id: None }
    }
}

/// What a member is to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assignment {
    /// Partitions by topic.
    pub partitions: Vec<TopicPartitions>,
    /// The assignor's own.
    pub user_data: Option<Bytes>,
}

fn version(fields: &mut Reader<'_>) -> Result<i16, FieldError> {
    match fields.i16()? {
        version if version < 0 => Err(FieldError::Version(version)),
        version => Ok(version.min(LATEST_VERSION)),
    }
}

fn writer(version: i16) -> Result<Writer, FieldError> {
    match version {
        0..=LATEST_VERSION => Ok(Writer::new(version, false)),
        _ => Err(FieldError::Version(version)),
    }
}

impl Subscription {
    /// Reads any version from 0 on.
    pub fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        let mut fields = Reader::new(bytes);
        let version = version(&mut fields)?;
        let owned = |fields: &mut Reader<'_>| fields.list(TopicPartitions::LEAST_BYTES, TopicPartitions::decode);
        Ok(Self {
            topics: fields.list(2, Reader::string)?,
            user_data: fields.nullable_bytes()?,
            owned_partitions: if version >= 1 { owned(&mut fields)? } else { Vec::new() },
            generation_id: if version >= 2 { fields.i32()? } else { -1 },
            rack_id: if version >= 3 { fields.nullable_string()? } else { None },
        })
    }

    /// Writes one of the versions 0 to 3. Fields that the version lacks are left out.
    pub fn encode(&self, version: i16) -> Result<Vec<u8>, FieldError> {
        let mut fields = writer(version)?;
        fields.list(&self.topics, |fields, topic| fields.string(topic))?;
        fields.nullable_bytes(self.user_data.as_deref())?;
        if version >= 1 {
            fields.list(&self.owned_partitions, TopicPartitions::encode)?;
        }
        if version >= 2 {
            fields.i32(self.generation_id);
        }
        if version >= 3 {
            fields.nullable_string(self.rack_id.as_deref())?;
        }
        Ok(fields.finish())
    }
}

impl Assignment {
    /// Reads any version from 0 on.
    pub fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        let mut fields = Reader::new(bytes);
        version(&mut fields)?;
        let partitions = fields.list(TopicPartitions::LEAST_BYTES, TopicPartitions::decode)?;
        Ok(Self { partitions, user_data: fields.nullable_bytes()? })
    }

    /// Writes one of the versions 0 to 3, which differ in nothing but the number.
    pub fn encode(&self, version: i16) -> Result<Vec<u8>, FieldError> {
        let mut fields = writer(version)?;
        fields.list(&self.partitions, TopicPartitions::encode)?;
        fields.nullable_bytes(self.user_data.as_deref())?;
        Ok(fields.finish())
    }
}
