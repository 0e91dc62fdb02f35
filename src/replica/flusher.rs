//! The housekeeper of one log directory: syncs on order and in time, applies retention, removes deleted files.

use super::lane::Lane;
use super::partition::Partition;
use crate::clock::{Clock, Now};
use crate::log::checkpoints::Offsets;
use crate::log::{Log, LogError, TailCache};
use std::sync::Arc;
use std::time::Duration;

/// How often the housekeeper looks at its clock when it has no orders.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often tails that nobody reads are let go.
const TAIL_RELEASE_MS: i64 = 10_000;

/// Intervals of the housekeeping that walks over partitions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Intervals {
    /// `log.retention.check.interval.ms`.
    pub retention_check_ms: i64,
    /// `producer.id.expiration.check.interval.ms`.
    pub producer_check_ms: i64,
}

/// A task that comes round.
struct Every {
    interval_ms: i64,
    next_ms: i64,
}

impl Every {
    fn new(interval_ms: i64, now: Now) -> Self {
        let interval_ms = interval_ms.max(1);
        Self { interval_ms, next_ms: now.mono_ms.saturating_add(interval_ms) }
    }

    fn is_due(&mut self, now: Now) -> bool {
        let due = now.mono_ms >= self.next_ms;
        if due {
            self.next_ms = now.mono_ms.saturating_add(self.interval_ms);
        }
        due
    }
}

/// Keeps one directory in order.
pub(super) struct Housekeeper {
    lane: Arc<Lane>,
    clock: Arc<dyn Clock>,
    /// Present in one of the node's housekeepers: the cache is the node's.
    tail_cache: Option<Arc<TailCache>>,
    retention: Every,
    producers: Every,
    tails: Every,
}

impl Housekeeper {
    pub fn new(
        lane: Arc<Lane>,
        clock: Arc<dyn Clock>,
        tail_cache: Option<Arc<TailCache>>,
        intervals: Intervals,
    ) -> Self {
        let now = clock.now();
        Self {
            lane,
            tail_cache,
            retention: Every::new(intervals.retention_check_ms, now),
            producers: Every::new(intervals.producer_check_ms, now),
            tails: Every::new(TAIL_RELEASE_MS, now),
            clock,
        }
    }

    /// Works until told to stop, and carries out the last orders.
    pub fn run(mut self) {
        while !self.work() {
            self.lane.wait_for_orders(LOOK_EVERY, self.clock.now());
        }
    }

    /// Does what is due, without waiting. Whether it was told to stop.
    pub fn work(&mut self) -> bool {
        let now = self.clock.now();
        let orders = self.lane.take_orders(now);
        for partition in &orders.partitions {
            partition.flush_now(now);
        }
        if orders.whole_dir || self.lane.dir.flush_due(now) {
            flush(&self.lane, now);
        }
        self.lane.dir.run_deletions(now);
        if self.retention.is_due(now) {
            self.walk(|partition| retain(partition, now));
        }
        if self.producers.is_due(now) {
            self.walk(|partition| {
                partition.with_log(move |log| log.iter_mut().for_each(|log| log.expire_producers(now)));
            });
        }
        if let Some(cache) = self.tail_cache.as_ref().filter(|_| self.tails.is_due(now)) {
            cache.release_idle();
        }
        orders.stopping
    }

    fn walk(&self, each: impl Fn(&Arc<Partition>)) {
        if self.lane.is_online() {
            self.lane.hosted().iter().for_each(each);
        }
    }
}

/// Makes everything in the directory durable, and notes the high watermarks.
pub(super) fn flush(lane: &Lane, now: Now) {
    lane.begin_flush();
    let flushed = lane.dir.flush(now).and_then(|()| lane.dir.write_high_watermarks(&high_watermarks(lane)));
    if flushed.is_ok() {
        lane.hosted().iter().for_each(Partition::flushed_aside);
    }
    if let Err(error) = flushed {
        tracing::error!(path = %lane.dir.path().display(), %error, "cannot flush the log directory");
        lane.note_failure();
        if !lane.is_online() {
            lane.hosted().iter().for_each(|partition| partition.watchers.disturbed());
        }
    }
}

fn high_watermarks(lane: &Lane) -> Offsets {
    lane.hosted().iter().map(|partition| (partition.name().clone(), partition.high_watermark())).collect()
}

/// Rolls and deletes segments of one partition.
fn retain(partition: &Arc<Partition>, now: Now) {
    let reader = &partition.reader;
    if reader.is_closed() || reader.log_start_offset() == reader.log_end_offset() {
        return;
    }
    let high_watermark = partition.high_watermark();
    let done = partition.with_log(move |log| log.as_mut().map(|log| roll_and_delete(log, now, high_watermark)));
    match done {
        Some(Some(Ok(changed))) => {
            if changed {
                partition.tell(partition.news());
                partition.tell_cleaner(now);
            }
        }
        Some(Some(Err(error))) => {
            tracing::warn!(partition = %partition.name(), %error, "cannot apply retention");
            partition.lane.note_failure();
        }
        Some(None) | None => {}
    }
}

/// Whether the segments are others afterwards.
fn roll_and_delete(log: &mut Log, now: Now, high_watermark: i64) -> Result<bool, LogError> {
    let rolled = log.roll_if_due(now)?;
    let freed = log.apply_retention(now, high_watermark)?;
    if freed.segments > 0 {
        tracing::info!(
            "Deleted {} segments of {} ({} bytes); the log starts at {}",
            freed.segments,
            log.partition(),
            freed.bytes,
            freed.log_start_offset
        );
    }
    Ok(rolled || freed.segments > 0)
}
