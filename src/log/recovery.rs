//! Bringing a log up: what the folder holds, what the index database knows of it, and what must be read again (C9).

use super::checkpoints;
use super::epochs::Epochs;
use super::error::LogError;
use super::folder::{self, Listing};
use super::index::{IndexEntry, MemoryIndex};
use super::keys::{self, SegmentRow, CHUNK_ENTRIES};
use super::producer_state::ProducerState;
use super::reader::{LogReader, Structure};
use super::scan::{scan, Scan, ScanFrom};
use super::segment::{Segment, Tail, UNKNOWN_FLUSHED};
use super::snapshot;
use super::view::LogView;
use super::walk::Walk;
use crate::disk::{DiskFile, Open};
use crate::kv::{Batch, Durability};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::Arc;

/// Loads a log's segments and epochs. Below `recovery_point` the index database is trusted where it fits the files;
/// what lies beyond is read, checked, and cut at the first bad batch. `i64::MAX` after a clean stop.
///
/// The caller holds the structure lock and has found no view.
pub(super) fn load(
    reader: &LogReader,
    structure: &mut Structure,
    recovery_point: i64,
) -> Result<Arc<LogView>, LogError> {
    let folder = reader.folder();
    let listing = folder::list(&reader.dir, &folder)?;
    let checkpoint = match reader.dir.disk.read(&folder.join(checkpoints::LEADER_EPOCHS)) {
        Ok(bytes) => checkpoints::read_epochs(&bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(reader.dir.read_failed(&error)),
    };
    let mut loading = Loading {
        reader,
        recovery_point,
        rows: rows(reader)?,
        epochs_known: checkpoint.is_some(),
        epochs: Epochs::new(checkpoint.unwrap_or_default()),
        segments: Vec::new(),
        rescanned: false,
    };
    if let Some(durable) = loading.epochs.truncated_to(recovery_point) {
        // The file may be older than a truncation; the batches beyond tell their epochs themselves.
        loading.epochs = durable;
    }
    loading.segments(&listing)?;
    let view = loading.finish(&listing)?;
    structure.flush_snapshots.clear();
    reader.view.store(Some(view.clone()));
    Ok(view)
}

/// What the index database knows of a log's segments, by base.
pub(super) fn rows(reader: &LogReader) -> Result<BTreeMap<i64, SegmentRow>, LogError> {
    let key = reader.key();
    let pairs = reader.dir.index.scan(keys::SEGMENTS, &key.at(0), &key.end(), usize::MAX);
    let pairs = pairs.map_err(|error| reader.dir.kv_failed(&error))?;
    let row = |(key, value): (Vec<u8>, Vec<u8>)| Some((keys::offset_of(&key)?, SegmentRow::decode(&value)?));
    Ok(pairs.into_iter().filter_map(row).collect())
}

struct Loading<'a> {
    reader: &'a LogReader,
    recovery_point: i64,
    rows: BTreeMap<i64, SegmentRow>,
    /// The checkpoint was there: segments need not be read for their epochs.
    epochs_known: bool,
    epochs: Epochs,
    segments: Vec<Arc<Segment>>,
    /// Something was read again: index, epochs or end may differ from what was known.
    rescanned: bool,
}

impl Loading<'_> {
    fn segments(&mut self, listing: &Listing) -> Result<(), LogError> {
        for (&base, &length) in &listing.segments {
            let next_base = listing.segments.range(base + 1..).next().map(|(next, _)| *next);
            let is_last = next_base.is_none();
            let row = self.rows.remove(&base);
            let fits = row.filter(|row| {
                self.epochs_known
                    && row.size_bytes == length
                    && row.end_offset <= self.recovery_point
                    && row.end_offset >= base
                    && (row.closed || is_last)
            });
            if let Some(mut row) = fits {
                row.closed = !is_last;
                self.segments.push(Arc::new(Segment::known(base, &row)));
                continue;
            }
            if self.rescan(base, length, row, next_base)? {
                self.remove_after(base, listing)?;
                break;
            }
        }
        Ok(())
    }

    /// Reads one segment again. True if nothing after it counts: it was cut at a bad batch, or it was not durable and
    /// ends before the next one begins, so that batches between are lost.
    fn rescan(
        &mut self,
        base: i64,
        length: u64,
        row: Option<SegmentRow>,
        next_base: Option<i64>,
    ) -> Result<bool, LogError> {
        self.rescanned = true;
        let dir = &self.reader.dir;
        let path = self.reader.folder().join(super::segment::file_name(base));
        let file = dir.handles.get(&path, Open::Write).map_err(|error| dir.read_failed(&error))?;
        let entry = self.resume_at(base, length, row.is_some())?;
        let from = ScanFrom {
            base_offset: base,
            entry,
            length,
            verify_from: self.recovery_point.min(row.map_or(self.recovery_point, |row| row.end_offset)),
            interval_bytes: self.reader.config.load().index_interval_bytes,
        };
        let scan = scan(&*file, &from).map_err(|error| dir.read_failed(&error))?;
        for (epoch, start_offset) in &scan.epochs {
            if let Some(epochs) = self.epochs.assigned(*epoch, *start_offset) {
                self.epochs = epochs;
            }
        }
        // Below the log start nothing is missed.
        let reaches = scan.row.end_offset.max(self.reader.log_start.load(Ordering::Acquire));
        let lost = next_base.is_some_and(|next| reaches < next && next > self.recovery_point);
        let cut = scan.bad.is_some() || lost;
        if let Some(reason) = &scan.bad {
            let (valid_bytes, end_offset) = (scan.row.size_bytes, scan.row.end_offset);
            tracing::warn!(
                partition = %self.reader.partition, segment = base, length, valid_bytes, end_offset, %reason,
                "truncating the log at the first invalid batch"
            );
            file.truncate(scan.row.size_bytes).map_err(|error| dir.write_failed(&error))?;
            // Before anything is appended: else old batches could come back behind new ones.
            file.sync_data().map_err(|error| dir.sync_failed(&error))?;
        }
        if next_base.is_none() || cut {
            self.push_active(base, entry, scan)?;
        } else {
            self.push_closed(base, entry, scan, &*file)?;
        }
        Ok(cut)
    }

    /// The last index entry that may be trusted, which is at or below the recovery point.
    fn resume_at(&self, base: i64, length: u64, known: bool) -> Result<IndexEntry, LogError> {
        if !known || self.recovery_point <= base || !self.epochs_known {
            return Ok(IndexEntry::START);
        }
        let key = self.reader.key();
        let to = key.chunk(base, self.recovery_point);
        let chunk = self.reader.dir.index.floor(keys::INDEX, &key.chunk(base, base), &to);
        let chunk = chunk.map_err(|error| self.reader.dir.kv_failed(&error))?;
        let entries = chunk.and_then(|(_, value)| keys::decode_chunk(&value)).unwrap_or_default();
        let trusted = |entry: &&IndexEntry| {
            base.saturating_add(i64::from(entry.relative_offset)) <= self.recovery_point
                && u64::from(entry.position) < length
        };
        Ok(entries.iter().rev().find(trusted).copied().unwrap_or(IndexEntry::START))
    }

    /// Removes the entries of a segment at or beyond `entry`, which the scan found again, and the row.
    fn drop_entries(&self, batch: &mut Batch, base: i64, entry: &IndexEntry) -> Result<(), LogError> {
        let key = self.reader.key();
        let first = base + i64::from(entry.relative_offset);
        if *entry == IndexEntry::START {
            self.reader.dir.delete_range(batch, keys::INDEX, key.at(base), key.at(base + 1))?;
            return Ok(());
        }
        let chunk = self.reader.dir.index.floor(keys::INDEX, &key.chunk(base, base), &key.chunk(base, first));
        self.reader.dir.delete_range(batch, keys::INDEX, key.chunk(base, first), key.at(base + 1))?;
        if let Some((chunk_key, value)) = chunk.map_err(|error| self.reader.dir.kv_failed(&error))? {
            let entries = keys::decode_chunk(&value).unwrap_or_default();
            let kept = entries.partition_point(|known| known.relative_offset < entry.relative_offset);
            if kept > 0 {
                batch.put(keys::INDEX, chunk_key, keys::encode_chunk(&entries[..kept]));
            }
        }
        Ok(())
    }

    /// The last segment: its entries stay in memory, and the next flush syncs it whole.
    fn push_active(&mut self, base: i64, entry: IndexEntry, scan: Scan) -> Result<(), LogError> {
        let mut batch = Batch::new();
        self.drop_entries(&mut batch, base, &entry)?;
        batch.delete(keys::SEGMENTS, self.reader.key().at(base));
        self.write(batch)?;
        let segment = Segment::known(base, &scan.row);
        let memory = MemoryIndex::default();
        for found in &scan.entries {
            memory.push(*found);
        }
        segment.set_memory(memory, entry == IndexEntry::START);
        segment.set_flushed_bytes(UNKNOWN_FLUSHED);
        self.segments.push(Arc::new(segment));
        Ok(())
    }

    /// A segment with others behind it: synced, and its entries go to the index database at once.
    fn push_closed(&mut self, base: i64, entry: IndexEntry, scan: Scan, file: &dyn DiskFile) -> Result<(), LogError> {
        file.sync_data().map_err(|error| self.reader.dir.sync_failed(&error))?;
        let mut batch = Batch::new();
        self.drop_entries(&mut batch, base, &entry)?;
        let key = self.reader.key();
        for chunk in scan.entries.chunks(CHUNK_ENTRIES) {
            let first = base + i64::from(chunk[0].relative_offset);
            batch.put(keys::INDEX, key.chunk(base, first), keys::encode_chunk(chunk));
        }
        let row = SegmentRow { closed: true, ..scan.row };
        batch.put(keys::SEGMENTS, key.at(base), row.encode());
        self.write(batch)?;
        self.segments.push(Arc::new(Segment::known(base, &row)));
        Ok(())
    }

    /// Removes the files behind a cut, durably: their batches do not continue the log any more.
    fn remove_after(&self, base: i64, listing: &Listing) -> Result<(), LogError> {
        let (dir, folder) = (&self.reader.dir, self.reader.folder());
        let mut later = listing.segments.range(base + 1..).peekable();
        if later.peek().is_none() {
            return Ok(());
        }
        for (base, _) in later {
            dir.discard_file(&folder.join(super::segment::file_name(*base)), 0)?;
        }
        dir.disk.sync_dir(&folder).map_err(|error| dir.sync_failed(&error))
    }

    fn write(&self, batch: Batch) -> Result<(), LogError> {
        let written = self.reader.dir.index.write(batch, Durability::UntilFlush);
        written.map_err(|error| self.reader.dir.kv_failed(&error))
    }

    /// Publishes what was found.
    fn finish(mut self, listing: &Listing) -> Result<Arc<LogView>, LogError> {
        let reader = self.reader;
        let wanted_start = reader.log_start.load(Ordering::Acquire);
        if self.segments.last().is_none_or(|last| last.tail().end_offset < wanted_start) {
            // Nothing left, or less than was deleted: go on where the log starts, so that no offset is used twice.
            self.remove_after(-1, listing)?;
            self.segments = vec![Arc::new(Segment::empty(wanted_start))];
            let mut batch = Batch::new();
            reader.delete_rows_from(&mut batch, 0, self.recovery_point.min(wanted_start))?;
            self.write(batch)?;
        }
        let view = Arc::new(LogView { segments: self.segments, truncations: 0 });
        let end_offset = view.active().tail().end_offset.max(view.active().base_offset());
        let mut batch = Batch::new();
        for base in self.rows.keys().filter(|base| !listing.segments.contains_key(base)) {
            batch.delete(keys::SEGMENTS, reader.key().at(*base));
            reader.dir.delete_range(&mut batch, keys::INDEX, reader.key().at(*base), reader.key().at(base + 1))?;
        }
        let trusted = self.recovery_point.min(end_offset);
        reader.dir.delete_range(&mut batch, keys::PRODUCERS, reader.key().at(trusted + 1), reader.key().end())?;
        reader.dir.delete_range(&mut batch, keys::ABORTED, reader.key().at(trusted), reader.key().end())?;
        if !batch.changes.is_empty() {
            let written = reader.dir.index.write(batch, Durability::UntilFlush);
            written.map_err(|error| reader.dir.kv_failed(&error))?;
        }
        let last_abort = reader.dir.index.floor(keys::ABORTED, &reader.key().at(0), &reader.key().end());
        let last_abort = last_abort.map_err(|error| reader.dir.kv_failed(&error))?;
        let last_abort = last_abort.and_then(|(key, _)| keys::offset_of(&key)).unwrap_or(-1);
        reader.last_stored_abort.store(last_abort, Ordering::Release);
        let start_offset = wanted_start.max(view.first_base()).min(end_offset);
        let fitting = self.epochs.truncated_to(end_offset).unwrap_or_else(|| self.epochs.clone());
        let fitting = fitting.started_at(start_offset).unwrap_or(fitting);
        let unwritten = self.rescanned || fitting != self.epochs || (!self.epochs_known && fitting.latest().is_some());
        reader.epochs_dirty.store(unwritten, Ordering::Release);
        reader.epochs.store(Some(Arc::new(fitting)));
        reader.log_start.store(start_offset, Ordering::Release);
        reader.log_end.store(end_offset, Ordering::Release);
        reader.flushed.store(trusted, Ordering::Release);
        Ok(view)
    }
}

/// The producers at the log's end: the newest snapshot at or below `trusted`, and the batches since. Aborted
/// transactions found on the way are added to the reader's.
pub(super) fn load_producers(reader: &LogReader, view: &LogView, trusted: i64) -> Result<ProducerState, LogError> {
    let end_offset = view.active().tail().end_offset;
    let key = reader.key();
    let from = reader.dir.index.floor(keys::PRODUCERS, &key.at(0), &key.at(trusted.min(end_offset)));
    let from = from.map_err(|error| reader.dir.kv_failed(&error))?;
    let stored = from.and_then(|(key, value)| snapshot::decode(keys::offset_of(&key)?, &value));
    let mut state = stored.unwrap_or_else(|| ProducerState::at(view.first_base()));
    let from_offset = state.applied_to();
    let mut aborted = Vec::new();
    for segment in &view.segments[view.floor(from_offset)..] {
        let tail = segment.tail();
        if tail.end_offset <= from_offset || tail.size_bytes == 0 {
            continue;
        }
        replay(reader, segment, &tail, from_offset, &mut state, &mut aborted)?;
    }
    reader.add_aborted(&aborted);
    state.bound(reader.config.load().max_producer_ids);
    Ok(state.caught_up(end_offset))
}

fn replay(
    reader: &LogReader,
    segment: &Segment,
    tail: &Tail,
    from_offset: i64,
    state: &mut ProducerState,
    aborted: &mut Vec<keys::AbortedTransaction>,
) -> Result<(), LogError> {
    let entry = reader.index_or(reader.index().floor(segment, from_offset), IndexEntry::START);
    let file = segment.file(&reader.dir.handles, || reader.folder());
    let file = file.map_err(|error| reader.dir.read_failed(&error))?;
    let mut walk = Walk::new(&*file, u64::from(entry.position), tail.size_bytes);
    while let Some(found) = walk.next().map_err(|error| reader.walk_failed(error))? {
        if found.header.base_offset < from_offset || !found.header.has_producer_id() {
            continue;
        }
        let marker = walk.marker(&found).map_err(|error| reader.walk_failed(error))?;
        aborted.extend(state.replay(&found.header, marker));
    }
    Ok(())
}
