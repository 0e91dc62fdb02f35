//! The words in which deliveries and acknowledgements are refused. Kafka's error numbers for them stand in `api/`.

use crate::replica::{FetchError, PartitionError};
use crate::share::partition::AcknowledgeError;
use crate::share::state::ShareStateError;
use thiserror::Error;

/// Why a share-partition does not do as it was asked. Each word is Kafka's error of the same name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ShareError {
    /// There is no such partition here, or it is not read by the group.
    #[error("This server does not host this topic-partition.")]
    UnknownTopicOrPartition,
    /// Another node leads the partition, or read its state.
    #[error(
        "For requests intended only for the leader, this error indicates that the broker is not the current leader."
    )]
    NotLeaderOrFollower,
    /// The member does not hold what it speaks of.
    #[error("{0}")]
    InvalidRecordState(String),
    /// The request contradicts itself.
    #[error("{0}")]
    InvalidRequest(String),
    /// The group's state cannot be read or written now.
    #[error("The coordinator is not available.")]
    CoordinatorNotAvailable,
    /// The disk failed.
    #[error("Disk error when trying to access log file on the disk.")]
    Storage,
    /// The group's state is not as it should be.
    #[error("{0}")]
    UnknownServerError(String),
}

impl From<PartitionError> for ShareError {
    fn from(error: PartitionError) -> Self {
        match error {
            PartitionError::UnknownTopicOrPartition => Self::UnknownTopicOrPartition,
            PartitionError::NotLeader { .. } => Self::NotLeaderOrFollower,
            PartitionError::StorageError => Self::Storage,
        }
    }
}

impl From<FetchError> for ShareError {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::NotLeader | FetchError::FencedLeaderEpoch { .. } | FetchError::UnknownLeaderEpoch { .. } => {
                Self::NotLeaderOrFollower
            }
            FetchError::UnknownTopicOrPartition => Self::UnknownTopicOrPartition,
            FetchError::OffsetOutOfRange { .. } => Self::UnknownServerError(error.to_string()),
            FetchError::Storage(_) => Self::Storage,
        }
    }
}

impl From<AcknowledgeError> for ShareError {
    fn from(error: AcknowledgeError) -> Self {
        match error {
            AcknowledgeError::PastAcquired => Self::InvalidRequest(error.to_string()),
            AcknowledgeError::InvalidRecordState => Self::InvalidRecordState(error.to_string()),
        }
    }
}

/// As Kafka's leaders take the answers of their persister.
impl From<ShareStateError> for ShareError {
    fn from(error: ShareStateError) -> Self {
        match error {
            ShareStateError::NotCoordinator
            | ShareStateError::CoordinatorLoadInProgress
            | ShareStateError::CoordinatorNotAvailable => Self::CoordinatorNotAvailable,
            ShareStateError::UnknownTopicOrPartition => Self::UnknownTopicOrPartition,
            ShareStateError::FencedLeaderEpoch | ShareStateError::FencedStateEpoch => Self::NotLeaderOrFollower,
            ShareStateError::InvalidRequest(_) | ShareStateError::UnknownServerError => {
                Self::UnknownServerError(error.to_string())
            }
        }
    }
}
