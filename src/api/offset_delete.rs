//! OffsetDelete (key 47). Versions 0–0.
//!
//! Drops committed offsets of topics that the group does not read (KIP-496).

use super::context::RequestContext;
use super::error::ErrorCode;
use super::groups::{ask, code, text};
use super::reply::Reply;
use super::Services;
use crate::group::request::{OffsetDelete, OffsetDeleteReply, TopicPartitions};
use kafka_protocol::messages::offset_delete_response::{OffsetDeleteResponsePartition, OffsetDeleteResponseTopic};
use kafka_protocol::messages::{OffsetDeleteRequest, OffsetDeleteResponse};

/// Deletes the offsets of partitions that exist.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: OffsetDeleteRequest) -> Reply {
    let image = services.metadata.current();
    let exists = |topic: &str, partition: i32| image.partition(topic, partition).is_some();
    let topics = request.topics.iter().map(|topic| TopicPartitions {
        name: text(&topic.name.0),
        partitions: topic
            .partitions
            .iter()
            .map(|partition| partition.partition_index)
            .filter(|partition| exists(&topic.name, *partition))
            .collect(),
    });
    let topics = topics.filter(|topic: &TopicPartitions| !topic.partitions.is_empty()).collect();
    let responder = context.responder.clone();
    let delete = OffsetDelete { group_id: text(&request.group_id.0), topics };
    ask(services, context, delete, move |result| {
        let reply = result.unwrap_or_else(|error| OffsetDeleteReply { error: Some(error), topics: Vec::new() });
        responder.ready(&encoded(&request, &reply))
    })
}

fn encoded(request: &OffsetDeleteRequest, reply: &OffsetDeleteReply) -> OffsetDeleteResponse {
    let response = OffsetDeleteResponse::default().with_error_code(code(reply.error));
    if reply.error.is_some() {
        return response;
    }
    let outcome = |topic: &str, index: i32| {
        let topic = reply.topics.iter().find(|outcome| *outcome.name == *topic)?;
        topic.partitions.iter().find(|(partition, _)| *partition == index).map(|(_, error)| code(*error))
    };
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            let error = outcome(&topic.name, partition.partition_index);
            OffsetDeleteResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(error.unwrap_or(ErrorCode::UnknownTopicOrPartition.code()))
        });
        OffsetDeleteResponseTopic::default().with_name(topic.name.clone()).with_partitions(partitions.collect())
    });
    response.with_topics(topics.collect())
}
