//! Judges what a producer sent, and hands on the batch as it will be stored.
//!
//! The order of the checks is Kafka's, so that the same bad batch gets the same answer: one batch of magic 2, base offset,
//! size, CRC, count and producer fields, then record by record keys and timestamps, then the size once more if the broker
//! compressed it anew, then the segment's size.
//!
//! Where this differs from Kafka, on purpose:
//! - A batch whose offset deltas are not 0, 1, 2, … is rebuilt. Kafka stores an uncompressed one, and its consumers see
//!   offsets twice or out of order; a compressed one it means to rebuild, but answers with its unknown server error.
//! - A compressed stream that cannot be decompressed is an invalid record; Kafka answers with its unknown server error.
//!   A codec id without a meaning is an unsupported compression, likewise.
//! - More than [`MAX_DECOMPRESSED_BYTES`] behind one batch are refused as too large; Kafka reads to the end.
//! - At most [`MAX_RECORD_ERRORS`] records are named. Messages do not name the topic, which is not known here.

#[cfg(test)]
mod golden;
mod judge;
mod rules;
mod store;
#[cfg(test)]
mod tests;

use super::compress::{Codec, Decoder, Scratch, ScratchPool};
use super::header::{BatchHeader, ATTRIBUTES_AT, CODEC_MASK, CRC_FROM, HEADER_BYTES, MAGIC, MAGIC_AT, PREFIX_BYTES};
use super::walk::{SliceInput, StreamInput, WalkError};
use super::{crc, MAX_DECOMPRESSED_BYTES};
use crate::clock::Now;
use bytes::Bytes;
use judge::Judge;
use store::Codecs;

pub use rules::{Origin, ProduceRules, TopicCompression, Validation};

/// Most records of one batch that a refusal names.
pub const MAX_RECORD_ERRORS: usize = 1000;

/// One batch that may be appended as it is, once its first 16 bytes are replaced by [`ValidBatch::prefix`].
#[derive(Clone, Debug)]
pub struct ValidBatch {
    /// The header as it will be stored, but for base offset (0) and leader epoch.
    pub header: BatchHeader,
    /// The whole batch, header included.
    pub bytes: Bytes,
    /// When the broker stamped it, in ms since the epoch; -1 unless the topic is by LogAppendTime.
    pub append_time_ms: i64,
    /// Which record has the largest timestamp: the first of those that do; the last record if the records were not read.
    pub offset_delta_of_max_timestamp: i32,
}

impl ValidBatch {
    /// Base offset, batch length and leader epoch: the 16 bytes that stand on disk and on the wire in place of
    /// `bytes[0..16]`. They precede what the CRC covers.
    pub fn prefix(&self, base_offset: i64, leader_epoch: i32) -> [u8; 16] {
        let mut prefix = [0; 16];
        prefix[..8].copy_from_slice(&base_offset.to_be_bytes());
        prefix[8..12].copy_from_slice(&self.header.batch_length.to_be_bytes());
        prefix[12..].copy_from_slice(&leader_epoch.to_be_bytes());
        prefix
    }
}

/// Why a batch is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchRefused {
    /// Size or CRC do not fit the bytes.
    #[error("the batch is corrupt")]
    Corrupt,
    /// Over `max.message.bytes`.
    #[error("the batch of {size_bytes} bytes is over the limit of {limit_bytes}")]
    TooLarge {
        /// Of the batch, as sent or as compressed again.
        size_bytes: usize,
        /// `max.message.bytes`.
        limit_bytes: i32,
    },
    /// Over `segment.bytes`.
    #[error("the batch does not fit in a segment")]
    RecordListTooLarge,
    /// The batch or a record in it is not what Kafka allows.
    #[error("{message}")]
    InvalidRecord {
        /// For the whole batch.
        message: String,
        /// Index in the batch, and why.
        record_errors: Vec<(i32, String)>,
    },
    /// A timestamp outside the topic's window, or a timestamp type that is not the producer's to set.
    #[error("{message}")]
    InvalidTimestamp {
        /// For the whole batch.
        message: String,
        /// Index in the batch, and why.
        record_errors: Vec<(i32, String)>,
    },
    /// A codec that the request's version, or this broker, does not know.
    #[error("the batch's compression is not supported")]
    UnsupportedCompression,
}

/// Judges `batch`, the records that a producer sent for one partition, by the rules of its topic.
///
/// The bytes are shared, not copied, unless the broker's time or another codec must be written into them.
/// Bytes behind the batch that are too few for another one are dropped, as in Kafka.
pub fn validate(batch: Bytes, rules: &ProduceRules, now: Now) -> Result<ValidBatch, BatchRefused> {
    validate_in(&mut Scratch::default(), batch, rules, now)
}

/// [`validate`] with working memory from `pool`, for who validates often. Only zstd needs any.
pub fn validate_with(
    pool: &ScratchPool,
    batch: Bytes,
    rules: &ProduceRules,
    now: Now,
) -> Result<ValidBatch, BatchRefused> {
    let codec = batch.get(ATTRIBUTES_AT + 1).map_or(0, |low| i16::from(*low) & CODEC_MASK);
    match codec == Codec::Zstd.id() {
        true => pool.lend(|scratch| validate_in(scratch, batch, rules, now)),
        false => validate(batch, rules, now),
    }
}

fn validate_in(
    scratch: &mut Scratch,
    batch: Bytes,
    rules: &ProduceRules,
    now: Now,
) -> Result<ValidBatch, BatchRefused> {
    let (header, batch) = one_batch(batch, rules.zstd_allowed)?;
    check_whole(&header, &batch, rules)?;
    check_fields(&header, rules)?;
    let source = header.codec().map_err(|_| BatchRefused::UnsupportedCompression)?;
    let codecs = Codecs::new(rules, source, header.is_control());
    let records = &batch[HEADER_BYTES..];
    let mut judge = Judge::new(rules, &header, now);
    let seen = match source {
        Codec::None => judge.walk(SliceInput::new(records))?,
        _ if rules.validation == Validation::Header && codecs.target.is_none() => judge.trust_header()?,
        codec => {
            let decoder =
                Decoder::new(codec, records, scratch).map_err(|error| unreadable(WalkError::Stream(error)))?;
            judge.walk(StreamInput::new(decoder, MAX_DECOMPRESSED_BYTES as u64))?
        }
    };
    let valid = store::store_as(header, batch, codecs, seen, rules, now, scratch)?;
    if valid.bytes.len() > rules.segment_bytes.max(0) as usize {
        return Err(BatchRefused::RecordListTooLarge);
    }
    Ok(valid)
}

fn invalid(message: impl Into<String>) -> BatchRefused {
    BatchRefused::InvalidRecord { message: message.into(), record_errors: Vec::new() }
}

fn unreadable(error: WalkError) -> BatchRefused {
    match error {
        WalkError::Record(_) | WalkError::Stream(_) => invalid(error.to_string()),
        WalkError::TooLong => BatchRefused::TooLarge {
            size_bytes: MAX_DECOMPRESSED_BYTES as usize + 1,
            limit_bytes: MAX_DECOMPRESSED_BYTES,
        },
    }
}

/// Whether `batch` is one batch of a kind that is taken at all (P3): what Kafka looks at before anything else (P16).
///
/// # Errors
/// As [`validate`].
pub fn check_one_batch(batch: &Bytes, zstd_allowed: bool) -> Result<(), BatchRefused> {
    one_batch(batch.clone(), zstd_allowed).map(|_| ())
}

/// P3: exactly one batch, of magic 2, compressed with what the request's version knows.
fn one_batch(bytes: Bytes, zstd_allowed: bool) -> Result<(BatchHeader, Bytes), BatchRefused> {
    let size = whole_batch_bytes(&bytes)?;
    let size = size.ok_or_else(|| invalid("Produce requests must have at least one record batch per partition"))?;
    if bytes[MAGIC_AT] as i8 != MAGIC {
        return Err(invalid("Produce requests are only allowed to contain record batches with magic version 2"));
    }
    let header = BatchHeader::parse(&bytes[..size]).map_err(|_| BatchRefused::Corrupt)?;
    if header.codec() == Ok(Codec::Zstd) && !zstd_allowed {
        return Err(BatchRefused::UnsupportedCompression);
    }
    if whole_batch_bytes(&bytes[size..])?.is_some() {
        return Err(invalid("Produce requests are only allowed to contain exactly one record batch per partition"));
    }
    Ok((header, bytes.slice(..size)))
}

/// Bytes of the batch of any magic at the start of `bytes`, if it is whole.
fn whole_batch_bytes(bytes: &[u8]) -> Result<Option<usize>, BatchRefused> {
    /// What a record of magic 0 has at least, behind its length.
    const LEAST_LENGTH: i32 = 14;
    let Some(length) = bytes.get(8..PREFIX_BYTES).and_then(|field| field.try_into().ok()).map(i32::from_be_bytes)
    else {
        return Ok(None);
    };
    if length < LEAST_LENGTH {
        return Err(BatchRefused::Corrupt);
    }
    match bytes.get(MAGIC_AT) {
        None => Ok(None),
        Some(magic) if *magic > MAGIC as u8 => Err(BatchRefused::Corrupt),
        Some(_) => Ok(Some(PREFIX_BYTES + length as usize).filter(|size| *size <= bytes.len())),
    }
}

/// P4 to P6, as far as they are about the batch as bytes: base offset, size, CRC.
fn check_whole(header: &BatchHeader, batch: &[u8], rules: &ProduceRules) -> Result<(), BatchRefused> {
    if rules.origin == Origin::Client && header.base_offset != 0 {
        let offset = header.base_offset;
        return Err(invalid(format!(
            "The baseOffset of the record batch in the append should be 0, but it is {offset}"
        )));
    }
    check_size(batch.len(), rules)?;
    if header.crc != crc::crc32c(&batch[CRC_FROM..]) {
        return Err(BatchRefused::Corrupt);
    }
    Ok(())
}

fn check_size(size_bytes: usize, rules: &ProduceRules) -> Result<(), BatchRefused> {
    match size_bytes > rules.max_message_bytes.max(0) as usize {
        true => Err(BatchRefused::TooLarge { size_bytes, limit_bytes: rules.max_message_bytes }),
        false => Ok(()),
    }
}

/// P4: count, control bit and producer fields.
fn check_fields(header: &BatchHeader, rules: &ProduceRules) -> Result<(), BatchRefused> {
    let count = header.record_count;
    if count <= 0 {
        return Err(invalid(format!("Invalid reported count for record batch: {count}")));
    }
    if i64::from(header.last_offset_delta) + 1 != i64::from(count) {
        let last = header.last_offset_delta;
        return Err(invalid(format!("Inconsistent batch offset range [0, {last}] and count of records {count}")));
    }
    if rules.origin == Origin::Coordinator {
        return Ok(());
    }
    if header.is_control() {
        return Err(invalid("Clients are not allowed to write control records"));
    }
    if header.has_producer_id() && header.base_sequence < 0 {
        let (sequence, producer_id) = (header.base_sequence, header.producer_id);
        return Err(invalid(format!(
            "Invalid sequence number {sequence} in record batch with producerId {producer_id}"
        )));
    }
    Ok(())
}
