//! Following the metadata.

use super::super::CONSUMER_OFFSETS;
use super::*;
use crate::metadata::delta::MetadataDelta;
use crate::metadata::image::MetadataImage;
use crate::metadata::partition::{PartitionChange, PartitionImage};
use crate::metadata::record::MetadataRecord;

/// This node.
pub const HERE: i32 = 1;

/// A cluster's metadata and the coordinator that follows it.
struct Cluster {
    image: Arc<MetadataImage>,
    runtime: Arc<Groups>,
}

impl Cluster {
    /// Publishes records and gives the coordinator's task its turn.
    async fn publish(&mut self, records: &[MetadataRecord]) {
        let mut next = (*self.image).clone();
        records.iter().for_each(|record| next.apply(record).expect("a valid record"));
        let delta = MetadataDelta::between(&self.image, &next);
        self.image = Arc::new(next);
        self.runtime.on_metadata(&delta, &self.image, HERE);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

pub fn topic(name: &str, id: u128, partitions: i32) -> Vec<MetadataRecord> {
    let topic_id = Uuid::from_u128(id);
    let state = PartitionImage { replicas: vec![HERE, 2], isr: vec![HERE], leader: HERE, ..PartitionImage::default() };
    let made = MetadataRecord::Topic { name: name.into(), topic_id };
    let each = |partition| MetadataRecord::Partition { topic_id, partition, state: state.clone() };
    [made].into_iter().chain((0..partitions).map(each)).collect()
}

#[tokio::test(start_paused = true)]
async fn g1_follows_leaders() {
    let runtime = over(&Arc::default());
    let mut cluster = Cluster { image: Arc::default(), runtime: runtime.clone() };
    cluster.publish(&topic("t", 1, 2)).await;
    assert_eq!(runtime.execute(client(), fetch("hello")).await, Err(GroupError::NotCoordinator));
    // The topic has another number of partitions than the settings say.
    cluster.publish(&topic(CONSUMER_OFFSETS, 2, 50)).await;
    assert!(runtime.is_loaded());
    assert_eq!(runtime.partition_for("hello"), 22);
    runtime.execute(client(), commit("hello", 0..1)).await.expect("led here, and loaded");

    let elect = |leader| MetadataRecord::PartitionChange {
        topic_id: Uuid::from_u128(2),
        partition: 22,
        change: PartitionChange { leader: Some(leader), ..PartitionChange::default() },
    };
    cluster.publish(&[elect(2)]).await;
    assert_eq!(runtime.execute(client(), fetch("hello")).await, Err(GroupError::NotCoordinator));
    // Back again: loaded anew, from the log.
    cluster.publish(&[elect(HERE)]).await;
    assert_eq!(runtime.execute(client(), fetch("hello")).await.expect("served").topics.len(), 1);
    // A change that is no election costs nobody a reload.
    let shrink = PartitionChange { isr: Some(vec![HERE]), ..PartitionChange::default() };
    let shrink = MetadataRecord::PartitionChange { topic_id: Uuid::from_u128(2), partition: 22, change: shrink };
    let joining = runtime.execute(client(), join("hello", ""));
    cluster.publish(&[shrink]).await;
    assert!(joining.await.is_ok());

    cluster.publish(&[MetadataRecord::RemoveTopic { topic_id: Uuid::from_u128(2) }]).await;
    assert_eq!(runtime.execute(client(), fetch("hello")).await, Err(GroupError::NotCoordinator));
}

#[tokio::test(start_paused = true)]
async fn g14_deleted_topics_take_their_offsets_along() {
    let runtime = over(&Arc::default());
    let mut cluster = Cluster { image: Arc::default(), runtime: runtime.clone() };
    cluster.publish(&topic(CONSUMER_OFFSETS, 2, 4)).await;
    cluster.publish(&topic("t", 1, 2)).await;
    runtime.execute(client(), commit("g", 0..2)).await.expect("committed");
    cluster.publish(&[MetadataRecord::RemoveTopic { topic_id: Uuid::from_u128(1) }]).await;
    assert_eq!(runtime.execute(client(), fetch("g")).await, Ok(OffsetFetchReply { error: None, topics: Vec::new() }));
}
