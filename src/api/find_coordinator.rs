//! FindCoordinator (key 10). Versions 0–6.
//!
//! 1: key types. 4: several keys at once (KIP-699). 6: share groups (KIP-932).

use super::context::RequestContext;
use super::error::ErrorCode;
use super::reply::Reply;
use super::{topic_creation, Services};
use crate::share::ShareName;
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::{BrokerId, FindCoordinatorRequest, FindCoordinatorResponse};
use kafka_protocol::protocol::StrBytes;

/// The key type of groups.
const GROUP: i8 = 0;
/// The key type of transactional ids.
const TRANSACTION: i8 = 1;
/// The key type of share-partitions.
const SHARE: i8 = 2;

/// Answers with the broker that coordinates each key; the first question makes the topic that it lives in (G1, X1, S5).
pub fn handle(services: &Services, context: &RequestContext<'_>, request: FindCoordinatorRequest) -> Reply {
    let key_type = if context.version >= 1 { request.key_type } else { GROUP };
    if context.version >= 4 {
        let coordinators = request.coordinator_keys.iter().map(|key| find(services, context, key, key_type));
        return context.responder.ready(&FindCoordinatorResponse::default().with_coordinators(coordinators.collect()));
    }
    let found = find(services, context, &request.key, key_type);
    let mut response = FindCoordinatorResponse::default()
        .with_error_code(found.error_code)
        .with_node_id(found.node_id)
        .with_host(found.host)
        .with_port(found.port);
    if context.version >= 1 {
        response.error_message = found.error_message;
    }
    context.responder.ready(&response)
}

fn find(services: &Services, context: &RequestContext<'_>, key: &StrBytes, key_type: i8) -> Coordinator {
    let none = |error: ErrorCode| {
        Coordinator::default()
            .with_key(key.clone())
            .with_node_id(BrokerId(-1))
            .with_port(-1)
            .with_error_code(error.code())
    };
    let coordinator = match key_type {
        GROUP => topic_creation::group_coordinator(services, key),
        TRANSACTION => topic_creation::transaction_coordinator(services, key),
        SHARE if ShareName::is_text(key) => topic_creation::share_coordinator(services, key),
        _ => return none(ErrorCode::InvalidRequest),
    };
    let broker = coordinator.and_then(|id| services.metadata.current().broker(id).cloned());
    match broker.as_ref().and_then(|broker| Some((broker.id, broker.endpoint(&context.connection.listener)?))) {
        Some((id, endpoint)) => Coordinator::default()
            .with_key(key.clone())
            .with_node_id(BrokerId(id))
            .with_host(StrBytes::from_string(endpoint.host.clone()))
            .with_port(i32::from(endpoint.port)),
        None => none(ErrorCode::CoordinatorNotAvailable),
    }
}
