//! A keeper of keys: it writes values and tombstones to a compacted topic of its own, whose segments are short, and reads
//! everything again and again: the newest value of each key is there, and no deleted key comes back (C4–C8).
//!
//! It is one idempotent producer that tries again until it is told, and the topic has `flush.before.ack`: what it was told
//! stays, whatever the node dies of. So the log is what it sent, in its order, but for what compaction may leave out.

use super::{pause, Scene};
use crate::clock::Clock;
use crate::ids::Uuid;
use crate::record::build::BatchBuilder;
use crate::record::compress::Codec;
use crate::record::records::RecordIter;
use crate::record::{batches, crc, record_bytes};
use crate::rng::Rng;
use crate::sim::client::Connection;
use bytes::Bytes;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    CreateTopicsRequest, FetchRequest, InitProducerIdRequest, MetadataRequest, ProduceRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeMap;

/// The topic. The model of all others does not know it.
pub const TOPIC: &str = "compacted";
const NONE: i16 = 0;
const REQUEST_TIMED_OUT: i16 = 7;
const TOPIC_ALREADY_EXISTS: i16 = 36;
/// Few, so that most records are superseded.
const KEYS: u64 = 12;
/// A pause between two batches, at most, in milliseconds.
const PAUSE_MS: u64 = 40;
/// Most bytes of a fetch: some read on where the cleaner has been meanwhile.
const FETCH_BYTES: [i32; 3] = [300, 5_000, 1 << 20];
/// Most bytes that a batch may decompress to.
const DECOMPRESSED_MAX_BYTES: usize = 1 << 20;

/// What was written: a value, or a tombstone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Write {
    key: u8,
    is_value: bool,
}

/// A batch that nobody has heard the answer of.
struct InFlight {
    /// Number of its first record.
    first: u32,
    bytes: Bytes,
}

/// The client.
pub struct Keeper {
    rng: Rng,
    topic: Option<Uuid>,
    /// Producer id and epoch.
    identity: Option<(i64, i16)>,
    /// All writes ever, by number from 0 on. A number is also the sequence.
    writes: Vec<Write>,
    in_flight: Option<InFlight>,
    /// Offsets that were told, by number.
    offsets: BTreeMap<u32, i64>,
    /// Cleanings of the lives before, and of this one so far.
    cleanings: (u64, u64),
}

impl Keeper {
    /// One that has written nothing yet.
    pub fn new(rng: Rng) -> Self {
        Self {
            rng,
            topic: None,
            identity: None,
            writes: Vec::new(),
            in_flight: None,
            offsets: BTreeMap::new(),
            cleanings: (0, 0),
        }
    }

    /// Cleanings that came to their ends in all lives.
    pub fn cleanings(&self) -> u64 {
        self.cleanings.0 + self.cleanings.1
    }

    /// Checks everything, before anybody works.
    pub async fn begin(&mut self, scene: Scene<'_>) {
        self.cleanings = (self.cleanings(), 0);
        let mut connection = Connection::reliable(scene.life);
        while self.topic.is_some() && !self.check(&mut connection, scene).await {}
    }

    /// Writes and reads.
    pub async fn run(&mut self, scene: Scene<'_>) {
        let mut connection = Connection::open(scene.life);
        loop {
            self.cleanings.1 = scene.life.node.replicas.cleaner_report().rounds;
            let Some(topic) = self.topic else {
                if scene.closing {
                    return;
                }
                self.create(&mut connection, scene).await;
                continue;
            };
            if self.identity.is_none() {
                self.identify(&mut connection, scene).await;
            } else if self.rng.below(12) == 0 {
                self.check(&mut connection, scene).await;
            } else if !scene.closing || self.in_flight.is_some() {
                self.write(&mut connection, scene, topic).await;
            } else if self.check(&mut connection, scene).await {
                return;
            }
            pause(&self.rng, PAUSE_MS).await;
        }
    }

    async fn create(&mut self, connection: &mut Connection<'_>, scene: Scene<'_>) {
        let below = |most: u64| self.rng.below(most).to_string();
        let configs = [
            ("cleanup.policy", "compact".to_owned()),
            ("flush.before.ack", "true".to_owned()),
            ("segment.ms", (20 + self.rng.below(400)).to_string()),
            ("segment.bytes", (1 << 20).to_string()),
            ("index.interval.bytes", below(800)),
            ("min.cleanable.dirty.ratio", ["0.01", "0.3", "0.6"][self.rng.below(3) as usize].to_owned()),
            ("max.compaction.lag.ms", (100 + self.rng.below(5_000)).to_string()),
            ("delete.retention.ms", below(1_500)),
            ("file.delete.delay.ms", below(1_000)),
            ("compression.type", ["producer", "zstd"][self.rng.below(2) as usize].to_owned()),
        ];
        let setting = |(name, value): (&'static str, String)| {
            CreatableTopicConfig::default()
                .with_name(StrBytes::from_static_str(name))
                .with_value(Some(StrBytes::from_string(value)))
        };
        let topic = CreatableTopic::default()
            .with_name(TopicName(StrBytes::from_static_str(TOPIC)))
            .with_num_partitions(1)
            .with_replication_factor(1)
            .with_configs(configs.into_iter().map(setting).collect());
        let request = CreateTopicsRequest::default().with_timeout_ms(10_000).with_topics(vec![topic]);
        let Ok(answer) = connection.call(7, &request).await else { return };
        let Some(result) = answer.topics.first() else { scene.life.broken("CreateTopics answers nothing") };
        match result.error_code {
            NONE => self.topic = Some(result.topic_id),
            TOPIC_ALREADY_EXISTS => {
                let name = TopicName(StrBytes::from_static_str(TOPIC));
                let wanted = MetadataRequestTopic::default().with_name(Some(name));
                let request = MetadataRequest::default().with_topics(Some(vec![wanted]));
                let Ok(answer) = connection.call(12, &request).await else { return };
                self.topic = answer.topics.first().filter(|topic| topic.error_code == NONE).map(|topic| topic.topic_id);
            }
            REQUEST_TIMED_OUT => {}
            error => scene.unexpected("CreateTopics of a compacted topic", error),
        }
    }

    async fn identify(&mut self, connection: &mut Connection<'_>, scene: Scene<'_>) {
        let request = InitProducerIdRequest::default().with_transactional_id(None);
        let Ok(answer) = connection.call(4, &request).await else { return };
        match answer.error_code {
            NONE => {
                scene.oracle.borrow_mut().note_producer_id(scene.life, *answer.producer_id);
                self.identity = Some((*answer.producer_id, answer.producer_epoch));
            }
            error => scene.unexpected("InitProducerId", error),
        }
    }

    /// Draws a batch of some writes.
    fn draw(&mut self, now_ms: i64) -> InFlight {
        let first = self.writes.len() as u32;
        let codec = Codec::from_id(self.rng.below(5) as u8).expect("there are five");
        let (id, epoch) = self.identity.expect("it has identified itself");
        let mut builder =
            BatchBuilder::new().compression(codec, codec.default_level()).producer(id, epoch, first as i32);
        for _ in 0..1 + self.rng.below(4) {
            let number = self.writes.len() as u32;
            let write = Write { key: self.rng.below(KEYS) as u8, is_value: self.rng.below(4) > 0 };
            self.writes.push(write);
            let value = vec![number as u8; self.rng.below(300) as usize];
            let headers: [(&[u8], Option<&[u8]>); 2] = [(b"n", Some(&number.to_be_bytes())), (b"n", None)];
            builder.append(now_ms, Some(&[write.key]), write.is_value.then_some(&value[..]), &headers);
        }
        InFlight { first, bytes: builder.build().expect("a small batch of at least one record").bytes }
    }

    async fn write(&mut self, connection: &mut Connection<'_>, scene: Scene<'_>, topic: Uuid) {
        if self.in_flight.is_none() {
            self.in_flight = Some(self.draw(scene.life.clock.now().wall_ms));
        }
        let Some(InFlight { first, bytes }) = &self.in_flight else { return };
        let partition = PartitionProduceData::default().with_index(0).with_records(Some(bytes.clone()));
        let data = TopicProduceData::default().with_topic_id(topic).with_partition_data(vec![partition]);
        let timeout_ms = 100 + self.rng.below(5_000) as i32;
        let request = ProduceRequest::default().with_acks(-1).with_timeout_ms(timeout_ms).with_topic_data(vec![data]);
        let Ok(answer) = connection.call(13, &request).await else { return };
        let told = answer.responses.first().and_then(|topic| topic.partition_responses.first());
        let Some(told) = told else { scene.life.broken("a produce is answered without its partition") };
        scene.life.note("keeper", &format!("{first}.. at {}: {}", told.base_offset, told.error_code));
        match told.error_code {
            NONE => {
                let numbers = *first..self.writes.len() as u32;
                self.offsets.extend(numbers.zip(told.base_offset..));
                self.in_flight = None;
            }
            REQUEST_TIMED_OUT => {}
            error => scene.unexpected("a produce to a compacted topic", error),
        }
    }

    /// Reads everything and compares. False if an answer was lost, so that nothing was.
    async fn check(&mut self, connection: &mut Connection<'_>, scene: Scene<'_>) -> bool {
        let topic = self.topic.expect("only asked for a topic that is there");
        let max_bytes = FETCH_BYTES[self.rng.below(3) as usize];
        let (mut next, mut content) = (0, Vec::new());
        loop {
            let partition = FetchPartition::default().with_fetch_offset(next).with_partition_max_bytes(max_bytes);
            let topics = vec![FetchTopic::default().with_topic_id(topic).with_partitions(vec![partition])];
            let request = FetchRequest::default().with_max_bytes(1 << 20).with_session_epoch(-1).with_topics(topics);
            let Ok(answer) = connection.call(13, &request).await else { return false };
            let found = answer.responses.first().and_then(|topic| topic.partitions.first());
            let Some(found) = found else { scene.life.broken("a fetch answers nothing") };
            if found.error_code != NONE {
                scene.unexpected("a fetch of a compacted topic", found.error_code);
                return false;
            }
            let before = next;
            let records = found.records.clone().unwrap_or_default();
            let read = stretch(&records, &mut next, &mut content);
            read.unwrap_or_else(|why| scene.life.broken(&format!("the compacted topic at {before}: {why}")));
            if next >= found.high_watermark {
                break;
            }
            if next == before {
                scene.life.broken(&format!("nothing at {next} below {}", found.high_watermark));
            }
        }
        self.compare(scene, &content);
        true
    }

    /// Compares what was found, by offset, with what was written.
    fn compare(&self, scene: Scene<'_>, content: &[(i64, Found)]) {
        let mut newest: BTreeMap<u8, u32> = BTreeMap::new();
        let mut before = None;
        for (offset, found) in content {
            let written = self.writes.get(found.number as usize);
            if written != Some(&found.write) || before.is_some_and(|before| before >= found.number) {
                scene.life.broken(&format!("{found:?} at {offset}, where {written:?} was written after {before:?}"));
            }
            if self.offsets.get(&found.number).is_some_and(|told| told != offset) {
                scene.life.broken(&format!("{found:?} has moved to {offset}"));
            }
            before = Some(found.number);
            newest.insert(found.write.key, found.number);
        }
        let told = self.in_flight.as_ref().map_or(self.writes.len(), |open| open.first as usize);
        let mut last: BTreeMap<u8, (u32, bool)> = BTreeMap::new();
        for (number, write) in self.writes[..told].iter().enumerate() {
            last.insert(write.key, (number as u32, write.is_value));
        }
        for (key, (number, is_value)) in last {
            match newest.get(&key) {
                Some(found) if *found >= number => {}
                None if !is_value => {}
                found => scene.life.broken(&format!("the newest of key {key} is {found:?}, written was {number}")),
            }
        }
        let (left, written) = (content.len(), self.writes.len());
        scene.life.note("keeper", &format!("{left} records of {written}"));
    }
}

#[derive(Clone, Copy, Debug)]
struct Found {
    number: u32,
    write: Write,
}

/// Adds the records of whole batches from `next` on, which moves behind them.
fn stretch(bytes: &[u8], next: &mut i64, content: &mut Vec<(i64, Found)>) -> Result<(), String> {
    for batch in batches(bytes) {
        let Ok((header, place)) = batch else { break };
        let batch = &bytes[place];
        if !crc::verify(batch) || header.next_offset() <= *next {
            return Err(format!("the batch at {} is broken or comes again", header.base_offset));
        }
        let records = record_bytes(&header, batch, DECOMPRESSED_MAX_BYTES).map_err(|error| error.to_string())?;
        for record in RecordIter::new(&records, header.record_count) {
            let record = record.map_err(|error| error.to_string())?;
            let headers: Vec<_> = record.headers.iter().flatten().collect();
            let number = match headers[..] {
                [(b"n", Some(number)), (b"n", None)] => number.first_chunk().copied().map(u32::from_be_bytes),
                _ => None,
            };
            let (Some(number), Some([key])) = (number, record.key) else { return Err("a strange record".to_owned()) };
            let filled = record.value.is_none_or(|value| value.iter().all(|byte| *byte == number as u8));
            if !filled {
                return Err(format!("the value of {number} has changed"));
            }
            let write = Write { key: *key, is_value: record.value.is_some() };
            content.push((header.base_offset + i64::from(record.offset_delta), Found { number, write }));
        }
        *next = header.next_offset();
    }
    Ok(())
}
