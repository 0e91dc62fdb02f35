//! Folding, snapshots, and what images share.

use super::any::{fold, steps};
use crate::ids::Uuid;
use crate::metadata::broker::{BrokerImage, EPOCH_OF_ENTRY};
use crate::metadata::codec::{decode_all, encode_all};
use crate::metadata::image::{ApplyError, MetadataImage, PartitionImage};
use crate::metadata::record::MetadataRecord;
use proptest::prelude::*;
use std::sync::Arc;

proptest! {
    #[test]
    fn a_snapshot_folds_to_the_same_image(steps in steps()) {
        let mut image = MetadataImage::new();
        fold(&mut image, &steps);
        let (offset, epoch) = image.applied();
        let snapshot = decode_all(&encode_all(&image.to_records())).expect("own bytes");
        prop_assert_eq!(MetadataImage::from_records(&snapshot, offset, epoch), Ok(image));
    }

    #[test]
    fn a_clone_is_a_moment(before in steps(), after in steps()) {
        let mut image = MetadataImage::new();
        fold(&mut image, &before);
        let moment = image.clone();
        let records = moment.to_records();
        fold(&mut image, &after);
        prop_assert_eq!(moment.to_records(), records);
    }

    #[test]
    fn names_ids_and_counts_agree(steps in steps()) {
        let mut image = MetadataImage::new();
        fold(&mut image, &steps);
        let mut partitions = 0;
        for topic in image.topics() {
            prop_assert_eq!(image.topic_by_id(&topic.id), Some(topic));
            prop_assert_eq!(image.topic_by_name(&topic.name), Some(topic));
            prop_assert_eq!(image.topic_colliding_with(&topic.name).map(|other| **other == *topic.name), None);
            partitions += topic.partitions.len();
        }
        prop_assert_eq!(image.partition_count(), partitions);
    }
}

fn topic(name: &str, id: u128) -> MetadataRecord {
    MetadataRecord::Topic { name: name.to_owned(), topic_id: Uuid::from_u128(id) }
}

#[test]
fn m13_a_topic_made_again_is_another_topic() {
    let mut image = MetadataImage::new();
    image.apply(&topic("t", 1)).unwrap();
    assert_eq!(image.apply(&topic("t", 2)), Err(ApplyError::TopicExists("t".to_owned())));
    assert_eq!(image.apply(&topic("u", 1)), Err(ApplyError::TopicExists("u".to_owned())));
    image.apply(&MetadataRecord::RemoveTopic { topic_id: Uuid::from_u128(1) }).unwrap();
    assert_eq!(image, MetadataImage::new());
    image.apply(&topic("t", 2)).unwrap();
    assert!(image.topic_by_id(&Uuid::from_u128(1)).is_none());
    let gone = MetadataRecord::RemoveTopic { topic_id: Uuid::from_u128(1) };
    assert_eq!(image.apply(&gone), Err(ApplyError::UnknownTopic(Uuid::from_u128(1))));
}

#[test]
fn m11_dots_and_underscores_collide() {
    let mut image = MetadataImage::new();
    image.apply(&topic("a.b_c", 1)).unwrap();
    assert_eq!(image.topic_colliding_with("a_b.c").map(|name| &**name), Some("a.b_c"));
    assert_eq!(image.topic_colliding_with("a.b_c"), None);
    assert_eq!(image.topic_colliding_with("abc"), None);
    image.apply(&MetadataRecord::RemoveTopic { topic_id: Uuid::from_u128(1) }).unwrap();
    assert_eq!(image.topic_colliding_with("a_b.c"), None);
}

#[test]
fn partitions_have_no_gaps() {
    let mut image = MetadataImage::new();
    image.apply(&topic("t", 1)).unwrap();
    let at = |partition| MetadataRecord::Partition {
        topic_id: Uuid::from_u128(1),
        partition,
        state: PartitionImage::default(),
    };
    let unknown = |partition| Err(ApplyError::UnknownPartition { topic: "t".to_owned(), partition });
    assert_eq!(image.apply(&at(1)), unknown(1));
    assert_eq!(image.apply(&at(-1)), unknown(-1));
    image.apply(&at(0)).unwrap();
    image.apply(&at(1)).unwrap();
    image.apply(&at(0)).unwrap();
    assert_eq!(image.partition_count(), 2);
}

#[test]
fn e7_a_brokers_epoch_is_the_index_of_its_registration() {
    let mut image = MetadataImage::new();
    image.begin_entry(41, 3);
    let broker = BrokerImage {
        id: 0,
        epoch: EPOCH_OF_ENTRY,
        incarnation: Uuid::from_u128(1),
        endpoints: Vec::new(),
        rack: None,
        fenced: true,
        in_controlled_shutdown: false,
        log_dirs: Vec::new(),
    };
    image.apply(&MetadataRecord::RegisterBroker(broker)).unwrap();
    assert_eq!(image.broker(0).map(|broker| broker.epoch), Some(41));
    let fence = |broker_epoch| MetadataRecord::BrokerChange {
        broker_id: 0,
        broker_epoch,
        fenced: Some(false),
        in_controlled_shutdown: None,
        log_dirs: None,
    };
    assert_eq!(image.apply(&fence(40)), Err(ApplyError::UnknownBroker { broker_id: 0, broker_epoch: 40 }));
    assert_eq!(image.live_brokers().count(), 0);
    image.apply(&fence(41)).unwrap();
    assert_eq!(image.live_brokers().count(), 1);
}

#[test]
fn the_clusters_id_is_written_once() {
    let mut image = MetadataImage::new();
    let id = |id: &str| MetadataRecord::ClusterId { cluster_id: id.to_owned() };
    image.apply(&id("a")).unwrap();
    image.apply(&id("a")).unwrap();
    assert_eq!(image.apply(&id("b")), Err(ApplyError::ClusterIdKnown("a".to_owned())));
}

/// Counts what images share: a topic's reference count is the number of tree leaves, over all images alive, that hold
/// it. A thousand images without sharing would hold each of 50,000 topics a thousand times.
#[test]
fn fifty_thousand_topics_one_an_entry_share_their_structure() {
    const TOPICS: u128 = 50_000;
    const IMAGES: u128 = 1_000;
    let mut image = MetadataImage::new();
    let mut moments = Vec::new();
    for n in 0..TOPICS {
        image.begin_entry(n as i64, 1);
        // Spread over the names, so that every entry meets another part of the tree.
        image.apply(&topic(&format!("topic-{:05}", n * 7919 % TOPICS), n + 1)).unwrap();
        let state = PartitionImage { replicas: vec![1], isr: vec![1], leader: 1, ..PartitionImage::default() };
        image.apply(&MetadataRecord::Partition { topic_id: Uuid::from_u128(n + 1), partition: 0, state }).unwrap();
        if n >= TOPICS - IMAGES {
            moments.push(image.clone());
        }
    }
    assert_eq!(image.topic_count() as u128, TOPICS);
    let held: usize = image.topics().map(Arc::strong_count).sum();
    let copied = held as u128 - TOPICS;
    assert!(copied <= IMAGES * 40, "{copied} references were copied for {IMAGES} images");
    assert!(copied >= IMAGES, "the count counts something: {copied}");
    drop(moments);
    assert_eq!(image.topics().map(Arc::strong_count).sum::<usize>() as u128, TOPICS);
}
