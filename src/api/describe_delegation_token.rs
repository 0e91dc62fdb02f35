//! DescribeDelegationToken (key 41). Versions 1–3.
//!
//! 2: flexible. 3: who asked for a token (KIP-373).
//! Left out: tokens. The answers are those of a Kafka that has no `delegation.token.secret.key`.

use super::context::RequestContext;
use super::delegation_tokens::refusal;
use super::reply::Reply;
use super::Services;
use kafka_protocol::messages::{DescribeDelegationTokenRequest, DescribeDelegationTokenResponse};

/// Refuses.
pub fn handle(_services: &Services, context: &RequestContext<'_>, _request: DescribeDelegationTokenRequest) -> Reply {
    context.responder.ready(&DescribeDelegationTokenResponse::default().with_error_code(refusal(context).code()))
}
