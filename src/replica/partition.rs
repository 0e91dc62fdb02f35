//! One partition on this node: its log, its leadership, and who waits for it.

use super::burst::Burst;
use super::error::AppendError;
use super::lane::Lane;
use super::leadership::{FollowerFetch, Leadership, Progress};
use super::queue::{Answer, Outcome, Queue, QueuedAppend, Waiting};
use super::settings::TopicRules;
use super::watchers::Watchers;
use crate::clock::Now;
use crate::ids::{NodeId, TopicPartition, Uuid};
use crate::log::{AppendOrigin, Appended, Log, LogError, LogReader, Verification};
use crate::metadata::image::PartitionImage;
use crate::record::validate::{ProduceRules, ValidBatch};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// A sync that failed and did not take the directory offline is tried again after this. Milliseconds.
const FLUSH_RETRY_MS: i64 = 500;

/// What a producer waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acks {
    /// Nothing (0).
    None,
    /// The leader's log (1).
    Leader,
    /// All replicas in sync (-1), for at most so long.
    All {
        /// The request's timeout.
        timeout_ms: i64,
    },
}

/// The rest of an append: waiting for the writer, or for the high watermark. It may be dropped; the batch stays.
pub type AppendFuture = Pin<Box<dyn Future<Output = Result<Appended, AppendError>> + Send>>;

/// An append, begun.
#[must_use]
pub enum Append {
    /// It is over.
    Done(Result<Appended, AppendError>),
    /// It is in the queue, or in the log and not yet safe.
    Later(AppendFuture),
}

/// A partition with its log here.
pub struct Partition {
    name: TopicPartition,
    topic_id: Uuid,
    pub(super) node_id: NodeId,
    pub(super) lane: Arc<Lane>,
    pub(super) reader: Arc<LogReader>,
    /// Guards who writes and what waits to be written; never held across I/O.
    pub(super) queue: Mutex<Queue>,
    pub(super) leadership: ArcSwap<Leadership>,
    pub(super) rules: ArcSwap<TopicRules>,
    /// Guards replication: followers, high watermark, byte counts. Tiny, never held across I/O.
    pub(super) progress: Mutex<Progress>,
    /// The same as in `progress`, for readers.
    pub(super) high_watermark: AtomicI64,
    pub(super) watchers: Watchers,
    /// A writer panicked: offline until the restart.
    pub(super) failed: AtomicBool,
    /// The flusher has an order.
    pub(super) flush_ordered: AtomicBool,
    /// The flusher has an order for later.
    pub(super) flush_timed: AtomicBool,
    /// Base offset of the active segment when the cleaner was told of it last; -1 before.
    cleaner_told: AtomicI64,
    /// An append of the partition's coordinator is under way.
    coordinating: AtomicBool,
}

impl Partition {
    pub(super) fn new(
        node_id: NodeId,
        lane: Arc<Lane>,
        mut log: Log,
        rules: Arc<TopicRules>,
    ) -> Result<Arc<Self>, LogError> {
        let reader = log.reader();
        let name = reader.partition().clone();
        let known = lane.dir.take_high_watermark(&name).unwrap_or(0);
        let (start, end) = (reader.log_start_offset(), reader.log_end_offset());
        let high_watermark = known.clamp(start, end);
        // Recovery found transactions that had ended, and does not know that their markers are committed.
        log.note_high_watermark(high_watermark)?;
        let partition = Arc::new(Self {
            topic_id: *reader.topic_id(),
            name,
            node_id,
            reader,
            queue: Mutex::new(Queue::new(log)),
            leadership: ArcSwap::from_pointee(Leadership::none()),
            rules: ArcSwap::new(rules),
            progress: Mutex::new(Progress::at(high_watermark)),
            high_watermark: AtomicI64::new(high_watermark),
            watchers: Watchers::default(),
            failed: AtomicBool::new(false),
            flush_ordered: AtomicBool::new(false),
            flush_timed: AtomicBool::new(false),
            cleaner_told: AtomicI64::new(-1),
            coordinating: AtomicBool::new(false),
            lane,
        });
        partition.lane.host(&partition);
        Ok(partition)
    }

    /// The partition's name.
    pub fn name(&self) -> &TopicPartition {
        &self.name
    }

    /// The topic's id.
    pub fn topic_id(&self) -> &Uuid {
        &self.topic_id
    }

    /// Who leads, as of now.
    pub fn leadership(&self) -> Arc<Leadership> {
        self.leadership.load_full()
    }

    /// Whether this node leads.
    pub fn is_leader(&self) -> bool {
        self.leadership.load().is_leader
    }

    /// What the topic asks of a batch, for validating it before [`Self::append_as_leader`].
    pub fn rules(&self) -> Arc<ProduceRules> {
        self.rules.load().produce.clone()
    }

    /// The high watermark: everything below it is committed.
    pub fn high_watermark(&self) -> i64 {
        self.high_watermark.load(Ordering::Acquire)
    }

    /// Everything below it is committed and belongs to no open transaction.
    pub fn last_stable_offset(&self) -> i64 {
        self.reader.stable_below(self.high_watermark())
    }

    /// The log, for what is asked of it alone: sizes, producers, epochs.
    pub fn log(&self) -> &Arc<LogReader> {
        &self.reader
    }

    /// Whether its log cannot be used until the restart.
    pub fn is_offline(&self) -> bool {
        self.failed.load(Ordering::Acquire) || !self.lane.is_online()
    }

    /// Whether a batch may be appended now: leadership and min ISR, which are judged before the batch (P16, P12).
    pub fn check_append(&self, acks: Acks) -> Result<(), AppendError> {
        if self.is_offline() {
            return Err(AppendError::Storage("the partition is offline".to_owned()));
        }
        let leadership = self.leadership.load();
        if !leadership.is_leader {
            return Err(AppendError::NotLeader);
        }
        let min_isr = self.rules.load().min_insync_replicas;
        if matches!(acks, Acks::All { .. }) && !leadership.has_min_isr(min_isr) {
            let needed = leadership.effective_min_isr(min_isr);
            return Err(AppendError::NotEnoughReplicas { in_sync: leadership.isr.len(), needed });
        }
        Ok(())
    }

    /// Appends a client's batch. It is written on this thread unless somebody else writes, or the disk is slow: then it
    /// waits in the queue, in the order of these calls.
    pub fn append_as_leader(self: &Arc<Self>, batch: ValidBatch, acks: Acks, now: Now) -> Append {
        self.append(batch, acks, AppendOrigin::Client(None), now)
    }

    pub(super) fn append(self: &Arc<Self>, batch: ValidBatch, acks: Acks, origin: AppendOrigin, now: Now) -> Append {
        if let Err(error) = self.check_append(acks) {
            return Append::Done(Err(error));
        }
        let mut queue = self.queue.lock();
        if self.is_gone(&queue) {
            return Append::Done(Err(self.why_gone()));
        }
        // Behind what waits there may be a batch of the same client.
        if !self.lane.is_slow() && queue.is_empty() {
            if let Some(writing) = queue.take_seat() {
                drop(queue);
                let outcome = self.write_inline(writing, &batch, origin, now);
                return self.finish(outcome, acks);
            }
        }
        let (sender, receiver) = oneshot::channel();
        let append = QueuedAppend { batch, origin, now, answer: Answer::Task(sender) };
        match self.leave(queue, append) {
            Ok(()) => Append::Later(Box::pin(self.clone().written(receiver, acks))),
            Err(error) => Append::Done(Err(error)),
        }
    }

    /// As [`Self::append_verified`], for a batch behind which more of the client's requests are at hand: it is written
    /// with the next one, or at the end of the burst.
    pub fn append_with_next(
        self: &Arc<Self>,
        batch: ValidBatch,
        acks: Acks,
        verification: Option<Verification>,
        now: Now,
        burst: &Burst,
    ) -> Append {
        if let Err(error) = self.check_append(acks) {
            return Append::Done(Err(error));
        }
        let mut queue = self.queue.lock();
        if self.is_gone(&queue) {
            return Append::Done(Err(self.why_gone()));
        }
        let bytes = batch.bytes.len();
        if !queue.has_room(bytes) || !self.lane.admit(bytes) {
            return Append::Done(Err(AppendError::QueueFull));
        }
        let (sender, receiver) = oneshot::channel();
        let answer = Answer::Task(sender);
        let origin = AppendOrigin::Client(verification);
        queue.push(Waiting::Append(QueuedAppend { batch, origin, now, answer }));
        drop(queue);
        burst.left_in(self.clone());
        Append::Later(Box::pin(self.clone().written(receiver, acks)))
    }

    /// Appends a batch of this partition's coordinator at once, on this thread: a coordinator's shard is the only
    /// writer of its partition, and calls one at a time. Checks leadership and min ISR, but no sequence.
    pub fn append_as_coordinator(self: &Arc<Self>, batch: ValidBatch, now: Now) -> Result<Appended, AppendError> {
        self.append_alone(batch, AppendOrigin::Coordinator(None), now)
    }

    /// The same with what a transaction is asked for: a verification, or a marker's version.
    pub fn append_alone(
        self: &Arc<Self>,
        batch: ValidBatch,
        origin: AppendOrigin,
        now: Now,
    ) -> Result<Appended, AppendError> {
        let alone = !self.coordinating.swap(true, Ordering::AcqRel);
        assert!(alone, "a coordinator's partition has one writer, its shard");
        let checked = self.check_append(Acks::All { timeout_ms: 0 });
        let outcome = checked.and_then(|()| self.write_now(batch, origin, now));
        self.coordinating.store(false, Ordering::Release);
        outcome
    }

    /// What is left to do after the write.
    fn finish(self: &Arc<Self>, outcome: Outcome, acks: Acks) -> Append {
        let (Ok(appended), Acks::All { timeout_ms }) = (&outcome, acks) else { return Append::Done(outcome) };
        if self.high_watermark() > appended.last_offset {
            return Append::Done(self.judge_committed().map(|()| *appended));
        }
        let (partition, appended) = (self.clone(), *appended);
        Append::Later(Box::pin(async move {
            let committed = partition.wait_committed(appended.last_offset + 1);
            in_time(timeout_ms, committed).await.map(|()| appended)
        }))
    }

    async fn written(self: Arc<Self>, receiver: oneshot::Receiver<Outcome>, acks: Acks) -> Outcome {
        let whole = async {
            let outcome = receiver.await.unwrap_or_else(|_| Err(self.why_gone()));
            match self.finish(outcome, acks) {
                Append::Done(outcome) => outcome,
                Append::Later(committed) => committed.await,
            }
        };
        match acks {
            Acks::All { timeout_ms } => in_time(timeout_ms, whole).await,
            _ => whole.await,
        }
    }

    /// Waits until everything below `offset` is committed. Fails once that cannot happen here any more, and if then too
    /// few replicas are in sync (P12).
    pub async fn wait_committed(&self, offset: i64) -> Result<(), AppendError> {
        loop {
            let (registered, news) = self.watchers.watch_offset(offset);
            // A tiny lock between registering and looking: an append that this look misses sees the registration.
            drop(self.progress.lock());
            if self.high_watermark() >= offset {
                return self.judge_committed();
            }
            if self.is_offline() || self.reader.is_closed() {
                return Err(self.why_gone());
            }
            if !self.is_leader() {
                return Err(AppendError::NotLeader);
            }
            // Unsent when the partition is disturbed: then look again.
            let _ = news.await;
            drop(registered);
        }
    }

    fn judge_committed(&self) -> Result<(), AppendError> {
        let enough = self.leadership.load().has_min_isr(self.rules.load().min_insync_replicas);
        enough.then_some(()).ok_or(AppendError::NotEnoughReplicasAfterAppend)
    }

    pub(super) fn is_gone(&self, queue: &Queue) -> bool {
        matches!(queue.seat, super::queue::Seat::Gone)
    }

    pub(super) fn why_gone(&self) -> AppendError {
        match self.is_offline() {
            true => AppendError::Storage("the partition is offline".to_owned()),
            false => AppendError::UnknownTopicOrPartition,
        }
    }

    /// Takes over what the metadata says; older news changes nothing. Whether this node has become leader, or leads in
    /// a newer epoch.
    pub(super) fn follow(self: &Arc<Self>, image: &PartitionImage) -> bool {
        let before = self.leadership.load_full();
        if image.partition_epoch < before.partition_epoch || image.leader_epoch < before.leader_epoch {
            return false;
        }
        let after = before.after(image, self.node_id, self.reader.log_end_offset());
        if after == *before {
            return false;
        }
        let new_epoch = after.is_leader && (!before.is_leader || after.leader_epoch != before.leader_epoch);
        {
            let mut progress = self.progress.lock();
            if new_epoch {
                progress.followers.clear();
            }
            progress.followers.retain(|replica, _| after.replicas.contains(replica));
            self.leadership.store(Arc::new(after));
        }
        self.advanced_aside();
        let moved = self.leadership.load();
        if moved.is_leader != before.is_leader || moved.leader_epoch != before.leader_epoch {
            self.watchers.disturbed();
        }
        new_epoch
    }

    /// Notes a fetch of follower `replica`; the high watermark may move.
    pub fn record_fetch(self: &Arc<Self>, replica: NodeId, fetch: FollowerFetch) {
        self.progress.lock().followers.insert(replica, fetch);
        self.advanced_aside();
    }

    /// Publishes a high watermark that moved without an append.
    fn advanced_aside(self: &Arc<Self>) {
        let Some(news) = self.advance() else { return };
        self.tell(news);
        self.settle_stable_offset();
    }

    /// What the last fetch of each follower told.
    pub fn followers(&self) -> Vec<(NodeId, FollowerFetch)> {
        self.progress.lock().followers.iter().map(|(replica, fetch)| (*replica, *fetch)).collect()
    }

    /// Tells the cleaner if the log has got another active segment.
    pub(super) fn tell_cleaner(self: &Arc<Self>, now: Now) {
        let active = self.reader.active_base_offset().unwrap_or(-1);
        if active != self.cleaner_told.load(Ordering::Relaxed) && self.rules.load().log.cleanup.compact {
            self.cleaner_told.store(active, Ordering::Relaxed);
            self.lane.cleaner.look_later(self, now);
        }
    }

    /// Takes new settings of the topic.
    pub(super) fn reconfigure(self: &Arc<Self>, rules: Arc<TopicRules>, now: Now) {
        let config = rules.log.clone();
        let compacts = rules.log.cleanup.compact;
        self.rules.store(rules);
        if compacts {
            self.lane.cleaner.look_later(self, now);
        }
        self.submit(Box::new(move |log| log.iter_mut().for_each(|log| log.reconfigure(config.clone()))), false);
        self.advanced_aside();
    }

    /// Orders a sync; the high watermark follows it with `flush.before.ack`.
    pub(super) fn flush_soon(self: &Arc<Self>) {
        if !self.flush_ordered.swap(true, Ordering::AcqRel) {
            self.lane.flush_soon(self.clone());
        }
    }

    /// Orders a sync now or later, as `flush.messages` and `flush.ms` ask.
    pub(super) fn flush_early(self: &Arc<Self>, flush_ms: i64, now: Now) {
        if self.reader.flush_due(now) {
            self.flush_soon();
        } else if flush_ms != i64::MAX && !self.flush_timed.swap(true, Ordering::AcqRel) {
            self.lane.flush_at(now.mono_ms.saturating_add(flush_ms), self.clone());
        }
    }

    /// Whether acknowledged records wait for a sync that nobody may have ordered: after a restart, or a failed one.
    pub(super) fn owes_flush(&self) -> bool {
        self.rules.load().flush_before_ack && self.reader.flushed_offset() < self.reader.log_end_offset()
    }

    /// A sync of the whole directory covered the log too.
    pub(super) fn flushed_aside(self: &Arc<Self>) {
        if self.rules.load().flush_before_ack {
            self.advanced_aside();
        }
    }

    /// Syncs the log and publishes it. For the flusher.
    pub(super) fn flush_now(self: &Arc<Self>, now: Now) {
        self.flush_ordered.store(false, Ordering::Release);
        self.flush_timed.store(false, Ordering::Release);
        if self.reader.is_closed() {
            return;
        }
        match self.reader.flush() {
            Ok(_) => self.advanced_aside(),
            Err(error) => {
                tracing::error!(partition = %self.name, %error, "cannot flush");
                self.lane.note_failure();
                self.watchers.disturbed();
                // A full disk passes, and who waits for this sync may never append again.
                if self.lane.is_online() && !self.flush_timed.swap(true, Ordering::AcqRel) {
                    self.lane.flush_at(now.mono_ms.saturating_add(FLUSH_RETRY_MS), self.clone());
                }
            }
        }
    }
}

async fn in_time<T>(timeout_ms: i64, work: impl Future<Output = Result<T, AppendError>>) -> Result<T, AppendError> {
    let timeout = Duration::from_millis(timeout_ms.max(0).unsigned_abs());
    tokio::time::timeout(timeout, work).await.unwrap_or(Err(AppendError::TimedOut))
}
