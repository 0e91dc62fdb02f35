//! Heartbeat (key 12). Versions 0–4.
//!
//! 3: static members (KIP-345).

use super::context::RequestContext;
use super::groups::{ask, code, optional_text, text};
use super::reply::Reply;
use super::Services;
use crate::group::request::Heartbeat;
use kafka_protocol::messages::{HeartbeatRequest, HeartbeatResponse};

/// Says that a member lives.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: HeartbeatRequest) -> Reply {
    let beat = Heartbeat {
        group_id: text(&request.group_id.0),
        generation_id: request.generation_id,
        member_id: text(&request.member_id),
        group_instance_id: optional_text(&request.group_instance_id),
    };
    let responder = context.responder.clone();
    ask(services, context, beat, move |result| {
        let error = result.map_or_else(Some, |reply| reply.error);
        responder.ready(&HeartbeatResponse::default().with_error_code(code(error)))
    })
}
