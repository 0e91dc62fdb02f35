//! What goes into a shard's step and what comes out.

use super::classic::ClassicGroup;
use super::records::Record;
use super::request::{Client, Reply, Request};
use super::Text;
use crate::ids::Uuid;

/// A number that stands for someone who waits for an answer. The runtime hands it in and gets it back once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Caller(pub u64);

/// Something that happens to a shard.
#[derive(Clone, Debug)]
pub enum Event {
    /// Somebody asks.
    Request {
        /// Who is to hear the answer.
        caller: Caller,
        /// Whom the member will be listed as.
        client: Client,
        /// Drawn at random for this event; a new member's id is made of it.
        fresh_id: Uuid,
        /// The question.
        request: Request,
    },
    /// A timer that the shard armed has run down.
    Timer(TimerKey),
    /// All records have been replayed: sessions begin to run.
    Loaded,
    /// These topics are gone, and their offsets with them.
    TopicsDeleted(Vec<Text>),
}

/// What a step wants done, in this order: records appended and replayed, soft changes applied, timers set, answers sent
/// once the records are committed. If the records cannot be appended nothing of it happens.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    /// To be appended, in one batch unless `divisible`.
    pub records: Vec<Record>,
    /// The records may be appended in several batches: each is right without the others.
    pub divisible: bool,
    /// Changes to live state.
    pub soft: Vec<Soft>,
    /// Answers, each to a caller that still waits.
    pub replies: Vec<(Caller, Reply)>,
    /// Changes to timers.
    pub timers: Vec<TimerChange>,
}

/// A change to what a restart forgets.
#[derive(Clone, Debug)]
pub enum Soft {
    /// The group's live state is now this.
    Live(Box<ClassicGroup>),
    /// The round of offset expiry is armed, or not.
    ExpiryArmed(bool),
}

/// Names a timer of a shard. Arming a timer again moves it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimerKey {
    /// Offsets and empty groups are to be looked over.
    Expiry,
    /// The join phase of a group ends.
    Join {
        /// The group.
        group: Text,
    },
    /// Members of a group that have not synced are dropped.
    Sync {
        /// The group.
        group: Text,
    },
    /// A member (or pending member) has been silent for too long.
    Session {
        /// The group.
        group: Text,
        /// The member.
        member: Text,
    },
}

/// A change to a timer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimerChange {
    /// Runs down at this instant of the monotonic clock, ms; replaces an earlier setting.
    Arm(TimerKey, i64),
    /// Does not run down.
    Cancel(TimerKey),
}
