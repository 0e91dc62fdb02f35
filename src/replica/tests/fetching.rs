//! F-rules at a partition.

use super::kit::*;
use crate::metadata::partition::PartitionChange;
use crate::metadata::record::MetadataRecord;
use crate::record::build::Marker;
use crate::replica::*;
use std::sync::Arc;

fn kit() -> (Kit, Arc<Partition>) {
    let mut kit = Kit::still();
    let partition = kit.topic("t", &[]);
    (kit, partition)
}

/// The next leader epoch, with the same leader.
fn next_epoch(kit: &mut Kit) {
    let change = PartitionChange { leader: Some(ME), ..PartitionChange::default() };
    kit.publish(&[MetadataRecord::PartitionChange { topic_id: topic_id("t"), partition: 0, change }]);
}

#[test]
fn f3_the_first_batch_comes_whole_only_if_asked() {
    let (kit, partition) = kit();
    kit.append(&partition, ALL).now().unwrap();
    let size = batch(1).bytes.len();
    let read = |min_one_batch| partition.read(&FetchSpec { max_bytes: 10, min_one_batch, ..spec(0) }).unwrap();
    assert_eq!(read(true).length_bytes, size);
    assert!(read(false).length_bytes <= 10);
}

#[test]
fn f4_committed_readers_stop_at_open_transactions_and_hear_of_aborted_ones() {
    let (kit, partition) = kit();
    kit.append(&partition, ALL).now().unwrap();
    assert_eq!(append_transactional(&kit, &partition, 7, 0).unwrap().base_offset, 1);
    kit.append(&partition, ALL).now().unwrap();
    assert_eq!((partition.high_watermark(), partition.last_stable_offset()), (3, 1));
    let committed = FetchSpec { isolation: Isolation::ReadCommitted, ..spec(0) };
    let read = partition.read(&committed).unwrap();
    assert_eq!((read.length_bytes, read.last_stable_offset), (batch(1).bytes.len(), 1));
    assert_eq!(read.aborted, Some(Vec::new()));
    let all = partition.read(&spec(0)).unwrap();
    assert!(all.length_bytes > 2 * batch(1).bytes.len());
    assert_eq!(all.aborted, None);
    append_marker(&kit, &partition, 7, 0, Marker::Abort).now().unwrap();
    assert_eq!((partition.high_watermark(), partition.last_stable_offset()), (4, 4));
    let aborted = partition.read(&committed).unwrap().aborted.unwrap();
    assert_eq!(aborted.len(), 1);
    assert_eq!((aborted[0].producer_id, aborted[0].first_offset), (7, 1));
}

#[test]
fn f5_offsets_outside_of_the_log_are_out_of_range() {
    let (kit, partition) = kit();
    kit.append(&partition, ALL).now().unwrap();
    assert_eq!(partition.read(&spec(1)).unwrap().length_bytes, 0);
    let out = FetchError::OffsetOutOfRange { log_start_offset: 0, high_watermark: 1 };
    assert_eq!(partition.read(&spec(2)).err(), Some(out.clone()));
    assert_eq!(partition.read(&spec(-1)).err(), Some(out));
}

#[test]
fn f5_between_high_watermark_and_log_end_there_is_nothing_and_no_error() {
    let mut kit = Kit::still();
    kit.topic_as("r", topic_id("r"), &[led_by(ME, &[ME, 2], &[ME, 2])], &[]);
    let partition = kit.manager.partition("r", 0).unwrap();
    for _ in 0..3 {
        kit.append(&partition, Acks::Leader).now().unwrap();
    }
    partition.record_fetch(2, FollowerFetch { log_end_offset: 1, log_start_offset: 0, fetched_ms: 0 });
    assert_eq!(partition.read(&spec(0)).unwrap().length_bytes, batch(1).bytes.len());
    for offset in 1..=3 {
        assert_eq!(partition.read(&spec(offset)).unwrap().length_bytes, 0);
    }
}

#[test]
fn f6_a_wrong_leader_epoch_is_fenced_or_unknown() {
    let (mut kit, partition) = kit();
    next_epoch(&mut kit);
    let read = |current_leader_epoch| partition.read(&FetchSpec { current_leader_epoch, ..spec(0) }).err();
    assert_eq!(read(0), Some(FetchError::FencedLeaderEpoch { current: 1 }));
    assert_eq!(read(1), None);
    assert_eq!(read(2), Some(FetchError::UnknownLeaderEpoch { current: 1 }));
    assert_eq!(read(-1), None);
}

#[test]
fn f7_a_diverging_log_is_told_where_it_diverges() {
    let (mut kit, partition) = kit();
    kit.append(&partition, ALL).now().unwrap();
    kit.append(&partition, ALL).now().unwrap();
    next_epoch(&mut kit);
    next_epoch(&mut kit);
    kit.append(&partition, ALL).now().unwrap();
    let read = |offset, last_fetched_epoch| partition.read(&FetchSpec { last_fetched_epoch, ..spec(offset) });
    // In step.
    assert_eq!(read(2, 0).unwrap().diverging_epoch, None);
    assert!(read(2, 0).unwrap().length_bytes > 0);
    // Epoch 0 ends at 2 here.
    let diverged = read(3, 0).unwrap();
    assert_eq!((diverged.diverging_epoch, diverged.length_bytes), (Some((0, 2)), 0));
    // Epoch 1 never was here.
    assert_eq!(read(2, 1).unwrap().diverging_epoch, Some((0, 2)));
    // Beyond the end is a divergence as well, and no more than an offset out of range for who names no epoch.
    assert_eq!(read(9, 0).unwrap().diverging_epoch, Some((0, 2)));
    assert!(matches!(read(9, -1), Err(FetchError::OffsetOutOfRange { .. })));
    // Below the start the range is judged first.
    assert!(matches!(read(-1, 0), Err(FetchError::OffsetOutOfRange { .. })));
}

#[test]
fn f13_a_follower_does_not_answer_consumers() {
    let mut kit = Kit::still();
    kit.topic_as("r", topic_id("r"), &[led_by(2, &[ME, 2], &[ME, 2])], &[]);
    let partition = kit.manager.hosted("r", 0).unwrap();
    assert_eq!(partition.read(&spec(0)).err(), Some(FetchError::NotLeader));
}
