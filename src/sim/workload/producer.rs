//! Producers: idempotent ones that try again until they are told how it went, and plain ones that do not.

use super::{pause, Scene};
use crate::clock::Clock;
use crate::rng::Rng;
use crate::sim::batch::{self, Sequence};
use crate::sim::client::Connection;
use crate::sim::oracle::{Mark, Oracle, Place};
use bytes::Bytes;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{InitProducerIdRequest, ProduceRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeMap;

const NONE: i16 = 0;
const REQUEST_TIMED_OUT: i16 = 7;
const OUT_OF_ORDER_SEQUENCE_NUMBER: i16 = 45;
/// The first version that names topics by their ids.
const BY_ID: i16 = 13;
/// Most records of a batch.
const BATCH_RECORDS: u64 = 6;
/// A pause between two batches, at most, in milliseconds.
const PAUSE_MS: u64 = 60;

/// A client that produces.
pub struct Producer {
    id: u32,
    name: String,
    rng: Rng,
    idempotent: bool,
    number: u32,
    /// Producer id and epoch.
    identity: Option<(i64, i16)>,
    /// The next sequence, and how often the partition had lost something when this was so.
    next: BTreeMap<Place, (i32, u32)>,
    in_flight: Option<Batch>,
}

struct Batch {
    place: Place,
    marks: Vec<Mark>,
    bytes: Bytes,
    losses: u32,
}

impl Producer {
    /// Draws one.
    pub fn draw(id: u32, rng: Rng, oracle: &mut Oracle) -> Self {
        let idempotent = id == 0 || rng.below(3) > 0;
        if idempotent {
            oracle.note_idempotent(id);
        }
        let name = format!("{}{id}", if idempotent { "idem" } else { "plain" });
        Self { id, name, rng, idempotent, number: 0, identity: None, next: BTreeMap::new(), in_flight: None }
    }

    /// Produces.
    pub async fn run(&mut self, scene: Scene<'_>) {
        let mut connection = Connection::open(scene.life);
        loop {
            if scene.closing && self.in_flight.is_none() {
                return;
            }
            if self.idempotent && self.identity.is_none() {
                self.identify(&mut connection, scene).await;
            } else if self.idempotent {
                self.produce_until_told(&mut connection, scene).await;
            } else {
                self.produce_once(&mut connection, scene).await;
            }
            pause(&self.rng, PAUSE_MS).await;
        }
    }

    async fn identify(&mut self, connection: &mut Connection<'_>, scene: Scene<'_>) {
        let request = InitProducerIdRequest::default().with_transactional_id(None);
        let Ok(answer) = connection.call(4, &request).await else { return };
        scene.life.note(&self.name, &format!("is {} ({})", *answer.producer_id, answer.error_code));
        match answer.error_code {
            NONE => {
                scene.oracle.borrow_mut().note_producer_id(scene.life, *answer.producer_id);
                self.identity = Some((*answer.producer_id, answer.producer_epoch));
                self.next.clear();
            }
            error => scene.unexpected("InitProducerId", error),
        }
    }

    /// Draws a batch for some partition that is there.
    fn draw_batch(&mut self, scene: Scene<'_>) -> Option<Batch> {
        let mut oracle = scene.oracle.borrow_mut();
        let places = oracle.places();
        let place = *places.get(self.rng.below(places.len().max(1) as u64) as usize)?;
        let losses = oracle.partition(place).losses;
        let (first, losses) = *self.next.entry(place).or_insert((0, losses));
        let marks: Vec<Mark> = (0..1 + self.rng.below(BATCH_RECORDS))
            .map(|_| {
                self.number += 1;
                Mark { producer: self.id, number: self.number }
            })
            .collect();
        marks.iter().for_each(|mark| oracle.note_sent(*mark, place));
        let sequence = match self.identity {
            Some((producer_id, epoch)) => Sequence { producer_id, epoch, first, transactional: false },
            None => Sequence::NONE,
        };
        let bytes = batch::batch(&marks, sequence, scene.life.clock.now().wall_ms, &self.rng);
        Some(Batch { place, marks, bytes, losses })
    }

    async fn produce_until_told(&mut self, connection: &mut Connection<'_>, scene: Scene<'_>) {
        if self.in_flight.is_none() {
            self.in_flight = self.draw_batch(scene);
        }
        let Some(batch) = &self.in_flight else { return };
        if !scene.oracle.borrow().is_created(&batch.place.0) {
            self.next.remove(&batch.place);
            self.in_flight = None;
            return;
        }
        let told = send(connection, scene, &self.rng, &self.name, batch, -1).await;
        let Some((error, base)) = told else { return };
        if !scene.oracle.borrow().is_created(&batch.place.0) {
            return;
        }
        match error {
            NONE => {
                let mut oracle = scene.oracle.borrow_mut();
                oracle.acknowledged(scene.life, batch.place, base, &batch.marks, true);
                let losses = oracle.partition(batch.place).losses;
                let next = self.next.entry(batch.place).or_default();
                *next = (next.0 + batch.marks.len() as i32, losses);
                self.in_flight = None;
            }
            REQUEST_TIMED_OUT => {}
            // What came before it is lost: this one is given up, and a new identity begins anew.
            OUT_OF_ORDER_SEQUENCE_NUMBER if scene.oracle.borrow_mut().partition(batch.place).losses > batch.losses => {
                self.in_flight = None;
                self.identity = None;
            }
            error => scene.unexpected("an idempotent produce", error),
        }
    }

    async fn produce_once(&mut self, connection: &mut Connection<'_>, scene: Scene<'_>) {
        let Some(batch) = self.draw_batch(scene).filter(|_| !scene.closing) else { return };
        let acks = [-1, -1, 1, 0][self.rng.below(4) as usize];
        let told = send(connection, scene, &self.rng, &self.name, &batch, acks).await;
        let Some((error, base)) = told.filter(|_| acks != 0) else { return };
        let mut oracle = scene.oracle.borrow_mut();
        match error {
            _ if !oracle.is_created(&batch.place.0) => {}
            NONE => oracle.acknowledged(scene.life, batch.place, base, &batch.marks, acks == -1),
            REQUEST_TIMED_OUT => {}
            error => scene.unexpected("a produce", error),
        }
    }
}

/// Sends a batch; error and base offset, if the answer was heard.
async fn send(
    connection: &mut Connection<'_>,
    scene: Scene<'_>,
    rng: &Rng,
    name: &str,
    batch: &Batch,
    acks: i16,
) -> Option<(i16, i64)> {
    let version = 7 + rng.below(7) as i16;
    let mut topic = TopicProduceData::default().with_partition_data(vec![PartitionProduceData::default()
        .with_index(batch.place.1)
        .with_records(Some(batch.bytes.clone()))]);
    if version >= BY_ID {
        topic.topic_id = batch.place.0;
    } else {
        let oracle = scene.oracle.borrow();
        topic.name = TopicName(StrBytes::from_string(oracle.topics[&batch.place.0].name.clone()));
    }
    let request = ProduceRequest::default()
        .with_acks(acks)
        .with_timeout_ms(100 + rng.below(5_000) as i32)
        .with_topic_data(vec![topic]);
    let (first, last) = (batch.marks.first()?.number, batch.marks.last()?.number);
    let told = match connection.call(version, &request).await {
        Ok(answer) if acks == 0 => Some((NONE, answer.throttle_time_ms.into())),
        Ok(answer) => {
            let partition = answer.responses.first().and_then(|topic| topic.partition_responses.first());
            let partition = partition.filter(|partition| partition.index == batch.place.1);
            let Some(partition) = partition else { scene.life.broken("a produce is answered without its partition") };
            Some((partition.error_code, partition.base_offset))
        }
        Err(_) => None,
    };
    scene.life.note(name, &format!("{first}..={last} to {} acks {acks}: {told:?}", batch.place.1));
    told
}
