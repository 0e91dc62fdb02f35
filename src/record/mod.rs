//! Record batches as bytes: header view, validation, stamping, compression, builders, and codecs of the internal topics.
//!
//! A batch is never decoded on its way through the broker. [`header`] reads its 61 bytes, [`validate`] judges what a
//! producer sent and hands on a [`validate::ValidBatch`], [`build`] makes the broker's own batches, [`records`] reads records where
//! the broker is the consumer, [`search`] finds one by its time, and [`sieve`] leaves some out. Absent from here: offsets and epochs (`log/` gives them), Kafka's error numbers (`api/`).

pub mod build;
pub mod compress;
pub mod crc;
pub mod header;
pub mod internal;
pub mod marker;
mod recompress;
pub mod records;
pub mod search;
pub mod sieve;
#[cfg(test)]
mod tests;
pub mod validate;
mod varint;
mod walk;

use header::{BatchHeader, HEADER_BYTES};
use std::ops::Range;

pub use walk::WalkError;

/// Most bytes that the records of one compressed batch may have. They are never held, only read: the bound is on time.
pub const MAX_DECOMPRESSED_BYTES: i32 = 1 << 30;

/// Why bytes are no batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The bytes end before the batch does.
    #[error("batch of {needed_bytes} bytes, of which {available_bytes} are there")]
    Truncated {
        /// Bytes that the batch, or its header, has.
        needed_bytes: usize,
        /// Bytes that there are.
        available_bytes: usize,
    },
    /// The length leaves no room for the header.
    #[error("batch length {0} is below the 49 bytes of the header behind it")]
    Length(i32),
    /// A format that is not magic 2.
    #[error("magic {0} instead of 2")]
    Magic(i8),
    /// A codec id that nobody has given a meaning.
    #[error("unknown compression id {0}")]
    Codec(u8),
}

/// The batches that lie one after the other in `bytes`, by header and place. CRCs are not checked.
///
/// The first error is the last item; what lies behind it cannot be told apart.
pub fn batches(bytes: &[u8]) -> Batches<'_> {
    Batches { bytes, at: 0 }
}

/// See [`batches`].
#[derive(Clone, Debug)]
pub struct Batches<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Batches<'_> {
    fn read(&self) -> Result<(BatchHeader, Range<usize>), BatchError> {
        let rest = &self.bytes[self.at..];
        let header = BatchHeader::parse(rest)?;
        let size_bytes = header.size_bytes();
        if size_bytes > rest.len() {
            return Err(BatchError::Truncated { needed_bytes: size_bytes, available_bytes: rest.len() });
        }
        Ok((header, self.at..self.at + size_bytes))
    }
}

impl Iterator for Batches<'_> {
    type Item = Result<(BatchHeader, Range<usize>), BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at == self.bytes.len() {
            return None;
        }
        let read = self.read();
        self.at = read.as_ref().map_or(self.bytes.len(), |(_, place)| place.end);
        Some(read)
    }
}

/// The records of one whole batch, decompressed if need be. `limit_bytes` bounds what is held.
pub fn record_bytes<'a>(
    header: &BatchHeader,
    batch: &'a [u8],
    limit_bytes: usize,
) -> Result<std::borrow::Cow<'a, [u8]>, compress::CompressError> {
    let malformed = |codec, reason: String| compress::CompressError::Malformed { codec, reason };
    let codec = header.codec().map_err(|error| malformed(compress::Codec::None, error.to_string()))?;
    let records = batch.get(HEADER_BYTES..header.size_bytes());
    let records = records.ok_or_else(|| malformed(codec, "the batch is cut off".to_owned()))?;
    compress::decompress(codec, records, limit_bytes)
}
