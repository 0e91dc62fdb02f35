//! Verifications under way: a producer's first batch of a transaction may be written only once the transaction's
//! coordinator has said that it is open (KIP-890).
//!
//! A verification begins before the coordinator is asked and is void as soon as the producer's next transactional batch or
//! marker is written here. So an answer that a marker has overtaken begins no transaction that nobody would ever end
//! (KAFKA-17754). It outlives a refusal, since it also remembers the lowest sequence seen: of several batches in flight
//! only the first may open the transaction. Nothing of it survives a restart or a truncation.

pub use crate::ids::Verification;
use std::collections::BTreeMap;

/// What a batch that needs a verification says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToVerify {
    /// The producer.
    pub producer_id: i64,
    /// Its epoch.
    pub producer_epoch: i16,
    /// First sequence; -1 for coordinators' batches, which have none.
    pub base_sequence: i32,
    /// Epochs grow with every transaction (transaction.version 2): without state here, sequences begin at 0 (I4).
    pub epoch_grows: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct UnderWay {
    verification: Verification,
    since_ms: i64,
    epoch: i16,
    lowest_sequence: i32,
    epoch_grows: bool,
}

/// What is under way, by producer: as many as the log may know producers, the newest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Verifications {
    producers: BTreeMap<i64, UnderWay>,
}

impl Verifications {
    /// The producer's verification, begun as `fresh` if there is none.
    pub fn begin(&mut self, fresh: Verification, batch: &ToVerify, now_ms: i64, most: usize) -> Verification {
        let known = self.producers.entry(batch.producer_id).or_insert(UnderWay {
            verification: fresh,
            since_ms: now_ms,
            epoch: batch.producer_epoch,
            lowest_sequence: batch.base_sequence,
            epoch_grows: batch.epoch_grows,
        });
        if batch.producer_epoch > known.epoch {
            known.epoch = batch.producer_epoch;
            known.lowest_sequence = batch.base_sequence;
        } else if batch.producer_epoch == known.epoch {
            known.lowest_sequence = known.lowest_sequence.min(batch.base_sequence);
        }
        let verification = known.verification;
        if self.producers.len() > most.max(1) {
            let by_age = |(_, known): &(&i64, &UnderWay)| known.verification.0;
            let oldest = self.producers.iter().filter(|(id, _)| **id != batch.producer_id).min_by_key(by_age);
            if let Some(id) = oldest.map(|(id, _)| *id) {
                self.producers.remove(&id);
            }
        }
        verification
    }

    /// Whether `verification` still holds for the producer.
    pub fn holds(&self, producer_id: i64, verification: Option<Verification>) -> bool {
        let known = self.producers.get(&producer_id).map(|known| known.verification);
        known.is_some() && known == verification
    }

    /// The sequence that a batch must begin with, if `found` is too high for it.
    pub fn expected_instead_of(&self, producer_id: i64, found: i32, has_window: bool) -> Option<i32> {
        let known = self.producers.get(&producer_id)?;
        if known.epoch_grows && found != 0 && !has_window {
            return Some(0);
        }
        (found > known.lowest_sequence).then_some(known.lowest_sequence)
    }

    /// A transaction of the producer has begun or ended here.
    pub fn settle(&mut self, producer_id: i64) {
        self.producers.remove(&producer_id);
    }

    /// Forgets those begun more than `expiration_ms` ago.
    pub fn expire(&mut self, now_ms: i64, expiration_ms: i64) {
        self.producers.retain(|_, known| now_ms.saturating_sub(known.since_ms) < expiration_ms);
    }
}
