//! Readers and the flusher beside a writer.

use super::kit::*;
use crate::log::*;
use std::sync::atomic::{AtomicBool, Ordering};

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
