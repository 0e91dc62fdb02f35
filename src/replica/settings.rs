//! What a topic's settings mean for its partitions here.

use crate::config::broker::{BrokerConfig, ProduceValidation};
use crate::config::topic::{CompressionType, TopicConfig};
use crate::log::{Cleanup, LogConfig};
use crate::record::compress::Codec;
use crate::record::header::TimestampType;
use crate::record::validate::{Origin, ProduceRules, TopicCompression, Validation};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A topic's settings in the words of the rooms that obey them.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicRules {
    /// For validating what producers send.
    pub produce: Arc<ProduceRules>,
    /// For the log.
    pub log: Arc<LogConfig>,
    /// `min.insync.replicas`, before it is bounded by the number of replicas.
    pub min_insync_replicas: usize,
    /// `flush.before.ack`: this replica counts with its flushed offset.
    pub flush_before_ack: bool,
}

impl Default for TopicRules {
    /// Kafka's defaults.
    fn default() -> Self {
        Self {
            produce: Arc::new(ProduceRules::default()),
            log: Arc::default(),
            min_insync_replicas: 1,
            flush_before_ack: false,
        }
    }
}

impl TopicRules {
    /// The rules of a topic with these settings of its own on a broker with `broker`.
    pub fn new(overrides: &BTreeMap<String, String>, broker: &BrokerConfig) -> Self {
        let topic = broker.topic_config(overrides);
        Self {
            produce: Arc::new(produce_rules(&topic, broker.klamm.produce_validation)),
            log: Arc::new(log_config(&topic, broker)),
            min_insync_replicas: usize::try_from(topic.min_insync_replicas).unwrap_or(1).max(1),
            flush_before_ack: topic.flush_before_ack,
        }
    }

    /// Whether `flush.messages` or `flush.ms` asks for flushes of their own.
    pub(super) fn flushes_early(&self) -> bool {
        self.log.flush_messages != i64::MAX || self.log.flush_ms != i64::MAX
    }
}

fn produce_rules(topic: &TopicConfig, validation: ProduceValidation) -> ProduceRules {
    let codec = |codec, level| TopicCompression::Codec { codec, level };
    ProduceRules {
        max_message_bytes: topic.max_message_bytes,
        segment_bytes: topic.segment_bytes,
        timestamp_type: match topic.log_append_time {
            true => TimestampType::LogAppendTime,
            false => TimestampType::CreateTime,
        },
        timestamp_before_max_ms: topic.message_timestamp_before_max_ms,
        timestamp_after_max_ms: topic.message_timestamp_after_max_ms,
        compacted: topic.cleanup_policy.compact,
        compression: match topic.compression_type {
            CompressionType::Producer => TopicCompression::Producer,
            CompressionType::Uncompressed => TopicCompression::Uncompressed,
            CompressionType::Gzip(level) => codec(Codec::Gzip, level),
            CompressionType::Snappy => codec(Codec::Snappy, 0),
            CompressionType::Lz4(level) => codec(Codec::Lz4, level),
            CompressionType::Zstd(level) => codec(Codec::Zstd, level),
        },
        validation: match validation {
            ProduceValidation::Records => Validation::Records,
            ProduceValidation::Header => Validation::Header,
        },
        zstd_allowed: true,
        origin: Origin::Client,
    }
}

fn log_config(topic: &TopicConfig, broker: &BrokerConfig) -> LogConfig {
    let unsigned = |bytes: i32| u64::try_from(bytes).unwrap_or(0);
    LogConfig {
        segment_bytes: unsigned(topic.segment_bytes),
        segment_ms: topic.segment_ms,
        segment_jitter_ms: topic.segment_jitter_ms,
        segment_index_bytes: unsigned(topic.segment_index_bytes),
        index_interval_bytes: unsigned(topic.index_interval_bytes),
        retention_ms: topic.retention_ms,
        retention_bytes: topic.retention_bytes,
        file_delete_delay_ms: topic.file_delete_delay_ms,
        flush_messages: topic.flush_messages,
        flush_ms: topic.flush_ms,
        cleanup: Cleanup { delete: topic.cleanup_policy.delete, compact: topic.cleanup_policy.compact },
        delete_retention_ms: topic.delete_retention_ms,
        min_compaction_lag_ms: topic.min_compaction_lag_ms,
        max_compaction_lag_ms: topic.max_compaction_lag_ms,
        min_cleanable_dirty_ratio: topic.min_cleanable_dirty_ratio,
        compression: match topic.compression_type {
            CompressionType::Producer => None,
            CompressionType::Uncompressed => Some((Codec::None, 0)),
            CompressionType::Gzip(level) => Some((Codec::Gzip, level)),
            CompressionType::Snappy => Some((Codec::Snappy, 0)),
            CompressionType::Lz4(level) => Some((Codec::Lz4, level)),
            CompressionType::Zstd(level) => Some((Codec::Zstd, level)),
        },
        producer_id_expiration_ms: broker.log.producer_id_expiration_ms,
        max_producer_ids: broker.klamm.producer_ids_per_partition_max,
        max_message_bytes: topic.max_message_bytes,
        preallocate: topic.preallocate,
    }
}
