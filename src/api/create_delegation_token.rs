//! CreateDelegationToken (key 38). Versions 1–3.
//!
//! 2: flexible. 3: tokens for others (KIP-373).
//! Left out: tokens. The answers are those of a Kafka that has no `delegation.token.secret.key`.

use super::context::RequestContext;
use super::delegation_tokens::{refusal, NO_TIME};
use super::reply::Reply;
use super::Services;
use kafka_protocol::messages::{CreateDelegationTokenRequest, CreateDelegationTokenResponse};
use kafka_protocol::protocol::StrBytes;

/// Refuses.
pub fn handle(_services: &Services, context: &RequestContext<'_>, request: CreateDelegationTokenRequest) -> Reply {
    let text = |text: &str| StrBytes::from_string(text.to_owned());
    let requester = context.connection.principal.split_once(':').unwrap_or(("User", ""));
    let owner = match (&request.owner_principal_type, &request.owner_principal_name) {
        (Some(kind), Some(name)) if context.version >= 3 && !name.is_empty() => (kind.as_str(), name.as_str()),
        _ => requester,
    };
    let mut response = CreateDelegationTokenResponse::default()
        .with_error_code(refusal(context).code())
        .with_principal_type(text(owner.0))
        .with_principal_name(text(owner.1))
        .with_issue_timestamp_ms(NO_TIME)
        .with_expiry_timestamp_ms(NO_TIME)
        .with_max_timestamp_ms(NO_TIME);
    if context.version >= 3 {
        response.token_requester_principal_type = text(requester.0);
        response.token_requester_principal_name = text(requester.1);
    }
    context.responder.ready(&response)
}
