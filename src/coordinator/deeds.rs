//! What shards want done outside of them: done once its order is committed; what comes of it enters as an event.

use super::runtime::Runtime;
use super::slot::{Slot, State};
use crate::shard::{Caller, Machine};
use futures_util::future::BoxFuture;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

/// An event that the log refuses is handed in again after this. Milliseconds.
const RETRY_MS: u64 = 500;

/// Does the deeds of a kind of shard.
pub trait Doer<M: Machine>: Send + Sync + 'static {
    /// Does it; what comes of it is an event of the shard that ordered it. `epoch` is the leader epoch of its partition.
    fn perform(&self, deed: M::Deed, epoch: i32) -> BoxFuture<'static, M::Event>;
}

/// For shards that order nothing.
pub struct Idle;

impl<M: Machine<Deed = Infallible>> Doer<M> for Idle {
    fn perform(&self, deed: Infallible, _epoch: i32) -> BoxFuture<'static, M::Event> {
        match deed {}
    }
}

/// A deed with the place of its order.
pub(super) struct Ordered<M: Machine> {
    pub(super) slot: Arc<Slot<M>>,
    /// Everything below is to be committed before anything is done.
    pub(super) offset: i64,
    pub(super) deed: M::Deed,
}

impl<M: Machine> Runtime<M> {
    /// Does what was ordered, unless its shard is unloaded meanwhile: then whoever loads it orders anew.
    pub(super) async fn carry_out(self: Arc<Self>, ordered: Ordered<M>) {
        let Ordered { slot, offset, deed } = ordered;
        let done = async {
            self.journal.wait_committed(slot.partition, offset).await.ok()?;
            Some(self.doer.perform(deed, slot.epoch).await)
        };
        let event = tokio::select! {
            biased;
            () = slot.gone.cancelled() => None,
            event = done => event,
        };
        let Some(event) = event else { return };
        while self.tell(&slot, event.clone()) {
            tokio::time::sleep(Duration::from_millis(RETRY_MS)).await;
        }
    }

    /// Hands a shard an event that nobody asked for. Whether the log refused it for now.
    pub(super) fn tell(&self, slot: &Arc<Slot<M>>, event: M::Event) -> bool {
        let mut state = slot.state.lock();
        let State::Active(active) = &mut *state else { return false };
        match self.drive(slot, active, event) {
            Ok(replies) => {
                let own = self.hand_out(active, replies, Caller(0));
                debug_assert!(own.is_none(), "nobody is caller 0");
                false
            }
            Err(error) => {
                tracing::warn!("{}-{} cannot take in what was done: {error}", M::TOPIC, slot.partition);
                self.refused(slot, &mut state, &error);
                !error.unloads()
            }
        }
    }
}
