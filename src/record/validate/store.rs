//! Makes of a judged batch what will be stored: the very bytes that came, stamped, or compressed anew (P8, P9).

use super::judge::Seen;
use super::{unreadable, BatchRefused, ProduceRules, TopicCompression, ValidBatch};
use crate::clock::Now;
use crate::record::compress::Codec;
use crate::record::crc;
use crate::record::header::{
    BatchHeader, TimestampType, ATTRIBUTES_AT, CRC_AT, CRC_FROM, LOG_APPEND_TIME_BIT, MAX_TIMESTAMP_AT,
};
use crate::record::recompress::{recompress, RecompressError, Target};
use crate::record::MAX_DECOMPRESSED_BYTES;
use bytes::Bytes;

/// The codec and level to compress anew with, `None` where the batch has the topic's codec. Markers stay as they are.
pub(super) fn target(rules: &ProduceRules, source: Codec, is_control: bool) -> Option<(Codec, i32)> {
    let (codec, level) = match rules.compression {
        TopicCompression::Producer => (source, source.default_level()),
        TopicCompression::Codec { codec, level } => (codec, level),
        TopicCompression::Uncompressed => (Codec::None, 0),
    };
    let keeps = codec == source || (is_control && source == Codec::None);
    (!keeps).then_some((codec, level))
}

/// P8, P9: the batch as it will be stored. Copies it only if it has to change.
pub(super) fn store_as(
    mut header: BatchHeader,
    mut batch: Bytes,
    source: Codec,
    target: Option<(Codec, i32)>,
    seen: Seen,
    rules: &ProduceRules,
    now: Now,
) -> Result<ValidBatch, BatchRefused> {
    let sent = (header.attributes, header.max_timestamp);
    header.base_offset = 0;
    let (append_time_ms, offset_delta_of_max_timestamp) = match rules.timestamp_type {
        TimestampType::CreateTime => {
            header.attributes &= !LOG_APPEND_TIME_BIT;
            header.max_timestamp = seen.max_timestamp;
            (-1, seen.offset_delta_of_max_timestamp)
        }
        TimestampType::LogAppendTime => {
            header.attributes |= LOG_APPEND_TIME_BIT;
            header.max_timestamp = now.wall_ms;
            // All records have the same time, and the first of them counts.
            (now.wall_ms, 0)
        }
    };
    if target.is_some() || !seen.in_order {
        let (codec, level) = target.unwrap_or_else(|| kept(rules, source));
        // A producer that claims the broker's time has given every record one time.
        let one_timestamp = sent.0 & LOG_APPEND_TIME_BIT != 0;
        if one_timestamp {
            header.base_timestamp = sent.1;
        }
        let target = Target {
            codec,
            level,
            max_batch_bytes: rules.max_message_bytes.max(0) as usize,
            max_decompressed_bytes: MAX_DECOMPRESSED_BYTES as u64,
            one_timestamp,
        };
        let (new_header, bytes) = recompress(header, &batch, source, &target).map_err(|error| match error {
            RecompressError::TooLarge(size_bytes) => {
                BatchRefused::TooLarge { size_bytes, limit_bytes: rules.max_message_bytes }
            }
            RecompressError::Walk(error) => unreadable(error),
        })?;
        header = new_header;
        batch = Bytes::from(bytes);
    } else if sent != (header.attributes, header.max_timestamp) {
        batch = restamp(&mut header, &batch);
    }
    Ok(ValidBatch { header, bytes: batch, append_time_ms, offset_delta_of_max_timestamp })
}

/// Codec and level of a batch that keeps its codec but is written anew.
fn kept(rules: &ProduceRules, source: Codec) -> (Codec, i32) {
    match rules.compression {
        TopicCompression::Codec { codec, level } if codec == source => (codec, level),
        _ => (source, source.default_level()),
    }
}

/// Writes the header's attributes and largest timestamp, and the CRC that follows from them, into a copy of the batch.
fn restamp(header: &mut BatchHeader, batch: &[u8]) -> Bytes {
    let mut copy = batch.to_vec();
    copy[ATTRIBUTES_AT..ATTRIBUTES_AT + 2].copy_from_slice(&header.attributes.to_be_bytes());
    copy[MAX_TIMESTAMP_AT..MAX_TIMESTAMP_AT + 8].copy_from_slice(&header.max_timestamp.to_be_bytes());
    header.crc = crc::crc32c(&copy[CRC_FROM..]);
    copy[CRC_AT..CRC_FROM].copy_from_slice(&header.crc.to_be_bytes());
    Bytes::from(copy)
}
