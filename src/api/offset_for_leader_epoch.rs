//! OffsetForLeaderEpoch (key 23). Versions 2–4.
//!
//! 3: replica ids. Consumers ask it to find out whether their position was truncated away (KIP-320).

use super::context::RequestContext;
use super::error::ErrorCode;
use super::reply::Reply;
use super::Services;
use kafka_protocol::messages::offset_for_leader_epoch_request::OffsetForLeaderPartition;
use kafka_protocol::messages::offset_for_leader_epoch_response::{EpochEndOffset, OffsetForLeaderTopicResult};
use kafka_protocol::messages::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};

/// Answers with the largest epoch at most the one asked for, and where it ends (L4).
pub fn handle(services: &Services, context: &RequestContext<'_>, request: OffsetForLeaderEpochRequest) -> Reply {
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|asked| {
            let answer = EpochEndOffset::default().with_partition(asked.partition);
            match find(services, &topic.topic, asked) {
                Ok((epoch, end_offset)) => answer.with_leader_epoch(epoch).with_end_offset(end_offset),
                Err(error) => answer.with_error_code(error.code()).with_leader_epoch(-1).with_end_offset(-1),
            }
        });
        OffsetForLeaderTopicResult::default().with_topic(topic.topic.clone()).with_partitions(partitions.collect())
    });
    context.responder.ready(&OffsetForLeaderEpochResponse::default().with_topics(topics.collect()))
}

fn find(services: &Services, topic: &str, asked: &OffsetForLeaderPartition) -> Result<(i32, i64), ErrorCode> {
    let partition = services.replicas.partition(topic, asked.partition).map_err(|error| ErrorCode::from(&error))?;
    partition
        .end_offset_for_epoch(asked.leader_epoch, asked.current_leader_epoch)
        .map_err(|error| ErrorCode::from(&error))
}
