//! InitProducerId: a producer comes, or goes on after an error (X1, X3, X4).

use super::error::TxnError;
use super::records::{is_exhausted, Transaction};
use super::request::{InitProducerId, ProducerReply};
use super::settings::MAX_SHARD_TRANSACTIONS;
use super::shard::{Entry, Turn};
use super::state::State;
use super::Text;

/// What a producer that comes gets.
enum Given {
    /// An id and an epoch, and what the epoch before counts as.
    Producer { producer_id: i64, epoch: i16, last_epoch: i16 },
    /// Something that cannot be given without a fresh id.
    NeedsProducerId,
}

impl Turn<'_> {
    /// Gives a producer its id and its epoch; whoever had the one before is fenced by it.
    pub(super) fn init_producer_id(&mut self, request: &InitProducerId) -> ProducerReply {
        match self.judge_init(request) {
            Ok(reply) => reply,
            Err(error) => ProducerReply::Refused(error),
        }
    }

    fn judge_init(&mut self, request: &InitProducerId) -> Result<ProducerReply, TxnError> {
        let shard = self.shard;
        let Some((id, entry)) = shard.entry(&request.transactional_id) else { return self.admit(request) };
        let stored = &entry.stored;
        if stored.state.is_prepared() {
            return Err(TxnError::ConcurrentTransactions);
        }
        if request.expected.is_some_and(|(producer_id, epoch)| !is_known(stored, producer_id, epoch)) {
            return Err(TxnError::ProducerFenced);
        }
        if stored.state == State::Ongoing {
            return self.fence(id, entry, request.fresh_producer_id);
        }
        let (producer_id, epoch, last_epoch) = match give(entry, request)? {
            Given::Producer { producer_id, epoch, last_epoch } => (producer_id, epoch, last_epoch),
            Given::NeedsProducerId => return Ok(ProducerReply::NeedsProducerId),
        };
        self.store(id, stored.initialized(producer_id, epoch, request.timeout_ms, self.now), last_epoch);
        Ok(ProducerReply::Producer { producer_id, epoch })
    }

    /// A transactional id that is not known.
    fn admit(&mut self, request: &InitProducerId) -> Result<ProducerReply, TxnError> {
        if self.shard.transactions.len() >= MAX_SHARD_TRANSACTIONS {
            return Err(TxnError::CoordinatorNotAvailable);
        }
        let Some(producer_id) = request.fresh_producer_id else { return Ok(ProducerReply::NeedsProducerId) };
        if !self.shard.expiry_armed {
            self.arm_expiry();
        }
        self.store(&request.transactional_id, Transaction::new(producer_id, request.timeout_ms, self.now), -1);
        Ok(ProducerReply::Producer { producer_id, epoch: 0 })
    }

    /// Aborts what the producer before has left open; the producer that comes is to try again.
    fn fence(&mut self, id: &Text, entry: &Entry, fresh_producer_id: Option<i64>) -> Result<ProducerReply, TxnError> {
        let Some((next, last_epoch)) = self.abort(entry, fresh_producer_id) else {
            return Ok(ProducerReply::NeedsProducerId);
        };
        self.store(id, next, last_epoch);
        Err(TxnError::ConcurrentTransactions)
    }

    /// An ongoing transaction as aborted by the coordinator, by the rules of the cluster's version, with the epoch before.
    /// None if that takes a fresh id.
    pub(super) fn abort(&self, entry: &Entry, fresh_producer_id: Option<i64>) -> Option<(Transaction, i16)> {
        let (stored, level) = (&entry.stored, self.shard.transaction_version);
        if level < 2 {
            return Some((stored.fenced(self.now), -1));
        }
        let next_producer_id = if is_exhausted(stored.producer_epoch) { fresh_producer_id? } else { -1 };
        Some((stored.prepared(false, level, next_producer_id, self.now), stored.producer_epoch))
    }
}

/// Whether a producer that brings an id may be the one that had it: of the present id its epoch will tell; the one before
/// counts if its epochs were used up, since the answer that told of the new one may have been lost.
fn is_known(stored: &Transaction, producer_id: i64, epoch: i16) -> bool {
    producer_id == stored.producer_id || producer_id == stored.previous_producer_id && is_exhausted(epoch)
}

fn give(entry: &Entry, request: &InitProducerId) -> Result<Given, TxnError> {
    let Transaction { producer_id, producer_epoch, .. } = entry.stored;
    let expected = request.expected.map(|(_, epoch)| epoch);
    if is_exhausted(producer_epoch) && expected.is_none_or(|epoch| epoch == producer_epoch) {
        let last_epoch = expected.map_or(-1, |_| producer_epoch);
        let fresh = |producer_id| Given::Producer { producer_id, epoch: 0, last_epoch };
        return Ok(request.fresh_producer_id.map_or(Given::NeedsProducerId, fresh));
    }
    let given = |epoch, last_epoch| Ok(Given::Producer { producer_id, epoch, last_epoch });
    match expected {
        None => given(producer_epoch + 1, -1),
        Some(epoch) if epoch == producer_epoch => given(producer_epoch + 1, producer_epoch),
        // The same again: its answer was lost, and nobody has come since, or the last epoch would be none.
        Some(epoch) if epoch == entry.last_epoch => given(producer_epoch, entry.last_epoch),
        Some(_) => Err(TxnError::ProducerFenced),
    }
}
