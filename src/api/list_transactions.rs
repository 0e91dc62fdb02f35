//! ListTransactions (key 66). Versions 0–2.
//!
//! 1: filter by duration (KIP-994). 2: filter by a pattern of the transactional id (KIP-1152), which must match it whole.

use super::context::RequestContext;
use super::error::ErrorCode;
use super::reply::Reply;
use super::transactions::wire;
use super::Services;
use crate::txn::request::ListTransactions;
use crate::txn::State;
use kafka_protocol::messages::list_transactions_response::TransactionState;
use kafka_protocol::messages::{ListTransactionsRequest, ListTransactionsResponse, ProducerId};
use kafka_protocol::protocol::StrBytes;
use regex::{Regex, RegexBuilder};

/// The largest pattern, compiled. Bytes.
const PATTERN_BYTES: usize = 1 << 20;

/// Lists the transactional ids that this broker coordinates.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: ListTransactionsRequest) -> Reply {
    let responder = context.responder.clone();
    let Ok(pattern) = pattern(request.transactional_id_pattern.as_deref()) else {
        let error_code = ErrorCode::InvalidRegularExpression.code();
        return responder.ready(&ListTransactionsResponse::default().with_error_code(error_code));
    };
    let named: Vec<StrBytes> = request.state_filters;
    let states = named.iter().filter_map(|name| State::from_name(name)).collect();
    let filters = ListTransactions {
        states: (!named.is_empty()).then_some(states),
        producer_ids: request.producer_id_filters.iter().map(|id| id.0).collect(),
        duration_ms: request.duration_filter,
    };
    let unknown: Vec<StrBytes> = named.into_iter().filter(|name| !State::is_name(name)).collect();
    let pending = services.transactions.list(filters);
    Reply::later(async move {
        let mut response = ListTransactionsResponse::default();
        match pending.await {
            Err(error) => response.error_code = ErrorCode::from(error).code(),
            Ok(listed) => {
                response.unknown_state_filters = unknown;
                let passes = |id: &str| pattern.as_ref().is_none_or(|pattern| pattern.is_match(id));
                let found = listed.iter().filter(|listed| passes(&listed.transactional_id)).map(|listed| {
                    TransactionState::default()
                        .with_transactional_id(wire(&listed.transactional_id))
                        .with_producer_id(ProducerId(listed.producer_id))
                        .with_transaction_state(StrBytes::from_static_str(listed.state.name()))
                });
                response.transaction_states = found.collect();
            }
        }
        responder.ready(&response)
    })
}

/// The pattern that an id must match whole; none for all. Kafka's engine is RE2/J, whose language this one shares.
fn pattern(text: Option<&str>) -> Result<Option<Regex>, regex::Error> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    // By itself, so that a pattern that ends in the middle of a group is not mended by the anchors.
    RegexBuilder::new(text).size_limit(PATTERN_BYTES).build()?;
    RegexBuilder::new(&format!("^(?:{text})$")).size_limit(PATTERN_BYTES).build().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x2_patterns_match_whole_ids() {
        let matches = |text: &str, id: &str| pattern(Some(text)).expect("a pattern").expect("one").is_match(id);
        assert!(matches("a|ab", "ab") && matches("app-.*", "app-1") && !matches("app", "app-1") && !matches("b", "ab"));
        assert!(pattern(None).expect("none").is_none() && pattern(Some("")).expect("none").is_none());
        for bad in ["(", "a)(b", "[", "\\", "x{99999999}"] {
            assert!(pattern(Some(bad)).is_err(), "{bad}");
        }
    }
}
