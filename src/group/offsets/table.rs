//! Offsets by topic and partition.

use super::super::records::CommittedOffset;
use super::super::Text;
use std::collections::BTreeMap;

/// One offset with where its record stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Placed {
    pub committed: CommittedOffset,
    pub log_offset: i64,
}

/// The offsets of one group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Offsets {
    topics: BTreeMap<Text, BTreeMap<i32, Placed>>,
}

impl Offsets {
    pub fn is_empty(&self) -> bool {
        self.topics.is_empty()
    }

    pub fn get(&self, topic: &str, partition: i32) -> Option<&CommittedOffset> {
        Some(&self.topics.get(topic)?.get(&partition)?.committed)
    }

    pub fn put(&mut self, topic: Text, partition: i32, committed: CommittedOffset, log_offset: i64) {
        self.topics.entry(topic).or_default().insert(partition, Placed { committed, log_offset });
    }

    pub fn remove(&mut self, topic: &str, partition: i32) {
        let Some(partitions) = self.topics.get_mut(topic) else { return };
        partitions.remove(&partition);
        if partitions.is_empty() {
            self.topics.remove(topic);
        }
    }

    /// Takes over offsets whose transaction has committed; of two for one partition the later record counts.
    pub fn merge(&mut self, other: Self) {
        for (topic, partitions) in other.topics {
            let ours = self.topics.entry(topic).or_default();
            for (partition, placed) in partitions {
                if ours.get(&partition).is_none_or(|present| present.log_offset < placed.log_offset) {
                    ours.insert(partition, placed);
                }
            }
        }
    }

    /// All, by topic and partition.
    pub fn iter(&self) -> impl Iterator<Item = (&Text, i32, &CommittedOffset)> {
        let each = |(topic, partitions)| partitions_of(topic, partitions);
        self.topics.iter().flat_map(each)
    }

    /// The offsets of one topic, by partition.
    pub fn of_topic<'a>(&'a self, topic: &str) -> impl Iterator<Item = (&'a Text, i32, &'a CommittedOffset)> {
        self.topics.get_key_value(topic).into_iter().flat_map(|(topic, partitions)| partitions_of(topic, partitions))
    }
}

fn partitions_of<'a>(
    topic: &'a Text,
    partitions: &'a BTreeMap<i32, Placed>,
) -> impl Iterator<Item = (&'a Text, i32, &'a CommittedOffset)> {
    partitions.iter().map(move |(partition, placed)| (topic, *partition, &placed.committed))
}
