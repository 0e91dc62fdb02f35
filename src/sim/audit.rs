//! What is checked right after each start, before anybody changes anything: every topic and every record.

use super::batch;
use super::client::Connection;
use super::oracle::{Place, Topic, TopicState};
use super::workload::Scene;
use crate::ids::Uuid;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::{FetchRequest, MetadataRequest};
use std::collections::BTreeMap;

const NONE: i16 = 0;
const OFFSET_OUT_OF_RANGE: i16 = 1;

/// Compares everything with the model. `lossy` if a suffix of each partition may have been lost.
pub async fn audit(scene: Scene<'_>, open: Option<&Topic>, lossy: bool) {
    let mut connection = Connection::reliable(scene.life);
    learn_topics(&mut connection, scene, open).await;
    let places = scene.oracle.borrow().places();
    for place in places {
        let (start, content) = read_all(&mut connection, scene, place).await;
        scene.oracle.borrow_mut().audit(scene.life, place, start, &content, lossy);
    }
}

/// Compares the topics with what is known, and learns of `open`, whose creation nobody heard of.
pub async fn learn_topics(connection: &mut Connection<'_>, scene: Scene<'_>, open: Option<&Topic>) {
    let request = MetadataRequest::default().with_topics(None).with_allow_auto_topic_creation(false);
    let Ok(answer) = connection.call(12, &request).await else { return };
    let mut found: BTreeMap<Uuid, (String, i32)> = BTreeMap::new();
    let is_known = |name: &str| name != super::workload::compaction::TOPIC;
    let named = |topic: &&MetadataResponseTopic| topic.name.as_ref().is_none_or(|name| is_known(name));
    for topic in answer.topics.iter().filter(|topic| !topic.is_internal).filter(named) {
        if topic.error_code != NONE || topic.partitions.iter().any(|partition| partition.error_code != NONE) {
            scene.life.broken(&format!("Metadata says that {:?} is in error", topic.name));
        }
        let name = topic.name.as_ref().map_or(String::new(), |name| name.to_string());
        found.insert(topic.topic_id, (name, topic.partitions.len() as i32));
    }
    let mut oracle = scene.oracle.borrow_mut();
    for (id, (name, partitions)) in &found {
        match oracle.topics.get(id) {
            Some(topic) if topic.state == TopicState::Deleted => {
                scene.life.broken(&format!("{name} ({id}) is there, although it was deleted"));
            }
            Some(topic) if (&topic.name, topic.partitions) == (name, *partitions) => {}
            Some(topic) => scene.life.broken(&format!("{topic:?} has become {name} with {partitions} partitions")),
            None => match open.filter(|open| open.name == *name && open.partitions == *partitions) {
                Some(open) => oracle.note_created(*id, open.clone()),
                None => scene.life.broken(&format!("nobody asked for {name} ({id})")),
            },
        }
    }
    for (id, topic) in &mut oracle.topics {
        match topic.state {
            TopicState::Created if !found.contains_key(id) => {
                scene.life.broken(&format!("{topic:?} ({id}) is gone"));
            }
            TopicState::Deleting if !found.contains_key(id) => topic.state = TopicState::Deleted,
            _ => {}
        }
    }
}

/// A partition's start, and all that lies between it and the high watermark.
async fn read_all(
    connection: &mut Connection<'_>,
    scene: Scene<'_>,
    place: Place,
) -> (i64, Vec<(i64, Option<super::oracle::Mark>)>) {
    let mut content = Vec::new();
    let mut next = scene.oracle.borrow_mut().partition(place).start;
    let mut start = None;
    loop {
        let request = FetchRequest::default().with_max_bytes(1 << 20).with_session_epoch(-1).with_topics(vec![
            FetchTopic::default().with_topic_id(place.0).with_partitions(vec![FetchPartition::default()
                .with_partition(place.1)
                .with_fetch_offset(next)
                .with_partition_max_bytes(1 << 20)]),
        ]);
        let Ok(answer) = connection.call(13, &request).await else { continue };
        let found = answer.responses.first().and_then(|topic| topic.partitions.first());
        let Some(found) = found else { scene.life.broken("a fetch answers nothing") };
        let asked = scene.oracle.borrow_mut().partition(place).start_asked;
        match found.error_code {
            NONE => {}
            OFFSET_OUT_OF_RANGE if start.is_none() && next < asked => {
                // A deletion was done that nobody heard of.
                next += 1;
                continue;
            }
            error => scene.life.broken(&format!("{place:?} cannot be read at {next}: error {error}")),
        }
        let start = *start.get_or_insert(found.log_start_offset);
        let bytes = found.records.clone().unwrap_or_default();
        let marks = batch::marks(&bytes).unwrap_or_else(|why| scene.life.broken(&format!("{place:?}: {why}")));
        let end = marks.last().map_or(next, |(last, _)| last + 1);
        content.extend(marks.into_iter().filter(|(offset, _)| *offset >= next));
        if end == next {
            if next != found.high_watermark {
                scene.life.broken(&format!("{place:?} gives nothing at {next} below {}", found.high_watermark));
            }
            return (start, content);
        }
        next = end;
    }
}
