//! The first half of a round: what the newest offset of each key in the dirty part of the log is.

use super::feed::each_batch;
use super::{CleanError, Cleanable, Cleaner, CleanerStats, OffsetMap, Pace, Transactions};
use crate::log::index::IndexEntry;
use crate::log::keys::AbortedTransaction;
use crate::log::reader::LogReader;
use crate::log::view::LogView;
use crate::log::walk::read_marker;
use std::ops::ControlFlow;

impl Cleaner {
    /// Fills a map with the keys from the first dirty offset on, as far as it has room. Records of aborted transactions
    /// count for nothing.
    pub(super) fn index_keys(
        &mut self,
        reader: &LogReader,
        view: &LogView,
        cleanable: &Cleanable,
        aborted: Vec<AbortedTransaction>,
        pace: &mut dyn Pace,
        stats: &mut CleanerStats,
    ) -> Result<OffsetMap, CleanError> {
        let (from, end) = (cleanable.first_dirty, cleanable.end);
        let span = u64::try_from(end - from).unwrap_or(0);
        let mut map = OffsetMap::new(self.hash_key, self.limits.map_bytes, self.limits.load_factor, span);
        map.reach(from - 1);
        let mut transactions = Transactions::new(aborted);
        for segment in &view.segments[view.floor(from)..] {
            if segment.base_offset() >= end {
                break;
            }
            let tail = segment.tail();
            if tail.size_bytes == 0 || tail.end_offset <= from {
                continue;
            }
            let entry = reader.index_or(reader.index().floor(segment, from), IndexEntry::START);
            let start = u64::from(entry.position);
            let mut full = false;
            each_batch(reader, segment, start, self.limits.io_bytes, pace, |found, _| {
                stats.indexed_bytes += found.bytes.len() as u64;
                let header = &found.header;
                if header.is_control() {
                    transactions.on_marker(header, read_marker(header, found.bytes));
                } else if !transactions.on_batch(header) {
                    let looked = self.sieve.look(header, found.bytes, |record| {
                        let is_dirty = record.offset >= from;
                        full |= is_dirty && record.key.is_some_and(|key| !map.put(key, record.offset));
                        !full
                    });
                    looked.map_err(|error| CleanError::corrupt(segment.base_offset(), found.position, &error))?;
                }
                if full {
                    return Ok(ControlFlow::Break(()));
                }
                map.reach(header.last_offset());
                Ok(ControlFlow::Continue(()))
            })?;
            if full {
                return Ok(map);
            }
        }
        map.reach(end - 1);
        Ok(map)
    }
}
