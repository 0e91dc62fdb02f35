//! ListOffsets, OffsetForLeaderEpoch and DeleteRecords at a partition.

use super::kit::*;
use crate::clock::Clock;
use crate::metadata::partition::PartitionChange;
use crate::metadata::record::MetadataRecord;
use crate::record::build::BatchBuilder;
use crate::replica::*;
use std::sync::Arc;

fn filled(times: &[i64]) -> (Kit, Arc<Partition>) {
    let mut kit = Kit::still();
    let partition = kit.topic("t", &[]);
    for time in times {
        let mut builder = BatchBuilder::new();
        builder.append(*time, None, Some(b"v"), &[]);
        partition.append_as_leader(builder.build().unwrap(), ALL, kit.clock.now()).now().unwrap();
    }
    (kit, partition)
}

fn listed(partition: &Partition, timestamp: i64) -> (i64, i64, i32) {
    let spec = ListSpec::from_timestamp(timestamp).unwrap();
    let found = partition.list_offset(spec, Isolation::ReadUncommitted, -1).unwrap();
    (found.offset, found.timestamp, found.leader_epoch)
}

#[test]
fn l1_special_timestamps() {
    let (_kit, partition) = filled(&[100, 300, 200]);
    assert_eq!(listed(&partition, -1), (3, -1, 0));
    assert_eq!(listed(&partition, -2), (0, -1, 0));
    assert_eq!(listed(&partition, -3), (1, 300, 0));
    assert_eq!(listed(&partition, -4), (0, -1, 0));
    assert_eq!(listed(&partition, -5), (-1, -1, -1));
    assert_eq!(listed(&partition, -6), (-1, -1, -1));
    assert_eq!(ListSpec::from_timestamp(-7), None);
}

#[test]
fn l1_times_find_the_first_record_at_or_after() {
    let (_kit, partition) = filled(&[100, 300, 200]);
    assert_eq!(listed(&partition, 0), (0, 100, 0));
    assert_eq!(listed(&partition, 101), (1, 300, 0));
    assert_eq!(listed(&partition, 301), (-1, -1, -1));
}

#[test]
fn l1_an_empty_log_has_ends_and_no_records() {
    let (_kit, partition) = filled(&[]);
    assert_eq!(listed(&partition, -1), (0, -1, 0));
    assert_eq!(listed(&partition, -2), (0, -1, -1));
    assert_eq!(listed(&partition, -3), (-1, -1, -1));
    assert_eq!(listed(&partition, 5), (-1, -1, -1));
}

#[test]
fn l2_just_elected_the_end_is_not_known() {
    let mut kit = Kit::still();
    kit.topic_as("t", topic_id("t"), &[led_by(ME, &[ME, 2], &[ME, 2])], &[]);
    let partition = kit.manager.partition("t", 0).unwrap();
    kit.append(&partition, Acks::Leader).now().unwrap();
    assert_eq!(listed(&partition, -1).0, 0, "in its own epoch the high watermark is right");
    let change = PartitionChange { leader: Some(ME), ..PartitionChange::default() };
    kit.publish(&[MetadataRecord::PartitionChange { topic_id: topic_id("t"), partition: 0, change }]);
    let list = |timestamp| {
        let spec = ListSpec::from_timestamp(timestamp).unwrap();
        partition.list_offset(spec, Isolation::ReadUncommitted, -1)
    };
    assert_eq!(list(-1), Err(ListOffsetError::OffsetNotAvailable));
    assert_eq!(list(0), Err(ListOffsetError::OffsetNotAvailable));
    assert_eq!(list(-2).unwrap().offset, 0);
    partition.record_fetch(2, FollowerFetch { log_end_offset: 1, log_start_offset: 0, fetched_ms: 0 });
    assert_eq!(list(-1).unwrap().offset, 1);
}

#[test]
fn l3_only_the_leader_answers() {
    let mut kit = Kit::still();
    kit.topic_as("r", topic_id("r"), &[led_by(2, &[ME, 2], &[ME, 2])], &[]);
    let partition = kit.manager.hosted("r", 0).unwrap();
    let refused = partition.list_offset(ListSpec::Latest, Isolation::ReadUncommitted, -1);
    assert_eq!(refused, Err(ListOffsetError::Fetch(FetchError::NotLeader)));
}

#[test]
fn l4_epochs_end_where_the_next_one_begins() {
    let (mut kit, partition) = filled(&[1, 2]);
    let change = || PartitionChange { leader: Some(ME), ..PartitionChange::default() };
    let record = || MetadataRecord::PartitionChange { topic_id: topic_id("t"), partition: 0, change: change() };
    kit.publish(&[record(), record()]);
    // The leader's epoch counts before it has a record.
    assert_eq!(partition.end_offset_for_epoch(2, -1), Ok((2, 2)));
    assert_eq!(partition.end_offset_for_epoch(1, -1), Ok((0, 2)));
    kit.append(&partition, ALL).now().unwrap();
    assert_eq!(partition.end_offset_for_epoch(0, -1), Ok((0, 2)));
    assert_eq!(partition.end_offset_for_epoch(1, -1), Ok((0, 2)));
    assert_eq!(partition.end_offset_for_epoch(2, 2), Ok((2, 3)));
    assert_eq!(partition.end_offset_for_epoch(3, -1), Ok((-1, -1)));
    assert_eq!(partition.end_offset_for_epoch(0, 1), Err(FetchError::FencedLeaderEpoch { current: 2 }));
}

#[tokio::test]
async fn l5_delete_records_moves_the_log_start() {
    let (kit, partition) = filled(&[1, 2, 3]);
    assert_eq!(partition.delete_records(2).await, Ok(2));
    assert_eq!(partition.offsets().log_start_offset, 2);
    assert_eq!(partition.delete_records(1).await, Ok(2), "it never goes back");
    assert!(matches!(partition.read(&spec(1)), Err(FetchError::OffsetOutOfRange { .. })));
    let beyond = DeleteRecordsError::OffsetOutOfRange { offset: 4, high_watermark: 3 };
    assert_eq!(partition.delete_records(4).await, Err(beyond));
    assert!(matches!(partition.delete_records(-2).await, Err(DeleteRecordsError::OffsetOutOfRange { .. })));
    assert_eq!(partition.delete_records(-1).await, Ok(3));
    drop(kit);
}

#[tokio::test]
async fn l5_compacted_topics_do_not_lose_records_so() {
    let mut kit = Kit::still();
    let compacted = kit.topic("c", &[("cleanup.policy", "compact")]);
    assert_eq!(compacted.delete_records(-1).await, Err(DeleteRecordsError::PolicyViolation));
    let both = kit.topic("b", &[("cleanup.policy", "compact,delete")]);
    assert_eq!(both.delete_records(-1).await, Ok(0));
}
