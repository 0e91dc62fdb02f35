//! CreatePartitions (key 37). Versions 0–3.

use super::context::RequestContext;
use super::controller_calls::{outcome, submit};
use super::error::ErrorCode;
use super::reply::Reply;
use super::Services;
use crate::controller::request::{CreatePartitions, MorePartitions};
use crate::controller::{Request, Response};
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::{CreatePartitionsRequest, CreatePartitionsResponse, TopicName};
use kafka_protocol::protocol::StrBytes;

/// Adds partitions to topics, each for itself.
pub async fn handle(services: &Services, context: &RequestContext<'_>, request: CreatePartitionsRequest) -> Reply {
    let topics = request.topics.iter().map(|topic| MorePartitions {
        name: topic.name.to_string(),
        count: topic.count,
        assignments: topic.assignments.as_ref().map(|assignments| {
            assignments.iter().map(|assignment| assignment.broker_ids.iter().map(|id| id.0).collect()).collect()
        }),
    });
    let create = CreatePartitions { topics: topics.collect(), validate_only: request.validate_only };
    let take = |response| match response {
        Response::CreatePartitions(results) => Some(results),
        _ => None,
    };
    let result = |name: &str, error: ErrorCode, message| {
        CreatePartitionsTopicResult::default()
            .with_name(TopicName(StrBytes::from_string(name.to_owned())))
            .with_error_code(error.code())
            .with_error_message(message)
    };
    let results = match submit(services, Request::CreatePartitions(create), take).await {
        Ok(results) => results
            .iter()
            .map(|(name, answer)| {
                let (error, message) = outcome(answer);
                result(name, error, message)
            })
            .collect(),
        Err(error) => request.topics.iter().map(|topic| result(&topic.name, error, None)).collect(),
    };
    context.responder.ready(&CreatePartitionsResponse::default().with_results(results))
}
