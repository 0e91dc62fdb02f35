//! DescribeQuorum (key 55). Versions 0–2.
//!
//! 1: fetch and caught-up times (KIP-836). 2: directory ids, the controllers' endpoints, error texts (KIP-853).
//! A raft term is told as the leader's epoch, the commit index as the high watermark.

use super::context::RequestContext;
use super::error::ErrorCode;
use super::reply::Reply;
use super::Services;
use crate::quorum::status::{QuorumStatus, ReplicaState};
use kafka_protocol::messages::describe_quorum_response::{
    Listener, Node, PartitionData, ReplicaState as WireState, TopicData,
};
use kafka_protocol::messages::{BrokerId, DescribeQuorumRequest, DescribeQuorumResponse};
use kafka_protocol::protocol::StrBytes;

/// The one partition that can be asked about.
const METADATA_TOPIC: &str = "__cluster_metadata";

/// Answers with the state of the metadata quorum.
pub async fn handle(services: &Services, context: &RequestContext<'_>, request: DescribeQuorumRequest) -> Reply {
    let status = services.controller.status().await.ok();
    let version = context.version;
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|asked| {
            let answer = PartitionData::default().with_partition_index(asked.partition_index);
            match &status {
                Some(status) if &*topic.topic_name.0 == METADATA_TOPIC && asked.partition_index == 0 => {
                    described(services, answer, status, version)
                }
                Some(_) => answer.with_error_code(ErrorCode::UnknownTopicOrPartition.code()),
                None => answer.with_error_code(ErrorCode::NotLeaderOrFollower.code()),
            }
        });
        TopicData::default().with_topic_name(topic.topic_name.clone()).with_partitions(partitions.collect())
    });
    let mut response = DescribeQuorumResponse::default().with_topics(topics.collect());
    if version >= 2 {
        response.nodes = nodes(services, status.as_ref());
    }
    context.responder.ready(&response)
}

fn described(services: &Services, answer: PartitionData, status: &QuorumStatus, version: i16) -> PartitionData {
    let states =
        |replicas: &[ReplicaState]| replicas.iter().map(|state| wire_state(services, state, version)).collect();
    answer
        .with_leader_id(BrokerId(status.leader_id.unwrap_or(-1)))
        .with_leader_epoch(status.leader_epoch)
        .with_high_watermark(status.high_watermark)
        .with_current_voters(states(&status.voters))
        .with_observers(states(&status.observers))
}

fn wire_state(services: &Services, state: &ReplicaState, version: i16) -> WireState {
    let mut answer =
        WireState::default().with_replica_id(BrokerId(state.node_id)).with_log_end_offset(state.log_end_offset);
    if version >= 1 {
        answer.last_fetch_timestamp = state.last_fetch_timestamp_ms;
        answer.last_caught_up_timestamp = state.last_caught_up_timestamp_ms;
    }
    if version >= 2 && state.node_id == services.config.node_id {
        answer.replica_directory_id = services.metadata_directory_id;
    }
    answer
}

/// Where this node's controllers listen; other voters' endpoints are in their own answers.
fn nodes(services: &Services, status: Option<&QuorumStatus>) -> Vec<Node> {
    let own = services.config.node_id;
    let is_voter = status.is_some_and(|status| status.voters.iter().any(|voter| voter.node_id == own));
    if !is_voter {
        return Vec::new();
    }
    let listeners = services.config.listeners.controllers().map(|listener| {
        Listener::default()
            .with_name(StrBytes::from_string(listener.name.clone()))
            .with_host(StrBytes::from_string(listener.advertised.host.clone()))
            .with_port(listener.advertised.port)
    });
    vec![Node::default().with_node_id(BrokerId(own)).with_listeners(listeners.collect())]
}
