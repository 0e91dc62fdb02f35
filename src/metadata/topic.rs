//! One topic of the image.

use super::partition::PartitionImage;
use crate::ids::Uuid;
use imbl::Vector;
use std::sync::Arc;

/// The names of the topics that brokers keep for themselves (M8).
pub const INTERNAL_TOPICS: [&str; 3] = ["__consumer_offsets", "__transaction_state", "__share_group_state"];

/// One topic. Cloning is cheap: the partitions are shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicImage {
    /// The topic's name.
    pub name: Arc<str>,
    /// Drawn at creation: a topic deleted and made again is another topic.
    pub id: Uuid,
    /// By partition index, without gaps.
    pub partitions: Vector<Arc<PartitionImage>>,
}

impl TopicImage {
    /// Partition `index`; `None` outside of the topic.
    pub fn partition(&self, index: i32) -> Option<&Arc<PartitionImage>> {
        self.partitions.get(usize::try_from(index).ok()?)
    }

    /// How many partitions there are.
    pub fn partition_count(&self) -> i32 {
        i32::try_from(self.partitions.len()).unwrap_or(i32::MAX)
    }

    /// The replication factor as tools show it: that of partition 0, and 0 for a topic without partitions.
    pub fn replication_factor(&self) -> i16 {
        let replicas = self.partitions.front().map_or(0, |partition| partition.replicas.len());
        i16::try_from(replicas).unwrap_or(i16::MAX)
    }

    /// Whether brokers keep this topic for themselves.
    pub fn is_internal(&self) -> bool {
        is_internal(&self.name)
    }
}

/// Whether `name` is one of [`INTERNAL_TOPICS`].
pub fn is_internal(name: &str) -> bool {
    INTERNAL_TOPICS.contains(&name)
}
