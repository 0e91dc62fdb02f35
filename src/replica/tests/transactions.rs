//! Transactions at a partition: verification beside a writer, markers, the last stable offset.

use super::kit::*;
use crate::clock::Clock;
use crate::log::AppendRefused;
use crate::record::build::Marker;
use crate::replica::*;
use futures_util::FutureExt;
use std::sync::atomic::Ordering;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

#[test]
fn d17_x6_an_append_that_a_marker_has_overtaken_is_refused() {
    let mut kit = Kit::still();
    let partition = kit.topic("t", &[]);
    let now = kit.clock.now();
    let late = transactional(7, 0, 0);
    let begin = || runtime().block_on(partition.begin_verification(to_verify(&late), now)).unwrap();
    let verification = begin();
    assert!(verification.is_some());
    append_marker(&kit, &partition, 7, 0, Marker::Abort).now().unwrap();
    let refused = Err(AppendError::Refused(AppendRefused::NotVerified { producer_id: 7 }));
    assert_eq!(partition.append_verified(late.clone(), ALL, verification, now).now(), refused);
    assert_eq!(partition.append_as_leader(late.clone(), ALL, now).now(), refused);
    assert_eq!(partition.append_verified(late.clone(), ALL, begin(), now).now().unwrap().base_offset, 1);
    assert_eq!(begin(), None, "it is open");
}

#[test]
fn x6_a_verification_waits_for_a_slow_writer_in_the_queue() {
    let mut kit = Kit::running();
    let partition = kit.topic("t", &[]);
    kit.append(&partition, ALL).now().unwrap();
    kit.faults.close_gate();
    let now = kit.clock.now();
    std::thread::scope(|scope| {
        scope.spawn(|| kit.append(&partition, ALL).now().unwrap());
        eventually("the append writes", || kit.faults.waiting.load(Ordering::SeqCst) == 1);
        let batch = transactional(7, 0, 0);
        let mut begun = Box::pin(partition.begin_verification(to_verify(&batch), now));
        assert!((&mut begun).now_or_never().is_none(), "no thread of the callers waits for a disk");
        kit.faults.open_gate();
        let verification = runtime().block_on(begun).unwrap();
        match partition.append_verified(batch, ALL, verification, now) {
            Append::Done(outcome) => assert_eq!(outcome.unwrap().base_offset, 2),
            Append::Later(later) => assert_eq!(runtime().block_on(later).unwrap().base_offset, 2),
        }
    });
}

#[test]
fn x6_only_a_leader_begins_to_verify() {
    let mut kit = Kit::still();
    kit.topic_as("r", topic_id("r"), &[led_by(2, &[ME, 2], &[ME, 2])], &[]);
    let partition = kit.manager.hosted("r", 0).unwrap();
    let begun = runtime().block_on(partition.begin_verification(to_verify(&transactional(7, 0, 0)), kit.clock.now()));
    assert_eq!(begun, Err(AppendError::NotLeader));
    assert_eq!(append_marker(&kit, &partition, 7, 0, Marker::Abort).now(), Err(AppendError::NotLeader));
}

/// As far as one partition can have it: what has ended is stable again after a crash, whether or not anybody
/// writes to the partition afterwards; what has not ended is not.
#[test]
fn d18_x12_the_stable_offset_does_not_stick_after_a_crash() {
    for is_open in [false, true] {
        let mut kit = Kit::still();
        let partition = kit.topic("t", &[]);
        append_transactional(&kit, &partition, 7, 0).unwrap();
        append_marker(&kit, &partition, 7, 0, Marker::Commit).now().unwrap();
        if is_open {
            append_transactional(&kit, &partition, 8, 0).unwrap();
        }
        drop(partition);
        kit.crash();
        let partition = kit.manager.partition("t", 0).unwrap();
        assert_eq!(partition.high_watermark(), if is_open { 3 } else { 2 });
        assert_eq!(partition.last_stable_offset(), 2);
        if is_open {
            append_marker(&kit, &partition, 8, 0, Marker::Abort).now().unwrap();
            assert_eq!(partition.last_stable_offset(), 4);
        }
    }
}

#[tokio::test]
async fn x12_a_marker_counts_once_it_is_replicated() {
    let mut kit = Kit::still();
    kit.topic_as("r", topic_id("r"), &[led_by(ME, &[ME, 2], &[ME, 2])], &[]);
    let partition = kit.manager.partition("r", 0).unwrap();
    let fetched = |log_end_offset| {
        partition.record_fetch(2, FollowerFetch { log_end_offset, log_start_offset: 0, fetched_ms: 0 });
    };
    let now = kit.clock.now();
    let batch = transactional(7, 0, 0);
    let verification = partition.begin_verification(to_verify(&batch), now).await.unwrap();
    partition.append_verified(batch, Acks::Leader, verification, now).now().unwrap();
    let marker = append_marker(&kit, &partition, 7, 0, Marker::Commit).later();
    fetched(1);
    assert_eq!((partition.high_watermark(), partition.last_stable_offset()), (1, 0));
    fetched(2);
    assert_eq!((partition.high_watermark(), partition.last_stable_offset()), (2, 2));
    assert_eq!(marker.await.unwrap().base_offset, 1);
}

/// No committed reader is woken or served before the marker.
#[tokio::test(start_paused = true)]
async fn d14_x12_f12_a_committed_reader_wakes_for_the_marker() {
    let mut kit = Kit::still();
    let partition = kit.topic("t", &[]);
    let watched = |isolation| [Watched { partition: partition.clone(), from_offset: 0, isolation }];
    append_transactional(&kit, &partition, 7, 0).unwrap();
    let woken = Waiter::default().wait(watched(Isolation::ReadCommitted), 1, 200).await;
    assert_eq!(woken, Woken::Deadline);
    assert_eq!(Waiter::default().wait(watched(Isolation::ReadUncommitted), 1, 200).await, Woken::Enough);
    let committed = FetchSpec { isolation: Isolation::ReadCommitted, ..spec(0) };
    assert_eq!(partition.read(&committed).unwrap().length_bytes, 0);
    let mut waiter = Waiter::default();
    let mut waiting = Box::pin(waiter.wait(watched(Isolation::ReadCommitted), 1, 60_000));
    assert!((&mut waiting).now_or_never().is_none());
    append_marker(&kit, &partition, 7, 0, Marker::Commit).now().unwrap();
    assert_eq!(waiting.await, Woken::Enough);
    let read = partition.read(&committed).unwrap();
    assert_eq!((read.last_stable_offset, read.aborted), (2, Some(Vec::new())));
    assert!(read.length_bytes > 0);
}

#[test]
fn d28_x12_the_latest_committed_offset_is_what_a_reader_reaches() {
    let mut kit = Kit::still();
    let partition = kit.topic("t", &[]);
    let latest = |isolation| partition.list_offset(ListSpec::Latest, isolation, -1).unwrap().offset;
    append_transactional(&kit, &partition, 7, 0).unwrap();
    append_transactional(&kit, &partition, 8, 0).unwrap();
    append_marker(&kit, &partition, 8, 0, Marker::Commit).now().unwrap();
    assert_eq!((latest(Isolation::ReadUncommitted), latest(Isolation::ReadCommitted)), (3, 0));
    let committed = |offset| FetchSpec { isolation: Isolation::ReadCommitted, ..spec(offset) };
    assert_eq!(partition.read(&committed(0)).unwrap().length_bytes, 0);
    append_marker(&kit, &partition, 7, 0, Marker::Abort).now().unwrap();
    assert_eq!(latest(Isolation::ReadCommitted), 4);
    assert_eq!(partition.read(&committed(0)).unwrap().aborted.unwrap().len(), 1);
    assert_eq!(partition.read(&committed(4)).unwrap().length_bytes, 0);
}
