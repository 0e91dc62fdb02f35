//! AddOffsetsToTxn (key 25). Versions 0–4.
//!
//! 2: PRODUCER_FENCED (KIP-588). 4: TRANSACTION_ABORTABLE (KIP-890), which is never answered here.

use super::context::RequestContext;
use super::reply::Reply;
use super::transactions::{code, id};
use super::Services;
use crate::coordinator::CONSUMER_OFFSETS;
use crate::ids::TopicPartition;
use crate::txn::request::AddPartitionsToTxn;
use kafka_protocol::messages::{AddOffsetsToTxnRequest, AddOffsetsToTxnResponse};

/// The first version that knows PRODUCER_FENCED.
const FENCED_FROM: i16 = 2;

/// Adds the partition that a group's offsets live in to a transaction.
pub async fn handle(services: &Services, context: &RequestContext<'_>, request: AddOffsetsToTxnRequest) -> Reply {
    let partition = services.groups.partition_for(&request.group_id);
    let asked = AddPartitionsToTxn {
        transactional_id: id(&request.transactional_id),
        producer_id: request.producer_id.0,
        producer_epoch: request.producer_epoch,
        verify_only: false,
        client_version: 0,
        partitions: vec![TopicPartition::new(CONSUMER_OFFSETS, partition)],
    };
    let error = match services.transactions.execute(asked).await {
        Ok(reply) => reply.results.into_iter().find_map(|(_, error)| error),
        Err(error) => Some(error),
    };
    let error_code = code(error, context.version, FENCED_FROM);
    context.responder.ready(&AddOffsetsToTxnResponse::default().with_error_code(error_code))
}
