//! RemoveRaftVoter (key 81). Versions 0–0 (KIP-853).
//!
//! Left out: a quorum whose voters change. The answer is that of a Kafka with `kraft.version` 0.

use super::context::RequestContext;
use super::raft_voters::{check, unsupported};
use super::reply::Reply;
use super::Services;
use kafka_protocol::messages::{RemoveRaftVoterRequest, RemoveRaftVoterResponse};

/// Refuses.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: RemoveRaftVoterRequest) -> Reply {
    let voter = (request.voter_id, request.voter_directory_id);
    let checked = check(services, request.cluster_id.as_deref(), voter, "Remove");
    let (error, message) = checked.err().unwrap_or_else(|| unsupported(services, "removing"));
    let response = RemoveRaftVoterResponse::default().with_error_code(error.code()).with_error_message(message);
    context.responder.ready(&response)
}
