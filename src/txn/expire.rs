//! Transactions that run for too long (X13), and transactional ids that nobody uses any more (X14).

use super::effects::{Soft, TimerKey};
use super::records::{Record, Transaction};
use super::settings::MAX_EXPIRED_PER_ROUND;
use super::shard::Turn;
use super::state::State;
use super::Text;

impl Turn<'_> {
    /// Arms the timer of a transaction that has begun: when its time has passed, at the next of the steps in which Kafka
    /// looks for such transactions. It is not cancelled when the transaction ends: then it finds nothing.
    pub(super) fn arm_timeout(&mut self, id: &Text, ongoing: &Transaction) {
        let step_ms = self.shard.settings.timeout_interval_ms.max(1);
        let left_ms = ongoing.times_out_ms().saturating_sub(self.now.wall_ms).max(0);
        let due_ms = self.now.mono_ms.saturating_add(left_ms);
        let deadline_ms = due_ms.saturating_sub(due_ms % step_ms).saturating_add(step_ms);
        self.arm(TimerKey::Timeout(id.clone()), deadline_ms - self.now.mono_ms);
    }

    /// Aborts a transaction that has run for too long.
    pub(super) fn time_out(&mut self, id: &Text) {
        let shard = self.shard;
        let Some((id, entry)) = shard.entry(id) else { return };
        let stored = &entry.stored;
        if stored.state != State::Ongoing {
            return;
        }
        if stored.times_out_ms() >= self.now.wall_ms {
            return self.arm_timeout(id, stored);
        }
        tracing::info!("Aborting the transaction of {id}, producer {}: it has timed out", stored.producer_id);
        // With its last epoch the producer's id is used up too; the next InitProducerId gives another.
        let (next, last_epoch) = self.abort(entry, None).unwrap_or_else(|| (stored.fenced(self.now), -1));
        self.store(id, next, last_epoch);
    }

    /// Arms the next round of expiry.
    pub(super) fn arm_expiry(&mut self) {
        self.arm(TimerKey::Expiry, self.shard.settings.expiration_interval_ms);
        self.out.soft.push(Soft::ExpiryArmed(true));
    }

    /// One round: tombstones for what has been idle for too long, up to a bound.
    pub(super) fn expire(&mut self) {
        let shard = self.shard;
        let idle_since_ms = self.now.wall_ms.saturating_sub(shard.settings.expiration_ms);
        let expires = |stored: &Transaction| stored.state.is_idle() && stored.last_update_ms <= idle_since_ms;
        let expired = shard.transactions.iter().filter(|(_, entry)| expires(&entry.stored));
        let version = shard.record_version();
        let tombstones = expired
            .map(|(id, _)| Record { transactional_id: id.clone(), value: None, version })
            .take(MAX_EXPIRED_PER_ROUND);
        self.out.records.extend(tombstones);
        self.out.divisible = true;
        match self.out.records.len() {
            MAX_EXPIRED_PER_ROUND => self.arm(TimerKey::Expiry, 0),
            all if all == shard.transactions.len() => self.out.soft.push(Soft::ExpiryArmed(false)),
            _ => self.arm_expiry(),
        }
    }
}
