//! One partition's shard with its timers and its waiting callers.

use super::answer::Answer;
use crate::shard::{Caller, Machine, Timers};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// One partition of the topic under one leader epoch.
pub(super) struct Slot<M: Machine> {
    pub(super) partition: i32,
    pub(super) epoch: i32,
    /// Guards the shard: held over step, append and replay.
    pub(super) state: Mutex<State<M>>,
    /// Cancelled when the shard is unloaded: answers not yet committed never will be.
    pub(super) gone: CancellationToken,
}

/// Where a slot stands.
pub(super) enum State<M: Machine> {
    /// Its log is being read.
    Loading,
    /// It serves.
    Active(Box<Active<M>>),
    /// It has been unloaded, or its disk failed.
    Gone,
}

/// A shard that serves.
pub(super) struct Active<M: Machine> {
    pub(super) shard: M,
    pub(super) timers: Timers<M::TimerKey>,
    /// Parked callers. Each is also known to a member of a group, which answers it at the latest when it goes; so a
    /// caller that is not interested any more stays no longer than its member's phase.
    pub(super) waiting: BTreeMap<Caller, Parked<M>>,
    /// The end of what this shard knows of the log.
    pub(super) end_offset: i64,
    pub(super) next_caller: u64,
}

/// A parked caller, counted as long as it is parked.
pub(super) struct Parked<M: Machine> {
    sender: oneshot::Sender<Answer<M>>,
    _counted: Counted,
}

struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<M: Machine> Parked<M> {
    /// Parks a caller, counting it in `count`.
    pub(super) fn new(sender: oneshot::Sender<Answer<M>>, count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self { sender, _counted: Counted(Arc::clone(count)) }
    }

    /// Answers it. A caller that does not listen any more misses nothing: its member's state is what it is.
    pub(super) fn answer(self, answer: Answer<M>) {
        drop(self.sender.send(answer));
    }
}

impl<M: Machine> Slot<M> {
    /// A slot whose log has still to be read.
    pub(super) fn loading(partition: i32, epoch: i32) -> Self {
        Self { partition, epoch, state: Mutex::new(State::Loading), gone: CancellationToken::new() }
    }

    /// Ends it: whoever waits hears that this is not the coordinator.
    pub(super) fn end(&self, state: &mut State<M>) {
        *state = State::Gone;
        self.gone.cancel();
    }
}

impl<M: Machine> Active<M> {
    pub(super) fn new(shard: M, end_offset: i64) -> Self {
        Self { shard, timers: Timers::default(), waiting: BTreeMap::new(), end_offset, next_caller: 0 }
    }

    pub(super) fn next_caller(&mut self) -> Caller {
        self.next_caller += 1;
        Caller(self.next_caller)
    }
}
