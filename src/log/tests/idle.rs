//! Logs that have not changed since their last flush: a crash costs them nothing, and every change is noticed.

use super::kit::*;
use crate::ids::{TopicPartition, Uuid};
use crate::log::checkpoints::LEADER_EPOCHS;
use crate::log::keys::{self, Summary};
use crate::log::*;
use crate::record::header::BatchHeader;
use std::fs;
use std::sync::atomic::Ordering;

fn headers(log: &Log) -> Vec<BatchHeader> {
    read_all(&log.reader(), 1 << 20).into_iter().map(|(header, _)| header).collect()
}

/// A few segments, flushed.
fn flushed(kit: &Kit) -> Log {
    let mut log = kit.log(&small());
    for n in 0..24_i64 {
        append(&mut log, &[batch(&[1000 + n], &"v".repeat(50)), sequenced(4, 0, n as i32, 1)]);
    }
    kit.dir.flush(at(0)).unwrap();
    log
}

/// Opens the log after a crash; whether a file was opened for it.
fn reopened(kit: &Kit) -> (Log, bool) {
    let before = kit.counts.opens.load(Ordering::Relaxed);
    let log = kit.log(&small());
    (log, kit.counts.opens.load(Ordering::Relaxed) > before)
}

#[test]
fn c9_a_crash_costs_an_unchanged_log_no_look_into_its_files() {
    let mut kit = Kit::new();
    let log = flushed(&kit);
    let whole = headers(&log);
    drop(log);
    // The second crash finds what the first start has left.
    for _ in 0..2 {
        kit.crash();
        let (log, looked) = reopened(&kit);
        assert!(!looked);
        assert_eq!((log.log_end_offset(), log.reader().flushed_offset()), (48, 48));
        drop(log);
    }
    kit.crash();
    let (mut log, _) = reopened(&kit);
    assert_eq!(headers(&log), whole);
    let repeated = append(&mut log, &[sequenced(4, 0, 23, 1)]);
    assert!(repeated[0].as_ref().unwrap().duplicate, "its producers are known");
    assert!(append(&mut log, &[sequenced(4, 0, 30, 1)])[0].is_err());
    assert_eq!(append(&mut log, &[sequenced(4, 0, 24, 1)])[0].as_ref().unwrap().base_offset, 48);
    log.close().unwrap();
    drop(log);
    kit.restart();
    assert_eq!(kit.log(&small()).log_end_offset(), 49);
}

#[test]
fn c9_a_clean_stop_after_a_crash_without_a_change() {
    let mut kit = Kit::new();
    drop(flushed(&kit));
    kit.crash();
    let (mut log, _) = reopened(&kit);
    log.close().unwrap();
    drop(log);
    kit.restart();
    let (log, looked) = reopened(&kit);
    assert!(!looked);
    assert_eq!(log.log_end_offset(), 48);
    drop(log);
    kit.crash();
    assert!(!reopened(&kit).1, "what a clean stop has left holds after a crash, too");
}

#[test]
fn c9_every_change_since_the_flush_is_noticed() {
    type Change = fn(&mut Log);
    let changes: [(&str, Change, i64, i64); 4] = [
        ("appended", |log| drop(append(log, &[batch(&[9], "new")])), 0, 49),
        ("rolled", |log| (0..20).for_each(|_| drop(append(log, &[batch(&[9], &"v".repeat(90))]))), 0, 68),
        ("truncated", |log| assert!(log.truncate_to(40, at(0)).unwrap()), 0, 40),
        ("moved", |log| assert_eq!(log.delete_records_before(7), Ok(7)), 7, 48),
    ];
    for (name, change, start, end) in changes {
        let mut kit = Kit::new();
        let mut log = flushed(&kit);
        change(&mut log);
        let whole = headers(&log);
        drop(log);
        kit.crash();
        let (log, looked) = reopened(&kit);
        assert!(looked, "{name}");
        assert_eq!((log.log_start_offset(), log.log_end_offset()), (start, end), "{name}");
        assert_eq!(headers(&log), whole, "{name}");
    }
}

#[test]
fn c9_a_log_that_was_cut_and_grew_to_its_old_length_is_recovered() {
    let mut kit = Kit::new();
    let mut log = flushed(&kit);
    let before = headers(&log);
    log.truncate_to(46, at(0)).unwrap();
    append(&mut log, &[batch(&[5000], &"w".repeat(50)), sequenced(4, 0, 23, 1)]);
    let whole = headers(&log);
    assert_eq!(whole.len(), before.len());
    assert_ne!(whole, before);
    drop(log);
    kit.crash();
    let (log, looked) = reopened(&kit);
    assert!(looked);
    assert_eq!(headers(&log), whole);
}

#[test]
fn c9_names_that_are_no_segments_and_missing_ones_are_looked_at() {
    for damage in
        ["00000000000000000000.log.swap", "00000000000000000000.log.deleted", LEADER_EPOCHS, "the last segment"]
    {
        let mut kit = Kit::new();
        let log = flushed(&kit);
        let end = log.log_end_offset();
        drop(log);
        match damage {
            LEADER_EPOCHS => fs::remove_file(kit.folder().join(damage)).unwrap(),
            "the last segment" => {
                let mut names: Vec<_> =
                    fs::read_dir(kit.folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
                names.retain(|path| path.extension().is_some_and(|end| end == "log"));
                fs::remove_file(names.iter().max().unwrap()).unwrap();
            }
            leftover => fs::write(kit.folder().join(leftover), b"").unwrap(),
        }
        kit.crash();
        let (log, looked) = reopened(&kit);
        assert!(looked, "{damage}");
        assert_eq!(log.log_end_offset() == end, damage != "the last segment", "{damage}");
    }
}

#[test]
fn c9_a_lost_index_is_noticed() {
    let mut kit = Kit::new();
    let log = flushed(&kit);
    let whole = headers(&log);
    drop(log);
    kit.lose_index();
    kit.start();
    let (log, looked) = reopened(&kit);
    assert!(looked);
    assert_eq!(headers(&log), whole);
}

#[test]
fn c9_x12_an_open_transaction_stays_open() {
    let mut kit = Kit::new();
    let mut log = kit.log(&small());
    append(&mut log, &[batch(&[1], "before"), transactional(1, 0, 0)]);
    kit.dir.flush(at(0)).unwrap();
    drop(log);
    kit.crash();
    let (mut log, looked) = reopened(&kit);
    assert!(!looked);
    assert_eq!(log.reader().first_unstable_offset(), 1);
    append(&mut log, &[transactional(1, 0, 1)]);
    assert_eq!(log.reader().first_unstable_offset(), 1);
}

#[test]
fn a_summary_of_another_topic_says_nothing_of_a_folder() {
    let mut kit = Kit::new();
    drop(flushed(&kit));
    let other = Uuid::from_u128(99);
    let stale = Summary { log_end_offset: 5, ..Summary::empty(other, 0) };
    let mut batch = crate::kv::Batch::new();
    batch.put(keys::SUMMARIES, keys::folder_name(&partition()), stale.encode());
    crate::kv::Kv::write(&*kit.kv, batch, crate::kv::Durability::UntilFlush).unwrap();
    kit.start();
    assert_eq!(kit.found[0].topic_id, Some(TOPIC_ID), "the folder tells, not the summary");
    assert_eq!(kit.log(&small()).log_end_offset(), 48);
}

#[test]
fn new_folders_are_made_together_and_are_as_durable_as_each_by_itself() {
    const LOGS: i32 = 300;
    let mut kit = Kit::new();
    let logs: Vec<_> = (0..LOGS).map(|at| (TopicPartition::new("many", at), TOPIC_ID)).collect();
    kit.dir.make_folders(&logs[..200]).unwrap();
    let (syncs, dir_syncs) = (kit.counts.syncs.load(Ordering::Relaxed), kit.counts.dir_syncs.load(Ordering::Relaxed));
    assert_eq!((syncs, dir_syncs), (200, 202), "each file, each folder, and the directory once for 128 of them");
    // Those that are there are left as they are.
    kit.dir.make_folders(&logs).unwrap();
    assert_eq!(kit.counts.syncs.load(Ordering::Relaxed), 300);
    for (name, topic_id) in &logs {
        let log = kit.dir.open_log(name, *topic_id, small(), at(0)).unwrap();
        assert_eq!((log.log_start_offset(), log.log_end_offset()), (0, 0));
    }
    assert_eq!(kit.counts.syncs.load(Ordering::Relaxed), 300, "opening adds nothing");
    kit.crash();
    assert_eq!(kit.found.len(), 300);
    assert!(kit.found.iter().all(|found| found.topic_id == Some(TOPIC_ID)));
}
