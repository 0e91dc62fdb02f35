//! EndTxn (key 26). Versions 0–5.
//!
//! 2: PRODUCER_FENCED (KIP-588). 4: TRANSACTION_ABORTABLE (KIP-890). 5: the epoch grows with every transaction, and the
//! answer tells the producer who it is from now on.

use super::context::RequestContext;
use super::reply::Reply;
use super::transactions::{ask_for_producer, id};
use super::Services;
use crate::txn::request::EndTxn;
use kafka_protocol::messages::{EndTxnRequest, EndTxnResponse, ProducerId};

/// The first version that knows PRODUCER_FENCED.
const FENCED_FROM: i16 = 2;
/// The first version whose clients bump the epoch with every transaction.
const BUMPS_FROM: i16 = 5;

/// Commits or aborts a transaction. The answer does not wait for the markers (X10).
pub async fn handle(services: &Services, context: &RequestContext<'_>, request: EndTxnRequest) -> Reply {
    let version = context.version;
    let asked = EndTxn {
        transactional_id: id(&request.transactional_id),
        producer_id: request.producer_id.0,
        producer_epoch: request.producer_epoch,
        commit: request.committed,
        client_version: if version >= BUMPS_FROM { 2 } else { 0 },
        fresh_producer_id: None,
    };
    let again = |fresh_producer_id| EndTxn { fresh_producer_id, ..asked.clone() };
    let (error_code, (producer_id, epoch)) = match ask_for_producer(services, again).await {
        Ok(producer) => (0, producer),
        Err(refused) => (refused.code(version, FENCED_FROM), (-1, -1)),
    };
    let mut response = EndTxnResponse::default().with_error_code(error_code);
    if version >= BUMPS_FROM {
        response.producer_id = ProducerId(producer_id);
        response.producer_epoch = epoch;
    }
    context.responder.ready(&response)
}
