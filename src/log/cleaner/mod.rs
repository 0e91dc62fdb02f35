//! Compaction: of each key the newest record stays, offsets and order stay as they are (C4–C8).
//!
//! One round over a log: [`outlook`] says which closed segments may be cleaned, [`index_keys`] remembers the newest offset
//! of each key of the dirty ones in a bounded [`OffsetMap`], and every segment from the log's start to there is copied
//! without the records that are superseded, several small ones into one ([`groups`]). All of this reads closed segments
//! and writes a file of its own, so the log's writer goes on; only [`Log::swap`] needs the writer, and only to rename.
//!
//! The map covers what lies between the first dirty offset and where it was full. A tombstone therefore goes only once
//! every older record of its key went before it: groups are swapped in ascending order, each durably before the next.
//!
//! Unlike Kafka, the last batch of each cleaned segment stays, emptied if need be, not only the last of the round: so a
//! segment always ends where the next one begins, and recovery can tell a lost batch from a cleaned one.
//!
//! Absent from here: which log is cleaned when, threads, time, and the bytes of a record ([`crate::record::sieve`]).
//!
//! [`Log::swap`]: super::Log::swap

mod feed;
mod groups;
mod key_hash;
mod keys_index;
mod offset_map;
mod outlook;
mod output;
mod swap;
mod sweep;
mod transactions;

pub use key_hash::HashKey;
pub use outlook::{Cleanable, Outlook};
pub use swap::Cleaned;

use super::error::{LogError, ReadError};
use super::reader::LogReader;
use super::segment::Segment;
use super::view::LogView;
use crate::clock::Now;
use crate::record::sieve::Sieve;
use crate::record::WalkError;
use offset_map::OffsetMap;
use std::sync::Arc;
use sweep::{LastRecords, Sweep};
use transactions::Transactions;

/// Slows a cleaner down, and stops it.
pub trait Pace {
    /// Called for each stretch that was read or written. False: clean no further.
    fn spend(&mut self, bytes: u64) -> bool;
}

/// Why a round did not come to its end. What it had swapped in before stays.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CleanError {
    /// It was told to stop, or the log changed under it: nothing is wrong.
    #[error("the cleaning was aborted")]
    Aborted,
    /// A batch cannot be read.
    #[error("corrupt batch in segment {segment_base} at position {position}: {reason}")]
    Corrupt {
        /// The segment.
        segment_base: i64,
        /// Where the batch lies in it.
        position: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The disk or the log failed.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl CleanError {
    fn corrupt(segment_base: i64, position: u64, error: &WalkError) -> Self {
        Self::Corrupt { segment_base, position, reason: error.to_string() }
    }
}

impl From<ReadError> for CleanError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Log(error) => Self::Log(error),
            ReadError::OffsetOutOfRange { .. } => Self::Aborted,
        }
    }
}

/// What one cleaner may use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CleanerLimits {
    /// Bytes of the map from keys to offsets, at most (`log.cleaner.dedupe.buffer.size`, this cleaner's part).
    pub map_bytes: u64,
    /// How full the map may become (`log.cleaner.io.buffer.load.factor`).
    pub load_factor: f64,
    /// Bytes read or written at once (`log.cleaner.io.buffer.size`, this cleaner's part); a larger batch is read whole.
    pub io_bytes: usize,
}

/// What a round came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CleanerStats {
    /// Bytes read for the map.
    pub indexed_bytes: u64,
    /// Bytes of the segments that were cleaned.
    pub read_bytes: u64,
    /// Bytes that are left of them.
    pub written_bytes: u64,
    /// Records of the segments that were cleaned.
    pub read_records: u64,
    /// Records that are left of them.
    pub kept_records: u64,
    /// Records without a key, which went.
    pub keyless_records: u64,
    /// Keys in the map.
    pub keys: u64,
    /// Keys that the map had room for.
    pub keys_max: u64,
    /// Segments before.
    pub segments_before: u64,
    /// Segments after.
    pub segments_after: u64,
}

/// A finished round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// The first dirty offset now: [`super::LogDir::set_cleaner_point`] notes it.
    pub first_dirty: i64,
    /// What was done.
    pub stats: CleanerStats,
}

/// Cleans logs, one after the other. Its memory is held only during a round.
pub struct Cleaner {
    /// What it may use.
    pub limits: CleanerLimits,
    hash_key: HashKey,
    sieve: Sieve,
}

impl Cleaner {
    /// A cleaner whose map cannot be led astray by who chooses keys without knowing `hash_key`.
    pub fn new(limits: CleanerLimits, hash_key: HashKey) -> Self {
        Self { limits, hash_key, sieve: Sieve::default() }
    }

    /// Cleans the log behind `reader` as far as `cleanable` says, if all of that is flushed; else it is aborted. `swap` brings each cleaned stretch to [`super::Log::swap`]
    /// through the log's one writer and returns its answer: false if the log has changed so that it does not fit.
    pub fn clean(
        &mut self,
        reader: &LogReader,
        cleanable: &Cleanable,
        now: Now,
        pace: &mut dyn Pace,
        swap: &mut dyn FnMut(Cleaned) -> Result<bool, LogError>,
    ) -> Result<Round, CleanError> {
        reader.dir.check_online()?;
        let view = reader.view()?;
        let below = |offset: i64| view.segments.partition_point(|segment| segment.base_offset() < offset);
        let segments = &view.segments[..below(cleanable.end)];
        if segments.is_empty() || !segments.iter().all(|segment| segment.is_settled()) {
            return Err(CleanError::Aborted);
        }
        let mut stats = CleanerStats::default();
        let aborted = reader.aborted_transactions(view.first_base(), cleanable.end)?;
        let map = self.index_keys(reader, &view, cleanable, aborted.clone(), pace, &mut stats)?;
        let first_dirty = map.latest_offset() + 1;
        let last_records = LastRecords::of(reader)?;
        let config = reader.config.load_full();
        let mut transactions = Transactions::new(aborted);
        for group in groups::group(&view.segments[..below(first_dirty)], &config, cleanable.end) {
            if group.iter().all(|segment| segment.tail().size_bytes == 0) {
                continue;
            }
            let sweep = Sweep {
                reader,
                config: &config,
                map: &map,
                last_records: &last_records,
                now_ms: now.wall_ms,
                io_bytes: self.limits.io_bytes,
            };
            stats.segments_before += group.len() as u64;
            let swept = sweep.run(group, &mut transactions, &mut self.sieve, pace, &mut stats)?;
            stats.segments_after += 1;
            let Some(cleaned) = swept else { continue };
            reader.prepare(&cleaned)?;
            let folder = reader.folder();
            if !swap(cleaned)? {
                return Err(CleanError::Aborted);
            }
            reader.dir.disk.sync_dir(&folder).map_err(|error| match reader.is_closed() {
                true => CleanError::Aborted,
                false => CleanError::Log(reader.dir.sync_failed(&error)),
            })?;
        }
        stats.keys = map.len() as u64;
        stats.keys_max = map.most() as u64;
        Ok(Round { first_dirty, stats })
    }
}

/// The segments of one cleaned file, and the view that they were part of.
type Sources = Vec<Arc<Segment>>;

impl LogView {
    /// Where `sources`, one after the other, lie in the view; `None` if they do not.
    fn place_of(&self, sources: &[Arc<Segment>]) -> Option<std::ops::Range<usize>> {
        let first = self.floor(sources.first()?.base_offset());
        let place = first..first + sources.len();
        let found = self.segments.get(place.clone())?;
        // The active segment is never a source.
        let fits = place.end < self.segments.len() && found.iter().zip(sources).all(|(a, b)| Arc::ptr_eq(a, b));
        fits.then_some(place)
    }
}
