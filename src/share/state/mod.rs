//! The share coordinator: for each share-partition where its group starts and how the records behind that stand.
//!
//! A write is kept as an update to the last snapshot, and after so many updates as a snapshot of its own; what lies below
//! the oldest snapshot that counts says nothing any more, and is deleted ([`StateShard::redundant_below`]). A partition's
//! leader reads with its epoch, and with that older leaders are fenced; setting up anew raises the state's epoch, and with
//! that fences who has read before.
//!
//! Absent: whether a partition exists, which whoever asks looks up in the metadata.

mod error;
mod records;
pub mod request;
#[cfg(test)]
mod tests;

pub use error::ShareStateError;
pub use records::Record;

use super::delivery::combine;
use super::ShareName;
use crate::clock::Now;
use crate::record::internal::share_state::{SnapshotValue, UpdateValue};
use crate::record::internal::FieldError;
use crate::shard::{Caller, Machine, Origin, TimerChange};
use request::{Delete, Initialize, Known, Read, Reply, Request, Summarize, Summary, Write};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

/// Share-partitions of one shard; one beyond is refused. Share-partitions.
const MAX_SHARD_NAMES: usize = 1_000_000;
/// What was not said in a request or a record.
const NOT_SAID: i32 = -1;

/// What the operator sets.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `share.coordinator.snapshot.update.records.per.snapshot`.
    pub updates_per_snapshot: u32,
    /// `share.coordinator.cold.partition.snapshot.interval.ms`.
    pub cold_snapshot_interval_ms: i64,
}

/// What is kept of one share-partition.
#[derive(Debug, PartialEq, Eq)]
struct Held {
    /// As a snapshot of now would say it.
    value: SnapshotValue,
    /// Updates since the last snapshot.
    updates: u32,
    /// Where the last snapshot stands in the log.
    snapshot_offset: i64,
}

/// The share-partitions of one partition of `__share_group_state`.
#[derive(Debug)]
pub struct StateShard {
    settings: Settings,
    held: BTreeMap<ShareName, Held>,
    /// Where the last snapshots stand.
    snapshot_offsets: BTreeSet<i64>,
    /// The offset behind the last record that was replayed.
    end_offset: i64,
}

/// Something that happens to a shard.
#[derive(Clone, Debug)]
pub enum Event {
    /// Somebody asks.
    Request {
        /// Who is to hear the answer.
        caller: Caller,
        /// The question.
        request: Request,
    },
    /// A share-partition with updates has had no other for a while.
    Cold(ShareName),
    /// All records have been replayed.
    Loaded,
}

type Effects = crate::shard::Effects<StateShard>;
type Refused = ShareStateError;

impl Machine for StateShard {
    const TOPIC: &'static str = "__share_group_state";

    type Settings = Settings;
    type Event = Event;
    type Request = Request;
    type Reply = Reply;
    type Record = Record;
    /// Everything that it knows is in its log.
    type Soft = Infallible;
    /// A share-partition gone cold.
    type TimerKey = ShareName;
    type Error = ShareStateError;
    type Deed = Infallible;

    fn new(settings: Settings) -> Self {
        Self { settings, held: BTreeMap::new(), snapshot_offsets: BTreeSet::new(), end_offset: 0 }
    }

    fn step(&self, now: Now, event: Event) -> Effects {
        let mut turn = Turn { shard: self, now, out: Effects::default() };
        match event {
            Event::Request { caller, request } => {
                let reply = match request {
                    Request::Initialize(request) => Reply::Done(turn.initialize(request)),
                    Request::Read(request) => Reply::Known(turn.read(request)),
                    Request::Write(request) => Reply::Done(turn.write(request)),
                    Request::Delete(request) => Reply::Done(turn.delete(request)),
                    Request::Summarize(request) => Reply::Summary(turn.summarize(&request)),
                };
                turn.out.replies.push((caller, reply));
            }
            Event::Cold(name) => turn.snapshot_cold(name),
            Event::Loaded => {
                for (name, _) in self.held.iter().filter(|(_, held)| held.updates > 0) {
                    turn.arm_cold(name.clone());
                }
            }
        }
        turn.out
    }

    fn replay(&mut self, origin: Origin, record: Record) {
        self.end_offset = origin.log_offset + 1;
        match record {
            Record::Snapshot(name, Some(value)) => {
                let held = Held { value, updates: 0, snapshot_offset: origin.log_offset };
                if let Some(before) = self.held.insert(name, held) {
                    self.snapshot_offsets.remove(&before.snapshot_offset);
                }
                self.snapshot_offsets.insert(origin.log_offset);
            }
            Record::Snapshot(name, None) => {
                if let Some(before) = self.held.remove(&name) {
                    self.snapshot_offsets.remove(&before.snapshot_offset);
                }
            }
            // One whose snapshot was deleted with the log's start adds to nothing.
            Record::Update(name, update) => {
                if let Some(held) = self.held.get_mut(&name) {
                    held.updates = held.updates.saturating_add(1);
                    held.value = updated(&held.value, &update);
                }
            }
        }
    }

    fn apply(&mut self, soft: Infallible) {
        match soft {}
    }

    fn encode(record: &Record) -> Result<(Vec<u8>, Option<Vec<u8>>), FieldError> {
        record.encode()
    }

    fn decode(key: &[u8], value: Option<&[u8]>) -> Result<Option<Record>, FieldError> {
        Record::decode(key, value)
    }

    fn contents(&self) -> String {
        format!("{} share-partitions", self.held.len())
    }

    fn on_timer(key: ShareName) -> Event {
        Event::Cold(key)
    }

    fn on_loaded() -> Event {
        Event::Loaded
    }
}

impl StateShard {
    /// The offset below which the log says nothing that is not said again: of the oldest snapshot that counts, or the end.
    pub fn redundant_below(&self) -> i64 {
        self.snapshot_offsets.first().copied().unwrap_or(self.end_offset)
    }
}

/// A snapshot with an update laid over it.
fn updated(value: &SnapshotValue, update: &UpdateValue) -> SnapshotValue {
    let start_offset = if update.start_offset == -1 { value.start_offset } else { update.start_offset };
    SnapshotValue {
        leader_epoch: if update.leader_epoch == NOT_SAID { value.leader_epoch } else { update.leader_epoch },
        start_offset,
        delivery_complete_count: update.delivery_complete_count,
        batches: combine(&value.batches, &update.batches, start_offset),
        ..value.clone()
    }
}

/// One step in the making.
struct Turn<'a> {
    shard: &'a StateShard,
    now: Now,
    out: Effects,
}

impl Turn<'_> {
    fn initialize(&mut self, request: Initialize) -> Result<(), Refused> {
        let Initialize { name, exists, state_epoch, start_offset } = request;
        let held = self.shard.held.get(&name);
        checked(&name)?;
        if held.is_some_and(|held| state_epoch != NOT_SAID && held.value.state_epoch > state_epoch) {
            return Err(Refused::FencedStateEpoch);
        }
        known(exists)?;
        if held.is_none() && self.shard.held.len() >= MAX_SHARD_NAMES {
            return Err(Refused::CoordinatorNotAvailable);
        }
        let value = SnapshotValue {
            snapshot_epoch: held.map_or(0, |held| held.value.snapshot_epoch.saturating_add(1)),
            state_epoch,
            leader_epoch: 0,
            start_offset,
            // Of a start that is given all is to be delivered still; of an unknown one nothing can be said.
            delivery_complete_count: if start_offset == -1 { NOT_SAID } else { 0 },
            create_timestamp_ms: self.now.wall_ms,
            write_timestamp_ms: self.now.wall_ms,
            batches: Vec::new(),
        };
        self.snapshot(name, value);
        Ok(())
    }

    /// Raises the leader's epoch, where it is higher, before it answers.
    fn read(&mut self, request: Read) -> Result<Known, Refused> {
        let Read { name, exists, leader_epoch } = request;
        checked(&name)?;
        let held = self.shard.held.get(&name);
        fence_leader(held, leader_epoch)?;
        known(exists)?;
        let held = held.ok_or(Refused::InvalidRequest(READ_UNINITIALIZED))?;
        let value = &held.value;
        let answer =
            Known { state_epoch: value.state_epoch, start_offset: value.start_offset, batches: value.batches.clone() };
        if leader_epoch != NOT_SAID && leader_epoch != value.leader_epoch {
            let write_timestamp_ms = self.now.wall_ms;
            self.snapshot(name, SnapshotValue { leader_epoch, write_timestamp_ms, ..value.clone() });
        }
        Ok(answer)
    }

    fn write(&mut self, request: Write) -> Result<(), Refused> {
        let held = self.shard.held.get(&request.name);
        checked(&request.name)?;
        let held = held.ok_or(Refused::InvalidRequest(WRITE_UNINITIALIZED))?;
        fence_leader(Some(held), request.leader_epoch)?;
        if request.state_epoch != NOT_SAID && held.value.state_epoch > request.state_epoch {
            return Err(Refused::FencedStateEpoch);
        }
        known(request.exists)?;
        if request.batches.iter().any(|batch| batch.first_offset < 0 || batch.last_offset < batch.first_offset) {
            return Err(Refused::InvalidRequest(BAD_BATCH));
        }
        let update = UpdateValue {
            snapshot_epoch: held.value.snapshot_epoch,
            leader_epoch: request.leader_epoch,
            start_offset: request.start_offset,
            delivery_complete_count: request.delivery_complete_count,
            batches: combine(&[], &request.batches, request.start_offset),
        };
        if held.updates >= self.shard.settings.updates_per_snapshot {
            let mut value = updated(&held.value, &update);
            value.state_epoch = request.state_epoch.max(held.value.state_epoch);
            value.snapshot_epoch = value.snapshot_epoch.saturating_add(1);
            value.write_timestamp_ms = self.now.wall_ms;
            self.snapshot(request.name, value);
        } else {
            self.arm_cold(request.name.clone());
            self.out.records.push(Record::Update(request.name, update));
        }
        Ok(())
    }

    fn delete(&mut self, request: Delete) -> Result<(), Refused> {
        checked(&request.name)?;
        // Of a topic that is gone the state may go all the more; Kafka refuses there as well.
        known(request.exists)?;
        if self.shard.held.contains_key(&request.name) {
            self.out.timers.push(TimerChange::Cancel(request.name.clone()));
            self.out.records.push(Record::Snapshot(request.name, None));
        }
        Ok(())
    }

    fn summarize(&self, request: &Summarize) -> Result<Summary, Refused> {
        checked(&request.name)?;
        let held = self.shard.held.get(&request.name);
        fence_leader(held, request.leader_epoch)?;
        known(request.exists)?;
        Ok(held.map_or(NOTHING, |held| Summary {
            state_epoch: held.value.state_epoch,
            leader_epoch: held.value.leader_epoch,
            start_offset: held.value.start_offset,
            delivery_complete_count: held.value.delivery_complete_count,
        }))
    }

    /// A share-partition that nobody writes to must not hold back the log's start.
    fn snapshot_cold(&mut self, name: ShareName) {
        if let Some(held) = self.shard.held.get(&name).filter(|held| held.updates > 0) {
            let snapshot_epoch = held.value.snapshot_epoch.saturating_add(1);
            let write_timestamp_ms = self.now.wall_ms;
            self.snapshot(name, SnapshotValue { snapshot_epoch, write_timestamp_ms, ..held.value.clone() });
        }
    }

    fn snapshot(&mut self, name: ShareName, value: SnapshotValue) {
        self.out.timers.push(TimerChange::Cancel(name.clone()));
        self.out.records.push(Record::Snapshot(name, Some(value)));
    }

    fn arm_cold(&mut self, name: ShareName) {
        let deadline_ms = self.now.mono_ms.saturating_add(self.shard.settings.cold_snapshot_interval_ms);
        self.out.timers.push(TimerChange::Arm(name, deadline_ms));
    }
}

/// What is said of a share-partition that nobody has set up.
const NOTHING: Summary = Summary { state_epoch: 0, leader_epoch: 0, start_offset: -1, delivery_complete_count: -1 };

const NEGATIVE_PARTITION: &str = "The partition id cannot be a negative number.";
const NO_TOPIC_ID: &str = "The topic id cannot be null.";
const READ_UNINITIALIZED: &str = "Read operation on uninitialized share partition not allowed.";
const WRITE_UNINITIALIZED: &str = "Write operation on uninitialized share partition not allowed.";
const BAD_BATCH: &str = "A state batch must hold offsets that are not negative, in order.";

fn checked(name: &ShareName) -> Result<(), Refused> {
    if name.topic_id.is_nil() {
        return Err(Refused::InvalidRequest(NO_TOPIC_ID));
    }
    match name.partition {
        0.. => Ok(()),
        _ => Err(Refused::InvalidRequest(NEGATIVE_PARTITION)),
    }
}

fn known(exists: bool) -> Result<(), Refused> {
    if exists {
        Ok(())
    } else {
        Err(Refused::UnknownTopicOrPartition)
    }
}

fn fence_leader(held: Option<&Held>, leader_epoch: i32) -> Result<(), Refused> {
    match held.is_some_and(|held| leader_epoch != NOT_SAID && held.value.leader_epoch > leader_epoch) {
        true => Err(Refused::FencedLeaderEpoch),
        false => Ok(()),
    }
}
