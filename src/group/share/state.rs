//! A share group as its records say it is.

use super::super::consumer::Partitions;
use super::super::Text;
use super::assignor::Readable;
use super::records::{Current, GroupEpoch, Profile, ShareRecord, StatePartitions};
use crate::ids::Uuid;
use crate::metadata::image::MetadataImage;
use std::collections::{BTreeMap, BTreeSet};

/// A member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// What it says of itself.
    pub profile: Profile,
    /// What it has.
    pub current: Current,
    /// What it is to have.
    pub target: Partitions,
}

/// A share group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShareGroup {
    /// Its epoch.
    pub epoch: GroupEpoch,
    /// The epoch that its target assignment is for.
    pub target_epoch: i32,
    /// Its members.
    pub members: BTreeMap<Text, Member>,
    /// Of which partitions the share coordinator knows it.
    pub state: StatePartitions,
}

impl ShareGroup {
    /// Replays a record into what is known of a group; a tombstone of the group itself ends it.
    pub fn replay(group: &mut Option<Box<Self>>, record: ShareRecord) {
        if record == ShareRecord::Epoch(None) {
            *group = None;
        } else if !record.is_tombstone() {
            group.get_or_insert_with(Box::default).apply(record);
        } else if let Some(group) = group {
            group.apply(record);
        }
    }

    /// Takes in a record.
    pub fn apply(&mut self, record: ShareRecord) {
        match record {
            ShareRecord::Epoch(value) => self.epoch = value.unwrap_or_default(),
            ShareRecord::TargetEpoch(value) => self.target_epoch = value.map_or(0, |(epoch, _)| epoch),
            ShareRecord::StatePartitions(value) => self.state = value.unwrap_or_default(),
            ShareRecord::Profile(member, Some(profile)) => self.members.entry(member).or_default().profile = profile,
            ShareRecord::Profile(member, None) => drop(self.members.remove(&member)),
            ShareRecord::Target(member, value) => {
                if let Some(member) = self.members.get_mut(&member) {
                    member.target = value.unwrap_or_default();
                }
            }
            ShareRecord::Current(member, value) => {
                if let Some(member) = self.members.get_mut(&member) {
                    member.current = value.unwrap_or_default();
                }
            }
        }
    }

    /// Kafka's word for its state.
    pub fn state_name(&self) -> &'static str {
        match self.members.is_empty() {
            true => "Empty",
            false => "Stable",
        }
    }

    /// The topics that its members name.
    pub fn subscribed(&self) -> BTreeSet<&Text> {
        self.members.values().flat_map(|member| &member.profile.topics).collect()
    }

    /// What each member may read: partitions that exist, and that the share coordinator has set up.
    pub fn readable(&self, image: &MetadataImage) -> Readable {
        let of_topic = |name: &Text| {
            let topic = image.topic_by_name(name)?;
            let (_, set_up) = self.state.initialized.get(&topic.id)?;
            let there = set_up.iter().filter(|index| topic.partition(**index).is_some());
            Some(there.map(|index| (topic.id, *index)).collect::<Vec<(Uuid, i32)>>())
        };
        let of_member = |member: &Member| {
            let mut partitions: Vec<_> = member.profile.topics.iter().filter_map(of_topic).flatten().collect();
            partitions.sort_unstable();
            partitions
        };
        self.members.iter().map(|(id, member)| (id.clone(), of_member(member))).collect()
    }

    /// Partitions that members name and that the share coordinator has not set up; `stale` if those for which that was
    /// asked before are to be asked for again.
    pub fn to_set_up(&self, image: &MetadataImage, stale: bool) -> Vec<(Uuid, Text, Vec<i32>)> {
        let mut wanted = Vec::new();
        for name in self.subscribed() {
            let Some(topic) = image.topic_by_name(name) else { continue };
            let known = |partitions: &super::records::NamedPartitions, index: i32| {
                partitions.get(&topic.id).is_some_and(|(_, known)| known.contains(&index))
            };
            let missing = (0..topic.partition_count()).filter(|index| {
                let asked = !stale && known(&self.state.initializing, *index);
                !known(&self.state.initialized, *index) && !asked
            });
            let missing: Vec<i32> = missing.collect();
            if !missing.is_empty() && !self.state.deleting.contains_key(&topic.id) {
                wanted.push((topic.id, topic.name.clone(), missing));
            }
        }
        wanted
    }

    /// A hash of what its members may read, by which a change is noticed. FNV-1a, 64 bits. (Kafka hashes otherwise.)
    pub fn metadata_hash(&self, image: &MetadataImage) -> i64 {
        const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0100_0000_01b3;
        let all: BTreeSet<(Uuid, i32)> = self.readable(image).into_values().flatten().collect();
        let mut hash = OFFSET_BASIS;
        for (topic, partition) in &all {
            for byte in topic.as_bytes().iter().chain(&partition.to_be_bytes()) {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
            }
        }
        if all.is_empty() {
            0
        } else {
            i64::from_ne_bytes(hash.to_ne_bytes())
        }
    }
}
