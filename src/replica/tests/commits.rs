//! Leadership, min ISR and the high watermark.

use super::kit::*;
use crate::metadata::partition::PartitionChange;
use crate::metadata::record::MetadataRecord;
use crate::replica::*;

fn replicated(kit: &mut Kit, isr: &[i32], min_isr: &str) -> std::sync::Arc<Partition> {
    kit.topic_as("r", topic_id("r"), &[led_by(ME, &[ME, 2, 3], isr)], &[("min.insync.replicas", min_isr)]);
    kit.manager.partition("r", 0).unwrap()
}

fn change(kit: &mut Kit, change: PartitionChange) {
    let record = MetadataRecord::PartitionChange { topic_id: topic_id("r"), partition: 0, change };
    kit.publish(&[record]);
}

fn fetched(partition: &std::sync::Arc<Partition>, replica: i32, log_end_offset: i64) {
    partition.record_fetch(replica, FollowerFetch { log_end_offset, log_start_offset: 0, fetched_ms: 0 });
}

#[test]
fn p12_min_isr_is_at_most_the_number_of_replicas() {
    let mut kit = Kit::still();
    let partition = kit.topic("t", &[("min.insync.replicas", "2")]);
    kit.append(&partition, ALL).now().unwrap();
}

#[test]
fn p12_too_few_in_sync_refuse_acks_all_before_the_append() {
    let mut kit = Kit::still();
    let partition = replicated(&mut kit, &[ME], "2");
    let refused = kit.append(&partition, ALL).now();
    assert_eq!(refused, Err(AppendError::NotEnoughReplicas { in_sync: 1, needed: 2 }));
    assert_eq!(partition.offsets().log_end_offset, 0);
    // acks=1 does not ask; what it wrote is not committed while replicas are too few (E2).
    kit.append(&partition, Acks::Leader).now().unwrap();
    assert_eq!(partition.offsets().log_end_offset, 1);
    assert_eq!(partition.high_watermark(), 0);
}

#[tokio::test]
async fn e2_the_high_watermark_is_the_least_end_in_the_isr() {
    let mut kit = Kit::still();
    let partition = replicated(&mut kit, &[ME, 2, 3], "2");
    let waiting = kit.append(&partition, ALL).later();
    assert_eq!(partition.high_watermark(), 0, "nobody has fetched yet");
    fetched(&partition, 2, 1);
    assert_eq!(partition.high_watermark(), 0);
    fetched(&partition, 3, 1);
    assert_eq!(partition.high_watermark(), 1);
    assert_eq!(waiting.await.unwrap().base_offset, 0);
    fetched(&partition, 3, 0);
    assert_eq!(partition.high_watermark(), 1, "it never goes back");
    // A follower that leaves the ISR is not waited for any more.
    let waiting = kit.append(&partition, ALL).later();
    fetched(&partition, 2, 2);
    assert_eq!(partition.high_watermark(), 1);
    change(&mut kit, PartitionChange { isr: Some(vec![ME, 2]), ..PartitionChange::default() });
    assert_eq!(partition.high_watermark(), 2);
    waiting.await.unwrap();
}

#[tokio::test]
async fn p12_a_shrunk_isr_after_the_append_is_told() {
    let mut kit = Kit::still();
    let partition = replicated(&mut kit, &[ME, 2], "2");
    let waiting = tokio::spawn(kit.append(&partition, ALL).later());
    tokio::task::yield_now().await;
    fetched(&partition, 2, 1);
    change(&mut kit, PartitionChange { isr: Some(vec![ME]), ..PartitionChange::default() });
    assert_eq!(waiting.await.unwrap(), Err(AppendError::NotEnoughReplicasAfterAppend));
}

#[tokio::test(start_paused = true)]
async fn p12_waiting_ends_with_the_request_s_time() {
    let mut kit = Kit::still();
    let partition = replicated(&mut kit, &[ME, 2], "1");
    let waiting = kit.append(&partition, Acks::All { timeout_ms: 500 }).later();
    let before = tokio::time::Instant::now();
    assert_eq!(waiting.await, Err(AppendError::TimedOut));
    assert_eq!(before.elapsed().as_millis(), 500);
}

#[tokio::test]
async fn p11_lost_leadership_ends_the_wait_and_refuses_appends() {
    let mut kit = Kit::still();
    let partition = replicated(&mut kit, &[ME, 2], "1");
    let waiting = tokio::spawn(kit.append(&partition, ALL).later());
    tokio::task::yield_now().await;
    change(&mut kit, PartitionChange { leader: Some(2), ..PartitionChange::default() });
    assert_eq!(waiting.await.unwrap(), Err(AppendError::NotLeader));
    assert_eq!(kit.append(&partition, ALL).now(), Err(AppendError::NotLeader));
    let refused = kit.manager.partition("r", 0).err();
    assert_eq!(refused, Some(PartitionError::NotLeader { leader: 2, leader_epoch: 1 }));
}

#[test]
fn a_new_leader_writes_its_epoch() {
    let mut kit = Kit::still();
    let partition = replicated(&mut kit, &[ME], "1");
    kit.append(&partition, ALL).now().unwrap();
    change(&mut kit, PartitionChange { leader: Some(ME), ..PartitionChange::default() });
    assert_eq!(partition.leadership().leader_epoch, 1);
    assert_eq!(partition.leadership().epoch_start_offset, 1);
    kit.append(&partition, ALL).now().unwrap();
    assert_eq!(partition.log().epoch_at(0).unwrap(), Some(0));
    assert_eq!(partition.log().epoch_at(1).unwrap(), Some(1));
    // Old news changes nothing.
    assert!(!partition.follow(&led_by(2, &[ME, 2, 3], &[ME, 2])));
    assert!(partition.is_leader());
}
