//! Making a log durable without its writer: sync the segments, let the index database follow, note the recovery point.

use super::checkpoints;
use super::dir::LogDir;
use super::error::LogError;
use super::index::IndexEntry;
use super::keys::{self, Summary, CHUNK_ENTRIES};
use super::reader::{LogReader, Structure, ALL_STABLE};
use super::segment::{Followed, Segment, Tail, UNKNOWN_FLUSHED};
use super::snapshot;
use super::summaries::{summary_of, Extent};
use super::view::LogView;
use crate::clock::Now;
use crate::disk::DiskFile;
use crate::kv::{Batch, Durability};
use std::sync::atomic::Ordering;
use std::sync::Arc;

/// The producers as they were when the flush began.
struct Snapshot {
    offset: i64,
    value: Vec<u8>,
    first_unstable: Option<i64>,
}

/// A segment as it was when the flush began.
struct Captured {
    segment: Arc<Segment>,
    tail: Tail,
    closed: bool,
}

impl LogReader {
    /// Syncs everything appended so far and returns the offset below which all is durable. Takes no lock of the writer
    /// across I/O, so it may run beside appends, on any thread. The recovery point follows with the next
    /// [`super::LogDir::flush`]. A log that is deleted meanwhile has nothing left to make durable: that is no error.
    pub fn flush(&self) -> Result<i64, LogError> {
        self.dir.check_online()?;
        let snapshot = self.producers.lock().as_ref().map(|state| Snapshot {
            offset: state.applied_to(),
            value: snapshot::encode(state),
            first_unstable: state.first_unstable_offset(),
        });
        let Some(view) = self.view.load_full() else { return Ok(self.flushed_offset()) };
        self.dirty.store(false, Ordering::Release);
        let captured = capture(&view);
        match self.sync(&captured) {
            Err(LogError::Closed) => return Ok(self.flushed_offset()),
            synced => synced?,
        }
        let end_offset = captured.last().map_or(view.active().tail().end_offset, |last| last.tail.end_offset);
        let mut structure = self.structure.lock();
        let current = self.view.load_full();
        // A deleted log's name may have been given to a new one, which must not inherit the recovery point.
        if self.is_closed() || current.is_none_or(|current| current.truncations != view.truncations) {
            return Ok(self.flushed_offset());
        }
        self.follow(&mut structure, &captured, &view, snapshot.as_ref(), end_offset)?;
        self.flushed.fetch_max(end_offset, Ordering::AcqRel);
        let recovery_point = snapshot.map_or(end_offset, |snapshot| snapshot.offset.min(end_offset));
        self.dir.note_synced(&self.partition, recovery_point, view.truncations);
        Ok(self.flushed_offset())
    }

    fn sync(&self, captured: &[Captured]) -> Result<(), LogError> {
        let folder = self.folder();
        let mut new_names = false;
        for Captured { segment, tail, .. } in captured {
            let flushed_bytes = segment.flushed_bytes();
            // A log that was never written to is the same without its first file: no sync for each idle partition.
            let untouched = tail.size_bytes == 0 && segment.base_offset() == 0;
            new_names |= matches!(flushed_bytes, 0 | UNKNOWN_FLUSHED) && !untouched;
            if flushed_bytes != tail.size_bytes {
                let Some(file) = self.file_to_sync(segment)? else { continue };
                file.sync_data().map_err(|error| self.dir.sync_failed(&error))?;
            }
        }
        if new_names {
            self.dir.disk.sync_dir(&folder).map_err(|error| match self.is_closed() {
                true => LogError::Closed,
                false => self.dir.write_failed(&error),
            })?;
        }
        self.write_epochs()
    }

    /// A segment's file, `None` if the segment has left the log. Opened under the structure lock, as deletion renames
    /// under it: the path of a deleted log is nobody's, or by now that of another topic.
    fn file_to_sync(&self, segment: &Arc<Segment>) -> Result<Option<Arc<dyn DiskFile>>, LogError> {
        let _structure = self.structure.lock();
        if self.is_closed() {
            return Err(LogError::Closed);
        }
        match segment.file(&self.dir.handles, || self.folder()) {
            Ok(file) => Ok(Some(file)),
            Err(_) if self.view.load().as_ref().is_some_and(|view| !view.contains(segment)) => Ok(None),
            Err(error) => Err(self.dir.write_failed(&error)),
        }
    }

    /// Brings `leader-epoch-checkpoint` up to date.
    pub(super) fn write_epochs(&self) -> Result<(), LogError> {
        if !self.epochs_dirty.load(Ordering::Acquire) {
            return Ok(());
        }
        let _structure = self.structure.lock();
        if self.is_closed() {
            return Err(LogError::Closed);
        }
        self.epochs_dirty.store(false, Ordering::Release);
        let epochs = self.epochs.load_full().unwrap_or_default();
        let bytes = checkpoints::write_epochs(epochs.entries());
        self.dir.disk.replace(&self.folder().join(checkpoints::LEADER_EPOCHS), &bytes).map_err(|error| {
            self.epochs_dirty.store(true, Ordering::Release);
            self.dir.write_failed(&error)
        })
    }

    /// Writes to the index database what it lacks of the captured segments, all of it durable in the files.
    fn follow(
        &self,
        structure: &mut Structure,
        captured: &[Captured],
        view: &LogView,
        snapshot: Option<&Snapshot>,
        end_offset: i64,
    ) -> Result<(), LogError> {
        let current = self.view.load_full();
        let captured: Vec<&Captured> = captured
            .iter()
            .filter(|captured| current.as_ref().is_some_and(|current| current.contains(&captured.segment)))
            .collect();
        let mut batch = Batch::new();
        let mut followed = Vec::new();
        for Captured { segment, tail, closed } in captured.iter().copied() {
            let entries = self.put_chunks(&mut batch, segment, tail.size_bytes);
            followed.push(Followed { entries, closed: *closed });
            let row = segment.row(tail, *closed);
            batch.put(keys::SEGMENTS, self.key().at(segment.base_offset()), row.encode());
        }
        if let Some(snapshot) = snapshot {
            self.put_snapshot(&mut batch, structure, view, snapshot.offset, &snapshot.value);
            if snapshot.offset == end_offset {
                let summary = self.summary_at(view, &captured, snapshot);
                batch.put(keys::SUMMARIES, keys::folder_name(&self.partition), summary.encode());
            }
        }
        let stored = self.put_aborted(&mut batch, end_offset);
        if !batch.changes.is_empty() {
            let written = self.dir.index.write(batch, Durability::UntilFlush);
            written.map_err(|error| self.dir.kv_failed(&error))?;
        }
        for (captured, followed) in captured.into_iter().zip(followed) {
            *captured.segment.followed.lock() = followed;
            captured.segment.set_flushed_bytes(captured.tail.size_bytes);
            if followed.closed {
                captured.segment.release_memory();
            }
        }
        if stored {
            self.aborted.rcu(|known| {
                let mut left = known.as_deref().cloned().unwrap_or_default();
                left.retain(|aborted| aborted.last_offset >= end_offset);
                (!left.is_empty()).then(|| Arc::new(left))
            });
        }
        Ok(())
    }

    /// What the next start may go by if nothing is appended any more.
    fn summary_at(&self, view: &LogView, captured: &[&Captured], snapshot: &Snapshot) -> Summary {
        let segments = view.segments.iter().map(|segment| {
            let then = captured.iter().find(|captured| Arc::ptr_eq(&captured.segment, segment));
            (segment.base_offset(), then.map_or_else(|| segment.tail(), |captured| captured.tail).size_bytes)
        });
        let extent = Extent {
            log_start_offset: self.log_start_offset(),
            log_end_offset: snapshot.offset,
            first_unstable_offset: snapshot.first_unstable.unwrap_or(ALL_STABLE),
        };
        summary_of(segments, self.topic_id, self.partition.partition, extent)
    }

    /// Adds the entries that the database lacks, of batches that start before `end_position`. Returns how many entries
    /// of the memory index it then has.
    pub(super) fn put_chunks(&self, batch: &mut Batch, segment: &Segment, end_position: u64) -> usize {
        let from = segment.followed.lock().entries;
        let Some(memory) = segment.memory() else { return from };
        let lacking: Vec<IndexEntry> = (from..memory.len())
            .map(|index| memory.get(index))
            .take_while(|entry| u64::from(entry.position) < end_position)
            .collect();
        let base = segment.base_offset();
        for chunk in lacking.chunks(CHUNK_ENTRIES) {
            let first = base + i64::from(chunk[0].relative_offset);
            batch.put(keys::INDEX, self.key().chunk(base, first), keys::encode_chunk(chunk));
        }
        from + lacking.len()
    }

    /// Adds the snapshot. The two newest ones of flushes stay, besides those where segments begin.
    fn put_snapshot(&self, batch: &mut Batch, structure: &mut Structure, view: &LogView, offset: i64, value: &[u8]) {
        batch.put(keys::PRODUCERS, self.key().at(offset), value);
        if structure.flush_snapshots.last() == Some(&offset) {
            return;
        }
        structure.flush_snapshots.push(offset);
        if structure.flush_snapshots.len() > 2 {
            let oldest = structure.flush_snapshots.remove(0);
            if !view.segments.iter().any(|segment| segment.base_offset() == oldest) {
                batch.delete(keys::PRODUCERS, self.key().at(oldest));
            }
        }
    }

    fn put_aborted(&self, batch: &mut Batch, end_offset: i64) -> bool {
        let Some(recent) = self.aborted.load_full() else { return false };
        for aborted in recent.iter().filter(|aborted| aborted.last_offset < end_offset) {
            self.last_stored_abort.fetch_max(aborted.last_offset, Ordering::AcqRel);
            batch.put(keys::ABORTED, self.key().at(aborted.last_offset), aborted.encode());
        }
        true
    }
}

impl LogDir {
    /// Notes bytes that a log has appended and that a flush must make durable.
    pub(super) fn note_unflushed(&self, reader: &Arc<LogReader>, bytes: u64, now: Now) {
        if !reader.dirty.swap(true, Ordering::AcqRel) {
            reader.dirty_since_ms.store(now.mono_ms, Ordering::Relaxed);
            let mut dirty = self.dirty.lock();
            if dirty.is_empty() {
                self.dirty_since_ms.store(now.mono_ms, Ordering::Relaxed);
            }
            dirty.push(Arc::downgrade(reader));
        }
        self.unflushed_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Whether [`Self::flush`] is due: too many unflushed bytes, or too old ones.
    pub fn flush_due(&self, now: Now) -> bool {
        if self.unflushed_bytes.load(Ordering::Relaxed) >= self.limits.flush_bytes {
            return true;
        }
        let waited_ms = now.mono_ms.saturating_sub(self.dirty_since_ms.load(Ordering::Relaxed));
        !self.dirty.lock().is_empty() && waited_ms >= self.limits.flush_interval_ms
    }

    /// Makes everything appended so far durable: syncs the segments, flushes the index database, then moves the recovery
    /// points. Takes no lock of a log's writer across I/O: run it on any thread, one at a time.
    pub fn flush(&self, now: Now) -> Result<(), LogError> {
        self.check_online()?;
        self.unflushed_bytes.store(0, Ordering::Relaxed);
        let mut dirty = std::mem::take(&mut *self.dirty.lock());
        while let Some(reader) = dirty.pop() {
            let Some(log) = reader.upgrade().filter(|log| !log.is_closed()) else { continue };
            if let Err(error) = log.flush() {
                log.dirty.store(true, Ordering::Release);
                dirty.push(reader);
                self.dirty_since_ms.store(now.mono_ms, Ordering::Relaxed);
                self.dirty.lock().append(&mut dirty);
                return Err(error);
            }
        }
        self.checkpoint()
    }

    /// Flushes the index database and writes the recovery points of what has been synced.
    pub fn checkpoint(&self) -> Result<(), LogError> {
        let synced = self.points.synced();
        if synced.is_empty() {
            return Ok(());
        }
        self.index.flush().map_err(|error| self.kv_failed(&error))?;
        self.points.commit(&*self.disk, self.path(), synced).map_err(|error| self.write_failed(&error))
    }
}

/// The segments of which something is not durable or not in the index database, in order.
fn capture(view: &LogView) -> Vec<Captured> {
    let mut captured = Vec::new();
    for segment in view.segments.iter().rev() {
        // Closed first: a segment that is closed has its final tail.
        let closed = segment.is_closed();
        let tail = segment.tail();
        let followed = segment.followed.lock().closed;
        if closed && followed && segment.flushed_bytes() == tail.size_bytes {
            break;
        }
        captured.push(Captured { segment: segment.clone(), tail, closed });
    }
    captured.reverse();
    captured
}
