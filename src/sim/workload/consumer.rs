//! Consumers: they read some partitions to their ends, in fetch sessions, and go on with others.

use super::{pause, Scene};
use crate::rng::Rng;
use crate::sim::batch;
use crate::sim::client::Connection;
use crate::sim::oracle::Place;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::{FetchRequest, ListOffsetsRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeMap;

const NONE: i16 = 0;
const OFFSET_OUT_OF_RANGE: i16 = 1;
const FETCH_SESSION_ID_NOT_FOUND: i16 = 70;
/// ListOffsets' timestamp of the log start.
const EARLIEST: i64 = -2;
/// The first version that names topics by their ids.
const BY_ID: i16 = 13;
/// Partitions read at a time.
const PLACES: usize = 5;

/// A client that reads.
pub struct Consumer {
    name: String,
    rng: Rng,
    /// The next offset of each partition that it reads.
    positions: BTreeMap<Place, i64>,
    /// Where logs start at least, as known when the last fetch was sent.
    starts: BTreeMap<Place, i64>,
    /// The last high watermarks of this life.
    high_watermarks: BTreeMap<Place, i64>,
}

/// A fetch session as its client knows it.
struct Session {
    version: i16,
    id: i32,
    epoch: i32,
    /// What the node was told of each partition.
    told: BTreeMap<Place, i64>,
}

impl Session {
    fn new(rng: &Rng) -> Self {
        Self { version: 7 + rng.below(11) as i16, id: 0, epoch: 0, told: BTreeMap::new() }
    }
}

impl Consumer {
    /// One that reads nothing yet.
    pub fn new(id: u64, rng: Rng) -> Self {
        Self {
            name: format!("consumer{id}"),
            rng,
            positions: BTreeMap::new(),
            starts: BTreeMap::new(),
            high_watermarks: BTreeMap::new(),
        }
    }

    /// Reads.
    pub async fn run(&mut self, scene: Scene<'_>) {
        let mut connection = Connection::open(scene.life);
        let mut session = Session::new(&self.rng);
        self.high_watermarks.clear();
        loop {
            self.choose(scene);
            self.note_starts(scene);
            if scene.closing && self.is_at_end(scene) {
                return;
            }
            if session.epoch > 0 && self.rng.below(60) == 0 {
                session = Session::new(&self.rng);
            }
            if self.fetch(&mut connection, scene, &mut session).await.is_none() {
                session = Session::new(&self.rng);
            }
            pause(&self.rng, 40).await;
        }
    }

    /// Lets partitions go that are no more, or that were read for long enough; takes others instead.
    fn choose(&mut self, scene: Scene<'_>) {
        let mut oracle = scene.oracle.borrow_mut();
        let bored = !scene.closing && self.rng.below(30) == 0;
        self.positions.retain(|place, _| oracle.is_created(&place.0) && !(bored && place.1 == 0));
        let places = oracle.places();
        while self.positions.len() < PLACES.min(places.len()) {
            let place = places[self.rng.below(places.len() as u64) as usize];
            let start = oracle.partition(place).start;
            self.positions.entry(place).or_insert(start);
        }
    }

    fn note_starts(&mut self, scene: Scene<'_>) {
        let mut oracle = scene.oracle.borrow_mut();
        self.starts = self.positions.keys().map(|place| (*place, oracle.partition(*place).start)).collect();
    }

    fn is_at_end(&self, scene: Scene<'_>) -> bool {
        let mut oracle = scene.oracle.borrow_mut();
        self.positions.iter().all(|(place, position)| *position >= oracle.partition(*place).known_end())
    }

    /// One fetch; `None` if the session is over.
    async fn fetch(&mut self, connection: &mut Connection<'_>, scene: Scene<'_>, session: &mut Session) -> Option<()> {
        let request = self.request(scene, session);
        let answer = connection.call(session.version, &request).await.ok()?;
        match answer.error_code {
            NONE => {}
            FETCH_SESSION_ID_NOT_FOUND => return None,
            error => scene.unexpected("a fetch", error),
        }
        if session.epoch == 0 {
            session.id = answer.session_id;
        } else if answer.session_id != session.id {
            scene.life.broken("a fetch is answered in another session");
        }
        // A node without room for sessions gives the id 0: every fetch is whole then.
        session.epoch = if session.id == 0 { 0 } else { session.epoch + 1 };
        let mut read = 0;
        for topic in &answer.responses {
            for partition in &topic.partitions {
                let place = self.place(scene, session, topic, partition);
                // A partition that was forgotten meanwhile.
                if self.positions.contains_key(&place) {
                    read += self.take(scene, place, partition).await;
                }
            }
        }
        scene.life.note(&self.name, &format!("v{} read {read} of {} places", session.version, self.positions.len()));
        Some(())
    }

    fn place(&self, scene: Scene<'_>, session: &Session, topic: &FetchableTopicResponse, at: &PartitionData) -> Place {
        let places = session.told.keys().filter(|place| place.1 == at.partition_index);
        let is_it = |place: &&Place| match session.version >= BY_ID {
            true => topic.topic_id == place.0,
            false => scene.oracle.borrow().topics[&place.0].name == **topic.topic,
        };
        match places.rev().find(is_it) {
            Some(place) => *place,
            None => scene.life.broken("a fetch answers with a partition that nobody asked for"),
        }
    }

    fn request(&self, scene: Scene<'_>, session: &mut Session) -> FetchRequest {
        let name =
            |place: &Place| TopicName(StrBytes::from_string(scene.oracle.borrow().topics[&place.0].name.clone()));
        let mut request = FetchRequest::default()
            .with_max_wait_ms(self.rng.below(300) as i32)
            .with_min_bytes(1)
            .with_max_bytes(1 + self.rng.below(200_000) as i32)
            .with_session_id(session.id)
            .with_session_epoch(session.epoch);
        if session.epoch == 0 {
            session.told.clear();
        }
        let by_id = session.version >= BY_ID;
        let gone: Vec<Place> =
            session.told.keys().filter(|place| !self.positions.contains_key(place)).copied().collect();
        for place in gone {
            session.told.remove(&place);
            let mut topic = ForgottenTopic::default().with_partitions(vec![place.1]);
            match by_id {
                true => topic.topic_id = place.0,
                false => topic.topic = name(&place),
            }
            request.forgotten_topics_data.push(topic);
        }
        for (place, position) in &self.positions {
            if session.told.insert(*place, *position) == Some(*position) {
                continue;
            }
            let mut topic = FetchTopic::default().with_partitions(vec![FetchPartition::default()
                .with_partition(place.1)
                .with_fetch_offset(*position)
                .with_partition_max_bytes(1 + self.rng.below(100_000) as i32)]);
            match by_id {
                true => topic.topic_id = place.0,
                false => topic.topic = name(place),
            }
            request.topics.push(topic);
        }
        request
    }

    /// Takes what came of one partition; how many records were new.
    async fn take(&mut self, scene: Scene<'_>, place: Place, partition: &PartitionData) -> usize {
        if !scene.oracle.borrow().is_created(&place.0) {
            return 0;
        }
        match partition.error_code {
            NONE => {}
            OFFSET_OUT_OF_RANGE => {
                self.start_again(scene, place).await;
                return 0;
            }
            error => {
                scene.unexpected("a partition of a fetch", error);
                return 0;
            }
        }
        let mut oracle = scene.oracle.borrow_mut();
        let least = self.starts.get(&place).copied().unwrap_or(0);
        oracle.told_start(scene.life, place, least, partition.log_start_offset);
        let before = self.high_watermarks.insert(place, partition.high_watermark);
        if before.is_some_and(|before| before > partition.high_watermark) {
            let now = partition.high_watermark;
            scene.life.broken(&format!("{place:?}: the high watermark is {now} after {before:?}"));
        }
        let bytes = partition.records.clone().unwrap_or_default();
        let marks = batch::marks(&bytes).unwrap_or_else(|why| scene.life.broken(&format!("{place:?}: {why}")));
        let position = self.positions.entry(place).or_default();
        let mut new = 0;
        for (offset, mark) in marks {
            if offset < *position {
                continue;
            }
            if offset != *position || offset >= partition.high_watermark {
                let high_watermark = partition.high_watermark;
                scene.life.broken(&format!("{place:?} gives {offset} at {position} below {high_watermark}"));
            }
            if let Some(mark) = mark {
                oracle.read(scene.life, place, offset, mark);
            }
            *position += 1;
            new += 1;
        }
        new
    }

    async fn start_again(&mut self, scene: Scene<'_>, place: Place) {
        let (name, position) = {
            let mut oracle = scene.oracle.borrow_mut();
            let position = self.positions[&place];
            let partition = oracle.partition(place);
            if position >= partition.start_asked && partition.losses == 0 {
                scene.life.broken(&format!("{place:?} has no offset {position}"));
            }
            (oracle.topics[&place.0].name.clone(), position)
        };
        let request =
            ListOffsetsRequest::default().with_replica_id((-1).into()).with_topics(vec![ListOffsetsTopic::default()
                .with_name(TopicName(StrBytes::from_string(name)))
                .with_partitions(vec![ListOffsetsPartition::default()
                    .with_partition_index(place.1)
                    .with_current_leader_epoch(-1)
                    .with_timestamp(EARLIEST)])]);
        let Ok(answer) = Connection::open(scene.life).call(7, &request).await else { return };
        let found = answer.topics.first().and_then(|topic| topic.partitions.first());
        let Some(found) = found else { scene.life.broken("ListOffsets answers nothing") };
        scene.life.note(&self.name, &format!("{position} of {} is gone: {}", place.1, found.offset));
        if found.error_code == NONE && scene.oracle.borrow().is_created(&place.0) {
            self.positions.insert(place, found.offset);
        }
    }
}
