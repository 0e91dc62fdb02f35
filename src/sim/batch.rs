//! The records of the workload: each says who produced it, and is filled up in a way that can be checked.

use super::oracle::Mark;
use crate::record::build::BatchBuilder;
use crate::record::compress::Codec;
use crate::record::records::RecordIter;
use crate::record::{batches, crc, record_bytes};
use crate::rng::Rng;
use bytes::Bytes;

/// Bytes of a record's value that say which it is.
const MARK_BYTES: usize = 8;
/// Most bytes that a batch may decompress to.
const DECOMPRESSED_MAX_BYTES: usize = 4 << 20;

/// Who produces: id, epoch, first sequence; -1 where there is none.
#[derive(Clone, Copy, Debug)]
pub struct Sequence {
    /// Producer id.
    pub producer_id: i64,
    /// Producer epoch.
    pub epoch: i16,
    /// Of the first record.
    pub first: i32,
}

impl Sequence {
    /// Of a producer that has none.
    pub const NONE: Self = Self { producer_id: -1, epoch: -1, first: -1 };
}

/// A batch of these records, some codec, some sizes.
pub fn batch(marks: &[Mark], sequence: Sequence, timestamp: i64, rng: &Rng) -> Bytes {
    let codec = match rng.below(8) {
        0 => Codec::Gzip,
        1 => Codec::Snappy,
        2 => Codec::Lz4,
        3 => Codec::Zstd,
        _ => Codec::None,
    };
    let mut builder = BatchBuilder::new().compression(codec, codec.default_level()).producer(
        sequence.producer_id,
        sequence.epoch,
        sequence.first,
    );
    for mark in marks {
        // Now and then a large one, so that segments fill up.
        let filled = if rng.below(40) == 0 { 100_000 } else { 200 };
        let mut value = Vec::with_capacity(MARK_BYTES + filled);
        value.extend(mark.producer.to_be_bytes());
        value.extend(mark.number.to_be_bytes());
        value.resize(MARK_BYTES + rng.below(filled as u64) as usize, mark.number as u8);
        builder.append(timestamp, None, Some(&value), &[]);
    }
    builder.build().expect("a small batch of at least one record").bytes
}

/// The records of a fetched stretch, with their offsets.
///
/// # Errors
/// What is wrong with the bytes.
pub fn marks(stretch: &[u8]) -> Result<Vec<(i64, Mark)>, String> {
    let mut found = Vec::new();
    for part in batches(stretch) {
        let (header, range) = part.map_err(|error| error.to_string())?;
        let batch = &stretch[range];
        if !crc::verify(batch) {
            return Err(format!("the batch at {} has a wrong CRC", header.base_offset));
        }
        let records = record_bytes(&header, batch, DECOMPRESSED_MAX_BYTES).map_err(|error| error.to_string())?;
        for record in RecordIter::new(&records, header.record_count) {
            let record = record.map_err(|error| error.to_string())?;
            let value = record.value.unwrap_or_default();
            let mark = mark(value).ok_or_else(|| format!("a strange record in the batch at {}", header.base_offset))?;
            found.push((header.base_offset + i64::from(record.offset_delta), mark));
        }
    }
    Ok(found)
}

fn mark(value: &[u8]) -> Option<Mark> {
    let (producer, rest) = value.split_first_chunk()?;
    let (number, filling) = rest.split_first_chunk()?;
    let mark = Mark { producer: u32::from_be_bytes(*producer), number: u32::from_be_bytes(*number) };
    filling.iter().all(|byte| *byte == mark.number as u8).then_some(mark)
}
