//! ShareGroupHeartbeat (key 76). Versions 1–1.
//!
//! Membership of share groups (KIP-932). Partitions that nobody has read yet are set up beside the answer, and assigned
//! with a later one, as in Kafka.

use super::context::RequestContext;
use super::groups::{ask, client, code, optional_text, optional_wire, share_groups_are_served, text};
use super::reply::Reply;
use super::Services;
use crate::group::request::{ShareGroupHeartbeat, ShareGroupHeartbeatReply};
use crate::group::{GroupError, Refusal};
use kafka_protocol::messages::share_group_heartbeat_response::{Assignment, TopicPartitions};
use kafka_protocol::messages::{ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse};
use kafka_protocol::protocol::StrBytes;
use std::sync::Arc;

/// Joins, beats or leaves.
pub fn handle(services: &Arc<Services>, context: &RequestContext<'_>, request: ShareGroupHeartbeatRequest) -> Reply {
    let responder = context.responder.clone();
    if !share_groups_are_served(services) {
        let refusal = Refusal::new(GroupError::UnsupportedVersion, GroupError::UnsupportedVersion.to_string());
        return responder.ready(&encoded(ShareGroupHeartbeatReply::refused(refusal)));
    }
    let group = text(&request.group_id.0);
    let topics = request.subscribed_topic_names.as_ref();
    let beat = ShareGroupHeartbeat {
        group_id: group.clone(),
        member_id: text(&request.member_id),
        member_epoch: request.member_epoch,
        rack_id: optional_text(&request.rack_id),
        subscribed_topics: topics.map(|topics| topics.iter().map(|topic| text(&topic.0)).collect()),
    };
    let (services_later, client) = (services.clone(), client(context));
    ask(services, context, beat, move |result| {
        let refused = |error: GroupError| ShareGroupHeartbeatReply::refused(Refusal::new(error, error.to_string()));
        let mut reply = result.unwrap_or_else(refused);
        if let Some(wanted) = reply.to_set_up.take() {
            // The first group that reads anything makes the share coordinator's topic.
            super::topic_creation::share_coordinator(&services_later, &group);
            let Services { shares, groups, .. } = &*services_later;
            tokio::spawn(shares.clone().set_up(groups.clone(), client, group, wanted));
        }
        responder.ready(&encoded(reply))
    })
}

fn encoded(reply: ShareGroupHeartbeatReply) -> ShareGroupHeartbeatResponse {
    let mut response = ShareGroupHeartbeatResponse::default();
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
