//! A partition as one group reads it, on the partition's leader: which records are in flight, who holds them, how often
//! they have been delivered, and where the group starts (S1).
//!
//! Offsets from the start on are in runs that stand alike ([`Ranges`]); an offset behind the start without a run has never
//! been delivered, or its delivery was never stored. What is acknowledged is *moving* until its persister has it
//! ([`SharePartition::commit`], [`SharePartition::roll_back`]); so nothing is told that a restart would forget. Locks that
//! run out take effect at once, and what they change is stored when it can be, as in Kafka.
//!
//! Absent from here: time, the log, waiting, storing. Batches of the log come in by their offsets ([`LogBatch`]).

mod acknowledge;
mod acquire;
#[cfg(test)]
mod tests;

pub use acknowledge::{AcknowledgeError, AcknowledgeType, Acknowledgement};
pub use acquire::{AcquireMode, AcquireSpec, Acquired, LogBatch};

use super::delivery::{combine, DeliveryState};
use super::ranges::Ranges;
use super::state::request::Known;
use crate::record::internal::share_state::StateBatch;
use crate::shard::Text;

/// What holds for a group's share-partitions; may change while they are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `share.record.lock.duration.ms`: how long a member may keep a record.
    pub lock_duration_ms: i64,
    /// `share.delivery.count.limit`: after so many deliveries a record is given up.
    pub delivery_count_limit: i16,
    /// `share.partition.max.record.locks`: records between the start and the last one delivered.
    pub max_in_flight: i64,
}

/// Who has a record, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Lock {
    member: Text,
    /// Of the monotonic clock, ms.
    deadline_ms: i64,
}

/// Where a record goes once its persister has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Move {
    transition: u64,
    state: DeliveryState,
}

/// How a run of offsets stands.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stand {
    state: DeliveryState,
    delivery_count: i16,
    /// While acquired.
    lock: Option<Lock>,
    /// While acquired and being stored otherwise.
    moving: Option<Move>,
}

impl Stand {
    fn at_rest(state: DeliveryState, delivery_count: i16) -> Self {
        Self { state, delivery_count, lock: None, moving: None }
    }

    fn is_held_by(&self, member: &str) -> bool {
        self.moving.is_none() && self.lock.as_ref().is_some_and(|lock| *lock.member == *member)
    }

    fn is_available(&self) -> bool {
        self.state == DeliveryState::Available
    }
}

/// What is to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Persist {
    /// To be committed or rolled back when that is over; none if nothing waits for it.
    pub transition: Option<u64>,
    /// Where the group starts.
    pub start_offset: i64,
    /// Records from there on that will not be delivered again, the ones that move included.
    pub delivery_complete_count: i32,
    /// What changes.
    pub batches: Vec<StateBatch>,
}

/// A partition as one group reads it.
#[derive(Debug)]
pub struct SharePartition {
    /// The state's epoch, with which it writes.
    pub state_epoch: i32,
    /// The leader's epoch, with which it read and writes.
    pub leader_epoch: i32,
    start_offset: i64,
    /// The offset behind the last one that has been delivered, or is known to stand in some way.
    end_offset: i64,
    records: Ranges<Stand>,
    transitions: u64,
    /// What ran out and could not be stored yet; goes along with the next write.
    owed: Vec<StateBatch>,
}

impl SharePartition {
    /// What the share coordinator knows, with the start already found if it knew none. Kafka's numbers for states that are
    /// not known here are read as available: the record is delivered rather than lost.
    pub fn new(known: Known, leader_epoch: i32) -> Self {
        let mut records = Ranges::default();
        for batch in combine(&[], &known.batches, known.start_offset) {
            let state = DeliveryState::of(batch.delivery_state).filter(|state| state.is_complete());
            let stand = Stand::at_rest(state.unwrap_or(DeliveryState::Available), batch.delivery_count);
            records.fill(batch.first_offset, batch.last_offset, &stand);
        }
        let start_offset = known.start_offset;
        let end_offset = records.end().unwrap_or(start_offset);
        let state_epoch = known.state_epoch;
        let mut partition =
            Self { state_epoch, leader_epoch, start_offset, end_offset, records, transitions: 0, owed: Vec::new() };
        partition.advance();
        partition
    }

    /// Where the group starts: everything before is done with.
    pub fn start_offset(&self) -> i64 {
        self.start_offset
    }

    /// The offset behind the last one delivered.
    pub fn end_offset(&self) -> i64 {
        self.end_offset
    }

    /// The first offset that may be delivered: available again, never delivered, or the end.
    pub fn next_fetch_offset(&self) -> i64 {
        let mut at = self.start_offset;
        for (first, last, stand) in self.records.iter() {
            if at < first || stand.is_available() {
                return at;
            }
            at = last + 1;
        }
        at
    }

    /// Whether anything may be delivered now: something again, or something new within the bound of records in flight.
    pub fn can_acquire(&self, limits: &Limits) -> bool {
        self.next_fetch_offset() < self.end_offset || self.room(limits) > 0
    }

    /// How many offsets may still come into flight.
    fn room(&self, limits: &Limits) -> i64 {
        (limits.max_in_flight - (self.end_offset - self.start_offset)).max(0)
    }

    /// When the next lock runs out.
    pub fn next_deadline_ms(&self) -> Option<i64> {
        let held = self.records.iter().filter(|(_, _, stand)| stand.moving.is_none());
        held.filter_map(|(_, _, stand)| Some(stand.lock.as_ref()?.deadline_ms)).min()
    }

    /// The log starts later now: what is gone is not delivered any more. Acknowledgements of it are taken and mean nothing.
    pub fn log_starts_at(&mut self, log_start_offset: i64) {
        if log_start_offset > self.start_offset {
            self.records.forget_below(log_start_offset);
            self.start_offset = log_start_offset;
            self.end_offset = self.end_offset.max(log_start_offset);
            self.advance();
        }
    }

    /// Takes back what members have kept for too long.
    pub fn expire(&mut self, now_ms: i64, limits: &Limits) -> Option<Persist> {
        let ran_out = |stand: &Stand| {
            stand.moving.is_none() && stand.lock.as_ref().is_some_and(|lock| lock.deadline_ms <= now_ms)
        };
        let ranges: Vec<(i64, i64)> =
            self.records.iter().filter(|(_, _, stand)| ran_out(stand)).map(|(first, last, _)| (first, last)).collect();
        if ranges.is_empty() && self.owed.is_empty() {
            return None;
        }
        let mut batches = Vec::new();
        for (first, last) in ranges {
            self.records.change(first, last, |stand| {
                let state = released(stand.delivery_count, limits);
                *stand = Stand::at_rest(state, stand.delivery_count);
            });
            batches.extend(self.records.within(first, last).map(|(first, last, stand)| stored(first, last, stand)));
        }
        self.advance();
        Some(self.persist(None, batches))
    }

    /// The persister does not have what ran out: it is to go along with the next write.
    pub fn owe(&mut self, batches: Vec<StateBatch>) {
        self.owed = combine(&self.owed, &batches, self.start_offset);
    }

    /// Gives up what a member holds, as when its session ends.
    pub fn release(&mut self, member: &str, limits: &Limits) -> Option<Persist> {
        let held: Vec<(i64, i64, DeliveryState)> = self
            .records
            .iter()
            .filter(|(_, _, stand)| stand.is_held_by(member))
            .map(|(first, last, stand)| (first, last, released(stand.delivery_count, limits)))
            .collect();
        if held.is_empty() {
            return None;
        }
        Some(self.begin(held))
    }

    /// Begins to move these offsets, which are all held.
    fn begin(&mut self, moves: Vec<(i64, i64, DeliveryState)>) -> Persist {
        self.transitions += 1;
        let transition = self.transitions;
        let mut batches = Vec::new();
        for (first, last, state) in moves {
            self.records.change(first, last, |stand| stand.moving = Some(Move { transition, state }));
            batches.extend(self.records.within(first, last).map(|(first_offset, last_offset, stand)| StateBatch {
                first_offset,
                last_offset,
                delivery_state: state.id(),
                delivery_count: stand.delivery_count,
            }));
        }
        self.persist(Some(transition), batches)
    }

    fn persist(&mut self, transition: Option<u64>, batches: Vec<StateBatch>) -> Persist {
        let owed = std::mem::take(&mut self.owed);
        let complete = self.records.iter().filter(|(_, _, stand)| {
            let state = stand.moving.map_or(stand.state, |moving| moving.state);
            state.is_complete()
        });
        let count: i64 = complete.map(|(first, last, _)| last - first + 1).sum();
        Persist {
            transition,
            start_offset: self.start_offset,
            delivery_complete_count: i32::try_from(count).unwrap_or(i32::MAX),
            batches: combine(&owed, &batches, self.start_offset),
        }
    }

    /// The persister has what moved.
    pub fn commit(&mut self, transition: u64) {
        for (first, last, state) in self.moved(transition) {
            self.records.change(first, last, |stand| *stand = Stand::at_rest(state, stand.delivery_count));
        }
        self.advance();
    }

    /// The persister does not have it: all is as it was, and locks run on.
    pub fn roll_back(&mut self, transition: u64) {
        for (first, last, _) in self.moved(transition) {
            self.records.change(first, last, |stand| stand.moving = None);
        }
    }

    fn moved(&self, transition: u64) -> Vec<(i64, i64, DeliveryState)> {
        let moving = self.records.iter().filter_map(|(first, last, stand)| {
            let moving = stand.moving.filter(|moving| moving.transition == transition)?;
            Some((first, last, moving.state))
        });
        moving.collect()
    }

    /// Moves the start over what is done with.
    fn advance(&mut self) {
        let done =
            self.records.first().filter(|(first, _, stand)| *first == self.start_offset && stand.state.is_complete());
        let Some((_, last, _)) = done else { return };
        let mut to = last + 1;
        for (first, last, stand) in self.records.iter().skip(1) {
            if first != to || !stand.state.is_complete() {
                break;
            }
            to = last + 1;
        }
        self.start_offset = to;
        self.end_offset = self.end_offset.max(to);
        self.records.forget_below(to);
    }
}

/// Where a record goes that is not done with: back to be delivered, unless that has been tried often enough.
fn released(delivery_count: i16, limits: &Limits) -> DeliveryState {
    match delivery_count >= limits.delivery_count_limit {
        true => DeliveryState::Archived,
        false => DeliveryState::Available,
    }
}

fn stored(first_offset: i64, last_offset: i64, stand: &Stand) -> StateBatch {
    StateBatch { first_offset, last_offset, delivery_state: stand.state.id(), delivery_count: stand.delivery_count }
}
