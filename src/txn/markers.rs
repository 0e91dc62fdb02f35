//! Markers: ordered when an end is decided, again where they failed, and the end of the end (X10).

use super::effects::{Deed, Marked, Soft, TimerKey};
use super::records::Transaction;
use super::settings::MARKER_RETRY_MS;
use super::shard::Turn;
use super::state::State;
use super::Text;
use crate::ids::TopicPartition;
use imbl::OrdSet;

impl Turn<'_> {
    /// Orders the markers of a transaction that ends.
    pub(super) fn write_markers(&mut self, id: &Text, ends: &Transaction, partitions: &OrdSet<TopicPartition>) {
        self.out.deeds.push(Deed::WriteMarkers {
            transactional_id: id.clone(),
            producer_id: ends.producer_id,
            producer_epoch: ends.producer_epoch,
            commit: ends.state == State::PrepareCommit,
            transaction_version: ends.client_version,
            partitions: partitions.iter().cloned().collect(),
        });
    }

    /// Takes in what came of markers. The transaction is over when no partition is left.
    pub(super) fn marked(&mut self, id: &Text, producer: (i64, i16), outcomes: Vec<(TopicPartition, Marked)>) {
        let shard = self.shard;
        let Some((id, entry)) = shard.entry(id) else { return };
        let stored = &entry.stored;
        if !stored.state.is_prepared() || (stored.producer_id, stored.producer_epoch) != producer {
            return;
        }
        if outcomes.iter().any(|(_, outcome)| *outcome == Marked::Fenced) {
            // Whoever replaced this coordinator ends the transaction; Kafka too leaves it at that.
            tracing::warn!("{id}: a newer coordinator ends the transaction of producer {}", stored.producer_id);
            return;
        }
        let done = outcomes.into_iter().filter(|(_, outcome)| matches!(outcome, Marked::Written | Marked::Gone));
        let done: OrdSet<TopicPartition> = done.map(|(partition, _)| partition).collect();
        if entry.unmarked().is_subset(&done) {
            self.store(id, stored.completed(self.now), entry.last_epoch);
            return;
        }
        self.out.soft.push(Soft::Marked(id.clone(), done));
        self.arm(TimerKey::Markers(id.clone()), MARKER_RETRY_MS);
    }

    /// Orders again what was not written.
    pub(super) fn write_markers_again(&mut self, id: &Text) {
        let Some((id, entry)) = self.shard.entry(id) else { return };
        if entry.stored.state.is_prepared() {
            self.write_markers(id, &entry.stored, &entry.unmarked());
        }
    }
}
