//! AlterShareGroupOffsets (key 91). Versions 0–0.
//!
//! Lets an empty share group start elsewhere (KIP-932). What its partitions' leaders know of it is fenced.

use super::context::RequestContext;
use super::error::ErrorCode;
use super::groups::{client, code, text};
use super::reply::Reply;
use super::Services;
use crate::group::request::{Client, ShareGroupAlter, ShareGroupInitialized};
use crate::group::{GroupError, Refusal, Text};
use crate::ids::Uuid;
use kafka_protocol::messages::alter_share_group_offsets_request::AlterShareGroupOffsetsRequestTopic;
use kafka_protocol::messages::alter_share_group_offsets_response::{
    AlterShareGroupOffsetsResponsePartition, AlterShareGroupOffsetsResponseTopic,
};
use kafka_protocol::messages::{AlterShareGroupOffsetsRequest, AlterShareGroupOffsetsResponse};
use kafka_protocol::protocol::StrBytes;
use std::sync::Arc;

/// Sets new starts.
pub fn handle(services: &Arc<Services>, context: &RequestContext<'_>, request: AlterShareGroupOffsetsRequest) -> Reply {
    let (services, responder, client) = (services.clone(), context.responder.clone(), client(context));
    Reply::later(async move {
        let mut response = AlterShareGroupOffsetsResponse::default();
        match alter(&services, client, &request).await {
            Ok(topics) => response.responses = topics,
            Err(refusal) => {
                response.error_code = code(Some(refusal.error));
                response.error_message = Some(StrBytes::from_string(refusal.message));
            }
        }
        responder.ready(&response)
    })
}

async fn alter(
    services: &Services,
    client: Client,
    request: &AlterShareGroupOffsetsRequest,
) -> Result<Vec<AlterShareGroupOffsetsResponseTopic>, Refusal> {
    let say = |error: GroupError| Refusal::new(error, error.to_string());
    let group_id = text(&request.group_id.0);
    let begin = ShareGroupAlter { group_id: group_id.clone() };
    let state_epoch = services.groups.execute(client.clone(), begin).await.map_err(say)??;
    let (mut answers, mut topics) = (Vec::with_capacity(request.topics.len()), Vec::new());
    for asked in &request.topics {
        let topic_id = services.metadata.current().topic_by_name(&asked.topic_name).map(|topic| topic.id);
        let (answer, done) = alter_topic(services, &group_id, asked, topic_id, state_epoch).await;
        answers.push(answer);
        if let (Some(topic_id), false) = (topic_id, done.is_empty()) {
            topics.push((topic_id, text(&asked.topic_name.0), done));
        }
    }
    let initialized = ShareGroupInitialized { group_id, topics };
    services.groups.execute(client, initialized).await.map_err(say)??;
    Ok(answers)
}

/// The answer for a topic, and its partitions that start anew.
async fn alter_topic(
    services: &Services,
    group: &Text,
    asked: &AlterShareGroupOffsetsRequestTopic,
    topic_id: Option<Uuid>,
    state_epoch: i32,
) -> (AlterShareGroupOffsetsResponseTopic, Vec<i32>) {
    let mut answer = AlterShareGroupOffsetsResponseTopic::default()
        .with_topic_name(asked.topic_name.clone())
        .with_topic_id(topic_id.unwrap_or(Uuid::nil()));
    let mut done = Vec::new();
    for partition in &asked.partitions {
        let index = partition.partition_index;
        let outcome = match topic_id {
            Some(topic_id) => {
                let started = services.shares.start_at(group, topic_id, index, state_epoch, partition.start_offset);
                started.await.map_err(|error| (ErrorCode::from(error), error.to_string()))
            }
            None => {
                let words = "This server does not host this topic-partition.";
                Err((ErrorCode::UnknownTopicOrPartition, words.to_owned()))
            }
        };
        let shown = AlterShareGroupOffsetsResponsePartition::default().with_partition_index(index);
        answer.partitions.push(match outcome {
            Ok(()) => {
                done.push(index);
                shown
            }
            Err((error, words)) => {
                shown.with_error_code(error.code()).with_error_message(Some(StrBytes::from_string(words)))
            }
        });
    }
    (answer, done)
}
