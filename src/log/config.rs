//! What a log and a log directory are told: plain values, units in the names.

use crate::record::compress::Codec;

/// How a log gets rid of old records (`cleanup.policy`). Neither: they stay until DeleteRecords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cleanup {
    /// Whole segments go, by age and by size.
    pub delete: bool,
    /// The last record of a key stays.
    pub compact: bool,
}

/// The settings of one log, as a topic has them.
#[derive(Clone, Debug, PartialEq)]
pub struct LogConfig {
    /// `segment.bytes`: a segment does not grow above it.
    pub segment_bytes: u64,
    /// `segment.ms`: a segment does not span more record time.
    pub segment_ms: i64,
    /// `segment.jitter.ms`: `segment_ms` is shortened by up to this, differently for each segment.
    pub segment_jitter_ms: i64,
    /// `segment.index.bytes`: at 8 bytes an entry, how many index entries a segment may have.
    pub segment_index_bytes: u64,
    /// `index.interval.bytes`: log bytes between two index entries.
    pub index_interval_bytes: u64,
    /// `retention.ms`; negative keeps for ever.
    pub retention_ms: i64,
    /// `retention.bytes`; negative keeps everything.
    pub retention_bytes: i64,
    /// `file.delete.delay.ms`: how long a deleted file stays for those who still read it.
    pub file_delete_delay_ms: i64,
    /// `flush.messages`: records after which [`super::LogReader::flush_due`] asks for a sync.
    pub flush_messages: i64,
    /// `flush.ms`: milliseconds after which [`super::LogReader::flush_due`] asks for a sync.
    pub flush_ms: i64,
    /// `cleanup.policy`.
    pub cleanup: Cleanup,
    /// `delete.retention.ms`: how long a tombstone stays after the first cleaning that saw it.
    pub delete_retention_ms: i64,
    /// `min.compaction.lag.ms`: how long a record stays at least.
    pub min_compaction_lag_ms: i64,
    /// `max.compaction.lag.ms`: how long a record stays uncompacted at most.
    pub max_compaction_lag_ms: i64,
    /// `min.cleanable.dirty.ratio`: the dirty share from which a log is cleaned.
    pub min_cleanable_dirty_ratio: f64,
    /// `compression.type` and its level, for what the cleaner writes anew; `None` keeps a batch's own codec.
    pub compression: Option<(Codec, i32)>,
    /// `producer.id.expiration.ms`: an idle producer is forgotten after it.
    pub producer_id_expiration_ms: i64,
    /// Producers remembered per log, at most; beyond, those idle longest go.
    pub max_producer_ids: usize,
    /// `max.message.bytes`; checked before the log is reached.
    pub max_message_bytes: i32,
    /// `preallocate`: reserve a whole segment at once.
    pub preallocate: bool,
}

impl Default for LogConfig {
    /// Kafka's defaults.
    fn default() -> Self {
        Self {
            segment_bytes: 1 << 30,
            segment_ms: 7 * 24 * 3_600_000,
            segment_jitter_ms: 0,
            segment_index_bytes: 10 << 20,
            index_interval_bytes: 4096,
            retention_ms: 7 * 24 * 3_600_000,
            retention_bytes: -1,
            file_delete_delay_ms: 60_000,
            flush_messages: i64::MAX,
            flush_ms: i64::MAX,
            cleanup: Cleanup { delete: true, compact: false },
            delete_retention_ms: 24 * 3_600_000,
            min_compaction_lag_ms: 0,
            max_compaction_lag_ms: i64::MAX,
            min_cleanable_dirty_ratio: 0.5,
            compression: None,
            producer_id_expiration_ms: 24 * 3_600_000,
            max_producer_ids: 100_000,
            max_message_bytes: 1_048_588,
            preallocate: false,
        }
    }
}

impl LogConfig {
    /// The most record time that a segment spans: what is to be compacted in time has to be closed in time.
    pub fn max_segment_ms(&self) -> i64 {
        match self.cleanup.compact && self.max_compaction_lag_ms > 0 {
            true => self.segment_ms.min(self.max_compaction_lag_ms),
            false => self.segment_ms,
        }
    }
}

/// Bounds of one log directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirLimits {
    /// Unflushed bytes of all logs at which the directory wants a flush, and so what recovery reads at most.
    pub flush_bytes: u64,
    /// Age of the oldest unflushed byte at which the directory wants a flush.
    pub flush_interval_ms: i64,
}

impl Default for DirLimits {
    fn default() -> Self {
        Self { flush_bytes: 256 << 20, flush_interval_ms: 60_000 }
    }
}
