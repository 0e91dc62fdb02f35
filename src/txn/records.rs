//! What a shard keeps in `__transaction_state`, and how one state follows from another.

use super::state::State;
use super::Text;
use crate::clock::Now;
use crate::ids::TopicPartition;
use imbl::OrdSet;

/// The largest epoch that a producer is given; one more is left to fence it with (X3).
pub const LAST_EPOCH: i16 = i16::MAX - 1;

/// Whether a producer of this epoch needs another id instead of another epoch.
pub fn is_exhausted(epoch: i16) -> bool {
    epoch >= LAST_EPOCH
}

/// A transactional id as stored. A copy shares structure with its original.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// The producer's id.
    pub producer_id: i64,
    /// The id before this state's, which is mostly the same; −1 if it is not known.
    pub previous_producer_id: i64,
    /// The id once this transaction has ended, if the epochs of the present one are used up; else −1.
    pub next_producer_id: i64,
    /// The producer's epoch.
    pub producer_epoch: i16,
    /// After how long a transaction is aborted, ms.
    pub timeout_ms: i32,
    /// Where its transaction stands.
    pub state: State,
    /// What the transaction writes to.
    pub partitions: OrdSet<TopicPartition>,
    /// When this was last changed, ms since the epoch.
    pub last_update_ms: i64,
    /// When the transaction began, ms since the epoch; −1 for none.
    pub start_ms: i64,
    /// The transaction version by which it last changed: 2 bumps the epoch with every transaction, 0 does not.
    pub client_version: i16,
}

impl Transaction {
    /// A producer that nobody has heard of.
    pub fn new(producer_id: i64, timeout_ms: i32, now: Now) -> Self {
        Self {
            producer_id,
            previous_producer_id: producer_id,
            next_producer_id: -1,
            producer_epoch: 0,
            timeout_ms,
            state: State::Empty,
            partitions: OrdSet::new(),
            last_update_ms: now.wall_ms,
            start_ms: -1,
            client_version: 0,
        }
    }

    /// Whether its epoch grows with every transaction (KIP-890).
    pub fn bumps_epoch(&self) -> bool {
        self.client_version >= 2
    }

    fn to(&self, state: State, now: Now) -> Self {
        debug_assert!(self.may_become(state), "{:?} becomes {state:?}", self.state);
        Self { state, previous_producer_id: self.producer_id, last_update_ms: now.wall_ms, ..self.clone() }
    }

    fn may_become(&self, state: State) -> bool {
        match state {
            State::Empty => self.state.is_idle(),
            State::Ongoing => !self.state.is_prepared(),
            State::PrepareCommit => self.state == State::Ongoing,
            State::PrepareAbort => !self.state.is_prepared(),
            State::CompleteCommit => self.state == State::PrepareCommit,
            State::CompleteAbort => self.state == State::PrepareAbort,
        }
    }

    /// A producer comes (again), with this id and epoch.
    pub fn initialized(&self, producer_id: i64, producer_epoch: i16, timeout_ms: i32, now: Now) -> Self {
        let partitions = OrdSet::new();
        Self { producer_id, producer_epoch, timeout_ms, partitions, start_ms: -1, ..self.to(State::Empty, now) }
    }

    /// Partitions are added; a transaction begins if none is open.
    pub fn with(&self, added: OrdSet<TopicPartition>, client_version: i16, now: Now) -> Self {
        let start_ms = if self.state == State::Ongoing { self.start_ms } else { now.wall_ms };
        let partitions = self.partitions.clone().union(added);
        Self { partitions, start_ms, client_version, ..self.to(State::Ongoing, now) }
    }

    /// The end is decided. `next_producer_id` is −1 unless the epochs are used up.
    pub fn prepared(&self, commit: bool, client_version: i16, next_producer_id: i64, now: Now) -> Self {
        let state = if commit { State::PrepareCommit } else { State::PrepareAbort };
        // An abort without a transaction has no beginning, but its record must have one.
        let start_ms = if self.state == State::Ongoing { self.start_ms } else { now.wall_ms };
        let bump = i16::from(client_version >= 2);
        let producer_epoch = self.producer_epoch.saturating_add(bump);
        Self { producer_epoch, start_ms, client_version, next_producer_id, ..self.to(state, now) }
    }

    /// The transaction is aborted over its producer's head, whose epoch is used up by it.
    pub fn fenced(&self, now: Now) -> Self {
        Self { producer_epoch: self.producer_epoch.saturating_add(1), ..self.prepared(false, 0, -1, now) }
    }

    /// All markers are written.
    pub fn completed(&self, now: Now) -> Self {
        let state = if self.state == State::PrepareCommit { State::CompleteCommit } else { State::CompleteAbort };
        let (producer_id, producer_epoch) = self.after_completion();
        let (next_producer_id, partitions) = (-1, OrdSet::new());
        Self { producer_id, producer_epoch, next_producer_id, partitions, ..self.to(state, now) }
    }

    /// The id and epoch that the producer has once this has ended.
    pub fn after_completion(&self) -> (i64, i16) {
        match self.next_producer_id {
            next if self.bumps_epoch() && next != -1 => (next, 0),
            _ => (self.producer_id, self.producer_epoch),
        }
    }

    /// When the transaction has run for too long, ms since the epoch.
    pub fn times_out_ms(&self) -> i64 {
        self.start_ms.saturating_add(i64::from(self.timeout_ms))
    }
}

/// One record of a shard: a transactional id. Without a value it is a tombstone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The transactional id.
    pub transactional_id: Text,
    /// What it is; none if it has expired.
    pub value: Option<Transaction>,
    /// The format's version: 0, or 1 from `transaction.version` 1 on.
    pub version: i16,
}
