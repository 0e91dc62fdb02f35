//! ShareGroupDescribe (key 77). Versions 1–1.
//!
//! Share groups with their members (KIP-932).

use super::context::{operations, RequestContext};
use super::groups::{client, code, optional_wire, text, wire};
use super::reply::Reply;
use super::Services;
use crate::group::request::{DescribedShareGroup, DescribedShareMember, ShareGroupDescribe};
use crate::group::{GroupError, Refusal, Text};
use futures_util::future::join_all;
use kafka_protocol::messages::share_group_describe_response::{Assignment, DescribedGroup, Member, TopicPartitions};
use kafka_protocol::messages::{GroupId, ShareGroupDescribeRequest, ShareGroupDescribeResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeSet;

/// Describes share groups.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: ShareGroupDescribeRequest) -> Reply {
    let responder = context.responder.clone();
    // Each once: otherwise a short request could ask for an answer of any length.
    let mut seen = BTreeSet::new();
    let ids = request.group_ids.iter().filter(|group| seen.insert(group.0.as_str())).map(|group| text(&group.0));
    let ids: Vec<Text> = ids.collect();
    let client = client(context);
    let ask =
        |group_id: &Text| services.groups.execute(client.clone(), ShareGroupDescribe { group_id: group_id.clone() });
    let pending: Vec<_> = ids.iter().map(ask).collect();
    let with_operations = request.include_authorized_operations;
    Reply::later(async move {
        let say = |error: GroupError| Refusal::new(error, error.to_string());
        let groups =
            ids.iter().zip(join_all(pending).await).map(|(id, result)| match result.map_err(say).and_then(|it| it) {
                Ok(group) => {
                    let operations = if with_operations { operations::GROUP } else { i32::MIN };
                    shown(id, &group).with_authorized_operations(operations)
                }
                Err(refusal) => DescribedGroup::default()
                    .with_group_id(GroupId(wire(id)))
                    .with_error_code(code(Some(refusal.error)))
                    .with_error_message(Some(StrBytes::from_string(refusal.message))),
            });
        responder.ready(&ShareGroupDescribeResponse::default().with_groups(groups.collect()))
    })
}

fn shown(id: &Text, group: &DescribedShareGroup) -> DescribedGroup {
    DescribedGroup::default()
        .with_group_id(GroupId(wire(id)))
        .with_group_state(StrBytes::from_static_str(group.state))
        .with_group_epoch(group.group_epoch)
        .with_assignment_epoch(group.assignment_epoch)
        .with_assignor_name(StrBytes::from_static_str("simple"))
        .with_members(group.members.iter().map(shown_member).collect())
}

fn shown_member(member: &DescribedShareMember) -> Member {
    let topics = member.assignment.iter().map(|(topic_id, name, partitions)| {
        TopicPartitions::default()
            .with_topic_id(*topic_id)
            .with_topic_name(TopicName(wire(name)))
            .with_partitions(partitions.clone())
    });
    Member::default()
        .with_member_id(wire(&member.member_id))
        .with_rack_id(optional_wire(&member.rack_id))
        .with_member_epoch(member.member_epoch)
        .with_client_id(wire(&member.client_id))
        .with_client_host(wire(&member.client_host))
        .with_subscribed_topic_names(member.subscribed_topics.iter().map(|topic| TopicName(wire(topic))).collect())
        .with_assignment(Assignment::default().with_topic_partitions(topics.collect()))
}
