//! DescribeTransactions and ListTransactions.

use super::error::TxnError;
use super::request::{
    DescribeTransaction, DescribeTransactionReply, DescribedTransaction, ListTransactions, ListedTransaction,
};
use super::shard::{Entry, Shard};
use crate::clock::Now;

impl Shard {
    /// A transactional id as it now is.
    pub(super) fn describe(&self, request: &DescribeTransaction) -> DescribeTransactionReply {
        let (_, entry) = self.entry(&request.transactional_id).ok_or(TxnError::TransactionalIdNotFound)?;
        let stored = &entry.stored;
        Ok(DescribedTransaction {
            state: stored.state,
            timeout_ms: stored.timeout_ms,
            start_timestamp_ms: stored.start_ms,
            producer_id: stored.producer_id,
            producer_epoch: stored.producer_epoch,
            partitions: entry.unmarked().into_iter().collect(),
        })
    }

    /// The transactional ids that pass the filters.
    pub fn list(&self, filters: &ListTransactions, now: Now) -> Vec<ListedTransaction> {
        let passes = |entry: &Entry| {
            let stored = &entry.stored;
            let ran_ms = now.wall_ms.saturating_sub(stored.start_ms);
            filters.states.as_ref().is_none_or(|states| states.contains(&stored.state))
                && (filters.producer_ids.is_empty() || filters.producer_ids.contains(&stored.producer_id))
                && (filters.duration_ms < 0 || ran_ms > filters.duration_ms)
        };
        let listed = |(id, entry): (&super::Text, &Entry)| ListedTransaction {
            transactional_id: id.clone(),
            producer_id: entry.stored.producer_id,
            state: entry.stored.state,
        };
        self.transactions.iter().filter(|(_, entry)| passes(entry)).map(listed).collect()
    }
}
