//! The shard: transactional ids, the door for events, and the two doors by which it changes.

use super::effects::{Deed, Event, Soft, TimerKey};
use super::error::TxnError;
use super::records::{Record, Transaction};
use super::request::{Reply, Request};
use super::settings::Settings;
use super::state::State;
use super::{Effects, Text, TimerChange};
use crate::clock::Now;
use crate::ids::TopicPartition;
use crate::record::internal::FieldError;
use crate::shard::{Machine, Origin};
use imbl::OrdSet;
use std::collections::BTreeMap;

/// One transactional id, hard and live.
#[derive(Debug)]
pub(super) struct Entry {
    /// Hard: what the last record says.
    pub(super) stored: Transaction,
    /// Live: the epoch before this one, −1 for none. As in Kafka no record has it.
    pub(super) last_epoch: i16,
    /// Live: partitions of a transaction that ends which need no marker any more.
    pub(super) marked: OrdSet<TopicPartition>,
}

impl Entry {
    /// The partitions of a transaction; of one that ends, those without a marker.
    pub(super) fn unmarked(&self) -> OrdSet<TopicPartition> {
        self.stored.partitions.clone().relative_complement(self.marked.clone())
    }
}

/// The transactional ids of one partition of `__transaction_state`.
#[derive(Debug)]
pub struct Shard {
    pub(super) settings: Settings,
    pub(super) transactions: BTreeMap<Text, Entry>,
    /// Live: the cluster's finalized `transaction.version`.
    pub(super) transaction_version: i16,
    /// Live: a round of expiry is due.
    pub(super) expiry_armed: bool,
}

impl Machine for Shard {
    const TOPIC: &'static str = "__transaction_state";

    type Settings = Settings;
    type Event = Event;
    type Request = Request;
    type Reply = Reply;
    type Record = Record;
    type Soft = Soft;
    type TimerKey = TimerKey;
    type Error = TxnError;
    type Deed = Deed;

    fn new(settings: Settings) -> Self {
        Self { settings, transactions: BTreeMap::new(), transaction_version: 0, expiry_armed: false }
    }

    fn step(&self, now: Now, event: Event) -> Effects {
        let mut turn = Turn { shard: self, now, out: Effects::default() };
        match event {
            Event::Request { caller, request } => {
                let reply = match request {
                    Request::InitProducerId(request) => Reply::Producer(turn.init_producer_id(&request)),
                    Request::AddPartitionsToTxn(request) => Reply::AddPartitionsToTxn(turn.add_partitions(&request)),
                    Request::EndTxn(request) => Reply::Producer(turn.end(&request)),
                    Request::DescribeTransaction(request) => Reply::DescribeTransaction(self.describe(&request)),
                };
                turn.out.replies.push((caller, reply));
            }
            Event::Timer(TimerKey::Timeout(id)) => turn.time_out(&id),
            Event::Timer(TimerKey::Markers(id)) => turn.write_markers_again(&id),
            Event::Timer(TimerKey::Expiry) => turn.expire(),
            Event::Loaded => turn.loaded(),
            Event::TransactionVersion(level) => turn.out.soft.push(Soft::TransactionVersion(level)),
            Event::Marked { transactional_id, producer_id, producer_epoch, outcomes } => {
                turn.marked(&transactional_id, (producer_id, producer_epoch), outcomes);
            }
        }
        turn.out
    }

    fn replay(&mut self, _origin: Origin, record: Record) {
        match record.value {
            None => drop(self.transactions.remove(&record.transactional_id)),
            Some(stored) => {
                let entry = Entry { stored, last_epoch: -1, marked: OrdSet::new() };
                self.transactions.insert(record.transactional_id, entry);
            }
        }
    }

    fn apply(&mut self, soft: Soft) {
        match soft {
            Soft::LastEpoch(id, epoch) => {
                self.transactions.entry(id).and_modify(|entry| entry.last_epoch = epoch);
            }
            Soft::Marked(id, partitions) => {
                let add = |entry: &mut Entry| entry.marked = std::mem::take(&mut entry.marked).union(partitions);
                self.transactions.entry(id).and_modify(add);
            }
            Soft::TransactionVersion(level) => self.transaction_version = level,
            Soft::ExpiryArmed(armed) => self.expiry_armed = armed,
        }
    }

    fn encode(record: &Record) -> Result<(Vec<u8>, Option<Vec<u8>>), FieldError> {
        record.encode()
    }

    fn decode(key: &[u8], value: Option<&[u8]>) -> Result<Option<Record>, FieldError> {
        Record::decode(key, value)
    }

    fn contents(&self) -> String {
        format!("{} transactional ids", self.transactions.len())
    }

    fn on_timer(key: TimerKey) -> Event {
        Event::Timer(key)
    }

    fn on_loaded() -> Event {
        Event::Loaded
    }
}

impl Shard {
    pub(super) fn entry(&self, id: &str) -> Option<(&Text, &Entry)> {
        self.transactions.get_key_value(id)
    }

    /// The version of the records' format.
    pub(super) fn record_version(&self) -> i16 {
        self.transaction_version.clamp(0, 1)
    }

    /// The hard state as text, for tests that compare a shard with its restart.
    #[cfg(test)]
    pub(super) fn hard_state(&self) -> String {
        let stored = self.transactions.iter().map(|(id, entry)| (id, &entry.stored));
        format!("{:#?}", stored.collect::<Vec<_>>())
    }
}

/// One step in the making: reads the shard, gathers effects.
pub(super) struct Turn<'a> {
    pub(super) shard: &'a Shard,
    pub(super) now: Now,
    pub(super) out: Effects,
}

impl Turn<'_> {
    /// Stores a transactional id's new state, with the epoch before its present one, and sees to what follows from it.
    pub(super) fn store(&mut self, id: &Text, next: Transaction, last_epoch: i16) {
        let before = self.shard.transactions.get(id).map(|entry| entry.stored.state);
        if next.state == State::Ongoing && before != Some(State::Ongoing) {
            self.arm_timeout(id, &next);
        }
        if next.state.is_prepared() {
            self.write_markers(id, &next, &next.partitions);
        }
        let version = self.shard.record_version();
        self.out.records.push(Record { transactional_id: id.clone(), value: Some(next), version });
        self.out.soft.push(Soft::LastEpoch(id.clone(), last_epoch));
    }

    /// Arms a timer `delay_ms` from now.
    pub(super) fn arm(&mut self, key: TimerKey, delay_ms: i64) {
        self.out.timers.push(TimerChange::Arm(key, self.now.mono_ms.saturating_add(delay_ms)));
    }

    /// After a load: markers that may be missing are written, timeouts run on.
    fn loaded(&mut self) {
        let shard = self.shard;
        for (id, entry) in &shard.transactions {
            let stored = &entry.stored;
            if stored.state.is_prepared() {
                self.write_markers(id, stored, &stored.partitions);
            } else if stored.state == State::Ongoing {
                self.arm_timeout(id, stored);
            }
        }
        if !shard.transactions.is_empty() {
            self.arm_expiry();
        }
    }
}

/// Whether a caller was answered without a shard.
#[cfg(test)]
pub(super) fn refused_unseen(request: &Request, settings: &Settings) -> Option<Reply> {
    use crate::shard::Ask;
    match request {
        Request::InitProducerId(request) => request.refused_unseen(settings).map(Reply::Producer),
        Request::AddPartitionsToTxn(request) => request.refused_unseen(settings).map(Reply::AddPartitionsToTxn),
        Request::EndTxn(request) => request.refused_unseen(settings).map(Reply::Producer),
        Request::DescribeTransaction(request) => request.refused_unseen(settings).map(Reply::DescribeTransaction),
    }
}
