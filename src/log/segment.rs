//! One segment: a file of consecutive batches, named by the first offset it may hold.

use super::index::MemoryIndex;
use super::keys::SegmentRow;
use crate::disk::handles::Handles;
use crate::disk::{DiskFile, Open};
use arc_swap::ArcSwapOption;
use parking_lot::Mutex;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{fence, AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

/// Suffix of a segment file.
pub const LOG_SUFFIX: &str = ".log";
/// Suffix of a file that waits to be removed.
pub const DELETED_SUFFIX: &str = ".deleted";

/// In [`Segment::flushed_bytes`]: the file was cut or found, and must be synced whatever its length.
pub(super) const UNKNOWN_FLUSHED: u64 = u64::MAX;

/// Kafka's file name of the segment with `base_offset`.
pub fn file_name(base_offset: i64) -> String {
    format!("{base_offset:020}{LOG_SUFFIX}")
}

/// Where a segment ends, as one consistent picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// Offset after the last record.
    pub end_offset: i64,
    /// Valid bytes of the file.
    pub size_bytes: u64,
    /// Largest timestamp in ms, -1 without one.
    pub max_timestamp: i64,
    /// Position of the last index entry, 0 without one.
    pub last_index_position: u64,
}

/// How far the index database has followed. Guarded by its mutex, which is never held over a sync of the file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Followed {
    /// Entries of the memory index that are in chunks.
    pub entries: usize,
    /// The row of the segment says that it is closed.
    pub closed: bool,
}

/// A segment, shared by the log's one writer, its readers and the flusher.
pub struct Segment {
    base_offset: i64,
    /// Largest timestamp of the first batch in ms; -1 before it, and where it has none.
    first_timestamp: AtomicI64,
    /// Even while the four fields below belong together; the writer makes it odd while it changes them.
    version: AtomicU64,
    end_offset: AtomicI64,
    size_bytes: AtomicU64,
    max_timestamp: AtomicI64,
    last_index_position: AtomicU64,
    /// Nothing more is appended.
    closed: AtomicBool,
    /// Bytes known to be durable.
    flushed_bytes: AtomicU64,
    /// Entries not yet, or not only, in the index database.
    memory: ArcSwapOption<MemoryIndex>,
    /// No entry of this segment is only in the database.
    memory_is_complete: AtomicBool,
    /// What the index database has of this segment.
    pub(super) followed: Mutex<Followed>,
    /// The open file, for as long as the cache of handles or a reader keeps it open. Never waited for.
    file: Mutex<Option<Weak<dyn DiskFile>>>,
    /// How often what it holds was cleaned: positions remembered from before are void.
    generation: u64,
    /// Another file has taken this one's place, or is about to: `pinned` is the only way to it.
    replaced: AtomicBool,
    /// Keeps the file of a replaced segment open for as long as a view has the segment.
    pinned: Mutex<Option<Arc<dyn DiskFile>>>,
}

impl Segment {
    /// A segment with nothing in it.
    pub fn empty(base_offset: i64) -> Self {
        let row = SegmentRow {
            closed: false,
            size_bytes: 0,
            end_offset: base_offset,
            max_timestamp: -1,
            first_timestamp: -1,
            last_index_position: 0,
        };
        let segment = Self::known(base_offset, &row);
        segment.flushed_bytes.store(0, Ordering::Relaxed);
        segment.memory.store(Some(Arc::new(MemoryIndex::default())));
        segment.memory_is_complete.store(true, Ordering::Relaxed);
        segment
    }

    /// A segment whose entries are in the index database and whose bytes are durable.
    pub fn known(base_offset: i64, row: &SegmentRow) -> Self {
        Self {
            base_offset,
            first_timestamp: AtomicI64::new(row.first_timestamp),
            version: AtomicU64::new(0),
            end_offset: AtomicI64::new(row.end_offset),
            size_bytes: AtomicU64::new(row.size_bytes),
            max_timestamp: AtomicI64::new(row.max_timestamp),
            last_index_position: AtomicU64::new(row.last_index_position),
            closed: AtomicBool::new(row.closed),
            flushed_bytes: AtomicU64::new(row.size_bytes),
            memory: ArcSwapOption::empty(),
            memory_is_complete: AtomicBool::new(false),
            followed: Mutex::new(Followed { entries: 0, closed: row.closed }),
            file: Mutex::new(None),
            generation: 0,
            replaced: AtomicBool::new(false),
            pinned: Mutex::new(None),
        }
    }

    /// A closed segment that takes the place of others.
    pub(super) fn cleaned(base_offset: i64, row: &SegmentRow, generation: u64) -> Self {
        Self { generation, ..Self::known(base_offset, row) }
    }

    /// First offset that the segment may hold; its file's name.
    pub fn base_offset(&self) -> i64 {
        self.base_offset
    }

    /// Largest timestamp of the first batch in ms, -1 without one.
    pub fn first_timestamp(&self) -> i64 {
        self.first_timestamp.load(Ordering::Relaxed)
    }

    pub(super) fn set_first_timestamp(&self, timestamp: i64) {
        self.first_timestamp.store(timestamp, Ordering::Relaxed);
    }

    /// Where the segment ends.
    pub fn tail(&self) -> Tail {
        loop {
            let before = self.version.load(Ordering::Acquire);
            let tail = Tail {
                end_offset: self.end_offset.load(Ordering::Relaxed),
                size_bytes: self.size_bytes.load(Ordering::Relaxed),
                max_timestamp: self.max_timestamp.load(Ordering::Relaxed),
                last_index_position: self.last_index_position.load(Ordering::Relaxed),
            };
            fence(Ordering::Acquire);
            if before.is_multiple_of(2) && self.version.load(Ordering::Relaxed) == before {
                return tail;
            }
            std::hint::spin_loop();
        }
    }

    /// Publishes a new end. Only the log's writer calls it.
    pub(super) fn publish(&self, tail: Tail) {
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        self.end_offset.store(tail.end_offset, Ordering::Relaxed);
        self.size_bytes.store(tail.size_bytes, Ordering::Relaxed);
        self.max_timestamp.store(tail.max_timestamp, Ordering::Relaxed);
        self.last_index_position.store(tail.last_index_position, Ordering::Relaxed);
        self.version.store(version + 2, Ordering::Release);
    }

    /// Whether nothing more is appended.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Bytes known to be durable; [`UNKNOWN_FLUSHED`] where that is not known.
    pub fn flushed_bytes(&self) -> u64 {
        self.flushed_bytes.load(Ordering::Acquire)
    }

    pub(super) fn set_flushed_bytes(&self, bytes: u64) {
        self.flushed_bytes.store(bytes, Ordering::Release);
    }

    /// The entries in memory, if there are any to look at.
    pub fn memory(&self) -> Option<Arc<MemoryIndex>> {
        self.memory.load_full()
    }

    /// Whether the database need not be asked for entries.
    pub fn memory_is_complete(&self) -> bool {
        self.memory_is_complete.load(Ordering::Acquire)
    }

    pub(super) fn set_memory(&self, index: MemoryIndex, complete: bool) {
        self.memory.store(Some(Arc::new(index)));
        self.memory_is_complete.store(complete, Ordering::Release);
    }

    /// Lets go of the entries, all of which are in the database.
    pub(super) fn release_memory(&self) {
        self.memory_is_complete.store(false, Ordering::Release);
        self.memory.store(None);
    }

    /// The segment as a row of the index database, at `tail`.
    pub(super) fn row(&self, tail: &Tail, closed: bool) -> SegmentRow {
        SegmentRow {
            closed,
            size_bytes: tail.size_bytes,
            end_offset: tail.end_offset,
            max_timestamp: tail.max_timestamp,
            first_timestamp: self.first_timestamp(),
            last_index_position: tail.last_index_position,
        }
    }

    /// Path of the file in `folder`.
    pub fn path(&self, folder: &Path) -> PathBuf {
        folder.join(file_name(self.base_offset))
    }

    /// How often what it holds was cleaned.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether it is closed, durable, and known so to the index database.
    pub(super) fn is_settled(&self) -> bool {
        self.is_closed() && self.followed.lock().closed && self.flushed_bytes() == self.tail().size_bytes
    }

    /// Keeps the file open, before another one takes its name and its rows in the index database.
    pub(super) fn pin(&self, handles: &Handles, folder: &Path) -> io::Result<()> {
        let file = self.file(handles, || folder.to_owned())?;
        *self.pinned.lock() = Some(file);
        self.replaced.store(true, Ordering::SeqCst);
        Ok(())
    }

    /// No other file takes its place after all.
    pub(super) fn unpin(&self) {
        self.replaced.store(false, Ordering::SeqCst);
        *self.pinned.lock() = None;
    }

    /// Whether what the index database says of this base may be about another file.
    pub(super) fn is_replaced(&self) -> bool {
        self.replaced.load(Ordering::SeqCst)
    }

    fn pinned(&self) -> Option<Arc<dyn DiskFile>> {
        if self.is_replaced() {
            self.pinned.lock().clone()
        } else {
            None
        }
    }

    /// The open file; opened to write if need be, since readers share it with the writer. Where it lies is asked only if
    /// it is not open: an append asks for the file each time.
    pub fn file(&self, handles: &Handles, folder: impl FnOnce() -> PathBuf) -> io::Result<Arc<dyn DiskFile>> {
        if let Some(pinned) = self.pinned() {
            return Ok(pinned);
        }
        let opened = self.open_file(handles, folder);
        // Looked at again: what was opened just now may have been another file under the same name, or none.
        self.pinned().map_or(opened, Ok)
    }

    fn open_file(&self, handles: &Handles, folder: impl FnOnce() -> PathBuf) -> io::Result<Arc<dyn DiskFile>> {
        let how = if self.is_closed() { Open::Read } else { Open::Write };
        if let Some(mut kept) = self.file.try_lock() {
            if let Some(file) = kept.as_ref().and_then(Weak::upgrade) {
                return Ok(file);
            }
            let file = handles.get(&self.path(&folder()), how)?;
            *kept = Some(Arc::downgrade(&file));
            return Ok(file);
        }
        handles.get(&self.path(&folder()), how)
    }

    /// The file opened to write even if the segment is closed: for trimming and truncating.
    pub(super) fn writable_file(&self, handles: &Handles, folder: &Path) -> io::Result<Arc<dyn DiskFile>> {
        handles.get(&self.path(folder), Open::Write)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kafkas() {
        assert_eq!(file_name(0), "00000000000000000000.log");
        assert_eq!(file_name(170_210), "00000000000000170210.log");
    }

    #[test]
    fn a_tail_is_never_torn() {
        let segment = Arc::new(Segment::empty(0));
        let writer = segment.clone();
        let thread = std::thread::spawn(move || {
            for n in 1..200_000_i64 {
                let (end_offset, size_bytes) = (n, n as u64 * 100);
                writer.publish(Tail { end_offset, size_bytes, max_timestamp: n * 2, last_index_position: n as u64 });
            }
        });
        let mut last = 0;
        while last < 199_999 {
            let tail = segment.tail();
            assert_eq!(tail.size_bytes, tail.end_offset as u64 * 100);
            assert!(tail.end_offset >= last);
            last = tail.end_offset;
        }
        thread.join().unwrap();
    }
}
