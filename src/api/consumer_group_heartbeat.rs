//! ConsumerGroupHeartbeat (key 68). Versions 0–1.
//!
//! 0: the group protocol of KIP-848. 1: regular expressions, and member ids that clients make.

use super::context::RequestContext;
use super::groups::{ask, code, consumer_groups_are_served, optional_text, optional_wire, text};
use super::reply::Reply;
use super::Services;
use crate::group::request::{ConsumerGroupHeartbeat, ConsumerGroupHeartbeatReply};
use crate::group::{GroupError, Partitions, Refusal};
use kafka_protocol::messages::consumer_group_heartbeat_response::{Assignment, TopicPartitions};
use kafka_protocol::messages::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};
use kafka_protocol::protocol::StrBytes;

/// Joins, beats or leaves.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: ConsumerGroupHeartbeatRequest) -> Reply {
    let responder = context.responder.clone();
    if !consumer_groups_are_served(services) {
        let refusal = Refusal::new(GroupError::UnsupportedVersion, GroupError::UnsupportedVersion.to_string());
        return responder.ready(&encoded(ConsumerGroupHeartbeatReply::refused(refusal)));
    }
    let version = context.version;
    let topics = request.subscribed_topic_names.as_ref();
    let owned = request.topic_partitions.as_ref().map(|topics| {
        let each = topics.iter().map(|topic| topic.partitions.iter().map(|partition| (topic.topic_id, *partition)));
        each.flatten().collect::<Partitions>()
    });
    let beat = ConsumerGroupHeartbeat {
        group_id: text(&request.group_id.0),
        member_id: text(&request.member_id),
        member_epoch: request.member_epoch,
        instance_id: optional_text(&request.instance_id),
        rack_id: optional_text(&request.rack_id),
        rebalance_timeout_ms: request.rebalance_timeout_ms,
        subscribed_topics: topics.map(|topics| topics.iter().map(|topic| text(&topic.0)).collect()),
        subscribed_regex: optional_text(&request.subscribed_topic_regex).filter(|_| version >= 1),
        server_assignor: optional_text(&request.server_assignor),
        owned,
        needs_member_id: version >= 1,
    };
    ask(services, context, beat, move |result| {
        let refused = |error: GroupError| ConsumerGroupHeartbeatReply::refused(Refusal::new(error, error.to_string()));
        responder.ready(&encoded(result.unwrap_or_else(refused)))
    })
}

fn encoded(reply: ConsumerGroupHeartbeatReply) -> ConsumerGroupHeartbeatResponse {
    let mut response = ConsumerGroupHeartbeatResponse::default();
    if let Some(refusal) = reply.refusal {
        response.error_code = code(Some(refusal.error));
        response.error_message = Some(StrBytes::from_string(refusal.message));
        return response;
    }
    response.member_id = optional_wire(&reply.member_id);
    response.member_epoch = reply.member_epoch;
    response.heartbeat_interval_ms = reply.heartbeat_interval_ms;
    response.assignment = reply.assignment.map(|partitions| {
        let topics = partitions.topics().map(|(topic, partitions)| {
            let partitions = partitions.iter().copied().collect();
            TopicPartitions::default().with_topic_id(*topic).with_partitions(partitions)
        });
        Assignment::default().with_topic_partitions(topics.collect())
    });
    response
}
