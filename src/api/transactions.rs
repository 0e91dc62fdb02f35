//! What the transaction handlers share: errors by version, and producer ids for requests that need one.

use super::error::ErrorCode;
use super::Services;
use crate::shard::{Ask, Text};
use crate::txn::request::ProducerReply;
use crate::txn::{Shard, TxnError};
use kafka_protocol::messages::TransactionalId;
use kafka_protocol::protocol::StrBytes;

/// A copy of a request's id: a kept slice would keep its whole frame.
pub(super) fn id(value: &TransactionalId) -> Text {
    Text::from(value.as_str())
}

/// An id on its way to the wire.
pub(super) fn wire(value: &Text) -> TransactionalId {
    TransactionalId(StrBytes::from_string(value.to_string()))
}

/// An error's number, 0 for none. Versions below `fenced_from` do not know PRODUCER_FENCED (KIP-588).
pub(super) fn code(error: Option<TxnError>, version: i16, fenced_from: i16) -> i16 {
    let code = match error {
        Some(TxnError::ProducerFenced) if version < fenced_from => ErrorCode::InvalidProducerEpoch,
        error => error.map_or(ErrorCode::None, ErrorCode::from),
    };
    code.code()
}

/// Why a producer gets no id.
pub(super) enum Refused {
    /// The coordinator's word.
    ByCoordinator(TxnError),
    /// Another's.
    Elsewhere(ErrorCode),
}

impl Refused {
    /// Its number, as [`code`] gives it.
    pub(super) fn code(&self, version: i16, fenced_from: i16) -> i16 {
        match self {
            Self::ByCoordinator(error) => code(Some(*error), version, fenced_from),
            Self::Elsewhere(error) => error.code(),
        }
    }
}

/// Asks the coordinator for a producer's id and epoch, again with a fresh id if it takes one.
///
/// # Errors
/// The coordinator refused, or no id is to be had.
pub(super) async fn ask_for_producer<A: Ask<Shard, Reply = ProducerReply>>(
    services: &Services,
    ask: impl Fn(Option<i64>) -> A,
) -> Result<(i64, i16), Refused> {
    let mut reply = services.transactions.execute(ask(None)).await.map_err(Refused::ByCoordinator)?;
    if reply == ProducerReply::NeedsProducerId {
        let fresh = services.producer_ids.next(services).await.map_err(Refused::Elsewhere)?;
        reply = services.transactions.execute(ask(Some(fresh))).await.map_err(Refused::ByCoordinator)?;
    }
    match reply {
        ProducerReply::Producer { producer_id, epoch } => Ok((producer_id, epoch)),
        ProducerReply::Refused(error) => Err(Refused::ByCoordinator(error)),
        ProducerReply::NeedsProducerId => Err(Refused::Elsewhere(ErrorCode::UnknownServerError)),
    }
}
