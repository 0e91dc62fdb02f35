//! Where the driver's writes go: to the write-ahead thread, or, where there are no threads, to the store at once.

use super::settings;
use super::store::wal::{self, Group, WalReport, WalSender, WalWrite};
use crate::kv::{KvError, SharedKv};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::mpsc;

/// Room for the writes of one event beyond [`settings::MAX_WRITES_IN_FLIGHT`].
const WRITES_SLACK: usize = 256;
/// Writes that may be under way.
const CAPACITY: usize = settings::MAX_WRITES_IN_FLIGHT + WRITES_SLACK;

/// Takes writes; what came of them is told on the channel that came with it. Dropping it waits for the writes that are
/// under way: nothing may be written to the store once the driver is gone, for somebody may open it again.
pub(super) enum Writer {
    /// One OS thread.
    Thread {
        /// `None` once it is told to end.
        writes: Option<WalSender>,
        thread: Option<JoinHandle<()>>,
        /// Tells the thread not to wait for space any more.
        ending: Arc<AtomicBool>,
    },
    /// The caller of [`Writer::send`].
    Inline(Inline),
}

/// Writes within the call, for a world of one thread.
pub(super) struct Inline {
    kv: SharedKv,
    /// Not written yet, since the disk is full. At most [`CAPACITY`].
    waiting: VecDeque<Group>,
    /// `None` once nothing more is written.
    report: Option<mpsc::Sender<WalReport>>,
}

impl Writer {
    /// Starts the thread, if there are to be threads.
    ///
    /// # Errors
    /// The system has no room for a thread.
    pub(super) fn start(kv: SharedKv, threads: bool) -> std::io::Result<(Self, mpsc::Receiver<WalReport>)> {
        let (report, reports) = mpsc::channel(CAPACITY);
        if !threads {
            return Ok((Self::Inline(Inline { kv, waiting: VecDeque::new(), report: Some(report) }), reports));
        }
        let (writes, writes_in) = sync_channel(CAPACITY);
        let ending = Arc::new(AtomicBool::new(false));
        let stopping = ending.clone();
        let thread = std::thread::Builder::new().name("quorum-wal".into()).spawn(move || {
            let stopping = || stopping.load(Ordering::Relaxed);
            wal::run(&kv, &writes_in, stopping, |said| {
                // The driver has gone; nobody needs to know any more.
                let _ = report.blocking_send(said);
            });
        })?;
        Ok((Self::Thread { writes: Some(writes), thread: Some(thread), ending }, reports))
    }

    /// Hands a write over, in order.
    ///
    /// # Errors
    /// The reason why no more writes are taken.
    pub(super) fn send(&mut self, write: WalWrite) -> Result<(), String> {
        match self {
            Self::Thread { writes, .. } => {
                let writes = writes.as_ref().expect("the thread is told to end only after the last event");
                writes.try_send(write).map_err(|error| error.to_string())
            }
            Self::Inline(inline) => {
                if inline.waiting.len() >= CAPACITY {
                    return Err("too many writes wait for space".to_owned());
                }
                inline.waiting.extend(Group::of(vec![write]));
                inline.write();
                Ok(())
            }
        }
    }

    /// Time has passed: what waited for space is tried again.
    pub(super) fn tick(&mut self) {
        if let Self::Inline(inline) = self {
            inline.write();
        }
    }

    /// Takes no more writes, and waits for space no longer. The channel ends once what was taken is written.
    pub(super) fn end(&mut self) {
        match self {
            Self::Thread { writes, ending, .. } => {
                ending.store(true, Ordering::Relaxed);
                *writes = None;
            }
            Self::Inline(inline) => inline.report = None,
        }
    }

    /// Waits for the thread. The receiver of the reports must be closed or gone.
    pub(super) fn join(&mut self) {
        self.end();
        if let Self::Thread { thread, .. } = self {
            if let Some(thread) = thread.take() {
                let _ = thread.join();
            }
        }
    }
}

impl Inline {
    fn write(&mut self) {
        let Some(report) = &self.report else { return };
        while let Some(group) = self.waiting.front() {
            let said = match group.write_to(&*self.kv) {
                Ok(()) => WalReport::Written(group.last()),
                Err(KvError::Full(_)) => return,
                Err(error) => WalReport::Failed(error),
            };
            let failed = matches!(said, WalReport::Failed(_));
            self.waiting.pop_front();
            // There is room for every write that may be under way; the driver may have gone.
            let _ = report.try_send(said);
            if failed {
                self.report = None;
                return;
            }
        }
    }
}
