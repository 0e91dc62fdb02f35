//! Which compacted log is looked at when, and which is cleaned next: the dirtiest (C4).
//!
//! Nobody walks over the partitions. A partition asks for a look when its segments change, a look asks for another one
//! where time alone changes the answer, and a log that is due waits here for a thread. What fails is isolated: it is
//! logged once, counted as uncleanable, and tried again after a while that doubles.
//!
//! Absent from here: what a look or a cleaning does ([`super::cleaning`]), and the threads.

use super::partition::Partition;
use crate::clock::Now;
use crate::config::broker::CleanerSettings;
use crate::ids::TopicPartition;
use parking_lot::{Condvar, Mutex};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// A failing log is tried again after the back-off times two to the number of failures, up to this power.
const MAX_DOUBLINGS: u32 = 6;
/// The longest that a thread sleeps without looking at its clock.
const SLEEP_MAX: Duration = Duration::from_secs(3_600);

/// How much of a log was flushed, and what was stable then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    pub stable_offset: i64,
    pub log_end_offset: i64,
}

/// A partition that waits for something.
struct Entry {
    partition: Weak<Partition>,
    /// Key of its timer.
    timer: Option<(i64, u64)>,
    /// The dirty share of a log that is due.
    ready: Option<f64>,
    in_progress: bool,
    /// A look was asked for while it was being cleaned.
    again_ms: Option<i64>,
    /// Taken before a flush was ordered; with how often that was waited for since.
    sample: Option<(Sample, u32)>,
    /// Cleanings in a row that failed.
    failures: u32,
}

#[derive(Default)]
struct Desk {
    entries: FxHashMap<TopicPartition, Entry>,
    /// Looks by the `mono_ms` at which they are due.
    timers: BTreeMap<(i64, u64), TopicPartition>,
    next_timer: u64,
}

/// What the cleaner has done since the start.
#[derive(Default)]
pub(super) struct Figures {
    pub rounds: AtomicU64,
    pub read_bytes: AtomicU64,
    pub written_bytes: AtomicU64,
    /// `mono_ms` of the last look or cleaning; -1 before the first.
    pub last_run_ms: AtomicI64,
}

/// The cleaner's order of work, one for the node.
pub(super) struct CleanerDesk {
    enabled: bool,
    backoff_ms: AtomicI64,
    /// Threads with a number from this on end.
    threads: AtomicUsize,
    stopping: AtomicBool,
    /// Guards what waits.
    desk: Mutex<Desk>,
    changed: Condvar,
    pub figures: Figures,
}

impl CleanerDesk {
    pub fn new(settings: &CleanerSettings) -> Arc<Self> {
        Arc::new(Self {
            enabled: settings.enable && settings.threads > 0,
            backoff_ms: AtomicI64::new(settings.backoff_ms),
            threads: AtomicUsize::new(settings.threads),
            stopping: AtomicBool::new(false),
            desk: Mutex::default(),
            changed: Condvar::new(),
            figures: Figures { last_run_ms: AtomicI64::new(-1), ..Figures::default() },
        })
    }

    /// Takes over settings. A cleaner that was started without threads stays without.
    pub fn reconfigure(&self, settings: &CleanerSettings) {
        self.backoff_ms.store(settings.backoff_ms, Ordering::Relaxed);
        self.threads.store(settings.threads.max(1), Ordering::Relaxed);
        // Under the lock, so that no thread falls asleep between its look and this.
        drop(self.desk.lock());
        self.changed.notify_all();
    }

    pub fn backoff_ms(&self) -> i64 {
        self.backoff_ms.load(Ordering::Relaxed)
    }

    /// How many threads there are to be.
    pub fn threads(&self) -> usize {
        if self.enabled {
            self.threads.load(Ordering::Relaxed)
        } else {
            0
        }
    }

    /// Tells threads and rounds to end.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        drop(self.desk.lock());
        self.changed.notify_all();
    }

    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Asks for a look at `partition` after the back-off.
    pub fn look_later(&self, partition: &Arc<Partition>, now: Now) {
        self.look_at(partition, now.mono_ms.saturating_add(self.backoff_ms()));
    }

    /// Asks for a look at `partition` at `due_ms`, or earlier if that was asked for.
    pub fn look_at(&self, partition: &Arc<Partition>, due_ms: i64) {
        if !self.enabled {
            return;
        }
        let mut desk = self.desk.lock();
        let entry = desk.entry(partition);
        if entry.in_progress {
            entry.again_ms = Some(entry.again_ms.map_or(due_ms, |known| known.min(due_ms)));
            return;
        }
        let is_first = desk.set_timer(partition.name(), due_ms);
        drop(desk);
        if is_first {
            self.changed.notify_one();
        }
    }

    /// Partitions whose looks are due.
    pub fn take_due(&self, now: Now) -> Vec<Arc<Partition>> {
        let mut desk = self.desk.lock();
        let later = desk.timers.split_off(&(now.mono_ms.saturating_add(1), 0));
        let due = std::mem::replace(&mut desk.timers, later);
        let mut partitions = Vec::with_capacity(due.len());
        for name in due.into_values() {
            let Some(entry) = desk.entries.get_mut(&name) else { continue };
            entry.timer = None;
            match entry.partition.upgrade() {
                Some(partition) => partitions.push(partition),
                None => {
                    desk.entries.remove(&name);
                }
            }
        }
        partitions
    }

    /// What was noted of `partition` when a flush was ordered for it, and how often that was waited for.
    pub fn sample(&self, partition: &Partition) -> Option<(Sample, u32)> {
        self.desk.lock().entries.get(partition.name()).and_then(|entry| entry.sample)
    }

    /// Notes, or forgets, what is to be flushed before `partition` can be cleaned.
    pub fn set_sample(&self, partition: &Arc<Partition>, sample: Option<(Sample, u32)>) {
        self.desk.lock().entry(partition).sample = sample;
    }

    /// `partition` may be cleaned now; `ratio` of it is dirty.
    pub fn make_ready(&self, partition: &Arc<Partition>, ratio: f64) {
        let mut desk = self.desk.lock();
        desk.entry(partition).ready = Some(ratio);
        drop(desk);
        self.changed.notify_one();
    }

    /// The dirtiest log that is ready.
    pub fn take_dirtiest(&self) -> Option<Arc<Partition>> {
        let mut desk = self.desk.lock();
        loop {
            let ready = desk.entries.iter().filter_map(|(name, entry)| Some((entry.ready?, name)));
            // Names decide between equals, so that a simulation is repeatable.
            let dirtiest = ready.max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)));
            let name = dirtiest.map(|(_, name)| name.clone())?;
            let entry = desk.entries.get_mut(&name)?;
            entry.ready = None;
            if let Some(partition) = entry.partition.upgrade() {
                entry.in_progress = true;
                let timer = entry.timer.take();
                entry.again_ms = timer.map(|(due_ms, _)| due_ms);
                timer.map(|key| desk.timers.remove(&key));
                return Some(partition);
            }
            desk.entries.remove(&name);
        }
    }

    /// A cleaning is over. Whether it is the first failure in a row.
    pub fn done(&self, partition: &Arc<Partition>, failed: bool, next_ms: Option<i64>, now: Now) -> bool {
        let mut desk = self.desk.lock();
        let backoff_ms = self.backoff_ms().max(1);
        let entry = desk.entry(partition);
        entry.in_progress = false;
        entry.sample = None;
        let is_first = failed && entry.failures == 0;
        let mut next_ms = entry.again_ms.take().into_iter().chain(next_ms).min();
        if failed {
            let wait_ms = backoff_ms.saturating_mul(1 << entry.failures.min(MAX_DOUBLINGS));
            entry.failures = entry.failures.saturating_add(1);
            next_ms = Some(now.mono_ms.saturating_add(wait_ms));
        } else {
            entry.failures = 0;
        }
        if let Some(due_ms) = next_ms {
            desk.set_timer(partition.name(), due_ms);
        }
        is_first
    }

    /// Forgets what waits for nothing.
    pub fn settle(&self, partition: &Partition) {
        let mut desk = self.desk.lock();
        let waits = |entry: &Entry| {
            let busy = entry.in_progress || entry.timer.is_some() || entry.ready.is_some();
            busy || entry.sample.is_some() || entry.failures > 0
        };
        if desk.entries.get(partition.name()).is_some_and(|entry| !waits(entry)) {
            desk.entries.remove(partition.name());
        }
    }

    /// Forgets a partition that has left, or is not compacted any more.
    pub fn forget(&self, partition: &Partition) {
        let mut desk = self.desk.lock();
        let is_it = |entry: &Entry| std::ptr::eq(entry.partition.as_ptr(), partition) && !entry.in_progress;
        if desk.entries.get(partition.name()).is_some_and(is_it) {
            let timer = desk.entries.remove(partition.name()).and_then(|entry| entry.timer);
            timer.map(|key| desk.timers.remove(&key));
        }
    }

    /// Partitions whose last cleaning failed.
    pub fn uncleanable(&self) -> Vec<Arc<Partition>> {
        let desk = self.desk.lock();
        let failing = desk.entries.values().filter(|entry| entry.failures > 0);
        failing.filter_map(|entry| entry.partition.upgrade()).filter(|partition| !partition.log().is_closed()).collect()
    }

    /// Partitions that wait for something.
    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        self.desk.lock().entries.len()
    }

    /// Waits until something is due or ready, for thread number `thread`. False if that is to end.
    pub fn wait(&self, thread: usize, now: Now) -> bool {
        let mut desk = self.desk.lock();
        if self.is_stopping() || thread >= self.threads() {
            return false;
        }
        if desk.entries.values().any(|entry| entry.ready.is_some()) {
            return true;
        }
        let next = desk.timers.first_key_value().map(|((due_ms, _), _)| *due_ms);
        let sleep = next.map_or(SLEEP_MAX, |due_ms| {
            Duration::from_millis(due_ms.saturating_sub(now.mono_ms).max(0).unsigned_abs()).min(SLEEP_MAX)
        });
        self.changed.wait_for(&mut desk, sleep);
        let goes_on = !self.is_stopping() && thread < self.threads();
        if !goes_on {
            // What woke it may have been meant for one that goes on.
            self.changed.notify_one();
        }
        goes_on
    }
}

impl Desk {
    /// The partition's entry; what an earlier one of its name left goes.
    fn entry(&mut self, partition: &Arc<Partition>) -> &mut Entry {
        let stale = |entry: &Entry| !std::ptr::eq(entry.partition.as_ptr(), Arc::as_ptr(partition));
        if self.entries.get(partition.name()).is_some_and(stale) {
            let timer = self.entries.remove(partition.name()).and_then(|entry| entry.timer);
            timer.map(|key| self.timers.remove(&key));
        }
        self.entries.entry(partition.name().clone()).or_insert_with(|| Entry {
            partition: Arc::downgrade(partition),
            timer: None,
            ready: None,
            in_progress: false,
            again_ms: None,
            sample: None,
            failures: 0,
        })
    }

    /// Sets the timer of a known partition, or keeps an earlier one. Whether it is the first of all now.
    fn set_timer(&mut self, name: &TopicPartition, due_ms: i64) -> bool {
        let Some(entry) = self.entries.get_mut(name) else { return false };
        if entry.timer.is_some_and(|(known_ms, _)| known_ms <= due_ms) {
            return false;
        }
        self.next_timer += 1;
        let key = (due_ms, self.next_timer);
        let before = entry.timer.replace(key);
        before.map(|key| self.timers.remove(&key));
        self.timers.insert(key, name.clone());
        self.timers.first_key_value().is_some_and(|(first, _)| *first == key)
    }
}
