//! The uniform assignor where all members read the same topics: sizes differ by at most one, and no more partitions move
//! than that takes.

use super::super::super::Text;
use super::super::partitions::Partitions;
use super::GroupSpec;
use std::collections::{BTreeMap, BTreeSet};

/// Each member keeps what it has up to its quota; the rest fills the members below theirs, in order. One partition more
/// goes to members that have it already, as long as there are any to give (Kafka gives it to whom its hash map names
/// first, which may move a partition for nothing).
pub fn assign(group: &GroupSpec) -> BTreeMap<Text, Partitions> {
    let mut assigned = group.kept();
    let total: usize = group.partition_counts.values().map(|count| usize::try_from(*count).unwrap_or(0)).sum();
    let (quota, mut extra) = (total / assigned.len().max(1), total % assigned.len().max(1));
    let mut larger: BTreeSet<Text> = BTreeSet::new();
    for wants_more in [true, false] {
        for (id, partitions) in &assigned {
            if extra > 0 && (partitions.len() > quota) == wants_more {
                larger.insert(id.clone());
                extra -= 1;
            }
        }
    }
    let quota_of = |id: &Text| quota + usize::from(larger.contains(id));
    for (id, partitions) in &mut assigned {
        let surplus: Vec<_> = partitions.iter().skip(quota_of(id)).collect();
        surplus.into_iter().for_each(|(topic, partition)| partitions.remove(&topic, partition));
    }
    let mut unassigned = group.unassigned(&assigned).into_iter();
    for (id, partitions) in &mut assigned {
        let room = quota_of(id).saturating_sub(partitions.len());
        unassigned.by_ref().take(room).for_each(|(topic, partition)| _ = partitions.insert(topic, partition));
    }
    assigned
}
