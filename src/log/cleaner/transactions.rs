//! Which batches belong to aborted transactions, and which markers have outlived the records of theirs (C6).

use crate::log::keys::AbortedTransaction;
use crate::log::producer_state::EndMarker;
use crate::record::header::BatchHeader;
use rustc_hash::{FxHashMap, FxHashSet};

/// An aborted transaction on the way from its first record to its marker.
struct Aborting {
    transaction: AbortedTransaction,
    /// A batch of it is still in the log.
    observed: bool,
}

/// Follows the transactions of a log from its start on.
pub(super) struct Transactions {
    /// Aborted ones that have not begun yet, the next one last.
    upcoming: Vec<AbortedTransaction>,
    /// By producer.
    aborting: FxHashMap<i64, Aborting>,
    /// Producers with batches of a transaction that is not an aborted one.
    committing: FxHashSet<i64>,
    /// Aborted transactions without records, by the offsets of their markers.
    vacated: Vec<i64>,
}

impl Transactions {
    /// Knows the aborted transactions of the stretch that is about to be followed.
    pub fn new(mut aborted: Vec<AbortedTransaction>) -> Self {
        aborted.sort_unstable_by_key(|transaction| std::cmp::Reverse(transaction.first_offset));
        Self {
            upcoming: aborted,
            aborting: FxHashMap::default(),
            committing: FxHashSet::default(),
            vacated: Vec::new(),
        }
    }

    fn begin_up_to(&mut self, offset: i64) {
        while self.upcoming.last().is_some_and(|next| next.first_offset <= offset) {
            let Some(transaction) = self.upcoming.pop() else { return };
            let known = self.aborting.get(&transaction.producer_id);
            // One that is over, without its marker having been met, gives way.
            if known.is_none_or(|known| known.transaction.last_offset < transaction.first_offset) {
                self.aborting.insert(transaction.producer_id, Aborting { transaction, observed: false });
            }
        }
    }

    /// Takes note of a batch of records. Whether it belongs to an aborted transaction.
    pub fn on_batch(&mut self, header: &BatchHeader) -> bool {
        self.begin_up_to(header.last_offset());
        if !header.is_transactional() {
            return false;
        }
        match self.aborting.get_mut(&header.producer_id) {
            // Never beyond its marker, even if that has gone: what comes then is another transaction.
            Some(aborting) if header.last_offset() < aborting.transaction.last_offset => {
                aborting.observed = true;
                true
            }
            _ => {
                self.committing.insert(header.producer_id);
                false
            }
        }
    }

    /// Takes note of a control batch. Whether no record of its transaction was met, so that it may go once its horizon
    /// has passed.
    pub fn on_marker(&mut self, header: &BatchHeader, marker: Option<EndMarker>) -> bool {
        self.begin_up_to(header.last_offset());
        match marker {
            Some(EndMarker { commit: false, .. }) => match self.aborting.remove(&header.producer_id) {
                Some(aborting) if aborting.observed => false,
                Some(aborting) => {
                    self.vacated.push(aborting.transaction.last_offset);
                    true
                }
                // Records that no aborted transaction claims are nobody's to drop: their marker stays with them.
                None => !self.committing.remove(&header.producer_id),
            },
            Some(EndMarker { commit: true, .. }) => !self.committing.remove(&header.producer_id),
            // Emptied before.
            None if header.record_count == 0 => true,
            // Another kind of control record.
            None => false,
        }
    }

    /// Markers of aborted transactions without records, met since the last call.
    pub fn take_vacated(&mut self) -> Vec<i64> {
        std::mem::take(&mut self.vacated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::build::{end_transaction, BatchBuilder, Marker};

    fn records(offset: i64, producer_id: i64) -> BatchHeader {
        let mut builder = BatchBuilder::new().producer(producer_id, 0, 0).transactional();
        builder.append(0, Some(b"k"), Some(b"v"), &[]);
        BatchHeader { base_offset: offset, ..builder.build().unwrap().header }
    }

    fn marker(offset: i64, producer_id: i64, commit: bool) -> (BatchHeader, Option<EndMarker>) {
        let kind = if commit { Marker::Commit } else { Marker::Abort };
        let header = end_transaction(kind, producer_id, 0, 0, 0).unwrap().header;
        (BatchHeader { base_offset: offset, ..header }, Some(EndMarker { commit, coordinator_epoch: 0 }))
    }

    fn aborted(producer_id: i64, first_offset: i64, last_offset: i64) -> AbortedTransaction {
        AbortedTransaction { producer_id, first_offset, last_offset, last_stable_offset: last_offset + 1 }
    }

    #[test]
    fn c6_a_marker_is_kept_as_long_as_a_batch_of_its_transaction_is_there() {
        let mut known = Transactions::new(vec![aborted(1, 0, 3), aborted(2, 4, 5)]);
        assert!(known.on_batch(&records(0, 1)));
        assert!(!known.on_batch(&records(1, 9)));
        let (header, found) = marker(3, 1, false);
        assert!(!known.on_marker(&header, found), "its records were met");
        let (header, found) = marker(5, 2, false);
        assert!(known.on_marker(&header, found), "its records are gone");
        let (header, found) = marker(6, 9, true);
        assert!(!known.on_marker(&header, found));
        let (header, found) = marker(8, 9, true);
        assert!(known.on_marker(&header, found), "of another transaction, whose records are gone");
        assert_eq!(known.take_vacated(), [5]);
        assert!(!known.on_batch(&records(9, 1)), "the next transaction of that producer was committed");
    }

    #[test]
    fn c6_records_behind_a_lost_marker_are_not_taken_for_aborted() {
        let mut known = Transactions::new(vec![aborted(1, 0, 3)]);
        assert!(known.on_batch(&records(0, 1)));
        assert!(!known.on_batch(&records(4, 1)));
        let (header, found) = marker(5, 1, true);
        assert!(!known.on_marker(&header, found));
    }
}
