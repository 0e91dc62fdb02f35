//! From timestamps to offsets: exact records, of which only one batch is decompressed.

use super::error::{LogError, ReadError};
use super::index::IndexEntry;
use super::reader::LogReader;
use super::segment::Segment;
use super::walk::{Found, Walk};
use crate::disk::DiskFile;
use crate::record::header::TimestampType;
use crate::record::record_bytes;
use crate::record::records::RecordIter;
use std::sync::Arc;

/// Most bytes that a batch is decompressed to while one of its records is looked for. Beyond, the batch's first offset
/// is the answer.
const MAX_DECOMPRESSED_BYTES: usize = 256 << 20;

/// A record, found by its timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampOffset {
    /// The record's offset.
    pub offset: i64,
    /// Its timestamp in ms.
    pub timestamp: i64,
    /// Leader epoch of its batch.
    pub leader_epoch: i32,
}

impl LogReader {
    /// The first record below `up_to` whose timestamp is at least `timestamp`.
    pub fn offset_for_timestamp(&self, timestamp: i64, up_to: i64) -> Result<Option<TimestampOffset>, ReadError> {
        let view = self.view()?;
        let start = self.log_start_offset();
        for segment in &view.segments[view.floor(start)..] {
            if segment.base_offset() >= up_to {
                break;
            }
            if segment.tail().max_timestamp < timestamp {
                continue;
            }
            let entry = self.index_or(self.index().before_timestamp(segment, timestamp), IndexEntry::START);
            let file = self.segment_file(segment)?;
            let mut walk = Walk::new(&*file, u64::from(entry.position), segment.tail().size_bytes);
            while let Some(found) = walk.next().map_err(|error| self.walk_failed(error))? {
                if found.header.base_offset >= up_to {
                    return Ok(None);
                }
                if found.header.newest_record_ms() < timestamp || found.header.last_offset() < start {
                    continue;
                }
                if let Some(record) = self.record_at(&*file, &found, timestamp, start)? {
                    return Ok(Some(record).filter(|record| record.offset < up_to));
                }
            }
        }
        Ok(None)
    }

    /// The first record below `up_to` that has the largest timestamp there.
    pub fn max_timestamp_offset(&self, up_to: i64) -> Result<Option<TimestampOffset>, ReadError> {
        let view = self.view()?;
        let start = self.log_start_offset();
        let mut largest = -1;
        for segment in &view.segments[view.floor(start)..] {
            if segment.base_offset() >= up_to {
                break;
            }
            let tail = segment.tail();
            if tail.max_timestamp <= largest {
                continue;
            }
            let whole = segment.base_offset() >= start && tail.end_offset <= up_to;
            let within = if whole { tail.max_timestamp } else { self.max_within(segment, start, up_to)? };
            largest = largest.max(within);
        }
        if largest < 0 {
            return Ok(None);
        }
        self.offset_for_timestamp(largest, up_to)
    }

    /// Largest timestamp of a segment's batches that reach beyond `start` and lie below `up_to`.
    fn max_within(&self, segment: &Segment, start: i64, up_to: i64) -> Result<i64, ReadError> {
        let mut largest = -1;
        let mut from = IndexEntry::START;
        if segment.base_offset() >= start {
            from = self.index_or(self.index().floor(segment, up_to), from);
            largest = from.max_timestamp_before;
        }
        let file = self.segment_file(segment)?;
        let mut walk = Walk::new(&*file, u64::from(from.position), segment.tail().size_bytes);
        while let Some(found) = walk.next().map_err(|error| self.walk_failed(error))? {
            if found.header.next_offset() > up_to {
                break;
            }
            if found.header.last_offset() >= start {
                largest = largest.max(found.header.newest_record_ms());
            }
        }
        Ok(largest)
    }

    /// The first record of a batch at or beyond `start` whose timestamp is at least `timestamp`.
    fn record_at(
        &self,
        file: &dyn DiskFile,
        found: &Found,
        timestamp: i64,
        start: i64,
    ) -> Result<Option<TimestampOffset>, ReadError> {
        let header = &found.header;
        let answer = |offset, timestamp| TimestampOffset { offset, timestamp, leader_epoch: header.leader_epoch };
        let is_whole = i64::from(header.record_count) == i64::from(header.last_offset_delta) + 1;
        if is_whole && header.timestamp_type() == TimestampType::LogAppendTime {
            return Ok(Some(answer(header.base_offset.max(start), header.max_timestamp)));
        }
        let mut batch = vec![0; header.size_bytes()];
        let read = file.read_at(found.position, &mut batch).map_err(|error| self.dir.read_failed(&error))?;
        batch.truncate(read);
        let Ok(records) = record_bytes(header, &batch, MAX_DECOMPRESSED_BYTES) else {
            return Ok(Some(answer(header.base_offset.max(start), header.max_timestamp)));
        };
        for record in RecordIter::new(&records, header.record_count) {
            let record = record.map_err(|error| LogError::Corrupt(error.to_string()))?;
            let record_timestamp = match header.timestamp_type() {
                TimestampType::CreateTime => header.base_timestamp.wrapping_add(record.timestamp_delta),
                TimestampType::LogAppendTime => header.max_timestamp,
            };
            let offset = header.base_offset + i64::from(record.offset_delta);
            if record_timestamp >= timestamp && offset >= start {
                return Ok(Some(answer(offset, record_timestamp)));
            }
        }
        Ok(None)
    }

    fn segment_file(&self, segment: &Segment) -> Result<Arc<dyn DiskFile>, LogError> {
        segment.file(&self.dir.handles, || self.folder()).map_err(|error| self.dir.read_failed(&error))
    }
}
