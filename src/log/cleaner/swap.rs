//! A cleaned file takes the place of the segments that it was made of.
//!
//! The order, and what a start after a crash finds:
//! 1. `.cleaned` is written and synced: thrown away.
//! 2. The index database forgets the segments, durably: they are read again, whichever they are then.
//! 3. `.cleaned` becomes `.swap`. With one source that is all; with several its name is made durable, and from then on
//!    the start finishes what follows.
//! 4. The sources but the first become `.deleted`, durably; they are removed after `file.delete.delay.ms`.
//! 5. `.swap` becomes the first source's file, which goes with the last reader that has it open.
//! 6. The index database learns the new segment.

use super::output::path_of;
use super::{CleanError, Sources};
use crate::clock::Now;
use crate::kv::{Batch, Durability};
use crate::log::error::LogError;
use crate::log::folder::SWAP_SUFFIX;
use crate::log::index::IndexEntry;
use crate::log::keys::{self, SegmentRow, CHUNK_ENTRIES};
use crate::log::partition_log::Log;
use crate::log::reader::LogReader;
use crate::log::segment::{file_name, Segment};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// A cleaned file, ready to take its place.
pub struct Cleaned {
    /// The segments that it was made of, neighbours.
    pub(super) sources: Sources,
    /// What it is as a segment.
    pub(super) row: SegmentRow,
    /// Its index.
    pub(super) entries: Vec<IndexEntry>,
    /// Markers of aborted transactions of which no record is left.
    pub(super) vacated: Vec<i64>,
}

impl Cleaned {
    fn base(&self) -> i64 {
        self.sources[0].base_offset()
    }

    fn release(&self) {
        self.sources.iter().for_each(|segment| segment.unpin());
    }
}

impl LogReader {
    /// Steps before the writer is needed: keeps the sources open for who reads them, and makes the index database forget
    /// them.
    pub(super) fn prepare(&self, cleaned: &Cleaned) -> Result<(), CleanError> {
        let prepared = self
            .forget_sources(cleaned)
            .and_then(|()| self.dir.index.flush().map_err(|error| CleanError::Log(self.dir.kv_failed(&error))));
        if prepared.is_err() {
            cleaned.release();
            self.discard_cleaned(cleaned.base());
        }
        prepared
    }

    fn forget_sources(&self, cleaned: &Cleaned) -> Result<(), CleanError> {
        let _structure = self.structure.lock();
        let fits = self.view.load_full().is_some_and(|view| view.place_of(&cleaned.sources).is_some());
        if self.is_closed() || !fits {
            return Err(CleanError::Aborted);
        }
        let folder = self.folder();
        for segment in &cleaned.sources {
            segment.pin(&self.dir.handles, &folder).map_err(|error| self.dir.read_failed(&error))?;
        }
        let key = self.key();
        let mut batch = Batch::new();
        for segment in &cleaned.sources {
            let base = segment.base_offset();
            batch.delete(keys::SEGMENTS, key.at(base));
            self.dir.delete_range(&mut batch, keys::INDEX, key.at(base), key.at(base + 1))?;
        }
        for segment in &cleaned.sources[1..] {
            // Where no segment begins any more, nobody looks for a snapshot.
            batch.delete(keys::PRODUCERS, key.at(segment.base_offset()));
        }
        for marker in &cleaned.vacated {
            batch.delete(keys::ABORTED, key.at(*marker));
        }
        self.aborted.rcu(|known| {
            let mut left = known.as_deref().cloned().unwrap_or_default();
            left.retain(|aborted| !cleaned.vacated.contains(&aborted.last_offset));
            (!left.is_empty()).then(|| Arc::new(left))
        });
        let written = self.dir.index.write(batch, Durability::UntilFlush);
        written.map_err(|error| self.dir.kv_failed(&error))?;
        Ok(())
    }

    /// Puts the files in their places. An error after the point of no return takes the directory offline: the next start
    /// finishes the swap.
    fn rename_cleaned(&self, cleaned: &Cleaned, due_ms: i64) -> Result<(), LogError> {
        let (dir, folder) = (&self.dir, self.folder());
        let target = folder.join(file_name(cleaned.base()));
        let swap = folder.join(format!("{}{SWAP_SUFFIX}", file_name(cleaned.base())));
        let fatal = |error: io::Error| dir.sync_failed(&error);
        dir.disk.rename(&path_of(self, cleaned.base()), &swap).map_err(|error| dir.write_failed(&error))?;
        if cleaned.sources.len() > 1 {
            dir.disk.sync_dir(&folder).map_err(fatal)?;
            for segment in &cleaned.sources[1..] {
                let discarded = dir.discard_file(&segment.path(&folder), due_ms);
                discarded.map_err(|error| fatal(io::Error::other(error)))?;
            }
            // Else a crash might leave the new file beside segments that it holds as well.
            dir.disk.sync_dir(&folder).map_err(fatal)?;
        }
        self.replace_file(&swap, &target).map_err(fatal)
    }

    fn replace_file(&self, swap: &Path, target: &Path) -> io::Result<()> {
        let done = self.dir.disk.rename(swap, target);
        // After the rename, so that nobody finds the old file under the name of the new one.
        self.dir.handles.forget(target);
        done
    }

    /// Writes the new segment's index and row.
    fn list_cleaned(&self, cleaned: &Cleaned) -> Result<(), LogError> {
        let (key, base) = (self.key(), cleaned.base());
        let mut batch = Batch::new();
        for chunk in cleaned.entries.chunks(CHUNK_ENTRIES) {
            let first = base + i64::from(chunk[0].relative_offset);
            batch.put(keys::INDEX, key.chunk(base, first), keys::encode_chunk(chunk));
        }
        batch.put(keys::SEGMENTS, key.at(base), cleaned.row.encode());
        let written = self.dir.index.write(batch, Durability::UntilFlush);
        written.map_err(|error| self.dir.kv_failed(&error))
    }
}

impl Log {
    /// Puts a cleaned segment in the place of those that it was made of. False, and nothing changed, if they are not part
    /// of the log any more. Readers that are at them go on with the old files.
    pub fn swap(&mut self, cleaned: Cleaned, now: Now) -> Result<bool, LogError> {
        let reader = self.reader.clone();
        reader.dir.check_online()?;
        let structure = reader.structure.lock();
        let view = reader.view.load_full();
        let place = view.as_ref().and_then(|view| view.place_of(&cleaned.sources));
        let (Some(view), Some(place), false) = (view, place, reader.is_closed()) else {
            cleaned.release();
            reader.remove_cleaned(cleaned.base());
            return Ok(false);
        };
        let due_ms = now.mono_ms.saturating_add(self.config.file_delete_delay_ms);
        if let Err(error) = reader.rename_cleaned(&cleaned, due_ms) {
            cleaned.release();
            return Err(error);
        }
        let generation = cleaned.sources.iter().map(|segment| segment.generation()).max().unwrap_or(0) + 1;
        let segment = Arc::new(Segment::cleaned(cleaned.base(), &cleaned.row, generation));
        let mut segments = view.segments.clone();
        segments.splice(place, [segment]);
        self.publish_view(segments, view.truncations);
        // It counts the segments.
        self.summarized = false;
        // What is in no row is walked over instead: an error here costs time only.
        let listed = reader.list_cleaned(&cleaned);
        drop(structure);
        reader.tail.forget_below(cleaned.row.end_offset);
        listed.map(|()| true)
    }
}
