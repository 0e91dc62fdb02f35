//! What must be true of records: a model of every partition, fed with what clients were told and what they read.
//!
//! **Known** is what a producer was told, with its offset, or what a consumer has read. Known records stay what they are at
//! their offsets, are there once, and are there for as long as they may not have been lost: a killed process loses nothing
//! known; a power cut may take a suffix of a partition, down to what is *durable*: read from, or acknowledged with acks=all
//! by, a topic with `flush.before.ack`, and all that was there at a clean stop.

use super::life::Life;
use crate::ids::Uuid;
use std::collections::{BTreeMap, BTreeSet};

/// A record's content, as one number: its producer and a count. It is never produced twice but by a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// Who produced it.
    pub producer: u32,
    /// Counts that producer's records.
    pub number: u32,
}

/// A partition of one incarnation of a topic.
pub type Place = (Uuid, i32);

/// What becomes of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopicState {
    /// It was there for somebody to see.
    Created,
    /// Its deletion was asked for.
    Deleting,
    /// Its deletion was acknowledged.
    Deleted,
}

/// A topic.
#[derive(Clone, Debug)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Its number of partitions.
    pub partitions: i32,
    /// `flush.before.ack`.
    pub flush_before_ack: bool,
    /// How far it is.
    pub state: TopicState,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    mark: Mark,
    durable: bool,
}

/// One partition.
#[derive(Default)]
pub struct Partition {
    known: BTreeMap<i64, Known>,
    offsets: BTreeMap<Mark, i64>,
    /// Where the log starts at least: acknowledged.
    pub start: i64,
    /// Where it starts at most: asked for.
    pub start_asked: i64,
    /// How often a suffix may have been lost.
    pub losses: u32,
}

impl Partition {
    /// Where what is known ends.
    pub fn known_end(&self) -> i64 {
        self.known.last_key_value().map_or(self.start, |(last, _)| last + 1)
    }
}

/// The model of all topics.
#[derive(Default)]
pub struct Oracle {
    /// By id.
    pub topics: BTreeMap<Uuid, Topic>,
    partitions: BTreeMap<Place, Partition>,
    /// Records that were handed to the network, and where they were to go.
    sent: BTreeMap<Mark, Place>,
    /// Producers whose records may be in a log once, in order.
    idempotent: Vec<u32>,
    /// Producer ids that were given out.
    producer_ids: BTreeSet<i64>,
    /// Records that were acknowledged or read, ever.
    pub seen: u64,
}

impl Oracle {
    /// A producer whose retries must leave no trace.
    pub fn note_idempotent(&mut self, producer: u32) {
        self.idempotent.push(producer);
    }

    /// A producer id was given out: never twice.
    pub fn note_producer_id(&mut self, life: &Life, producer_id: i64) {
        if !self.producer_ids.insert(producer_id) {
            life.broken(&format!("producer id {producer_id} is given out twice"));
        }
    }

    /// A record is about to be sent.
    pub fn note_sent(&mut self, mark: Mark, place: Place) {
        self.sent.insert(mark, place);
    }

    /// What is known of a partition.
    pub fn partition(&mut self, place: Place) -> &mut Partition {
        self.partitions.entry(place).or_default()
    }

    /// Topics that are there, with their partitions.
    pub fn places(&self) -> Vec<Place> {
        let created = self.topics.iter().filter(|(_, topic)| topic.state == TopicState::Created);
        created.flat_map(|(id, topic)| (0..topic.partitions).map(|partition| (*id, partition))).collect()
    }

    /// Whether the topic is there for all that is known.
    pub fn is_created(&self, id: &Uuid) -> bool {
        self.topics.get(id).is_some_and(|topic| topic.state == TopicState::Created)
    }

    /// A topic was seen, or its creation acknowledged.
    pub fn note_created(&mut self, id: Uuid, topic: Topic) {
        self.topics.entry(id).or_insert(topic);
    }

    /// A batch was acknowledged at `base`.
    pub fn acknowledged(&mut self, life: &Life, place: Place, base: i64, marks: &[Mark], all: bool) {
        let durable = all && self.topics.get(&place.0).is_some_and(|topic| topic.flush_before_ack);
        for (mark, offset) in marks.iter().zip(base..) {
            self.learn(life, place, offset, *mark, durable);
        }
    }

    /// A consumer read a record.
    pub fn read(&mut self, life: &Life, place: Place, offset: i64, mark: Mark) {
        let durable = self.topics.get(&place.0).is_some_and(|topic| topic.flush_before_ack);
        if self.sent.get(&mark) != Some(&place) {
            life.broken(&format!("{place:?} has {mark:?} at {offset}, which was never sent there"));
        }
        self.learn(life, place, offset, mark, durable);
    }

    /// A marker lies there, where no record may have been.
    fn read_marker(&mut self, life: &Life, place: Place, offset: i64) {
        if let Some(known) = self.partition(place).known.get(&offset) {
            life.broken(&format!("{place:?} has a marker at {offset}, where {:?} was", known.mark));
        }
    }

    fn learn(&mut self, life: &Life, place: Place, offset: i64, mark: Mark, durable: bool) {
        let partition = self.partitions.entry(place).or_default();
        // What was deleted may have been forgotten with its producer's sequences.
        let elsewhere = |other: &i64| *other != offset && *other >= partition.start_asked;
        if let Some(other) = partition.offsets.insert(mark, offset).filter(elsewhere) {
            life.broken(&format!("{place:?} has {mark:?} at {other} and at {offset}"));
        }
        let known = partition.known.entry(offset).or_insert_with(|| {
            self.seen += 1;
            Known { mark, durable }
        });
        if known.mark != mark {
            life.broken(&format!("{place:?} has {mark:?} at {offset}, where {:?} was", known.mark));
        }
        known.durable |= durable;
    }

    /// The log start was told, after it was known to be at least `least`.
    pub fn told_start(&mut self, life: &Life, place: Place, least: i64, start: i64) {
        let partition = self.partitions.entry(place).or_default();
        let most = partition.start_asked.max(partition.start);
        if start < least || start > most {
            life.broken(&format!("{place:?} starts at {start}, which should be in {least}..={most}"));
        }
        partition.start = partition.start.max(start);
    }

    /// Compares a partition's whole content at the start of a life with what is known: `content` from `start` to the high
    /// watermark. `lossy` if a suffix may have been lost since.
    pub fn audit(&mut self, life: &Life, place: Place, start: i64, content: &[(i64, Option<Mark>)], lossy: bool) {
        let end = content.last().map_or(start, |(last, _)| last + 1);
        for ((offset, _), expected) in content.iter().zip(start..) {
            if *offset != expected {
                life.broken(&format!("{place:?} has a hole at {expected}, before {offset}"));
            }
        }
        let idempotent = std::mem::take(&mut self.idempotent);
        for producer in &idempotent {
            let marks = content.iter().filter_map(|(_, mark)| *mark);
            let numbers = marks.filter(|mark| mark.producer == *producer).map(|mark| mark.number);
            if !numbers.is_sorted_by(|a, b| a < b) {
                life.broken(&format!("{place:?} has records of idempotent producer {producer} out of order or twice"));
            }
        }
        self.idempotent = idempotent;
        let partition = self.partitions.entry(place).or_default();
        let lost = partition.known.split_off(&end.max(partition.start));
        for (offset, known) in &lost {
            if known.durable || !lossy {
                life.broken(&format!("{place:?} ends at {end} and lacks {:?}, known at {offset}", known.mark));
            }
            partition.offsets.remove(&known.mark);
        }
        partition.losses += u32::from(lossy);
        life.note("audit", &format!("{} {}..{end}, {} lost", place.1, start, lost.len()));
        let least = self.partition(place).start;
        self.told_start(life, place, least, start);
        for (offset, mark) in content {
            match mark {
                Some(mark) => self.read(life, place, *offset, *mark),
                None => self.read_marker(life, place, *offset),
            }
        }
    }

    /// The node was stopped cleanly: everything known is durable.
    pub fn note_clean_stop(&mut self) {
        for known in self.partitions.values_mut().flat_map(|partition| partition.known.values_mut()) {
            known.durable = true;
        }
    }
}
