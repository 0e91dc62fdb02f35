//! Producers of transactions: they write to several partitions and move their group's offset, all of it or nothing. Some
//! fall silent until they are timed out, some meet a newer instance of themselves.

use super::{member, pause, Scene};
use crate::clock::Clock;
use crate::rng::Rng;
use crate::sim::batch::{self, Sequence};
use crate::sim::client::Connection;
use crate::sim::ledger::{Ledger, TransactionId};
use crate::sim::oracle::{Mark, Oracle, Place};
use bytes::Bytes;
use futures_util::future::join;
use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddPartitionsToTxnRequest, EndTxnRequest, FindCoordinatorRequest, GroupId,
    IncrementalAlterConfigsRequest, InitProducerIdRequest, OffsetFetchRequest, ProduceRequest, ProducerId, TopicName,
    TransactionalId, TxnOffsetCommitRequest,
};
use kafka_protocol::protocol::StrBytes;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

/// The topic that transactions write to; it is never deleted, nor are its records.
pub const TOPIC: &str = "paid";
/// Its partitions.
pub const PARTITIONS: i32 = 3;

const NONE: i16 = 0;
const OUT_OF_ORDER_SEQUENCE_NUMBER: i16 = 45;
const INVALID_TXN_STATE: i16 = 48;
const UNSTABLE_OFFSET_COMMIT: i16 = 88;
const TRANSACTION_ABORTABLE: i16 = 120;
/// REQUEST_TIMED_OUT, COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR, NOT_ENOUGH_REPLICAS,
/// CONCURRENT_TRANSACTIONS: to be asked again.
const AGAIN: [i16; 6] = [7, 14, 15, 16, 19, 51];
/// INVALID_PRODUCER_EPOCH, INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED: somebody has taken over.
const FENCED: [i16; 3] = [47, 49, 90];
/// Payers' records are told apart from those of other producers by this.
const FIRST_ID: u32 = 1000;
/// Tries until a newer instance has got an identity.
const RIVAL_TRIES: u32 = 100;

/// A client that produces in transactions.
pub struct Payer {
    id: u32,
    name: String,
    rng: Rng,
    /// It speaks transaction version 2: partitions join on the way, and epochs grow with every transaction.
    implicit: bool,
    timeout_ms: i32,
    number: u32,
    transactions: i64,
    /// Producer id and epoch.
    identity: Option<(i64, i16)>,
    next: BTreeMap<Place, i32>,
    open: Option<Open>,
}

/// A transaction that has not come to its end.
struct Open {
    id: TransactionId,
    /// Partitions (and the group) have been added to it, where the client does that.
    added: bool,
    batches: Vec<Batch>,
    /// Batches that were acknowledged.
    done: usize,
    /// The group's offset is to be committed with it.
    offset_due: bool,
    commit: bool,
    /// A commit, and none else, has been asked for: it cannot be aborted any more.
    asked: bool,
    /// To be met with, once.
    trouble: Trouble,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Trouble {
    None,
    Silence,
    Rival,
}

struct Batch {
    place: Place,
    marks: Vec<Mark>,
    bytes: Bytes,
}

/// What an answer means for a transaction.
enum Heard {
    Done,
    Again,
    /// It can only be aborted.
    Abort,
    Fenced,
}

fn text(text: impl Into<String>) -> StrBytes {
    StrBytes::from_string(text.into())
}

impl Payer {
    /// Draws one.
    pub fn draw(id: u32, rng: Rng, oracle: &mut Oracle) -> Self {
        let id = FIRST_ID + id;
        oracle.note_idempotent(id);
        let implicit = rng.below(2) == 0;
        let timeout_ms = 1_500 + rng.below(6_000) as i32;
        Self {
            id,
            name: format!("payer{id}{}", if implicit { "+" } else { "" }),
            rng,
            implicit,
            timeout_ms,
            number: 0,
            transactions: 0,
            identity: None,
            next: BTreeMap::new(),
            open: None,
        }
    }

    fn transactional_id(&self) -> TransactionalId {
        TransactionalId(text(format!("payments-{}", self.id)))
    }

    fn group_id(&self) -> GroupId {
        GroupId(text(format!("payers-{}", self.id)))
    }

    /// Pays.
    pub async fn run(&mut self, scene: Scene<'_>, ledger: &RefCell<Ledger>) {
        let mut connection = Connection::open(scene.life);
        while !(scene.has_topic(TOPIC) && scene.has_topic(member::TOPIC)) {
            if scene.closing {
                return;
            }
            pause(&self.rng, 50).await;
        }
        while !ledger.borrow().is_durable {
            if self.id == FIRST_ID {
                self.make_durable(scene, ledger).await;
            }
            pause(&self.rng, 100).await;
        }
        loop {
            if scene.closing && self.open.is_none() {
                return;
            }
            if self.identity.is_none() {
                self.identify(&mut connection, scene).await;
            } else if self.open.is_none() {
                if self.rng.below(3) == 0 {
                    self.check_offset(&mut connection, scene, ledger).await;
                }
                self.begin(scene, ledger);
            } else {
                self.go_on(&mut connection, scene, ledger).await;
            }
            pause(&self.rng, 40).await;
        }
    }

    /// Makes the topics of the coordinators, and has them flushed before they acknowledge: only then can nothing of a
    /// transaction be lost.
    async fn make_durable(&mut self, scene: Scene<'_>, ledger: &RefCell<Ledger>) {
        let mut connection = Connection::reliable(scene.life);
        for key_type in [0, 1] {
            let find = FindCoordinatorRequest::default()
                .with_key_type(key_type)
                .with_coordinator_keys(vec![text(format!("payers-{}", self.id))]);
            let Ok(found) = connection.call(4, &find).await else { return };
            let error = found.coordinators.first().map_or(-1, |coordinator| coordinator.error_code);
            if error != NONE {
                if !AGAIN.contains(&error) {
                    scene.unexpected("FindCoordinator", error);
                }
                return;
            }
        }
        let resources = ["__consumer_offsets", "__transaction_state"].map(|topic| {
            let durable = AlterableConfig::default().with_name(text("flush.before.ack")).with_value(Some(text("true")));
            AlterConfigsResource::default()
                .with_resource_type(2)
                .with_resource_name(text(topic))
                .with_configs(vec![durable])
        });
        let request = IncrementalAlterConfigsRequest::default().with_resources(resources.into());
        let Ok(altered) = connection.call(1, &request).await else { return };
        let errors: Vec<i16> = altered.responses.iter().map(|response| response.error_code).collect();
        scene.life.note(&self.name, &format!("makes coordinators durable: {errors:?}"));
        ledger.borrow_mut().is_durable = errors == [NONE, NONE];
    }

    async fn identify(&mut self, connection: &mut Connection<'_>, scene: Scene<'_>) {
        if let Some(identity) = self.init_producer_id(connection, scene).await {
            self.identity = Some(identity);
            self.next.clear();
        }
    }

    async fn init_producer_id(&self, connection: &mut Connection<'_>, scene: Scene<'_>) -> Option<(i64, i16)> {
        let request = InitProducerIdRequest::default()
            .with_transactional_id(Some(self.transactional_id()))
            .with_transaction_timeout_ms(self.timeout_ms)
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1);
        let answer = connection.call(4, &request).await.ok()?;
        let identity = (*answer.producer_id, answer.producer_epoch);
        scene.life.note(&self.name, &format!("is {identity:?} ({})", answer.error_code));
        match answer.error_code {
            NONE => Some(identity),
            error if AGAIN.contains(&error) => None,
            error => {
                scene.unexpected("InitProducerId", error);
                None
            }
        }
    }

    fn begin(&mut self, scene: Scene<'_>, ledger: &RefCell<Ledger>) {
        self.transactions += 1;
        let id = (self.id, self.transactions);
        let mut oracle = scene.oracle.borrow_mut();
        let mut places = oracle.places();
        places.retain(|place| oracle.topics[&place.0].name == TOPIC);
        let (producer_id, epoch) = self.identity.expect("asked for before");
        let mut batches = Vec::new();
        for _ in 0..1 + self.rng.below(4) {
            let place = places[self.rng.below(places.len() as u64) as usize];
            let marks: Vec<Mark> = (0..1 + self.rng.below(4))
                .map(|_| {
                    self.number += 1;
                    Mark { producer: self.id, number: self.number }
                })
                .collect();
            marks.iter().for_each(|mark| oracle.note_sent(*mark, place));
            let next = self.next.entry(place).or_default();
            let sequence = Sequence { producer_id, epoch, first: *next, transactional: true };
            *next += marks.len() as i32;
            let bytes = batch::batch(&marks, sequence, scene.life.clock.now().wall_ms, &self.rng);
            batches.push(Batch { place, marks, bytes });
        }
        let marks = batches.iter().flat_map(|batch| batch.marks.iter().map(|mark| (*mark, batch.place))).collect();
        let offset_due = self.rng.below(2) == 0;
        let trouble = match self.rng.below(16) {
            0 => Trouble::Silence,
            1 => Trouble::Rival,
            _ => Trouble::None,
        };
        let commit = self.rng.below(3) > 0;
        ledger.borrow_mut().begin(id, marks, offset_due);
        scene.life.note(&self.name, &format!("begins {} of {} batches", id.1, batches.len()));
        self.open =
            Some(Open { id, added: self.implicit, batches, done: 0, offset_due, commit, asked: false, trouble });
    }

    /// One step of the transaction that is open.
    async fn go_on(&mut self, connection: &mut Connection<'_>, scene: Scene<'_>, ledger: &RefCell<Ledger>) {
        let open = self.open.as_ref().expect("one is open");
        let is_written = open.done == open.batches.len();
        let (what, heard) = if open.asked || (!open.commit && open.done > 0 && self.rng.below(2) == 0) {
            return self.end(connection, scene, ledger).await;
        } else if !open.added {
            ("AddPartitionsToTxn", self.add(connection, scene, open).await)
        } else if !is_written {
            let batch = &open.batches[open.done];
            ("a transactional produce", self.produce(connection, scene, self.identity, batch).await)
        } else if open.offset_due {
            ("TxnOffsetCommit", self.commit_offset(connection, scene, self.identity, open.id.1).await)
        } else {
            match open.trouble {
                Trouble::None => {}
                Trouble::Silence => {
                    scene.life.note(&self.name, "falls silent");
                    tokio::time::sleep(Duration::from_millis(self.rng.below(3 * self.timeout_ms as u64))).await;
                }
                Trouble::Rival => self.meet_rival(scene, ledger).await,
            }
            if let Some(open) = &mut self.open {
                open.trouble = Trouble::None;
                return self.end(connection, scene, ledger).await;
            }
            return;
        };
        let Some(error) = heard else { return };
        scene.life.note(&self.name, &format!("{what}: {error}"));
        let open = self.open.as_mut().expect("one is open");
        match hear(scene, what, error) {
            Heard::Done if !open.added => open.added = true,
            Heard::Done if !is_written => open.done += 1,
            Heard::Done => open.offset_due = false,
            Heard::Again => {}
            Heard::Abort => {
                open.commit = false;
                self.end(connection, scene, ledger).await;
            }
            Heard::Fenced => self.give_up(scene, ledger),
        }
    }

    /// Somebody has taken over, or the identity is not what it was.
    fn give_up(&mut self, scene: Scene<'_>, ledger: &RefCell<Ledger>) {
        if let Some(open) = self.open.take() {
            ledger.borrow_mut().fenced(scene.life, open.id);
        }
        self.identity = None;
    }

    async fn add(&self, connection: &mut Connection<'_>, scene: Scene<'_>, open: &Open) -> Option<i16> {
        let (producer_id, producer_epoch) = self.identity?;
        let mut partitions: Vec<i32> = open.batches.iter().map(|batch| batch.place.1).collect();
        partitions.sort_unstable();
        partitions.dedup();
        let topic = AddPartitionsToTxnTopic::default().with_name(TopicName(text(TOPIC))).with_partitions(partitions);
        let request = AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(self.transactional_id())
            .with_v3_and_below_producer_id(ProducerId(producer_id))
            .with_v3_and_below_producer_epoch(producer_epoch)
            .with_v3_and_below_topics(vec![topic]);
        let answer = connection.call(3, &request).await.ok()?;
        let mut results = answer.results_by_topic_v3_and_below.iter().flat_map(|topic| &topic.results_by_partition);
        if let Some(failed) = results.find(|result| result.partition_error_code != NONE) {
            return Some(failed.partition_error_code);
        }
        if !open.offset_due {
            return Some(NONE);
        }
        let request = AddOffsetsToTxnRequest::default()
            .with_transactional_id(self.transactional_id())
            .with_producer_id(ProducerId(producer_id))
            .with_producer_epoch(producer_epoch)
            .with_group_id(self.group_id());
        let answer = connection.call(3, &request).await.ok()?;
        scene.life.note(&self.name, &format!("AddOffsetsToTxn: {}", answer.error_code));
        Some(answer.error_code)
    }

    async fn produce(
        &self,
        connection: &mut Connection<'_>,
        scene: Scene<'_>,
        identity: Option<(i64, i16)>,
        batch: &Batch,
    ) -> Option<i16> {
        identity?;
        let version = if self.implicit { 12 + self.rng.below(2) } else { 9 + self.rng.below(3) } as i16;
        let mut topic = TopicProduceData::default().with_partition_data(vec![PartitionProduceData::default()
            .with_index(batch.place.1)
            .with_records(Some(batch.bytes.clone()))]);
        match version {
            13.. => topic.topic_id = batch.place.0,
            _ => topic.name = TopicName(text(TOPIC)),
        }
        let request = ProduceRequest::default()
            .with_transactional_id(Some(self.transactional_id()))
            .with_acks(-1)
            .with_timeout_ms(100 + self.rng.below(5_000) as i32)
            .with_topic_data(vec![topic]);
        let answer = connection.call(version, &request).await.ok()?;
        let partition = answer.responses.first().and_then(|topic| topic.partition_responses.first());
        let Some(partition) = partition else { scene.life.broken("a produce is answered without its partition") };
        if partition.error_code == NONE {
            let mut oracle = scene.oracle.borrow_mut();
            oracle.acknowledged(scene.life, batch.place, partition.base_offset, &batch.marks, true);
        }
        Some(partition.error_code)
    }

    async fn commit_offset(
        &self,
        connection: &mut Connection<'_>,
        scene: Scene<'_>,
        identity: Option<(i64, i16)>,
        number: i64,
    ) -> Option<i16> {
        let (producer_id, producer_epoch) = identity?;
        let partition = TxnOffsetCommitRequestPartition::default()
            .with_partition_index(0)
            .with_committed_offset(number)
            .with_committed_metadata(Some(text("")));
        let topic = TxnOffsetCommitRequestTopic::default()
            .with_name(TopicName(text(member::TOPIC)))
            .with_partitions(vec![partition]);
        let request = TxnOffsetCommitRequest::default()
            .with_transactional_id(self.transactional_id())
            .with_group_id(self.group_id())
            .with_producer_id(ProducerId(producer_id))
            .with_producer_epoch(producer_epoch)
            .with_topics(vec![topic]);
        let version = if self.implicit { 5 } else { 3 + self.rng.below(2) as i16 };
        let answer = connection.call(version, &request).await.ok()?;
        let partition = answer.topics.first().and_then(|topic| topic.partitions.first());
        let Some(partition) = partition else { scene.life.broken("TxnOffsetCommit answers nothing") };
        Some(partition.error_code)
    }

    async fn end_txn(
        &self,
        connection: &mut Connection<'_>,
        identity: Option<(i64, i16)>,
        commit: bool,
    ) -> Option<(i16, (i64, i16))> {
        let (producer_id, producer_epoch) = identity?;
        let request = EndTxnRequest::default()
            .with_transactional_id(self.transactional_id())
            .with_producer_id(ProducerId(producer_id))
            .with_producer_epoch(producer_epoch)
            .with_committed(commit);
        let version = if self.implicit { 5 } else { 3 };
        let answer = connection.call(version, &request).await.ok()?;
        Some((answer.error_code, (*answer.producer_id, answer.producer_epoch)))
    }

    /// Asks for the end until it is told.
    async fn end(&mut self, connection: &mut Connection<'_>, scene: Scene<'_>, ledger: &RefCell<Ledger>) {
        let open = self.open.as_mut().expect("one is open");
        let (id, commit) = (open.id, open.commit);
        open.asked = true;
        ledger.borrow_mut().asked(scene.life, id, commit);
        let Some((error, identity)) = self.end_or_race(connection, scene).await else { return };
        scene.life.note(&self.name, &format!("ends {}, commit {commit}: {error}", id.1));
        let settled = self.open.as_ref().is_some_and(|open| open.done == open.batches.len() && !open.offset_due);
        match hear(scene, "EndTxn", error) {
            Heard::Done => {
                ledger.borrow_mut().ended(scene.life, id, commit);
                let before = self.identity;
                let place = self.open.take().and_then(|open| Some(open.batches.last()?.place));
                // What was sent last may still be on its way, unless all of it was told: a new epoch keeps it out.
                self.identity = self.identity.filter(|_| settled);
                if self.implicit && settled {
                    self.identity = Some(identity);
                }
                if let (Some(before), Some(place), 0) = (before, place, self.rng.below(6)) {
                    self.send_late(scene, before, place).await;
                    self.identity = self.identity.filter(|_| self.implicit);
                }
                if self.implicit {
                    self.next.clear();
                }
            }
            Heard::Again => {}
            Heard::Abort => {
                // There was nothing to end, or it was aborted: a commit that was asked for has not happened.
                ledger.borrow_mut().ended(scene.life, id, false);
                (self.open, self.identity) = (None, None);
            }
            Heard::Fenced => self.give_up(scene, ledger),
        }
    }

    /// Asks for the end; now and then while a batch of the transaction is still on its way, which must not open anything
    /// that nobody ends.
    async fn end_or_race(&self, connection: &mut Connection<'_>, scene: Scene<'_>) -> Option<(i16, (i64, i16))> {
        let open = self.open.as_ref()?;
        let late = open.batches.get(open.done).filter(|_| open.added && !open.commit && self.rng.below(2) == 0);
        let Some(late) = late else { return self.end_txn(connection, self.identity, open.commit).await };
        let mut other = Connection::reliable(scene.life);
        let racing = async {
            pause(&self.rng, 20).await;
            self.produce(&mut other, scene, self.identity, late).await
        };
        let ending = async {
            pause(&self.rng, 20).await;
            self.end_txn(connection, self.identity, false).await
        };
        let (produced, ended) = join(racing, ending).await;
        scene.life.note(&self.name, &format!("races: {produced:?}, {ended:?}"));
        ended
    }

    /// Sends one more batch of a transaction that has ended, as it would come by a detour. While the marker is on its way
    /// it is part of the transaction; afterwards it is refused, or would be open for ever.
    async fn send_late(&mut self, scene: Scene<'_>, identity: (i64, i16), place: Place) {
        let mut connection = Connection::reliable(scene.life);
        let late = self.one_more(scene, identity, place);
        let produced = self.produce(&mut connection, scene, Some(identity), &late).await;
        scene.life.note(&self.name, &format!("too late: {produced:?}"));
        // Its sequence is used up, perhaps.
        self.next.remove(&place);
    }

    /// A batch that continues what was sent to a partition, and that belongs to no transaction of the ledger.
    fn one_more(&mut self, scene: Scene<'_>, (producer_id, epoch): (i64, i16), place: Place) -> Batch {
        let first = self.next.get(&place).copied().unwrap_or(0);
        let sequence = Sequence { producer_id, epoch, first, transactional: true };
        self.number += 1;
        let marks = vec![Mark { producer: self.id, number: self.number }];
        scene.oracle.borrow_mut().note_sent(marks[0], place);
        let bytes = batch::batch(&marks, sequence, scene.life.clock.now().wall_ms, &self.rng);
        Batch { place, marks, bytes }
    }

    /// A newer instance takes over: whatever this one sends from now on must be refused.
    async fn meet_rival(&mut self, scene: Scene<'_>, ledger: &RefCell<Ledger>) {
        let mut connection = Connection::reliable(scene.life);
        let zombie = self.identity;
        let mut newer = None;
        for _ in 0..RIVAL_TRIES {
            newer = self.init_producer_id(&mut connection, scene).await;
            if newer.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let Some(newer) = newer else { return };
        let Some(open) = self.open.take() else { return };
        ledger.borrow_mut().fenced(scene.life, open.id);
        let place = open.batches.last().expect("a transaction has a batch").place;
        let late = self.one_more(scene, zombie.expect("it has begun a transaction"), place);
        let produced = self.produce(&mut connection, scene, zombie, &late).await;
        let committed = self.commit_offset(&mut connection, scene, zombie, open.id.1).await;
        let ended = self.end_txn(&mut connection, zombie, true).await.map(|(error, _)| error);
        scene.life.note(&self.name, &format!("as a zombie: {produced:?}, {committed:?}, {ended:?}"));
        if [produced, committed, ended].contains(&Some(NONE)) {
            scene.life.broken(&format!("{} goes on after it was fenced", self.name));
        }
        self.identity = Some(newer);
        self.next.clear();
    }

    /// Compares the group's offset with what was committed.
    pub async fn check_offset(&self, connection: &mut Connection<'_>, scene: Scene<'_>, ledger: &RefCell<Ledger>) {
        let least = ledger.borrow().offset(self.id);
        let topics = OffsetFetchRequestTopics::default()
            .with_name(TopicName(text(member::TOPIC)))
            .with_partition_indexes(vec![0]);
        let request = OffsetFetchRequest::default().with_require_stable(true).with_groups(vec![
            OffsetFetchRequestGroup::default().with_group_id(self.group_id()).with_topics(Some(vec![topics])),
        ]);
        let Ok(answer) = connection.call(8, &request).await else { return };
        let Some(found) = answer.groups.first() else { scene.life.broken("OffsetFetch answers nothing") };
        if found.error_code != NONE {
            if !AGAIN.contains(&found.error_code) {
                scene.unexpected("OffsetFetch", found.error_code);
            }
            return;
        }
        let partition = found.topics.first().and_then(|topic| topic.partitions.first());
        let Some(partition) = partition else { scene.life.broken("OffsetFetch answers no partition") };
        match partition.error_code {
            NONE => {
                let offset = partition.committed_offset.max(0);
                scene.life.note(&self.name, &format!("its group is at {offset}"));
                ledger.borrow().told_offset(scene.life, self.id, offset, least);
            }
            UNSTABLE_OFFSET_COMMIT => {}
            error => scene.unexpected("a partition of OffsetFetch", error),
        }
    }
}

fn hear(scene: Scene<'_>, what: &str, error: i16) -> Heard {
    match error {
        NONE => Heard::Done,
        error if AGAIN.contains(&error) => Heard::Again,
        error if FENCED.contains(&error) => Heard::Fenced,
        OUT_OF_ORDER_SEQUENCE_NUMBER | INVALID_TXN_STATE | TRANSACTION_ABORTABLE => Heard::Abort,
        error => {
            scene.unexpected(what, error);
            Heard::Again
        }
    }
}
