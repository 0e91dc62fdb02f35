//! Builds the broker's own batches: what coordinators write to their topics, and the markers that end transactions.

use super::compress::{compress, Codec};
use super::crc;
use super::header::{
    BatchHeader, TimestampType, CONTROL_BIT, HEADER_BYTES, LOG_APPEND_TIME_BIT, MAGIC, PREFIX_BYTES, TRANSACTIONAL_BIT,
};
use super::validate::ValidBatch;
use super::varint::{put_signed, put_unsigned, signed_bytes};
use bytes::Bytes;

/// A header to write: key, and value or null.
pub type HeaderRef<'a> = (&'a [u8], Option<&'a [u8]>);

/// Most bytes of records in one batch, before compression: lengths are 32 bits wide.
pub const MAX_RECORDS_BYTES: usize = i32::MAX as usize - HEADER_BYTES;

/// Why a batch could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A batch holds at least one record.
    #[error("a batch without records")]
    Empty,
    /// More than [`MAX_RECORDS_BYTES`].
    #[error("records of {0} bytes do not fit in one batch")]
    TooLarge(usize),
    /// The codec failed.
    #[error("compression failed: {0}")]
    Compression(std::io::Error),
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    /// Control record type 0.
    Abort,
    /// Control record type 1.
    Commit,
}

/// Collects records into one magic 2 batch with base offset 0. Offset deltas are 0, 1, 2, …
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    codec: Codec,
    level: i32,
    attributes: i16,
    producer_id: i64,
    producer_epoch: i16,
    base_sequence: i32,
    base_timestamp: i64,
    max_timestamp: i64,
    offset_delta_of_max_timestamp: i32,
    record_count: i32,
    records: Vec<u8>,
}

impl Default for BatchBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl BatchBuilder {
    /// An uncompressed batch by the producer's time, without a producer id.
    pub fn new() -> Self {
        Self {
            codec: Codec::None,
            level: 0,
            attributes: 0,
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
            base_timestamp: -1,
            max_timestamp: -1,
            offset_delta_of_max_timestamp: 0,
            record_count: 0,
            records: Vec::new(),
        }
    }

    /// Compresses at `level`; see [`Codec::default_level`].
    pub fn compression(mut self, codec: Codec, level: i32) -> Self {
        self.codec = codec;
        self.level = level;
        self
    }

    /// Names the idempotent producer. `base_sequence` is -1 for markers and for coordinators.
    pub fn producer(mut self, producer_id: i64, producer_epoch: i16, base_sequence: i32) -> Self {
        self.producer_id = producer_id;
        self.producer_epoch = producer_epoch;
        self.base_sequence = base_sequence;
        self
    }

    /// Marks the batch as part of a transaction.
    pub fn transactional(mut self) -> Self {
        self.attributes |= TRANSACTIONAL_BIT;
        self
    }

    /// Marks the batch as a control batch.
    pub fn control(mut self) -> Self {
        self.attributes |= CONTROL_BIT;
        self
    }

    /// Sets whose clock the timestamps are by.
    pub fn timestamp_type(mut self, timestamp_type: TimestampType) -> Self {
        self.attributes &= !LOG_APPEND_TIME_BIT;
        if timestamp_type == TimestampType::LogAppendTime {
            self.attributes |= LOG_APPEND_TIME_BIT;
        }
        self
    }

    /// Adds one record. `timestamp_ms` is in ms since the epoch, -1 for none.
    pub fn append(
        &mut self,
        timestamp_ms: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[HeaderRef<'_>],
    ) -> &mut Self {
        if self.record_count == 0 {
            self.base_timestamp = timestamp_ms;
        }
        if timestamp_ms > self.max_timestamp {
            self.max_timestamp = timestamp_ms;
            self.offset_delta_of_max_timestamp = self.record_count;
        }
        let timestamp_delta = timestamp_ms.wrapping_sub(self.base_timestamp);
        put_record(&mut self.records, timestamp_delta, self.record_count, key, value, headers);
        self.record_count = self.record_count.saturating_add(1);
        self
    }

    /// Records so far.
    pub fn record_count(&self) -> i32 {
        self.record_count
    }

    /// Bytes of the batch so far, before compression.
    pub fn size_bytes(&self) -> usize {
        HEADER_BYTES + self.records.len()
    }

    /// Closes the batch.
    pub fn build(self) -> Result<ValidBatch, BuildError> {
        if self.record_count == 0 {
            return Err(BuildError::Empty);
        }
        if self.records.len() > MAX_RECORDS_BYTES {
            return Err(BuildError::TooLarge(self.records.len()));
        }
        let header = BatchHeader {
            base_offset: 0,
            batch_length: 0,
            leader_epoch: -1,
            magic: MAGIC,
            crc: 0,
            attributes: self.attributes | self.codec.id(),
            last_offset_delta: self.record_count - 1,
            base_timestamp: self.base_timestamp,
            max_timestamp: self.max_timestamp,
            producer_id: self.producer_id,
            producer_epoch: self.producer_epoch,
            base_sequence: self.base_sequence,
            record_count: self.record_count,
        };
        let records = match self.codec {
            Codec::None => self.records,
            codec => compress(codec, self.level, &self.records).map_err(BuildError::Compression)?,
        };
        let mut bytes = Vec::with_capacity(HEADER_BYTES + records.len());
        bytes.extend_from_slice(&[0; HEADER_BYTES]);
        bytes.extend_from_slice(&records);
        let header = seal(header, &mut bytes)?;
        Ok(ValidBatch {
            header,
            bytes: Bytes::from(bytes),
            append_time_ms: match header.timestamp_type() {
                TimestampType::LogAppendTime => header.max_timestamp,
                TimestampType::CreateTime => -1,
            },
            offset_delta_of_max_timestamp: self.offset_delta_of_max_timestamp,
        })
    }
}

/// Writes `header`, its length and CRC set from the bytes behind it, into the first 61 of `batch`.
pub(super) fn seal(mut header: BatchHeader, batch: &mut [u8]) -> Result<BatchHeader, BuildError> {
    let too_large = BuildError::TooLarge(batch.len());
    header.batch_length = i32::try_from(batch.len() - PREFIX_BYTES).map_err(|_| too_large)?;
    batch[..HEADER_BYTES].copy_from_slice(&header.to_bytes());
    header.crc = crc::crc32c(&batch[super::header::CRC_FROM..]);
    batch[super::header::CRC_AT..super::header::CRC_FROM].copy_from_slice(&header.crc.to_be_bytes());
    Ok(header)
}

/// Appends one record in wire form.
fn put_record(
    out: &mut Vec<u8>,
    timestamp_delta: i64,
    offset_delta: i32,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: &[HeaderRef<'_>],
) {
    let mut size = 1 + signed_bytes(timestamp_delta) + signed_bytes(i64::from(offset_delta));
    size += field_bytes(key) + field_bytes(value) + signed_bytes(headers.len() as i64);
    size += headers.iter().map(|(key, value)| field_bytes(Some(key)) + field_bytes(*value)).sum::<usize>();
    put_signed(out, size as i64);
    out.push(0);
    put_signed(out, timestamp_delta);
    put_signed(out, i64::from(offset_delta));
    put_field(out, key);
    put_field(out, value);
    put_signed(out, headers.len() as i64);
    for (key, value) in headers {
        put_field(out, Some(key));
        put_field(out, *value);
    }
}

fn field_bytes(field: Option<&[u8]>) -> usize {
    field.map_or(1, |field| signed_bytes(field.len() as i64) + field.len())
}

fn put_field(out: &mut Vec<u8>, field: Option<&[u8]>) {
    match field {
        Some(field) => {
            put_signed(out, field.len() as i64);
            out.extend_from_slice(field);
        }
        None => put_unsigned(out, 1),
    }
}

/// The control batch that ends a transaction on a partition (KIP-98): one record, type as key, coordinator epoch as value.
pub fn end_transaction(
    marker: Marker,
    producer_id: i64,
    producer_epoch: i16,
    coordinator_epoch: i32,
    timestamp_ms: i64,
) -> Result<ValidBatch, BuildError> {
    let key = [0, 0, 0, marker as u8];
    let mut value = [0; 6];
    value[2..].copy_from_slice(&coordinator_epoch.to_be_bytes());
    let mut builder = BatchBuilder::new().producer(producer_id, producer_epoch, -1).transactional().control();
    builder.append(timestamp_ms, Some(&key), Some(&value), &[]);
    builder.build()
}
