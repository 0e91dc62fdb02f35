//! The journal over replicated partitions.

use super::journal::{Committed, Journal, JournalError};
use super::markers::{MarkerError, TxnMarker};
use super::stretch::each_record;
use crate::clock::Now;
use crate::ids::Verification;
use crate::log::{AppendOrigin, AppendRefused, LogError, Piece, ReadError};
use crate::record::header::BatchHeader;
use crate::record::records::RecordView;
use crate::record::validate::ValidBatch;
use crate::replica::{AppendError, Partition, PartitionError, ReplicaManager};
use std::sync::Arc;

/// Read from a log at once while a shard loads. Bytes; a larger batch is read whole.
const STRETCH_BYTES: usize = 1 << 20;

/// The partitions of one internal topic.
pub struct PartitionJournal {
    replicas: Arc<ReplicaManager>,
    topic: &'static str,
}

impl PartitionJournal {
    /// The partitions of `topic` that `replicas` holds.
    pub fn new(replicas: Arc<ReplicaManager>, topic: &'static str) -> Self {
        Self { replicas, topic }
    }

    fn partition(&self, partition: i32) -> Result<Arc<Partition>, JournalError> {
        self.replicas.partition(self.topic, partition).map_err(|error| match error {
            PartitionError::UnknownTopicOrPartition => JournalError::UnknownPartition,
            PartitionError::NotLeader { .. } => JournalError::NotLeader,
            PartitionError::StorageError => JournalError::Storage(error.to_string()),
        })
    }
}

impl Journal for PartitionJournal {
    fn append(
        &self,
        partition: i32,
        batch: ValidBatch,
        verification: Option<Verification>,
        now: Now,
    ) -> Result<i64, JournalError> {
        let partition = self.partition(partition)?;
        match partition.append_alone(batch, AppendOrigin::Coordinator(verification), now) {
            Ok(appended) => Ok(appended.last_offset + 1),
            // A full disk has refused the batch whole: what the shard holds is still what the log says.
            Err(AppendError::Storage(_)) if !partition.is_offline() => Err(JournalError::Busy),
            Err(error) => Err(refused(error)),
        }
    }

    fn append_marker(&self, partition: i32, marker: &TxnMarker, now: Now) -> Result<i64, MarkerError> {
        let partition = self.replicas.partition(self.topic, partition)?;
        let batch = marker.batch(now.wall_ms).map_err(|error| MarkerError::Storage(error.to_string()))?;
        let origin = AppendOrigin::Marker { transaction_version: marker.transaction_version };
        match partition.append_alone(batch, origin, now) {
            Ok(appended) => Ok(appended.last_offset + 1),
            // As above: a full disk has changed nothing.
            Err(AppendError::Storage(_)) if !partition.is_offline() => Err(MarkerError::TimedOut),
            Err(error) => Err(error.into()),
        }
    }

    fn committed(&self, partition: i32) -> i64 {
        // Without the partition nothing counts as committed: the wait then says why.
        self.partition(partition).map_or(-1, |partition| partition.high_watermark())
    }

    fn wait_committed(&self, partition: i32, offset: i64) -> Committed {
        let partition = self.partition(partition);
        Box::pin(async move { partition?.wait_committed(offset).await.map_err(refused) })
    }

    fn read(
        &self,
        partition: i32,
        from: i64,
        each: &mut dyn FnMut(&BatchHeader, &RecordView<'_>),
    ) -> Result<i64, JournalError> {
        let partition = self.partition(partition)?;
        let log = partition.log();
        let from = from.max(log.log_start_offset());
        let read = log.read(from, STRETCH_BYTES, i64::MAX, true).map_err(unread)?;
        let mut bytes = Vec::with_capacity(read.length_bytes);
        for piece in read.pieces {
            match piece {
                Piece::Bytes(piece) => bytes.extend_from_slice(&piece),
                Piece::File(range) => {
                    let start = bytes.len();
                    bytes.resize(start + range.length as usize, 0);
                    let filled = range.file.read_at(range.position, &mut bytes[start..]);
                    let filled = filled.map_err(|error| JournalError::Storage(error.to_string()))?;
                    bytes.truncate(start + filled);
                }
            }
        }
        each_record(&bytes, from, each)
    }
}

fn refused(error: AppendError) -> JournalError {
    match error {
        AppendError::NotLeader => JournalError::NotLeader,
        AppendError::UnknownTopicOrPartition => JournalError::UnknownPartition,
        AppendError::NotEnoughReplicas { .. } | AppendError::NotEnoughReplicasAfterAppend => {
            JournalError::NotEnoughReplicas
        }
        AppendError::QueueFull | AppendError::TimedOut => JournalError::Busy,
        AppendError::Refused(AppendRefused::InvalidProducerEpoch { .. }) => JournalError::InvalidProducerEpoch,
        AppendError::Refused(AppendRefused::NotVerified { .. }) => JournalError::InvalidTxnState,
        AppendError::Refused(refused) => JournalError::Corrupt(refused.to_string()),
        AppendError::Storage(text) => JournalError::Storage(text),
    }
}

fn unread(error: ReadError) -> JournalError {
    match error {
        ReadError::OffsetOutOfRange { .. } => JournalError::Corrupt(error.to_string()),
        ReadError::Log(LogError::Closed) => JournalError::UnknownPartition,
        ReadError::Log(error) => JournalError::Storage(error.to_string()),
    }
}
