//! What goes into a shard's step, and the timers and live changes that come out.

use super::classic::ClassicGroup;
use super::request::{Client, Request};
use super::{Caller, Text};
use crate::ids::Uuid;
use crate::metadata::image::MetadataImage;
use crate::shard::TopicsChange;
use std::sync::Arc;

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
    /// The cluster's metadata is now this.
    Metadata(Arc<MetadataImage>, TopicsChange),
}

/// A change to what a restart forgets.
#[derive(Clone, Debug)]
pub enum Soft {
    /// The group's live state is now this.
    Live(Box<ClassicGroup>),
    /// The round of offset expiry is armed, or not.
    ExpiryArmed(bool),
    /// The cluster's metadata is now this.
    Metadata(Arc<MetadataImage>, TopicsChange),
    /// The share coordinator was asked to set partitions up for a share group.
    ShareAsked {
        /// The group.
        group: Text,
        /// When, ms of the monotonic clock.
        at_ms: i64,
    },
    /// A consumer group's epoch takes account of all topics as they were at this offset of the metadata.
    TopicsChecked {
        /// The group.
        group: Text,
        /// See `Shard::topics_changed_at`.
        at: i64,
    },
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
    /// The target assignment of a consumer group may be computed anew.
    Assign {
        /// The group.
        group: Text,
    },
    /// A member of a consumer group has not given up in time what it must.
    Revoke {
        /// The group.
        group: Text,
        /// The member.
        member: Text,
    },
    /// A classic member of a consumer group has not joined again in time.
    Rejoin {
        /// The group.
        group: Text,
        /// The member.
        member: Text,
    },
    /// A classic member of a consumer group has not asked for its assignment in time.
    Resync {
        /// The group.
        group: Text,
        /// The member.
        member: Text,
    },
}
