//! The buffer that answers are encoded into. Record bytes are not copied into it: they are *placed*, and the answer
//! names the pieces at their position.

use super::buffers::{AnswerBuffer, Buffers};
use crate::disk::FileRange;
use bytes::buf::UninitSlice;
use bytes::{BufMut, Bytes};
use kafka_protocol::protocol::buf::ByteBufMut;
use smallvec::SmallVec;
use std::fmt;
use std::ops::Range;

/// A stretch of record bytes, in memory or in a segment file.
#[derive(Clone)]
pub enum Piece {
    /// Bytes in memory.
    Bytes(Bytes),
    /// Bytes in a file, read or sent when the socket takes them.
    File(FileRange),
}

impl Piece {
    /// Its length in bytes.
    pub fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File(range) => range.length,
        }
    }
}

impl From<Bytes> for Piece {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<FileRange> for Piece {
    fn from(range: FileRange) -> Self {
        Self::File(range)
    }
}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::File(range) => write!(f, "File({}+{})", range.position, range.length),
        }
    }
}

/// A piece that stands before the byte `at` of the encoded bytes.
pub(super) struct Insert {
    pub(super) at: usize,
    pub(super) piece: Piece,
}

/// Pieces that a placeholder stands for.
struct Placed {
    /// Where the placeholder starts in the reserved address space.
    start: usize,
    length: usize,
    pieces: Vec<Piece>,
}

/// Encodes one answer: a buffer for kafka-protocol to write to, plus the pieces that were placed.
pub struct Scatter {
    buffer: AnswerBuffer,
    /// Address space that placeholders are slices of. All answers use the same one: it is never read nor written.
    placeholder: Bytes,
    placed: SmallVec<[Placed; 1]>,
    placed_bytes: usize,
    /// Whether more was placed than the address space holds; such an answer cannot be framed either.
    overflowed: bool,
    inserts: SmallVec<[Insert; 2]>,
    inserted_bytes: u64,
}

impl Scatter {
    /// An empty buffer from the pool.
    pub fn new(buffers: &Buffers) -> Self {
        Self {
            buffer: buffers.answer(),
            placeholder: buffers.placeholder(),
            placed: SmallVec::new(),
            placed_bytes: 0,
            overflowed: false,
            inserts: SmallVec::new(),
            inserted_bytes: 0,
        }
    }

    /// Keeps `pieces` and returns a placeholder of their joint length, to stand in a message's `records` (or any other
    /// bytes field). Where it is encoded, the answer carries the pieces. The placeholder's content must not be read.
    pub fn place(&mut self, pieces: Vec<Piece>) -> Bytes {
        let bytes: u64 = pieces.iter().map(Piece::length).fold(0, u64::saturating_add);
        if bytes == 0 {
            return Bytes::new();
        }
        let room = self.placeholder.len() - self.placed_bytes;
        let Some(length) = usize::try_from(bytes).ok().filter(|length| *length <= room) else {
            self.overflowed = true;
            return Bytes::new();
        };
        let start = self.placed_bytes;
        self.placed_bytes += length;
        self.placed.push(Placed { start, length, pieces });
        self.placeholder.slice(start..start + length)
    }

    /// Whether `slice` is a placeholder; where it starts in the address space.
    fn placeholder_start(&self, slice: &[u8]) -> Option<usize> {
        let start = (slice.as_ptr() as usize).checked_sub(self.placeholder.as_ptr() as usize)?;
        (start < self.placeholder.len()).then_some(start)
    }

    /// Notes the pieces of the placeholder at `start` before the next encoded byte.
    fn insert(&mut self, start: usize, length: usize) {
        let found = self.placed.iter_mut().find(|placed| placed.start == start && placed.length == length);
        let Some(placed) = found else {
            // A foreign or cut placeholder: reading it would send zeros as records.
            self.overflowed = true;
            return;
        };
        let at = self.buffer.len();
        self.inserts.extend(placed.pieces.drain(..).map(|piece| Insert { at, piece }));
        self.inserted_bytes += length as u64;
    }

    /// The encoded bytes, what is inserted into them, and the length of both together; `None` if more was placed than
    /// a frame can carry.
    pub(super) fn finish(self) -> Option<(AnswerBuffer, SmallVec<[Insert; 2]>, u64)> {
        let length = self.buffer.len() as u64 + self.inserted_bytes;
        (!self.overflowed).then_some((self.buffer, self.inserts, length))
    }

    /// The first four encoded bytes: the frame's length prefix.
    pub(super) fn patch_prefix(&mut self, prefix: [u8; 4]) {
        self.buffer[..4].copy_from_slice(&prefix);
    }

    /// Bytes that the answer has now, pieces included.
    pub(super) fn length(&self) -> u64 {
        self.buffer.len() as u64 + self.inserted_bytes
    }
}

// SAFETY: every method defers to Vec<u8>'s own implementation; `put_slice` only leaves out what the pieces stand for.
unsafe impl BufMut for Scatter {
    fn remaining_mut(&self) -> usize {
        self.buffer.remaining_mut()
    }

    unsafe fn advance_mut(&mut self, count: usize) {
        // SAFETY: the caller's promise for this buffer is the one that Vec asks for.
        unsafe { self.buffer.advance_mut(count) }
    }

    fn chunk_mut(&mut self) -> &mut UninitSlice {
        self.buffer.chunk_mut()
    }

    fn put_slice(&mut self, slice: &[u8]) {
        match self.placeholder_start(slice) {
            Some(start) if !slice.is_empty() => self.insert(start, slice.len()),
            _ => self.buffer.extend_from_slice(slice),
        }
    }
}

/// Positions count the encoded bytes only, without the pieces.
impl ByteBufMut for Scatter {
    fn offset(&self) -> usize {
        self.buffer.len()
    }

    fn seek(&mut self, offset: usize) {
        self.buffer.resize(offset, 0);
    }

    fn range(&mut self, range: Range<usize>) -> &mut [u8] {
        &mut self.buffer[range]
    }
}
