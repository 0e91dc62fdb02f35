//! Judges records one by one while they are walked: keys (P7), timestamps (P8), offsets (P9).

use super::{unreadable, BatchRefused, ProduceRules, MAX_RECORD_ERRORS};
use crate::clock::Now;
use crate::record::header::{BatchHeader, TimestampType};
use crate::record::walk::{walk, Input, Shape};
use std::ops::ControlFlow;

/// What a batch's records, or its header if that is trusted, say about the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// -1 if no record has a timestamp.
    pub(super) max_timestamp: i64,
    /// Of the first record that has it.
    pub(super) offset_delta_of_max_timestamp: i32,
    /// Whether offset deltas are 0, 1, 2, …
    pub(super) in_order: bool,
}

/// Collects what is wrong with the records of one batch.
pub(super) struct Judge<'a> {
    rules: &'a ProduceRules,
    header: &'a BatchHeader,
    now: Now,
    seen: Seen,
    errors: Vec<(i32, String)>,
    error_count: u64,
    any_timestamp_error: bool,
}

impl<'a> Judge<'a> {
    pub(super) fn new(rules: &'a ProduceRules, header: &'a BatchHeader, now: Now) -> Self {
        let seen = Seen { max_timestamp: -1, offset_delta_of_max_timestamp: 0, in_order: true };
        Self { rules, header, now, seen, errors: Vec::new(), error_count: 0, any_timestamp_error: false }
    }

    /// Judges every record.
    pub(super) fn walk<I: Input>(&mut self, mut input: I) -> Result<Seen, BatchRefused> {
        let count = self.header.record_count;
        walk(&mut input, count, |index, record| {
            self.record(index, record);
            ControlFlow::Continue(())
        })
        .map_err(unreadable)?;
        self.verdict()
    }

    /// Judges the header's own timestamps instead of the records'. Null keys go unseen.
    pub(super) fn trust_header(&mut self) -> Result<Seen, BatchRefused> {
        let last = self.header.last_offset_delta;
        if self.header.timestamp_type() == TimestampType::CreateTime {
            self.timestamp(0, 0, self.header.base_timestamp);
        }
        if self.errors.is_empty() {
            self.timestamp(last, last, self.header.max_timestamp);
        }
        self.seen.max_timestamp = self.header.max_timestamp;
        self.seen.offset_delta_of_max_timestamp = last;
        self.verdict()
    }

    #[inline(always)]
    fn record(&mut self, index: i32, record: Shape) {
        let timestamp_ms = match self.header.timestamp_type() {
            TimestampType::CreateTime => self.header.base_timestamp.wrapping_add(record.timestamp_delta),
            TimestampType::LogAppendTime => self.header.max_timestamp,
        };
        if timestamp_ms > self.seen.max_timestamp {
            self.seen.max_timestamp = timestamp_ms;
            self.seen.offset_delta_of_max_timestamp = index;
        }
        self.seen.in_order &= record.offset_delta == index;
        if self.rules.compacted && !record.has_key {
            self.refuse(index, || "Compacted topic cannot accept message without key".to_owned());
        } else {
            self.timestamp(index, record.offset_delta, timestamp_ms);
        }
    }

    #[inline(always)]
    fn timestamp(&mut self, index: i32, offset: i32, timestamp_ms: i64) {
        let by_producer = self.rules.timestamp_type == TimestampType::CreateTime && timestamp_ms != -1;
        if by_producer {
            // Wraps as Java does: what is too far away to subtract is out of range either way.
            let age_ms = self.now.wall_ms.wrapping_sub(timestamp_ms);
            let (before, after) = (self.rules.timestamp_before_max_ms, self.rules.timestamp_after_max_ms);
            if age_ms > before || age_ms.wrapping_neg() > after {
                self.any_timestamp_error = true;
                let (from, to) = (self.now.wall_ms.wrapping_sub(before), self.now.wall_ms.wrapping_add(after));
                self.refuse(index, || {
                    format!(
                        "Timestamp {timestamp_ms} of message with offset {offset} is out of range. \
                         The timestamp should be within [{from}, {to}]"
                    )
                });
            }
        } else if self.header.timestamp_type() == TimestampType::LogAppendTime {
            self.any_timestamp_error = true;
            self.refuse(index, || {
                format!(
                    "Invalid timestamp type in message with offset {offset}. \
                     Producer should not set timestamp type to LogAppendTime."
                )
            });
        }
    }

    #[cold]
    fn refuse(&mut self, index: i32, message: impl FnOnce() -> String) {
        self.error_count += 1;
        if self.errors.len() < MAX_RECORD_ERRORS {
            self.errors.push((index, message()));
        }
    }

    fn verdict(&mut self) -> Result<Seen, BatchRefused> {
        if self.error_count == 0 {
            return Ok(self.seen);
        }
        let record_errors = std::mem::take(&mut self.errors);
        if self.any_timestamp_error {
            let message = "One or more records have been rejected due to invalid timestamp".to_owned();
            return Err(BatchRefused::InvalidTimestamp { message, record_errors });
        }
        let show = |(index, message): &(i32, String)| format!("RecordError(batchIndex={index}, message='{message}')");
        let shown: Vec<_> = record_errors.iter().take(3).map(show).collect();
        let message = format!(
            "One or more records have been rejected due to {} record errors in total, and only showing the first three \
             errors at most: [{}]",
            self.error_count,
            shown.join(", ")
        );
        Err(BatchRefused::InvalidRecord { message, record_errors })
    }
}
