//! One connection: reads frames, starts requests strictly in order, writes answers strictly in order.
//!
//! One task does it all. It sleeps until the socket, an awaited answer or a timer wakes it, handles every whole frame at
//! hand, and then writes all that has become ready at once.

use super::answers::{Answers, Started};
use super::input::{Frame, FrameMemory, Input};
use super::net::ByteStream;
use super::settings::{Settings, LARGE_FRAME_CHECK_MS, LARGE_FRAME_PROGRESS_BYTES};
use super::stream::Writer;
use crate::api::reply::{ConnectionContext, Dispatch, Reply};
use crate::clock::Clock;
use crate::telemetry::Metrics;
use crate::wire::frame::FrameError;
use crate::wire::{versions, Buffers};
use std::future::{poll_fn, Future};
use std::io;
use std::pin::{pin, Pin};
use std::sync::Arc;
use std::task::{ready, Context, Poll};
use std::time::Duration;
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;

/// What all connections of a node share.
pub(super) struct Shared<D> {
    pub(super) dispatch: Arc<D>,
    pub(super) settings: Settings,
    pub(super) buffers: Buffers,
    pub(super) frame_memory: FrameMemory,
    pub(super) metrics: Arc<Metrics>,
    pub(super) clock: Arc<dyn Clock>,
    /// No request is started any more; what is due is still answered.
    pub(super) drain: CancellationToken,
}

/// Why a connection has ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// The client closed it.
    ByClient,
    /// The node is stopping, and nothing was due any more.
    Drained,
    /// Nothing came or went for `connections.max.idle.ms` (A13).
    Idle,
    /// What came cannot be served, or a handler asked for it.
    Refused(String),
    /// The socket or a segment file failed.
    Broken(io::Error),
}

/// What a sleeping connection woke for.
enum Event {
    /// There may be something to start.
    Continue,
    Ended(Ended),
}

pub(super) struct Connection<D, S> {
    shared: Arc<Shared<D>>,
    context: ConnectionContext,
    stream: S,
    input: Input,
    answers: Answers,
    writer: Writer,
    /// Requests that must not overlap with others are being answered.
    exclusive: bool,
    /// Sent bytes that the metrics know of.
    counted_bytes: u64,
    idle: Idle,
    /// The client did more than its quotas allow: until then nothing of it is read (Q2).
    muted: Option<Pin<Box<Sleep>>>,
}

/// Notices that nothing happens. The timer is set anew only when it fires, not with each request.
struct Idle {
    timer: Pin<Box<Sleep>>,
    /// `mono_ms` when bytes last came or went.
    active_ms: i64,
    /// Bytes of a large frame when it was last looked at.
    large_frame_bytes: Option<usize>,
    /// The writer's count when it was last looked at.
    sent_bytes: u64,
}

impl<D: Dispatch, S: ByteStream> Connection<D, S> {
    /// In memory of its own, so that the task, which moves it about, is small.
    pub(super) fn new(shared: Arc<Shared<D>>, context: ConnectionContext, stream: S) -> Box<Self> {
        let settings = &shared.settings;
        let input = Input::new(shared.buffers.clone(), shared.frame_memory.clone(), settings.socket_request_max_bytes);
        let idle = Idle {
            timer: Box::pin(tokio::time::sleep(Duration::from_millis(settings.connections_max_idle_ms))),
            active_ms: shared.clock.now().mono_ms,
            large_frame_bytes: None,
            sent_bytes: 0,
        };
        let writer = Writer::new(shared.buffers.clone());
        Box::new(Self {
            shared,
            context,
            stream,
            input,
            answers: Answers::default(),
            writer,
            exclusive: false,
            counted_bytes: 0,
            idle,
            muted: None,
        })
    }

    /// Serves the connection to its end.
    pub(super) async fn run(mut self: Box<Self>) -> Ended {
        let drain = self.shared.drain.clone();
        let mut draining = pin!(drain.cancelled());
        loop {
            if let Err(error) = self.start_requests().await {
                return Ended::Broken(error);
            }
            let event = poll_fn(|cx| self.poll_event(cx, draining.as_mut())).await;
            if let Event::Ended(ended) = event {
                return ended;
            }
        }
    }

    /// Starts every request at hand that may start, and has written what they leave to each other.
    async fn start_requests(&mut self) -> io::Result<()> {
        let started = self.start_each().await;
        self.context.burst.write();
        started
    }

    async fn start_each(&mut self) -> io::Result<()> {
        while let Some(api_key) = self.may_start() {
            let frame = match self.input.take() {
                Ok(Some(frame)) => frame,
                Ok(None) => return Ok(()),
                Err(error) => {
                    self.refuse(error);
                    return Ok(());
                }
            };
            self.exclusive = !self.shared.dispatch.overlaps(api_key);
            let more = api_key == versions::PRODUCE && matches!(self.input.next_api_key(), Ok(Some(versions::PRODUCE)));
            self.context.burst.expect_more(more);
            self.start(api_key, frame).await?;
            if !more {
                // Before a request that may take its time.
                self.context.burst.write();
            }
        }
        Ok(())
    }

    /// The API of the request at hand, if it may be started now.
    fn may_start(&mut self) -> Option<i16> {
        let stopped = self.answers.closing().is_some() || self.answers.is_full() || self.muted.is_some();
        if stopped || self.shared.drain.is_cancelled() {
            return None;
        }
        let api_key = match self.input.next_api_key() {
            Ok(key) => key?,
            Err(error) => {
                self.refuse(error);
                return None;
            }
        };
        let alone = self.answers.awaited() == 0;
        let overlaps = || !self.exclusive && self.shared.dispatch.overlaps(api_key);
        (alone || overlaps()).then_some(api_key)
    }

    fn refuse(&mut self, error: FrameError) {
        self.answers.close(error.to_string());
    }

    /// Runs stage one of a request. While it waits, answers due before it are awaited and written.
    async fn start(&mut self, api_key: i16, frame: Frame) -> io::Result<()> {
        let Self { shared, context, stream, answers, writer, .. } = self;
        let api = versions::lookup(api_key).map_or("Unknown", |api| api.name);
        let mut started = Started { api, at: shared.clock.elapsed(), permit: frame.permit };
        let reply = {
            let mut stage_one = pin!(shared.dispatch.dispatch(context, frame.bytes));
            poll_fn(|cx| {
                if let Poll::Ready(reply) = stage_one.as_mut().poll(cx) {
                    return Poll::Ready(Ok(reply));
                }
                answers.poll_awaited(cx, || shared.clock.elapsed(), &shared.metrics);
                match writer.poll_write(stream, answers, cx) {
                    Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                    _ => Poll::Pending,
                }
            })
            .await?
        };
        if let Reply::Close(why) = &reply {
            tracing::debug!("connection {}: {api} ends it: {why}", context.id);
        }
        if matches!(reply, Reply::Later(_)) && api_key != versions::PRODUCE {
            // Only a Produce's frame is still needed. The others may wait for as long as their clients please, and would
            // keep every large frame of the node waiting.
            started.permit = None;
        }
        answers.push(reply, started, || shared.clock.elapsed(), &shared.metrics);
        self.mute();
        Ok(())
    }

    /// Begins to wait, if an answer has come to say so. A wait that is longer already goes on.
    fn mute(&mut self) {
        let throttle_ms = self.answers.take_throttle_ms();
        if throttle_ms == 0 {
            return;
        }
        let sleep = tokio::time::sleep(Duration::from_millis(throttle_ms.into()));
        match &mut self.muted {
            Some(muted) if muted.deadline() >= sleep.deadline() => {}
            Some(muted) => muted.as_mut().reset(sleep.deadline()),
            None => self.muted = Some(Box::pin(sleep)),
        }
    }

    /// Moves everything on that can move. Ready when a request may be started, or at the end.
    fn poll_event(&mut self, cx: &mut Context<'_>, draining: Pin<&mut impl Future<Output = ()>>) -> Poll<Event> {
        let ended = |ended| Poll::Ready(Event::Ended(ended));
        let Self { shared, stream, answers, writer, counted_bytes, .. } = self;
        answers.poll_awaited(cx, || shared.clock.elapsed(), &shared.metrics);
        let written = writer.poll_write(stream, answers, cx);
        shared.metrics.sent_bytes.inc_by(writer.sent_bytes() - *counted_bytes);
        *counted_bytes = writer.sent_bytes();
        if let Poll::Ready(Err(error)) = written {
            return ended(Ended::Broken(error));
        }
        self.mute();
        if self.muted.as_mut().is_some_and(|muted| muted.as_mut().poll(cx).is_ready()) {
            self.muted = None;
        }
        if self.answers.is_empty() {
            if let Some(why) = self.answers.closing() {
                return ended(Ended::Refused(why.to_owned()));
            }
        }
        if draining.poll(cx).is_ready() {
            if self.answers.is_empty() {
                return ended(Ended::Drained);
            }
            return Poll::Pending;
        }
        if self.may_start().is_some() {
            return Poll::Ready(Event::Continue);
        }
        if let Poll::Ready(Some(event)) = self.poll_read(cx) {
            return Poll::Ready(event);
        }
        match self.poll_idle(cx) {
            Poll::Ready(reason) => ended(reason),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Reads, unless what has been read waits to be started.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let stopped = self.answers.closing().is_some() || self.answers.is_full() || self.muted.is_some();
        if stopped || !matches!(self.input.next_api_key(), Ok(None)) {
            return Poll::Ready(None);
        }
        let event = match ready!(self.input.poll_fill(&mut self.stream, cx)) {
            Ok(Ok(0)) => Event::Ended(Ended::ByClient),
            Ok(Ok(count)) => {
                self.shared.metrics.received_bytes.inc_by(count as u64);
                self.idle.active_ms = self.shared.clock.now().mono_ms;
                self.watch_large_frame();
                Event::Continue
            }
            Ok(Err(error)) => {
                self.refuse(error);
                Event::Continue
            }
            Err(error) => Event::Ended(Ended::Broken(error)),
        };
        Poll::Ready(Some(event))
    }

    /// Brings the timer forward when a large frame begins to arrive.
    fn watch_large_frame(&mut self) {
        match (self.input.large_frame_bytes(), self.idle.large_frame_bytes) {
            (Some(bytes), None) => {
                self.idle.large_frame_bytes = Some(bytes);
                self.set_timer(LARGE_FRAME_CHECK_MS);
            }
            (None, Some(_)) => self.idle.large_frame_bytes = None,
            _ => {}
        }
    }

    fn set_timer(&mut self, after_ms: u64) {
        self.idle.timer.set(tokio::time::sleep(Duration::from_millis(after_ms)));
    }

    /// Ready when the connection has been idle for too long, or a large frame has stalled.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        loop {
            ready!(self.idle.timer.as_mut().poll(cx));
            if let (Some(bytes), Some(before)) = (self.input.large_frame_bytes(), self.idle.large_frame_bytes) {
                if bytes < before.saturating_add(LARGE_FRAME_PROGRESS_BYTES) {
                    return Poll::Ready(Ended::Refused(format!("a large frame stalls at {bytes} bytes")));
                }
                self.idle.large_frame_bytes = Some(bytes);
                self.set_timer(LARGE_FRAME_CHECK_MS);
                continue;
            }
            let now_ms = self.shared.clock.now().mono_ms;
            if self.muted.is_some() || self.answers.awaited() > 0 || self.writer.sent_bytes() != self.idle.sent_bytes {
                // Waiting for an answer is not idleness, and neither is taking one, nor being muted.
                self.idle.sent_bytes = self.writer.sent_bytes();
                self.idle.active_ms = now_ms;
            }
            let idle_ms = u64::try_from(now_ms - self.idle.active_ms).unwrap_or(0);
            let limit_ms = self.shared.settings.connections_max_idle_ms;
            if idle_ms >= limit_ms {
                return Poll::Ready(Ended::Idle);
            }
            self.set_timer(limit_ms - idle_ms);
        }
    }
}
