//! Following the metadata, stopping, starting.

use super::kit::*;
use crate::ids::{TopicPartition, Uuid};
use crate::metadata::delta::MetadataDelta;
use crate::metadata::image::MetadataImage;
use crate::metadata::partition::PartitionChange;
use crate::metadata::record::MetadataRecord;
use crate::replica::*;
use std::sync::Arc;

fn folders(kit: &Kit, dir: usize) -> Vec<String> {
    let entries = std::fs::read_dir(kit.dir(dir)).unwrap().map(Result::unwrap);
    let folders = entries.filter(|entry| entry.file_type().unwrap().is_dir());
    let mut names: Vec<String> = folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn unknown_partitions_are_told_from_those_elsewhere() {
    let mut kit = Kit::still();
    kit.topic_as("far", topic_id("far"), &[led_by(2, &[2, 3], &[2, 3])], &[]);
    kit.topic("near", &[]);
    let error = |topic, partition| kit.manager.partition(topic, partition).err();
    assert_eq!(error("none", 0), Some(PartitionError::UnknownTopicOrPartition));
    assert_eq!(error("near", 1), Some(PartitionError::UnknownTopicOrPartition));
    assert_eq!(error("far", 0), Some(PartitionError::NotLeader { leader: 2, leader_epoch: 0 }));
    let by_id = kit.manager.partition_by_id(&topic_id("near"), 0).unwrap();
    assert_eq!(by_id.name(), &TopicPartition::new("near", 0));
    let unknown = kit.manager.partition_by_id(&Uuid::from_u128(1), 0).err();
    assert_eq!(unknown, Some(PartitionError::UnknownTopicOrPartition));
    assert_eq!(folders(&kit, 0), ["near-0"]);
}

#[test]
fn repeating_the_metadata_changes_nothing() {
    let mut kit = Kit::still();
    let partition = kit.topic("t", &[("retention.ms", "5")]);
    kit.append(&partition, ALL).now().unwrap();
    let delta = MetadataDelta::between(&MetadataImage::new(), &kit.image);
    kit.manager.on_metadata(&delta, &kit.image);
    kit.manager.on_metadata(&delta, &kit.image);
    assert!(Arc::ptr_eq(&partition, &kit.manager.partition("t", 0).unwrap()));
    assert_eq!(kit.append(&partition, ALL).now().unwrap().base_offset, 1);
}

#[test]
fn new_partitions_go_where_the_fewest_are() {
    let mut kit = Kit::with(3, false);
    let one = || led_by(ME, &[ME], &[ME]);
    kit.topic_as("a", topic_id("a"), &[one(), one(), one(), one()], &[]);
    kit.topic_as("b", topic_id("b"), &[one(), one()], &[]);
    for dir in 0..3 {
        assert_eq!(folders(&kit, dir).len(), 2, "{:?}", folders(&kit, dir));
    }
    let dirs = kit.manager.log_dirs();
    assert_eq!(dirs.iter().map(|dir| dir.partitions.len()).sum::<usize>(), 6);
    // A directory that the metadata names is taken, however full.
    let mut there = one();
    there.directories = vec![Uuid::from_u128(102)];
    kit.topic_as("c", topic_id("c"), &[there], &[]);
    assert!(folders(&kit, 2).contains(&"c-0".to_owned()));
}

#[test]
fn a_deleted_topic_frees_its_name_at_once() {
    let mut kit = Kit::still();
    let old = kit.topic("t", &[]);
    kit.append(&old, ALL).now().unwrap();
    // Deleted and made anew in one publication.
    let id = Uuid::from_u128(99);
    let remove = MetadataRecord::RemoveTopic { topic_id: topic_id("t") };
    let make = MetadataRecord::Topic { name: "t".to_owned(), topic_id: id };
    let state = led_by(ME, &[ME], &[ME]);
    kit.publish(&[remove, make, MetadataRecord::Partition { topic_id: id, partition: 0, state }]);
    assert_eq!(kit.append(&old, ALL).now(), Err(AppendError::UnknownTopicOrPartition));
    assert_eq!(old.read(&spec(0)).err(), Some(FetchError::UnknownTopicOrPartition));
    let new = kit.manager.partition("t", 0).unwrap();
    assert_eq!(new.topic_id(), &id);
    assert_eq!(kit.append(&new, ALL).now().unwrap().base_offset, 0);
    assert!(kit.manager.partition_by_id(&topic_id("t"), 0).is_err());
    let names = folders(&kit, 0);
    assert_eq!(names.len(), 2);
    assert!(names.contains(&"t-0".to_owned()) && names.iter().any(|name| name.ends_with("-delete")), "{names:?}");
    kit.clock.advance(60_000);
    kit.manager.work();
    assert_eq!(folders(&kit, 0), ["t-0"]);
}

#[test]
fn a_folder_of_an_older_topic_is_renamed_away_at_start() {
    let mut kit = Kit::still();
    let old = kit.topic("t", &[]);
    kit.append(&old, ALL).now().unwrap();
    drop(old);
    // The node did not live to see the topic deleted and made anew.
    let mut image = MetadataImage::new();
    let id = Uuid::from_u128(99);
    image.apply(&MetadataRecord::Topic { name: "t".to_owned(), topic_id: id }).unwrap();
    let state = led_by(ME, &[ME], &[ME]);
    image.apply(&MetadataRecord::Partition { topic_id: id, partition: 0, state }).unwrap();
    kit.image = Arc::new(image);
    kit.crash();
    let new = kit.manager.partition("t", 0).unwrap();
    assert_eq!(new.offsets().log_end_offset, 0);
    assert_eq!(kit.append(&new, ALL).now().unwrap().base_offset, 0);
}

#[test]
fn folders_that_no_metadata_knows_are_left_alone() {
    let mut kit = Kit::still();
    let partition = kit.topic("t", &[]);
    kit.append(&partition, ALL).now().unwrap();
    drop(partition);
    kit.image = Arc::new(MetadataImage::new());
    kit.crash();
    assert_eq!(folders(&kit, 0), ["t-0"]);
    assert!(kit.manager.partitions().is_empty());
}

#[test]
fn settings_are_taken_over_while_running() {
    let mut kit = Kit::still();
    let partition = kit.topic("t", &[]);
    assert_eq!(partition.rules().max_message_bytes, 1_048_588);
    kit.publish(&[config("t", "max.message.bytes", "2000")]);
    assert_eq!(partition.rules().max_message_bytes, 2000);
    let mut record = config("", "message.max.bytes", "5000");
    let MetadataRecord::Config { resource, .. } = &mut record else { unreachable!() };
    resource.resource_type = crate::metadata::configs::ResourceType::Broker;
    let other = kit.topic("u", &[]);
    kit.publish(&[record]);
    assert_eq!((partition.rules().max_message_bytes, other.rules().max_message_bytes), (2000, 5000));
}

#[test]
fn a_moved_partition_leaves() {
    let mut kit = Kit::still();
    let partition = kit.topic("t", &[]);
    let change = PartitionChange {
        replicas: Some(vec![2]),
        directories: Some(vec![Uuid::nil()]),
        isr: Some(vec![2]),
        leader: Some(2),
        ..PartitionChange::default()
    };
    kit.publish(&[MetadataRecord::PartitionChange { topic_id: topic_id("t"), partition: 0, change }]);
    assert!(kit.append(&partition, ALL).now().is_err());
    let error = kit.manager.partition("t", 0).err();
    assert_eq!(error, Some(PartitionError::NotLeader { leader: 2, leader_epoch: 1 }));
    assert!(!folders(&kit, 0).contains(&"t-0".to_owned()));
}

#[test]
fn a_stop_is_clean_and_loses_nothing() {
    for threads in [false, true] {
        let mut kit = Kit::with(1, threads);
        let partition = kit.topic("t", &[]);
        for _ in 0..10 {
            kit.append(&partition, ALL).now().unwrap();
        }
        drop(partition);
        kit.manager.stop();
        assert!(kit.dir(0).join(".kafka_cleanshutdown").exists());
        kit.restart();
        let partition = kit.manager.partition("t", 0).unwrap();
        assert_eq!(partition.offsets().high_watermark, 10);
        assert_eq!(kit.append(&partition, ALL).now().unwrap().base_offset, 10);
        kit.manager.stop();
        assert!(kit.append(&partition, ALL).now().is_err(), "stopped");
    }
}

#[test]
fn c9_without_a_stop_everything_written_is_recovered() {
    let mut kit = Kit::still();
    let one = || led_by(ME, &[ME], &[ME]);
    kit.topic_as("t", topic_id("t"), &[one(), one(), one()], &[]);
    for at in 0..3 {
        let partition = kit.manager.partition("t", at).unwrap();
        for _ in 0..=at {
            kit.append(&partition, ALL).now().unwrap();
        }
    }
    kit.crash();
    for at in 0..3 {
        let partition = kit.manager.partition("t", at).unwrap();
        assert_eq!(partition.offsets().high_watermark, i64::from(at) + 1);
    }
}
