//! Cutting off a log's end, as a follower does with what its leader never had.

use super::checkpoints;
use super::epochs::Epochs;
use super::error::LogError;
use super::index::IndexEntry;
use super::keys::{self, SegmentRow};
use super::partition_log::Log;
use super::producer_state::ProducerState;
use super::reader::LogReader;
use super::recovery;
use super::segment::{Segment, UNKNOWN_FLUSHED};
use super::view::LogView;
use super::walk::Walk;
use crate::clock::Now;
use crate::kv::{Batch, Durability};
use std::sync::atomic::Ordering;
use std::sync::Arc;

/// Where a segment is cut.
struct Cut {
    row: SegmentRow,
    /// Entries at or beyond this relative offset go.
    end_relative: i64,
}

impl Log {
    /// Removes everything from `offset` on, and the whole batch that holds it. False if the log ends there already.
    /// The recovery point is lowered durably before anything is removed.
    pub fn truncate_to(&mut self, offset: i64, now: Now) -> Result<bool, LogError> {
        if offset >= self.log_end_offset() {
            return Ok(false);
        }
        let reader = self.reader.clone();
        let view = reader.view()?;
        if offset < view.segments[0].base_offset() {
            self.truncate_fully_and_start_at(offset, now)?;
            return Ok(true);
        }
        reader.dir.check_online()?;
        self.count();
        let at = view.floor(offset);
        let cut = reader.cut(&view.segments[at], offset)?;
        let end_offset = cut.row.end_offset;
        reader.dir.lower_recovery_point(&reader.partition, end_offset, view.truncations + 1)?;
        let base = view.segments[at].base_offset();
        let file = view.segments[at].writable_file(&reader.dir.handles, &reader.folder());
        let file = file.map_err(|error| reader.dir.write_failed(&error))?;
        file.truncate(cut.row.size_bytes).map_err(|error| reader.dir.write_failed(&error))?;
        // Before anything is appended: else old batches could come back behind new ones.
        file.sync_data().map_err(|error| reader.dir.sync_failed(&error))?;
        self.writer = None;
        {
            let _structure = reader.structure.lock();
            let mut batch = Batch::new();
            reader.put_cut(&mut batch, &view.segments[at], &cut)?;
            reader.delete_rows_from(&mut batch, base + 1, end_offset)?;
            let written = reader.dir.index.write(batch, Durability::UntilFlush);
            written.map_err(|error| reader.dir.kv_failed(&error))?;
            let segment = Segment::known(base, &cut.row);
            segment.set_flushed_bytes(UNKNOWN_FLUSHED);
            let mut segments = view.segments[..at].to_vec();
            segments.push(Arc::new(segment));
            self.publish_view(segments, view.truncations + 1);
        }
        self.after_cut(end_offset)?;
        reader.dir.note_unflushed(&reader, 0, now);
        self.discard(&view.segments[at + 1..], now)?;
        Ok(true)
    }

    /// Removes everything and goes on at `offset`, where the leader's log starts.
    pub fn truncate_fully_and_start_at(&mut self, offset: i64, now: Now) -> Result<(), LogError> {
        let reader = self.reader.clone();
        let view = reader.view()?;
        reader.dir.check_online()?;
        self.count();
        reader.dir.lower_recovery_point(&reader.partition, offset, view.truncations + 1)?;
        reader.dir.set_log_start(&reader.partition, offset)?;
        let no_epochs = checkpoints::write_epochs(&[]);
        let written = reader.dir.disk.replace(&reader.folder().join(checkpoints::LEADER_EPOCHS), &no_epochs);
        written.map_err(|error| reader.dir.write_failed(&error))?;
        self.writer = None;
        {
            let _structure = reader.structure.lock();
            let mut batch = Batch::new();
            reader.delete_rows_from(&mut batch, 0, 0)?;
            let written = reader.dir.index.write(batch, Durability::UntilFlush);
            written.map_err(|error| reader.dir.kv_failed(&error))?;
            self.publish_view(vec![Arc::new(Segment::empty(offset))], view.truncations + 1);
        }
        *reader.producers.lock() = Some(Box::new(ProducerState::at(offset)));
        reader.set_epochs(Epochs::default());
        reader.log_start.store(offset, Ordering::Release);
        self.after_cut(offset)?;
        self.discard(&view.segments, now)
    }

    /// Publishes the new end and brings epochs, producers and caches in line with it.
    fn after_cut(&mut self, end_offset: i64) -> Result<(), LogError> {
        let reader = &self.reader;
        reader.log_end.store(end_offset, Ordering::Release);
        reader.flushed.fetch_min(end_offset, Ordering::AcqRel);
        reader.tail.forget();
        if let Some(epochs) = reader.epochs()?.truncated_to(end_offset) {
            // Written with the next flush: until then recovery takes no epoch beyond the recovery point from the file.
            reader.set_epochs(epochs);
        }
        reader.aborted.rcu(|known| {
            let mut left = known.as_deref().cloned().unwrap_or_default();
            left.retain(|aborted| aborted.last_offset < end_offset);
            (!left.is_empty()).then(|| Arc::new(left))
        });
        let view = reader.view()?;
        let mut producers = reader.producers.lock();
        let state = recovery::load_producers(reader, &view, end_offset)?;
        reader.publish_unstable(&state);
        *producers = Some(Box::new(state));
        Ok(())
    }

    /// Renames the files of segments that are not part of the log any more, durably; they are removed later.
    pub(super) fn discard(&self, segments: &[Arc<Segment>], now: Now) -> Result<(), LogError> {
        let reader = &self.reader;
        let folder = reader.folder();
        let due_ms = now.mono_ms.saturating_add(self.config.file_delete_delay_ms);
        for segment in segments {
            reader.dir.discard_file(&segment.path(&folder), due_ms)?;
        }
        if segments.is_empty() {
            return Ok(());
        }
        reader.dir.disk.sync_dir(&folder).map_err(|error| reader.dir.sync_failed(&error))
    }
}

impl LogReader {
    /// Where `segment` is cut so that it ends at `offset` or, if a batch spans it, before that batch.
    fn cut(&self, segment: &Segment, offset: i64) -> Result<Cut, LogError> {
        let tail = segment.tail();
        let entry = self.index_or(self.index().floor(segment, offset), IndexEntry::START);
        let mut row = SegmentRow {
            closed: false,
            size_bytes: u64::from(entry.position),
            end_offset: offset,
            max_timestamp: entry.max_timestamp_before,
            first_timestamp: segment.first_timestamp(),
            last_index_position: u64::from(entry.position),
        };
        if tail.size_bytes > 0 {
            let file = segment.file(&self.dir.handles, || self.folder());
            let file = file.map_err(|error| self.dir.read_failed(&error))?;
            let mut walk = Walk::new(&*file, row.size_bytes, tail.size_bytes);
            while let Some(found) = walk.next().map_err(|error| self.walk_failed(error))? {
                if found.header.next_offset() > offset {
                    // Not below the log start, which may lie within the batch.
                    row.end_offset = offset.min(found.header.base_offset.max(self.log_start_offset()));
                    break;
                }
                row.size_bytes = found.end();
                row.max_timestamp = row.max_timestamp.max(found.header.newest_record_ms());
            }
        }
        if row.size_bytes == 0 {
            (row.first_timestamp, row.max_timestamp) = (-1, -1);
        }
        // The entry of a batch that goes points at the new end; it is written again with the next batch there.
        if row.last_index_position >= row.size_bytes {
            let before = self.index_or(self.index().floor(segment, row.end_offset - 1), IndexEntry::START);
            row.last_index_position = u64::from(before.position);
        }
        Ok(Cut { row, end_relative: row.end_offset - segment.base_offset() })
    }

    /// Brings the database's index of a segment in line with its cut: what it lacks is added, what lies beyond goes.
    fn put_cut(&self, batch: &mut Batch, segment: &Segment, cut: &Cut) -> Result<(), LogError> {
        let base = segment.base_offset();
        let key = self.key();
        self.put_chunks(batch, segment, cut.row.size_bytes);
        self.dir.delete_range(batch, keys::INDEX, key.chunk(base, base + cut.end_relative), key.at(base + 1))?;
        let last = self.dir.index.floor(keys::INDEX, &key.chunk(base, base), &key.chunk(base, cut.row.end_offset - 1));
        if let Some((chunk_key, value)) = last.map_err(|error| self.dir.kv_failed(&error))? {
            let entries = keys::decode_chunk(&value).unwrap_or_default();
            let kept = entries.partition_point(|entry| i64::from(entry.relative_offset) < cut.end_relative);
            if kept > 0 && kept < entries.len() {
                batch.put(keys::INDEX, chunk_key, keys::encode_chunk(&entries[..kept]));
            }
        }
        batch.put(keys::SEGMENTS, key.at(base), cut.row.encode());
        Ok(())
    }

    /// Removes what the database has of segments with a base at or beyond `base`, and of markers and snapshots beyond
    /// `end_offset`.
    pub(super) fn delete_rows_from(&self, batch: &mut Batch, base: i64, end_offset: i64) -> Result<(), LogError> {
        let key = self.key();
        self.dir.delete_range(batch, keys::INDEX, key.at(base), key.end())?;
        self.dir.delete_range(batch, keys::SEGMENTS, key.at(base), key.end())?;
        self.dir.delete_range(batch, keys::PRODUCERS, key.at(end_offset + 1), key.end())?;
        self.dir.delete_range(batch, keys::ABORTED, key.at(end_offset), key.end())
    }
}

impl LogView {
    /// The first offset that a file holds or may hold.
    pub(super) fn first_base(&self) -> i64 {
        self.segments[0].base_offset()
    }
}
