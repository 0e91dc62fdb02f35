//! The reader of what transactions commit: it reads committed records only, and adds up.

use super::{pause, payer, Scene};
use crate::rng::Rng;
use crate::sim::batch;
use crate::sim::client::Connection;
use crate::sim::ledger::Ledger;
use crate::sim::oracle::{Mark, Place};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::{FetchRequest, ListOffsetsRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const NONE: i16 = 0;
const READ_COMMITTED: i8 = 1;
/// Longer than any transaction may stay open once its producer is gone, in steps of 100 ms.
const STABLE_STEPS: u32 = 300;

/// A client that reads committed records, each once, from its first to the last.
pub struct Accountant {
    rng: Rng,
    positions: BTreeMap<Place, i64>,
}

impl Accountant {
    /// One that has read nothing yet.
    pub fn new(rng: Rng) -> Self {
        Self { rng, positions: BTreeMap::new() }
    }

    fn places(scene: Scene<'_>) -> Vec<Place> {
        let oracle = scene.oracle.borrow();
        let mut places = oracle.places();
        places.retain(|place| oracle.topics[&place.0].name == payer::TOPIC);
        places
    }

    /// Reads, until there is nothing new to come.
    pub async fn run(&mut self, scene: Scene<'_>, ledger: &RefCell<Ledger>) {
        if scene.closing {
            return;
        }
        let mut connection = Connection::open(scene.life);
        loop {
            for place in Self::places(scene) {
                let from = self.positions.get(&place).copied().unwrap_or(0);
                let wait_ms = self.rng.below(100) as i32;
                if let Some((next, _)) = read(&mut connection, scene, ledger, place, from, wait_ms).await {
                    self.positions.insert(place, next);
                }
                if self.rng.below(4) == 0 {
                    self.check_latest(&mut connection, scene, place).await;
                }
            }
            pause(&self.rng, 60).await;
        }
    }

    /// The latest offset for committed readers is one that they have reached, or will.
    async fn check_latest(&self, connection: &mut Connection<'_>, scene: Scene<'_>, place: Place) {
        let reached = self.positions.get(&place).copied().unwrap_or(0);
        let Some(latest) = latest(connection, scene, place, READ_COMMITTED).await else { return };
        if latest < reached {
            scene
                .life
                .broken(&format!("{place:?} ends at {latest} for committed readers, who have read up to {reached}"));
        }
    }

    /// Waits until everything is stable, and compares all that committed readers see with what was told.
    pub async fn settle(&mut self, scene: Scene<'_>, ledger: &RefCell<Ledger>) {
        let mut connection = Connection::reliable(scene.life);
        let mut seen = BTreeSet::new();
        for place in Self::places(scene) {
            await_stable(&mut connection, scene, place).await;
            let mut position = 0;
            while let Some((next, marks)) = read(&mut connection, scene, ledger, place, position, 0).await {
                if next == position {
                    break;
                }
                for mark in marks {
                    if !seen.insert(mark) {
                        scene.life.broken(&format!("{place:?} shows {mark:?} twice to committed readers"));
                    }
                }
                position = next;
            }
        }
        ledger.borrow_mut().settle(scene.life, &seen);
    }
}

/// Nobody writes any more: what is open times out, and what has ended is marked.
async fn await_stable(connection: &mut Connection<'_>, scene: Scene<'_>, place: Place) {
    for _ in 0..STABLE_STEPS {
        let stable = latest(connection, scene, place, READ_COMMITTED).await;
        let all = latest(connection, scene, place, 0).await;
        if stable.is_some() && stable == all {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    scene.life.broken(&format!("{place:?}: the last stable offset is stuck"));
}

/// One read from `from`: where to go on, and the records that count.
async fn read(
    connection: &mut Connection<'_>,
    scene: Scene<'_>,
    ledger: &RefCell<Ledger>,
    place: Place,
    from: i64,
    max_wait_ms: i32,
) -> Option<(i64, Vec<Mark>)> {
    let partition = FetchPartition::default()
        .with_partition(place.1)
        .with_fetch_offset(from)
        .with_partition_max_bytes(200 + scene.life.chance.below(60_000) as i32);
    let request = FetchRequest::default()
        .with_max_wait_ms(max_wait_ms)
        .with_min_bytes(1)
        .with_max_bytes(1 << 20)
        .with_isolation_level(READ_COMMITTED)
        .with_session_epoch(-1)
        .with_topics(vec![FetchTopic::default().with_topic_id(place.0).with_partitions(vec![partition])]);
    let answer = connection.call(13, &request).await.ok()?;
    let found = answer.responses.first().and_then(|topic| topic.partitions.first());
    let Some(found) = found else { scene.life.broken("a fetch answers nothing") };
    if found.error_code != NONE {
        scene.unexpected("a committed read", found.error_code);
        return None;
    }
    let stable = found.last_stable_offset;
    let aborted = found.aborted_transactions.iter().flatten();
    let aborted: Vec<(i64, i64)> = aborted.map(|one| (*one.producer_id, one.first_offset)).collect();
    let bytes = found.records.clone().unwrap_or_default();
    let records = batch::committed(&bytes, &aborted);
    let records = records.unwrap_or_else(|why| scene.life.broken(&format!("{place:?}: {why}")));
    let mut ledger = ledger.borrow_mut();
    ledger.stable(scene.life, place, stable, found.high_watermark);
    let mut next = from;
    let mut marks = Vec::new();
    for (offset, mark) in records.into_iter().filter(|(offset, _)| *offset >= from) {
        if offset != next || offset >= stable {
            scene.life.broken(&format!("{place:?} gives {offset} at {next}, stable up to {stable}"));
        }
        next = offset + 1;
        if let Some(mark) = mark {
            ledger.read_committed(scene.life, place, offset, mark);
            marks.push(mark);
        }
    }
    Some((next, marks))
}

async fn latest(connection: &mut Connection<'_>, scene: Scene<'_>, place: Place, isolation: i8) -> Option<i64> {
    let partition =
        ListOffsetsPartition::default().with_partition_index(place.1).with_current_leader_epoch(-1).with_timestamp(-1);
    let topic = ListOffsetsTopic::default()
        .with_name(TopicName(StrBytes::from_static_str(payer::TOPIC)))
        .with_partitions(vec![partition]);
    let request = ListOffsetsRequest::default()
        .with_replica_id((-1).into())
        .with_isolation_level(isolation)
        .with_topics(vec![topic]);
    let answer = connection.call(7, &request).await.ok()?;
    let found = answer.topics.first().and_then(|topic| topic.partitions.first())?;
    if found.error_code != NONE {
        scene.unexpected("ListOffsets", found.error_code);
        return None;
    }
    Some(found.offset)
}
