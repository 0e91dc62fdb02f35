//! A machine's timers as plain state: what is armed, and what is due.

use super::TimerChange;
use std::collections::{BTreeMap, BTreeSet};

/// Armed timers. One entry a key, so their number is bounded by what the machine keeps.
#[derive(Debug)]
pub struct Timers<K> {
    deadlines: BTreeMap<K, i64>,
    queue: BTreeSet<(i64, K)>,
}

impl<K> Default for Timers<K> {
    fn default() -> Self {
        Self { deadlines: BTreeMap::new(), queue: BTreeSet::new() }
    }
}

impl<K: Clone + Ord> Timers<K> {
    /// Arms or cancels.
    pub fn change(&mut self, change: TimerChange<K>) {
        match change {
            TimerChange::Arm(key, deadline_ms) => {
                if let Some(before) = self.deadlines.insert(key.clone(), deadline_ms) {
                    self.queue.remove(&(before, key.clone()));
                }
                self.queue.insert((deadline_ms, key));
            }
            TimerChange::ArmIfIdle(key, deadline_ms) => {
                if !self.deadlines.contains_key(&key) {
                    self.change(TimerChange::Arm(key, deadline_ms));
                }
            }
            TimerChange::Cancel(key) => {
                if let Some(before) = self.deadlines.remove(&key) {
                    self.queue.remove(&(before, key));
                }
            }
        }
    }

    /// When the next timer runs down, in ms of the monotonic clock.
    pub fn next_deadline_ms(&self) -> Option<i64> {
        self.queue.first().map(|(deadline_ms, _)| *deadline_ms)
    }

    /// Takes the earliest timer that has run down by `mono_ms`; ties go by key, so the order is the same in every run.
    pub fn pop_due(&mut self, mono_ms: i64) -> Option<K> {
        if self.next_deadline_ms()? > mono_ms {
            return None;
        }
        let (_, key) = self.queue.pop_first()?;
        self.deadlines.remove(&key);
        Some(key)
    }

    /// How many timers are armed.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether none is armed.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}
