//! The append queue: order, grouping, bounds, panics.

use super::kit::*;
use crate::clock::Clock;
use crate::record::build::BatchBuilder;
use crate::replica::queue::{Next, Place, Waiting, MAX_GROUPS_IN_A_ROW, MAX_QUEUE_BYTES};
use crate::replica::*;
use std::sync::atomic::Ordering;

#[test]
fn p14_an_uncontended_append_is_done_at_once_with_exact_offsets() {
    let mut kit = Kit::still();
    let partition = kit.topic("t", &[]);
    let appended = kit.append(&partition, ALL).now().unwrap();
    assert_eq!((appended.base_offset, appended.last_offset, appended.log_start_offset), (0, 0, 0));
    let appended = partition.append_as_leader(batch(3), Acks::Leader, kit.clock.now()).now().unwrap();
    assert_eq!((appended.base_offset, appended.last_offset), (1, 3));
    assert_eq!(partition.offsets().high_watermark, 4);
}

#[test]
fn p14_a_duplicate_is_answered_with_its_first_offset() {
    let mut kit = Kit::still();
    let partition = kit.topic("t", &[]);
    let idempotent = |sequence| {
        let mut builder = BatchBuilder::new().producer(7, 0, sequence);
        builder.append(1, None, Some(b"v"), &[]);
        builder.build().unwrap()
    };
    let append = |batch| partition.append_as_leader(batch, ALL, kit.clock.now()).now();
    assert_eq!(append(idempotent(0)).unwrap().base_offset, 0);
    assert_eq!(append(idempotent(1)).unwrap().base_offset, 1);
    let again = append(idempotent(0)).unwrap();
    assert_eq!((again.base_offset, again.duplicate), (0, true));
    assert!(matches!(append(idempotent(5)), Err(AppendError::Refused(_))));
    assert_eq!(partition.offsets().log_end_offset, 2);
}

#[test]
fn p14_batches_that_came_together_are_written_with_one_call_and_in_order() {
    let mut kit = Kit::still();
    let partition = kit.topic("t", &[]);
    let writes = || kit.faults.writes.load(Ordering::SeqCst);
    let now = kit.clock.now();
    let burst = Burst::default();
    let before = writes();
    let mut left: Vec<_> =
        (1..=3).map(|count| partition.append_with_next(batch(count), ALL, None, now, &burst).later()).collect();
    assert_eq!((writes(), partition.offsets().log_end_offset), (before, 0), "nothing is written, and nothing answered");
    left.push(partition.append_as_leader(batch(1), Acks::Leader, now).later());
    assert_eq!(writes(), before + 1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let offsets: Vec<i64> = left.into_iter().map(|append| runtime.block_on(append).unwrap().base_offset).collect();
    assert_eq!(offsets, [0, 1, 3, 6], "in the order of the calls, those of the last request behind the others");
    // Somebody else's append goes first or behind, but takes nothing apart; the end of the burst writes the rest.
    let left = partition.append_with_next(batch(1), Acks::None, None, now, &burst).later();
    burst.write();
    assert_eq!((runtime.block_on(left).unwrap().base_offset, writes()), (7, before + 2));
    burst.write();
    assert_eq!(writes(), before + 2, "there is nothing left");
}

#[test]
fn p14_a_burst_that_breaks_off_is_written() {
    let mut kit = Kit::still();
    let partition = kit.topic("t", &[]);
    let burst = Burst::default();
    drop(partition.append_with_next(batch(2), Acks::Leader, None, kit.clock.now(), &burst));
    drop(burst);
    assert_eq!(partition.offsets().log_end_offset, 2);
}

#[test]
fn many_tasks_get_contiguous_offsets_and_each_keeps_its_order() {
    const TASKS: usize = 16;
    const APPENDS: usize = 200;
    let mut kit = Kit::running();
    let partition = kit.topic("t", &[]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap();
    let clock = kit.clock.clone();
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let (partition, clock) = (partition.clone(), clock.clone());
            runtime.spawn(async move {
                // Five in flight, as producers have them: order is that of the calls, not of the answers.
                let mut waiting = Vec::new();
                let mut offsets = Vec::new();
                for at in 0..APPENDS {
                    let acks = [Acks::None, Acks::Leader, ALL][(task + at) % 3];
                    waiting.push(partition.append_as_leader(batch(1 + at % 3), acks, clock.now()));
                    if waiting.len() == 5 {
                        for append in waiting.drain(..) {
                            offsets.push(ended(append).await);
                        }
                        tokio::task::yield_now().await;
                    }
                }
                offsets
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        let offsets = runtime.block_on(task).unwrap();
        assert!(offsets.windows(2).all(|pair| pair[0].1 < pair[1].0), "a submitter's order is kept");
        all.extend(offsets);
    }
    all.sort_unstable();
    assert_eq!(all.len(), TASKS * APPENDS);
    assert_eq!(all[0].0, 0);
    assert!(all.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0), "no gap, no overlap");
    assert_eq!(partition.offsets().high_watermark, all.last().unwrap().1 + 1);
}

async fn ended(append: Append) -> (i64, i64) {
    let appended = match append {
        Append::Done(outcome) => outcome,
        Append::Later(future) => future.await,
    };
    let appended = appended.unwrap();
    (appended.base_offset, appended.last_offset)
}

#[test]
fn i8_batches_left_while_one_is_written_go_out_in_one_write_in_order() {
    let mut kit = Kit::running();
    let partition = kit.topic("t", &[]);
    kit.append(&partition, ALL).now().unwrap();
    kit.faults.close_gate();
    let writes = kit.faults.writes.load(Ordering::SeqCst);
    let later: Vec<AppendFuture> = std::thread::scope(|scope| {
        let first = scope.spawn(|| ended_now(kit.append(&partition, ALL)));
        eventually("the first append writes", || kit.faults.waiting.load(Ordering::SeqCst) == 1);
        // The gate holds a slow write: from here on nobody writes inline, and nobody waits either.
        let later = (0..10).map(|_| kit.append(&partition, Acks::Leader).later()).collect();
        kit.faults.open_gate();
        assert_eq!(first.join().unwrap(), 1);
        later
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    for (at, append) in (2..).zip(later) {
        assert_eq!(runtime.block_on(append).unwrap().base_offset, at);
    }
    assert_eq!(kit.faults.writes.load(Ordering::SeqCst) - writes, 2, "one write for the first, one for all others");
}

fn ended_now(append: Append) -> i64 {
    append.now().unwrap().base_offset
}

#[test]
fn a_full_queue_refuses() {
    let mut kit = Kit::running();
    let partition = kit.topic("t", &[("max.message.bytes", "2000000")]);
    kit.append(&partition, ALL).now().unwrap();
    kit.faults.close_gate();
    let mut builder = BatchBuilder::new();
    builder.append(1, None, Some(&vec![0; 1 << 20]), &[]);
    let large = builder.build().unwrap();
    let fits = MAX_QUEUE_BYTES / large.bytes.len();
    std::thread::scope(|scope| {
        scope.spawn(|| ended_now(kit.append(&partition, ALL)));
        eventually("the first append writes", || kit.faults.waiting.load(Ordering::SeqCst) == 1);
        let waiting: Vec<_> = (0..fits)
            .map(|_| partition.append_as_leader(large.clone(), Acks::Leader, kit.clock.now()).later())
            .collect();
        let refused = partition.append_as_leader(large.clone(), Acks::Leader, kit.clock.now()).now();
        assert_eq!(refused, Err(AppendError::QueueFull));
        kit.faults.open_gate();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        for append in waiting {
            runtime.block_on(append).unwrap();
        }
    });
    assert_eq!(partition.offsets().log_end_offset, 2 + fits as i64);
}

#[test]
fn a_panic_takes_one_partition_offline() {
    let mut kit = Kit::still();
    let broken = kit.topic("broken", &[]);
    let whole = kit.topic("whole", &[]);
    kit.faults.panic.store(true, Ordering::SeqCst);
    assert!(matches!(kit.append(&broken, ALL).now(), Err(AppendError::Storage(_))));
    assert!(matches!(kit.append(&broken, ALL).now(), Err(AppendError::Storage(_))));
    assert_eq!(kit.manager.partition("broken", 0).err(), Some(PartitionError::StorageError));
    kit.append(&whole, ALL).now().unwrap();
    assert_eq!(kit.manager.online_dirs().len(), 1);
}

#[test]
fn a_coordinator_appends_at_once() {
    let mut kit = Kit::running();
    let partition = kit.topic("__consumer_offsets", &[]);
    let appended = partition.append_as_coordinator(batch(2), kit.clock.now()).unwrap();
    assert_eq!(appended.last_offset, 1);
    kit.faults.close_gate();
    std::thread::scope(|scope| {
        let admin = scope.spawn(|| ended_now(kit.append(&partition, Acks::Leader)));
        eventually("the admin's append writes", || kit.faults.waiting.load(Ordering::SeqCst) == 1);
        let coordinator = scope.spawn(|| partition.append_as_coordinator(batch(1), kit.clock.now()));
        kit.faults.open_gate();
        assert_eq!(admin.join().unwrap(), 2);
        assert_eq!(coordinator.join().unwrap().unwrap().base_offset, 3);
    });
}

#[test]
fn no_thread_writes_for_others_without_end() {
    let mut kit = Kit::still();
    let partition = kit.topic("t", &[]);
    let mut queue = partition.queue.lock();
    let mut writing = queue.take_seat();
    queue.push(Waiting::Job(Box::new(|_| {})));
    for (place, groups) in [(Place::Caller, 0), (Place::Background, MAX_GROUPS_IN_A_ROW)] {
        match queue.next(&mut writing, place, groups, false) {
            Next::HandOver(held) => writing = Some(held),
            _ => panic!("kept"),
        }
    }
    assert!(matches!(queue.next(&mut writing, Place::Last, MAX_GROUPS_IN_A_ROW, false), Next::Job(_)));
    assert!(matches!(queue.next(&mut writing, Place::Caller, 0, false), Next::Done));
    drop(queue);
    kit.append(&partition, ALL).now().unwrap();
}
