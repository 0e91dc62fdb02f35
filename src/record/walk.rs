//! Walks the records of a batch without keeping any: over bytes at hand, or over a decompressor through a small buffer.
//!
//! The walk proves what readers later rely on: every length stays inside its record, every record inside the batch, the
//! count is right and nothing follows. Keys, values and headers are skipped, not looked at. Nothing is allocated per record.

use super::compress::Decoder;
use super::records::RecordError;
use super::varint::{unzigzag, MAX_VARINT_BYTES, MAX_VARLONG_BYTES};
use std::io::{self, Read};
use std::ops::ControlFlow;

/// Bytes of decompressed records held at a time.
const STREAM_BUFFER_BYTES: usize = 16 * 1024;

/// Why a walk ended early.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// The records are not what the batch claims.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The compressed stream is broken.
    #[error("Failed to decompress record stream: {0}")]
    Stream(io::Error),
    /// There is more behind the compressed bytes than [`MAX_DECOMPRESSED_BYTES`](super::MAX_DECOMPRESSED_BYTES).
    #[error("more records behind the batch than are read")]
    TooLong,
}

/// What the walk tells of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) timestamp_delta: i64,
    pub(super) offset_delta: i32,
    pub(super) has_key: bool,
}

/// Where a walk reads from.
pub(super) trait Input {
    /// Bytes read or skipped so far.
    fn position(&self) -> u64;
    /// The next byte; the end is malformed.
    fn byte(&mut self) -> Result<u8, WalkError>;
    /// Passes over `count` bytes, giving each piece of them to `each`.
    fn pass(&mut self, count: u64, each: impl FnMut(&[u8]) -> io::Result<()>) -> Result<(), WalkError>;
    /// Whether nothing follows.
    fn at_end(&mut self) -> Result<bool, WalkError>;

    /// Passes over `count` bytes.
    #[inline(always)]
    fn skip(&mut self, count: u64) -> Result<(), WalkError> {
        self.pass(count, |_| Ok(()))
    }

    /// A zigzag varint of 32 bits.
    #[inline(always)]
    fn i32(&mut self) -> Result<i32, WalkError> {
        Ok(unzigzag(u64::from(unsigned(self, MAX_VARINT_BYTES)? as u32)) as i32)
    }

    /// A zigzag varint of 64 bits.
    #[inline(always)]
    fn i64(&mut self) -> Result<i64, WalkError> {
        unsigned(self, MAX_VARLONG_BYTES).map(unzigzag)
    }
}

#[inline(always)]
fn unsigned<I: Input + ?Sized>(input: &mut I, max_bytes: usize) -> Result<u64, WalkError> {
    let mut value = 0u64;
    for at in 0..max_bytes {
        let byte = input.byte()?;
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(RecordError::Malformed.into())
}

/// Records that lie in memory.
pub(super) struct SliceInput<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> SliceInput<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }
}

impl Input for SliceInput<'_> {
    #[inline(always)]
    fn position(&self) -> u64 {
        self.at as u64
    }

    #[inline(always)]
    fn byte(&mut self) -> Result<u8, WalkError> {
        let byte = *self.bytes.get(self.at).ok_or(RecordError::Malformed)?;
        self.at += 1;
        Ok(byte)
    }

    #[inline(always)]
    fn pass(&mut self, count: u64, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> Result<(), WalkError> {
        let end = usize::try_from(count).ok().and_then(|count| self.at.checked_add(count));
        let piece = end.and_then(|end| self.bytes.get(self.at..end)).ok_or(RecordError::Malformed)?;
        self.at += piece.len();
        each(piece).map_err(WalkError::Stream)
    }

    #[inline(always)]
    fn at_end(&mut self) -> Result<bool, WalkError> {
        Ok(self.at == self.bytes.len())
    }
}

/// Records that come out of a decompressor.
pub(super) struct StreamInput<'a> {
    decoder: Decoder<'a>,
    buffer: Box<[u8]>,
    at: usize,
    end: usize,
    read_before_buffer: u64,
    limit_bytes: u64,
}

impl<'a> StreamInput<'a> {
    /// Refuses with [`WalkError::TooLong`] to read more than `limit_bytes`.
    pub(super) fn new(decoder: Decoder<'a>, limit_bytes: u64) -> Self {
        let buffer = vec![0; STREAM_BUFFER_BYTES].into_boxed_slice();
        Self { decoder, buffer, at: 0, end: 0, read_before_buffer: 0, limit_bytes }
    }

    /// Reads on; false at the end of the stream. To be called with an empty buffer.
    fn fill(&mut self) -> Result<bool, WalkError> {
        self.read_before_buffer += self.end as u64;
        self.at = 0;
        self.end = self.decoder.read(&mut self.buffer).map_err(WalkError::Stream)?;
        if self.read_before_buffer + self.end as u64 > self.limit_bytes {
            return Err(WalkError::TooLong);
        }
        Ok(self.end > 0)
    }
}

impl Input for StreamInput<'_> {
    fn position(&self) -> u64 {
        self.read_before_buffer + self.at as u64
    }

    #[inline(always)]
    fn byte(&mut self) -> Result<u8, WalkError> {
        if self.at == self.end && !self.fill()? {
            return Err(RecordError::Malformed.into());
        }
        self.at += 1;
        Ok(self.buffer[self.at - 1])
    }

    fn pass(&mut self, mut count: u64, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> Result<(), WalkError> {
        while count > 0 {
            if self.at == self.end && !self.fill()? {
                return Err(RecordError::Malformed.into());
            }
            let piece = count.min((self.end - self.at) as u64) as usize;
            each(&self.buffer[self.at..self.at + piece]).map_err(WalkError::Stream)?;
            self.at += piece;
            count -= piece as u64;
        }
        Ok(())
    }

    fn at_end(&mut self) -> Result<bool, WalkError> {
        Ok(self.at == self.end && !self.fill()?)
    }
}

/// Walks `record_count` records, telling `each` the index and shape of every one until it breaks, and checks that nothing
/// follows if it does not.
pub(super) fn walk<I: Input>(
    input: &mut I,
    record_count: i32,
    mut each: impl FnMut(i32, Shape) -> ControlFlow<()>,
) -> Result<(), WalkError> {
    if record_count < 0 {
        return Err(RecordError::Count(record_count).into());
    }
    for index in 0..record_count {
        let (length, end) = record_end(input)?;
        input.skip(1)?;
        let timestamp_delta = input.i64()?;
        let offset_delta = input.i32()?;
        let has_key = skip_nullable(input)?;
        skip_nullable(input)?;
        skip_headers(input, end)?;
        if input.position() != end {
            return Err(RecordError::Fields(length).into());
        }
        if each(index, Shape { timestamp_delta, offset_delta, has_key }).is_break() {
            return Ok(());
        }
    }
    match input.at_end()? {
        true => Ok(()),
        false => Err(RecordError::Trailing.into()),
    }
}

/// Reads a record's length; gives it and the position where the record ends.
#[inline(always)]
pub(super) fn record_end<I: Input>(input: &mut I) -> Result<(i32, u64), WalkError> {
    let length = input.i32()?;
    let bytes = u64::try_from(length).map_err(|_| RecordError::Length(length))?;
    Ok((length, input.position() + bytes))
}

/// Passes over a length and as many bytes; false if it is null. Every negative length is null, as in Kafka.
#[inline(always)]
fn skip_nullable<I: Input>(input: &mut I) -> Result<bool, WalkError> {
    match u64::try_from(input.i32()?) {
        Ok(length) => input.skip(length).map(|()| true),
        Err(_) => Ok(false),
    }
}

#[inline(always)]
fn skip_headers<I: Input>(input: &mut I, record_end: u64) -> Result<(), WalkError> {
    let count = input.i32()?;
    let room = record_end.saturating_sub(input.position()) / 2;
    if u64::try_from(count).map_or(true, |headers| headers > room) {
        return Err(RecordError::HeaderCount(count).into());
    }
    for _ in 0..count {
        let key_length = input.i32()?;
        input.skip(u64::try_from(key_length).map_err(|_| RecordError::HeaderKey(key_length))?)?;
        skip_nullable(input)?;
    }
    Ok(())
}
