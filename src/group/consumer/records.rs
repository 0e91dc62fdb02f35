//! What a consumer group keeps in `__consumer_offsets`. A record without a value is a tombstone.

use super::super::Text;
use super::member::{Current, Profile};
use super::partitions::Partitions;
use bytes::Bytes;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A group's epoch: raised whenever its target assignment has to be computed anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupEpoch {
    /// The epoch.
    pub epoch: i32,
    /// A hash of the metadata of all topics that the group reads; 0 if it reads none.
    pub metadata_hash: i64,
}

/// The epoch of a target assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetEpoch {
    /// The group's epoch that it was computed for.
    pub epoch: i32,
    /// When it was computed, ms since the epoch; 0 if that is not known.
    pub computed_ms: i64,
}

/// What an expression stood for when it was last resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedRegex {
    /// The topics that it matched.
    pub topics: BTreeSet<Text>,
    /// The offset of the metadata that it was resolved against.
    pub metadata_offset: i64,
    /// When, ms since the epoch.
    pub resolved_ms: i64,
}

impl ConsumerRecord {
    /// Whether it says that something is gone.
    pub fn is_tombstone(&self) -> bool {
        match self {
            Self::Epoch(value) => value.is_none(),
            Self::LegacyMetadata(value) => value.is_none(),
            Self::Profile { value, .. } => value.is_none(),
            Self::TargetEpoch(value) => value.is_none(),
            Self::Target { value, .. } => value.is_none(),
            Self::Current { value, .. } => value.is_none(),
            Self::Regex { value, .. } => value.is_none(),
        }
    }
}

/// One record of a consumer group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsumerRecord {
    /// The group itself.
    Epoch(Option<GroupEpoch>),
    /// What Kafka wrote before 4.1 in place of the hash; only ever deleted here, else kept as its bytes.
    LegacyMetadata(Option<Bytes>),
    /// What a member says of itself.
    Profile {
        /// The member.
        member: Text,
        /// None once it has left.
        value: Option<Profile>,
    },
    /// The epoch of the target assignment.
    TargetEpoch(Option<TargetEpoch>),
    /// What a member is to have.
    Target {
        /// The member.
        member: Text,
        /// None once it has left.
        value: Option<Arc<Partitions>>,
    },
    /// What a member has.
    Current {
        /// The member.
        member: Text,
        /// None once it has left.
        value: Option<Current>,
    },
    /// What an expression stands for.
    Regex {
        /// The expression.
        regex: Text,
        /// None once nobody subscribes by it.
        value: Option<Arc<ResolvedRegex>>,
    },
}
