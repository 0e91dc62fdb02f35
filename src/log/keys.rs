//! What the index database holds: one per log directory, five families, numbers big-endian.
//!
//! | family | key | value |
//! | --- | --- | --- |
//! | [`INDEX`] | partition id, segment base i64, first offset i64 | ≤ 256 entries of 16 bytes: relative offset u32, position u32, largest timestamp before i64 |
//! | [`SEGMENTS`] | partition id, segment base i64 | version u8, flags u8 (1 closed), size u64, end offset i64, max timestamp i64, first timestamp i64, last index position u64 |
//! | [`PRODUCERS`] | partition id, offset i64 | producer state before that offset |
//! | [`ABORTED`] | partition id, marker offset i64 | version u8, producer id i64, first offset i64, last stable offset i64 |
//! | [`SUMMARIES`] | folder name | version u8, topic id 16 bytes, partition i32, log start i64, log end i64, first unstable offset i64, segments u32, last base i64, last size u64 |
//!
//! A partition id is the topic id (16 bytes) and the partition (i32): a topic made anew under an old name shares nothing
//! with it. Everything here can be read from the segment files again. What lies at or below the recovery point is as
//! durable as they are; what lies beyond may run ahead of them after a crash and is dropped. Summaries count after a clean
//! stop; after a crash, those that still fit (`summaries.rs`).

use super::index::IndexEntry;
use crate::ids::{TopicPartition, Uuid};
use crate::kv::Family;

/// Index chunks.
pub const INDEX: Family = Family(0);
/// Segments with their sizes.
pub const SEGMENTS: Family = Family(1);
/// Producer snapshots.
pub const PRODUCERS: Family = Family(2);
/// Aborted transactions.
pub const ABORTED: Family = Family(3);
/// One line per log, written with each flush and at a clean stop.
pub const SUMMARIES: Family = Family(4);
/// Names of the families, in the order of their numbers, for who opens the database.
pub const FAMILIES: [&str; 5] = ["index", "segments", "producers", "aborted", "summaries"];

/// A file of this name in a log directory says that the index database is to be made anew before it is used.
pub const INDEX_IS_CORRUPT: &str = ".klamm-index-corrupt";

/// Most entries of an index chunk.
pub const CHUNK_ENTRIES: usize = 256;
/// Bytes of an index entry.
pub const ENTRY_BYTES: usize = 16;
const VERSION: u8 = 0;

/// A partition's id as key prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionKey([u8; 20]);

impl PartitionKey {
    /// The prefix of `partition` of the topic with `topic_id`.
    pub fn new(topic_id: &Uuid, partition: i32) -> Self {
        let mut key = [0; 20];
        key[..16].copy_from_slice(topic_id.as_bytes());
        key[16..].copy_from_slice(&partition.to_be_bytes());
        Self(key)
    }

    /// Key of one offset: [`SEGMENTS`], [`PRODUCERS`], [`ABORTED`], and where a segment's [`INDEX`] chunks begin.
    pub fn at(&self, offset: i64) -> Vec<u8> {
        let mut key = Vec::with_capacity(36);
        key.extend_from_slice(&self.0);
        key.extend_from_slice(&offset.to_be_bytes());
        key
    }

    /// Key of the [`INDEX`] chunk that begins with `first`, or would.
    pub fn chunk(&self, segment_base: i64, first: i64) -> Vec<u8> {
        let mut key = self.at(segment_base);
        key.extend_from_slice(&first.to_be_bytes());
        key
    }

    /// Beyond every key of this partition.
    pub fn end(&self) -> Vec<u8> {
        let mut key = self.0.to_vec();
        key.extend_from_slice(&[0xff; 17]);
        key
    }
}

/// The offset at the end of a key; `None` where the key is too short.
pub fn offset_of(key: &[u8]) -> Option<i64> {
    key.last_chunk::<8>().map(|bytes| i64::from_be_bytes(*bytes))
}

/// Entries as the value of a chunk.
pub fn encode_chunk(entries: &[IndexEntry]) -> Vec<u8> {
    assert!(!entries.is_empty() && entries.len() <= CHUNK_ENTRIES, "a chunk has 1 to 256 entries");
    let mut value = Vec::with_capacity(entries.len() * ENTRY_BYTES);
    for entry in entries {
        value.extend_from_slice(&entry.relative_offset.to_be_bytes());
        value.extend_from_slice(&entry.position.to_be_bytes());
        value.extend_from_slice(&entry.max_timestamp_before.to_be_bytes());
    }
    value
}

/// The entries of a chunk; `None` where the value is none.
pub fn decode_chunk(value: &[u8]) -> Option<Vec<IndexEntry>> {
    if value.is_empty() || !value.len().is_multiple_of(ENTRY_BYTES) || value.len() > CHUNK_ENTRIES * ENTRY_BYTES {
        return None;
    }
    let mut read = Fields(value);
    let mut entries = Vec::with_capacity(value.len() / ENTRY_BYTES);
    while !read.0.is_empty() {
        let relative_offset = u32::from_be_bytes(read.take()?);
        let position = u32::from_be_bytes(read.take()?);
        entries.push(IndexEntry { relative_offset, position, max_timestamp_before: read.i64()? });
    }
    Some(entries)
}

/// A segment as the index database knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentRow {
    /// Nothing will be appended to it.
    pub closed: bool,
    /// Valid bytes when the row was written.
    pub size_bytes: u64,
    /// Offset after its last record.
    pub end_offset: i64,
    /// Largest timestamp in ms, -1 without one.
    pub max_timestamp: i64,
    /// Largest timestamp of its first batch in ms, -1 without one.
    pub first_timestamp: i64,
    /// Position of the last index entry, 0 without one.
    pub last_index_position: u64,
}

impl SegmentRow {
    /// The row as value.
    pub fn encode(&self) -> Vec<u8> {
        let mut value = vec![VERSION, u8::from(self.closed)];
        value.extend_from_slice(&self.size_bytes.to_be_bytes());
        value.extend_from_slice(&self.end_offset.to_be_bytes());
        value.extend_from_slice(&self.max_timestamp.to_be_bytes());
        value.extend_from_slice(&self.first_timestamp.to_be_bytes());
        value.extend_from_slice(&self.last_index_position.to_be_bytes());
        value
    }

    /// The value as row; `None` where it is none.
    pub fn decode(value: &[u8]) -> Option<Self> {
        let mut read = Fields(value);
        let [version, flags] = read.take()?;
        if version != VERSION {
            return None;
        }
        Some(Self {
            closed: flags & 1 != 0,
            size_bytes: u64::from_be_bytes(read.take()?),
            end_offset: read.i64()?,
            max_timestamp: read.i64()?,
            first_timestamp: read.i64()?,
            last_index_position: u64::from_be_bytes(read.take()?),
        })
    }
}

/// A transaction that was aborted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbortedTransaction {
    /// Its producer.
    pub producer_id: i64,
    /// Offset of its first record.
    pub first_offset: i64,
    /// Offset of its abort marker.
    pub last_offset: i64,
    /// Last stable offset once the marker was written.
    pub last_stable_offset: i64,
}

impl AbortedTransaction {
    /// The transaction as value; its key holds the marker's offset.
    pub fn encode(&self) -> Vec<u8> {
        let mut value = vec![VERSION];
        for field in [self.producer_id, self.first_offset, self.last_stable_offset] {
            value.extend_from_slice(&field.to_be_bytes());
        }
        value
    }

    /// Reads a pair; `None` where it is none.
    pub fn decode(key: &[u8], value: &[u8]) -> Option<Self> {
        let mut read = Fields(value);
        if read.take()? != [VERSION] {
            return None;
        }
        Some(Self {
            producer_id: read.i64()?,
            first_offset: read.i64()?,
            last_offset: offset_of(key)?,
            last_stable_offset: read.i64()?,
        })
    }
}

/// What a flush or a clean stop leaves of a log, so that opening it reads no file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The topic.
    pub topic_id: Uuid,
    /// The partition.
    pub partition: i32,
    /// First offset.
    pub log_start_offset: i64,
    /// End, exclusive.
    pub log_end_offset: i64,
    /// First offset of an open transaction; `i64::MAX` without one.
    pub first_unstable_offset: i64,
    /// Segment files; none before the first record.
    pub segments: u32,
    /// Base offset of the last one.
    pub last_base: i64,
    /// Its length in bytes.
    pub last_size_bytes: u64,
}

/// The format of a summary: 0 did not count the segments.
const SUMMARY_VERSION: u8 = 1;

impl Summary {
    /// Of a log that was never written to.
    pub fn empty(topic_id: Uuid, partition: i32) -> Self {
        Self {
            topic_id,
            partition,
            log_start_offset: 0,
            log_end_offset: 0,
            first_unstable_offset: i64::MAX,
            segments: 0,
            last_base: 0,
            last_size_bytes: 0,
        }
    }

    /// The summary as value.
    pub fn encode(&self) -> Vec<u8> {
        let mut value = vec![SUMMARY_VERSION];
        value.extend_from_slice(self.topic_id.as_bytes());
        value.extend_from_slice(&self.partition.to_be_bytes());
        for field in [self.log_start_offset, self.log_end_offset, self.first_unstable_offset] {
            value.extend_from_slice(&field.to_be_bytes());
        }
        value.extend_from_slice(&self.segments.to_be_bytes());
        value.extend_from_slice(&self.last_base.to_be_bytes());
        value.extend_from_slice(&self.last_size_bytes.to_be_bytes());
        value
    }

    /// The value as summary; `None` where it is none.
    pub fn decode(value: &[u8]) -> Option<Self> {
        let mut read = Fields(value);
        if read.take()? != [SUMMARY_VERSION] {
            return None;
        }
        Some(Self {
            topic_id: Uuid::from_bytes(read.take()?),
            partition: i32::from_be_bytes(read.take()?),
            log_start_offset: read.i64()?,
            log_end_offset: read.i64()?,
            first_unstable_offset: read.i64()?,
            segments: u32::from_be_bytes(read.take()?),
            last_base: read.i64()?,
            last_size_bytes: u64::from_be_bytes(read.take()?),
        })
    }
}

/// Name of the folder of a partition, and so its key in [`SUMMARIES`].
pub fn folder_name(partition: &TopicPartition) -> String {
    partition.to_string()
}

/// Takes fields of fixed size off the front.
pub(super) struct Fields<'a>(pub &'a [u8]);

impl Fields<'_> {
    pub fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*field)
    }

    pub fn i64(&mut self) -> Option<i64> {
        self.take().map(i64::from_be_bytes)
    }
}
