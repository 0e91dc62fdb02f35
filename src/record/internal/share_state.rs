//! Keys and values of `__share_group_state`: how far share groups have come with a partition (KIP-932).
//!
//! A snapshot says all there is of a share-partition, an update what has changed since; both are in version 0.

use super::fields::{FieldError, Reader, Writer};
use crate::ids::Uuid;

const SNAPSHOT_KEY: i16 = 0;
const UPDATE_KEY: i16 = 1;
/// The one version of both values, a flexible one.
const VALUE_VERSION: i16 = 0;
/// The tag of the delivery-complete count (KIP-1226), left out at its default.
const DELIVERY_COMPLETE_TAG: u32 = 0;
/// Unknown, or not said.
const NOT_SAID: i32 = -1;

/// A key of `__share_group_state`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// Version 0. Its value is a [`SnapshotValue`].
    Snapshot(SharePartitionName),
    /// Version 1. Its value is an [`UpdateValue`].
    Update(SharePartitionName),
    /// A version that is not known here.
    Unknown(i16),
}

/// A partition as one share group reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharePartitionName {
    /// The group.
    pub group: String,
    /// The topic's id.
    pub topic_id: Uuid,
    /// The partition's index.
    pub partition: i32,
}

impl Key {
    /// Reads a key of any version.
    pub fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        let mut fields = Reader::new(bytes);
        let kind = match fields.i16()? {
            SNAPSHOT_KEY => Self::Snapshot,
            UPDATE_KEY => Self::Update,
            version => return Ok(Self::Unknown(version)),
        };
        Ok(kind(SharePartitionName { group: fields.string()?, topic_id: fields.uuid()?, partition: fields.i32()? }))
    }

    /// Writes the key. What is unknown cannot be written; a name over 32,767 bytes neither.
    pub fn encode(&self) -> Result<Vec<u8>, FieldError> {
        let (version, name) = match self {
            Self::Snapshot(name) => (SNAPSHOT_KEY, name),
            Self::Update(name) => (UPDATE_KEY, name),
            Self::Unknown(version) => return Err(FieldError::Version(*version)),
        };
        let mut fields = Writer::new(version, false);
        fields.string(&name.group)?;
        fields.uuid(name.topic_id);
        fields.i32(name.partition);
        Ok(fields.finish())
    }
}

/// Neighbouring records that stand alike with the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateBatch {
    /// The first offset.
    pub first_offset: i64,
    /// The last offset.
    pub last_offset: i64,
    /// 0 available, 2 acknowledged, 4 archived.
    pub delivery_state: i8,
    /// How often they have been delivered.
    pub delivery_count: i16,
}

impl StateBatch {
    /// Two offsets, state, count and tags.
    const LEAST_BYTES: usize = 20;

    fn decode(fields: &mut Reader<'_>) -> Result<Self, FieldError> {
        let batch = Self {
            first_offset: fields.i64()?,
            last_offset: fields.i64()?,
            delivery_state: fields.i8()?,
            delivery_count: fields.i16()?,
        };
        fields.skip_tagged()?;
        Ok(batch)
    }

    fn encode(&self, fields: &mut Writer) -> Result<(), FieldError> {
        fields.i64(self.first_offset);
        fields.i64(self.last_offset);
        fields.i8(self.delivery_state);
        fields.i16(self.delivery_count);
        fields.tagged(&[]);
        Ok(())
    }
}

/// All there is to say of a share-partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotValue {
    /// Counts the snapshots.
    pub snapshot_epoch: i32,
    /// Of the share-partition: a newer one has been set up anew.
    pub state_epoch: i32,
    /// Of the partition's leader that read last.
    pub leader_epoch: i32,
    /// Where the group starts; -1 if that is not known yet.
    pub start_offset: i64,
    /// Records from the start offset on that will not be delivered again; -1 if unknown.
    pub delivery_complete_count: i32,
    /// When the state was made, ms since the epoch.
    pub create_timestamp_ms: i64,
    /// When it was written, ms since the epoch.
    pub write_timestamp_ms: i64,
    /// What stands behind the start offset.
    pub batches: Vec<StateBatch>,
}

/// What has changed of a share-partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateValue {
    /// Of the snapshot that it adds to.
    pub snapshot_epoch: i32,
    /// Of the partition's leader that writes.
    pub leader_epoch: i32,
    /// Where the group starts; -1 if as before.
    pub start_offset: i64,
    /// As in [`SnapshotValue`].
    pub delivery_complete_count: i32,
    /// What has changed.
    pub batches: Vec<StateBatch>,
}

impl SnapshotValue {
    /// Reads version 0.
    pub fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        let mut fields = value_reader(bytes)?;
        let value = Self {
            snapshot_epoch: fields.i32()?,
            state_epoch: fields.i32()?,
            leader_epoch: fields.i32()?,
            start_offset: fields.i64()?,
            delivery_complete_count: NOT_SAID,
            create_timestamp_ms: fields.i64()?,
            write_timestamp_ms: fields.i64()?,
            batches: fields.list(StateBatch::LEAST_BYTES, StateBatch::decode)?,
        };
        Ok(Self { delivery_complete_count: delivery_complete_count(&mut fields)?, ..value })
    }

    /// Writes version 0.
    pub fn encode(&self) -> Result<Vec<u8>, FieldError> {
        let mut fields = Writer::new(VALUE_VERSION, true);
        fields.i32(self.snapshot_epoch);
        fields.i32(self.state_epoch);
        fields.i32(self.leader_epoch);
        fields.i64(self.start_offset);
        fields.i64(self.create_timestamp_ms);
        fields.i64(self.write_timestamp_ms);
        finish(fields, &self.batches, self.delivery_complete_count)
    }
}

impl UpdateValue {
    /// Reads version 0.
    pub fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        let mut fields = value_reader(bytes)?;
        let value = Self {
            snapshot_epoch: fields.i32()?,
            leader_epoch: fields.i32()?,
            start_offset: fields.i64()?,
            delivery_complete_count: NOT_SAID,
            batches: fields.list(StateBatch::LEAST_BYTES, StateBatch::decode)?,
        };
        Ok(Self { delivery_complete_count: delivery_complete_count(&mut fields)?, ..value })
    }

    /// Writes version 0.
    pub fn encode(&self) -> Result<Vec<u8>, FieldError> {
        let mut fields = Writer::new(VALUE_VERSION, true);
        fields.i32(self.snapshot_epoch);
        fields.i32(self.leader_epoch);
        fields.i64(self.start_offset);
        finish(fields, &self.batches, self.delivery_complete_count)
    }
}

fn value_reader(bytes: &[u8]) -> Result<Reader<'_>, FieldError> {
    let mut fields = Reader::new(bytes);
    match fields.i16()? {
        VALUE_VERSION => fields.flexible = true,
        version => return Err(FieldError::Version(version)),
    }
    Ok(fields)
}

fn delivery_complete_count(fields: &mut Reader<'_>) -> Result<i32, FieldError> {
    let mut count = NOT_SAID;
    fields.tagged(|tag, mut field| {
        if tag == DELIVERY_COMPLETE_TAG {
            count = field.i32()?;
        }
        Ok(())
    })?;
    Ok(count)
}

fn finish(mut fields: Writer, batches: &[StateBatch], delivery_complete_count: i32) -> Result<Vec<u8>, FieldError> {
    fields.list(batches, |fields, batch| batch.encode(fields))?;
    match delivery_complete_count {
        NOT_SAID => fields.tagged(&[]),
        count => fields.tagged(&[(DELIVERY_COMPLETE_TAG, &count.to_be_bytes())]),
    }
    Ok(fields.finish())
}
