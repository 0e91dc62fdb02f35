//! The log under a coordinator, as the coordinator sees it.

use super::markers::{MarkerError, TxnMarker};
use crate::clock::Now;
use crate::ids::Verification;
use crate::record::header::BatchHeader;
use crate::record::records::RecordView;
use crate::record::validate::ValidBatch;
use crate::shard::Trouble;
use std::future::Future;
use std::pin::Pin;
use thiserror::Error;

/// Why the log did not do as it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum JournalError {
    /// This broker does not lead the partition (any more).
    #[error("not the leader of the partition")]
    NotLeader,
    /// There is no such partition here.
    #[error("no such partition")]
    UnknownPartition,
    /// Too few replicas are in sync.
    #[error("not enough in-sync replicas")]
    NotEnoughReplicas,
    /// More waits to be written than may.
    #[error("the log is busy")]
    Busy,
    /// The batch is larger than the topic takes.
    #[error("the batch is too large for the log")]
    TooLarge,
    /// The producer on whose behalf the batch is written has been replaced.
    #[error("the producer's epoch is not the newest")]
    InvalidProducerEpoch,
    /// The transaction on whose behalf the batch is written has ended meanwhile.
    #[error("the transaction is not open")]
    InvalidTxnState,
    /// The disk failed, or is full.
    #[error("storage failed: {0}")]
    Storage(String),
    /// Something that should be a record is none.
    #[error("the log holds what cannot be read: {0}")]
    Corrupt(String),
}

impl JournalError {
    /// What the caller of a request hears, as Kafka maps it.
    pub fn trouble(&self) -> Trouble {
        match self {
            Self::UnknownPartition | Self::NotEnoughReplicas | Self::Busy => Trouble::NotAvailable,
            Self::NotLeader | Self::Storage(_) | Self::Corrupt(_) => Trouble::NotCoordinator,
            Self::TooLarge => Trouble::TooLarge,
            Self::InvalidProducerEpoch => Trouble::InvalidProducerEpoch,
            Self::InvalidTxnState => Trouble::InvalidTxnState,
        }
    }

    /// Whether the shard cannot go on: what it holds may not be what the log says.
    pub fn unloads(&self) -> bool {
        matches!(self, Self::NotLeader | Self::Storage(_) | Self::Corrupt(_))
    }
}

/// A wait for replication.
pub type Committed = Pin<Box<dyn Future<Output = Result<(), JournalError>> + Send>>;

/// The partitions of an internal topic that this broker leads, or may come to lead. A partition has one writer, its
/// shard.
pub trait Journal: Send + Sync + 'static {
    /// Appends one batch as leader, at once; returns the offset behind its last record. A transactional one begins its
    /// transaction only with a `verification` that holds.
    fn append(
        &self,
        partition: i32,
        batch: ValidBatch,
        verification: Option<Verification>,
        now: Now,
    ) -> Result<i64, JournalError>;

    /// Appends the marker that ends a transaction, in the same way.
    fn append_marker(&self, partition: i32, marker: &TxnMarker, now: Now) -> Result<i64, MarkerError>;

    /// The high watermark: everything below it is committed.
    fn committed(&self, partition: i32) -> i64;

    /// Waits until everything below `offset` is committed; fails once that will not happen under this leader.
    fn wait_committed(&self, partition: i32, offset: i64) -> Committed;

    /// Hands out the records of a stretch of the log, in order, control records too: from the batch that holds `from`, or
    /// from the log's start if that is behind it. Returns where to go on, which is `from` itself at the log's end. One
    /// stretch is small enough to be read between other work.
    fn read(
        &self,
        partition: i32,
        from: i64,
        each: &mut dyn FnMut(&BatchHeader, &RecordView<'_>),
    ) -> Result<i64, JournalError>;
}
