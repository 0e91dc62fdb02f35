//! From the shard's answer to the caller's: the wait in between.

use super::journal::Journal;
use super::slot::Slot;
use crate::shard::{Ask, Machine, Trouble};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// What a shard has answered, and how far the log must be committed before anyone may hear it.
pub(super) struct Answer<M: Machine> {
    pub(super) reply: M::Reply,
    pub(super) offset: i64,
}

/// A request after its step.
pub(super) enum Begun<M: Machine, R> {
    /// Answered without a shard.
    Ready(Result<R, M::Error>),
    /// Answered by the shard.
    Answered(Arc<Slot<M>>, Answer<M>),
    /// To be answered by a later step.
    Parked(Arc<Slot<M>>, oneshot::Receiver<Answer<M>>),
}

/// Waits for the answer and for the log.
pub(super) async fn finish<M: Machine, A: Ask<M>>(
    journal: &dyn Journal,
    timeout_ms: i64,
    begun: Begun<M, A::Reply>,
) -> Result<A::Reply, M::Error> {
    let (slot, answer) = match begun {
        Begun::Ready(result) => return result,
        Begun::Answered(slot, answer) => (slot, answer),
        // The shard drops the sender when it is unloaded.
        Begun::Parked(slot, receiver) => (slot, receiver.await.map_err(|_| Trouble::NotCoordinator)?),
    };
    committed(journal, &slot, answer.offset, timeout_ms, A::not_committed()).await?;
    A::reply(answer.reply).ok_or_else(|| Trouble::TooLarge.into())
}

/// Waits until the log of a slot is committed up to `offset`.
pub(super) async fn committed<M: Machine>(
    journal: &dyn Journal,
    slot: &Slot<M>,
    offset: i64,
    timeout_ms: i64,
    too_late: M::Error,
) -> Result<(), M::Error> {
    if slot.gone.is_cancelled() {
        return Err(Trouble::NotCoordinator.into());
    }
    if journal.committed(slot.partition) >= offset {
        return Ok(());
    }
    let timeout = Duration::from_millis(timeout_ms.max(0).unsigned_abs());
    tokio::select! {
        biased;
        () = slot.gone.cancelled() => Err(Trouble::NotCoordinator.into()),
        outcome = journal.wait_committed(slot.partition, offset) => outcome.map_err(|error| error.trouble().into()),
        () = tokio::time::sleep(timeout) => Err(too_late),
    }
}
