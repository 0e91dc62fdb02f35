//! AddRaftVoter (key 80). Versions 0–0 (KIP-853).
//!
//! Left out: a quorum whose voters change. The answer is that of a Kafka with `kraft.version` 0.

use super::context::RequestContext;
use super::controller_calls::Refused;
use super::error::ErrorCode;
use super::raft_voters::{check, refused, unsupported};
use super::reply::Reply;
use super::Services;
use kafka_protocol::messages::{AddRaftVoterRequest, AddRaftVoterResponse};

/// Refuses.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: AddRaftVoterRequest) -> Reply {
    let (error, message) = refusal(services, &request);
    let response = AddRaftVoterResponse::default().with_error_code(error.code()).with_error_message(message);
    context.responder.ready(&response)
}

fn refusal(services: &Services, request: &AddRaftVoterRequest) -> Refused {
    let voter = (request.voter_id, request.voter_directory_id);
    if let Err(refused) = check(services, request.cluster_id.as_deref(), voter, "Add") {
        return refused;
    }
    let own = services.config.listeners.controllers().next().map(|listener| listener.name.clone());
    match own {
        Some(own) if !request.listeners.iter().any(|listener| *listener.name == *own) => {
            let why = format!("Add voter request didn't include the endpoint for the default listener {own}");
            refused(ErrorCode::InvalidRequest, why)
        }
        _ => unsupported(services, "adding"),
    }
}
