//! Writing the markers that end transactions, as a coordinator asks for it.

use crate::ids::TopicPartition;
use crate::log::AppendRefused;
pub use crate::record::marker::TxnMarker;
use crate::replica::{AppendError, PartitionError};
use futures_util::future::BoxFuture;
use thiserror::Error;

/// Why a partition does not take a marker.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MarkerError {
    /// The partition is not led there, or its own coordinator is loading.
    #[error("not the leader of the partition")]
    NotLeader,
    /// There is no such partition there.
    #[error("no such partition")]
    UnknownTopicOrPartition,
    /// A newer coordinator has ended a transaction of this producer.
    #[error("the transaction coordinator has been replaced")]
    CoordinatorFenced,
    /// The producer's epoch is older than one that the partition knows.
    #[error("the producer's epoch is not the newest")]
    InvalidProducerEpoch,
    /// The marker does not fit what the partition knows of the transaction.
    #[error("the marker does not fit the state of the transaction")]
    InvalidTxnState,
    /// Too few replicas are in sync.
    #[error("not enough in-sync replicas")]
    NotEnoughReplicas,
    /// The marker is written, but not replicated in time; or more waits to be written than may.
    #[error("the marker was not replicated in time")]
    TimedOut,
    /// The disk failed, or is full.
    #[error("storage failed: {0}")]
    Storage(String),
}

impl From<PartitionError> for MarkerError {
    fn from(error: PartitionError) -> Self {
        match error {
            PartitionError::UnknownTopicOrPartition => Self::UnknownTopicOrPartition,
            PartitionError::NotLeader { .. } => Self::NotLeader,
            PartitionError::StorageError => Self::Storage(error.to_string()),
        }
    }
}

impl From<AppendError> for MarkerError {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::NotLeader => Self::NotLeader,
            AppendError::UnknownTopicOrPartition => Self::UnknownTopicOrPartition,
            AppendError::NotEnoughReplicas { .. } | AppendError::NotEnoughReplicasAfterAppend => {
                Self::NotEnoughReplicas
            }
            AppendError::QueueFull | AppendError::TimedOut => Self::TimedOut,
            AppendError::Refused(AppendRefused::CoordinatorFenced { .. }) => Self::CoordinatorFenced,
            AppendError::Refused(AppendRefused::InvalidProducerEpoch { .. }) => Self::InvalidProducerEpoch,
            AppendError::Refused(_) => Self::InvalidTxnState,
            AppendError::Storage(text) => Self::Storage(text),
        }
    }
}

/// What came of a marker, partition by partition.
pub type MarkerOutcomes = Vec<(TopicPartition, Result<(), MarkerError>)>;

/// Writes markers to partitions, wherever they are led.
pub trait MarkerWriter: Send + Sync + 'static {
    /// Writes one marker to each of `partitions`, and tells what came of it once it is replicated.
    fn write(&self, marker: TxnMarker, partitions: Vec<TopicPartition>) -> BoxFuture<'static, MarkerOutcomes>;
}
