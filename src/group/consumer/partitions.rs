//! Sets of partitions by topic id: what a member is to have, and what it has.

use crate::ids::Uuid;
use std::collections::{BTreeMap, BTreeSet};

/// Partitions by topic. No topic is without partitions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partitions {
    topics: BTreeMap<Uuid, BTreeSet<i32>>,
}

impl Partitions {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.topics.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.topics.values().map(BTreeSet::len).sum()
    }

    /// Adds one; false if it is there already.
    pub fn insert(&mut self, topic: Uuid, partition: i32) -> bool {
        self.topics.entry(topic).or_default().insert(partition)
    }

    /// Takes one out.
    pub fn remove(&mut self, topic: &Uuid, partition: i32) {
        if let Some(partitions) = self.topics.get_mut(topic) {
            partitions.remove(&partition);
            if partitions.is_empty() {
                self.topics.remove(topic);
            }
        }
    }

    /// Whether it is one of them.
    pub fn contains(&self, topic: &Uuid, partition: i32) -> bool {
        self.topics.get(topic).is_some_and(|partitions| partitions.contains(&partition))
    }

    /// Topic by topic.
    pub fn topics(&self) -> impl Iterator<Item = (&Uuid, &BTreeSet<i32>)> {
        self.topics.iter()
    }

    /// One by one, by topic id and index.
    pub fn iter(&self) -> impl Iterator<Item = (Uuid, i32)> + '_ {
        self.topics.iter().flat_map(|(topic, partitions)| partitions.iter().map(move |index| (*topic, *index)))
    }
}

impl FromIterator<(Uuid, i32)> for Partitions {
    fn from_iter<I: IntoIterator<Item = (Uuid, i32)>>(partitions: I) -> Self {
        let mut all = Self::default();
        for (topic, partition) in partitions {
            all.insert(topic, partition);
        }
        all
    }
}

/// Partitions with the epoch in which their member came to each: what an offset committed in an older epoch is judged by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owned {
    topics: BTreeMap<Uuid, BTreeMap<i32, i32>>,
}

impl Owned {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.topics.is_empty()
    }

    /// Adds one that is owned since `epoch`.
    pub fn insert(&mut self, topic: Uuid, partition: i32, epoch: i32) {
        self.topics.entry(topic).or_default().insert(partition, epoch);
    }

    /// Since which epoch one is owned; none if it is not.
    pub fn epoch(&self, topic: &Uuid, partition: i32) -> Option<i32> {
        self.topics.get(topic)?.get(&partition).copied()
    }

    /// Whether it is one of them.
    pub fn contains(&self, topic: &Uuid, partition: i32) -> bool {
        self.epoch(topic, partition).is_some()
    }

    /// Whether all of `others` are among them.
    pub fn contains_all(&self, others: &Partitions) -> bool {
        others.iter().all(|(topic, partition)| self.contains(&topic, partition))
    }

    /// Whether any of `others` is among them.
    pub fn contains_any(&self, others: &Partitions) -> bool {
        others.iter().any(|(topic, partition)| self.contains(&topic, partition))
    }

    /// Topic by topic: index and epoch.
    pub fn topics(&self) -> impl Iterator<Item = (&Uuid, &BTreeMap<i32, i32>)> {
        self.topics.iter()
    }

    /// One by one, by topic id and index, with its epoch.
    pub fn iter(&self) -> impl Iterator<Item = (Uuid, i32, i32)> + '_ {
        let each = |(topic, partitions)| owned_of(topic, partitions);
        self.topics.iter().flat_map(each)
    }

    /// Without the epochs.
    pub fn partitions(&self) -> Partitions {
        self.iter().map(|(topic, partition, _)| (topic, partition)).collect()
    }
}

fn owned_of<'a>(topic: &'a Uuid, partitions: &'a BTreeMap<i32, i32>) -> impl Iterator<Item = (Uuid, i32, i32)> + 'a {
    partitions.iter().map(move |(partition, epoch)| (*topic, *partition, *epoch))
}

impl FromIterator<(Uuid, i32, i32)> for Owned {
    fn from_iter<I: IntoIterator<Item = (Uuid, i32, i32)>>(partitions: I) -> Self {
        let mut all = Self::default();
        for (topic, partition, epoch) in partitions {
            all.insert(topic, partition, epoch);
        }
        all
    }
}
