//! ExpireDelegationToken (key 40). Versions 1–2.
//!
//! 2: flexible.
//! Left out: tokens. The answers are those of a Kafka that has no `delegation.token.secret.key`.

use super::context::RequestContext;
use super::delegation_tokens::{refusal, NO_TIME};
use super::reply::Reply;
use super::Services;
use kafka_protocol::messages::{ExpireDelegationTokenRequest, ExpireDelegationTokenResponse};

/// Refuses.
pub fn handle(_services: &Services, context: &RequestContext<'_>, _request: ExpireDelegationTokenRequest) -> Reply {
    let response = ExpireDelegationTokenResponse::default()
        .with_error_code(refusal(context).code())
        .with_expiry_timestamp_ms(NO_TIME);
    context.responder.ready(&response)
}
