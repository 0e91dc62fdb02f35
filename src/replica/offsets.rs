//! Asking a partition for offsets: by time, by epoch, its ends; and moving its start (L1–L5).

use super::error::{DeleteRecordsError, FetchError, ListOffsetError};
use super::fetch::Isolation;
use super::partition::Partition;
use crate::log::{Log, ReadError};
use std::sync::Arc;
use tokio::sync::oneshot;

/// A partition's offsets at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offsets {
    /// First offset that may be read.
    pub log_start_offset: i64,
    /// Everything below it is committed.
    pub high_watermark: i64,
    /// Everything below it is committed and belongs to no open transaction.
    pub last_stable_offset: i64,
    /// Offset after the last record.
    pub log_end_offset: i64,
}

/// What offset is asked for: ListOffsets' timestamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListSpec {
    /// -1: where a reader at the end begins.
    Latest,
    /// -2: the log start.
    Earliest,
    /// -3: the first record with the largest timestamp (KIP-734).
    MaxTimestamp,
    /// -4: the start of what lies on this disk (KIP-405); the log start.
    EarliestLocal,
    /// -5: the last offset in remote storage (KIP-1005); none.
    LatestTiered,
    /// -6: the first offset not yet in remote storage (KIP-1023); none.
    EarliestPendingUpload,
    /// The first record at or after this time.
    At(i64),
}

impl ListSpec {
    /// From the wire's timestamp; `None` for a negative one that means nothing (L1).
    pub fn from_timestamp(timestamp: i64) -> Option<Self> {
        match timestamp {
            -1 => Some(Self::Latest),
            -2 => Some(Self::Earliest),
            -3 => Some(Self::MaxTimestamp),
            -4 => Some(Self::EarliestLocal),
            -5 => Some(Self::LatestTiered),
            -6 => Some(Self::EarliestPendingUpload),
            0.. => Some(Self::At(timestamp)),
            _ => None,
        }
    }
}

/// An offset with what the answer carries besides; -1 where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedOffset {
    /// The offset.
    pub offset: i64,
    /// The record's timestamp.
    pub timestamp: i64,
    /// The leader epoch of that offset.
    pub leader_epoch: i32,
}

impl ListedOffset {
    /// There is no such record: no error.
    pub const NONE: Self = Self { offset: -1, timestamp: -1, leader_epoch: -1 };
}

impl Partition {
    /// The offsets of now.
    pub fn offsets(&self) -> Offsets {
        let high_watermark = self.high_watermark();
        Offsets {
            log_start_offset: self.reader.log_start_offset(),
            high_watermark,
            last_stable_offset: self.reader.stable_below(high_watermark),
            log_end_offset: self.reader.log_end_offset(),
        }
    }

    /// The offset that `spec` asks for, as the leader answers a consumer (L1–L3). A search by time reads batch headers
    /// and one batch.
    pub fn list_offset(
        &self,
        spec: ListSpec,
        isolation: Isolation,
        current_leader_epoch: i32,
    ) -> Result<ListedOffset, ListOffsetError> {
        self.check_read(current_leader_epoch)?;
        let leadership = self.leadership.load();
        let Offsets { high_watermark, last_stable_offset, log_start_offset, .. } = self.offsets();
        let bound = match isolation {
            Isolation::ReadUncommitted => high_watermark,
            Isolation::ReadCommitted => last_stable_offset,
        };
        // Just elected: what is committed may reach further than this node knows (L2).
        let uncertain = high_watermark < leadership.epoch_start_offset;
        match spec {
            ListSpec::Latest if uncertain => Err(ListOffsetError::OffsetNotAvailable),
            ListSpec::Latest => {
                Ok(ListedOffset { offset: bound, timestamp: -1, leader_epoch: leadership.leader_epoch })
            }
            ListSpec::Earliest | ListSpec::EarliestLocal => {
                let epoch = self.reader.epoch_at(log_start_offset).map_err(FetchError::from)?;
                Ok(ListedOffset { offset: log_start_offset, timestamp: -1, leader_epoch: epoch.unwrap_or(-1) })
            }
            ListSpec::LatestTiered | ListSpec::EarliestPendingUpload => Ok(ListedOffset::NONE),
            ListSpec::MaxTimestamp | ListSpec::At(_) => self.find(spec, bound, uncertain),
        }
    }

    fn find(&self, spec: ListSpec, bound: i64, uncertain: bool) -> Result<ListedOffset, ListOffsetError> {
        let up_to = if uncertain { self.reader.log_end_offset() } else { bound };
        let found = match spec {
            ListSpec::At(timestamp) => self.reader.offset_for_timestamp(timestamp, up_to),
            _ => self.reader.max_timestamp_offset(up_to),
        };
        match found.map_err(|error| self.fetch_error(error))? {
            Some(found) if found.offset >= bound => Err(ListOffsetError::OffsetNotAvailable),
            None if uncertain => Err(ListOffsetError::OffsetNotAvailable),
            Some(found) => {
                Ok(ListedOffset { offset: found.offset, timestamp: found.timestamp, leader_epoch: found.leader_epoch })
            }
            None => Ok(ListedOffset::NONE),
        }
    }

    /// The largest leader epoch not above `epoch`, and where it ends; (-1, -1) if there is none (L4).
    pub fn end_offset_for_epoch(&self, epoch: i32, current_leader_epoch: i32) -> Result<(i32, i64), FetchError> {
        self.check_read(current_leader_epoch)?;
        self.epoch_end(epoch)
    }

    /// The leader's own epoch is known before it has records: it begins and ends at the log's end.
    pub(super) fn epoch_end(&self, epoch: i32) -> Result<(i32, i64), FetchError> {
        let current = self.leadership.load().leader_epoch;
        if epoch == current {
            return Ok((current, self.reader.log_end_offset()));
        }
        if epoch > current {
            return Ok((-1, -1));
        }
        // Taken first: what is appended meanwhile is of the leader's epoch and does not count.
        let log_end_offset = self.reader.log_end_offset();
        match self.reader.latest_epoch()? {
            Some(latest) if epoch > latest => Ok((latest, log_end_offset)),
            _ => Ok(self.reader.end_offset_for_epoch(epoch)?),
        }
    }

    /// Moves the log start to `offset`, -1 for the high watermark, durably; the low watermark: the lowest log start of
    /// all replicas (L5).
    pub async fn delete_records(self: &Arc<Self>, offset: i64) -> Result<i64, DeleteRecordsError> {
        if self.is_offline() {
            return Err(DeleteRecordsError::Storage("the partition is offline".to_owned()));
        }
        if !self.is_leader() {
            return Err(DeleteRecordsError::NotLeader);
        }
        let cleanup = self.rules.load().log.cleanup;
        if cleanup.compact && !cleanup.delete {
            return Err(DeleteRecordsError::PolicyViolation);
        }
        let high_watermark = self.high_watermark();
        let target = if offset == -1 { high_watermark } else { offset };
        if target < 0 || target > high_watermark {
            return Err(DeleteRecordsError::OffsetOutOfRange { offset, high_watermark });
        }
        let (sender, receiver) = oneshot::channel();
        let job = move |log: &mut Option<Log>| {
            let Some(log) = log else { return };
            // Who has stopped waiting does not hear it.
            let _ = sender.send(log.delete_records_before(target));
        };
        // It syncs a checkpoint file: never on a caller's thread.
        self.submit(Box::new(job), false);
        match receiver.await {
            Ok(Ok(_)) => Ok(self.low_watermark()),
            Ok(Err(ReadError::OffsetOutOfRange { .. })) => {
                Err(DeleteRecordsError::OffsetOutOfRange { offset, high_watermark })
            }
            Ok(Err(ReadError::Log(error))) => Err(error.into()),
            Err(_) if self.is_offline() => Err(DeleteRecordsError::Storage("the partition is offline".to_owned())),
            Err(_) => Err(DeleteRecordsError::UnknownTopicOrPartition),
        }
    }

    /// The lowest log start of all replicas, as far as their fetches have told.
    pub fn low_watermark(&self) -> i64 {
        let progress = self.progress.lock();
        let followers = progress.followers.values().map(|follower| follower.log_start_offset);
        followers.fold(self.reader.log_start_offset(), i64::min)
    }
}
