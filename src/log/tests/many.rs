//! Ten thousand logs, and readers beside a writer.

use super::kit::*;
use crate::disk::handles::Handles;
use crate::disk::real::RealDisk;
use crate::ids::TopicPartition;
use crate::kv::rocks::{Purpose, RocksKv};
use crate::log::keys::FAMILIES;
use crate::log::*;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

fn open(path: &Path) -> (Arc<LogDir>, Vec<FoundLog>) {
    let disk = RealDisk::new();
    let index = RocksKv::open(&path.join("index"), &FAMILIES, Purpose::Index).unwrap();
    let parts = DirParts { handles: Handles::new(disk.clone(), 256), disk, index, tail_cache: TailCache::new(0, 0) };
    LogDir::open(parts, &path.join("logs"), DirLimits::default()).unwrap()
}

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

/// Prints what a start with many idle partitions costs: `cargo test --release --lib log::tests::many -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement: it asserts nothing about time"]
fn measure_opening_ten_thousand_logs() {
    let root = tempfile::tempdir().unwrap();
    let partitions: Vec<_> = (0..10_000).map(|n| TopicPartition::new("many", n)).collect();
    for clean in [true, false] {
        let (dir, _) = open(root.path());
        let mut logs = Vec::new();
        for partition in &partitions {
            let mut log = dir.open_log(partition, TOPIC_ID, small(), at(0)).unwrap();
            append(&mut log, &[batch(&[1], "x")]);
            logs.push(log);
        }
        if clean {
            logs.iter_mut().for_each(|log| log.close().unwrap());
            assert!(dir.close_clean().unwrap());
        } else {
            dir.flush(at(0)).unwrap();
        }
        drop((logs, dir));
        let before = resident_bytes();
        let clock = crate::clock::SystemClock::new();
        let start = crate::clock::Clock::now(&*clock).mono_ms;
        let (dir, found) = open(root.path());
        let opened = crate::clock::Clock::now(&*clock).mono_ms;
        let logs: Vec<_> =
            found.iter().map(|log| dir.open_log(&log.partition, TOPIC_ID, small(), at(0)).unwrap()).collect();
        let end = crate::clock::Clock::now(&*clock).mono_ms;
        let bytes = (resident_bytes() - before) / logs.len() as u64;
        println!("clean {clean}: directory {} ms, logs {} ms, {bytes} bytes a log", opened - start, end - opened);
        assert!(logs.iter().all(|log| log.log_end_offset() > 0));
    }
}

#[test]
fn readers_and_the_flusher_run_beside_the_writer() {
    let kit = Kit::with_tail(100_000);
    let config = LogConfig { segment_bytes: 20_000, ..small() };
    let mut log = kit.log(&config);
    let reader = log.reader();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for step in [300, 5000] {
            let (reader, done) = (reader.clone(), &done);
            scope.spawn(move || {
                let mut offset = 0;
                while !done.load(Ordering::Acquire) || offset < reader.log_end_offset() {
                    let end = reader.log_end_offset();
                    let read = reader.read(offset, step, end, true).unwrap();
                    for found in crate::record::batches(&bytes(&read)) {
                        let Ok((header, _)) = found else { break };
                        assert_eq!(header.base_offset, offset, "in order, without a gap");
                        assert!(header.next_offset() <= end, "never beyond what was published");
                        assert_eq!(header.base_timestamp, offset, "and the right batch");
                        offset = header.next_offset();
                    }
                }
            });
        }
        let (dir, done) = (kit.dir.clone(), &done);
        scope.spawn(move || {
            while !done.load(Ordering::Acquire) {
                dir.flush(at(0)).unwrap();
            }
        });
        for n in 0..3000 {
            append(&mut log, &[batch(&[n], &"r".repeat(n as usize * 37 % 400))]);
        }
        done.store(true, Ordering::Release);
    });
    kit.dir.flush(at(0)).unwrap();
    assert_eq!(reader.flushed_offset(), 3000);
    let positions = read_all(&reader, 700).len();
    assert_eq!(positions, 3000);
}
