//! Reading: where bytes lie, not the bytes themselves.

use super::error::{LogError, ReadError};
use super::index::{Entries, IndexEntry};
use super::reader::LogReader;
use super::segment::{Segment, Tail};
use super::view::LogView;
use super::walk::{Found, Walk, WalkError};
use crate::disk::{DiskFile, FileRange};
use crate::kv::KvError;
use bytes::Bytes;
use std::sync::Arc;

/// Headers read to find a batch boundary beyond the last index entry before the limit.
const BOUNDARY_STEPS: usize = 8;
/// Index chunks looked at to find a batch boundary before the limit.
const BOUNDARY_CHUNKS: usize = 32;

/// A stretch of batches.
#[derive(Clone)]
pub enum Piece {
    /// In memory.
    Bytes(Bytes),
    /// In a segment file.
    File(FileRange),
}

impl Piece {
    /// Its length in bytes.
    pub fn length_bytes(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::File(range) => range.length as usize,
        }
    }
}

/// Where a sequential reader goes on, so that it need not look up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadCursor {
    /// Offset of the batch at `position`, or lower with nothing between.
    pub offset: i64,
    segment_base: i64,
    position: u64,
    truncations: u64,
    generation: u64,
}

/// What a read found: batches one after the other, the first of which holds the offset asked for.
#[derive(Clone, Default)]
pub struct ReadPieces {
    /// In order.
    pub pieces: Vec<Piece>,
    /// Bytes of all pieces.
    pub length_bytes: usize,
    /// Offset after the last whole batch, where it is known: where a consumer of these bytes reads next.
    pub next_offset_hint: Option<i64>,
    /// For the next read, where it is known.
    pub cursor: Option<ReadCursor>,
}

impl ReadPieces {
    fn none() -> Self {
        Self::default()
    }
}

impl LogReader {
    /// Batches from the one that holds `offset`, all below `up_to` (exclusive; a batch boundary), in at most `max_bytes`.
    ///
    /// With `min_one_batch` the first batch is returned whole even if it exceeds `max_bytes`; without, nothing if it does
    /// not fit. The end is at a batch boundary where one is found cheaply, else it may cut a batch (F3). An offset
    /// between `up_to` and the log end gives nothing; outside the log it is [`ReadError::OffsetOutOfRange`].
    pub fn read(
        &self,
        offset: i64,
        max_bytes: usize,
        up_to: i64,
        min_one_batch: bool,
    ) -> Result<ReadPieces, ReadError> {
        self.read_from(None, offset, max_bytes, up_to, min_one_batch)
    }

    /// [`Self::read`] with the cursor that an earlier read returned; a cursor of another place is ignored.
    pub fn read_from(
        &self,
        cursor: Option<&ReadCursor>,
        offset: i64,
        max_bytes: usize,
        up_to: i64,
        min_one_batch: bool,
    ) -> Result<ReadPieces, ReadError> {
        let (start, end) = (self.log_start_offset(), self.log_end_offset());
        if offset < start || offset > end {
            return Err(ReadError::OffsetOutOfRange { offset, start, end });
        }
        if offset == end {
            self.tail.want();
        }
        let up_to = up_to.min(end);
        if offset >= up_to || (max_bytes == 0 && !min_one_batch) {
            return Ok(ReadPieces::none());
        }
        if let Some(read) = self.tail.read(offset, max_bytes, up_to, min_one_batch) {
            let (pieces, length_bytes) = (read.pieces, read.length_bytes);
            return Ok(ReadPieces { pieces, length_bytes, next_offset_hint: Some(read.next_offset), cursor: None });
        }
        let view = self.view()?;
        for segment in &view.segments[view.floor(offset)..] {
            let tail = segment.tail();
            if tail.end_offset <= offset || tail.size_bytes == 0 {
                continue;
            }
            let file =
                segment.file(&self.dir.handles, || self.folder()).map_err(|error| self.dir.read_failed(&error))?;
            let stretch = Stretch { reader: self, view: &view, segment, tail, file };
            let Some(first) = stretch.locate(cursor, offset)? else { continue };
            return stretch.pieces(first, max_bytes, up_to, min_one_batch);
        }
        Ok(ReadPieces::none())
    }

    /// An index answer, or none where the database fails: a walk from the segment's start finds everything too.
    pub(super) fn index_or<T>(&self, answer: Result<T, KvError>, otherwise: T) -> T {
        answer.unwrap_or_else(|error| {
            tracing::warn!(partition = %self.partition, %error, "index lookup failed, walking the segment instead");
            otherwise
        })
    }

    pub(super) fn walk_failed(&self, error: WalkError) -> LogError {
        match error {
            WalkError::Io(error) => self.dir.read_failed(&error),
            WalkError::Bad(reason) => LogError::Corrupt(format!("{}: {reason}", self.partition)),
        }
    }
}

/// One segment as a read sees it.
struct Stretch<'a> {
    reader: &'a LogReader,
    view: &'a LogView,
    segment: &'a Segment,
    tail: Tail,
    file: Arc<dyn DiskFile>,
}

impl Stretch<'_> {
    /// The first batch whose last offset is at or beyond `offset`.
    fn locate(&self, cursor: Option<&ReadCursor>, offset: i64) -> Result<Option<Found>, ReadError> {
        let known = cursor.filter(|cursor| {
            cursor.offset == offset
                && cursor.segment_base == self.segment.base_offset()
                && cursor.truncations == self.view.truncations
                && cursor.generation == self.segment.generation()
        });
        let from = match known {
            Some(cursor) => cursor.position,
            None => {
                let entry = self.reader.index().floor(self.segment, offset);
                u64::from(self.reader.index_or(entry, IndexEntry::START).position)
            }
        };
        let mut walk = Walk::new(&*self.file, from, self.tail.size_bytes);
        while let Some(found) = walk.next().map_err(|error| self.reader.walk_failed(error))? {
            if found.header.last_offset() >= offset {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Where the batches below `up_to` end; not before `first`.
    fn end_position(&self, first: &Found, up_to: i64) -> Result<u64, ReadError> {
        if up_to >= self.tail.end_offset {
            return Ok(self.tail.size_bytes);
        }
        let entry = self.reader.index().floor(self.segment, up_to);
        let entry = self.reader.index_or(entry, IndexEntry::START);
        let mut end = u64::from(entry.position).max(first.position);
        let mut walk = Walk::new(&*self.file, end, self.tail.size_bytes);
        while let Some(found) = walk.next().map_err(|error| self.reader.walk_failed(error))? {
            if found.header.next_offset() > up_to {
                break;
            }
            end = found.end();
        }
        Ok(end)
    }

    fn pieces(&self, first: Found, max_bytes: usize, up_to: i64, min_one_batch: bool) -> Result<ReadPieces, ReadError> {
        let first_bytes = first.header.size_bytes();
        if first.header.next_offset() > up_to || (first_bytes > max_bytes && !min_one_batch) {
            return Ok(ReadPieces::none());
        }
        let limit = first.position + max_bytes.max(first_bytes) as u64;
        let mut end = self.end_position(&first, up_to)?;
        let mut next_offset = Some(up_to.min(self.tail.end_offset));
        if end > limit {
            (end, next_offset) = self.boundary(&first, limit)?;
        } else if end == self.tail.size_bytes && !self.segment.is_closed() {
            self.reader.tail.want();
        }
        let length = end - first.position;
        let range = FileRange { file: self.file.clone(), position: first.position, length };
        let cursor = next_offset.filter(|_| end < self.tail.size_bytes || !self.segment.is_closed());
        Ok(ReadPieces {
            pieces: vec![Piece::File(range)],
            length_bytes: length as usize,
            next_offset_hint: next_offset,
            cursor: cursor.map(|offset| ReadCursor {
                offset,
                segment_base: self.segment.base_offset(),
                position: end,
                truncations: self.view.truncations,
                generation: self.segment.generation(),
            }),
        })
    }

    /// The last batch boundary at or before `limit` that a few steps find, and the offset there. The limit itself,
    /// without an offset, if the index does not reach near it.
    fn boundary(&self, first: &Found, limit: u64) -> Result<(u64, Option<i64>), ReadError> {
        let mut end = first.end();
        let mut next_offset = first.header.next_offset();
        let mut near = false;
        for _ in 0..BOUNDARY_CHUNKS {
            let entries = self.reader.index().around(self.segment, next_offset);
            let entries = self.reader.index_or(entries, Entries::Chunk(Vec::new()));
            let entry = entries.last_before(|entry| u64::from(entry.position) <= limit);
            let Some(entry) = entry.filter(|entry| u64::from(entry.position) > end) else {
                near = true;
                break;
            };
            end = u64::from(entry.position);
            next_offset = self.segment.base_offset() + i64::from(entry.relative_offset);
            if matches!(entries, Entries::Memory(_)) {
                near = true;
                break;
            }
            // A chunk may end before the limit: the next one begins within a batch or two behind its last entry.
            let mut walk = Walk::new(&*self.file, end, self.tail.size_bytes);
            let step = self.reader.config.load().index_interval_bytes;
            while let Some(found) = walk.next().map_err(|error| self.reader.walk_failed(error))? {
                if found.end() > limit {
                    return Ok((end, Some(next_offset)));
                }
                let stepped = found.position > u64::from(entry.position) + step;
                end = found.end();
                next_offset = found.header.next_offset();
                if stepped {
                    break;
                }
            }
        }
        let mut walk = Walk::new(&*self.file, end, self.tail.size_bytes);
        for _ in 0..BOUNDARY_STEPS {
            match walk.next().map_err(|error| self.reader.walk_failed(error))? {
                Some(found) if found.end() <= limit => {
                    end = found.end();
                    next_offset = found.header.next_offset();
                }
                _ => return Ok((end, Some(next_offset))),
            }
        }
        Ok(if near { (end, Some(next_offset)) } else { (limit, None) })
    }
}
