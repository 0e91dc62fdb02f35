//! When a segment is closed and the next one begins, and how much room a growing one reserves.

use super::error::{LogError, Severity};
use super::partition_log::{Log, Writer};
use super::segment::Segment;
use super::{error, keys, snapshot};
use crate::clock::Now;
use crate::disk::Open;
use crate::kv::{Batch, Durability};
use crate::record::header::BatchHeader;
use std::sync::Arc;

/// Room reserved ahead, step by step: a log that grows reserves more at once, an idle one holds little.
const RESERVE_STEPS_BYTES: [u64; 4] = [1 << 20, 4 << 20, 16 << 20, 64 << 20];
/// A segment below this size reserves nothing: most partitions stay small.
const RESERVE_FROM_BYTES: u64 = 256 << 10;
/// Bytes that Kafka counts for an index entry.
const INDEX_ENTRY_BYTES: u64 = 8;

impl Log {
    /// Whether a batch, `planned_bytes` behind the active segment's end, must go to a new segment (C1).
    pub(super) fn must_roll(&self, header: &BatchHeader, planned_bytes: u64, now: Now) -> bool {
        let Some(writer) = &self.writer else { return false };
        let before = writer.tail.size_bytes + planned_bytes;
        let relative_offset = header.last_offset().wrapping_sub(writer.active.base_offset());
        if i32::try_from(relative_offset).is_err() {
            return before > 0 || writer.active.base_offset() < header.base_offset;
        }
        if before == 0 {
            return false;
        }
        let full = before + header.size_bytes() as u64 > self.config.segment_bytes;
        let index_full = (writer.entries + 1) * INDEX_ENTRY_BYTES > self.config.segment_index_bytes;
        full || index_full || (writer.tail.size_bytes > 0 && self.aged(writer, header.max_timestamp, now))
    }

    /// Whether `segment.ms` of record time lies between the segment's first batch and `timestamp`; by the wall clock
    /// where records have no time.
    fn aged(&self, writer: &Writer, timestamp: i64, now: Now) -> bool {
        let first = writer.active.first_timestamp();
        let waited_ms = match first {
            -1 => now.wall_ms.saturating_sub(writer.created_ms),
            first => timestamp.saturating_sub(first),
        };
        waited_ms > self.config.max_segment_ms().saturating_sub(self.jitter_ms(writer.active.base_offset()))
    }

    /// Shortens `segment.ms` differently for each segment, the same at every look.
    fn jitter_ms(&self, base_offset: i64) -> i64 {
        let most = self.config.segment_jitter_ms.min(self.config.max_segment_ms());
        if most <= 0 {
            return 0;
        }
        let (high, low) = self.topic_id().as_u64_pair();
        let mut mixed = high ^ low.rotate_left(21) ^ (self.partition().partition as u64) << 40 ^ base_offset as u64;
        mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        ((mixed >> 17) % most as u64) as i64
    }

    /// Rolls a segment that has been open for `segment.ms` by the wall clock since it was made or found, so that
    /// retention can reach its records in a log that is not written to any more. Whether it did.
    pub fn roll_if_due(&mut self, now: Now) -> Result<bool, LogError> {
        let Some(writer) = &self.writer else { return Ok(false) };
        let waited_ms = now.wall_ms.saturating_sub(writer.created_ms.max(writer.active.first_timestamp()));
        if writer.tail.size_bytes == 0 || waited_ms <= self.config.segment_ms {
            return Ok(false);
        }
        self.roll(self.log_end_offset(), now)?;
        Ok(true)
    }

    /// Rolls a segment whose first record has been there for `max.compaction.lag.ms` by the wall clock, so that the cleaner
    /// can reach it. Whether it did.
    pub fn roll_if_lagging(&mut self, now: Now) -> Result<bool, LogError> {
        self.dir().check_online()?;
        if !self.config.cleanup.compact || self.config.max_compaction_lag_ms == i64::MAX {
            return Ok(false);
        }
        let view = self.reader.view()?;
        let (active, first) = (view.active(), view.active().first_timestamp());
        let waited_ms = now.wall_ms.saturating_sub(first);
        if active.tail().size_bytes == 0 || first <= 0 || waited_ms <= self.config.max_compaction_lag_ms {
            return Ok(false);
        }
        self.roll(self.log_end_offset(), now)?;
        Ok(true)
    }

    /// Closes the active segment and begins one at `base_offset`. Leaves a producer snapshot there.
    pub(super) fn roll(&mut self, base_offset: i64, now: Now) -> Result<(), LogError> {
        self.writer(now)?;
        let reader = self.reader_ref().clone();
        let view = reader.view()?;
        if view.active().base_offset() == base_offset {
            return Ok(());
        }
        let segment = Arc::new(Segment::empty(base_offset));
        let made = reader.dir.handles.get(&segment.path(&reader.folder()), Open::Write);
        // A leftover of a crash may be there under this name.
        let made = made.and_then(|file| if file.length()? > 0 { file.truncate(0) } else { Ok(()) });
        made.map_err(|error| reader.dir.write_failed(&error))?;
        self.trim()?;
        self.snapshot_producers(base_offset)?;
        let writer = self.writer.as_mut().expect("made above");
        writer.active.close();
        let mut segments = view.segments.clone();
        segments.push(segment.clone());
        **writer = Writer::new(segment, now, 0);
        let _structure = reader.structure.lock();
        self.publish_view(segments, view.truncations);
        Ok(())
    }

    fn snapshot_producers(&self, offset: i64) -> Result<(), LogError> {
        let value = match self.reader.producers.lock().as_ref() {
            Some(state) => snapshot::encode(state),
            None => return Ok(()),
        };
        let mut batch = Batch::new();
        batch.put(keys::PRODUCERS, self.reader.key().at(offset), value);
        let written = self.dir().index.write(batch, Durability::UntilFlush);
        written.map_err(|error| self.dir().kv_failed(&error))
    }

    /// Reserves room for `bytes` more, with some ahead.
    pub(super) fn reserve(&mut self, bytes: u64) {
        let reader = self.reader.clone();
        let segment_bytes = self.config.segment_bytes;
        let preallocate = self.config.preallocate;
        let Some(writer) = self.writer.as_mut() else { return };
        let needed = writer.tail.size_bytes + bytes;
        if needed <= writer.reserved_bytes || (needed < RESERVE_FROM_BYTES && !preallocate) {
            return;
        }
        let step = RESERVE_STEPS_BYTES[writer.reserve_steps.min(RESERVE_STEPS_BYTES.len() - 1)];
        let ahead = if preallocate { segment_bytes } else { (needed + step).min(segment_bytes) };
        let length = ahead.max(needed);
        let Ok(file) = writer.active.file(&reader.dir.handles, || reader.folder()) else { return };
        writer.reserve_steps += 1;
        // A disk too full to reserve ahead may still have room for the batch itself: the write will tell. It is not
        // asked again for a while.
        let reserved = file.reserve(length).map_err(|error| error::severity(&error));
        writer.reserved_bytes = match reserved {
            Ok(()) | Err(Severity::Full | Severity::Passing) => length,
            Err(Severity::Fatal) => u64::MAX,
        };
    }

    /// Gives back what the active segment reserved and did not use.
    pub(super) fn trim(&mut self) -> Result<(), LogError> {
        let reader = self.reader.clone();
        let Some(writer) = self.writer.as_mut() else { return Ok(()) };
        if writer.reserved_bytes <= writer.tail.size_bytes && !writer.overhang {
            return Ok(());
        }
        let file = writer.active.writable_file(&reader.dir.handles, &reader.folder());
        let trimmed = file.and_then(|file| file.truncate(writer.tail.size_bytes));
        trimmed.map_err(|error| reader.dir.write_failed(&error))?;
        writer.reserved_bytes = 0;
        writer.reserve_steps = 0;
        writer.overhang = false;
        Ok(())
    }
}
