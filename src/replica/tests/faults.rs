//! Disks that are slow, full, or broken.

use super::kit::*;
use crate::replica::*;
use std::sync::atomic::Ordering;

#[test]
fn a_slow_disk_gets_its_writes_from_its_own_thread() {
    let mut kit = Kit::running();
    let stuck = kit.topic("stuck", &[]);
    let other = kit.topic("other", &[]);
    let lane = other.lane.clone();
    kit.append(&other, ALL).now().unwrap();
    kit.faults.close_gate();
    std::thread::scope(|scope| {
        let inline = scope.spawn(|| kit.append(&stuck, ALL).now().unwrap().base_offset);
        eventually("the watchdog sees the write", || lane.is_slow());
        // A runtime of one thread: the append is handed off, and other work goes on while the disk stands.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let waiting = kit.append(&other, ALL).later();
            let waiting = tokio::spawn(waiting);
            eventually("the I/O thread writes", || kit.faults.waiting.load(Ordering::SeqCst) == 2);
            let metadata = tokio::spawn(async { 42 });
            assert_eq!(metadata.await.unwrap(), 42);
            assert!(!waiting.is_finished());
            kit.faults.open_gate();
            assert_eq!(waiting.await.unwrap().unwrap().base_offset, 1);
        });
        assert_eq!(inline.join().unwrap(), 0);
    });
    eventually("a second without a slow write ends it", || !lane.is_slow());
    kit.append(&other, ALL).now().unwrap();
}

#[test]
fn d34_a_full_disk_refuses_writes_until_there_is_room() {
    const ENOSPC: i32 = 28;
    let mut kit = Kit::still();
    let partition = kit.topic("t", &[]);
    kit.append(&partition, ALL).now().unwrap();
    kit.faults.write_errno.store(ENOSPC, Ordering::SeqCst);
    assert!(matches!(kit.append(&partition, ALL).now(), Err(AppendError::Storage(_))));
    assert_eq!(partition.read(&spec(0)).unwrap().high_watermark, 1);
    assert!(partition.read(&spec(0)).unwrap().length_bytes > 0);
    assert_eq!(kit.manager.online_dirs().len(), 1);
    kit.faults.write_errno.store(0, Ordering::SeqCst);
    assert_eq!(kit.append(&partition, ALL).now().unwrap().base_offset, 1);
}

#[tokio::test]
async fn a_broken_disk_takes_its_directory_offline() {
    const EIO: i32 = 5;
    let mut kit = Kit::still();
    let partition = kit.topic("t", &[]);
    kit.append(&partition, ALL).now().unwrap();
    kit.faults.write_errno.store(EIO, Ordering::SeqCst);
    assert!(matches!(kit.append(&partition, ALL).now(), Err(AppendError::Storage(_))));
    kit.faults.write_errno.store(0, Ordering::SeqCst);
    assert!(matches!(kit.append(&partition, ALL).now(), Err(AppendError::Storage(_))));
    assert!(matches!(partition.read(&spec(0)), Err(FetchError::Storage(_))));
    assert_eq!(kit.manager.partition("t", 0).err(), Some(PartitionError::StorageError));
    assert!(kit.manager.online_dirs().is_empty());
    kit.manager.out_of_directories().await;
    assert!(!kit.manager.log_dirs()[0].online);
    // New partitions have nowhere to go.
    kit.topic_as("u", topic_id("u"), &[led_by(ME, &[ME], &[ME])], &[]);
    assert_eq!(kit.manager.partition("u", 0).err(), Some(PartitionError::StorageError));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sync_fails_who_waits_for_it() {
    const EIO: i32 = 5;
    let mut kit = Kit::running();
    let partition = kit.topic("t", &[("flush.before.ack", "true")]);
    kit.faults.sync_errno.store(EIO, Ordering::SeqCst);
    let waiting = kit.append(&partition, ALL).later();
    assert!(matches!(waiting.await, Err(AppendError::Storage(_))));
    assert_eq!(partition.high_watermark(), 0);
}
