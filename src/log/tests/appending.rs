//! Appending and reading back.

use super::kit::*;
use crate::log::*;
use crate::record::crc;
use std::sync::atomic::Ordering;

#[test]
fn p14_offsets_and_log_start_are_exact() {
    let kit = Kit::new();
    let mut log = kit.log(&small());
    let out = append(&mut log, &[batch(&[1, 2, 3], "abc"), batch(&[4], "d")]);
    let first = out[0].as_ref().unwrap();
    assert_eq!((first.base_offset, first.last_offset, first.log_start_offset, first.duplicate), (0, 2, 0, false));
    assert_eq!(out[1].as_ref().unwrap().base_offset, 3);
    assert_eq!(log.log_end_offset(), 4);
    let all = read_all(&log.reader(), 1 << 20);
    assert_eq!(all.len(), 2);
    assert!(all.iter().all(|(_, bytes)| crc::verify(bytes)), "the prefix is outside the CRC");
    assert_eq!(all[1].0.base_offset, 3);
}

#[test]
fn f3_reads_respect_their_bounds() {
    let kit = Kit::with_tail(0);
    let mut log = kit.log(&LogConfig { segment_bytes: 1 << 20, ..small() });
    let one = batch(&[1], "0123456789");
    let size = one.header.size_bytes();
    for _ in 0..100 {
        append(&mut log, std::slice::from_ref(&one));
    }
    let reader = log.reader();
    for (max, min_one, batches) in [(0, true, 1), (0, false, 0), (size - 1, false, 0), (size - 1, true, 1)] {
        assert_eq!(reader.read(10, max, 100, min_one).unwrap().length_bytes, batches * size, "{max} {min_one}");
    }
    for count in [1, 2, 7, 50] {
        let read = reader.read(10, count * size + 3, 100, false).unwrap();
        assert_eq!(read.length_bytes, count * size, "cut at a batch boundary");
        assert_eq!(read.next_offset_hint, Some(10 + count as i64));
    }
    for up_to in [10, 11, 37, 100, 1000] {
        let read = reader.read(10, 1 << 20, up_to, true).unwrap();
        assert_eq!(read.length_bytes, (up_to.min(100) - 10) as usize * size);
    }
    assert!(matches!(reader.read(101, 1, 100, true), Err(ReadError::OffsetOutOfRange { end: 100, .. })));
    assert_eq!(reader.read(100, 1, 100, true).unwrap().length_bytes, 0);
}

#[test]
fn c1_rolls_by_size_within_a_group() {
    let kit = Kit::new();
    let mut log = kit.log(&small());
    let group: Vec<_> = (0..50).map(|n| batch(&[n], "some value that takes room")).collect();
    let out = append(&mut log, &group);
    assert_eq!(out.len(), 50);
    assert!(out.iter().enumerate().all(|(n, answer)| answer.as_ref().unwrap().base_offset == n as i64));
    let segments = log.reader().segment_count().unwrap();
    assert!(segments > 3, "{segments}");
    assert_eq!(read_all(&log.reader(), 300).len(), 50);
    for entry in std::fs::read_dir(kit.folder()).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name().to_str().unwrap().ends_with(".log") {
            assert!(entry.metadata().unwrap().len() <= 1000);
        }
    }
}

#[test]
fn one_write_per_append_and_no_index_database() {
    let kit = Kit::new();
    let mut log = kit.log(&LogConfig::default());
    let value = "x".repeat(16 << 10);
    append(&mut log, &[batch(&[1], &value)]);
    let (writes, kv) = (kit.counts.writes.load(Ordering::Relaxed), kit.kv.calls.load(Ordering::Relaxed));
    let reads = kit.counts.reads.load(Ordering::Relaxed);
    let reserves = kit.counts.reserves.load(Ordering::Relaxed);
    let reader = log.reader();
    for n in 0..2000 {
        append(&mut log, &[batch(&[n], &value)]);
        reader.read(reader.log_end_offset() - 1, 1 << 20, i64::MAX, true).unwrap();
    }
    let calls = kit.counts.writes.load(Ordering::Relaxed) - writes;
    let with_hints = calls + kit.counts.reserves.load(Ordering::Relaxed) - reserves;
    assert_eq!(calls, 2000);
    assert!(with_hints * 10 <= 2000 * 12, "{with_hints} calls of the write class");
    assert_eq!(kit.kv.calls.load(Ordering::Relaxed), kv, "appends and tail reads do without the database");
    assert!(kit.counts.reads.load(Ordering::Relaxed) - reads < 10, "the tail is read from memory");
}
