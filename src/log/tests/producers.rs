//! Idempotence.

use super::kit::*;
use crate::log::*;

fn offsets(out: &[Result<Appended, AppendRefused>]) -> Vec<(i64, bool)> {
    out.iter().map(|answer| answer.as_ref().map(|done| (done.base_offset, done.duplicate)).unwrap()).collect()
}

fn is_out_of_order(out: &[Result<Appended, AppendRefused>]) -> bool {
    matches!(out, [Err(AppendRefused::OutOfOrderSequence { .. })])
}

#[test]
fn i1_p14_the_last_five_batches_are_recognised() {
    let kit = Kit::new();
    let mut log = kit.log(&small());
    for n in 0..7 {
        append(&mut log, &[sequenced(9, 0, n * 2, 2)]);
    }
    for n in 2..7 {
        let out = append(&mut log, &[sequenced(9, 0, n * 2, 2)]);
        assert_eq!(offsets(&out), [(i64::from(n) * 2, true)], "the old offset, no error");
    }
    assert_eq!(log.log_end_offset(), 14);
    assert!(is_out_of_order(&append(&mut log, &[sequenced(9, 0, 2, 2)])), "older than the window");
    assert!(is_out_of_order(&append(&mut log, &[sequenced(9, 0, 12, 1)])), "the same first but another last sequence");
}

#[test]
fn i1_i2_a_group_is_checked_within_itself() {
    let kit = Kit::new();
    let mut log = kit.log(&small());
    let group =
        [sequenced(9, 0, 0, 2), sequenced(9, 0, 2, 1), sequenced(9, 0, 0, 2), sequenced(9, 0, 5, 1), batch(&[1], "x")];
    let out = append(&mut log, &group);
    assert_eq!(offsets(&out[..3]), [(0, false), (2, false), (0, true)]);
    assert!(is_out_of_order(&out[3..4]));
    assert_eq!(offsets(&out[4..]), [(3, false)]);
}

#[test]
fn i2_d12_sequences_wrap_to_zero() {
    let kit = Kit::new();
    let mut log = kit.log(&small());
    append(&mut log, &[sequenced(9, 0, i32::MAX - 1, 2)]);
    assert!(is_out_of_order(&append(&mut log, &[sequenced(9, 0, 1, 1)])));
    let out = append(&mut log, &[sequenced(9, 0, 0, 1)]);
    assert_eq!(offsets(&out), [(2, false)]);
    let kit = Kit::new();
    let mut log = kit.log(&small());
    append(&mut log, &[sequenced(9, 0, i32::MAX, 3)]);
    assert_eq!(offsets(&append(&mut log, &[sequenced(9, 0, 2, 1)])), [(3, false)], "a batch may wrap within");
}

#[test]
fn i3_epochs() {
    let kit = Kit::new();
    let mut log = kit.log(&small());
    append(&mut log, &[sequenced(9, 3, 0, 1)]);
    let out = append(&mut log, &[sequenced(9, 2, 1, 1)]);
    assert_eq!(out, [Err(AppendRefused::InvalidProducerEpoch { producer_id: 9, found: 2, current: 3 })]);
    assert!(is_out_of_order(&append(&mut log, &[sequenced(9, 4, 1, 1)])), "a new epoch begins with sequence 0");
    assert_eq!(offsets(&append(&mut log, &[sequenced(9, 4, 0, 1)])), [(1, false)]);
    assert!(is_out_of_order(&append(&mut log, &[sequenced(9, 4, 2, 1)])));
}

#[test]
fn i4_an_unknown_producer_may_start_anywhere() {
    let kit = Kit::new();
    let mut log = kit.log(&small());
    assert_eq!(offsets(&append(&mut log, &[sequenced(9, 7, 1234, 1)])), [(0, false)]);
}

#[test]
fn i5_d12_idle_producers_expire_and_are_bounded() {
    let kit = Kit::new();
    let mut log = kit.log(&LogConfig { max_producer_ids: 32, ..small() });
    for id in 0..100 {
        append(&mut log, &[sequenced(id, 0, 0, 1)]);
        assert!(log.reader().producers().unwrap().len() <= 32);
    }
    log.expire_producers(at(1000 + 24 * 3_600_000 - 1));
    assert!(!log.reader().producers().unwrap().is_empty());
    log.expire_producers(at(1000 + 24 * 3_600_000));
    assert!(log.reader().producers().unwrap().is_empty());
}

#[test]
fn i6_state_survives_restart_crash_retention_and_the_loss_of_the_index() {
    for how in ["restart", "crash", "crash after flush", "lost index"] {
        let mut kit = Kit::new();
        let mut log = kit.log(&small());
        for n in 0..40 {
            append(&mut log, &[sequenced(9, 0, n, 1), sequenced(8, 1, n * 2, 2)]);
            if n == 20 && how == "crash after flush" {
                kit.dir.flush(at(0)).unwrap();
            }
        }
        let before = log.reader().producers().unwrap();
        let end = log.log_end_offset();
        if how == "restart" {
            log.delete_records_before(end).unwrap();
            assert!(log.apply_retention(at(10), end).unwrap().segments > 3);
            log.close().unwrap();
            drop(log);
            kit.restart();
        } else {
            drop(log);
            if how == "lost index" {
                kit.lose_index();
            }
            kit.crash();
        }
        let mut log = kit.log(&small());
        assert_eq!(log.reader().producers().unwrap(), before, "{how}");
        let out = append(&mut log, &[sequenced(9, 0, 39, 1), sequenced(9, 0, 40, 1), sequenced(8, 1, 80, 2)]);
        assert_eq!(offsets(&out), [(end - 3, true), (end, false), (end + 1, false)], "{how}");
        assert!(is_out_of_order(&append(&mut log, &[sequenced(9, 0, 42, 1)])), "{how}");
    }
}
