//! UnregisterBroker (key 64). Versions 0–0 (KIP-631).

use super::context::RequestContext;
use super::controller_calls::{outcome, submit};
use super::reply::Reply;
use super::Services;
use crate::controller::{Request, Response};
use kafka_protocol::messages::{UnregisterBrokerRequest, UnregisterBrokerResponse};

/// Takes a broker's registration away. One that is alive registers again.
pub async fn handle(services: &Services, context: &RequestContext<'_>, request: UnregisterBrokerRequest) -> Reply {
    let take = |response| match response {
        Response::UnregisterBroker(result) => Some(result),
        _ => None,
    };
    let unregister = Request::UnregisterBroker { broker_id: request.broker_id.0 };
    let (error, message) = match submit(services, unregister, take).await {
        Ok(result) => outcome(&result),
        Err(error) => (error, None),
    };
    let response = UnregisterBrokerResponse::default().with_error_code(error.code()).with_error_message(message);
    context.responder.ready(&response)
}
