//! The second half of a round: a group of segments is copied without what is superseded.

use super::feed::{each_batch, Found};
use super::output::Output;
use super::swap::Cleaned;
use super::{CleanError, CleanerStats, OffsetMap, Pace, Transactions};
use crate::log::config::LogConfig;
use crate::log::error::LogError;
use crate::log::reader::LogReader;
use crate::log::segment::Segment;
use crate::log::walk::read_marker;
use crate::record::header::BatchHeader;
use crate::record::sieve::{emptied, RecordLook, Sieve};
use crate::record::WalkError;
use rustc_hash::FxHashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// The batch that holds a live producer's last sequence, or its newest epoch (C7).
enum LastRecord {
    /// Offset of its last record.
    Data(i64),
    /// Epoch of its last marker, after which it has written nothing.
    Marker(i16),
}

/// The last batches of the producers that the log remembers.
pub(super) struct LastRecords(FxHashMap<i64, LastRecord>);

impl LastRecords {
    pub fn of(reader: &LogReader) -> Result<Self, LogError> {
        let producers = reader.loaded_producers()?;
        let state = producers.as_ref().expect("loaded_producers loads");
        let last = state.producers().iter().map(|(id, producer)| match producer.window.last() {
            Some(mark) => (*id, LastRecord::Data(mark.last_offset)),
            None => (*id, LastRecord::Marker(producer.epoch)),
        });
        Ok(Self(last.collect()))
    }

    fn is_last(&self, header: &BatchHeader) -> bool {
        header.has_producer_id()
            && self.0.get(&header.producer_id).is_some_and(|last| match last {
                LastRecord::Data(offset) => header.last_offset() == *offset,
                LastRecord::Marker(epoch) => header.is_control() && header.producer_epoch == *epoch,
            })
    }
}

/// What a group is cleaned by.
pub(super) struct Sweep<'a> {
    pub reader: &'a LogReader,
    pub config: &'a LogConfig,
    pub map: &'a OffsetMap,
    pub last_records: &'a LastRecords,
    pub now_ms: i64,
    pub io_bytes: usize,
}

/// What becomes of a batch.
enum Fate {
    /// Byte for byte.
    Stays,
    /// In this form.
    Becomes(BatchHeader, Vec<u8>),
    Goes,
}

impl Sweep<'_> {
    /// Cleans a group. `None` if there was nothing to clean.
    pub fn run(
        &self,
        group: &[Arc<Segment>],
        transactions: &mut Transactions,
        sieve: &mut Sieve,
        pace: &mut dyn Pace,
        stats: &mut CleanerStats,
    ) -> Result<Option<Cleaned>, CleanError> {
        let base = group[0].base_offset();
        let swept = self.write(group, transactions, sieve, pace, stats);
        if !matches!(swept, Ok(Some(_))) {
            self.reader.discard_cleaned(base);
        }
        swept
    }

    fn write(
        &self,
        group: &[Arc<Segment>],
        transactions: &mut Transactions,
        sieve: &mut Sieve,
        pace: &mut dyn Pace,
        stats: &mut CleanerStats,
    ) -> Result<Option<Cleaned>, CleanError> {
        let interval_bytes = self.config.index_interval_bytes;
        let mut output = Output::create(self.reader, group[0].base_offset(), interval_bytes, self.io_bytes)?;
        let last = group.iter().rposition(|segment| segment.tail().size_bytes > 0).unwrap_or(0);
        let mut changed = group.len() > 1;
        for (at, segment) in group.iter().enumerate() {
            let end = segment.tail().size_bytes;
            each_batch(self.reader, segment, 0, self.io_bytes, pace, |found, pace| {
                let is_end = at == last && found.end() == end;
                let fate = self.judge(found, is_end, transactions, sieve, stats);
                let fate = fate.map_err(|error| CleanError::corrupt(segment.base_offset(), found.position, &error))?;
                stats.read_bytes += found.bytes.len() as u64;
                changed |= !matches!(fate, Fate::Stays);
                let written_bytes = match &fate {
                    Fate::Stays => {
                        output.push(&found.header, found.bytes, pace)?;
                        found.bytes.len()
                    }
                    Fate::Becomes(header, bytes) => {
                        output.push(header, bytes, pace)?;
                        bytes.len()
                    }
                    Fate::Goes => 0,
                };
                stats.written_bytes += written_bytes as u64;
                Ok(ControlFlow::Continue(()))
            })?;
        }
        let vacated = transactions.take_vacated();
        if !changed && vacated.is_empty() {
            return Ok(None);
        }
        let (row, entries) = output.finish(pace)?;
        Ok(Some(Cleaned { sources: group.to_vec(), row, entries, vacated }))
    }

    /// Decides about a batch. `is_end` if it is the last of its group.
    fn judge(
        &self,
        found: &Found<'_>,
        is_end: bool,
        transactions: &mut Transactions,
        sieve: &mut Sieve,
        stats: &mut CleanerStats,
    ) -> Result<Fate, WalkError> {
        let header = &found.header;
        let horizon_passed = header.has_delete_horizon() && header.base_timestamp <= self.now_ms;
        let stays_empty = is_end || self.last_records.is_last(header);
        let records = u64::try_from(header.record_count).unwrap_or(0);
        stats.read_records += records;
        if header.is_control() {
            let vacant = transactions.on_marker(header, read_marker(header, found.bytes));
            if records == 0 || (vacant && horizon_passed) {
                return empty(found, stays_empty);
            }
            stats.kept_records += records;
            return match vacant && !header.has_delete_horizon() {
                // From now on it waits as a tombstone does, so that who reads the transaction still meets its end.
                true => self.store(found, sieve, true),
                false => Ok(Fate::Stays),
            };
        }
        if transactions.on_batch(header) {
            return empty(found, stays_empty);
        }
        let sifted = sieve.sift(header, found.bytes, |record| self.keeps(record, horizon_passed, stats))?;
        stats.kept_records += sifted.kept as u64;
        let starts_horizon = sifted.tombstones > 0 && !header.has_delete_horizon();
        match (sifted.kept, sifted.dropped) {
            (0, _) => empty(found, stays_empty),
            (_, 0) if !starts_horizon => Ok(Fate::Stays),
            _ => {
                let horizon = starts_horizon.then(|| self.horizon());
                let target = self.config.compression.map_or_else(|| own(header), Ok)?;
                let (header, bytes) = sieve.store(header, found.bytes, &sifted, horizon, target)?;
                Ok(Fate::Becomes(header, bytes))
            }
        }
    }

    /// Whether a record that belongs to no aborted transaction stays.
    fn keeps(&self, record: &RecordLook<'_>, horizon_passed: bool, stats: &mut CleanerStats) -> bool {
        if record.offset > self.map.latest_offset() {
            return true;
        }
        let Some(key) = record.key else {
            stats.keyless_records += 1;
            return false;
        };
        let is_newest = self.map.get(key).is_none_or(|newest| record.offset >= newest);
        is_newest && (record.has_value || !horizon_passed)
    }

    /// The batch whole, with a horizon from now on.
    fn store(&self, found: &Found<'_>, sieve: &mut Sieve, starts_horizon: bool) -> Result<Fate, WalkError> {
        let sifted = sieve.sift(&found.header, found.bytes, |_| true)?;
        let horizon = starts_horizon.then(|| self.horizon());
        let (header, bytes) = sieve.store(&found.header, found.bytes, &sifted, horizon, own(&found.header)?)?;
        Ok(Fate::Becomes(header, bytes))
    }

    /// When what is seen now may go.
    fn horizon(&self) -> i64 {
        self.now_ms.saturating_add(self.config.delete_retention_ms)
    }
}

/// The batch's own codec, at the level that Kafka takes when none is set.
fn own(header: &BatchHeader) -> Result<(crate::record::compress::Codec, i32), WalkError> {
    let codec = header.codec().map_err(|error| WalkError::Stream(std::io::Error::other(error)))?;
    Ok((codec, codec.default_level()))
}

/// A batch without a record left: gone, or as its header.
fn empty(found: &Found<'_>, stays: bool) -> Result<Fate, WalkError> {
    if !stays {
        return Ok(Fate::Goes);
    }
    if found.header.record_count == 0 {
        return Ok(Fate::Stays);
    }
    let (header, bytes) = emptied(&found.header)?;
    Ok(Fate::Becomes(header, bytes))
}
