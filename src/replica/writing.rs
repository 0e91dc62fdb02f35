//! The writer's side of a partition: whoever holds the log writes, publishes, and leaves nothing in the queue.

use super::error::AppendError;
use super::partition::Partition;
use super::queue::{Answer, Job, Next, Outcome, Place, Queue, QueuedAppend, Waiting, Writing};
use super::watchers::News;
use crate::clock::Now;
use crate::log::{AppendBatch, AppendOrigin, Log, LogError, ALL_STABLE};
use crate::record::validate::ValidBatch;
use parking_lot::MutexGuard;
use smallvec::SmallVec;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;
use std::sync::Arc;

impl Partition {
    /// Writes one batch, then what others have left in the queue meanwhile.
    pub(super) fn write_inline(
        self: &Arc<Self>,
        mut writing: Box<Writing>,
        batch: &ValidBatch,
        origin: AppendOrigin,
        now: Now,
    ) -> Outcome {
        let written = self.guarded(&mut writing, |partition, writing| {
            let result = partition.write(writing, &[AppendBatch { batch, origin }], now);
            match (writing.outcomes.pop(), result) {
                (Some(outcome), _) => outcome.map_err(AppendError::from),
                (None, Err(error)) => Err(error.into()),
                (None, Ok(())) => unreachable!("the log answers for each batch"),
            }
        });
        match written {
            Some(outcome) => {
                self.drain(writing, Place::Caller);
                outcome
            }
            None => Err(AppendError::Storage("the partition's writer panicked".to_owned())),
        }
    }

    /// Leaves a batch in the queue. If nobody writes, the queue is emptied here, or in slow mode on the I/O thread.
    pub(super) fn leave(
        self: &Arc<Self>,
        mut queue: MutexGuard<'_, Queue>,
        append: QueuedAppend,
    ) -> Result<(), AppendError> {
        let bytes = append.batch.bytes.len();
        if !queue.has_room(bytes) || !self.lane.admit(bytes) {
            return Err(AppendError::QueueFull);
        }
        queue.push(Waiting::Append(append));
        self.begin_writing(queue);
        Ok(())
    }

    /// Writes what waits, unless somebody does.
    pub(super) fn write_waiting(self: &Arc<Self>) {
        let queue = self.queue.lock();
        if !queue.is_empty() {
            self.begin_writing(queue);
        }
    }

    fn begin_writing(self: &Arc<Self>, mut queue: MutexGuard<'_, Queue>) {
        let Some(writing) = queue.take_seat() else { return };
        drop(queue);
        match self.lane.is_slow() {
            true => self.lane.hand_over(self.clone(), writing),
            false => self.drain(writing, Place::Caller),
        }
    }

    /// Does `job` with the log, now if nobody writes, else after what waits already. Waits for it; so only for threads
    /// that may wait. `None` if the log is gone, or a writer panics before.
    pub(super) fn with_log<T: Send + 'static>(
        self: &Arc<Self>,
        job: impl FnOnce(&mut Option<Log>) -> T + Send + 'static,
    ) -> Option<T> {
        let (sender, receiver) = sync_channel(1);
        let job: Job = Box::new(move |log| {
            // Nobody waits if the thread was stopped.
            let _ = sender.send(job(log));
        });
        self.submit(job, true);
        receiver.recv().ok()
    }

    /// Does `job` with the log. If nobody writes: now if `here`, else on the I/O thread. Otherwise after what waits.
    pub(super) fn submit(self: &Arc<Self>, job: Job, here: bool) {
        let mut queue = self.queue.lock();
        if self.is_gone(&queue) {
            return;
        }
        let seat = queue.take_seat();
        queue.push(Waiting::Job(job));
        drop(queue);
        match seat {
            Some(writing) if here => self.drain(writing, Place::Background),
            Some(writing) => self.lane.hand_over(self.clone(), writing),
            None => {}
        }
    }

    /// Writes a batch of the partition's one coordinator, or a marker into its topic, and waits, if housekeeping has the log, on the calling thread.
    pub(super) fn write_now(self: &Arc<Self>, batch: ValidBatch, origin: AppendOrigin, now: Now) -> Outcome {
        let (sender, receiver) = sync_channel(1);
        {
            let mut queue = self.queue.lock();
            if self.is_gone(&queue) {
                return Err(self.why_gone());
            }
            if let Some(writing) = queue.take_seat() {
                drop(queue);
                return self.write_inline(writing, &batch, origin, now);
            }
            let bytes = batch.bytes.len();
            if !queue.has_room(bytes) || !self.lane.admit(bytes) {
                return Err(AppendError::QueueFull);
            }
            let answer = Answer::Thread(sender);
            queue.push(Waiting::Append(QueuedAppend { batch, origin, now, answer }));
        }
        receiver.recv().unwrap_or_else(|_| Err(self.why_gone()))
    }

    /// Empties the queue, or hands it on.
    pub(super) fn drain(self: &Arc<Self>, writing: Box<Writing>, place: Place) {
        let mut groups = 0;
        let mut writing = Some(writing);
        loop {
            let next = self.queue.lock().next(&mut writing, place, groups, self.lane.is_slow());
            match next {
                Next::Done => return,
                Next::HandOver(writing) => return self.lane.hand_over(self.clone(), writing),
                Next::Group => {
                    let held = writing.as_mut().expect("kept with a group");
                    if !self.write_group(held) {
                        return;
                    }
                    groups += 1;
                }
                Next::Job(job) => {
                    let held = writing.as_mut().expect("kept with a job");
                    if self.guarded(held, |_, writing| job(&mut writing.log)).is_none() {
                        return;
                    }
                    if held.log.is_none() {
                        return self.close_queue();
                    }
                }
            }
        }
    }

    /// Writes the group that was taken from the queue and answers. False if the writer panicked.
    fn write_group(self: &Arc<Self>, writing: &mut Box<Writing>) -> bool {
        let mut group = std::mem::take(&mut writing.group);
        let bytes = group.iter().map(|append| append.batch.bytes.len()).sum();
        let is_leader = self.leadership.load().is_leader;
        let written = self.guarded(writing, |partition, writing| {
            if !is_leader {
                return Err(AppendError::NotLeader);
            }
            // The newest time of the group counts, for rolls and for flush timers.
            let now = group.last().map_or(Now::default(), |append| append.now);
            let batches: SmallVec<[AppendBatch<'_>; 16]> =
                group.iter().map(|append| AppendBatch { batch: &append.batch, origin: append.origin }).collect();
            partition.write(writing, &batches, now).map_err(AppendError::from)
        });
        self.lane.release(bytes);
        let (failure, survived) = match written {
            Some(Ok(())) => (None, true),
            Some(Err(error)) => (Some(error), true),
            None => (Some(AppendError::Storage("the partition's writer panicked".to_owned())), false),
        };
        let mut outcomes = writing.outcomes.drain(..);
        for append in group.drain(..) {
            let outcome = match (outcomes.next(), &failure) {
                (Some(outcome), _) => outcome.map_err(AppendError::from),
                (None, Some(failure)) => Err(failure.clone()),
                (None, None) => unreachable!("the log answers for each batch"),
            };
            append.answer.give(outcome);
        }
        drop(outcomes);
        writing.group = group;
        survived
    }

    /// Appends to the log and publishes what came of it. The outcomes of the batches stand in `writing`; on an error
    /// there may be fewer than batches.
    fn write(self: &Arc<Self>, writing: &mut Writing, batches: &[AppendBatch<'_>], now: Now) -> Result<(), LogError> {
        let Writing { log, outcomes, .. } = writing;
        outcomes.clear();
        let log = log.as_mut().ok_or(LogError::Closed)?;
        let leader_epoch = self.leadership.load().leader_epoch;
        let before = log.log_end_offset();
        let result = {
            let _running = self.lane.begin_write();
            log.append_as_leader(batches, leader_epoch, now, outcomes)
        };
        if log.log_end_offset() != before {
            let fresh =
                batches.iter().zip(&*outcomes).filter(|(_, outcome)| matches!(outcome, Ok(new) if !new.duplicate));
            let bytes = fresh.map(|(batch, _)| batch.batch.bytes.len() as u64).sum();
            self.appended(log, bytes, now)?;
        }
        if result.is_err() {
            self.lane.note_failure();
        }
        result
    }

    /// Publishes an append: high watermark, last stable offset, orders for the flusher, waiters.
    fn appended(self: &Arc<Self>, log: &mut Log, bytes: u64, now: Now) -> Result<(), LogError> {
        self.progress.lock().appended(log.log_end_offset(), bytes);
        let news = self.advance();
        if self.reader.first_unstable_offset() != ALL_STABLE {
            log.note_high_watermark(self.high_watermark())?;
            self.tell(self.news());
        } else if let Some(news) = news {
            self.tell(news);
        }
        self.lane.appended(bytes);
        let rules = self.rules.load();
        if rules.log.cleanup.compact {
            self.tell_cleaner(now);
        }
        if rules.flush_before_ack {
            self.flush_soon();
        } else if rules.flushes_early() {
            self.flush_early(rules.log.flush_ms, now);
        }
        Ok(())
    }

    /// Runs `work` so that a panic takes only this partition offline. `None` after one.
    fn guarded<T>(
        self: &Arc<Self>,
        writing: &mut Box<Writing>,
        work: impl FnOnce(&Arc<Self>, &mut Writing) -> T,
    ) -> Option<T> {
        match catch_unwind(AssertUnwindSafe(|| work(self, writing))) {
            Ok(done) => Some(done),
            Err(_) => {
                tracing::error!(partition = %self.name(), "the writer panicked: the partition goes offline");
                self.failed.store(true, Ordering::Release);
                writing.outcomes.clear();
                self.close_queue();
                None
            }
        }
    }

    /// Gives the seat up for good, answers what waits and wakes who watches.
    fn close_queue(&self) {
        let waiting = self.queue.lock().close();
        for waiting in waiting {
            // A job's waiter hears of it by its sender being dropped.
            if let Waiting::Append(append) = waiting {
                self.lane.release(append.batch.bytes.len());
                append.answer.give(Err(self.why_gone()));
            }
        }
        self.watchers.disturbed();
    }

    /// Brings the high watermark up to date; what changed, if it moved.
    pub(super) fn advance(&self) -> Option<News> {
        let mut progress = self.progress.lock();
        let leadership = self.leadership.load();
        let rules = self.rules.load();
        let own_offset = match rules.flush_before_ack {
            true => self.reader.flushed_offset(),
            false => self.reader.log_end_offset(),
        };
        let reached = progress.replicated_to(&leadership, self.node_id, own_offset, rules.min_insync_replicas)?;
        if reached <= progress.high_watermark {
            return None;
        }
        progress.high_watermark = reached;
        self.high_watermark.store(reached, Ordering::Release);
        Some(self.news_of(&mut progress))
    }

    fn news_of(&self, progress: &mut super::leadership::Progress) -> News {
        let high_watermark = progress.high_watermark;
        let stable = self.reader.stable_below(high_watermark);
        let news =
            News { high_watermark, bytes: progress.bytes_at(high_watermark), stable_bytes: progress.bytes_at(stable) };
        progress.pass(stable);
        news
    }

    /// What a watcher may see now.
    pub(super) fn news(&self) -> News {
        self.news_of(&mut self.progress.lock())
    }

    /// Wakes who waits for what `news` says.
    pub(super) fn tell(&self, news: News) {
        self.watchers.advanced(&news, || self.reader.segment_count().unwrap_or(0));
    }
}
