//! ElectLeaders (key 43). Versions 0–2.
//!
//! 1: unclean elections, a top-level error (KIP-460).
//! Kept from Kafka: an answer about all partitions leaves out those that need no election.

use super::context::RequestContext;
use super::controller_calls::{outcome, submit};
use super::error::ErrorCode;
use super::reply::Reply;
use super::Services;
use crate::controller::{Request, Response};
use crate::ids::TopicPartition;
use kafka_protocol::messages::elect_leaders_response::{PartitionResult, ReplicaElectionResult};
use kafka_protocol::messages::{ElectLeadersRequest, ElectLeadersResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeMap;

/// Election types.
const PREFERRED: i8 = 0;
const UNCLEAN: i8 = 1;

/// Lets the controller elect leaders, partition by partition.
pub async fn handle(services: &Services, context: &RequestContext<'_>, request: ElectLeadersRequest) -> Reply {
    let mut response = ElectLeadersResponse::default();
    let fail = |mut response: ElectLeadersResponse, error: ErrorCode| {
        if context.version >= 1 {
            response.error_code = error.code();
        }
        context.responder.ready(&response)
    };
    if !matches!(request.election_type, PREFERRED | UNCLEAN) {
        return fail(response, ErrorCode::InvalidRequest);
    }
    let named = request.topic_partitions.as_ref().map(|topics| {
        topics
            .iter()
            .flat_map(|topic| topic.partitions.iter().map(|index| TopicPartition::new(topic.topic.as_str(), *index)))
            .collect()
    });
    let elect = Request::ElectLeaders { partitions: named, unclean: request.election_type == UNCLEAN };
    let take = |response| match response {
        Response::ElectLeaders(results) => Some(results),
        _ => None,
    };
    let results = match submit(services, elect, take).await {
        Ok(results) => results,
        Err(error) => return fail(response, error),
    };
    let mut topics: BTreeMap<&str, Vec<PartitionResult>> = BTreeMap::new();
    for (partition, result) in &results {
        let (error, message) = outcome(result);
        let answer = PartitionResult::default()
            .with_partition_id(partition.partition)
            .with_error_code(error.code())
            .with_error_message(message);
        topics.entry(&partition.topic).or_default().push(answer);
    }
    let topics = topics.into_iter().map(|(name, partitions)| {
        let name = TopicName(StrBytes::from_string(name.to_owned()));
        ReplicaElectionResult::default().with_topic(name).with_partition_result(partitions)
    });
    response.replica_election_results = topics.collect();
    context.responder.ready(&response)
}
