//! From timers that run down to events.

use super::runtime::Runtime;
use super::slot::State;
use crate::shard::{Caller, Machine, TimerChange};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A timer whose records could not be appended runs down again after this. Milliseconds. (Kafka gives such a timer up.)
const TIMER_RETRY_MS: i64 = 500;
/// Timers handled before others may take the shard. Timers.
const TIMERS_PER_TURN: usize = 64;

impl<M: Machine> Runtime<M> {
    /// Runs timers as they run down, and what the metadata asks for, until cancelled. To be spawned once; sleeps while
    /// there is nothing to do.
    pub async fn run_timers(self: Arc<Self>, cancelled: CancellationToken) {
        loop {
            self.do_chores();
            let now_ms = self.clock.now().mono_ms;
            if let Some(partition) = self.agenda.pop_due(now_ms) {
                self.fire(partition, now_ms);
                tokio::task::yield_now().await;
                continue;
            }
            let until = self.agenda.next_deadline_ms().map(|deadline_ms| deadline_ms.saturating_sub(now_ms));
            let asleep = async {
                match until {
                    Some(ms) => tokio::time::sleep(Duration::from_millis(ms.max(0).unsigned_abs())).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = cancelled.cancelled() => return,
                () = self.agenda.changed.notified() => {}
                () = asleep => {}
            }
        }
    }

    /// Runs the timers of a partition that have run down by `now_ms`.
    fn fire(&self, partition: i32, now_ms: i64) {
        let Some(slot) = self.slot(partition) else { return };
        let mut state = slot.state.lock();
        for _ in 0..TIMERS_PER_TURN {
            let State::Active(active) = &mut *state else { return };
            let Some(key) = active.timers.pop_due(now_ms) else { break };
            match self.drive(&slot, active, M::on_timer(key.clone())) {
                Ok(replies) => {
                    let own = self.hand_out(active, replies, Caller(0));
                    debug_assert!(own.is_none(), "nobody is caller 0");
                }
                Err(error) if error.unloads() => self.refused(&slot, &mut state, &error),
                Err(error) => {
                    tracing::warn!("A timer of {}-{partition} is put off: {key:?}: {error}", M::TOPIC);
                    active.timers.change(TimerChange::Arm(key, now_ms + TIMER_RETRY_MS));
                }
            }
        }
        if let State::Active(active) = &*state {
            self.note_timers(partition, active);
        }
    }
}
