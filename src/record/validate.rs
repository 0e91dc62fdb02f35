//! Judges what a producer sent, and hands on the batch as it will be stored.

use super::compress::Codec;
use super::header::{BatchHeader, TimestampType};
use bytes::Bytes;

/// What the records of a topic are stored in (`compression.type`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TopicCompression {
    /// As the producer sent them.
    #[default]
    Producer,
    /// Compressed so, whatever the producer sent. Only the codec is compared: a batch that has it keeps its level.
    Codec {
        /// Not `Codec::None`.
        codec: Codec,
        /// See [`Codec::levels`].
        level: i32,
    },
    /// Not compressed.
    Uncompressed,
}

/// How far into compressed records validation goes (`klamm.produce.validation`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Validation {
    /// As Kafka: decompress, walk every record, throw away.
    #[default]
    Records,
    /// Trust the header of a compressed batch.
    Header,
}

/// Who appends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// A producer.
    #[default]
    Client,
    /// A coordinator of this cluster: control records are its business.
    Coordinator,
}

/// What a topic asks of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProduceRules {
    /// `max.message.bytes`: largest batch, header included.
    pub max_message_bytes: i32,
    /// `segment.bytes`: a batch fits in one segment.
    pub segment_bytes: i32,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`: how far a record's timestamp may lie in the past.
    pub timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`: how far a record's timestamp may lie ahead.
    pub timestamp_after_max_ms: i64,
    /// `cleanup.policy` contains `compact`: every record needs a key.
    pub compacted: bool,
    /// `compression.type` and its level.
    pub compression: TopicCompression,
    /// How far into compressed records to look.
    pub validation: Validation,
    /// Produce from version 7 on: older consumers of older requests do not know zstd.
    pub zstd_allowed: bool,
    /// Who appends.
    pub origin: Origin,
}

impl Default for ProduceRules {
    /// Kafka's defaults for a topic, for a producer that knows zstd.
    fn default() -> Self {
        Self {
            max_message_bytes: 1_048_588,
            segment_bytes: 1 << 30,
            timestamp_type: TimestampType::CreateTime,
            timestamp_before_max_ms: i64::MAX,
            timestamp_after_max_ms: 3_600_000,
            compacted: false,
            compression: TopicCompression::Producer,
            validation: Validation::Records,
            zstd_allowed: true,
            origin: Origin::Client,
        }
    }
}

/// One batch that may be appended as it is, once its first 16 bytes are replaced by [`ValidBatch::prefix`].
#[derive(Clone, Debug)]
pub struct ValidBatch {
    /// The header as it will be stored, but for base offset (0) and leader epoch.
    pub header: BatchHeader,
    /// The whole batch, header included.
    pub bytes: Bytes,
    /// When the broker stamped it, in ms since the epoch; -1 unless the topic is by LogAppendTime.
    pub append_time_ms: i64,
    /// Which record has the largest timestamp: the first of those that do; the last record if the records were not read.
    pub offset_delta_of_max_timestamp: i32,
}

impl ValidBatch {
    /// Base offset, batch length and leader epoch: the 16 bytes that stand on disk and on the wire in place of
    /// `bytes[0..16]`. They precede what the CRC covers.
    pub fn prefix(&self, base_offset: i64, leader_epoch: i32) -> [u8; 16] {
        let mut prefix = [0; 16];
        prefix[..8].copy_from_slice(&base_offset.to_be_bytes());
        prefix[8..12].copy_from_slice(&self.header.batch_length.to_be_bytes());
        prefix[12..].copy_from_slice(&leader_epoch.to_be_bytes());
        prefix
    }
}

/// Why a batch is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchRefused {
    /// Size or CRC do not fit the bytes.
    #[error("the batch is corrupt")]
    Corrupt,
    /// Over `max.message.bytes`.
    #[error("the batch of {size_bytes} bytes is over the limit of {limit_bytes}")]
    TooLarge {
        /// Of the batch, as sent or as compressed again.
        size_bytes: usize,
        /// `max.message.bytes`.
        limit_bytes: i32,
    },
    /// Over `segment.bytes`.
    #[error("the batch does not fit in a segment")]
    RecordListTooLarge,
    /// The batch or a record in it is not what Kafka allows.
    #[error("{message}")]
    InvalidRecord {
        /// For the whole batch.
        message: String,
        /// Index in the batch, and why.
        record_errors: Vec<(i32, String)>,
    },
    /// A timestamp outside the topic's window, or a timestamp type that is not the producer's to set.
    #[error("{message}")]
    InvalidTimestamp {
        /// For the whole batch.
        message: String,
        /// Index in the batch, and why.
        record_errors: Vec<(i32, String)>,
    },
    /// A codec that the request's version, or this broker, does not know.
    #[error("the batch's compression is not supported")]
    UnsupportedCompression,
}
