//! LeaveGroup (key 13). Versions 0–5.
//!
//! 3: several members at once, each with its own result (KIP-345). 5: a reason (KIP-800).

use super::context::RequestContext;
use super::groups::{ask, code, optional_text, optional_wire, text, wire};
use super::reply::Reply;
use super::Services;
use crate::group::request::{LeaveGroup, LeaveGroupReply, LeavingMember};
use kafka_protocol::messages::leave_group_response::MemberResponse;
use kafka_protocol::messages::{LeaveGroupRequest, LeaveGroupResponse};

/// Takes members out of their group.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: LeaveGroupRequest) -> Reply {
    let version = context.version;
    let members = if version >= 3 {
        let members = request.members.iter().map(|member| LeavingMember {
            member_id: text(&member.member_id),
            group_instance_id: optional_text(&member.group_instance_id),
            reason: optional_text(&member.reason),
        });
        members.collect()
    } else {
        vec![LeavingMember { member_id: text(&request.member_id), group_instance_id: None, reason: None }]
    };
    let responder = context.responder.clone();
    let leave = LeaveGroup { group_id: text(&request.group_id.0), members };
    ask(services, context, leave, move |result| {
        let reply = result.unwrap_or_else(|error| LeaveGroupReply { error: Some(error), members: Vec::new() });
        let mut response = LeaveGroupResponse::default().with_error_code(code(reply.error));
        if version >= 3 {
            let members = reply.members.iter().map(|member| {
                MemberResponse::default()
                    .with_member_id(wire(&member.member_id))
                    .with_group_instance_id(optional_wire(&member.group_instance_id))
                    .with_error_code(code(member.error))
            });
            response.members = members.collect();
        } else if let (None, Some(member)) = (reply.error, reply.members.first()) {
            response.error_code = code(member.error);
        }
        responder.ready(&response)
    })
}
