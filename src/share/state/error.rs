//! The words in which the share coordinator refuses. Kafka's error numbers for them stand in `api/`.

use crate::shard::Trouble;
use thiserror::Error;

/// Why a request to the share coordinator was refused. Each word is Kafka's error of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ShareStateError {
    /// The request makes no sense, in Kafka's own words.
    #[error("{0}")]
    InvalidRequest(&'static str),
    /// The metadata does not know the partition.
    #[error("This server does not host this topic-partition.")]
    UnknownTopicOrPartition,
    /// A newer leader has read the state.
    #[error("The leader epoch in the request is older than the epoch on the broker.")]
    FencedLeaderEpoch,
    /// The state has been set up anew.
    #[error("The share coordinator rejected the request because the share-group state epoch did not match.")]
    FencedStateEpoch,
    /// This broker does not coordinate the share-partition (any more).
    #[error("This is not the correct coordinator.")]
    NotCoordinator,
    /// The coordinator reads its log: try again.
    #[error("The coordinator is loading and hence can't process requests.")]
    CoordinatorLoadInProgress,
    /// The coordinator cannot persist now.
    #[error("The coordinator is not available.")]
    CoordinatorNotAvailable,
    /// What the request asks to keep cannot be stored.
    #[error("The server experienced an unexpected error when processing the request.")]
    UnknownServerError,
}

impl From<Trouble> for ShareStateError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::NotCoordinator => Self::NotCoordinator,
            Trouble::LoadInProgress => Self::CoordinatorLoadInProgress,
            Trouble::NotAvailable => Self::CoordinatorNotAvailable,
            // No transaction ever writes here.
            Trouble::TooLarge | Trouble::InvalidProducerEpoch | Trouble::InvalidTxnState => Self::UnknownServerError,
        }
    }
}
