//! What comes out of a machine's step, and where its records stand.

use super::Machine;
use crate::ids::Verification;

/// A number that stands for someone who waits for an answer. The runtime hands it in and gets it back once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Caller(pub u64);

/// What a step wants done, in this order: records appended and replayed, soft changes applied, timers set, answers sent
/// and deeds done once the records are committed. If the records cannot be appended nothing of it happens.
pub struct Effects<M: Machine> {
    /// To be appended, in one batch unless `divisible`.
    pub records: Vec<M::Record>,
    /// The records may be appended in several batches: each is right without the others.
    pub divisible: bool,
    /// The records are written on behalf of this producer, and belong to its open transaction.
    pub producer: Option<BatchProducer>,
    /// Changes to live state.
    pub soft: Vec<M::Soft>,
    /// Answers, each to a caller that still waits.
    pub replies: Vec<(Caller, M::Reply)>,
    /// Changes to timers.
    pub timers: Vec<TimerChange<M::TimerKey>>,
    /// What is to be done outside of the shard. What comes of each is a later event.
    pub deeds: Vec<M::Deed>,
}

impl<M: Machine> Default for Effects<M> {
    fn default() -> Self {
        Self {
            records: Vec::new(),
            divisible: false,
            producer: None,
            soft: Vec::new(),
            replies: Vec::new(),
            timers: Vec::new(),
            deeds: Vec::new(),
        }
    }
}

/// A producer in whose transaction a coordinator writes. Such batches carry no sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchProducer {
    /// Its id.
    pub producer_id: i64,
    /// Its epoch.
    pub epoch: i16,
    /// By which the transaction may begin in the shard's log; none where it is open there already.
    pub verification: Option<Verification>,
}

/// A change to a timer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimerChange<K> {
    /// Runs down at this instant of the monotonic clock, ms; replaces an earlier setting.
    Arm(K, i64),
    /// As [`TimerChange::Arm`], unless it is armed already.
    ArmIfIdle(K, i64),
    /// Does not run down.
    Cancel(K),
}

/// Where a record stands in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Its offset: of two commits the later one counts, even if its transaction ended first.
    pub log_offset: i64,
    /// Set if its batch is transactional: what it says counts when the transaction commits.
    pub producer_id: Option<i64>,
}
