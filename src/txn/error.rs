//! The words in which the transaction coordinator refuses. Kafka's error numbers for them stand in `api/`.

use crate::shard::Trouble;
use thiserror::Error;

/// Why a transaction request was refused. Each word is Kafka's error of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Error)]
pub enum TxnError {
    /// The request contradicts itself.
    #[error("the request is malformed or contradicts itself")]
    InvalidRequest,
    /// The timeout is not above 0, or above what the broker allows.
    #[error("the transaction timeout is larger than the maximum value allowed by the broker")]
    InvalidTransactionTimeout,
    /// The transactional id is not known, or has another producer id.
    #[error("the producer id is not assigned to the transactional id")]
    InvalidProducerIdMapping,
    /// A newer producer has taken over the transactional id. Kafka's older requests hear InvalidProducerEpoch instead.
    #[error("there is a newer producer with the same transactional id which fences the current one")]
    ProducerFenced,
    /// The transaction is just being ended: try again.
    #[error("the transaction is being ended, and must be waited for")]
    ConcurrentTransactions,
    /// What is asked does not fit the state of the transaction.
    #[error("the producer attempted a transactional operation in an invalid state")]
    InvalidTxnState,
    /// A partition is not in the transaction: the producer is to abort.
    #[error("the operation cannot be done; the transaction is to be aborted")]
    TransactionAbortable,
    /// There is no such transactional id.
    #[error("the transactional id could not be found")]
    TransactionalIdNotFound,
    /// This broker does not coordinate the transactional id (any more).
    #[error("this is not the correct coordinator")]
    NotCoordinator,
    /// The coordinator reads its log: try again.
    #[error("the coordinator is loading and hence can't process requests")]
    CoordinatorLoadInProgress,
    /// The coordinator cannot persist now, or is full: look it up again.
    #[error("the coordinator is not available")]
    CoordinatorNotAvailable,
    /// What the request asks to keep cannot be stored.
    #[error("the server experienced an unexpected error when processing the request")]
    UnknownServerError,
}

impl From<Trouble> for TxnError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::NotCoordinator => Self::NotCoordinator,
            Trouble::LoadInProgress => Self::CoordinatorLoadInProgress,
            Trouble::NotAvailable => Self::CoordinatorNotAvailable,
            // The coordinator writes on its own behalf: in its log there are no producers.
            Trouble::TooLarge | Trouble::InvalidProducerEpoch | Trouble::InvalidTxnState => Self::UnknownServerError,
        }
    }
}
