//! DescribeShareGroupOffsets (key 90). Versions 0–0.
//!
//! Where share groups start on partitions (KIP-932).
//! Left out: version 1, which tells the lag (KIP-1226): the codec does not know it.

use super::context::RequestContext;
use super::error::ErrorCode;
use super::groups::{client, code, text, wire};
use super::reply::Reply;
use super::Services;
use crate::group::request::{Client, ShareGroupPartitions, StateTopic};
use crate::group::{GroupError, Refusal, Text};
use crate::ids::Uuid;
use crate::share::state::request::Summary;
use crate::share::state::ShareStateError;
use kafka_protocol::messages::describe_share_group_offsets_request::DescribeShareGroupOffsetsRequestGroup;
use kafka_protocol::messages::describe_share_group_offsets_response::{
    DescribeShareGroupOffsetsResponseGroup, DescribeShareGroupOffsetsResponsePartition,
    DescribeShareGroupOffsetsResponseTopic,
};
use kafka_protocol::messages::{
    DescribeShareGroupOffsetsRequest, DescribeShareGroupOffsetsResponse, GroupId, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use std::sync::Arc;

/// Describes the partitions asked for, or all that each group has state of.
pub fn handle(
    services: &Arc<Services>,
    context: &RequestContext<'_>,
    request: DescribeShareGroupOffsetsRequest,
) -> Reply {
    let (services, responder, client) = (services.clone(), context.responder.clone(), client(context));
    Reply::later(async move {
        let mut response = DescribeShareGroupOffsetsResponse::default();
        for group in &request.groups {
            response.groups.push(describe(&services, &client, group).await);
        }
        responder.ready(&response)
    })
}

async fn describe(
    services: &Services,
    client: &Client,
    asked: &DescribeShareGroupOffsetsRequestGroup,
) -> DescribeShareGroupOffsetsResponseGroup {
    let id = text(&asked.group_id.0);
    let mut answer = DescribeShareGroupOffsetsResponseGroup::default().with_group_id(GroupId(wire(&id)));
    let topics = match wanted(services, client, &id, asked).await {
        Ok(topics) => topics,
        Err(refusal) => {
            answer.error_code = code(Some(refusal.error));
            answer.error_message = Some(StrBytes::from_string(refusal.message));
            return answer;
        }
    };
    for (topic_id, name, partitions) in topics {
        let mut topic = DescribeShareGroupOffsetsResponseTopic::default()
            .with_topic_name(TopicName(wire(&name)))
            .with_topic_id(topic_id);
        for index in partitions {
            let summary = services.shares.summary(&id, topic_id, index).await;
            topic.partitions.push(described(index, summary));
        }
        answer.topics.push(topic);
    }
    answer
}

/// The partitions asked for by name; those of topics that there are not have no id.
async fn wanted(
    services: &Services,
    client: &Client,
    id: &Text,
    asked: &DescribeShareGroupOffsetsRequestGroup,
) -> Result<Vec<StateTopic>, Refusal> {
    let Some(topics) = &asked.topics else {
        let all = services.groups.execute(client.clone(), ShareGroupPartitions { group_id: id.clone() }).await;
        return all.map_err(|error: GroupError| Refusal::new(error, error.to_string()))?;
    };
    let image = services.metadata.current();
    let topics = topics.iter().map(|topic| {
        let topic_id = image.topic_by_name(&topic.topic_name).map_or(Uuid::nil(), |topic| topic.id);
        (topic_id, text(&topic.topic_name.0), topic.partitions.clone())
    });
    Ok(topics.collect())
}

fn described(index: i32, summary: Result<Summary, ShareStateError>) -> DescribeShareGroupOffsetsResponsePartition {
    let answer = DescribeShareGroupOffsetsResponsePartition::default().with_partition_index(index);
    match summary {
        Ok(summary) => answer.with_start_offset(summary.start_offset).with_leader_epoch(summary.leader_epoch),
        // As in Kafka, what is not there has no start.
        Err(ShareStateError::UnknownTopicOrPartition | ShareStateError::InvalidRequest(_)) => {
            answer.with_start_offset(-1)
        }
        Err(error) => answer
            .with_start_offset(-1)
            .with_error_code(ErrorCode::from(error).code())
            .with_error_message(Some(StrBytes::from_string(error.to_string()))),
    }
}
