//! The answers that a connection owes, in the order of its requests.

use super::input::HeldPermit;
use super::settings::{PENDING_ANSWER_BYTES, PENDING_REQUESTS};
use crate::api::reply::{Later, Reply};
use crate::telemetry::Metrics;
use crate::wire::Response;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// What a request leaves behind until it is answered: for the metrics, and to hold its share of the frame memory.
pub(super) struct Started {
    /// Kafka's name of the API.
    pub(super) api: &'static str,
    /// The clock's reading when the frame was whole.
    pub(super) at: Duration,
    pub(super) permit: Option<HeldPermit>,
}

enum Slot {
    Ready(Response),
    Awaited {
        answer: Later,
        started: Started,
    },
    /// No answer after all; dropped when its turn comes.
    Nothing,
}

/// A queue of answers, written from the front as far as they are ready.
#[derive(Default)]
pub(super) struct Answers {
    slots: VecDeque<Slot>,
    awaited: usize,
    /// Bytes in memory of the answers that are ready.
    memory_bytes: u64,
    /// Answers taken from the front since the connection began: a slot's number is this plus its place in the queue.
    finished: u64,
    /// Why nothing more is answered once the queue is empty.
    closing: Option<String>,
    /// For how long the connection is to be muted, as the answers have come to say.
    throttle_ms: u32,
}

impl Answers {
    /// Adds what a request came to, behind all others. `elapsed` reads the clock.
    pub(super) fn push(&mut self, reply: Reply, started: Started, elapsed: impl Fn() -> Duration, metrics: &Metrics) {
        let reply = self.note_throttle(reply);
        if let Reply::Later(answer) = reply {
            self.awaited += 1;
            self.slots.push_back(Slot::Awaited { answer, started });
            return;
        }
        metrics.request(started.api, elapsed().saturating_sub(started.at), matches!(reply, Reply::Close(_)));
        match reply {
            Reply::Ready(response) => {
                self.memory_bytes += response.memory_bytes();
                self.slots.push_back(Slot::Ready(response));
            }
            Reply::Close(why) => self.close(why),
            Reply::None | Reply::Later(_) | Reply::Throttled(..) => {}
        }
    }

    /// Notes the throttling of a reply; what is within.
    fn note_throttle(&mut self, reply: Reply) -> Reply {
        match reply {
            Reply::Throttled(reply, throttle_ms) => {
                self.throttle_ms = self.throttle_ms.max(throttle_ms);
                *reply
            }
            reply => reply,
        }
    }

    /// For how long the connection is to be muted from now on, in milliseconds; asked for once.
    pub(super) fn take_throttle_ms(&mut self) -> u32 {
        std::mem::take(&mut self.throttle_ms)
    }

    /// Nothing more is started; what is due before is still answered.
    pub(super) fn close(&mut self, why: String) {
        self.closing.get_or_insert(why);
    }

    /// Why the connection is to be closed once nothing is due.
    pub(super) fn closing(&self) -> Option<&str> {
        self.closing.as_deref()
    }

    /// Polls every awaited answer, so that each makes progress whatever stands before it. `elapsed` reads the clock.
    pub(super) fn poll_awaited(&mut self, cx: &mut Context<'_>, elapsed: impl Fn() -> Duration, metrics: &Metrics) {
        let mut index = 0;
        let mut left = self.awaited;
        while left > 0 && index < self.slots.len() {
            let slot = &mut self.slots[index];
            index += 1;
            let Slot::Awaited { answer, started } = slot else { continue };
            left -= 1;
            let Poll::Ready(reply) = poll_to_the_end(answer, cx) else { continue };
            let reply = match reply {
                Reply::Throttled(reply, throttle_ms) => {
                    self.throttle_ms = self.throttle_ms.max(throttle_ms);
                    *reply
                }
                reply => reply,
            };
            metrics.request(started.api, elapsed().saturating_sub(started.at), matches!(reply, Reply::Close(_)));
            self.awaited -= 1;
            *slot = match reply {
                Reply::Ready(response) => {
                    self.memory_bytes += response.memory_bytes();
                    Slot::Ready(response)
                }
                Reply::Close(why) => {
                    // What stands behind is no longer due; an earlier reason to close came from behind, too.
                    self.closing = Some(why);
                    *slot = Slot::Nothing;
                    self.truncate(index);
                    return;
                }
                Reply::None | Reply::Later(_) | Reply::Throttled(..) => Slot::Nothing,
            };
        }
    }

    fn truncate(&mut self, length: usize) {
        for slot in self.slots.drain(length..) {
            match slot {
                Slot::Ready(response) => self.memory_bytes -= response.memory_bytes(),
                Slot::Awaited { .. } => self.awaited -= 1,
                Slot::Nothing => {}
            }
        }
    }

    /// How many answers are awaited.
    pub(super) fn awaited(&self) -> usize {
        self.awaited
    }

    /// Whether no further request may be started because of what waits.
    pub(super) fn is_full(&self) -> bool {
        self.slots.len() >= PENDING_REQUESTS || self.memory_bytes >= PENDING_ANSWER_BYTES
    }

    /// Whether nothing is owed.
    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The answers that can be written now, in order, each with its number.
    pub(super) fn ready(&self) -> impl Iterator<Item = (u64, &Response)> {
        self.slots
            .iter()
            .zip(self.finished..)
            .map_while(|(slot, number)| match slot {
                Slot::Ready(response) => Some(Some((number, response))),
                Slot::Nothing => Some(None),
                Slot::Awaited { .. } => None,
            })
            .flatten()
    }

    /// The answer to be written now, if it is ready.
    pub(super) fn front(&mut self) -> Option<(u64, &Response)> {
        while let Some(Slot::Nothing) = self.slots.front() {
            self.slots.pop_front();
            self.finished += 1;
        }
        match self.slots.front() {
            Some(Slot::Ready(response)) => Some((self.finished, response)),
            _ => None,
        }
    }

    /// The answer in front has been written.
    pub(super) fn finish_front(&mut self) {
        if let Some(Slot::Ready(response)) = self.slots.pop_front() {
            self.memory_bytes -= response.memory_bytes();
        }
        self.finished += 1;
    }
}

/// Polls an answer, and what it turns out to wait for.
fn poll_to_the_end(answer: &mut Later, cx: &mut Context<'_>) -> Poll<Reply> {
    loop {
        match Pin::new(&mut *answer).poll(cx) {
            Poll::Ready(Reply::Later(next)) => *answer = next,
            other => return other,
        }
    }
}
