//! Finds a record in a batch by its timestamp, decompressing through a small buffer and keeping nothing.

use super::compress::{Codec, Decoder, Scratch};
use super::header::{BatchHeader, TimestampType, HEADER_BYTES};
use super::walk::{walk, Input, SliceInput, StreamInput, WalkError};
use super::MAX_DECOMPRESSED_BYTES;
use std::io;
use std::ops::ControlFlow;

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordTime {
    /// The record's offset.
    pub offset: i64,
    /// The record's timestamp in ms since the epoch.
    pub timestamp_ms: i64,
}

/// The first record of a whole batch that has an offset of at least `from_offset` and a timestamp of at least `from_ms`.
///
/// With `from_ms` the batch's own largest timestamp, it is the record that has it. The CRC is not checked.
pub fn first_record(
    header: &BatchHeader,
    batch: &[u8],
    from_offset: i64,
    from_ms: i64,
) -> Result<Option<RecordTime>, WalkError> {
    let invalid = |reason: String| WalkError::Stream(io::Error::new(io::ErrorKind::InvalidData, reason));
    let records = batch.get(HEADER_BYTES..header.size_bytes()).ok_or_else(|| invalid("cut off".to_owned()))?;
    match header.codec().map_err(|error| invalid(error.to_string()))? {
        Codec::None => first(SliceInput::new(records), header, from_offset, from_ms),
        codec => {
            let mut scratch = Scratch::default();
            let decoder = Decoder::new(codec, records, &mut scratch).map_err(WalkError::Stream)?;
            first(StreamInput::new(decoder, MAX_DECOMPRESSED_BYTES as u64), header, from_offset, from_ms)
        }
    }
}

fn first<I: Input>(
    mut input: I,
    header: &BatchHeader,
    from_offset: i64,
    from_ms: i64,
) -> Result<Option<RecordTime>, WalkError> {
    let mut found = None;
    walk(&mut input, header.record_count, |_, record| {
        let offset = header.base_offset.wrapping_add(i64::from(record.offset_delta));
        let timestamp_ms = match header.timestamp_type() {
            TimestampType::CreateTime => header.base_timestamp.wrapping_add(record.timestamp_delta),
            TimestampType::LogAppendTime => header.max_timestamp,
        };
        if offset >= from_offset && timestamp_ms >= from_ms {
            found = Some(RecordTime { offset, timestamp_ms });
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::build::BatchBuilder;

    #[test]
    fn p8_records_are_found_by_their_time_in_every_codec() {
        for codec in Codec::ALL {
            let mut builder = BatchBuilder::new().compression(codec, codec.default_level());
            for timestamp_ms in [10, 30, 20, 30] {
                builder.append(timestamp_ms, None, Some(&[7; 9000]), &[]);
            }
            let built = builder.build().expect("small");
            let header = BatchHeader { base_offset: 100, ..built.header };
            let find = |offset, ms| {
                let found = first_record(&header, &built.bytes, offset, ms).expect("a good batch");
                found.map(|record| (record.offset, record.timestamp_ms))
            };
            assert_eq!(find(0, 0), Some((100, 10)));
            assert_eq!(find(0, 11), Some((101, 30)));
            assert_eq!(find(102, 11), Some((102, 20)));
            assert_eq!(find(0, header.max_timestamp), Some((101, 30)));
            assert_eq!(find(0, 31), None);
            assert_eq!(find(104, 0), None);
            let stamped = BatchHeader { attributes: header.attributes | 8, max_timestamp: 50, ..header };
            let found = first_record(&stamped, &built.bytes, 102, 31).expect("a good batch");
            assert_eq!(found, Some(RecordTime { offset: 102, timestamp_ms: 50 }));
            assert!(first_record(&header, &built.bytes[..70], 0, 0).is_err());
        }
    }
}
