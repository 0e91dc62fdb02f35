//! ConsumerGroupDescribe (key 69). Versions 0–1.
//!
//! 0: groups of KIP-848. 1: the protocol that each member speaks.

use super::context::{operations, RequestContext};
use super::groups::{client, code, consumer_groups_are_served, optional_wire, text, wire};
use super::reply::Reply;
use super::Services;
use crate::group::request::{AssignedTopic, ConsumerGroupDescribe, DescribedConsumer, DescribedConsumerGroup};
use crate::group::{GroupError, Text};
use futures_util::future::join_all;
use kafka_protocol::messages::consumer_group_describe_response::{Assignment, DescribedGroup, Member, TopicPartitions};
use kafka_protocol::messages::{ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, GroupId, TopicName};
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeSet;

/// Describes consumer groups.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: ConsumerGroupDescribeRequest) -> Reply {
    let responder = context.responder.clone();
    // Each once: otherwise a short request could ask for an answer of any length.
    let mut seen = BTreeSet::new();
    let ids = request.group_ids.iter().filter(|group| seen.insert(group.0.as_str())).map(|group| text(&group.0));
    let ids: Vec<Text> = ids.collect();
    if !consumer_groups_are_served(services) {
        let groups = ids.iter().map(|id| refused(id, GroupError::UnsupportedVersion, None)).collect();
        return responder.ready(&ConsumerGroupDescribeResponse::default().with_groups(groups));
    }
    let (version, with_operations) = (context.version, request.include_authorized_operations);
    let client = client(context);
    let ask = |group_id: &Text| {
        let describe = ConsumerGroupDescribe { group_id: group_id.clone() };
        services.groups.execute(client.clone(), describe)
    };
    let pending: Vec<_> = ids.iter().map(ask).collect();
    Reply::later(async move {
        let results = join_all(pending).await;
        let groups = ids.iter().zip(results).map(|(id, result)| {
            let described = result
                .map_err(|error| (error, None))
                .and_then(|reply| reply.described.map_err(|(error, message)| (error, Some(message))));
            match described {
                Ok(group) => {
                    let operations = if with_operations { operations::GROUP } else { i32::MIN };
                    shown(id, &group, version).with_authorized_operations(operations)
                }
                Err((error, message)) => refused(id, error, message),
            }
        });
        responder.ready(&ConsumerGroupDescribeResponse::default().with_groups(groups.collect()))
    })
}

fn refused(id: &Text, error: GroupError, message: Option<String>) -> DescribedGroup {
    DescribedGroup::default()
        .with_group_id(GroupId(wire(id)))
        .with_error_code(code(Some(error)))
        .with_error_message(message.map(StrBytes::from_string))
}

fn shown(id: &Text, group: &DescribedConsumerGroup, version: i16) -> DescribedGroup {
    DescribedGroup::default()
        .with_group_id(GroupId(wire(id)))
        .with_group_state(StrBytes::from_static_str(group.state))
        .with_group_epoch(group.group_epoch)
        .with_assignment_epoch(group.assignment_epoch)
        .with_assignor_name(StrBytes::from_static_str(group.assignor))
        .with_members(group.members.iter().map(|member| shown_member(member, version)).collect())
}

fn shown_member(member: &DescribedConsumer, version: i16) -> Member {
    let topics = member.subscribed_topics.iter().map(|topic| TopicName(wire(topic)));
    let mut shown = Member::default()
        .with_member_id(wire(&member.member_id))
        .with_instance_id(optional_wire(&member.instance_id))
        .with_rack_id(optional_wire(&member.rack_id))
        .with_member_epoch(member.member_epoch)
        .with_client_id(wire(&member.client_id))
        .with_client_host(wire(&member.client_host))
        .with_subscribed_topic_names(topics.collect())
        .with_subscribed_topic_regex(optional_wire(&member.subscribed_regex))
        .with_assignment(assignment(&member.assignment))
        .with_target_assignment(assignment(&member.target));
    if version >= 1 {
        // 0 is a member of the classic protocol, 1 one of the consumer protocol.
        shown.member_type = i8::from(!member.is_classic);
    }
    shown
}

fn assignment(topics: &[AssignedTopic]) -> Assignment {
    let topics = topics.iter().map(|topic| {
        TopicPartitions::default()
            .with_topic_id(topic.topic_id)
            .with_topic_name(TopicName(wire(&topic.name)))
            .with_partitions(topic.partitions.clone())
    });
    Assignment::default().with_topic_partitions(topics.collect())
}
