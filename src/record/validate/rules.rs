//! What a topic asks of a batch.

use crate::record::compress::Codec;
use crate::record::header::TimestampType;

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
