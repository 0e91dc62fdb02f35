//! What a stop, clean or not, leaves and what the next start makes of it.

use super::kit::*;
use crate::clock::Now;
use crate::log::segment::file_name;
use crate::log::*;
use crate::record::header::BatchHeader;
use proptest::prelude::*;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

fn segment_files(kit: &Kit) -> Vec<PathBuf> {
    let names = fs::read_dir(kit.folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = names.filter(|path| path.extension().is_some_and(|end| end == "log")).collect();
    files.sort();
    files
}

/// Three segments and a few batches of different sizes in the last one.
fn fill(log: &mut Log) {
    for n in 0..24_i64 {
        let value = "v".repeat(20 + (n as usize * 7) % 60);
        append(log, &[batch(&[1000 + n, 1000 - n], &value), sequenced(4, 0, n as i32, 1)]);
    }
}

fn headers(log: &Log) -> Vec<BatchHeader> {
    read_all(&log.reader(), 1 << 20).into_iter().map(|(header, _)| header).collect()
}

#[test]
fn c9_d5_a_cut_at_every_byte_of_the_last_segment() {
    let mut kit = Kit::new();
    let mut log = kit.log(&small());
    fill(&mut log);
    let whole = headers(&log);
    drop(log);
    let files = segment_files(&kit);
    let last = files.last().unwrap().clone();
    let bytes = fs::read(&last).unwrap();
    let base: i64 = last.file_stem().unwrap().to_str().unwrap().parse().unwrap();
    assert!(bytes.len() > 200);
    for cut in 0..bytes.len() {
        fs::write(&last, &bytes[..cut]).unwrap();
        kit.crash();
        let mut log = kit.log(&small());
        let mut position = 0;
        let kept = whole.iter().filter(|header| {
            if header.base_offset >= base {
                position += header.size_bytes();
            }
            position <= cut
        });
        let kept: Vec<BatchHeader> = kept.copied().collect();
        assert_eq!(headers(&log), kept, "cut at {cut}");
        let end = kept.last().unwrap().next_offset();
        assert_eq!(log.log_end_offset(), end, "cut at {cut}");
        assert_eq!(append(&mut log, &[batch(&[7], "new")])[0].as_ref().unwrap().base_offset, end);
        assert_eq!(headers(&log).len(), kept.len() + 1);
        drop(log);
        for file in segment_files(&kit).into_iter().filter(|file| *file > last) {
            fs::remove_file(file).unwrap();
        }
    }
}

#[test]
fn c9_a_flipped_bit_beyond_the_recovery_point_cuts_there() {
    for flushed in [false, true] {
        let mut kit = Kit::new();
        let mut log = kit.log(&small());
        fill(&mut log);
        if flushed {
            kit.dir.flush(at(0)).unwrap();
        }
        append(&mut log, &[batch(&[1], "a"), batch(&[2], "b"), batch(&[3], "c")]);
        let whole = headers(&log);
        let end = log.log_end_offset();
        drop(log);
        let last = segment_files(&kit).pop().unwrap();
        let mut bytes = fs::read(&last).unwrap();
        let at_byte = bytes.len() - whole.last().unwrap().size_bytes() - 3;
        bytes[at_byte] ^= 0x10;
        fs::write(&last, &bytes).unwrap();
        kit.crash();
        let log = kit.log(&small());
        assert_eq!(log.log_end_offset(), end - 2, "the batch with the flipped bit and what follows go");
        assert_eq!(headers(&log), whole[..whole.len() - 2]);
    }
}

#[test]
fn c9_zeros_and_garbage_behind_the_end_are_cut() {
    for tail in [vec![0_u8; 5000], vec![0xff; 61], (0..3000).map(|n| (n * 31 % 251) as u8).collect()] {
        let mut kit = Kit::new();
        let mut log = kit.log(&small());
        fill(&mut log);
        let whole = headers(&log);
        drop(log);
        let last = segment_files(&kit).pop().unwrap();
        let valid = fs::metadata(&last).unwrap().len();
        let mut bytes = fs::read(&last).unwrap();
        bytes.extend_from_slice(&tail);
        fs::write(&last, &bytes).unwrap();
        kit.crash();
        assert_eq!(headers(&kit.log(&small())), whole);
        assert_eq!(fs::metadata(&last).unwrap().len(), valid);
    }
}

#[test]
fn c9_segments_behind_a_bad_batch_go() {
    let mut kit = Kit::new();
    let mut log = kit.log(&small());
    fill(&mut log);
    let whole = headers(&log);
    drop(log);
    let files = segment_files(&kit);
    assert!(files.len() >= 3);
    let mut bytes = fs::read(&files[1]).unwrap();
    bytes[70] ^= 1;
    fs::write(&files[1], &bytes).unwrap();
    kit.crash();
    let mut log = kit.log(&small());
    let base: i64 = files[1].file_stem().unwrap().to_str().unwrap().parse().unwrap();
    assert_eq!(log.log_end_offset(), base);
    assert_eq!(headers(&log), whole.iter().copied().filter(|header| header.base_offset < base).collect::<Vec<_>>());
    kit.dir.run_deletions(at(0));
    assert_eq!(segment_files(&kit).len(), 2);
    fill(&mut log);
}

#[test]
fn c9_only_what_lies_beyond_the_recovery_point_is_read() {
    let mut kit = Kit::new();
    let config = LogConfig { segment_bytes: 1 << 20, ..small() };
    let mut log = kit.log(&config);
    let value = "v".repeat(500);
    for n in 0..3000 {
        append(&mut log, &[batch(&[n], &value)]);
    }
    kit.dir.flush(at(0)).unwrap();
    append(&mut log, &[batch(&[1], "a"), batch(&[2], "b")]);
    let end = log.log_end_offset();
    drop(log);
    kit.crash();
    let reads = kit.counts.reads.load(Ordering::Relaxed);
    assert_eq!(kit.log(&config).log_end_offset(), end);
    let reads = kit.counts.reads.load(Ordering::Relaxed) - reads;
    assert!(reads <= 8, "{reads} reads of 1.6 MB of log");
}

#[test]
fn c9_an_index_ahead_of_the_files_is_not_believed() {
    let mut kit = Kit::new();
    let config = LogConfig { segment_bytes: 1 << 20, ..small() };
    let mut log = kit.log(&config);
    fill(&mut log);
    kit.dir.flush(at(0)).unwrap();
    let last = segment_files(&kit).pop().unwrap();
    let durable = fs::read(&last).unwrap();
    let end = log.log_end_offset();
    for n in 0..50 {
        append(&mut log, &[batch(&[90_000 + n], &"lost".repeat(20)), sequenced(77, 0, n as i32, 1)]);
    }
    // The index database is flushed by itself; the machine stops before checkpoint and segment are.
    log.reader().flush().unwrap();
    crate::kv::Kv::flush(&*kit.kv.inner).unwrap();
    drop(log);
    fs::write(&last, &durable).unwrap();
    kit.crash();
    let mut log = kit.log(&config);
    assert_eq!(log.log_end_offset(), end);
    assert!(log.reader().producers().unwrap().iter().all(|(id, _)| *id != 77), "a snapshot from the lost future");
    for n in 0..60 {
        append(&mut log, &[batch(&[2000 + n], &"other".repeat(1 + n as usize))]);
    }
    kit.dir.flush(at(0)).unwrap();
    log.close().unwrap();
    drop(log);
    kit.restart();
    let log = kit.log(&config);
    let reader = log.reader();
    for header in headers(&log) {
        let read = reader.read(header.base_offset, 1, i64::MAX, true).unwrap();
        assert_eq!(BatchHeader::parse(&bytes(&read)).unwrap(), header);
    }
    assert_eq!(reader.offset_for_timestamp(90_000, i64::MAX).unwrap(), None);
}

/// Every question that the index database helps to answer.
fn answers(log: &Log) -> String {
    let reader = log.reader();
    let end = log.log_end_offset();
    let mut answers = format!("{:?} {end} {:?}", log.log_start_offset(), reader.producers().unwrap());
    for offset in log.log_start_offset()..=end {
        let read = reader.read(offset, 400, end, true).unwrap();
        let lookup = reader.offset_for_timestamp(900 + offset * 3, end).unwrap();
        let largest = reader.max_timestamp_offset(offset).unwrap();
        let epoch = reader.epoch_at(offset).unwrap();
        answers.push_str(&format!("{offset} {:?} {lookup:?} {largest:?} {epoch:?}\n", bytes(&read)));
    }
    for epoch in -1..6 {
        answers.push_str(&format!("{:?}", reader.end_offset_for_epoch(epoch).unwrap()));
    }
    answers
}

#[test]
fn c9_i6_the_index_may_be_deleted_at_any_time() {
    for clean in [true, false] {
        let mut kit = Kit::with_tail(0);
        let mut log = kit.log(&small());
        fill(&mut log);
        log.assign_epoch(3, log.log_end_offset()).unwrap();
        let mut out = Vec::new();
        let one = batch(&[5], "five");
        for _ in 0..9 {
            let group = [AppendBatch { batch: &one, origin: AppendOrigin::Client(None) }];
            log.append_as_leader(&group, 3, Now::default(), &mut out).unwrap();
        }
        log.delete_records_before(7).unwrap();
        let before = answers(&log);
        if clean {
            log.close().unwrap();
            drop(log);
            assert!(kit.dir.close_clean().unwrap());
            kit.start();
            let mut log = kit.log(&small());
            assert_eq!(answers(&log), before, "from the index");
            log.close().unwrap();
            drop(log);
            assert!(kit.dir.close_clean().unwrap());
        } else {
            kit.dir.flush(at(0)).unwrap();
            drop(log);
        }
        kit.lose_index();
        kit.start();
        assert_eq!(answers(&kit.log(&small())), before, "without the index, clean: {clean}");
        fs::remove_file(kit.folder().join(checkpoints::LEADER_EPOCHS)).unwrap();
        kit.start();
        assert_eq!(answers(&kit.log(&small())), before, "without the epochs too, clean: {clean}");
    }
}

#[test]
fn opening_a_clean_log_opens_no_file() {
    let mut kit = Kit::new();
    let mut log = kit.log(&small());
    fill(&mut log);
    let whole = headers(&log);
    log.close().unwrap();
    drop(log);
    kit.restart();
    assert_eq!(kit.found, [FoundLog { partition: partition(), topic_id: Some(TOPIC_ID) }]);
    let (opens, kv) = (kit.counts.opens.load(Ordering::Relaxed), kit.kv.calls.load(Ordering::Relaxed));
    let mut log = kit.log(&small());
    assert_eq!(log.log_end_offset(), 72);
    log.close().unwrap();
    assert_eq!(kit.counts.opens.load(Ordering::Relaxed), opens);
    assert_eq!(kit.kv.calls.load(Ordering::Relaxed), kv);
    drop(log);
    kit.restart();
    assert_eq!(headers(&kit.log(&small())), whole);
}

#[test]
fn c9_a_log_left_open_or_untouched_after_a_crash_is_recovered_again() {
    let mut kit = Kit::new();
    let mut log = kit.log(&small());
    fill(&mut log);
    assert!(!kit.dir.close_clean().unwrap(), "a changed log was not closed");
    let end = log.log_end_offset();
    drop(log);
    kit.start();
    // Opened, not written to, closed: its end must be known to the next start.
    let mut log = kit.log(&small());
    log.close().unwrap();
    drop(log);
    kit.restart();
    assert_eq!(kit.log(&small()).log_end_offset(), end);
}

#[test]
fn c9_leftovers_of_a_cleaner_and_of_deletions() {
    let mut kit = Kit::new();
    let mut log = kit.log(&small());
    fill(&mut log);
    let whole = headers(&log);
    drop(log);
    let files = segment_files(&kit);
    let name = |at: usize, suffix: &str| PathBuf::from(format!("{}{suffix}", files[at].display()));
    // A finished cleaning of the first two segments, made of both files, waits to take their place.
    let both = [fs::read(&files[0]).unwrap(), fs::read(&files[1]).unwrap()].concat();
    fs::write(name(0, ".swap"), both).unwrap();
    fs::write(name(2, ".deleted"), b"gone").unwrap();
    kit.crash();
    let log = kit.log(&LogConfig { segment_bytes: 4000, ..small() });
    assert_eq!(headers(&log), whole);
    assert_eq!(segment_files(&kit).len(), files.len() - 1);
    assert!(!name(2, ".deleted").exists() && !name(0, ".swap").exists());
    drop(log);
    // An unfinished one goes, with the swap file that was to follow it.
    fs::write(name(0, ".cleaned"), b"half").unwrap();
    fs::write(name(0, ".swap"), b"not yet").unwrap();
    kit.crash();
    assert_eq!(headers(&kit.log(&small())), whole);
    assert!(!name(0, ".cleaned").exists() && !name(0, ".swap").exists());
}

#[test]
fn stale_folders_are_told_by_their_topic_id() {
    let mut kit = Kit::new();
    let mut log = kit.log(&small());
    fill(&mut log);
    drop(log);
    kit.start();
    let other = crate::ids::Uuid::from_u128(99);
    let refused = kit.dir.open_log(&partition(), other, small(), at(0)).map(|_| ());
    let wanted = LogError::StaleFolder { partition: partition(), on_disk: TOPIC_ID, wanted: other };
    assert_eq!(refused, Err(wanted));
    kit.dir.delete_found(&kit.found[0], at(0)).unwrap();
    let log = kit.dir.open_log(&partition(), other, small(), at(0)).unwrap();
    assert_eq!(log.log_end_offset(), 0);
    assert_eq!(kit.dir.run_deletions(at(0)), 1);
}

#[test]
fn a_deleted_log_leaves_at_once_and_its_files_later() {
    let mut kit = Kit::new();
    let mut log = kit.log(&small());
    fill(&mut log);
    let reader = log.reader();
    kit.dir.delete_log(log, at(100)).unwrap();
    assert!(!kit.folder().exists());
    assert!(matches!(reader.read(0, 1000, 10, true), Err(ReadError::Log(LogError::Closed))));
    drop(reader);
    assert_eq!(kit.dir.run_deletions(at(109)), 0);
    assert_eq!(fs::read_dir(kit.root.path()).unwrap().filter(|e| e.as_ref().unwrap().path().is_dir()).count(), 1);
    kit.start();
    assert_eq!(kit.found, [], "a folder on its way out is no log");
    assert_eq!(kit.dir.run_deletions(at(0)), 1, "after a restart without delay");
    assert_eq!(fs::read_dir(kit.root.path()).unwrap().filter(|e| e.as_ref().unwrap().path().is_dir()).count(), 0);
    assert_eq!(kit.log(&small()).log_end_offset(), 0);
}

#[test]
fn a_new_log_takes_nothing_over_from_a_deleted_one_of_its_name() {
    let mut kit = Kit::new();
    let mut log = kit.log(&small());
    fill(&mut log);
    log.delete_records_before(5).unwrap();
    kit.dir.flush(at(0)).unwrap();
    kit.dir.delete_log(log, at(100)).unwrap();
    kit.crash();
    for _ in 0..2 {
        let log = kit.dir.open_log(&partition(), crate::ids::Uuid::from_u128(9), small(), at(0)).unwrap();
        assert_eq!((log.log_start_offset(), log.log_end_offset()), (0, 0));
        drop(log);
        kit.crash();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever bytes lie in the last segment, opening it neither fails nor invents a batch.
    #[test]
    fn c9_arbitrary_damage_leaves_a_prefix(at_byte in 0_usize..900, damage in proptest::collection::vec(any::<u8>(), 1..40)) {
        let mut kit = Kit::new();
        let mut log = kit.log(&LogConfig { segment_bytes: 1 << 20, ..small() });
        fill(&mut log);
        let whole = headers(&log);
        drop(log);
        let file = kit.folder().join(file_name(0));
        let mut bytes = fs::read(&file).unwrap();
        let at_byte = at_byte % bytes.len();
        for (place, byte) in bytes[at_byte..].iter_mut().zip(&damage) {
            *place = *byte;
        }
        fs::write(&file, &bytes).unwrap();
        kit.crash();
        let kept = headers(&kit.log(&small()));
        // Base offset and leader epoch lie outside the CRC: a batch may come back with another epoch, never with other
        // records.
        let crcs = |headers: &[BatchHeader]| headers.iter().map(|header| header.crc).collect::<Vec<_>>();
        prop_assert_eq!(crcs(&kept), crcs(&whole[..kept.len()]));
    }
}
