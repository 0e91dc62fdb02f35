//! EndTxn: the end of a transaction is decided (X8, X9).

use super::error::TxnError;
use super::records::{is_exhausted, Transaction, LAST_EPOCH};
use super::request::{EndTxn, ProducerReply};
use super::shard::{Entry, Turn};
use super::state::State;

/// What a request to end a transaction comes to.
enum Judged {
    /// It has ended like that before.
    Already,
    /// It is to be ended so.
    Ends,
}

impl Turn<'_> {
    /// Decides the end; the markers follow once the decision is committed, and the answer does not wait for them (X10).
    pub(super) fn end(&mut self, request: &EndTxn) -> ProducerReply {
        match self.judge_end(request) {
            Ok(reply) => reply,
            Err(error) => ProducerReply::Refused(error),
        }
    }

    fn judge_end(&mut self, request: &EndTxn) -> Result<ProducerReply, TxnError> {
        let shard = self.shard;
        let (id, entry) = shard.entry(&request.transactional_id).ok_or(TxnError::InvalidProducerIdMapping)?;
        let bumps_epoch = request.client_version >= 2;
        let judged = if bumps_epoch { judge_bumping(entry, request) } else { judge_plain(entry, request) };
        let stored = &entry.stored;
        if let Judged::Already = judged? {
            return Ok(told(request, (stored.producer_id, stored.producer_epoch)));
        }
        let next_producer_id = match request.fresh_producer_id {
            _ if !bumps_epoch || !is_exhausted(stored.producer_epoch) => -1,
            Some(fresh) => fresh,
            None => return Ok(ProducerReply::NeedsProducerId),
        };
        let next = stored.prepared(request.commit, request.client_version, next_producer_id, self.now);
        let reply = told(request, next.after_completion());
        let last_epoch = if bumps_epoch { stored.producer_epoch } else { entry.last_epoch };
        self.store(id, next, last_epoch);
        Ok(reply)
    }
}

/// Only clients of version 5 and newer learn who they are now.
fn told(request: &EndTxn, (producer_id, epoch): (i64, i16)) -> ProducerReply {
    if request.client_version < 2 {
        return ProducerReply::UNTOLD;
    }
    ProducerReply::Producer { producer_id, epoch }
}

/// Without epochs that grow: a repetition cannot be told from the next request, and is let pass.
fn judge_plain(entry: &Entry, request: &EndTxn) -> Result<Judged, TxnError> {
    let stored = &entry.stored;
    if stored.producer_id != request.producer_id {
        return Err(TxnError::InvalidProducerIdMapping);
    }
    if stored.producer_epoch != request.producer_epoch {
        return Err(TxnError::ProducerFenced);
    }
    match stored.state {
        State::Ongoing => Ok(Judged::Ends),
        // Whichever way it ends: Kafka has the transition to the end pending all the while, and looks at that first.
        State::PrepareCommit | State::PrepareAbort => Err(TxnError::ConcurrentTransactions),
        State::CompleteCommit if request.commit => Ok(Judged::Already),
        State::CompleteAbort if !request.commit => Ok(Judged::Already),
        State::Empty | State::CompleteCommit | State::CompleteAbort => Err(TxnError::InvalidTxnState),
    }
}

/// With an epoch for every transaction (KIP-890): a repetition comes with the epoch before.
fn judge_bumping(entry: &Entry, request: &EndTxn) -> Result<Judged, TxnError> {
    let stored = &entry.stored;
    // Before the producer is judged: it may have both the epoch before and the one to come.
    if stored.state.is_prepared() {
        return Err(TxnError::ConcurrentTransactions);
    }
    let used_up = repeats_last_epoch(stored, request);
    if stored.producer_id != request.producer_id && !used_up {
        return Err(TxnError::InvalidProducerIdMapping);
    }
    let has_ended = matches!(stored.state, State::CompleteCommit | State::CompleteAbort);
    // Behind the last epoch is only that of a fence. Whoever were told of it would go on in it, and its repetitions could
    // not be told from those of the last epoch. (Kafka tells.)
    let follows = !is_exhausted(request.producer_epoch) && request.producer_epoch + 1 == stored.producer_epoch;
    let repeats = has_ended && (used_up || follows);
    if !repeats && request.producer_epoch != stored.producer_epoch {
        return Err(TxnError::ProducerFenced);
    }
    match (stored.state, request.commit) {
        (State::Ongoing, _) => Ok(Judged::Ends),
        (State::CompleteCommit, true) | (State::CompleteAbort, false) if repeats => Ok(Judged::Already),
        // Nothing was written, which the coordinator need not have known: an abort is always in order.
        (_, false) if !repeats => Ok(Judged::Ends),
        _ => Err(TxnError::InvalidTxnState),
    }
}

/// Whether the request repeats the one that used up the last epoch of the id before.
fn repeats_last_epoch(stored: &Transaction, request: &EndTxn) -> bool {
    stored.previous_producer_id == request.producer_id
        && request.producer_epoch == LAST_EPOCH
        && stored.producer_epoch == 0
}
