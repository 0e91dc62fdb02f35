//! What a share group keeps in `__consumer_offsets`. A record without a value is a tombstone.

use super::super::consumer::Partitions;
use super::super::Text;
use crate::ids::Uuid;
use std::collections::{BTreeMap, BTreeSet};

/// A group's epoch: raised whenever its target assignment has to be computed anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupEpoch {
    /// The epoch.
    pub epoch: i32,
    /// A hash of the topics that the group reads.
    pub metadata_hash: i64,
}

/// What a member says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Its rack.
    pub rack_id: Option<Text>,
    /// Its client id.
    pub client_id: Text,
    /// Its address as Java prints it.
    pub client_host: Text,
    /// The topics that it names.
    pub topics: BTreeSet<Text>,
}

/// What a member has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Current {
    /// Its epoch.
    pub epoch: i32,
    /// The one before.
    pub previous_epoch: i32,
    /// Its partitions.
    pub assigned: Partitions,
}

/// Partitions of topics, with the topics' names.
pub type NamedPartitions = BTreeMap<Uuid, (Text, BTreeSet<i32>)>;

/// Of which partitions the share coordinator knows the group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatePartitions {
    /// It is being asked to set them up.
    pub initializing: NamedPartitions,
    /// It has.
    pub initialized: NamedPartitions,
    /// It is being asked to forget these topics.
    pub deleting: BTreeMap<Uuid, Text>,
}

/// One record of a share group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShareRecord {
    /// The group itself.
    Epoch(Option<GroupEpoch>),
    /// What a member says of itself; none once it has left.
    Profile(Text, Option<Profile>),
    /// The epoch of the target assignment, and when it was computed, ms since the epoch.
    TargetEpoch(Option<(i32, i64)>),
    /// What a member is to have.
    Target(Text, Option<Partitions>),
    /// What a member has.
    Current(Text, Option<Current>),
    /// Of which partitions the share coordinator knows the group.
    StatePartitions(Option<StatePartitions>),
}

impl ShareRecord {
    /// Whether it says that something is gone.
    pub fn is_tombstone(&self) -> bool {
        match self {
            Self::Epoch(value) => value.is_none(),
            Self::Profile(_, value) => value.is_none(),
            Self::TargetEpoch(value) => value.is_none(),
            Self::Target(_, value) => value.is_none(),
            Self::Current(_, value) => value.is_none(),
            Self::StatePartitions(value) => value.is_none(),
        }
    }
}
