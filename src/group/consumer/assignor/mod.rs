//! Server-side assignors: from subscriptions and the assignment before to the next one. Pure, and the same for the same
//! input; Kafka's own go by the order of hash maps, these by member and topic id.
//!
//! Absent: racks, which Kafka's do not look at either.

mod balance;
mod range;
mod uniform;

use super::super::Text;
use super::partitions::Partitions;
use crate::ids::Uuid;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A server-side assignor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assignor {
    /// Spreads all partitions evenly and moves as few as it can.
    Uniform,
    /// Gives each member a range of each topic, the same range in topics that are alike.
    Range,
}

impl Assignor {
    /// The assignor of that name, or of Kafka's class.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "uniform" | "org.apache.kafka.coordinator.group.assignor.UniformAssignor" => Some(Self::Uniform),
            "range" | "org.apache.kafka.coordinator.group.assignor.RangeAssignor" => Some(Self::Range),
            _ => None,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Range => "range",
        }
    }

    /// The next assignment: one entry a member.
    pub fn assign(self, group: &GroupSpec) -> BTreeMap<Text, Partitions> {
        match self {
            Self::Uniform if group.is_homogeneous() => uniform::assign(group),
            Self::Uniform => balance::assign(group),
            Self::Range => range::assign(group),
        }
    }
}

/// What an assignor is told of a member.
#[derive(Clone, Debug, Default)]
pub struct MemberSpec {
    /// Set for static members.
    pub instance_id: Option<Text>,
    /// The topics that it reads and that exist.
    pub topics: Arc<BTreeSet<Uuid>>,
    /// What it was to have.
    pub target: Arc<Partitions>,
}

/// What an assignor is told.
#[derive(Clone, Debug, Default)]
pub struct GroupSpec {
    /// The members, by id.
    pub members: BTreeMap<Text, MemberSpec>,
    /// How many partitions each topic has that any of them reads.
    pub partition_counts: BTreeMap<Uuid, i32>,
}

impl GroupSpec {
    /// Whether all members read the same topics.
    fn is_homogeneous(&self) -> bool {
        let mut topics = self.members.values().map(|member| &member.topics);
        let first = topics.next();
        topics.all(|topics| Some(topics) == first)
    }

    fn partition_count(&self, topic: &Uuid) -> i32 {
        self.partition_counts.get(topic).copied().unwrap_or(0)
    }

    /// What of its target a member may keep: of topics that it reads, partitions that exist, and that no member before
    /// it keeps.
    fn kept(&self) -> BTreeMap<Text, Partitions> {
        let mut taken = BTreeSet::new();
        let mut kept = BTreeMap::new();
        for (id, member) in &self.members {
            let stays = |(topic, partition): &(Uuid, i32)| {
                member.topics.contains(topic) && (0..self.partition_count(topic)).contains(partition)
            };
            let partitions: Partitions =
                member.target.iter().filter(stays).filter(|place| taken.insert(*place)).collect();
            kept.insert(id.clone(), partitions);
        }
        kept
    }

    /// The partitions of all topics that nobody keeps, by topic id and index.
    fn unassigned(&self, kept: &BTreeMap<Text, Partitions>) -> Vec<(Uuid, i32)> {
        let taken: BTreeSet<(Uuid, i32)> = kept.values().flat_map(Partitions::iter).collect();
        let all = self.partition_counts.iter().flat_map(|(topic, count)| (0..*count).map(move |index| (*topic, index)));
        all.filter(|place| !taken.contains(place)).collect()
    }
}
