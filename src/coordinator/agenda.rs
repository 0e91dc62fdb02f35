//! Which partition's timers run down next: one queue for all shards, so that an idle coordinator sleeps.

use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::Notify;

/// When to look at which shard. At most one entry a partition.
#[derive(Default)]
pub(super) struct Agenda {
    /// Guards the queue and its index. Taken last, and never held across anything else.
    state: Mutex<State>,
    /// Woken when the earliest entry has become earlier, or there is something else to do.
    pub(super) changed: Notify,
}

#[derive(Default)]
struct State {
    by_partition: BTreeMap<i32, i64>,
    queue: BTreeSet<(i64, i32)>,
}

impl Agenda {
    /// Looks at a partition at `deadline_ms` of the monotonic clock, or earlier if that is noted already.
    pub(super) fn note(&self, partition: i32, deadline_ms: i64) {
        let mut state = self.state.lock();
        let before = state.by_partition.get(&partition).copied();
        if before.is_some_and(|before| before <= deadline_ms) {
            return;
        }
        if let Some(before) = before {
            state.queue.remove(&(before, partition));
        }
        state.by_partition.insert(partition, deadline_ms);
        state.queue.insert((deadline_ms, partition));
        let is_first = state.queue.first() == Some(&(deadline_ms, partition));
        drop(state);
        if is_first {
            self.changed.notify_one();
        }
    }

    /// The earliest deadline.
    pub(super) fn next_deadline_ms(&self) -> Option<i64> {
        self.state.lock().queue.first().map(|(deadline_ms, _)| *deadline_ms)
    }

    /// Takes a partition that is to be looked at by `mono_ms`.
    pub(super) fn pop_due(&self, mono_ms: i64) -> Option<i32> {
        let mut state = self.state.lock();
        let (deadline_ms, partition) = state.queue.first().copied()?;
        if deadline_ms > mono_ms {
            return None;
        }
        state.queue.pop_first();
        state.by_partition.remove(&partition);
        Some(partition)
    }
}
