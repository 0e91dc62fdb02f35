//! Records inside a batch, one by one: borrowed, bounded, headers read only when asked for.
//!
//! ```text
//! length varint │ attributes i8 │ timestamp delta varlong │ offset delta varint │ key length varint │ key
//! value length varint │ value │ header count varint │ { key length varint │ key │ value length varint │ value } …
//! ```

use super::varint::{take_i32, take_i64};

/// Why bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The bytes end inside a record, or a number is longer than its type.
    #[error("record is cut off or malformed")]
    Malformed,
    /// The record's own length is negative or reaches beyond the batch.
    #[error("invalid record size {0}")]
    Length(i32),
    /// The fields end before or behind the record's own length.
    #[error("record's fields do not fill its {0} bytes")]
    Fields(i32),
    /// A header count that is negative or more than the bytes at hand can hold.
    #[error("invalid number of record headers {0}")]
    HeaderCount(i32),
    /// A header without a key.
    #[error("invalid negative header key size {0}")]
    HeaderKey(i32),
    /// The batch's count is negative.
    #[error("invalid record count {0}")]
    Count(i32),
    /// Bytes behind the last record.
    #[error("bytes remain behind the last record of the batch")]
    Trailing,
}

/// One record, borrowed from the batch's decompressed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordView<'a> {
    /// Offset minus the batch's base offset.
    pub offset_delta: i32,
    /// Timestamp minus the batch's base timestamp, in ms.
    pub timestamp_delta: i64,
    /// `None` is null, which is not the empty key.
    pub key: Option<&'a [u8]>,
    /// `None` is null, the tombstone.
    pub value: Option<&'a [u8]>,
    /// The headers, not looked into yet.
    pub headers: Headers<'a>,
}

/// The headers of a record, in order; a key may come more than once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Headers<'a> {
    bytes: &'a [u8],
    count: usize,
}

impl<'a> Headers<'a> {
    /// How many headers the record claims. At most one per two bytes.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Key and value of each, ending at the first that is malformed.
    pub fn iter(&self) -> impl Iterator<Item = Result<(&'a [u8], Option<&'a [u8]>), RecordError>> {
        let mut rest = self.bytes;
        let mut left = self.count;
        std::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            let header = take_header(&mut rest);
            if header.is_err() {
                left = 0;
            }
            Some(header)
        })
    }
}

fn take_header<'a>(rest: &mut &'a [u8]) -> Result<(&'a [u8], Option<&'a [u8]>), RecordError> {
    let key_length = take_i32(rest).ok_or(RecordError::Malformed)?;
    let key = take(rest, key_length)?.ok_or(RecordError::HeaderKey(key_length))?;
    Ok((key, take_nullable(rest)?))
}

/// `length` bytes off the front; a negative length is null, as in Kafka.
fn take<'a>(rest: &mut &'a [u8], length: i32) -> Result<Option<&'a [u8]>, RecordError> {
    let Ok(length) = usize::try_from(length) else { return Ok(None) };
    let (field, tail) = rest.split_at_checked(length).ok_or(RecordError::Malformed)?;
    *rest = tail;
    Ok(Some(field))
}

fn take_nullable<'a>(rest: &mut &'a [u8]) -> Result<Option<&'a [u8]>, RecordError> {
    let length = take_i32(rest).ok_or(RecordError::Malformed)?;
    take(rest, length)
}

/// The records of one batch.
#[derive(Clone, Debug)]
pub struct RecordIter<'a> {
    rest: &'a [u8],
    left: i32,
    ended: bool,
}

impl<'a> RecordIter<'a> {
    /// Reads `record_count` records from `records`: what follows the batch's header, decompressed.
    ///
    /// The first error is the last item. Bytes behind the last record are an error too.
    pub fn new(records: &'a [u8], record_count: i32) -> Self {
        Self { rest: records, left: record_count, ended: false }
    }

    fn read(&mut self) -> Result<Option<RecordView<'a>>, RecordError> {
        match self.left {
            0 if self.rest.is_empty() => Ok(None),
            0 => Err(RecordError::Trailing),
            count if count < 0 => Err(RecordError::Count(count)),
            _ => {
                self.left -= 1;
                take_record(&mut self.rest).map(Some)
            }
        }
    }
}

impl<'a> Iterator for RecordIter<'a> {
    type Item = Result<RecordView<'a>, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let read = self.read();
        self.ended = !matches!(read, Ok(Some(_)));
        read.transpose()
    }
}

/// Takes one record, length included, off the front of `rest`.
fn take_record<'a>(rest: &mut &'a [u8]) -> Result<RecordView<'a>, RecordError> {
    let length = take_i32(rest).ok_or(RecordError::Malformed)?;
    let in_batch = usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length));
    let (mut body, tail) = in_batch.ok_or(RecordError::Length(length))?;
    *rest = tail;
    let (_attributes, fields) = body.split_first().ok_or(RecordError::Fields(length))?;
    body = fields;
    let timestamp_delta = take_i64(&mut body).ok_or(RecordError::Malformed)?;
    let offset_delta = take_i32(&mut body).ok_or(RecordError::Malformed)?;
    let key = take_nullable(&mut body)?;
    let value = take_nullable(&mut body)?;
    let header_count = take_i32(&mut body).ok_or(RecordError::Malformed)?;
    let count = usize::try_from(header_count).ok().filter(|count| *count <= body.len() / 2);
    let count = count.ok_or(RecordError::HeaderCount(header_count))?;
    if count == 0 && !body.is_empty() {
        return Err(RecordError::Fields(length));
    }
    Ok(RecordView { offset_delta, timestamp_delta, key, value, headers: Headers { bytes: body, count } })
}
