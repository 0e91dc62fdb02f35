//! Reading a partition as its leader: where the bytes lie, up to where the reader may see them (F3–F7).

use super::error::FetchError;
use super::partition::Partition;
use crate::log::{AbortedTransaction, Piece, ReadCursor, ReadError, ReadPieces};

/// How far a reader sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// Up to the high watermark.
    #[default]
    ReadUncommitted,
    /// Up to the last stable offset, and told which transactions were aborted.
    ReadCommitted,
}

/// What to read.
#[derive(Clone, Copy, Debug)]
pub struct FetchSpec {
    /// First offset wanted.
    pub offset: i64,
    /// Most bytes.
    pub max_bytes: usize,
    /// The first batch comes whole even if it is larger (F3).
    pub min_one_batch: bool,
    /// How far the reader sees.
    pub isolation: Isolation,
    /// The epoch that the reader believes in; negative is none.
    pub current_leader_epoch: i32,
    /// The epoch of the last record that the reader has; negative is none.
    pub last_fetched_epoch: i32,
    /// What the last read of this reader returned, so that it need not look up again.
    pub cursor: Option<ReadCursor>,
}

/// What was found, with the offsets of that moment.
#[derive(Clone)]
pub struct FetchRead {
    /// Batches one after the other, the first of which holds the offset asked for.
    pub pieces: Vec<Piece>,
    /// Bytes of all pieces.
    pub length_bytes: usize,
    /// The high watermark.
    pub high_watermark: i64,
    /// The last stable offset.
    pub last_stable_offset: i64,
    /// First offset of the log.
    pub log_start_offset: i64,
    /// Aborted transactions that overlap what was read; `None` for [`Isolation::ReadUncommitted`] (F4).
    pub aborted: Option<Vec<AbortedTransaction>>,
    /// Where the reader's log leaves the leader's: epoch and its end; then there are no bytes (F7).
    pub diverging_epoch: Option<(i32, i64)>,
    /// Where the reader goes on, if that is known.
    pub cursor: Option<ReadCursor>,
}

impl Partition {
    /// Reads as the leader, for a consumer. Waits for nothing but the file system's index of batches.
    pub fn read(&self, spec: &FetchSpec) -> Result<FetchRead, FetchError> {
        self.check_read(spec.current_leader_epoch)?;
        let high_watermark = self.high_watermark();
        let last_stable_offset = self.reader.stable_below(high_watermark);
        let (start, end) = (self.reader.log_start_offset(), self.reader.log_end_offset());
        let out_of_range = FetchError::OffsetOutOfRange { log_start_offset: start, high_watermark };
        if spec.offset < start {
            return Err(out_of_range);
        }
        let bound = match spec.isolation {
            Isolation::ReadUncommitted => high_watermark,
            Isolation::ReadCommitted => last_stable_offset,
        };
        // A reader beyond the end that names its last epoch is told where they part, and not merely that it is beyond.
        let diverging_epoch = self.diverging(spec)?;
        if diverging_epoch.is_none() && spec.offset > end {
            return Err(out_of_range);
        }
        let read = match diverging_epoch {
            Some(_) => ReadPieces::default(),
            None => self
                .reader
                .read_from(spec.cursor.as_ref(), spec.offset, spec.max_bytes, bound, spec.min_one_batch)
                .map_err(|error| self.fetch_error(error))?,
        };
        let aborted = match spec.isolation {
            Isolation::ReadUncommitted => None,
            Isolation::ReadCommitted if read.length_bytes == 0 => Some(Vec::new()),
            Isolation::ReadCommitted => {
                let to = read.next_offset_hint.unwrap_or(bound);
                let found = self.reader.aborted_transactions(spec.offset, to);
                Some(found.map_err(|error| self.fetch_error(error))?)
            }
        };
        Ok(FetchRead {
            pieces: read.pieces,
            length_bytes: read.length_bytes,
            high_watermark,
            last_stable_offset,
            log_start_offset: start,
            aborted,
            diverging_epoch,
            cursor: read.cursor,
        })
    }

    /// Reads the log whatever is committed: for who loads state from its own partition, and for followers.
    pub fn read_log(&self, offset: i64, max_bytes: usize) -> Result<ReadPieces, FetchError> {
        let end = self.reader.log_end_offset();
        self.reader.read(offset, max_bytes, end, true).map_err(|error| self.fetch_error(error))
    }

    /// Whether this node may answer a reader that believes in `current_leader_epoch`; negative is no belief (F6).
    pub(super) fn check_read(&self, current_leader_epoch: i32) -> Result<(), FetchError> {
        if self.is_offline() {
            return Err(FetchError::Storage("the partition is offline".to_owned()));
        }
        let leadership = self.leadership.load();
        let current = leadership.leader_epoch;
        if current_leader_epoch >= 0 && current_leader_epoch < current {
            return Err(FetchError::FencedLeaderEpoch { current });
        }
        if current_leader_epoch > current {
            return Err(FetchError::UnknownLeaderEpoch { current });
        }
        if !leadership.is_leader {
            return Err(FetchError::NotLeader);
        }
        Ok(())
    }

    fn diverging(&self, spec: &FetchSpec) -> Result<Option<(i32, i64)>, FetchError> {
        if spec.last_fetched_epoch < 0 {
            return Ok(None);
        }
        let (epoch, end_offset) = self.epoch_end(spec.last_fetched_epoch)?;
        if epoch < 0 || end_offset < 0 {
            // Kafka: no epoch known below the asked one, so nothing of the reader's is here.
            let start = self.reader.log_start_offset();
            return Err(FetchError::OffsetOutOfRange {
                log_start_offset: start,
                high_watermark: self.high_watermark(),
            });
        }
        let diverges = epoch < spec.last_fetched_epoch || end_offset < spec.offset;
        Ok(diverges.then_some((epoch, end_offset)))
    }

    pub(super) fn fetch_error(&self, error: ReadError) -> FetchError {
        match error {
            ReadError::OffsetOutOfRange { start, .. } => {
                FetchError::OffsetOutOfRange { log_start_offset: start, high_watermark: self.high_watermark() }
            }
            ReadError::Log(error) => error.into(),
        }
    }
}
