//! AlterPartitionReassignments (key 45). Versions 0–1.
//!
//! 1: may forbid a change of the number of replicas (KIP-860).

use super::context::RequestContext;
use super::controller_calls::{outcome, submit};
use super::error::ErrorCode;
use super::reply::Reply;
use super::Services;
use crate::controller::request::{Reassign, ReassignPartition};
use crate::controller::{Request, Response};
use kafka_protocol::messages::alter_partition_reassignments_response::{
    ReassignablePartitionResponse, ReassignableTopicResponse,
};
use kafka_protocol::messages::{AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse};

/// Begins moves of partitions to other brokers and takes moves back, partition by partition.
pub async fn handle(
    services: &Services,
    context: &RequestContext<'_>,
    request: AlterPartitionReassignmentsRequest,
) -> Reply {
    let asked = request.topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|partition| ReassignPartition {
            topic: topic.name.to_string(),
            partition: partition.partition_index,
            replicas: partition.replicas.as_ref().map(|replicas| replicas.iter().map(|id| id.0).collect()),
        })
    });
    let reassign = Reassign {
        partitions: asked.collect(),
        allow_replication_factor_change: request.allow_replication_factor_change,
    };
    let take = |response| match response {
        Response::Reassign(results) => Some(results),
        _ => None,
    };
    let mut response = AlterPartitionReassignmentsResponse::default();
    if context.version >= 1 {
        response.allow_replication_factor_change = request.allow_replication_factor_change;
    }
    let mut results = match submit(services, Request::Reassign(reassign), take).await {
        Ok(results) => results.into_iter(),
        Err(error) => return context.responder.ready(&response.with_error_code(error.code())),
    };
    for topic in &request.topics {
        let answers = topic.partitions.iter().map(|partition| {
            let (error, message) =
                results.next().map_or((ErrorCode::UnknownServerError, None), |result| outcome(&result));
            ReassignablePartitionResponse::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(error.code())
                .with_error_message(message)
        });
        let answer = ReassignableTopicResponse::default().with_name(topic.name.clone());
        response.responses.push(answer.with_partitions(answers.collect()));
    }
    context.responder.ready(&response)
}
