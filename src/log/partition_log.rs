//! The writing side of a log. There is one [`Log`] per partition and directory, and whoever holds it is its one writer.

use super::config::LogConfig;
use super::dir::LogDir;
use super::error::{LogError, ReadError};
use super::reader::{LogReader, ALL_STABLE};
use super::segment::{Segment, Tail};
use super::summaries::{summary_of, Extent};
use super::tail::TailBatch;
use super::verification::{ToVerify, Verification};
use super::view::LogView;
use crate::clock::Now;
use crate::ids::{TopicPartition, Uuid};
use std::sync::atomic::Ordering;
use std::sync::Arc;

/// One partition's log, to write. Small while idle: what only a writer needs is made at the first write.
pub struct Log {
    pub(super) reader: Arc<LogReader>,
    pub(super) config: Arc<LogConfig>,
    pub(super) writer: Option<Box<Writer>>,
    /// Counted by the directory among the logs that must be closed before its stop is clean.
    pub(super) counted: bool,
    /// The index database has a summary that still holds.
    pub(super) summarized: bool,
}

/// What appending needs.
pub(super) struct Writer {
    pub active: Arc<Segment>,
    /// The end of the active segment; the same as it publishes.
    pub tail: Tail,
    /// Wall clock when the segment was made, or this writer.
    pub created_ms: i64,
    /// Bytes of the active segment's file that are reserved; 0 before the first reservation.
    pub reserved_bytes: u64,
    /// Reservations made for the active segment.
    pub reserve_steps: usize,
    /// Write-back was started up to here.
    pub written_back_bytes: u64,
    /// A write failed half-way: the file may be longer than its valid bytes.
    pub overhang: bool,
    /// Index entries of the active segment, about.
    pub entries: u64,
    /// Prefixes of the batches being written; kept for its memory.
    pub prefixes: Vec<[u8; 16]>,
    /// Batches on their way to the tail cache.
    pub pending: Vec<TailBatch>,
}

impl Log {
    /// The log's reader; all readers are one.
    pub fn reader(&self) -> Arc<LogReader> {
        self.reader.clone()
    }

    /// The partition.
    pub fn partition(&self) -> &TopicPartition {
        &self.reader.partition
    }

    /// The topic's id.
    pub fn topic_id(&self) -> &Uuid {
        &self.reader.topic_id
    }

    /// The settings in force.
    pub fn config(&self) -> &LogConfig {
        &self.config
    }

    /// First offset that may be read.
    pub fn log_start_offset(&self) -> i64 {
        self.reader.log_start_offset()
    }

    /// Offset after the last record.
    pub fn log_end_offset(&self) -> i64 {
        self.reader.log_end_offset()
    }

    pub(super) fn dir(&self) -> &Arc<LogDir> {
        &self.reader.dir
    }

    /// Takes new settings; they count from the next operation.
    pub fn reconfigure(&mut self, config: impl Into<Arc<LogConfig>>) {
        self.config = config.into();
        self.reader.config.store(self.config.clone());
    }

    /// Notes that leader epoch `leader_epoch` starts at the log's end. Older and known epochs change nothing.
    pub fn assign_epoch(&mut self, leader_epoch: i32, start_offset: i64) -> Result<(), LogError> {
        if let Some(epochs) = self.reader.epochs()?.assigned(leader_epoch, start_offset) {
            self.count();
            self.reader.set_epochs(epochs);
        }
        Ok(())
    }

    /// Forgets ended transactions whose markers the high watermark has passed; the last stable offset may move.
    /// Only needed while [`LogReader::first_unstable_offset`] is not [`ALL_STABLE`].
    pub fn note_high_watermark(&mut self, high_watermark: i64) -> Result<(), LogError> {
        if self.reader.first_unstable_offset() == ALL_STABLE {
            return Ok(());
        }
        let mut producers = self.reader.loaded_producers()?;
        let state = producers.as_mut().expect("loaded_producers loads");
        state.replicated_to(high_watermark);
        self.reader.publish_unstable(state);
        Ok(())
    }

    /// Begins to verify a transaction, see [`ToVerify`]. `None` if it is open here already.
    pub fn begin_verification(&mut self, batch: &ToVerify, now: Now) -> Result<Option<Verification>, LogError> {
        let mut producers = self.reader.loaded_producers()?;
        let state = producers.as_mut().expect("loaded_producers loads");
        Ok(self.reader.begin_in(state, batch, now))
    }

    /// Forgets producers idle for longer than `producer.id.expiration.ms` (I5). A timer calls it for logs in use.
    pub fn expire_producers(&mut self, now: Now) {
        if let Some(state) = self.reader.producers.lock().as_mut() {
            state.expire(now.wall_ms, self.config.producer_id_expiration_ms);
        }
    }

    /// Moves the log start up to `offset`, which the caller has bounded by the high watermark (L5). The new start is
    /// durable on return; whole segments below it go with the next retention. Returns the log start.
    pub fn delete_records_before(&mut self, offset: i64) -> Result<i64, ReadError> {
        let (start, end) = (self.log_start_offset(), self.log_end_offset());
        if offset < 0 || offset > end {
            return Err(ReadError::OffsetOutOfRange { offset, start, end });
        }
        if offset <= start {
            return Ok(start);
        }
        self.dir().check_online()?;
        self.reader.view()?;
        self.count();
        self.dir().set_log_start(self.partition(), offset)?;
        self.raise_log_start(offset)?;
        Ok(offset)
    }

    /// Publishes a higher log start and forgets the epochs that end before it.
    pub(super) fn raise_log_start(&mut self, offset: i64) -> Result<(), LogError> {
        self.reader.log_start.store(offset, Ordering::Release);
        if let Some(epochs) = self.reader.epochs()?.started_at(offset) {
            self.reader.set_epochs(epochs);
        }
        Ok(())
    }

    /// Marks the log as one that must be closed for a clean stop, and its summary as void.
    pub(super) fn count(&mut self) {
        self.summarized = false;
        if !self.counted {
            self.counted = true;
            self.reader.dir.unclosed.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// What appending needs, made now if this is the first write.
    pub(super) fn writer(&mut self, now: Now) -> Result<&mut Writer, LogError> {
        if self.writer.is_none() {
            drop(self.reader.loaded_producers()?);
            let view = self.reader.view()?;
            self.count();
            let entries = view.active().tail().last_index_position / self.config.index_interval_bytes.max(1);
            self.writer = Some(Box::new(Writer::new(view.active().clone(), now, entries)));
        }
        Ok(self.writer.as_mut().expect("made above"))
    }

    /// Publishes a view with other segments. The caller holds no lock of the log.
    pub(super) fn publish_view(&self, segments: Vec<Arc<Segment>>, truncations: u64) {
        self.reader.view.store(Some(Arc::new(LogView { segments, truncations })));
    }

    /// Makes everything durable, trims the file and leaves a summary, so that the next start need not look at the log.
    /// The reader answers `Closed` afterwards. Call before [`LogDir::close_clean`]; dropping the log instead leaves it
    /// to recovery.
    pub fn close(&mut self) -> Result<(), LogError> {
        if self.reader.is_closed() {
            return Ok(());
        }
        if self.writer.is_some() {
            self.trim()?;
        }
        if self.counted {
            self.reader.flush()?;
        }
        if !self.summarized {
            self.summarize()?;
        }
        self.reader.closed.store(true, Ordering::Release);
        self.reader.tail.forget();
        if std::mem::take(&mut self.counted) {
            self.dir().unclosed.fetch_sub(1, Ordering::AcqRel);
        }
        Ok(())
    }

    fn summarize(&mut self) -> Result<(), LogError> {
        // Offsets come from the files where they have not been looked at yet.
        let view = self.reader.view()?;
        let extent = Extent {
            log_start_offset: self.log_start_offset(),
            log_end_offset: self.log_end_offset(),
            first_unstable_offset: self.reader.first_unstable_offset(),
        };
        let segments = view.segments.iter().map(|segment| (segment.base_offset(), segment.tail().size_bytes));
        let summary = summary_of(segments, self.reader.topic_id, self.partition().partition, extent);
        self.dir().put_summary(self.partition(), &summary)?;
        self.summarized = true;
        Ok(())
    }
}

impl Writer {
    pub fn new(active: Arc<Segment>, now: Now, entries: u64) -> Self {
        let tail = active.tail();
        Self {
            active,
            tail,
            created_ms: now.wall_ms,
            reserved_bytes: 0,
            reserve_steps: 0,
            written_back_bytes: tail.size_bytes,
            overhang: false,
            entries,
            prefixes: Vec::new(),
            pending: Vec::new(),
        }
    }
}
