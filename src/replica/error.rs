//! What can go wrong at a partition, in words.

use crate::ids::NodeId;
use crate::log::{AppendRefused, LogError};

/// Why a partition cannot be used on this node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartitionError {
    /// The metadata knows no such partition.
    #[error("no such topic or partition")]
    UnknownTopicOrPartition,
    /// Another broker leads it, or none does.
    #[error("the leader is {leader} of epoch {leader_epoch}")]
    NotLeader {
        /// The leader; -1 if there is none.
        leader: NodeId,
        /// Its epoch.
        leader_epoch: i32,
    },
    /// Its log directory is offline, or its log could not be opened.
    #[error("the partition's log is offline")]
    StorageError,
}

/// Why a batch is not in the log, or not safe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// This node does not lead the partition (any more).
    #[error("not the leader of the partition")]
    NotLeader,
    /// The partition is gone: deleted, or moved away.
    #[error("no such topic or partition")]
    UnknownTopicOrPartition,
    /// Too few replicas are in sync; nothing was appended (P12).
    #[error("{in_sync} replicas are in sync, {needed} are needed")]
    NotEnoughReplicas {
        /// Replicas in sync.
        in_sync: usize,
        /// `min.insync.replicas`, at most the number of replicas.
        needed: usize,
    },
    /// The batch was appended; then too few replicas were in sync to make it safe (P12).
    #[error("too few replicas are in sync for a batch that was appended")]
    NotEnoughReplicasAfterAppend,
    /// The log refuses the batch.
    #[error(transparent)]
    Refused(#[from] AppendRefused),
    /// The disk is full, slow beyond all bounds, or failed.
    #[error("storage failed: {0}")]
    Storage(String),
    /// More waits to be written than the queue may hold; nothing was appended. Kafka's answer to it is a time-out.
    #[error("the append queue is full")]
    QueueFull,
    /// Appended, perhaps, but not safe within the time that the caller gave.
    #[error("not replicated in time")]
    TimedOut,
}

impl From<LogError> for AppendError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Closed => Self::UnknownTopicOrPartition,
            error => Self::Storage(error.to_string()),
        }
    }
}

/// Why a read is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// This node does not lead the partition (any more).
    #[error("not the leader of the partition")]
    NotLeader,
    /// The partition is gone.
    #[error("no such topic or partition")]
    UnknownTopicOrPartition,
    /// The reader's leader epoch is older than the leader's (F6).
    #[error("the leader epoch is {current}")]
    FencedLeaderEpoch {
        /// The leader's epoch.
        current: i32,
    },
    /// The reader's leader epoch is newer than the leader's (F6).
    #[error("the leader epoch is only {current}")]
    UnknownLeaderEpoch {
        /// The leader's epoch.
        current: i32,
    },
    /// Below the log start or beyond the log end (F5).
    #[error("the offset is outside of the log, which starts at {log_start_offset}")]
    OffsetOutOfRange {
        /// First offset of the log.
        log_start_offset: i64,
        /// The high watermark.
        high_watermark: i64,
    },
    /// The disk failed.
    #[error("storage failed: {0}")]
    Storage(String),
}

impl From<LogError> for FetchError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Closed => Self::UnknownTopicOrPartition,
            error => Self::Storage(error.to_string()),
        }
    }
}

/// Why an offset cannot be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListOffsetError {
    /// As for reads: leadership, epochs, storage.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// Just elected: the high watermark has not reached the start of the leader's epoch (L2).
    #[error("the high watermark is not known yet")]
    OffsetNotAvailable,
}

/// Why records are not deleted (L5).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeleteRecordsError {
    /// This node does not lead the partition (any more).
    #[error("not the leader of the partition")]
    NotLeader,
    /// The partition is gone.
    #[error("no such topic or partition")]
    UnknownTopicOrPartition,
    /// Negative, but not -1, or beyond the high watermark.
    #[error("offset {offset} is beyond the high watermark {high_watermark}")]
    OffsetOutOfRange {
        /// The offset.
        offset: i64,
        /// The high watermark.
        high_watermark: i64,
    },
    /// The topic is compacted and nothing else.
    #[error("the topic's cleanup.policy is compact only")]
    PolicyViolation,
    /// The disk failed.
    #[error("storage failed: {0}")]
    Storage(String),
}

impl From<LogError> for DeleteRecordsError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Closed => Self::UnknownTopicOrPartition,
            error => Self::Storage(error.to_string()),
        }
    }
}
