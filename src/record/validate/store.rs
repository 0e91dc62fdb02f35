//! Makes of a judged batch what will be stored: the very bytes that came, stamped, or compressed anew (P8, P9).

use super::judge::Seen;
use super::{unreadable, BatchRefused, ProduceRules, TopicCompression, ValidBatch};
use crate::clock::Now;
use crate::record::compress::{Codec, Scratch};
use crate::record::crc;
use crate::record::header::{
    BatchHeader, TimestampType, ATTRIBUTES_AT, CRC_AT, CRC_FROM, LOG_APPEND_TIME_BIT, MAX_TIMESTAMP_AT,
};
use crate::record::recompress::{recompress, RecompressError, Target};
use crate::record::MAX_DECOMPRESSED_BYTES;
use bytes::Bytes;

/// How a batch is compressed, and how it is to be.
#[derive(Clone, Copy)]
pub(super) struct Codecs {
    pub(super) source: Codec,
    /// Codec and level to compress anew with, `None` where the batch has the topic's codec.
    pub(super) target: Option<(Codec, i32)>,
}

impl Codecs {
    /// Markers stay as they are.
    pub(super) fn new(rules: &ProduceRules, source: Codec, is_control: bool) -> Self {
        let (codec, level) = match rules.compression {
            TopicCompression::Producer => (source, source.default_level()),
            TopicCompression::Codec { codec, level } => (codec, level),
            TopicCompression::Uncompressed => (Codec::None, 0),
        };
        let keeps = codec == source || (is_control && source == Codec::None);
        Self { source, target: (!keeps).then_some((codec, level)) }
    }

    /// Codec and level of a batch that is written anew for whatever reason.
    fn anew(self, rules: &ProduceRules) -> (Codec, i32) {
        self.target.unwrap_or(match rules.compression {
            TopicCompression::Codec { codec, level } if codec == self.source => (codec, level),
            _ => (self.source, self.source.default_level()),
        })
    }
}

/// P8, P9: the batch as it will be stored. Copies it only if it has to change.
pub(super) fn store_as(
    mut header: BatchHeader,
    mut batch: Bytes,
    codecs: Codecs,
    seen: Seen,
    rules: &ProduceRules,
    now: Now,
    scratch: &mut Scratch,
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
    if codecs.target.is_some() || !seen.in_order {
        let (codec, level) = codecs.anew(rules);
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
        let (new_header, bytes) =
            recompress(header, &batch, codecs.source, &target, scratch).map_err(|error| match error {
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

/// Writes the header's attributes and largest timestamp, and the CRC that follows from them, into a copy of the batch.
fn restamp(header: &mut BatchHeader, batch: &[u8]) -> Bytes {
    let mut copy = batch.to_vec();
    copy[ATTRIBUTES_AT..ATTRIBUTES_AT + 2].copy_from_slice(&header.attributes.to_be_bytes());
    copy[MAX_TIMESTAMP_AT..MAX_TIMESTAMP_AT + 8].copy_from_slice(&header.max_timestamp.to_be_bytes());
    header.crc = crc::crc32c(&copy[CRC_FROM..]);
    copy[CRC_AT..CRC_FROM].copy_from_slice(&header.crc.to_be_bytes());
    Bytes::from(copy)
}
