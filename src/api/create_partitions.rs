//! CreatePartitions (key 37). Versions 0–3.
//!
//! 3: THROTTLING_QUOTA_EXCEEDED (KIP-599).

use super::context::RequestContext;
use super::controller_calls::{outcome, submit, Refused};
use super::mutations::Mutations;
use super::reply::Reply;
use super::Services;
use crate::controller::request::{CreatePartitions, MorePartitions};
use crate::controller::{Request, Response};
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::{CreatePartitionsRequest, CreatePartitionsResponse, TopicName};
use kafka_protocol::protocol::StrBytes;

/// This API's key.
const CREATE_PARTITIONS: i16 = 37;
/// From this version on a client that changes too much is refused (KIP-599).
const STRICT_FROM: i16 = 3;

/// Adds partitions to topics, each for itself.
pub async fn handle(services: &Services, context: &RequestContext<'_>, request: CreatePartitionsRequest) -> Reply {
    let mut mutations = Mutations::new(services, context, STRICT_FROM);
    let image = services.metadata.current();
    let cost = |name: &str| -> i64 {
        let asked = request.topics.iter().find(|topic| **topic.name == *name).map_or(0, |topic| topic.count);
        let present = image.topic_by_name(name).map_or(asked, |topic| topic.partition_count());
        i64::from(asked) - i64::from(present)
    };
    let result = |name: &str, (error, message): Refused| {
        CreatePartitionsTopicResult::default()
            .with_name(TopicName(StrBytes::from_string(name.to_owned())))
            .with_error_code(error.code())
            .with_error_message(message)
    };
    let mut throttled = Vec::new();
    let paid: Vec<_> = request
        .topics
        .iter()
        .filter(|topic| {
            let paid = if request.validate_only { Ok(()) } else { mutations.pay(cost(&topic.name)) };
            paid.map_err(|refused| throttled.push(result(&topic.name, refused))).is_ok()
        })
        .collect();
    let topics = paid.iter().map(|topic| MorePartitions {
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
    let mut results: Vec<_> = match submit(services, Request::CreatePartitions(create), take).await {
        Ok(results) => results
            .iter()
            .map(|(name, answer)| {
                if answer.is_err() && !request.validate_only {
                    mutations.came_to_nothing(cost(name));
                }
                result(name, outcome(answer))
            })
            .collect(),
        Err(error) => paid.iter().map(|topic| result(&topic.name, (error, None))).collect(),
    };
    results.extend(throttled);
    let reply = context.responder.ready(&CreatePartitionsResponse::default().with_results(results));
    mutations.settle(reply, CREATE_PARTITIONS)
}
