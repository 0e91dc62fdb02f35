//! The records of the workload: each says who produced it, and is filled up in a way that can be checked.

use super::oracle::Mark;
use crate::record::build::BatchBuilder;
use crate::record::compress::Codec;
use crate::record::header::BatchHeader;
use crate::record::records::{RecordIter, RecordView};
use crate::record::{batches, crc, record_bytes};
use crate::rng::Rng;
use bytes::Bytes;
use std::collections::BTreeSet;

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
    /// Whether the batch belongs to the producer's transaction.
    pub transactional: bool,
}

impl Sequence {
    /// Of a producer that has none.
    pub const NONE: Self = Self { producer_id: -1, epoch: -1, first: -1, transactional: false };
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
    if sequence.transactional {
        builder = builder.transactional();
    }
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

/// The records of a fetched stretch, with their offsets; markers that end transactions are none of ours, and have one.
///
/// # Errors
/// What is wrong with the bytes.
pub fn marks(stretch: &[u8]) -> Result<Vec<(i64, Option<Mark>)>, String> {
    let mut found = Vec::new();
    each_record(stretch, |header, offset, record| {
        let mark = match header.is_control() {
            true => None,
            false => Some(mark_of(header, record)?),
        };
        found.push((offset, mark));
        Ok(())
    })?;
    Ok(found)
}

/// What a committed reader makes of a fetched stretch and of the aborted transactions that came with it, each a producer
/// and its first offset: the records that count, and every other offset without one.
///
/// # Errors
/// What is wrong with the bytes.
pub fn committed(stretch: &[u8], aborted: &[(i64, i64)]) -> Result<Vec<(i64, Option<Mark>)>, String> {
    let mut to_come = aborted.to_vec();
    to_come.sort_unstable_by_key(|(_, first_offset)| *first_offset);
    to_come.reverse();
    let mut ignored = BTreeSet::new();
    let mut found = Vec::new();
    each_record(stretch, |header, offset, record| {
        while let Some((producer_id, _)) = to_come.pop_if(|(_, first_offset)| *first_offset <= header.last_offset()) {
            ignored.insert(producer_id);
        }
        let is_ignored = header.is_transactional() && ignored.contains(&header.producer_id);
        let mark = match header.is_control() || is_ignored {
            true => None,
            false => Some(mark_of(header, record)?),
        };
        if header.is_control() && record.key.and_then(|key| key.get(2..4)) == Some(&[0, 0]) {
            ignored.remove(&header.producer_id);
        }
        found.push((offset, mark));
        Ok(())
    })?;
    Ok(found)
}

fn each_record(
    stretch: &[u8],
    mut each: impl FnMut(&BatchHeader, i64, &RecordView<'_>) -> Result<(), String>,
) -> Result<(), String> {
    for part in batches(stretch) {
        let (header, range) = part.map_err(|error| error.to_string())?;
        let batch = &stretch[range];
        if !crc::verify(batch) {
            return Err(format!("the batch at {} has a wrong CRC", header.base_offset));
        }
        let records = record_bytes(&header, batch, DECOMPRESSED_MAX_BYTES).map_err(|error| error.to_string())?;
        for record in RecordIter::new(&records, header.record_count) {
            let record = record.map_err(|error| error.to_string())?;
            each(&header, header.base_offset + i64::from(record.offset_delta), &record)?;
        }
    }
    Ok(())
}

fn mark_of(header: &BatchHeader, record: &RecordView<'_>) -> Result<Mark, String> {
    let value = record.value.unwrap_or_default();
    mark(value).ok_or_else(|| format!("a strange record in the batch at {}", header.base_offset))
}

fn mark(value: &[u8]) -> Option<Mark> {
    let (producer, rest) = value.split_first_chunk()?;
    let (number, filling) = rest.split_first_chunk()?;
    let mark = Mark { producer: u32::from_be_bytes(*producer), number: u32::from_be_bytes(*number) };
    filling.iter().all(|byte| *byte == mark.number as u8).then_some(mark)
}
