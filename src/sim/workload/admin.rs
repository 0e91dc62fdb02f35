//! The operator: makes and deletes topics, deletes records, changes settings.

use super::{member, pause, payer, Scene};
use crate::ids::Uuid;
use crate::rng::Rng;
use crate::sim::client::Connection;
use crate::sim::oracle::{Topic, TopicState};
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::{
    CreateTopicsRequest, DeleteRecordsRequest, DeleteTopicsRequest, IncrementalAlterConfigsRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;

const NONE: i16 = 0;
const REQUEST_TIMED_OUT: i16 = 7;
const TOPIC_ALREADY_EXISTS: i16 = 36;
/// A resource type of Kafka's.
const TOPIC: i8 = 2;
/// Topics at a time.
const TOPICS: usize = 5;
/// A pause between two orders, at most, in milliseconds.
const PAUSE_MS: u64 = 700;

/// A client that administers.
pub struct Admin {
    rng: Rng,
    named: u32,
    /// A topic whose creation was asked for, and nobody heard how it went.
    open: Option<Topic>,
}

impl Admin {
    /// One with nothing to do yet.
    pub fn new(rng: Rng) -> Self {
        Self { rng, named: 0, open: None }
    }

    /// Administers.
    pub async fn run(&mut self, scene: Scene<'_>) {
        if scene.closing {
            return;
        }
        let mut connection = Connection::open(scene.life);
        loop {
            let topics = self.topics(scene);
            match self.rng.below(12) {
                _ if self.open.is_some() || topics.len() < 2 => self.create(&mut connection, scene).await,
                0..=3 if topics.len() < TOPICS => self.create(&mut connection, scene).await,
                4 => self.delete(&mut connection, scene, &topics).await,
                5..=7 => self.delete_records(&mut connection, scene).await,
                8..=9 => self.alter(&mut connection, scene, &topics).await,
                _ => {}
            }
            let hurried = topics.len() < 2;
            pause(&self.rng, if hurried { 20 } else { PAUSE_MS }).await;
        }
    }

    fn topics(&self, scene: Scene<'_>) -> Vec<(Uuid, Topic)> {
        let oracle = scene.oracle.borrow();
        let created = oracle.topics.iter().filter(|(_, topic)| topic.state == TopicState::Created);
        created.map(|(id, topic)| (*id, topic.clone())).collect()
    }

    fn draw(&mut self, scene: Scene<'_>) -> Topic {
        if !scene.has_topic(member::TOPIC) {
            let (name, partitions) = (member::TOPIC.to_owned(), member::PARTITIONS);
            return Topic { name, partitions, flush_before_ack: false, state: TopicState::Created };
        }
        if !scene.has_topic(payer::TOPIC) {
            let (name, partitions) = (payer::TOPIC.to_owned(), payer::PARTITIONS);
            return Topic { name, partitions, flush_before_ack: true, state: TopicState::Created };
        }
        // Names come again, so that folders of old incarnations lie in the way.
        self.named += 1;
        Topic {
            name: format!("t{}", self.named % 7),
            partitions: 1 + self.rng.below(3) as i32,
            flush_before_ack: self.rng.below(2) == 0,
            state: TopicState::Created,
        }
    }

    async fn create(&mut self, connection: &mut Connection<'_>, scene: Scene<'_>) {
        let topic = match self.open.take() {
            Some(open) => open,
            None => self.draw(scene),
        };
        if self.topics(scene).iter().any(|(_, other)| other.name == topic.name) {
            return;
        }
        let setting = |name: &'static str, value: String| {
            CreatableTopicConfig::default()
                .with_name(StrBytes::from_static_str(name))
                .with_value(Some(StrBytes::from_string(value)))
        };
        let mut configs = vec![
            setting("flush.before.ack", topic.flush_before_ack.to_string()),
            setting("segment.bytes", (1 << 20).to_string()),
            setting("index.interval.bytes", self.rng.below(2_000).to_string()),
            setting("file.delete.delay.ms", self.rng.below(2_000).to_string()),
        ];
        if self.rng.below(2) == 0 {
            configs.push(setting("segment.ms", (50 + self.rng.below(3_000)).to_string()));
        }
        if self.rng.below(3) == 0 {
            configs.push(setting("flush.ms", self.rng.below(1_000).to_string()));
        }
        let request =
            CreateTopicsRequest::default().with_timeout_ms(10_000).with_topics(vec![CreatableTopic::default()
                .with_name(TopicName(StrBytes::from_string(topic.name.clone())))
                .with_num_partitions(topic.partitions)
                .with_replication_factor(1)
                .with_configs(configs)]);
        self.open = Some(topic.clone());
        let Ok(answer) = connection.call(7, &request).await else { return };
        let Some(result) = answer.topics.first() else { scene.life.broken("CreateTopics answers nothing") };
        scene.life.note("admin", &format!("create {topic:?}: {}", result.error_code));
        match result.error_code {
            NONE => {
                self.open = None;
                scene.oracle.borrow_mut().note_created(result.topic_id, topic);
            }
            // Somebody made it: this client, the last time.
            TOPIC_ALREADY_EXISTS => self.find_open(scene).await,
            REQUEST_TIMED_OUT => {}
            error => scene.unexpected("CreateTopics", error),
        }
    }

    async fn find_open(&mut self, scene: Scene<'_>) {
        let mut connection = Connection::reliable(scene.life);
        crate::sim::audit::learn_topics(&mut connection, scene, self.open_topic()).await;
        self.open = None;
    }

    /// A topic that may be there or not.
    pub fn open_topic(&self) -> Option<&Topic> {
        self.open.as_ref()
    }

    /// The metadata has been read after a restart: what is not there will not come.
    pub fn close_open(&mut self) {
        self.open = None;
    }

    async fn delete(&mut self, connection: &mut Connection<'_>, scene: Scene<'_>, topics: &[(Uuid, Topic)]) {
        let Some((id, topic)) = topics.get(self.rng.below(topics.len().max(1) as u64) as usize) else { return };
        if topic.name == member::TOPIC || topic.name == payer::TOPIC {
            return;
        }
        let state = |state| {
            if let Some(topic) = scene.oracle.borrow_mut().topics.get_mut(id) {
                topic.state = state;
            }
        };
        state(TopicState::Deleting);
        let request = DeleteTopicsRequest::default()
            .with_timeout_ms(10_000)
            .with_topics(vec![DeleteTopicState::default().with_topic_id(*id)]);
        let Ok(answer) = connection.call(6, &request).await else { return };
        let error = answer.responses.first().map_or(-1, |result| result.error_code);
        scene.life.note("admin", &format!("delete {}: {error}", topic.name));
        match error {
            NONE => state(TopicState::Deleted),
            REQUEST_TIMED_OUT => {}
            error => scene.unexpected("DeleteTopics", error),
        }
    }

    async fn delete_records(&mut self, connection: &mut Connection<'_>, scene: Scene<'_>) {
        let (place, name, offset) = {
            let mut oracle = scene.oracle.borrow_mut();
            let mut places = oracle.places();
            // Transactions are counted record by record.
            places.retain(|place| oracle.topics[&place.0].name != payer::TOPIC);
            let Some(place) = places.get(self.rng.below(places.len().max(1) as u64) as usize).copied() else { return };
            let partition = oracle.partition(place);
            let room = (partition.known_end() - partition.start).max(0) as u64;
            let offset = partition.start + self.rng.below(room + 1) as i64;
            partition.start_asked = partition.start_asked.max(offset);
            (place, oracle.topics[&place.0].name.clone(), offset)
        };
        let request =
            DeleteRecordsRequest::default().with_timeout_ms(10_000).with_topics(vec![DeleteRecordsTopic::default()
                .with_name(TopicName(StrBytes::from_string(name)))
                .with_partitions(vec![DeleteRecordsPartition::default()
                    .with_partition_index(place.1)
                    .with_offset(offset)])]);
        let Ok(answer) = connection.call(2, &request).await else { return };
        let result = answer.topics.first().and_then(|topic| topic.partitions.first());
        let Some(result) = result else { scene.life.broken("DeleteRecords answers nothing") };
        scene.life.note("admin", &format!("delete records of {} to {offset}: {}", place.1, result.error_code));
        let mut oracle = scene.oracle.borrow_mut();
        match result.error_code {
            _ if !oracle.is_created(&place.0) => {}
            NONE => {
                let partition = oracle.partition(place);
                partition.start = partition.start.max(offset);
                if result.low_watermark < partition.start {
                    scene.life.broken(&format!("DeleteRecords to {offset} leaves {}", result.low_watermark));
                }
            }
            REQUEST_TIMED_OUT => {}
            error => scene.unexpected("DeleteRecords", error),
        }
    }

    async fn alter(&mut self, connection: &mut Connection<'_>, scene: Scene<'_>, topics: &[(Uuid, Topic)]) {
        let Some((_, topic)) = topics.get(self.rng.below(topics.len().max(1) as u64) as usize) else { return };
        let (name, value) = match self.rng.below(3) {
            0 => ("segment.ms", 50 + self.rng.below(3_000)),
            1 => ("index.interval.bytes", self.rng.below(3_000)),
            _ => ("flush.messages", 1 + self.rng.below(50)),
        };
        let request = IncrementalAlterConfigsRequest::default().with_resources(vec![AlterConfigsResource::default()
            .with_resource_type(TOPIC)
            .with_resource_name(StrBytes::from_string(topic.name.clone()))
            .with_configs(vec![AlterableConfig::default()
                .with_name(StrBytes::from_static_str(name))
                .with_value(Some(StrBytes::from_string(value.to_string())))])]);
        let Ok(answer) = connection.call(1, &request).await else { return };
        let error = answer.responses.first().map_or(-1, |result| result.error_code);
        scene.life.note("admin", &format!("{} of {} is {value}: {error}", name, topic.name));
        match error {
            NONE | REQUEST_TIMED_OUT => {}
            error => scene.unexpected("IncrementalAlterConfigs", error),
        }
    }
}
