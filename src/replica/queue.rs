//! The append queue of a partition: one writer at a time, and nobody waits for it on a lock.
//!
//! The log lies on a seat. Who finds it there takes it away and writes; who does not leaves a batch, or a job that needs
//! the log, in the queue. Whoever puts the log back first looks at the queue, so that nothing stays behind. Who has more
//! batches at hand than one may leave them in the queue of a free seat, and must come back to write them (`burst.rs`).

use super::error::AppendError;
use crate::clock::Now;
use crate::log::{AppendOrigin, AppendRefused, Appended, Log};
use crate::record::validate::ValidBatch;
use std::collections::VecDeque;
use std::sync::mpsc::SyncSender;
use tokio::sync::oneshot;

/// Most batches that one vectored write takes from the queue.
pub(super) const MAX_GROUP_BATCHES: usize = 256;
/// Bytes at which a vectored write takes no further batch from the queue.
pub(super) const MAX_GROUP_BYTES: usize = 1 << 20;
/// Bytes that wait in one partition's queue, at most; beyond, appends are refused.
pub(super) const MAX_QUEUE_BYTES: usize = 64 << 20;
/// Groups that a thread writes for others before the directory's I/O thread takes over, or takes another partition.
pub(super) const MAX_GROUPS_IN_A_ROW: usize = 16;

/// What came of an append.
pub(super) type Outcome = Result<Appended, AppendError>;

/// Who waits for an append's outcome.
pub(super) enum Answer {
    /// A task. It may have gone.
    Task(oneshot::Sender<Outcome>),
    /// A thread.
    Thread(SyncSender<Outcome>),
}

impl Answer {
    pub fn give(self, outcome: Outcome) {
        // Who has stopped waiting does not hear it.
        match self {
            Self::Task(sender) => drop(sender.send(outcome)),
            Self::Thread(sender) => drop(sender.send(outcome)),
        }
    }
}

/// A batch that waits for the writer.
pub(super) struct QueuedAppend {
    pub batch: ValidBatch,
    pub origin: AppendOrigin,
    pub now: Now,
    pub answer: Answer,
}

/// Something else to be done with the log. It leaves `None` if the log is closed or deleted.
pub(super) type Job = Box<dyn FnOnce(&mut Option<Log>) + Send>;

pub(super) enum Waiting {
    Append(QueuedAppend),
    Job(Job),
}

/// The log and the memory that writing it reuses.
pub(super) struct Writing {
    pub log: Option<Log>,
    pub outcomes: Vec<Result<Appended, AppendRefused>>,
    pub group: Vec<QueuedAppend>,
}

impl Writing {
    pub fn new(log: Log) -> Box<Self> {
        Box::new(Self { log: Some(log), outcomes: Vec::new(), group: Vec::new() })
    }
}

pub(super) enum Seat {
    /// Nobody writes, and nothing waits.
    Free(Box<Writing>),
    /// Somebody writes.
    Taken,
    /// The log was closed or deleted, or a writer panicked.
    Gone,
}

/// On which thread the queue is emptied.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A caller's. It takes no jobs, since they may sync files.
    Caller,
    /// One that may wait, and has other things to do as well.
    Background,
    /// One that may wait, and behind which nobody takes over.
    Last,
}

/// What the writer does next.
pub(super) enum Next {
    /// The group was taken out of the queue.
    Group,
    Job(Job),
    /// Go on in the background.
    HandOver(Box<Writing>),
    /// The log is back on its seat.
    Done,
}

/// What a partition's queue lock guards: never held across I/O.
pub(super) struct Queue {
    pub seat: Seat,
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
}

impl Queue {
    pub fn new(log: Log) -> Self {
        Self { seat: Seat::Free(Writing::new(log)), waiting: VecDeque::new(), waiting_bytes: 0 }
    }

    /// The log, if nobody writes. Who takes it empties the queue before giving it back.
    pub fn take_seat(&mut self) -> Option<Box<Writing>> {
        match std::mem::replace(&mut self.seat, Seat::Taken) {
            Seat::Free(writing) => Some(writing),
            taken => {
                self.seat = taken;
                None
            }
        }
    }

    /// Whether nothing waits. Something may although nobody writes: left by who writes in a moment, see `burst.rs`.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether a batch of `bytes` may wait: one batch always may.
    pub fn has_room(&self, bytes: usize) -> bool {
        self.waiting_bytes == 0 || self.waiting_bytes.saturating_add(bytes) <= MAX_QUEUE_BYTES
    }

    pub fn push(&mut self, waiting: Waiting) {
        if let Waiting::Append(append) = &waiting {
            self.waiting_bytes += append.batch.bytes.len();
        }
        self.waiting.push_back(waiting);
    }

    /// Takes the next work for a writer at `place` that has written `groups` already; puts the log back where there is
    /// none. Bytes of the group are taken off the queue.
    pub fn next(&mut self, writing: &mut Option<Box<Writing>>, place: Place, groups: usize, slow: bool) -> Next {
        let mut held = writing.take().expect("a writer holds the log");
        match self.waiting.front() {
            None => {
                self.seat = Seat::Free(held);
                return Next::Done;
            }
            Some(front) => {
                let enough = groups >= MAX_GROUPS_IN_A_ROW;
                let hand_over = match place {
                    Place::Caller => enough || slow || matches!(front, Waiting::Job(_)),
                    Place::Background => enough,
                    Place::Last => false,
                };
                if hand_over {
                    return Next::HandOver(held);
                }
            }
        }
        let mut bytes = 0;
        let mut job = None;
        while held.group.len() < MAX_GROUP_BATCHES && bytes < MAX_GROUP_BYTES {
            match self.waiting.pop_front() {
                Some(Waiting::Append(append)) => {
                    bytes += append.batch.bytes.len();
                    held.group.push(append);
                }
                Some(Waiting::Job(next)) if held.group.is_empty() => {
                    job = Some(next);
                    break;
                }
                Some(next) => {
                    self.waiting.push_front(next);
                    break;
                }
                None => break,
            }
        }
        self.waiting_bytes -= bytes;
        *writing = Some(held);
        job.map_or(Next::Group, Next::Job)
    }

    /// Gives the seat up for good; what waited is returned.
    pub fn close(&mut self) -> VecDeque<Waiting> {
        self.seat = Seat::Gone;
        self.waiting_bytes = 0;
        std::mem::take(&mut self.waiting)
    }
}
