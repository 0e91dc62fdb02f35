//! The 61 bytes that open every magic 2 record batch (KIP-98).
//!
//! ```text
//!  0 base offset i64 │ 8 batch length i32 │ 12 leader epoch i32 │ 16 magic i8 │ 17 CRC u32 │ 21 attributes i16
//! 23 last offset delta i32 │ 27 base timestamp i64 │ 35 max timestamp i64 │ 43 producer id i64 │ 51 producer epoch i16
//! 53 base sequence i32 │ 57 record count i32 │ 61 records
//! ```
//! The CRC covers everything from byte 21 on, so that a broker may set the first 16 bytes without computing it again.

use super::compress::Codec;
use super::BatchError;

/// Bytes of a batch before its records.
pub const HEADER_BYTES: usize = 61;
/// Bytes of a batch that `batch_length` does not count: base offset and the length itself.
pub const PREFIX_BYTES: usize = 12;
/// The only magic that is written, and the only one that is read.
pub const MAGIC: i8 = 2;

pub(super) const MAGIC_AT: usize = 16;
pub(super) const CRC_AT: usize = 17;
pub(super) const CRC_FROM: usize = 21;
pub(super) const ATTRIBUTES_AT: usize = 21;
pub(super) const MAX_TIMESTAMP_AT: usize = 35;

/// Attribute bits that name the codec.
pub const CODEC_MASK: i16 = 0b111;
/// Attribute bit: timestamps are the broker's (LogAppendTime), not the producer's.
pub const LOG_APPEND_TIME_BIT: i16 = 1 << 3;
/// Attribute bit: the batch belongs to a transaction.
pub const TRANSACTIONAL_BIT: i16 = 1 << 4;
/// Attribute bit: the batch carries a marker, not records for applications.
pub const CONTROL_BIT: i16 = 1 << 5;
/// Attribute bit: `base_timestamp` is the delete horizon, set by the cleaner (KIP-534).
pub const DELETE_HORIZON_BIT: i16 = 1 << 6;

/// Whose clock the timestamps are by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimestampType {
    /// The producer's.
    #[default]
    CreateTime,
    /// The broker's: every record of the batch has `max_timestamp`.
    LogAppendTime,
}

/// The header of one batch, as plain numbers. Nothing is judged but what [`BatchHeader::parse`] names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// Offset of the first record. Producers send 0.
    pub base_offset: i64,
    /// Bytes that follow this field.
    pub batch_length: i32,
    /// Epoch of the leader that appended the batch; -1 before.
    pub leader_epoch: i32,
    /// Always 2 here.
    pub magic: i8,
    /// CRC-32C of everything after it.
    pub crc: u32,
    /// Codec, timestamp type, transactional, control, delete horizon.
    pub attributes: i16,
    /// Last offset minus base offset. Survives compaction, when the last record itself may be gone.
    pub last_offset_delta: i32,
    /// Timestamp of the first record in ms since the epoch, or the delete horizon.
    pub base_timestamp: i64,
    /// Largest timestamp in ms since the epoch, -1 if the records have none.
    pub max_timestamp: i64,
    /// -1 without idempotence.
    pub producer_id: i64,
    /// -1 without idempotence.
    pub producer_epoch: i16,
    /// Sequence of the first record, -1 without idempotence.
    pub base_sequence: i32,
    /// Records in the batch.
    pub record_count: i32,
}

pub(super) fn array<const N: usize>(head: &[u8; HEADER_BYTES], at: usize) -> [u8; N] {
    let mut field = [0; N];
    field.copy_from_slice(&head[at..at + N]);
    field
}

impl BatchHeader {
    /// Reads the header at the start of `bytes`; what follows the 61 bytes may be cut off.
    ///
    /// Refuses fewer than 61 bytes, a magic other than 2, and a length that leaves no room for the header.
    pub fn parse(bytes: &[u8]) -> Result<Self, BatchError> {
        let Some(head) = bytes.first_chunk::<HEADER_BYTES>() else {
            return Err(BatchError::Truncated { needed_bytes: HEADER_BYTES, available_bytes: bytes.len() });
        };
        let header = Self {
            base_offset: i64::from_be_bytes(array(head, 0)),
            batch_length: i32::from_be_bytes(array(head, 8)),
            leader_epoch: i32::from_be_bytes(array(head, 12)),
            magic: i8::from_be_bytes(array(head, MAGIC_AT)),
            crc: u32::from_be_bytes(array(head, CRC_AT)),
            attributes: i16::from_be_bytes(array(head, ATTRIBUTES_AT)),
            last_offset_delta: i32::from_be_bytes(array(head, 23)),
            base_timestamp: i64::from_be_bytes(array(head, 27)),
            max_timestamp: i64::from_be_bytes(array(head, MAX_TIMESTAMP_AT)),
            producer_id: i64::from_be_bytes(array(head, 43)),
            producer_epoch: i16::from_be_bytes(array(head, 51)),
            base_sequence: i32::from_be_bytes(array(head, 53)),
            record_count: i32::from_be_bytes(array(head, 57)),
        };
        if header.magic != MAGIC {
            return Err(BatchError::Magic(header.magic));
        }
        if header.batch_length < (HEADER_BYTES - PREFIX_BYTES) as i32 {
            return Err(BatchError::Length(header.batch_length));
        }
        Ok(header)
    }

    /// Writes the header, as it stands, as the 61 bytes that [`BatchHeader::parse`] reads.
    pub fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut head = [0; HEADER_BYTES];
        let mut put = |at: usize, field: &[u8]| head[at..at + field.len()].copy_from_slice(field);
        put(0, &self.base_offset.to_be_bytes());
        put(8, &self.batch_length.to_be_bytes());
        put(12, &self.leader_epoch.to_be_bytes());
        put(MAGIC_AT, &self.magic.to_be_bytes());
        put(CRC_AT, &self.crc.to_be_bytes());
        put(ATTRIBUTES_AT, &self.attributes.to_be_bytes());
        put(23, &self.last_offset_delta.to_be_bytes());
        put(27, &self.base_timestamp.to_be_bytes());
        put(MAX_TIMESTAMP_AT, &self.max_timestamp.to_be_bytes());
        put(43, &self.producer_id.to_be_bytes());
        put(51, &self.producer_epoch.to_be_bytes());
        put(53, &self.base_sequence.to_be_bytes());
        put(57, &self.record_count.to_be_bytes());
        head
    }

    /// Bytes of the whole batch, this header included. At least 61 in a parsed header.
    pub fn size_bytes(&self) -> usize {
        PREFIX_BYTES + self.batch_length.max(0) as usize
    }

    /// Offset of the last record, wrapping if the disk or a peer names offsets that cannot be.
    pub fn last_offset(&self) -> i64 {
        self.base_offset.wrapping_add(i64::from(self.last_offset_delta))
    }

    /// Offset that the next batch would have, wrapping as [`BatchHeader::last_offset`].
    pub fn next_offset(&self) -> i64 {
        self.last_offset().wrapping_add(1)
    }

    /// Sequence of the last record: after `i32::MAX` comes 0. -1 if the batch has no sequence.
    pub fn last_sequence(&self) -> i32 {
        if self.base_sequence < 0 {
            return -1;
        }
        let last = i64::from(self.base_sequence) + i64::from(self.last_offset_delta.max(0));
        (last & i64::from(i32::MAX)) as i32
    }

    /// The codec of the records, or the unknown id (5 to 7).
    pub fn codec(&self) -> Result<Codec, BatchError> {
        let id = self.attributes & CODEC_MASK;
        Codec::from_id(id as u8).ok_or(BatchError::Codec(id as u8))
    }

    /// Whose clock the timestamps are by.
    pub fn timestamp_type(&self) -> TimestampType {
        match self.attributes & LOG_APPEND_TIME_BIT {
            0 => TimestampType::CreateTime,
            _ => TimestampType::LogAppendTime,
        }
    }

    /// Whether the batch belongs to a transaction.
    pub fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL_BIT != 0
    }

    /// Whether the batch carries a marker instead of records.
    pub fn is_control(&self) -> bool {
        self.attributes & CONTROL_BIT != 0
    }

    /// Whether `base_timestamp` is the delete horizon.
    pub fn has_delete_horizon(&self) -> bool {
        self.attributes & DELETE_HORIZON_BIT != 0
    }

    /// Largest timestamp of its records in ms; -1 if they have none, or if compaction has left it without any.
    pub fn newest_record_ms(&self) -> i64 {
        match self.record_count {
            0 => -1,
            _ => self.max_timestamp,
        }
    }

    /// Whether a producer id is set.
    pub fn has_producer_id(&self) -> bool {
        self.producer_id >= 0
    }
}
