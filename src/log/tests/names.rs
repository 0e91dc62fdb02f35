//! A name that is used again owes nothing to the log that had it before, and a deletion disturbs nobody.

use super::kit::*;
use crate::ids::Uuid;
use crate::log::*;
use std::fs;
use std::sync::atomic::Ordering;

const NEXT_ID: Uuid = Uuid::from_u128(0xfeed);

fn values(count: usize) -> Vec<crate::record::validate::ValidBatch> {
    (0..count).map(|_| batch(&[1000], "value")).collect()
}

#[test]
fn m13_a_flush_beside_a_deletion_leaves_the_directory_online() {
    let kit = Kit::new();
    let mut log = kit.log(&small());
    append(&mut log, &values(30));
    let reader = log.reader();
    kit.dir.delete_log(log, at(1)).unwrap();
    // As a flusher goes on that looked at the log before it went.
    reader.flush().unwrap();
    assert_eq!(kit.dir.state(), DirState::Online);
    let mut log = kit.dir.open_log(&partition(), NEXT_ID, small(), at(2)).unwrap();
    reader.flush().unwrap();
    kit.dir.checkpoint().unwrap();
    assert_eq!(append(&mut log, &values(1))[0].as_ref().unwrap().base_offset, 0);
    assert_eq!(fs::read_dir(kit.folder()).unwrap().count(), 2, "partition.metadata and the new log's segment");
    let points = fs::read_to_string(kit.root.path().join("recovery-point-offset-checkpoint")).unwrap_or_default();
    assert!(!points.contains("t 0 30"), "the new log inherits no recovery point: {points}");
}

/// The old log started at an offset that the new one has not reached when the node dies.
#[test]
fn l5_m1_a_new_log_under_an_old_name_starts_at_0_and_survives_a_kill() {
    for restart_between in [false, true] {
        let mut kit = Kit::new();
        let mut log = kit.log(&small());
        append(&mut log, &values(30));
        log.delete_records_before(20).unwrap();
        kit.dir.flush(at(0)).unwrap();
        kit.dir.delete_log(log, at(1)).unwrap();
        if restart_between {
            kit.crash();
            assert_eq!(kit.found, []);
        }
        let mut log = kit.dir.open_log(&partition(), NEXT_ID, small(), at(2)).unwrap();
        assert_eq!((log.log_start_offset(), log.log_end_offset()), (0, 0));
        assert_eq!(append(&mut log, &values(5))[0].as_ref().unwrap().base_offset, 0);
        drop(log);
        kit.crash();
        let log = kit.dir.open_log(&partition(), NEXT_ID, small(), at(3)).unwrap();
        assert_eq!((log.log_start_offset(), log.log_end_offset()), (0, 5));
        assert_eq!(log.reader().flushed_offset(), 0, "nothing of it was synced");
        assert_eq!(read_all(&log.reader(), 1 << 20).len(), 5);
    }
}

#[test]
fn c2_retention_makes_room_while_the_index_database_is_full() {
    let mut kit = Kit::new();
    let config = LogConfig { retention_bytes: 1000, ..small() };
    let mut log = kit.log(&config);
    append(&mut log, &values(60));
    let end = log.log_end_offset();
    kit.kv.full.store(true, Ordering::Relaxed);
    assert_eq!(log.apply_retention(at(10), end), Err(LogError::Full));
    let start = log.log_start_offset();
    assert!(start > 0);
    assert!(kit.dir.run_deletions(at(10_000)) > 0, "the files go nevertheless");
    kit.kv.full.store(false, Ordering::Relaxed);
    drop(log);
    kit.crash();
    let log = kit.log(&config);
    assert_eq!((log.log_start_offset(), log.log_end_offset()), (start, end));
}
