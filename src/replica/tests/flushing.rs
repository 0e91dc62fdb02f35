//! When logs are synced, and what waits for it.

use super::kit::*;
use crate::clock::Clock;
use crate::replica::*;
use std::sync::atomic::Ordering;

#[tokio::test(flavor = "multi_thread")]
async fn with_flush_before_ack_nothing_counts_before_it_is_synced() {
    let mut kit = Kit::running();
    let partition = kit.topic("t", &[("flush.before.ack", "true")]);
    kit.faults.close_sync_gate();
    let acks_one = kit.append(&partition, Acks::Leader).now().unwrap();
    assert_eq!(acks_one.base_offset, 0);
    let waiting = kit.append(&partition, ALL).later();
    eventually("the flusher syncs", || kit.faults.syncs_waiting.load(Ordering::SeqCst) == 1);
    assert_eq!(partition.offsets().log_end_offset, 2);
    assert_eq!(partition.high_watermark(), 0);
    let nothing = partition.read(&spec(0)).unwrap();
    assert_eq!(nothing.length_bytes, 0, "what a power cut could take back is not read");
    kit.faults.open_sync_gate();
    assert_eq!(waiting.await.unwrap().base_offset, 1);
    assert_eq!(partition.high_watermark(), 2);
    assert_eq!(partition.log().flushed_offset(), 2);
}

/// Acknowledged and synced, but behind the last checkpoint: nobody may have to append for it to be read again.
#[test]
fn c9_flush_before_ack_shows_what_was_acknowledged_after_a_crash() {
    let mut kit = Kit::still();
    let partition = kit.topic("t", &[("flush.before.ack", "true")]);
    kit.append(&partition, Acks::Leader).now().unwrap();
    kit.manager.work();
    assert_eq!(partition.high_watermark(), 1);
    drop(partition);
    kit.crash();
    kit.manager.work();
    let partition = kit.manager.partition("t", 0).unwrap();
    assert_eq!(partition.high_watermark(), 1);
    assert!(partition.read(&spec(0)).unwrap().length_bytes > 0);
}

#[test]
fn a_sync_that_a_full_disk_refused_is_tried_again() {
    const ENOSPC: i32 = 28;
    let mut kit = Kit::still();
    let partition = kit.topic("t", &[("flush.before.ack", "true")]);
    kit.append(&partition, Acks::Leader).now().unwrap();
    // The checkpoint of leader epochs finds no room.
    kit.faults.checkpoint_errno.store(ENOSPC, Ordering::SeqCst);
    kit.manager.work();
    assert_eq!(partition.high_watermark(), 0);
    kit.faults.checkpoint_errno.store(0, Ordering::SeqCst);
    kit.clock.advance(1000);
    kit.manager.work();
    assert_eq!(partition.high_watermark(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_sync_serves_all_that_waited_for_it() {
    let mut kit = Kit::running();
    let partition = kit.topic("t", &[("flush.before.ack", "true")]);
    kit.faults.close_sync_gate();
    let first = kit.append(&partition, ALL).later();
    eventually("the flusher syncs", || kit.faults.syncs_waiting.load(Ordering::SeqCst) == 1);
    let before = kit.faults.syncs.load(Ordering::SeqCst);
    let others: Vec<_> = (0..50).map(|_| kit.append(&partition, ALL).later()).collect();
    kit.faults.open_sync_gate();
    first.await.unwrap();
    for other in others {
        other.await.unwrap();
    }
    assert!(kit.faults.syncs.load(Ordering::SeqCst) - before <= 2, "the first, and one for all behind it");
}

#[test]
fn flush_messages_and_flush_ms_ask_for_syncs() {
    let mut kit = Kit::still();
    let counted = kit.topic("counted", &[("flush.messages", "3")]);
    let timed = kit.topic("timed", &[("flush.ms", "500")]);
    let never = kit.topic("never", &[]);
    for _ in 0..2 {
        kit.append(&counted, ALL).now().unwrap();
    }
    kit.append(&timed, ALL).now().unwrap();
    kit.append(&never, ALL).now().unwrap();
    kit.manager.work();
    assert_eq!((counted.log().flushed_offset(), timed.log().flushed_offset()), (0, 0));
    kit.append(&counted, ALL).now().unwrap();
    kit.clock.advance(499);
    kit.manager.work();
    assert_eq!((counted.log().flushed_offset(), timed.log().flushed_offset()), (3, 0));
    kit.clock.advance(1);
    kit.manager.work();
    assert_eq!(timed.log().flushed_offset(), 1);
    assert_eq!(never.log().flushed_offset(), 0);
    // The directory's own flush takes the rest, a minute after the append.
    kit.clock.advance(60_000);
    kit.manager.work();
    assert_eq!(never.log().flushed_offset(), 1);
    let checkpoint = std::fs::read_to_string(kit.dir(0).join("replication-offset-checkpoint")).unwrap();
    assert!(checkpoint.contains("counted 0 3"), "{checkpoint}");
}

#[test]
fn c2_retention_walks_at_its_interval_and_files_go_later() {
    let mut kit = Kit::still();
    let partition = kit.topic("t", &[("retention.ms", "1000"), ("file.delete.delay.ms", "1000")]);
    kit.append(&partition, ALL).now().unwrap();
    kit.clock.advance(299_999);
    kit.manager.work();
    assert_eq!(partition.offsets().log_start_offset, 0);
    kit.clock.advance(1);
    kit.manager.work();
    assert_eq!(partition.offsets().log_start_offset, 1);
    let deleted = || {
        let names = std::fs::read_dir(kit.dir(0).join("t-0")).unwrap();
        names.filter(|name| name.as_ref().unwrap().file_name().to_string_lossy().ends_with(".deleted")).count()
    };
    assert_eq!(deleted(), 1);
    kit.clock.advance(1000);
    kit.manager.work();
    assert_eq!(deleted(), 0);
    assert_eq!(kit.append(&partition, ALL).now().unwrap().base_offset, 1);
}

#[test]
fn i5_idle_producers_are_forgotten_at_the_interval() {
    let mut kit = Kit::still();
    let partition = kit.topic("t", &[]);
    let mut builder = crate::record::build::BatchBuilder::new().producer(7, 0, 0);
    builder.append(1_700_000_000_000, None, Some(b"v"), &[]);
    let batch = builder.build().unwrap();
    partition.append_as_leader(batch, ALL, kit.clock.now()).now().unwrap();
    assert_eq!(partition.log().producers().unwrap().len(), 1);
    kit.clock.advance(24 * 3_600_000 + 600_000);
    kit.manager.work();
    assert_eq!(partition.log().producers().unwrap().len(), 0);
}
