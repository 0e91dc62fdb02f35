//! What a thread of the log cleaner does: looks at logs, rolls and flushes what has to be, and cleans.

use super::cleaner::{CleanerDesk, Sample};
use super::manager::ReplicaManager;
use super::partition::Partition;
use crate::clock::{Clock, Now};
use crate::config::broker::BrokerConfig;
use crate::log::{CleanError, Cleaner, CleanerLimits, CleanerStats, HashKey, LogError, Pace, Round};
use crate::rng::Rng;
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::Duration;

/// How long a flush that was ordered is given before a log is looked at again; doubled each time.
const FLUSH_LOOK_MS: i64 = 20;
/// Bytes read and written at once, at least.
const IO_BYTES_MIN: usize = 16 << 10;
/// How far the cleaner may run ahead of its rate before it sleeps, in milliseconds.
const AHEAD_MS: f64 = 300.0;
/// The longest sleep between two looks at whether to stop.
const SLEEP_STEP: Duration = Duration::from_millis(50);

/// What the cleaner's threads share.
pub(super) struct CleanerWorks {
    pub desk: Arc<CleanerDesk>,
    clock: Arc<dyn Clock>,
    config: Arc<ArcSwap<BrokerConfig>>,
    hash_key: HashKey,
    /// Without threads nobody sleeps.
    threaded: bool,
    /// Guards the time, in `mono_ms`, at which what was read and written so far should have been.
    spent_until_ms: Mutex<f64>,
}

/// What the metrics say of the cleaner.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CleanerReport {
    /// By log directory: partitions whose last cleaning failed, and their bytes that wait to be cleaned.
    pub uncleanable: Vec<(PathBuf, usize, u64)>,
    /// Cleanings that came to their ends.
    pub rounds: u64,
    /// Bytes of the segments that were cleaned.
    pub read_bytes: u64,
    /// Bytes that were left of them.
    pub written_bytes: u64,
    /// The largest dirty share of a log, in percent.
    pub max_dirty_percent: u64,
    /// Milliseconds since a thread looked at a log; `None` before the first time.
    pub since_last_run_ms: Option<i64>,
}

struct Paced<'a> {
    works: &'a CleanerWorks,
    partition: &'a Partition,
}

impl Pace for Paced<'_> {
    fn spend(&mut self, bytes: u64) -> bool {
        let goes_on = || !self.works.desk.is_stopping() && !self.partition.log().is_closed();
        let until_ms = self.works.spend(bytes);
        loop {
            let ahead_ms = until_ms - self.works.clock.now().mono_ms as f64;
            if !self.works.threaded || ahead_ms <= AHEAD_MS || !goes_on() {
                return goes_on();
            }
            std::thread::sleep(Duration::from_secs_f64((ahead_ms / 1000.0).clamp(0.0, 3600.0)).min(SLEEP_STEP));
        }
    }
}

impl CleanerWorks {
    pub fn new(
        desk: Arc<CleanerDesk>,
        clock: Arc<dyn Clock>,
        config: Arc<ArcSwap<BrokerConfig>>,
        rng: &Rng,
        threaded: bool,
    ) -> Arc<Self> {
        let hash_key = HashKey(rng.next_u64(), rng.next_u64());
        Arc::new(Self { desk, clock, config, hash_key, threaded, spent_until_ms: Mutex::new(0.0) })
    }

    /// Counts bytes against the rate; until when they are paid for, in `mono_ms`.
    pub(super) fn spend(&self, bytes: u64) -> f64 {
        let rate = self.config.load().log.cleaner.io_max_bytes_per_second;
        if !(rate > 0.0 && rate < 1e15) {
            return 0.0;
        }
        let now_ms = self.clock.now().mono_ms as f64;
        let mut until_ms = self.spent_until_ms.lock();
        *until_ms = until_ms.max(now_ms) + bytes as f64 / rate * 1000.0;
        *until_ms
    }

    /// The loop of thread number `thread`.
    pub fn run(&self, thread: usize) {
        let mut cleaner = self.cleaner();
        loop {
            self.look_around();
            if let Some(partition) = self.next() {
                self.clean(&partition, thread, &mut cleaner);
            } else if !self.desk.wait(thread, self.clock.now()) {
                return;
            }
        }
    }

    /// Does all there is to do now, for a manager without threads.
    pub fn work(&self) {
        self.look_around();
        while let Some(partition) = self.next() {
            self.clean(&partition, 0, &mut self.cleaner());
        }
    }

    fn next(&self) -> Option<Arc<Partition>> {
        (!self.desk.is_stopping()).then(|| self.desk.take_dirtiest()).flatten()
    }

    fn cleaner(&self) -> Cleaner {
        Cleaner::new(self.limits(), self.hash_key)
    }

    /// This thread's part of the memory.
    fn limits(&self) -> CleanerLimits {
        let config = self.config.load();
        let settings = &config.log.cleaner;
        let threads = self.desk.threads().max(1);
        CleanerLimits {
            map_bytes: settings.dedupe_buffer_size / threads as u64,
            load_factor: settings.io_buffer_load_factor,
            // Half to read, half to write.
            io_bytes: (settings.io_buffer_size / threads / 2).max(IO_BYTES_MIN),
        }
    }

    fn look_around(&self) {
        let now = self.clock.now();
        for partition in self.desk.take_due(now) {
            if self.desk.is_stopping() {
                return;
            }
            self.desk.figures.last_run_ms.store(now.mono_ms, Ordering::Relaxed);
            if let Err(error) = self.look(&partition, now) {
                self.failed(&partition, &CleanError::Log(error), now);
            }
            self.desk.settle(&partition);
        }
    }

    /// Looks at one log: ready to be cleaned, or when to look again.
    fn look(&self, partition: &Arc<Partition>, now: Now) -> Result<(), LogError> {
        let reader = partition.log();
        if reader.is_closed() || partition.is_offline() || !partition.rules.load().log.cleanup.compact {
            self.desk.forget(partition);
            return Ok(());
        }
        let fresh = Sample { stable_offset: partition.last_stable_offset(), log_end_offset: reader.log_end_offset() };
        let outlook = reader.outlook(fresh.stable_offset, now)?;
        if outlook.roll_due {
            let rolled = partition.with_log(move |log| log.as_mut().map(|log| log.roll_if_lagging(now)));
            if let Some(Some(Err(error))) = rolled {
                return Err(error);
            }
            partition.tell(partition.news());
            self.desk.look_at(partition, now.mono_ms);
            return Ok(());
        }
        if let Some(wait_ms) = outlook.again_in_ms {
            self.desk.look_at(partition, now.mono_ms.saturating_add(wait_ms));
        }
        if outlook.is_blocked {
            self.desk.look_later(partition, now);
        }
        if !outlook.is_due {
            self.desk.set_sample(partition, None);
            return Ok(());
        }
        // Only what was decided by something durable is cleaned: stable now, flushed up to the present end first.
        let (sample, looks) = self.desk.sample(partition).unwrap_or((fresh, 0));
        let sampled = reader.outlook(sample.stable_offset, now)?;
        if looks > 0 && reader.flushed_offset() >= sample.log_end_offset && sampled.is_due && sampled.is_settled {
            self.desk.make_ready(partition, sampled.cleanable.ratio());
            return Ok(());
        }
        // A sample that is flushed and says nothing gives way to the present.
        let sample = if reader.flushed_offset() >= sample.log_end_offset { fresh } else { sample };
        self.desk.set_sample(partition, Some((sample, looks.saturating_add(1))));
        partition.flush_soon();
        let wait_ms = FLUSH_LOOK_MS.saturating_mul(1 << looks.min(10)).min(self.desk.backoff_ms().max(FLUSH_LOOK_MS));
        self.desk.look_at(partition, now.mono_ms.saturating_add(wait_ms));
        Ok(())
    }

    fn clean(&self, partition: &Arc<Partition>, thread: usize, cleaner: &mut Cleaner) {
        cleaner.limits = self.limits();
        let now = self.clock.now();
        // A panic is this partition's alone.
        let round = catch_unwind(AssertUnwindSafe(|| self.round(partition, cleaner, now)));
        let ended = self.clock.now();
        self.desk.figures.last_run_ms.store(ended.mono_ms, Ordering::Relaxed);
        match round {
            Ok(Ok(Some((from, round)))) => {
                self.desk.figures.rounds.fetch_add(1, Ordering::Relaxed);
                self.desk.figures.read_bytes.fetch_add(round.stats.read_bytes, Ordering::Relaxed);
                self.desk.figures.written_bytes.fetch_add(round.stats.written_bytes, Ordering::Relaxed);
                record(partition, thread, from, &round, ended.mono_ms - now.mono_ms);
                // A full map leaves a rest.
                self.desk.done(partition, false, Some(ended.mono_ms), ended);
            }
            Ok(Ok(None) | Err(CleanError::Aborted)) => {
                let next_ms = ended.mono_ms.saturating_add(self.desk.backoff_ms());
                self.desk.done(partition, false, Some(next_ms), ended);
            }
            Ok(Err(error)) => self.failed(partition, &error, ended),
            Err(_) => {
                *cleaner = self.cleaner();
                let panicked = LogError::Passing("the cleaner panicked".to_owned());
                self.failed(partition, &CleanError::Log(panicked), ended);
            }
        }
    }

    /// One round; the first dirty offset before it. `None` if there is nothing to clean any more.
    fn round(
        &self,
        partition: &Arc<Partition>,
        cleaner: &mut Cleaner,
        now: Now,
    ) -> Result<Option<(i64, Round)>, CleanError> {
        let reader = partition.log().clone();
        let Some((sample, _)) = self.desk.sample(partition) else { return Ok(None) };
        let outlook = reader.outlook(sample.stable_offset, now)?;
        if !outlook.is_due {
            return Ok(None);
        }
        tracing::debug!("Beginning cleaning of log {}", partition.name());
        let mut pace = Paced { works: self, partition };
        let round = cleaner.clean(&reader, &outlook.cleanable, now, &mut pace, &mut |cleaned| {
            let swapped = partition.with_log(move |log| log.as_mut().map(|log| log.swap(cleaned, now)));
            swapped.flatten().unwrap_or(Err(LogError::Closed))
        })?;
        reader.dir().set_cleaner_point(&reader, round.first_dirty)?;
        partition.tell(partition.news());
        Ok(Some((outlook.cleanable.first_dirty, round)))
    }

    /// Isolates a partition that cannot be cleaned, for a while.
    fn failed(&self, partition: &Arc<Partition>, error: &CleanError, now: Now) {
        partition.lane.note_failure();
        if partition.is_offline() || partition.log().is_closed() {
            self.desk.done(partition, false, None, now);
            return self.desk.forget(partition);
        }
        if self.desk.done(partition, true, None, now) {
            let (name, dir) = (partition.name(), partition.lane.dir.path().display());
            tracing::warn!(
                "Unexpected exception thrown when cleaning log Log(dir={dir}/{name}, topic={}, partition={}). Marking its \
                 partition ({name}) as uncleanable until it can be cleaned: {error}",
                name.topic,
                name.partition
            );
        }
    }
}

/// Says what a round came to, as Kafka does.
fn record(partition: &Partition, thread: usize, from: i64, round: &Round, took_ms: i64) {
    let CleanerStats { indexed_bytes, read_bytes, written_bytes, read_records, kept_records, .. } = round.stats;
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let seconds = (took_ms as f64 / 1000.0).max(0.001);
    tracing::info!(
        "Log cleaner thread {thread} cleaned log {} (dirty section = [{from}, {}]): {:.1} MB of log processed in {seconds:.1} \
         seconds ({:.1} MB/sec), indexed {:.1} MB, buffer utilization {:.1}%, start size {:.1} MB ({read_records} messages), \
         end size {:.1} MB ({kept_records} messages), {} segments became {}",
        partition.name(),
        round.first_dirty,
        mib(read_bytes),
        mib(read_bytes) / seconds,
        mib(indexed_bytes),
        100.0 * round.stats.keys as f64 / round.stats.keys_max.max(1) as f64,
        mib(read_bytes),
        mib(written_bytes),
        round.stats.segments_before,
        round.stats.segments_after,
    );
    if round.stats.keyless_records > 0 {
        tracing::warn!(
            "Found {} invalid messages during compaction of {}: they had no key",
            round.stats.keyless_records,
            partition.name()
        );
    }
}

impl ReplicaManager {
    /// What the cleaner has done, and what waits for it. Looks at the logs that are in use.
    pub fn cleaner_report(&self) -> CleanerReport {
        let now = self.clock.now();
        let desk = &self.cleaner.desk;
        let cleanable = |partition: &Arc<Partition>| {
            let outlook = partition.log().outlook(partition.last_stable_offset(), now);
            outlook.map_or_else(|_| Default::default(), |outlook| outlook.cleanable)
        };
        let failing = desk.uncleanable();
        let of_lane = |lane: &Arc<super::lane::Lane>| {
            let here = failing.iter().filter(|partition| Arc::ptr_eq(&partition.lane, lane));
            let (count, bytes) =
                here.fold((0, 0), |(count, bytes), partition| (count + 1, bytes + cleanable(partition).dirty_bytes));
            (lane.dir.path().to_owned(), count, bytes)
        };
        let in_use = |partition: &&Arc<Partition>| {
            partition.rules.load().log.cleanup.compact && partition.log().active_base_offset().is_some()
        };
        let ratio = self.partitions().iter().filter(in_use).map(|one| cleanable(one).ratio()).fold(0.0, f64::max);
        let last_run_ms = desk.figures.last_run_ms.load(Ordering::Relaxed);
        CleanerReport {
            uncleanable: self.lanes().iter().map(of_lane).collect(),
            rounds: desk.figures.rounds.load(Ordering::Relaxed),
            read_bytes: desk.figures.read_bytes.load(Ordering::Relaxed),
            written_bytes: desk.figures.written_bytes.load(Ordering::Relaxed),
            max_dirty_percent: (ratio * 100.0) as u64,
            since_last_run_ms: (last_run_ms >= 0).then(|| now.mono_ms - last_run_ms),
        }
    }
}
