//! What can go wrong in a log, in words.

use crate::ids::{TopicPartition, Uuid};
use crate::kv::KvError;
use std::io;

/// Why an operation on a log or its directory failed. Nothing was changed, unless the operation says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// The disk is full: writes are refused until there is room again, reads go on.
    #[error("no space left in the log directory")]
    Full,
    /// The directory's disk failed: it stays offline until the restart.
    #[error("the log directory is offline: {0}")]
    Offline(String),
    /// Something passing, such as no descriptor left; the next try may do.
    #[error("passing I/O error: {0}")]
    Passing(String),
    /// The folder belongs to another topic of the same name.
    #[error("the folder of {partition} belongs to topic id {on_disk}, not {wanted}")]
    StaleFolder {
        /// The partition.
        partition: TopicPartition,
        /// Id in its `partition.metadata`.
        on_disk: Uuid,
        /// Id that was asked for.
        wanted: Uuid,
    },
    /// Another process holds the directory's lock.
    #[error("the log directory is locked by another process")]
    Locked,
    /// What is to be appended does not continue the log: wrong offset, or an older leader epoch.
    #[error("does not continue the log: {0}")]
    NotContiguous(String),
    /// A follower was handed a batch whose CRC or header is wrong.
    #[error("corrupt batch from the leader: {0}")]
    Corrupt(String),
    /// An offset outside the log.
    #[error("offset {offset} is outside {start}..={end}")]
    OffsetOutOfRange {
        /// The offset.
        offset: i64,
        /// First offset of the log.
        start: i64,
        /// End of the log, exclusive.
        end: i64,
    },
    /// The log was closed or deleted.
    #[error("the log is closed")]
    Closed,
}

/// Why a read of a log failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Below the log start or beyond the log end.
    #[error("offset {offset} is outside {start}..={end}")]
    OffsetOutOfRange {
        /// The offset.
        offset: i64,
        /// First offset of the log.
        start: i64,
        /// End of the log, exclusive.
        end: i64,
    },
    /// The disk or the log failed.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Why the leader refuses a batch. The log is unchanged by it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendRefused {
    /// The first sequence is not the one after the last, or not 0 with a new epoch.
    #[error("producer {producer_id}: sequence {found} where {expected} was expected (offset {offset})")]
    OutOfOrderSequence {
        /// The producer.
        producer_id: i64,
        /// First sequence of the batch.
        found: i32,
        /// Sequence that would have been right.
        expected: i32,
        /// Offset that the batch would have had.
        offset: i64,
    },
    /// The epoch is older than the newest one seen.
    #[error("producer {producer_id}: epoch {found} is older than {current}")]
    InvalidProducerEpoch {
        /// The producer.
        producer_id: i64,
        /// Epoch of the batch.
        found: i16,
        /// Newest epoch seen.
        current: i16,
    },
    /// A batch outside a transaction while the producer has one open.
    #[error("producer {producer_id}: a non-transactional batch inside an open transaction")]
    InvalidTxnState {
        /// The producer.
        producer_id: i64,
    },
    /// A transactional batch of a transaction that is not open here, and that nobody has verified since the last marker.
    #[error("producer {producer_id}: the record is not part of an ongoing transaction")]
    NotVerified {
        /// The producer.
        producer_id: i64,
    },
    /// A marker from a coordinator that has been replaced.
    #[error("producer {producer_id}: coordinator epoch {found} is older than {current}")]
    CoordinatorFenced {
        /// The producer.
        producer_id: i64,
        /// Coordinator epoch of the marker.
        found: i32,
        /// Newest coordinator epoch seen.
        current: i32,
    },
    /// The batch is larger than a segment may be.
    #[error("a batch of {size_bytes} bytes does not fit into a segment of {segment_bytes}")]
    RecordListTooLarge {
        /// Size of the batch.
        size_bytes: u64,
        /// `segment.bytes`.
        segment_bytes: u64,
    },
}

/// What an I/O error means for the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    Full,
    Passing,
    Fatal,
}

/// Full disks and exhausted descriptors pass; everything else means that the disk cannot be trusted.
pub(super) fn severity(error: &io::Error) -> Severity {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Severity::Full,
        io::ErrorKind::OutOfMemory => Severity::Passing,
        // EMFILE and ENFILE have no kind of their own.
        _ if matches!(error.raw_os_error(), Some(23 | 24)) => Severity::Passing,
        _ => Severity::Fatal,
    }
}

/// What an error of the index database means for the directory. A corrupt one is rebuilt at the next start.
pub(super) fn kv_severity(error: &KvError) -> Severity {
    match error {
        KvError::Full(_) => Severity::Full,
        KvError::Io(_) | KvError::Corrupt(_) => Severity::Fatal,
    }
}
