//! Offsets that open transactions will commit, or not.

use super::super::records::CommittedOffset;
use super::super::{Origin, Text};
use super::table::Offsets;
use std::collections::BTreeMap;

/// Pending offsets by producer id and group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct PendingOffsets {
    producers: BTreeMap<i64, BTreeMap<Text, Offsets>>,
}

impl PendingOffsets {
    pub fn put(
        &mut self,
        producer_id: i64,
        group: Text,
        topic: Text,
        partition: i32,
        committed: CommittedOffset,
        origin: Origin,
    ) {
        let groups = self.producers.entry(producer_id).or_default();
        groups.entry(group).or_default().put(topic, partition, committed, origin.log_offset);
    }

    /// A tombstone takes what is pending too.
    pub fn remove(&mut self, group: &str, topic: &str, partition: i32) {
        for groups in self.producers.values_mut() {
            if let Some(offsets) = groups.get_mut(group) {
                offsets.remove(topic, partition);
            }
        }
    }

    /// Takes out what a transaction that has ended held.
    pub fn end(&mut self, producer_id: i64) -> BTreeMap<Text, Offsets> {
        self.producers.remove(&producer_id).unwrap_or_default()
    }

    pub fn has(&self, group: &str, topic: &str, partition: i32) -> bool {
        self.of_group(group).any(|offsets| offsets.get(topic, partition).is_some())
    }

    /// Whether any transaction is open for a group.
    pub fn has_group(&self, group: &str) -> bool {
        self.of_group(group).next().is_some()
    }

    /// What each open transaction holds for a group.
    pub fn of_group<'a>(&'a self, group: &'a str) -> impl Iterator<Item = &'a Offsets> {
        self.producers.values().filter_map(move |groups| groups.get(group))
    }

    /// What each open transaction holds, by group.
    pub fn iter(&self) -> impl Iterator<Item = (&Text, &Offsets)> {
        self.producers.values().flatten()
    }
}
