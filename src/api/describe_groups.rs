//! DescribeGroups (key 15). Versions 0–6.
//!
//! 3: authorized operations (KIP-430). 4: static members (KIP-345). 6: an unknown group is an error with a text (KIP-1043).

use super::context::{operations, RequestContext};
use super::groups::{client, code, optional_wire, text, wire};
use super::reply::Reply;
use super::Services;
use crate::group::request::{DescribeGroup, DescribeGroupReply};
use crate::group::{GroupError, Text};
use futures_util::future::join_all;
use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::{DescribeGroupsRequest, DescribeGroupsResponse, GroupId};
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeSet;

/// Describes classic groups.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: DescribeGroupsRequest) -> Reply {
    let version = context.version;
    let client = client(context);
    // Each once: otherwise a short request could ask for an answer of any length.
    let mut seen = BTreeSet::new();
    let ids = request.groups.iter().filter(|group| seen.insert(group.0.as_str())).map(|group| text(&group.0));
    let ids: Vec<Text> = ids.collect();
    let pending = ids.iter().map(|group_id| {
        let describe = DescribeGroup { group_id: group_id.clone(), missing_is_error: version >= 6 };
        services.groups.execute(client.clone(), describe)
    });
    let pending: Vec<_> = pending.collect();
    let with_operations = version >= 3 && request.include_authorized_operations;
    let responder = context.responder.clone();
    Reply::later(async move {
        let results = join_all(pending).await;
        let groups = ids.iter().zip(results).map(|(group_id, result)| {
            let mut group = match result {
                Ok(reply) => described(&reply, version),
                Err(error) => refused(group_id, error),
            };
            if with_operations {
                group.authorized_operations = operations::GROUP;
            }
            group
        });
        responder.ready(&DescribeGroupsResponse::default().with_groups(groups.collect()))
    })
}

fn refused(group_id: &Text, error: GroupError) -> DescribedGroup {
    DescribedGroup::default().with_group_id(GroupId(wire(group_id))).with_error_code(code(Some(error)))
}

fn described(reply: &DescribeGroupReply, version: i16) -> DescribedGroup {
    let members = reply.members.iter().map(|member| {
        let mut answer = DescribedGroupMember::default()
            .with_member_id(wire(&member.member_id))
            .with_client_id(wire(&member.client_id))
            .with_client_host(wire(&member.client_host))
            .with_member_metadata(member.metadata.clone())
            .with_member_assignment(member.assignment.clone());
        if version >= 4 {
            answer.group_instance_id = optional_wire(&member.group_instance_id);
        }
        answer
    });
    let mut group = DescribedGroup::default()
        .with_error_code(code(reply.error))
        .with_group_id(GroupId(wire(&reply.group_id)))
        .with_group_state(StrBytes::from_static_str(reply.state))
        .with_protocol_type(wire(&reply.protocol_type))
        .with_protocol_data(wire(&reply.protocol_data))
        .with_members(members.collect());
    if version >= 6 {
        group.error_message = reply.error_message.clone().map(StrBytes::from_string);
    }
    group
}
