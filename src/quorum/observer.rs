//! Observers: brokers that are no voters and follow the metadata by pulling what is committed, from any voter.
//!
//! They are not raft learners, so a broker that comes or goes changes no membership. The records fold through the same
//! [`StateMachine::apply`] as on a voter.

use super::machine::{MachineError, Position, StateMachine};
use crate::ids::NodeId;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// Records pulled at once.
const PULL_BYTES: u64 = 1 << 20;

/// A committed entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedEntry {
    /// Where it stands.
    pub at: Position,
    /// The records of each decision in it.
    pub records: Vec<Vec<u8>>,
}

/// What a voter gives to an observer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pull {
    /// The entries from where the observer is; none if it has them all.
    Entries {
        /// Consecutive.
        entries: Vec<CommittedEntry>,
        /// The last index that the voter has applied.
        high_watermark: u64,
    },
    /// The voter's log does not reach back to where the observer is.
    Snapshot {
        /// The last entry in the snapshot.
        at: Position,
        /// The machine's bytes.
        bytes: Vec<u8>,
        /// The last index that the voter has applied.
        high_watermark: u64,
    },
}

/// Why a pull gave nothing. The observer tries again, perhaps elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot pull metadata: {0}")]
pub struct PullError(pub String);

/// A voter, as an observer sees it.
pub trait CommittedSource: Send + Sync + 'static {
    /// What is committed after `applied_index`, which also tells the voter how far `observer` is; about `max_bytes`.
    fn pull<'a>(
        &'a self,
        observer: NodeId,
        applied_index: u64,
        max_bytes: u64,
    ) -> Pin<Box<dyn Future<Output = Result<Pull, PullError>> + Send + 'a>>;
}

/// A replica of the machine that only follows.
pub struct Observer<M: StateMachine> {
    machine: M,
    applied: Position,
}

impl<M: StateMachine> Observer<M> {
    /// Starts with nothing.
    pub fn new(machine: M) -> Self {
        Self { machine, applied: Position::default() }
    }

    /// The last applied entry.
    pub fn applied(&self) -> Position {
        self.applied
    }

    /// The replica.
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// Takes in what a voter gave. Returns whether anything was new.
    ///
    /// # Errors
    /// The records do not fit or leave a gap; nothing after the error is applied and the process should end.
    pub fn absorb(&mut self, pull: Pull) -> Result<bool, MachineError> {
        let before = self.applied;
        match pull {
            Pull::Snapshot { at, bytes, .. } if at.index > self.applied.index => {
                self.machine.restore(at, &bytes)?;
                self.applied = at;
            }
            Pull::Snapshot { .. } => {}
            Pull::Entries { entries, .. } => entries.into_iter().try_for_each(|entry| self.apply(entry))?,
        }
        let progressed = self.applied != before;
        if progressed {
            self.machine.publish();
        }
        Ok(progressed)
    }

    fn apply(&mut self, entry: CommittedEntry) -> Result<(), MachineError> {
        if entry.at.index <= self.applied.index {
            return Ok(());
        }
        if entry.at.index != self.applied.index + 1 || entry.at.term < self.applied.term {
            return Err(MachineError(format!("{:?} cannot follow {:?}", entry.at, self.applied)));
        }
        if entry.records.is_empty() {
            self.machine.apply(entry.at, &[])?;
        }
        entry.records.iter().try_for_each(|records| self.machine.apply(entry.at, records))?;
        self.applied = entry.at;
        Ok(())
    }
}

/// Follows `source` for ever: pulls at once while there is more, else every `poll_ms`. Ends only when the records do not fit.
pub async fn follow<M: StateMachine>(
    observer_id: NodeId,
    observer: &mut Observer<M>,
    source: &dyn CommittedSource,
    poll_ms: u64,
) -> MachineError {
    loop {
        let progressed = match source.pull(observer_id, observer.applied().index, PULL_BYTES).await {
            Ok(pull) => match observer.absorb(pull) {
                Ok(progressed) => progressed,
                Err(error) => return error,
            },
            Err(error) => {
                tracing::debug!("{error}");
                false
            }
        };
        if !progressed {
            tokio::time::sleep(Duration::from_millis(poll_ms)).await;
        }
    }
}
