//! A marker to be written: how a transaction ends on one partition (KIP-98, KIP-890).

use super::build::{end_transaction, BuildError, Marker};
use super::validate::ValidBatch;

/// What a transaction coordinator has written to each partition of a transaction that ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TxnMarker {
    /// The producer.
    pub producer_id: i64,
    /// Its epoch: with transaction version 2 one above that of the transaction's records.
    pub producer_epoch: i16,
    /// The leader epoch of the coordinator's partition: a coordinator that was replaced is refused by it.
    pub coordinator_epoch: i32,
    /// Committed, not aborted.
    pub commit: bool,
    /// By which rules the producer's epoch is judged: 0, 1 or 2.
    pub transaction_version: i16,
}

impl TxnMarker {
    /// The control batch.
    pub fn batch(&self, timestamp_ms: i64) -> Result<ValidBatch, BuildError> {
        let kind = if self.commit { Marker::Commit } else { Marker::Abort };
        end_transaction(kind, self.producer_id, self.producer_epoch, self.coordinator_epoch, timestamp_ms)
    }
}
