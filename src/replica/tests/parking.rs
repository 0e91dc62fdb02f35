//! Parked fetches.

use super::kit::*;
use crate::metadata::partition::PartitionChange;
use crate::metadata::record::MetadataRecord;
use crate::replica::*;
use std::sync::Arc;
use std::time::Duration;

async fn wait_for_bytes(watched: Vec<Watched>, min_bytes: usize, max_wait_ms: i64) -> Woken {
    Waiter::default().wait(watched, min_bytes, max_wait_ms).await
}

fn watched(partition: &Arc<Partition>, from_offset: i64) -> Watched {
    Watched { partition: partition.clone(), from_offset, isolation: Isolation::ReadUncommitted }
}

async fn settle() {
    for _ in 0..5 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn f12_a_fetch_wakes_once_when_all_partitions_together_have_enough() {
    let mut kit = Kit::still();
    let (a, b) = (kit.topic("a", &[]), kit.topic("b", &[]));
    kit.append(&a, ALL).now().unwrap();
    let size = batch(1).bytes.len();
    // One batch is there, two are missing.
    let fetch = tokio::spawn(wait_for_bytes(vec![watched(&a, 0), watched(&b, 0)], 3 * size, 10_000));
    settle().await;
    assert!(!fetch.is_finished());
    kit.append(&b, ALL).now().unwrap();
    settle().await;
    assert!(!fetch.is_finished(), "two of three");
    kit.append(&a, Acks::Leader).now().unwrap();
    assert_eq!(fetch.await.unwrap(), Woken::Enough);
    assert!(!a.watchers.any() && !b.watchers.any(), "who is gone is not counted for");
}

#[tokio::test(start_paused = true)]
async fn f1_what_is_there_already_is_enough() {
    let mut kit = Kit::still();
    let partition = kit.topic("t", &[]);
    kit.append(&partition, ALL).now().unwrap();
    assert_eq!(wait_for_bytes(vec![watched(&partition, 0)], 1, 10_000).await, Woken::Enough);
    assert_eq!(wait_for_bytes(vec![watched(&partition, 7)], 1, 10_000).await, Woken::Disturbed);
}

#[tokio::test(start_paused = true)]
async fn f1_the_wait_ends_in_time() {
    let mut kit = Kit::still();
    let partition = kit.topic("t", &[]);
    let before = tokio::time::Instant::now();
    assert_eq!(wait_for_bytes(vec![watched(&partition, 0)], 1, 500).await, Woken::Deadline);
    assert_eq!(before.elapsed(), Duration::from_millis(500));
    assert!(!partition.watchers.any());
}

#[tokio::test(start_paused = true)]
async fn f12_uncommitted_bytes_do_not_count() {
    let mut kit = Kit::still();
    kit.topic_as("r", topic_id("r"), &[led_by(ME, &[ME, 2], &[ME, 2])], &[]);
    let partition = kit.manager.partition("r", 0).unwrap();
    let size = batch(1).bytes.len();
    let fetch = tokio::spawn(wait_for_bytes(vec![watched(&partition, 0)], 2 * size, 10_000));
    settle().await;
    for _ in 0..3 {
        kit.append(&partition, Acks::Leader).now().unwrap();
    }
    let fetched = |log_end_offset| FollowerFetch { log_end_offset, log_start_offset: 0, fetched_ms: 0 };
    partition.record_fetch(2, fetched(1));
    settle().await;
    assert!(!fetch.is_finished(), "one batch is committed");
    partition.record_fetch(2, fetched(2));
    assert_eq!(fetch.await.unwrap(), Woken::Enough);
}

#[tokio::test(start_paused = true)]
async fn f12_lost_leadership_wakes() {
    let mut kit = Kit::still();
    let partition = kit.topic("t", &[]);
    let fetch = tokio::spawn(wait_for_bytes(vec![watched(&partition, 0)], 1, 10_000));
    settle().await;
    let change = PartitionChange { leader: Some(-1), ..PartitionChange::default() };
    kit.publish(&[MetadataRecord::PartitionChange { topic_id: topic_id("t"), partition: 0, change }]);
    assert_eq!(fetch.await.unwrap(), Woken::Disturbed);
}

#[tokio::test(start_paused = true)]
async fn f12_a_deleted_topic_wakes() {
    let mut kit = Kit::still();
    let partition = kit.topic("t", &[]);
    let fetch = tokio::spawn(wait_for_bytes(vec![watched(&partition, 0)], 1, 10_000));
    settle().await;
    kit.publish(&[MetadataRecord::RemoveTopic { topic_id: topic_id("t") }]);
    assert_eq!(fetch.await.unwrap(), Woken::Disturbed);
}

#[tokio::test(start_paused = true)]
async fn f12_a_roll_wakes() {
    let mut kit = Kit::still();
    let partition = kit.topic("t", &[("segment.ms", "60000"), ("retention.ms", "-1")]);
    kit.append(&partition, ALL).now().unwrap();
    let fetch = tokio::spawn(wait_for_bytes(vec![watched(&partition, 1)], 1 << 20, 10_000));
    settle().await;
    assert!(!fetch.is_finished());
    kit.clock.advance(300_000);
    kit.manager.work();
    assert_eq!(fetch.await.unwrap(), Woken::Disturbed);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_fetch_leaves_no_trace() {
    let mut kit = Kit::still();
    let partition = kit.topic("t", &[]);
    let fetch = tokio::spawn(wait_for_bytes(vec![watched(&partition, 0)], 1, 10_000));
    settle().await;
    assert!(partition.watchers.any());
    fetch.abort();
    settle().await;
    assert!(!partition.watchers.any());
}
