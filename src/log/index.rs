//! Where in a segment an offset or a timestamp is: one entry for every `index.interval.bytes`.
//!
//! The entries of the active segment lie in memory ([`MemoryIndex`]); the flusher copies them into chunks of the index
//! database and, once the segment is closed, lets go of them. So the newest entries are found without the database.

use super::keys::{self, PartitionKey};
use super::segment::Segment;
use crate::kv::{Kv, KvError};
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// One entry: a batch, and what lies before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// The batch's base offset minus the segment's.
    pub relative_offset: u32,
    /// Where the batch starts in the segment, in bytes.
    pub position: u32,
    /// Largest timestamp of all batches before this one in the segment, in ms; -1 without one.
    pub max_timestamp_before: i64,
}

impl IndexEntry {
    /// The start of a segment, where no entry comes before.
    pub const START: Self = Self { relative_offset: 0, position: 0, max_timestamp_before: -1 };
}

/// Entries of the first piece; each further piece has twice the room of the one before.
const FIRST_PIECE: usize = 16;
/// Pieces: room for 16 million entries, more than a segment of 2 GiB can have at Kafka's smallest useful interval.
const PIECES: usize = 20;

#[derive(Default)]
struct Slot {
    place: AtomicU64,
    max_timestamp_before: AtomicI64,
}

/// Entries that one writer appends while any number of readers search, without a lock. Entries never move or change.
#[derive(Default)]
pub struct MemoryIndex {
    pieces: [OnceLock<Box<[Slot]>>; PIECES],
    /// Entries that readers may look at.
    length: AtomicUsize,
}

impl MemoryIndex {
    fn slot_place(index: usize) -> (usize, usize) {
        let piece = (index / FIRST_PIECE + 1).ilog2() as usize;
        (piece, index - FIRST_PIECE * ((1 << piece) - 1))
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.length.load(Ordering::Acquire)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Entry number `index`, which is below [`Self::len`].
    pub fn get(&self, index: usize) -> IndexEntry {
        let (piece, place) = Self::slot_place(index);
        let slot = self.pieces[piece].get().map(|slots| &slots[place]).expect("an entry below the length was written");
        let packed = slot.place.load(Ordering::Relaxed);
        IndexEntry {
            relative_offset: (packed >> 32) as u32,
            position: packed as u32,
            max_timestamp_before: slot.max_timestamp_before.load(Ordering::Relaxed),
        }
    }

    /// Appends an entry; false if there is no room, which costs only a longer walk. Only the log's writer calls it.
    pub fn push(&self, entry: IndexEntry) -> bool {
        let length = self.length.load(Ordering::Relaxed);
        let (piece, place) = Self::slot_place(length);
        let Some(piece_slots) = self.pieces.get(piece) else { return false };
        let slots = piece_slots.get_or_init(|| (0..FIRST_PIECE << piece).map(|_| Slot::default()).collect());
        let packed = u64::from(entry.relative_offset) << 32 | u64::from(entry.position);
        slots[place].place.store(packed, Ordering::Relaxed);
        slots[place].max_timestamp_before.store(entry.max_timestamp_before, Ordering::Relaxed);
        self.length.store(length + 1, Ordering::Release);
        true
    }

    /// How many entries satisfy `is_before`, which holds for a prefix of them.
    fn partition_point(&self, is_before: impl Fn(&IndexEntry) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if is_before(&self.get(middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// A run of entries of one segment, from memory or from one chunk of the database.
pub enum Entries {
    /// From memory.
    Memory(Arc<MemoryIndex>),
    /// One chunk.
    Chunk(Vec<IndexEntry>),
}

impl Entries {
    /// The last entry that satisfies `is_before`, which holds for a prefix of them.
    pub fn last_before(&self, is_before: impl Fn(&IndexEntry) -> bool) -> Option<IndexEntry> {
        match self {
            Self::Memory(index) => index.partition_point(&is_before).checked_sub(1).map(|last| index.get(last)),
            Self::Chunk(entries) => entries.partition_point(is_before).checked_sub(1).map(|last| entries[last]),
        }
    }
}

/// Searches the index of one partition, memory before database.
pub struct IndexReader<'a> {
    /// The index database of the log directory.
    pub kv: &'a dyn Kv,
    /// The partition.
    pub partition: PartitionKey,
}

impl IndexReader<'_> {
    /// The entries near `offset`: those that hold the last entry at or below it, if any does.
    pub fn around(&self, segment: &Segment, offset: i64) -> Result<Entries, KvError> {
        let relative = relative(segment, offset);
        if let Some(memory) = segment.memory() {
            let in_memory = !memory.is_empty() && memory.get(0).relative_offset <= relative;
            if in_memory || segment.memory_is_complete() {
                return Ok(Entries::Memory(memory));
            }
        }
        Ok(Entries::Chunk(self.chunk(segment, offset)?.unwrap_or_default()))
    }

    /// The last entry at or below `offset`, or the segment's start.
    pub fn floor(&self, segment: &Segment, offset: i64) -> Result<IndexEntry, KvError> {
        let relative = relative(segment, offset);
        let found = self.around(segment, offset)?.last_before(|entry| entry.relative_offset <= relative);
        Ok(found.unwrap_or(IndexEntry::START))
    }

    /// The last entry before which every timestamp is below `timestamp`: a batch that reaches it starts there or later.
    pub fn before_timestamp(&self, segment: &Segment, timestamp: i64) -> Result<IndexEntry, KvError> {
        let is_before = |entry: &IndexEntry| entry.max_timestamp_before < timestamp;
        let mut end = segment.tail().end_offset;
        if let Some(memory) = segment.memory() {
            let before = memory.partition_point(is_before);
            if before > 0 || segment.memory_is_complete() {
                return Ok(before.checked_sub(1).map_or(IndexEntry::START, |last| memory.get(last)));
            }
            if !memory.is_empty() {
                end = segment.base_offset() + i64::from(memory.get(0).relative_offset);
            }
        }
        let mut best = IndexEntry::START;
        let mut start = segment.base_offset();
        while start < end {
            let middle = start + (end - start) / 2;
            let Some(chunk) = self.chunk(segment, middle)? else {
                start = middle + 1;
                continue;
            };
            let (first, last) = (chunk[0], chunk[chunk.len() - 1]);
            if !is_before(&first) {
                end = segment.base_offset() + i64::from(first.relative_offset);
            } else if is_before(&last) {
                best = last;
                start = middle.max(segment.base_offset() + i64::from(last.relative_offset)) + 1;
            } else {
                best = chunk[chunk.partition_point(is_before) - 1];
                break;
            }
        }
        Ok(best)
    }

    /// The chunk with the largest first offset at or below `offset`.
    fn chunk(&self, segment: &Segment, offset: i64) -> Result<Option<Vec<IndexEntry>>, KvError> {
        let base = segment.base_offset();
        let from = self.partition.chunk(base, base);
        let found = self.kv.floor(keys::INDEX, &from, &self.partition.chunk(base, offset))?;
        // Asked after the look-up: the rows of a replaced segment are gone, or about the file that took its place.
        if segment.is_replaced() {
            return Ok(None);
        }
        match found {
            None => Ok(None),
            Some((_, value)) => match keys::decode_chunk(&value) {
                Some(entries) => Ok(Some(entries)),
                None => Err(KvError::Corrupt("an index chunk is no chunk".to_owned())),
            },
        }
    }
}

fn relative(segment: &Segment, offset: i64) -> u32 {
    u32::try_from((offset - segment.base_offset()).max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_stay_where_they_are_while_the_index_grows() {
        let index = MemoryIndex::default();
        let entry = |n: u32| IndexEntry {
            relative_offset: n * 3,
            position: n * 4096,
            max_timestamp_before: i64::from(n) * 10 - 1,
        };
        for n in 0..5000 {
            assert!(index.push(entry(n)));
        }
        assert_eq!(index.len(), 5000);
        for n in 0..5000 {
            assert_eq!(index.get(n as usize), entry(n));
        }
        let entries = Entries::Memory(Arc::new(index));
        assert_eq!(entries.last_before(|found| found.relative_offset <= 31), Some(entry(10)));
        assert_eq!(entries.last_before(|found| found.max_timestamp_before < -1), None);
    }
}
