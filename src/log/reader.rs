//! The side of a log that everybody may hold: readers, the flusher, and the writer, which publishes through it.

use super::config::LogConfig;
use super::dir::LogDir;
use super::epochs::Epochs;
use super::error::{LogError, ReadError};
use super::index::IndexReader;
use super::keys::{self, AbortedTransaction, PartitionKey};
use super::producer_state::{Producer, ProducerState};
use super::recovery;
use super::tail::LogTail;
use super::verification::{ToVerify, Verification};
use super::view::LogView;
use crate::clock::Now;
use crate::ids::{TopicPartition, Uuid};
use arc_swap::{ArcSwap, ArcSwapOption};
use parking_lot::{Mutex, MutexGuard};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::Arc;

/// Stands for "no open transaction" in [`LogReader::first_unstable_offset`].
pub const ALL_STABLE: i64 = i64::MAX;

/// A log to read. Reads take no lock that a writer holds across I/O, and see nothing beyond the published end.
///
/// Valid while the log lives; afterwards reads answer [`LogError::Closed`].
pub struct LogReader {
    pub(super) dir: Arc<LogDir>,
    pub(super) partition: TopicPartition,
    pub(super) topic_id: Uuid,
    pub(super) config: ArcSwap<LogConfig>,
    pub(super) log_start: AtomicI64,
    pub(super) log_end: AtomicI64,
    pub(super) flushed: AtomicI64,
    pub(super) first_unstable: AtomicI64,
    /// What lies below needs no recovery, should the view be loaded later.
    trusted_to: i64,
    pub(super) closed: AtomicBool,
    /// Something waits for a flush, and the directory knows.
    pub(super) dirty: AtomicBool,
    /// `mono_ms` of the first append since the last flush.
    pub(super) dirty_since_ms: AtomicI64,
    /// Absent until first used, if the log was left clean.
    pub(super) view: ArcSwapOption<LogView>,
    /// Loaded together with the view.
    pub(super) epochs: ArcSwapOption<Epochs>,
    /// The epochs differ from the checkpoint file.
    pub(super) epochs_dirty: AtomicBool,
    /// Guards changes of the view and of this log's rows in the index database; never held over a sync of a segment.
    pub(super) structure: Mutex<Structure>,
    /// Guards the producers, which are loaded when first asked for. The writer holds it from check to commit.
    pub(super) producers: Mutex<Option<Box<ProducerState>>>,
    /// Aborted transactions that the index database has not got yet.
    pub(super) aborted: ArcSwapOption<Vec<AbortedTransaction>>,
    /// No marker of a stored one lies beyond this offset. Raised before one is stored.
    pub(super) last_stored_abort: AtomicI64,
    pub(super) tail: Arc<LogTail>,
    /// Verifications begun so far.
    verifications: AtomicU64,
}

/// What [`LogReader::structure`] guards beside the view.
#[derive(Default)]
pub(super) struct Structure {
    /// Offsets of the newest producer snapshots that flushes made, at most two after a flush, ascending.
    pub flush_snapshots: Vec<i64>,
}

/// What a log starts out with.
pub(super) struct Start {
    pub log_start: i64,
    pub log_end: i64,
    pub first_unstable: i64,
    /// Up to where files and index database are trusted: everywhere after a clean stop, else the recovery point.
    pub trusted_to: i64,
}

impl LogReader {
    pub(super) fn new(
        dir: Arc<LogDir>,
        partition: TopicPartition,
        topic_id: Uuid,
        config: Arc<LogConfig>,
        start: Start,
    ) -> Arc<Self> {
        let tail = LogTail::new(dir.tail_cache.clone());
        Arc::new(Self {
            dir,
            partition,
            topic_id,
            config: ArcSwap::new(config),
            log_start: AtomicI64::new(start.log_start),
            log_end: AtomicI64::new(start.log_end),
            flushed: AtomicI64::new(start.log_end),
            first_unstable: AtomicI64::new(start.first_unstable),
            trusted_to: start.trusted_to,
            closed: AtomicBool::new(false),
            dirty: AtomicBool::new(false),
            dirty_since_ms: AtomicI64::new(0),
            view: ArcSwapOption::empty(),
            epochs: ArcSwapOption::empty(),
            epochs_dirty: AtomicBool::new(false),
            structure: Mutex::default(),
            producers: Mutex::new(None),
            aborted: ArcSwapOption::empty(),
            last_stored_abort: AtomicI64::new(i64::MAX),
            tail,
            verifications: AtomicU64::new(0),
        })
    }

    /// The partition.
    pub fn partition(&self) -> &TopicPartition {
        &self.partition
    }

    /// The topic's id.
    pub fn topic_id(&self) -> &Uuid {
        &self.topic_id
    }

    /// The directory that the log lies in.
    pub fn dir(&self) -> &Arc<LogDir> {
        &self.dir
    }

    /// First offset that may be read.
    pub fn log_start_offset(&self) -> i64 {
        self.log_start.load(Ordering::Acquire)
    }

    /// Offset after the last record.
    pub fn log_end_offset(&self) -> i64 {
        self.log_end.load(Ordering::Acquire)
    }

    /// Everything below this offset survives a power cut.
    pub fn flushed_offset(&self) -> i64 {
        self.flushed.load(Ordering::Acquire)
    }

    /// First offset of a transaction that is open or whose marker may not be replicated; [`ALL_STABLE`] without one.
    pub fn first_unstable_offset(&self) -> i64 {
        self.first_unstable.load(Ordering::Acquire)
    }

    /// Nothing at or beyond this offset may be shown to a reader of committed records while everything below `end` is
    /// replicated. Never below the log start, even if the records of an open transaction were deleted (X12).
    pub fn stable_below(&self, end: i64) -> i64 {
        self.first_unstable_offset().max(self.log_start_offset()).min(end)
    }

    /// Begins to verify a transaction, see [`ToVerify`]; the inner `None` if it is open here already. `None` while the
    /// writer holds the producers, which may last as long as the disk takes: then ask it in its turn, by
    /// [`super::Log::begin_verification`].
    pub fn try_begin_verification(&self, batch: &ToVerify, now: Now) -> Result<Option<Option<Verification>>, LogError> {
        if self.is_closed() {
            return Err(LogError::Closed);
        }
        let Some(mut producers) = self.producers.try_lock() else { return Ok(None) };
        Ok(producers.as_mut().map(|state| self.begin_in(state, batch, now)))
    }

    pub(super) fn begin_in(&self, state: &mut ProducerState, batch: &ToVerify, now: Now) -> Option<Verification> {
        let fresh = Verification(self.verifications.fetch_add(1, Ordering::Relaxed));
        state.begin_verification(fresh, batch, now.wall_ms, self.config.load().max_producer_ids)
    }

    /// Bytes of the log on disk.
    pub fn size_bytes(&self) -> Result<u64, LogError> {
        Ok(self.view()?.size_bytes())
    }

    /// How many segments the log has.
    pub fn segment_count(&self) -> Result<usize, LogError> {
        Ok(self.view()?.segments.len())
    }

    /// Base offset of the segment that is being appended to; `None` while the log has not been used.
    pub fn active_base_offset(&self) -> Option<i64> {
        self.view.load().as_ref().map(|view| view.active().base_offset())
    }

    /// Whether `flush.messages` or `flush.ms` asks for [`Self::flush`].
    pub fn flush_due(&self, now: Now) -> bool {
        let unflushed = self.log_end_offset() - self.flushed_offset();
        if unflushed <= 0 {
            return false;
        }
        let config = self.config.load();
        let waited_ms = now.mono_ms.saturating_sub(self.dirty_since_ms.load(Ordering::Relaxed));
        unflushed >= config.flush_messages || waited_ms >= config.flush_ms
    }

    /// The largest epoch not above `epoch` and its end; (-1, -1) if there is none (L4).
    pub fn end_offset_for_epoch(&self, epoch: i32) -> Result<(i32, i64), LogError> {
        Ok(self.epochs()?.end_offset_for_epoch(epoch, self.log_end_offset()))
    }

    /// The leader epoch in which `offset` was written.
    pub fn epoch_at(&self, offset: i64) -> Result<Option<i32>, LogError> {
        Ok(self.epochs()?.epoch_at(offset))
    }

    /// The newest leader epoch.
    pub fn latest_epoch(&self) -> Result<Option<i32>, LogError> {
        Ok(self.epochs()?.latest())
    }

    /// The producers that are remembered, for DescribeProducers.
    pub fn producers(&self) -> Result<Vec<(i64, Producer)>, LogError> {
        let producers = self.loaded_producers()?;
        let state = producers.as_ref().expect("loaded_producers loads");
        Ok(state.producers().iter().map(|(id, producer)| (*id, producer.clone())).collect())
    }

    /// Aborted transactions that overlap `from..to`, by marker. `to` is exclusive. A reader at the end, behind all of them,
    /// does not ask the index database.
    pub fn aborted_transactions(&self, from: i64, to: i64) -> Result<Vec<AbortedTransaction>, ReadError> {
        // Before the stored ones: a flush stores what it then takes away here.
        let recent = self.aborted.load_full();
        let mut found = match from <= self.last_stored_abort.load(Ordering::Acquire) {
            true => self.stored_aborts(from, to)?,
            false => Vec::new(),
        };
        let overlaps = |aborted: &&AbortedTransaction| aborted.last_offset >= from && aborted.first_offset < to;
        for aborted in recent.iter().flat_map(|recent| recent.iter()).filter(overlaps) {
            if !found.iter().any(|known| known.last_offset == aborted.last_offset) {
                found.push(*aborted);
            }
        }
        Ok(found)
    }

    fn stored_aborts(&self, from: i64, to: i64) -> Result<Vec<AbortedTransaction>, ReadError> {
        let key = self.key();
        let mut found = Vec::new();
        let mut start = key.at(from);
        loop {
            let page = self.dir.index.scan(keys::ABORTED, &start, &key.end(), 64);
            let page = page.map_err(|error| self.dir.kv_failed(&error))?;
            let Some((last, _)) = page.last() else { return Ok(found) };
            start = [last.as_slice(), &[0]].concat();
            for (key, value) in &page {
                let Some(aborted) = AbortedTransaction::decode(key, value) else { continue };
                if aborted.first_offset < to {
                    found.push(aborted);
                }
                if aborted.last_stable_offset >= to {
                    return Ok(found);
                }
            }
        }
    }

    /// Whether the log was closed or deleted.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub(super) fn key(&self) -> PartitionKey {
        PartitionKey::new(&self.topic_id, self.partition.partition)
    }

    pub(super) fn folder(&self) -> PathBuf {
        self.dir.path().join(keys::folder_name(&self.partition))
    }

    pub(super) fn index(&self) -> IndexReader<'_> {
        IndexReader { kv: &*self.dir.index, partition: self.key() }
    }

    /// The view, loaded now if the log has not been used yet.
    pub(super) fn view(&self) -> Result<Arc<LogView>, LogError> {
        if self.is_closed() {
            return Err(LogError::Closed);
        }
        if let Some(view) = self.view.load_full() {
            return Ok(view);
        }
        let mut structure = self.structure.lock();
        if let Some(view) = self.view.load_full() {
            return Ok(view);
        }
        recovery::load(self, &mut structure, self.trusted_to)
    }

    pub(super) fn epochs(&self) -> Result<Arc<Epochs>, LogError> {
        self.view()?;
        Ok(self.epochs.load_full().unwrap_or_default())
    }

    pub(super) fn set_epochs(&self, epochs: Epochs) {
        self.epochs.store(Some(Arc::new(epochs)));
        self.epochs_dirty.store(true, Ordering::Release);
    }

    /// The producers, loaded now if they have not been asked for yet.
    pub(super) fn loaded_producers(&self) -> Result<MutexGuard<'_, Option<Box<ProducerState>>>, LogError> {
        let view = self.view()?;
        let mut producers = self.producers.lock();
        if producers.is_none() {
            let state = recovery::load_producers(self, &view, self.trusted_to)?;
            *producers = Some(Box::new(state));
        }
        Ok(producers)
    }

    pub(super) fn publish_unstable(&self, state: &ProducerState) {
        self.first_unstable.store(state.first_unstable_offset().unwrap_or(ALL_STABLE), Ordering::Release);
    }

    /// Adds aborted transactions for readers, until a flush has moved them to the index database.
    pub(super) fn add_aborted(&self, added: &[AbortedTransaction]) {
        if added.is_empty() {
            return;
        }
        self.aborted.rcu(|known| {
            let mut all = known.as_deref().cloned().unwrap_or_default();
            all.extend_from_slice(added);
            Some(Arc::new(all))
        });
    }
}
