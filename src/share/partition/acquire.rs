//! Delivering: which records of the log a member gets, and the lock on them.

use super::{Limits, Lock, SharePartition, Stand};
use crate::shard::Text;
use crate::share::DeliveryState;

/// A batch of the log, as the leader read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogBatch {
    /// Its first offset.
    pub first_offset: i64,
    /// Its last offset.
    pub last_offset: i64,
    /// It holds nothing for applications: a marker, or records of a transaction that the group must not see.
    pub is_void: bool,
}

/// How strictly the number of records is kept (KIP-1206).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AcquireMode {
    /// Up to the end of the batch in which it is reached.
    #[default]
    BatchOptimized,
    /// Strictly.
    RecordLimit,
}

/// Who wants how much.
#[derive(Clone, Debug)]
pub struct AcquireSpec {
    /// The member.
    pub member: Text,
    /// Most records.
    pub max_records: i64,
    /// So many records at least stand in one answer batch before the next begins.
    pub batch_size: i64,
    /// How `max_records` counts.
    pub mode: AcquireMode,
}

/// A stretch of records that a member now holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acquired {
    /// First offset.
    pub first_offset: i64,
    /// Last offset.
    pub last_offset: i64,
    /// Which delivery this is, from 1.
    pub delivery_count: i16,
}

impl SharePartition {
    /// Gives a member what is available in `batches`, which follow one another in the log from
    /// [`SharePartition::next_fetch_offset`] on, or the batch that holds it. What the log does not hold any more between
    /// them, and what is void, is given up. (Kafka hands markers out, for the client to acknowledge as gaps.)
    pub fn acquire(
        &mut self,
        batches: impl IntoIterator<Item = LogBatch>,
        spec: &AcquireSpec,
        limits: &Limits,
        now_ms: i64,
    ) -> Vec<Acquired> {
        let lock = Lock { member: spec.member.clone(), deadline_ms: now_ms.saturating_add(limits.lock_duration_ms) };
        let mut taking = Taking { acquired: Vec::new(), count: 0, batch_size: spec.batch_size, apart: false };
        let mut expected = self.next_fetch_offset();
        for batch in batches {
            let is_new = batch.last_offset >= self.end_offset;
            if taking.count >= spec.max_records || (is_new && self.room(limits) == 0) {
                break;
            }
            self.give_up(expected, batch.first_offset - 1);
            expected = expected.max(batch.last_offset + 1);
            if batch.is_void {
                self.give_up(batch.first_offset, batch.last_offset);
                continue;
            }
            taking.next_batch();
            for (first, last, count) in self.deliverable(batch.first_offset, batch.last_offset) {
                let bound = match spec.mode {
                    AcquireMode::BatchOptimized => i64::MAX,
                    AcquireMode::RecordLimit if first < self.end_offset => spec.max_records - taking.count,
                    AcquireMode::RecordLimit => (spec.max_records - taking.count).min(self.room(limits)),
                };
                let last = last.min(first.saturating_add(bound) - 1);
                if last < first {
                    break;
                }
                self.lock(first, last, count.saturating_add(1), &lock);
                taking.take(first, last, count.saturating_add(1));
            }
        }
        self.advance();
        taking.acquired
    }

    /// What of a stretch may be delivered, with how often it has been.
    fn deliverable(&self, first: i64, last: i64) -> Vec<(i64, i64, i16)> {
        let mut found = Vec::new();
        let mut at = first.max(self.start_offset);
        for (from, to, stand) in self.records.within(at, last) {
            if at < from {
                found.push((at, from - 1, 0));
            }
            if stand.is_available() {
                found.push((from, to, stand.delivery_count));
            }
            at = to + 1;
        }
        if at <= last {
            found.push((at, last, 0));
        }
        found
    }

    fn lock(&mut self, first: i64, last: i64, delivery_count: i16, lock: &Lock) {
        let held = Stand { state: DeliveryState::Acquired, delivery_count, lock: Some(lock.clone()), moving: None };
        self.records.fill(first, last, &Stand::at_rest(DeliveryState::Available, 0));
        self.records.change(first, last, |stand| *stand = held.clone());
        self.end_offset = self.end_offset.max(last + 1);
    }

    /// Archives what may be delivered of a stretch: there is nothing to deliver.
    fn give_up(&mut self, first: i64, last: i64) {
        let first = first.max(self.start_offset);
        if first > last {
            return;
        }
        self.records.fill(first, last, &Stand::at_rest(DeliveryState::Available, 0));
        self.records.change(first, last, |stand| {
            if stand.is_available() {
                stand.state = DeliveryState::Archived;
            }
        });
        self.end_offset = self.end_offset.max(last + 1);
    }
}

/// The answer in the making.
struct Taking {
    acquired: Vec<Acquired>,
    count: i64,
    batch_size: i64,
    /// What is taken next joins nothing.
    apart: bool,
}

impl Taking {
    /// A batch of the log begins: an answer batch that is long enough ends here.
    fn next_batch(&mut self) {
        let length = self.acquired.last().map_or(0, |last| last.last_offset - last.first_offset + 1);
        self.apart = length >= self.batch_size;
    }

    fn take(&mut self, first_offset: i64, last_offset: i64, delivery_count: i16) {
        self.count += last_offset - first_offset + 1;
        let apart = std::mem::take(&mut self.apart);
        match self.acquired.last_mut() {
            Some(last) if !apart && last.last_offset + 1 == first_offset && last.delivery_count == delivery_count => {
                last.last_offset = last_offset;
            }
            _ => self.acquired.push(Acquired { first_offset, last_offset, delivery_count }),
        }
    }
}
