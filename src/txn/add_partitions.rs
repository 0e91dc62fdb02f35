//! AddPartitionsToTxn, and the question whether partitions are in a transaction (X5, X6, X7).

use super::error::TxnError;
use super::request::{AddPartitionsToTxn, AddPartitionsToTxnReply};
use super::shard::{Entry, Turn};
use super::state::State;
use crate::ids::TopicPartition;
use imbl::OrdSet;

impl Turn<'_> {
    /// Adds partitions to the transaction, which begins by it; or says whether they are in it.
    pub(super) fn add_partitions(&mut self, request: &AddPartitionsToTxn) -> AddPartitionsToTxnReply {
        let judged = if request.verify_only { self.verify(request) } else { self.add(request) };
        judged.unwrap_or_else(|error| request.refused(error))
    }

    fn verify(&self, request: &AddPartitionsToTxn) -> Result<AddPartitionsToTxnReply, TxnError> {
        let (_, entry) = self.shard.entry(&request.transactional_id).ok_or(TxnError::InvalidProducerIdMapping)?;
        check_producer(entry, request)?;
        if entry.stored.state.is_prepared() {
            return Err(TxnError::ConcurrentTransactions);
        }
        let judge = |partition: &TopicPartition| {
            let is_in = entry.stored.partitions.contains(partition);
            (partition.clone(), (!is_in).then_some(TxnError::TransactionAbortable))
        };
        Ok(AddPartitionsToTxnReply { results: request.partitions.iter().map(judge).collect() })
    }

    fn add(&mut self, request: &AddPartitionsToTxn) -> Result<AddPartitionsToTxnReply, TxnError> {
        let shard = self.shard;
        let (id, entry) = shard.entry(&request.transactional_id).ok_or(TxnError::InvalidProducerIdMapping)?;
        // Before the producer is judged: one whose transaction is just ending may not know its new epoch yet.
        if entry.stored.state.is_prepared() {
            return Err(TxnError::ConcurrentTransactions);
        }
        check_producer(entry, request)?;
        let added: OrdSet<TopicPartition> = request.partitions.iter().cloned().collect();
        if entry.stored.state != State::Ongoing || !added.is_subset(&entry.stored.partitions) {
            let next = entry.stored.with(added, request.client_version, self.now);
            self.store(id, next, entry.last_epoch);
        }
        Ok(AddPartitionsToTxnReply { results: request.partitions.iter().map(|p| (p.clone(), None)).collect() })
    }
}

fn check_producer(entry: &Entry, request: &AddPartitionsToTxn) -> Result<(), TxnError> {
    if entry.stored.producer_id != request.producer_id {
        return Err(TxnError::InvalidProducerIdMapping);
    }
    if entry.stored.producer_epoch != request.producer_epoch {
        return Err(TxnError::ProducerFenced);
    }
    Ok(())
}
