//! Whether a log is worth cleaning now, and if not, when to look again (C4).

use crate::clock::Now;
use crate::log::config::LogConfig;
use crate::log::error::LogError;
use crate::log::reader::LogReader;
use crate::log::recovery;

/// What may be cleaned of a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cleanable {
    /// Below it the log is clean: no key comes twice.
    pub first_dirty: i64,
    /// Nothing at or beyond it is touched; a segment begins here.
    pub end: i64,
    /// Bytes of the segments below the first dirty offset.
    pub clean_bytes: u64,
    /// Bytes of the dirty segments below the end.
    pub dirty_bytes: u64,
}

impl Cleanable {
    /// The dirty share of the bytes; 0 where there are none.
    pub fn ratio(&self) -> f64 {
        let total = self.clean_bytes + self.dirty_bytes;
        if total == 0 {
            return 0.0;
        }
        self.dirty_bytes as f64 / total as f64
    }
}

/// What a look at a log came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    /// What may be cleaned.
    pub cleanable: Cleanable,
    /// It is dirty enough, or has been dirty for too long.
    pub is_due: bool,
    /// All of it is durable, and known so to the index database: it may be cleaned at once.
    pub is_settled: bool,
    /// The active segment has been dirty for too long: only once it is rolled can it be cleaned.
    pub roll_due: bool,
    /// Dirty segments wait for a transaction to end or for the high watermark.
    pub is_blocked: bool,
    /// Milliseconds until time alone changes the answer.
    pub again_in_ms: Option<i64>,
}

/// A segment, as far as it matters here.
struct Extent {
    base: i64,
    size_bytes: u64,
    max_timestamp: i64,
    first_timestamp: i64,
    is_settled: bool,
}

impl LogReader {
    /// Looks at the log, of which everything below `stable_offset` is committed and belongs to no open transaction. To be
    /// cleaned it has to be flushed first, up to where it ended when it was so: a marker that a power cut takes back has
    /// decided nothing. Reads
    /// no file: a log that was left clean and not used since is judged by its rows in the index database.
    pub fn outlook(&self, stable_offset: i64, now: Now) -> Result<Outlook, LogError> {
        let config = self.config.load_full();
        let extents = self.extents()?;
        let Some((active, closed)) = extents.split_last() else { return Ok(Outlook::default()) };
        let first_dirty = self.first_dirty(&config);
        let dirty = match first_dirty >= active.base {
            true => closed.len(),
            false => closed.partition_point(|extent| extent.base <= first_dirty).saturating_sub(1),
        };
        let lagging = config.min_compaction_lag_ms.max(0);
        let too_young = closed[dirty..]
            .iter()
            .find(|extent| lagging > 0 && extent.max_timestamp > now.wall_ms.saturating_sub(lagging));
        let by_age = too_young.map_or(i64::MAX, |extent| extent.base).min(active.base);
        let end_below = |offset: i64| match closed.partition_point(|extent| extent.base <= offset) {
            _ if offset >= active.base => active.base,
            0 => offset,
            above => closed[above - 1].base,
        };
        let until = |end: i64| Cleanable {
            first_dirty,
            end,
            clean_bytes: sum(closed, |extent| extent.base < first_dirty),
            dirty_bytes: if end <= first_dirty { 0 } else { sum(&closed[dirty..], |extent| extent.base < end) },
        };
        let oldest = closed[dirty..].iter().map(|extent| extent.first_timestamp).filter(|first| *first > 0).min();
        let must = oldest.is_some_and(|oldest| oldest < now.wall_ms.saturating_sub(config.max_compaction_lag_ms));
        let cleanable = until(end_below(by_age.min(stable_offset)));
        // Over once it is passed, not reached.
        let age_left = |first: i64| {
            first.saturating_add(config.max_compaction_lag_ms).saturating_sub(now.wall_ms).saturating_add(1)
        };
        let has_max_lag = config.cleanup.compact && config.max_compaction_lag_ms < i64::MAX;
        let open_since = (has_max_lag && active.size_bytes > 0 && active.first_timestamp > 0)
            .then(|| age_left(active.first_timestamp));
        let waits = [
            too_young.map(|extent| extent.max_timestamp.saturating_add(lagging).saturating_sub(now.wall_ms)),
            oldest.filter(|_| has_max_lag && !must).map(age_left),
            open_since,
        ];
        Ok(Outlook {
            cleanable,
            is_due: (must && cleanable.dirty_bytes > 0) || cleanable.ratio() > config.min_cleanable_dirty_ratio,
            is_settled: closed.iter().all(|extent| extent.base >= cleanable.end || extent.is_settled),
            roll_due: open_since.is_some_and(|left| left <= 0),
            is_blocked: stable_offset < by_age && until(end_below(by_age)) != cleanable,
            again_in_ms: waits.into_iter().flatten().filter(|wait| *wait > 0).min(),
        })
    }

    /// The first dirty offset: the checkpoint's, if that can be.
    fn first_dirty(&self, config: &LogConfig) -> i64 {
        let (start, end) = (self.log_start_offset(), self.log_end_offset());
        let Some(point) = self.dir.cleaner_point(&self.partition) else { return start };
        if (start..=end).contains(&point) {
            return point;
        }
        if point > end || !config.cleanup.delete {
            tracing::warn!(
                "Resetting first dirty offset of {} to log start offset {start} since the checkpointed offset {point} is \
                 invalid.",
                self.partition
            );
        }
        self.dir.reset_cleaner_point(&self.partition, start);
        start
    }

    fn extents(&self) -> Result<Vec<Extent>, LogError> {
        if let Some(view) = self.view.load_full() {
            let extent = |segment: &std::sync::Arc<crate::log::segment::Segment>| {
                let tail = segment.tail();
                Extent {
                    base: segment.base_offset(),
                    size_bytes: tail.size_bytes,
                    max_timestamp: tail.max_timestamp,
                    first_timestamp: segment.first_timestamp(),
                    is_settled: segment.is_settled(),
                }
            };
            return Ok(view.segments.iter().map(extent).collect());
        }
        let rows = recovery::rows(self)?.into_iter().map(|(base, row)| Extent {
            base,
            size_bytes: row.size_bytes,
            max_timestamp: row.max_timestamp,
            first_timestamp: row.first_timestamp,
            is_settled: true,
        });
        Ok(rows.collect())
    }
}

fn sum(extents: &[Extent], counts: impl Fn(&Extent) -> bool) -> u64 {
    extents.iter().filter(|extent| counts(extent)).map(|extent| extent.size_bytes).sum()
}
