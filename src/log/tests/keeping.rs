//! Retention, DeleteRecords, truncation, following, faults, flush.

use super::kit::*;
use crate::clock::Now;
use crate::ids::TopicPartition;
use crate::kv::Kv as _;
use crate::log::*;
use crate::record::header::BatchHeader;
use bytes::Bytes;
use std::fs;
use std::sync::atomic::Ordering;

fn fill(log: &mut Log, timestamps: std::ops::Range<i64>) {
    for timestamp in timestamps {
        append(log, &[batch(&[timestamp], &"v".repeat(100))]);
    }
}

fn bases(kit: &Kit) -> Vec<i64> {
    let names = fs::read_dir(kit.folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut bases: Vec<i64> = names.filter_map(|name| name.strip_suffix(".log")?.parse().ok()).collect();
    bases.sort_unstable();
    bases
}

#[test]
fn c1_rolls_by_record_time_less_jitter() {
    let kit = Kit::new();
    let mut log = kit.log(&LogConfig { segment_ms: 100, ..small() });
    for timestamp in [1000, 1100, 1050, 1101, 1102] {
        append(&mut log, &[batch(&[timestamp], "x")]);
    }
    assert_eq!(bases(&kit), [0, 3], "more than segment.ms after the segment's first batch");
    log.reconfigure(LogConfig { segment_ms: 100, segment_jitter_ms: 90, ..small() });
    for timestamp in 1103..1202 {
        append(&mut log, &[batch(&[timestamp], "x")]);
    }
    assert!(bases(&kit).len() > 2, "jitter shortens the time");
}

#[test]
fn c1_rolls_at_a_full_index_and_at_2_31_relative_offsets() {
    let kit = Kit::new();
    let mut log = kit.log(&LogConfig { segment_bytes: 1 << 20, segment_index_bytes: 80, ..small() });
    fill(&mut log, 0..40);
    let segments = bases(&kit).len();
    assert!((2..8).contains(&segments), "{segments} segments of ten index entries each");
    let kit = Kit::new();
    let mut log = kit.log(&LogConfig { segment_bytes: 1 << 20, ..small() });
    fill(&mut log, 0..2);
    let mut far = read_all(&log.reader(), 1000)[0].1.clone();
    far[..8].copy_from_slice(&(1_i64 << 31).to_be_bytes());
    log.append_as_follower(Bytes::from(far), at(0)).unwrap();
    assert_eq!(bases(&kit), [0, 2], "the last offset is just within reach of the new segment");
    assert_eq!(log.log_end_offset(), (1 << 31) + 1);
    assert_eq!(read_all(&log.reader(), 1000).len(), 3);
}

#[test]
fn c1_an_old_segment_is_rolled_by_the_timer() {
    let kit = Kit::new();
    let mut log = kit.log(&small());
    fill(&mut log, 10..11);
    assert!(!log.roll_if_due(at(small().segment_ms)).unwrap());
    assert!(log.roll_if_due(at(small().segment_ms + 6000)).unwrap());
    assert_eq!(bases(&kit), [0, 1]);
    assert!(!log.roll_if_due(at(small().segment_ms * 9)).unwrap(), "an empty one is not");
}

#[test]
fn c2_time_retention_goes_by_the_largest_timestamp() {
    let kit = Kit::new();
    let mut log = kit.log(&LogConfig { retention_ms: 1000, ..small() });
    fill(&mut log, 0..20);
    append(&mut log, &[batch(&[900_000], "from the future")]);
    fill(&mut log, 21..40);
    let before = bases(&kit);
    let end = log.log_end_offset();
    assert_eq!(log.apply_retention(at(1000), end).unwrap().segments, 0);
    assert_eq!(log.apply_retention(at(5000), before[1] - 1).unwrap().segments, 0, "not beyond the high watermark");
    let freed = log.apply_retention(at(5000), end).unwrap();
    let holder = *before.iter().rev().find(|base| **base <= 20).unwrap();
    assert_eq!(freed.log_start_offset, holder, "a timestamp in the future keeps its segment");
    assert_eq!(bases(&kit)[0], holder);
    assert!(matches!(log.reader().read(0, 10, end, true), Err(ReadError::OffsetOutOfRange { .. })));
    assert_eq!(kit.dir.run_deletions(at(5009)), 0, "file.delete.delay.ms");
    assert_eq!(kit.dir.run_deletions(at(5010)), freed.segments);
}

#[test]
fn c2_the_active_segment_is_rolled_and_deleted() {
    let mut kit = Kit::new();
    let mut log = kit.log(&LogConfig { retention_ms: 1000, ..small() });
    fill(&mut log, 0..20);
    let freed = log.apply_retention(at(5000), 20).unwrap();
    assert_eq!((freed.log_start_offset, log.log_end_offset()), (20, 20));
    assert_eq!(bases(&kit), [20]);
    assert_eq!(log.apply_retention(at(9000), 20).unwrap().segments, 0, "an empty one stays");
    drop(log);
    kit.crash();
    let log = kit.log(&small());
    assert_eq!((log.log_start_offset(), log.log_end_offset()), (20, 20), "offsets are not used again");
}

#[test]
fn c2_c3_size_retention_keeps_at_least_its_bytes() {
    let kit = Kit::new();
    let mut log = kit.log(&small());
    fill(&mut log, 0..40);
    let total = log.reader().size_bytes().unwrap();
    log.reconfigure(LogConfig { retention_bytes: 2500, cleanup: Cleanup { delete: false, compact: true }, ..small() });
    assert_eq!(log.apply_retention(at(0), 40).unwrap().segments, 0, "c3: only with cleanup.policy=delete");
    log.reconfigure(LogConfig { retention_bytes: 2500, ..small() });
    let freed = log.apply_retention(at(0), 40).unwrap();
    let left = log.reader().size_bytes().unwrap();
    assert_eq!(left, total - freed.bytes);
    assert!((2500..3500).contains(&left), "{left}");
}

#[test]
fn l5_c3_d29_delete_records_moves_the_start_and_it_survives() {
    let mut kit = Kit::new();
    let keep = LogConfig { cleanup: Cleanup { delete: false, compact: false }, ..small() };
    let mut log = kit.log(&keep);
    fill(&mut log, 0..30);
    let before = bases(&kit);
    assert!(log.delete_records_before(31).is_err());
    assert!(log.delete_records_before(-1).is_err());
    assert_eq!(log.delete_records_before(before[2] + 1).unwrap(), before[2] + 1);
    assert_eq!(log.delete_records_before(3).unwrap(), before[2] + 1, "never back");
    assert_eq!(bases(&kit), before);
    assert_eq!(log.apply_retention(at(0), 30).unwrap().segments, 2);
    drop(log);
    kit.crash();
    let log = kit.log(&keep);
    assert_eq!(log.log_start_offset(), before[2] + 1);
    let read = log.reader().read(before[2] + 1, 1, 30, true).unwrap();
    assert_eq!(BatchHeader::parse(&bytes(&read)).unwrap().base_offset, before[2] + 1);
}

#[test]
fn followers_take_the_leaders_bytes_as_they_are() {
    let (leader_kit, follower_kit) = (Kit::new(), Kit::new());
    let mut leader = leader_kit.log(&small());
    let mut follower = follower_kit.log(&small());
    leader.assign_epoch(2, 0).unwrap();
    for n in 0..30 {
        let one = sequenced(5, 0, n, 1);
        let group = [AppendBatch { batch: &one, origin: AppendOrigin::Client(None) }];
        leader.append_as_leader(&group, 2 + n / 10, at(0), &mut Vec::new()).unwrap();
    }
    let all: Vec<u8> = read_all(&leader.reader(), 1 << 20).into_iter().flat_map(|(_, bytes)| bytes).collect();
    let cut = all.len() - 5;
    let done = follower.append_as_follower(Bytes::from(all[..cut].to_vec()), at(0)).unwrap();
    assert_eq!((done.log_end_offset, done.batches), (29, 29), "a batch that is cut off is left out");
    let rest = Bytes::from(all[done.bytes..].to_vec());
    follower.append_as_follower(rest.clone(), at(0)).unwrap();
    assert!(matches!(follower.append_as_follower(rest, at(0)), Err(LogError::NotContiguous(_))));
    assert_eq!(read_all(&follower.reader(), 300), read_all(&leader.reader(), 300));
    assert_eq!(follower.reader().end_offset_for_epoch(3).unwrap(), (3, 20));
    assert_eq!(follower.reader().producers().unwrap(), leader.reader().producers().unwrap());
    let mut bad = all[..200].to_vec();
    bad[..8].copy_from_slice(&30_i64.to_be_bytes());
    bad[65] ^= 1;
    assert!(matches!(follower.append_as_follower(Bytes::from(bad), at(0)), Err(LogError::Corrupt(_))));
    assert_eq!(follower.log_end_offset(), 30);
}

#[test]
fn truncation_forgets_epochs_and_producers_beyond_it() {
    let mut kit = Kit::new();
    let mut log = kit.log(&small());
    for n in 0..30 {
        let one = sequenced(5, 0, n, 1);
        let group = [AppendBatch { batch: &one, origin: AppendOrigin::Client(None) }];
        log.append_as_leader(&group, n / 10, at(0), &mut Vec::new()).unwrap();
    }
    kit.dir.flush(at(0)).unwrap();
    assert_eq!(log.reader().flushed_offset(), 30);
    assert!(log.truncate_to(15, at(0)).unwrap());
    assert!(!log.truncate_to(15, at(0)).unwrap());
    let points = fs::read_to_string(kit.root.path().join(checkpoints::RECOVERY_POINTS)).unwrap();
    assert_eq!(points, "0\n1\nt 0 15\n", "lowered before anything is removed");
    assert_eq!((log.log_end_offset(), log.reader().flushed_offset()), (15, 15));
    assert_eq!(log.reader().end_offset_for_epoch(1).unwrap(), (1, 15));
    assert!(try_append(&mut log, &[batch(&[1], "x")], &mut Vec::new()).is_err(), "epoch 0 after epoch 1");
    let one = sequenced(5, 1, 0, 1);
    let mut out = Vec::new();
    log.append_as_leader(&[AppendBatch { batch: &one, origin: AppendOrigin::Client(None) }], 1, at(0), &mut out)
        .unwrap();
    assert_eq!(out[0].as_ref().unwrap().base_offset, 15);
    drop(log);
    kit.crash();
    let mut log = kit.log(&small());
    assert_eq!(log.log_end_offset(), 16);
    let producers = log.reader().producers().unwrap();
    assert_eq!((producers[0].1.epoch, producers[0].1.window.len()), (1, 1), "what was cut off is forgotten");
    log.truncate_fully_and_start_at(100, at(0)).unwrap();
    assert_eq!((log.log_start_offset(), log.log_end_offset()), (100, 100));
    fill(&mut log, 0..3);
    drop(log);
    kit.crash();
    let log = kit.log(&small());
    assert_eq!((log.log_start_offset(), log.log_end_offset()), (100, 103));
    assert_eq!(bases(&kit), [100]);
}

#[test]
fn d34_a_full_disk_refuses_writes_until_there_is_room() {
    let mut kit = Kit::new();
    let mut log = kit.log(&small());
    append(&mut log, &[sequenced(5, 0, 0, 1)]);
    let before = read_all(&log.reader(), 1000);
    kit.counts.write_errno.store(28, Ordering::Relaxed);
    let mut out = Vec::new();
    let refused = try_append(&mut log, &[sequenced(5, 0, 1, 1), sequenced(6, 0, 0, 1)], &mut out);
    assert_eq!((refused, out.len()), (Err(LogError::Full), 0));
    assert_eq!(kit.dir.state(), DirState::Full);
    assert_eq!(read_all(&log.reader(), 1000), before, "reads go on");
    assert_eq!(log.reader().producers().unwrap().len(), 1, "as if nothing had come");
    kit.counts.write_errno.store(0, Ordering::Relaxed);
    assert_eq!(append(&mut log, &[sequenced(5, 0, 1, 1)])[0].as_ref().unwrap().base_offset, 1);
    assert_eq!(kit.dir.state(), DirState::Online);
    let before = read_all(&log.reader(), 1000);
    drop(log);
    kit.crash();
    assert_eq!(read_all(&kit.log(&small()).reader(), 1000), before, "no rest of the torn write is left");
}

#[test]
fn d34_a_failed_write_or_sync_takes_the_directory_offline_for_good() {
    for in_sync in [false, true] {
        let kit = Kit::new();
        let mut log = kit.log(&small());
        fill(&mut log, 0..3);
        let errno = if in_sync { &kit.counts.sync_errno } else { &kit.counts.write_errno };
        errno.store(5, Ordering::Relaxed);
        let failed =
            if in_sync { kit.dir.flush(at(0)) } else { try_append(&mut log, &[batch(&[1], "x")], &mut Vec::new()) };
        assert!(matches!(failed, Err(LogError::Offline(_))));
        errno.store(0, Ordering::Relaxed);
        assert_eq!(kit.dir.state(), DirState::Offline);
        let syncs = kit.counts.syncs.load(Ordering::Relaxed);
        assert!(matches!(kit.dir.flush(at(0)), Err(LogError::Offline(_))));
        assert_eq!(kit.counts.syncs.load(Ordering::Relaxed), syncs, "never a second sync as if it were clean");
        assert!(try_append(&mut log, &[batch(&[1], "x")], &mut Vec::new()).is_err());
        assert!(log.close().is_err());
        assert!(kit.dir.close_clean().is_err());
        assert_eq!(log.log_end_offset(), 3);
    }
}

#[test]
fn flush_is_due_by_bytes_and_by_age() {
    let kit = Kit::new();
    let mut log = kit.log(&LogConfig { flush_messages: 3, ..small() });
    assert!(!kit.dir.flush_due(at(1 << 40)));
    fill(&mut log, 0..2);
    assert!(!kit.dir.flush_due(at(64_999)) && kit.dir.flush_due(at(65_000)));
    assert!(!log.reader().flush_due(at(5000)));
    fill(&mut log, 0..1);
    assert!(log.reader().flush_due(at(5000)), "flush.messages");
    assert_eq!(log.reader().flush().unwrap(), 3);
    assert_eq!(log.reader().flushed_offset(), 3);
    kit.dir.flush(at(65_000)).unwrap();
    assert!(!kit.dir.flush_due(at(1 << 40)));
    let points = fs::read_to_string(kit.root.path().join(checkpoints::RECOVERY_POINTS)).unwrap();
    assert_eq!(points, "0\n1\nt 0 3\n");
}

#[test]
fn an_idle_log_costs_a_stop_no_sync() {
    let kit = Kit::new();
    let syncs = || {
        let counts = &kit.counts;
        counts.syncs.load(Ordering::Relaxed) + counts.dir_syncs.load(Ordering::Relaxed)
    };
    for (name, records, at_stop) in [("idle", 0, 0), ("used", 1, 2)] {
        let mut log = kit.dir.open_log(&TopicPartition::new(name, 0), TOPIC_ID, small(), at(0)).unwrap();
        let opened = syncs();
        fill(&mut log, 0..records);
        log.close().unwrap();
        assert_eq!(syncs() - opened, at_stop, "{name}: a file and the folder that names it, or neither");
    }
}

#[test]
fn room_is_reserved_in_steps_and_given_back() {
    use std::os::unix::fs::MetadataExt;
    let kit = Kit::new();
    let mut log = kit.log(&LogConfig::default());
    let value = "x".repeat(60_000);
    append(&mut log, &[batch(&[1], &value)]);
    let file = kit.folder().join("00000000000000000000.log");
    assert!(fs::metadata(&file).unwrap().blocks() * 512 < 128 << 10, "a small log reserves nothing");
    for _ in 0..10 {
        append(&mut log, &[batch(&[1], &value)]);
    }
    let length = fs::metadata(&file).unwrap().len();
    let reserved = fs::metadata(&file).unwrap().blocks() * 512;
    assert!(reserved >= length && reserved < length + (2 << 20), "{reserved} for {length}");
    log.close().unwrap();
    assert!(fs::metadata(&file).unwrap().blocks() * 512 <= length + 4096);
}

#[test]
fn the_tail_cache_is_bounded_and_released() {
    let kit = Kit::with_tail(1_000_000);
    let mut log = kit.log(&LogConfig::default());
    let reader = log.reader();
    let cache = kit.dir.tail_cache.clone();
    append(&mut log, &[batch(&[1], "nobody reads: nothing is kept")]);
    assert_eq!(cache.used_bytes(), 0);
    reader.read(1, 10, 1, true).unwrap();
    for n in 0..100 {
        append(&mut log, &[batch(&[n], &"x".repeat(if n % 2 == 0 { 5000 } else { 70_000 }))]);
        assert!(cache.used_bytes() <= 1_000_000);
    }
    assert!(cache.used_bytes() > 30_000);
    let tail = reader.read(100, 1 << 20, 101, true).unwrap();
    assert!(tail.pieces.iter().all(|piece| matches!(piece, Piece::Bytes(_))));
    assert_eq!(read_all(&reader, 1 << 20).len(), 101, "cache and file are one log");
    cache.release_idle();
    assert!(cache.used_bytes() > 0, "read lately");
    cache.release_idle();
    assert_eq!(cache.used_bytes(), 0);
    append(&mut log, &[batch(&[1], "x")]);
    assert_eq!(cache.used_bytes(), 0, "and not wanted any more");
}

#[test]
fn clean_logs_open_without_files_or_database() {
    let mut kit = Kit::new();
    let partitions: Vec<_> = (0..200).map(|n| crate::ids::TopicPartition::new("many", n)).collect();
    for partition in &partitions {
        let mut log = kit.dir.open_log(partition, TOPIC_ID, small(), Now::default()).unwrap();
        append(&mut log, &[batch(&[1], "x")]);
        log.close().unwrap();
    }
    kit.restart();
    let opens = kit.counts.opens.load(Ordering::Relaxed);
    let calls = kit.kv.calls.load(Ordering::Relaxed);
    for partition in &partitions {
        let log = kit.dir.open_log(partition, TOPIC_ID, small(), Now::default()).unwrap();
        assert_eq!(log.log_end_offset(), 1);
    }
    assert_eq!(kit.counts.opens.load(Ordering::Relaxed), opens);
    assert_eq!(kit.kv.calls.load(Ordering::Relaxed), calls);
    kit.kv.inner.flush().unwrap();
}
