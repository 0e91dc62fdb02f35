//! A stretch of a log as records.

use super::journal::JournalError;
use crate::record::header::BatchHeader;
use crate::record::records::{RecordIter, RecordView};
use crate::record::{batches, record_bytes, BatchError};

/// Records of one batch, decompressed: more is not of our making. Bytes.
const MAX_RECORDS_BYTES: usize = 256 << 20;

/// Hands out the records of the whole batches in `bytes` that end at `from` or behind it. Returns the offset behind the
/// last whole batch, `from` if there is none.
pub(super) fn each_record(
    bytes: &[u8],
    from: i64,
    each: &mut dyn FnMut(&BatchHeader, &RecordView<'_>),
) -> Result<i64, JournalError> {
    let mut next = from;
    for batch in batches(bytes) {
        let (header, place) = match batch {
            Ok(batch) => batch,
            // A read may cut the last batch; the next read starts there.
            Err(BatchError::Truncated { .. }) => break,
            Err(error) => return Err(corrupt(next, &error)),
        };
        if header.next_offset() <= next {
            continue;
        }
        let records = record_bytes(&header, &bytes[place], MAX_RECORDS_BYTES);
        let records = records.map_err(|error| corrupt(header.base_offset, &error))?;
        for record in RecordIter::new(&records, header.record_count) {
            each(&header, &record.map_err(|error| corrupt(header.base_offset, &error))?);
        }
        next = header.next_offset();
    }
    Ok(next)
}

fn corrupt(offset: i64, what: &dyn std::fmt::Display) -> JournalError {
    JournalError::Corrupt(format!("batch at offset {offset}: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::build::BatchBuilder;
    use crate::record::compress::Codec;

    /// Three batches of two records, in different codecs, at offsets 10 to 15.
    fn log() -> Vec<u8> {
        let mut log = Vec::new();
        for (number, codec) in (0u8..).zip([Codec::None, Codec::Zstd, Codec::Lz4]) {
            let mut builder = BatchBuilder::new().compression(codec, codec.default_level());
            for record in 0..2 {
                builder.append(0, Some(&[number, record]), None, &[]);
            }
            let batch = builder.build().expect("small");
            log.extend(batch.prefix(10 + 2 * i64::from(number), 0));
            log.extend(&batch.bytes[16..]);
        }
        log
    }

    fn read(bytes: &[u8], from: i64) -> (i64, Vec<i64>) {
        let mut seen = Vec::new();
        let next = each_record(bytes, from, &mut |header, record| {
            assert_eq!(record.key.map(<[u8]>::len), Some(2));
            seen.push(header.base_offset + i64::from(record.offset_delta));
        });
        (next.expect("a good log"), seen)
    }

    #[test]
    fn g6_stretches_cut_anywhere_give_every_record_once() {
        let log = log();
        assert_eq!(read(&log, 0), (16, (10..16).collect()));
        assert_eq!(read(&log, 12), (16, (12..16).collect()));
        assert_eq!(read(&[], 7), (7, Vec::new()));
        for cut in 0..log.len() {
            let (next, first) = read(&log[..cut], 10);
            let (end, second) = read(&log, next);
            assert_eq!(end, 16);
            assert_eq!([first, second].concat(), (10..16).collect::<Vec<_>>(), "cut at {cut}");
        }
    }

    #[test]
    fn g6_bytes_that_are_no_log_are_an_error() {
        let mut log = log();
        log[16] = 9;
        assert!(matches!(each_record(&log, 0, &mut |_, _| {}), Err(JournalError::Corrupt(_))));
    }
}
