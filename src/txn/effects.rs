//! What goes into a shard's step, and the timers, deeds and live changes that come out.

use super::request::Request;
use super::{Caller, Text};
use crate::ids::TopicPartition;
use imbl::OrdSet;

/// Something that happens to a shard.
#[derive(Clone, Debug)]
pub enum Event {
    /// Somebody asks.
    Request {
        /// Who is to hear the answer.
        caller: Caller,
        /// The question.
        request: Request,
    },
    /// A timer that the shard armed has run down.
    Timer(TimerKey),
    /// All records have been replayed.
    Loaded,
    /// The cluster's finalized `transaction.version`.
    TransactionVersion(i16),
    /// What came of markers.
    Marked {
        /// Whose transaction.
        transactional_id: Text,
        /// As ordered.
        producer_id: i64,
        /// As ordered.
        producer_epoch: i16,
        /// Partition by partition.
        outcomes: Vec<(TopicPartition, Marked)>,
    },
}

/// What came of one marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marked {
    /// It is written.
    Written,
    /// There is nothing to mark: the partition is gone, or has gone on to a newer epoch.
    Gone,
    /// It is to be tried again.
    Later,
    /// A newer coordinator has spoken there: this one has been replaced, and writes no more.
    Fenced,
}

/// A change to what a restart forgets.
#[derive(Clone, Debug)]
pub enum Soft {
    /// The epoch before the present one, which a producer that lost its answer may still bring; −1 for none.
    LastEpoch(Text, i16),
    /// These partitions need no marker any more.
    Marked(Text, OrdSet<TopicPartition>),
    /// The cluster's finalized `transaction.version`.
    TransactionVersion(i16),
    /// The round of expiry is armed, or not.
    ExpiryArmed(bool),
}

/// Names a timer of a shard.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimerKey {
    /// A transaction may have run for too long.
    Timeout(Text),
    /// Markers that were not written are tried again.
    Markers(Text),
    /// Idle transactional ids are to be looked over.
    Expiry,
}

/// Something done outside of a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Markers are written; what comes of it is [`Event::Marked`].
    WriteMarkers {
        /// Whose transaction.
        transactional_id: Text,
        /// The producer's id.
        producer_id: i64,
        /// The epoch of the markers.
        producer_epoch: i16,
        /// Commit, not abort.
        commit: bool,
        /// By which rules partitions judge the epoch.
        transaction_version: i16,
        /// Where to.
        partitions: Vec<TopicPartition>,
    },
}
