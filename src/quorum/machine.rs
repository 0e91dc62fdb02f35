//! What the quorum replicates: a state machine that judges requests and folds committed records.

use crate::clock::Now;

/// A place in the replicated log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The entry's index, from 1; 0 is before the first.
    pub index: u64,
    /// The term that the entry was written in: Kafka's leader epoch.
    pub term: u64,
}

/// What the active controller made of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision<R> {
    /// Records to replicate, in the machine's own coding; empty if the request changes nothing.
    pub records: Vec<u8>,
    /// The answer, given out once the records are applied (without records: once everything is applied that the request
    /// was judged against).
    pub response: R,
}

/// The records of a decision are larger than any node would read back. The request is refused; nothing was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a record of {0} bytes is larger than the metadata log takes")]
pub struct TooLarge(
    /// The record's size.
    pub usize,
);

/// Committed bytes that the machine cannot read or that do not fit its state. The log or the program is broken, and the
/// process ends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MachineError(pub String);

/// Writes down the state of one moment, later and on another thread.
pub type SnapshotWriter = Box<dyn FnOnce() -> Vec<u8> + Send>;

/// A replicated state. Every voter and observer folds the same records with [`apply`](Self::apply); only the active
/// controller judges requests, over a *scratch* state: the current one and all that it decided since which is not applied yet.
pub trait StateMachine: Send + 'static {
    /// What can be asked of the active controller.
    type Request: Send + 'static;
    /// What it answers.
    type Response: Send + 'static;

    /// Judges `request` over the scratch state and adds the decided records to that scratch. `at` is where the records will
    /// stand if they are committed.
    ///
    /// # Errors
    /// The decision cannot be written down; the scratch state is as before.
    fn decide(&mut self, now: Now, at: Position, request: &Self::Request)
        -> Result<Decision<Self::Response>, TooLarge>;

    /// Folds committed records into the current state. One entry may hold the records of several decisions: each comes in a
    /// call of its own, all with the same `at`. Entries without records come too, as an empty slice.
    ///
    /// # Errors
    /// The bytes are no records or do not fit; the process ends.
    fn apply(&mut self, at: Position, records: &[u8]) -> Result<(), MachineError>;

    /// Shows the current state to its readers. Called after a run of [`apply`](Self::apply) and before their answers leave.
    fn publish(&mut self);

    /// Freezes the current state; the writer turns it into the bytes that [`restore`](Self::restore) takes.
    fn snapshot(&self) -> SnapshotWriter;

    /// Replaces the current state with a snapshot that reaches up to `at`. [`publish`](Self::publish) follows.
    ///
    /// # Errors
    /// The bytes are no snapshot; the process ends.
    fn restore(&mut self, at: Position, snapshot: &[u8]) -> Result<(), MachineError>;

    /// Makes the scratch state equal to the current one.
    fn reset_scratch(&mut self);

    /// This node has become the active controller; the scratch has just been reset. Soft state starts anew here.
    fn became_active(&mut self, now: Now);

    /// What the active controller asks of itself at this time, if anything: judged like any request, answered to nobody. Called
    /// at every tick.
    fn timed_request(&mut self, now: Now) -> Option<Self::Request>;

    /// About how many bytes the request holds, for the bound of the mailbox.
    fn request_bytes(request: &Self::Request) -> usize;
}
