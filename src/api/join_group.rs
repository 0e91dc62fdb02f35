//! JoinGroup (key 11). Versions 0–9.
//!
//! 1: rebalance timeout. 4: a first join is told its member id (KIP-394). 5: static members (KIP-345). 7: protocol type.
//! 8: a reason (KIP-800). 9: the leader may be told to keep the assignment (KIP-814).

use super::context::RequestContext;
use super::groups::{ask, code, copied, optional_text, optional_wire, text, wire};
use super::reply::Reply;
use super::Services;
use crate::group::request::{JoinGroup, JoinGroupReply, Protocol};
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::{JoinGroupRequest, JoinGroupResponse};
use kafka_protocol::protocol::StrBytes;

/// Joins; the answer comes when the join phase ends.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: JoinGroupRequest) -> Reply {
    let version = context.version;
    let member_id = text(&request.member_id);
    let join = JoinGroup {
        group_id: text(&request.group_id.0),
        session_timeout_ms: request.session_timeout_ms,
        rebalance_timeout_ms: if version == 0 { request.session_timeout_ms } else { request.rebalance_timeout_ms },
        member_id: member_id.clone(),
        group_instance_id: optional_text(&request.group_instance_id),
        protocol_type: text(&request.protocol_type),
        protocols: request
            .protocols
            .iter()
            .map(|protocol| Protocol { name: text(&protocol.name), metadata: copied(&protocol.metadata) })
            .collect(),
        reason: optional_text(&request.reason),
        needs_known_member_id: version >= 4,
        may_skip_assignment: version >= 9,
    };
    let responder = context.responder.clone();
    let answer = move |result: Result<JoinGroupReply, _>| {
        let reply = result.unwrap_or_else(|error| JoinGroupReply::refused(error, member_id));
        responder.ready(&encoded(&reply, version))
    };
    ask(services, context, join, answer)
}

fn encoded(reply: &JoinGroupReply, version: i16) -> JoinGroupResponse {
    let members = reply.members.iter().map(|member| {
        let mut answer = JoinGroupResponseMember::default()
            .with_member_id(wire(&member.member_id))
            .with_metadata(member.metadata.clone());
        if version >= 5 {
            answer.group_instance_id = optional_wire(&member.group_instance_id);
        }
        answer
    });
    let mut response = JoinGroupResponse::default()
        .with_error_code(code(reply.error))
        .with_generation_id(reply.generation_id)
        .with_leader(wire(&reply.leader))
        .with_member_id(wire(&reply.member_id))
        .with_members(members.collect());
    response.protocol_name = optional_wire(&reply.protocol_name);
    if version >= 7 {
        response.protocol_type = optional_wire(&reply.protocol_type);
    } else if response.protocol_name.is_none() {
        response.protocol_name = Some(StrBytes::new());
    }
    if version >= 9 {
        response.skip_assignment = reply.skip_assignment;
    }
    response
}
