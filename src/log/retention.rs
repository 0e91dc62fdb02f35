//! Retention: whole segments leave at the log's start, by age, by size, and below the log start (C2, C3).

use super::error::LogError;
use super::keys;
use super::partition_log::Log;
use super::segment::Segment;
use crate::clock::Now;
use crate::kv::{Batch, Durability};
use std::sync::Arc;

/// What a retention run removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freed {
    /// Segments.
    pub segments: usize,
    /// Their bytes; given back to the disk after `file.delete.delay.ms`.
    pub bytes: u64,
    /// First offset of the log now.
    pub log_start_offset: i64,
}

impl Log {
    /// Removes the segments that retention asks for, none that reaches beyond `high_watermark`. If all are due, the
    /// active one is rolled first. Segments without a timestamp never age. Files go after `file.delete.delay.ms`, by
    /// [`super::LogDir::run_deletions`].
    pub fn apply_retention(&mut self, now: Now, high_watermark: i64) -> Result<Freed, LogError> {
        self.dir().check_online()?;
        let view = self.reader.view()?;
        let due = self.due(&view.segments, now, high_watermark);
        if due == 0 {
            return Ok(Freed { log_start_offset: self.log_start_offset(), ..Freed::default() });
        }
        self.count();
        if due == view.segments.len() {
            self.roll(self.log_end_offset(), now)?;
        }
        self.remove_first(due, now)
    }

    /// How many segments from the oldest are due.
    fn due(&self, segments: &[Arc<Segment>], now: Now, high_watermark: i64) -> usize {
        let config = &self.config;
        let mut due = 0;
        let mut total: u64 = segments.iter().map(|segment| segment.tail().size_bytes).sum();
        let start = self.log_start_offset();
        let end_of = |at: usize| segments.get(at + 1).map_or(self.log_end_offset(), |next| next.base_offset());
        let mut pass = |is_due: &dyn Fn(usize, &Segment, u64) -> bool| {
            while let Some(segment) = segments.get(due) {
                let size_bytes = segment.tail().size_bytes;
                let last_and_empty = due + 1 == segments.len() && size_bytes == 0;
                if last_and_empty || high_watermark < end_of(due) || !is_due(due, segment, total) {
                    break;
                }
                total -= size_bytes;
                due += 1;
            }
        };
        if config.cleanup.delete && config.retention_ms >= 0 {
            pass(&|_, segment, _| {
                let newest = segment.tail().max_timestamp;
                newest >= 0 && now.wall_ms.saturating_sub(newest) > config.retention_ms
            });
        }
        if let (true, Ok(limit)) = (config.cleanup.delete, u64::try_from(config.retention_bytes)) {
            pass(&|_, segment, total| total.saturating_sub(segment.tail().size_bytes) >= limit);
        }
        pass(&|at, _, _| end_of(at) <= start);
        due
    }

    /// Takes the first `count` segments out of the log.
    fn remove_first(&mut self, count: usize, now: Now) -> Result<Freed, LogError> {
        let reader = self.reader.clone();
        let view = reader.view()?;
        let (gone, left) = view.segments.split_at(count);
        let first_base = left[0].base_offset();
        if first_base > self.log_start_offset() {
            self.raise_log_start(first_base)?;
        }
        let unlisted = {
            let _structure = reader.structure.lock();
            self.publish_view(left.to_vec(), view.truncations);
            self.unlist(first_base)
        };
        // Whatever the database says: on a full disk this is what makes room, and files that stayed would be part of the
        // log again at the next start. Rows without a file are dropped then.
        self.discard(gone, now)?;
        unlisted?;
        Ok(Freed {
            segments: count,
            bytes: gone.iter().map(|segment| segment.tail().size_bytes).sum(),
            log_start_offset: self.log_start_offset(),
        })
    }

    /// Removes what the index database has of the segments below `first_base`.
    fn unlist(&self, first_base: i64) -> Result<(), LogError> {
        let reader = &self.reader;
        let key = reader.key();
        let mut batch = Batch::new();
        for family in [keys::INDEX, keys::SEGMENTS, keys::PRODUCERS] {
            reader.dir.delete_range(&mut batch, family, key.at(0), key.at(first_base))?;
        }
        reader.dir.delete_range(&mut batch, keys::ABORTED, key.at(0), key.at(self.log_start_offset()))?;
        let written = reader.dir.index.write(batch, Durability::UntilFlush);
        written.map_err(|error| reader.dir.kv_failed(&error))
    }
}
