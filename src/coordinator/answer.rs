//! From the shard's answer to the caller's: the wait in between.

use super::journal::Journal;
use super::slot::Slot;
use crate::group::{Ask, GroupError, Reply};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// What a shard has answered, and how far the log must be committed before anyone may hear it.
pub(super) struct Answer {
    pub(super) reply: Reply,
    pub(super) offset: i64,
}

/// A request after its step.
pub(super) enum Begun<R> {
    /// Answered without a shard.
    Ready(Result<R, GroupError>),
    /// Answered by the shard.
    Answered(Arc<Slot>, Answer),
    /// To be answered by a later step.
    Parked(Arc<Slot>, oneshot::Receiver<Answer>),
}

/// Waits for the answer and for the log.
pub(super) async fn finish<A: Ask>(
    journal: &dyn Journal,
    timeout_ms: i64,
    begun: Begun<A::Reply>,
) -> Result<A::Reply, GroupError> {
    let (slot, answer) = match begun {
        Begun::Ready(result) => return result,
        Begun::Answered(slot, answer) => (slot, answer),
        // The shard drops the sender when it is unloaded.
        Begun::Parked(slot, receiver) => (slot, receiver.await.map_err(|_| GroupError::NotCoordinator)?),
    };
    committed(journal, &slot, answer.offset, timeout_ms, A::not_committed()).await?;
    A::reply(answer.reply).ok_or(GroupError::UnknownServerError)
}

/// Waits until the log of a slot is committed up to `offset`.
pub(super) async fn committed(
    journal: &dyn Journal,
    slot: &Slot,
    offset: i64,
    timeout_ms: i64,
    too_late: GroupError,
) -> Result<(), GroupError> {
    if slot.gone.is_cancelled() {
        return Err(GroupError::NotCoordinator);
    }
    if journal.committed(slot.partition) >= offset {
        return Ok(());
    }
    let timeout = Duration::from_millis(timeout_ms.max(0).unsigned_abs());
    tokio::select! {
        biased;
        () = slot.gone.cancelled() => Err(GroupError::NotCoordinator),
        outcome = journal.wait_committed(slot.partition, offset) => outcome.map_err(|error| error.as_group_error()),
        () = tokio::time::sleep(timeout) => Err(too_late),
    }
}
