//! InitProducerId (key 22). Versions 0–5.
//!
//! 3: a producer may bring its id and epoch (KIP-360). 4: PRODUCER_FENCED (KIP-588). 5: TRANSACTION_ABORTABLE (KIP-890).
//! Left out: version 6, two-phase commit (KIP-939), which Kafka too does not serve unless told to.

use super::context::RequestContext;
use super::controller_calls::submit;
use super::error::ErrorCode;
use super::reply::Reply;
use super::transactions::{ask_for_producer, id, Refused};
use super::Services;
use crate::controller::request::ProducerIdBlock;
use crate::controller::{Request, Response};
use crate::txn::request::InitProducerId;
use kafka_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse, ProducerId};
use tokio::sync::Mutex;

/// The first version that knows PRODUCER_FENCED.
const FENCED_FROM: i16 = 4;

/// The rest of the block of producer ids that the controller gave this broker (I7).
#[derive(Default)]
pub struct ProducerIds {
    /// Guards the block; held while a new one is asked for, so that one request asks for all that wait.
    block: Mutex<Option<ProducerIdBlock>>,
}

impl ProducerIds {
    /// A producer id that nobody has had.
    pub(super) async fn next(&self, services: &Services) -> Result<i64, ErrorCode> {
        let mut block = self.block.lock().await;
        let ids = match *block {
            Some(ids) if ids.count > 0 => ids,
            _ => allocate(services).await?,
        };
        *block = Some(ProducerIdBlock { first_producer_id: ids.first_producer_id + 1, count: ids.count - 1 });
        Ok(ids.first_producer_id)
    }
}

async fn allocate(services: &Services) -> Result<ProducerIdBlock, ErrorCode> {
    let broker_id = services.config.node_id;
    let image = services.metadata.current();
    let broker_epoch = image.broker(broker_id).map_or(-1, |broker| broker.epoch);
    let take = |response| match response {
        Response::AllocateProducerIds(result) => Some(result),
        _ => None,
    };
    let result = submit(services, Request::AllocateProducerIds { broker_id, broker_epoch }, take).await;
    // The client knows no controller; it tries again while the coordinator loads.
    result.map_err(|_| ErrorCode::CoordinatorLoadInProgress)?.map_err(|refusal| ErrorCode::from(&refusal))
}

/// Hands out a producer id; with a transactional id, the one that belongs to it, with an epoch that fences whoever had it.
pub async fn handle(services: &Services, context: &RequestContext<'_>, request: InitProducerIdRequest) -> Reply {
    let (producer_id, epoch) = (request.producer_id.0, request.producer_epoch);
    let result = match &request.transactional_id {
        _ if (producer_id == -1) != (epoch == -1) => Err(Refused::Elsewhere(ErrorCode::InvalidRequest)),
        None => services.producer_ids.next(services).await.map(|id| (id, 0)).map_err(Refused::Elsewhere),
        Some(transactional_id) => {
            let asked = InitProducerId {
                transactional_id: id(transactional_id),
                timeout_ms: request.transaction_timeout_ms,
                expected: (producer_id != -1).then_some((producer_id, epoch)),
                fresh_producer_id: None,
            };
            ask_for_producer(services, |fresh_producer_id| InitProducerId { fresh_producer_id, ..asked.clone() }).await
        }
    };
    let response = match result {
        Ok((id, epoch)) => {
            InitProducerIdResponse::default().with_producer_id(ProducerId(id)).with_producer_epoch(epoch)
        }
        Err(refused) => InitProducerIdResponse::default()
            .with_error_code(refused.code(context.version, FENCED_FROM))
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1),
    };
    context.responder.ready(&response)
}
