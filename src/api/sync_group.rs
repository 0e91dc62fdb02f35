//! SyncGroup (key 14). Versions 0–5.
//!
//! 3: static members (KIP-345). 5: protocol type and name are checked and answered (KIP-559).

use super::context::RequestContext;
use super::groups::{ask, code, copied, optional_text, optional_wire, text};
use super::reply::Reply;
use super::Services;
use crate::group::request::{SyncGroup, SyncGroupReply};
use crate::group::GroupError;
use kafka_protocol::messages::{SyncGroupRequest, SyncGroupResponse};

/// Hands in or waits for the assignment.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: SyncGroupRequest) -> Reply {
    let version = context.version;
    let responder = context.responder.clone();
    let answer = move |result: Result<SyncGroupReply, GroupError>| {
        let reply = result.unwrap_or_else(SyncGroupReply::refused);
        let mut response =
            SyncGroupResponse::default().with_error_code(code(reply.error)).with_assignment(reply.assignment);
        if version >= 5 {
            response.protocol_type = optional_wire(&reply.protocol_type);
            response.protocol_name = optional_wire(&reply.protocol_name);
        }
        responder.ready(&response)
    };
    // KIP-559: from version 5 on, type and name are not optional.
    if version >= 5 && (request.protocol_type.is_none() || request.protocol_name.is_none()) {
        return answer(Err(GroupError::InconsistentGroupProtocol));
    }
    let sync = SyncGroup {
        group_id: text(&request.group_id.0),
        generation_id: request.generation_id,
        member_id: text(&request.member_id),
        group_instance_id: optional_text(&request.group_instance_id),
        protocol_type: optional_text(&request.protocol_type),
        protocol_name: optional_text(&request.protocol_name),
        assignments: request
            .assignments
            .iter()
            .map(|assignment| (text(&assignment.member_id), copied(&assignment.assignment)))
            .collect(),
    };
    ask(services, context, sync, answer)
}
