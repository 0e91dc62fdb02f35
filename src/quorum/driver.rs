//! The one task that drives a member of the quorum: it turns what happens into events of the [`Core`] and carries out what the
//! core wants.
//!
//! **Where it ends.** If the core cannot go on, or if it panics (raft panics when its invariants are broken), the [`FatalHook`] is
//! called with the reason and the task ends. The hook must end the process: a member that has lost its footing must not vote or
//! answer. Nothing else in the process sees the panic.

use super::core::{Core, Event, Fatal, Outputs, Ticket};
use super::handle::{Channels, Question, Submission, SubmitError};
use super::machine::StateMachine;
use super::observer::PullError;
use super::store::wal::WalReport;
use super::transport::{self, Inbound, Mailbox, Transport};
use super::writer::Writer;
use crate::clock::Clock;
use crate::kv::SharedKv;
use futures_util::FutureExt as _;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;

/// Ends the process, telling why. May return in a test; the member stays dead.
pub type FatalHook = Arc<dyn Fn(&str) + Send + Sync>;

/// Why the driver ended early.
enum Broken {
    Fatal(Fatal),
    Wal(String),
}

impl From<Fatal> for Broken {
    fn from(fatal: Fatal) -> Self {
        Self::Fatal(fatal)
    }
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fatal(fatal) => fatal.fmt(f),
            Self::Wal(reason) => write!(f, "the metadata quorum's log cannot be written: {reason}"),
        }
    }
}

type Answer<M> = oneshot::Sender<Result<<M as StateMachine>::Response, SubmitError>>;

pub(super) struct Driver<M: StateMachine> {
    core: Core<M>,
    channels: Channels<M>,
    mailbox: Mailbox,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    tick_ms: u64,
    writer: Writer,
    reports: mpsc::Receiver<WalReport>,
    waiting: BTreeMap<Ticket, Answer<M>>,
    next_ticket: Ticket,
    /// Who asked for the end and waits for it.
    stopping: Option<oneshot::Sender<()>>,
}

/// What the driver is built from.
pub(super) struct Parts<M: StateMachine> {
    pub(super) core: Core<M>,
    pub(super) channels: Channels<M>,
    pub(super) mailbox: Mailbox,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tick_ms: u64,
}

impl<M: StateMachine> Driver<M> {
    /// Starts the write-ahead thread, if there are to be `threads`. The driver itself runs when [`run`](Self::run) is
    /// polled.
    pub(super) fn new(parts: Parts<M>, kv: SharedKv, threads: bool) -> std::io::Result<Self> {
        let (writer, reports) = Writer::start(kv, threads)?;
        Ok(Self {
            core: parts.core,
            channels: parts.channels,
            mailbox: parts.mailbox,
            transport: parts.transport,
            clock: parts.clock,
            tick_ms: parts.tick_ms,
            writer,
            reports,
            waiting: BTreeMap::new(),
            next_ticket: 0,
            stopping: None,
        })
    }

    /// Drives until stopped, until every handle is dropped, or until the core cannot go on.
    pub(super) async fn run(mut self, fatal: FatalHook) {
        let ended = AssertUnwindSafe(self.drive()).catch_unwind().await;
        let reason = match ended {
            Ok(Ok(())) => {
                self.finish_writes().await;
                if let Some(stopping) = self.stopping.take() {
                    // Whoever asked may have stopped waiting.
                    let _ = stopping.send(());
                }
                return;
            }
            Ok(Err(broken)) => broken.to_string(),
            Err(panic) => format!("the metadata quorum panicked: {}", panic_message(&*panic)),
        };
        tracing::error!("{reason}");
        fatal(&reason);
    }

    async fn drive(&mut self) -> Result<(), Broken> {
        let mut out = Outputs::default();
        self.core.start(self.clock.now(), &mut out)?;
        self.carry_out(out)?;
        let mut ticks = tokio::time::interval(Duration::from_millis(self.tick_ms));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        ticks.tick().await;
        let mut peers_gone = false;
        loop {
            let hears = self.core.keeps_up() && !peers_gone;
            let accepts = self.core.accepts_submissions();
            let event = tokio::select! {
                biased;
                report = self.reports.recv() => match report {
                    Some(WalReport::Written(number)) => Event::Written(number),
                    Some(WalReport::Failed(error)) => return Err(Broken::Wal(error.to_string())),
                    None => return Err(Broken::Wal("the write-ahead thread has died".into())),
                },
                _ = ticks.tick() => {
                    self.writer.tick();
                    Event::Tick
                }
                inbound = self.mailbox.receiver.recv(), if hears => match inbound {
                    Some(Inbound::Message(message)) => Event::Peer(message),
                    Some(Inbound::Unreachable(raft_id)) => Event::Unreachable(raft_id),
                    Some(Inbound::SnapshotSent(raft_id, arrived)) => Event::SnapshotSent(raft_id, arrived),
                    None => {
                        peers_gone = true;
                        continue;
                    }
                },
                question = self.channels.questions.recv() => match question {
                    Some(question) => {
                        self.answer(question);
                        if self.stopping.is_some() {
                            return Ok(());
                        }
                        continue;
                    }
                    None => return Ok(()),
                },
                submission = self.channels.submissions.recv(), if accepts => match submission {
                    Some(submission) => self.ticket(submission),
                    None => return Ok(()),
                },
            };
            let mut out = Outputs::default();
            self.core.step(self.clock.now(), event, &mut out)?;
            self.carry_out(out)?;
        }
    }

    fn ticket(&mut self, submission: Submission<M>) -> Event<M::Request> {
        let Submission { request, answer, room } = submission;
        drop(room);
        self.next_ticket += 1;
        self.waiting.insert(self.next_ticket, answer);
        Event::Submit(self.next_ticket, request)
    }

    fn carry_out(&mut self, out: Outputs<M::Response>) -> Result<(), Broken> {
        for message in &out.messages {
            self.transport.send(transport::encode(message));
        }
        for write in out.writes {
            self.writer.send(write).map_err(Broken::Wal)?;
        }
        for (ticket, answer) in out.answers {
            // Whoever asked may have stopped waiting.
            let _ = self.waiting.remove(&ticket).map(|waiting| waiting.send(answer));
        }
        if let Some(view) = out.view {
            self.channels.view.send_replace(view);
        }
        Ok(())
    }

    fn answer(&mut self, question: Question) {
        match question {
            Question::Status(answer) => {
                let _ = answer.send(self.core.status(self.clock.now()));
            }
            Question::Pull { observer, applied_index, max_bytes, answer } => {
                self.core.observed(self.clock.now(), observer, applied_index);
                let pulled = self.core.pull(applied_index.saturating_add(1), max_bytes);
                let _ = answer.send(pulled.map_err(|error| PullError(error.to_string())));
            }
            Question::Observed { observer, applied_index } => {
                self.core.observed(self.clock.now(), observer, applied_index);
            }
            Question::Stop(stopped) => {
                self.stopping = Some(stopped);
            }
        }
    }

    /// Lets the write-ahead thread finish what it has.
    async fn finish_writes(&mut self) {
        self.writer.end();
        while self.reports.recv().await.is_some() {}
    }
}

impl<M: StateMachine> Drop for Driver<M> {
    /// Also when the task is cancelled, nothing may be written to the store once the driver is gone: somebody may open it again.
    /// Waits for at most what the write-ahead thread already has.
    fn drop(&mut self) {
        self.reports.close();
        self.writer.join();
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}
