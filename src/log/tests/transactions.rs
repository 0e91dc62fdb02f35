//! Transactions in one log: verification, markers, the last stable offset, the index of aborted ones.

use super::kit::*;
use crate::log::*;
use crate::record::build::{end_transaction, Marker};
use crate::record::validate::ValidBatch;
use proptest::prelude::*;
use std::collections::BTreeMap;

const TV1: AppendOrigin = AppendOrigin::Marker { transaction_version: 1 };
const TV2: AppendOrigin = AppendOrigin::Marker { transaction_version: 2 };

fn verify(log: &mut Log, batch: &ValidBatch) -> AppendOrigin {
    AppendOrigin::Client(log.begin_verification(&to_verify(batch), at(0)).unwrap())
}

/// The same under transaction.version 2.
fn verify_growing(log: &mut Log, batch: &ValidBatch) -> AppendOrigin {
    let batch = ToVerify { epoch_grows: true, ..to_verify(batch) };
    AppendOrigin::Client(log.begin_verification(&batch, at(0)).unwrap())
}

fn offset(outcome: Result<Appended, AppendRefused>) -> i64 {
    outcome.unwrap().base_offset
}

const NOT_VERIFIED: Result<Appended, AppendRefused> = Err(AppendRefused::NotVerified { producer_id: 1 });

#[test]
fn x6_a_transaction_begins_only_with_a_verification() {
    let kit = Kit::new();
    let mut log = kit.log(&small());
    let first = transactional(1, 0, 0);
    for origin in [AppendOrigin::Client(None), AppendOrigin::Coordinator(None)] {
        assert_eq!(append_as(&mut log, &first, origin), NOT_VERIFIED);
    }
    let other = verify(&mut log, &transactional(2, 0, 0));
    assert_eq!(append_as(&mut log, &first, other), NOT_VERIFIED, "another producer's");
    let verified = verify(&mut log, &first);
    assert_eq!(verify(&mut log, &first), verified, "one is under way");
    assert_eq!(offset(append_as(&mut log, &first, verified)), 0);
    // From here on the log itself knows that the transaction is open.
    assert_eq!(verify(&mut log, &transactional(1, 0, 1)), AppendOrigin::Client(None));
    assert_eq!(offset(append_as(&mut log, &transactional(1, 0, 1), AppendOrigin::Client(None))), 1);
    assert_eq!(offset(append_as(&mut log, &transactional(1, 0, 2), AppendOrigin::Coordinator(None))), 2);
    // But not that of another epoch.
    assert_eq!(append_as(&mut log, &transactional(1, 1, 0), AppendOrigin::Client(None)), NOT_VERIFIED);
}

/// Data that a marker has overtaken must not begin a transaction that nobody ends.
#[test]
fn d17_x6_x10_a_marker_voids_the_verifications_before_it() {
    let kit = Kit::new();
    let mut log = kit.log(&small());
    let late = transactional(1, 0, 0);
    let verified = verify(&mut log, &late);
    append_as(&mut log, &marker(1, 0, Marker::Abort), TV1).unwrap();
    assert_eq!(append_as(&mut log, &late, verified), NOT_VERIFIED);
    // Nor may the next transaction's verification let it in.
    let next = verify(&mut log, &late);
    assert_ne!(next, verified);
    assert_eq!(append_as(&mut log, &late, verified), NOT_VERIFIED);
    // The same if all of it comes in one write.
    let group =
        [AppendBatch { batch: &marker(1, 0, Marker::Commit), origin: TV1 }, AppendBatch { batch: &late, origin: next }];
    let mut out = Vec::new();
    log.append_as_leader(&group, 0, at(0), &mut out).unwrap();
    assert_eq!(out[1], NOT_VERIFIED);
    assert_eq!(log.reader().first_unstable_offset(), ALL_STABLE);
    let verified = verify(&mut log, &late);
    assert_eq!(offset(append_as(&mut log, &late, verified)), 2);
    // A follower that becomes the leader knows of the markers that it copied.
    let mut kit = Kit::new();
    let mut log = kit.log(&small());
    let verified = verify(&mut log, &late);
    let mut copied = marker(1, 0, Marker::Abort).bytes.to_vec();
    copied[..16].copy_from_slice(&marker(1, 0, Marker::Abort).prefix(0, 0));
    log.append_as_follower(copied.into(), at(0)).unwrap();
    assert_eq!(append_as(&mut log, &late, verified), NOT_VERIFIED);
    // And nothing of it outlives a restart.
    let verified = verify(&mut log, &late);
    drop(log);
    kit.crash();
    assert_eq!(append_as(&mut kit.log(&small()), &late, verified), NOT_VERIFIED);
}

#[test]
fn x6_verifications_are_bounded_and_expire() {
    let kit = Kit::new();
    let mut log = kit.log(&LogConfig { max_producer_ids: 4, ..small() });
    let batch = |id: i64| transactional(id, 0, 0);
    let verified: Vec<_> = (1..=6).map(|id| verify(&mut log, &batch(id))).collect();
    let holds = |log: &mut Log, id: i64| append_as(log, &batch(id), verified[id as usize - 1]).is_ok();
    assert!(!holds(&mut log, 1) && !holds(&mut log, 2), "the oldest have given way");
    assert!(holds(&mut log, 3) && holds(&mut log, 6));
    log.expire_producers(at(LogConfig::default().producer_id_expiration_ms));
    assert!(!holds(&mut log, 4));
}

#[test]
fn i4_x6_only_the_lowest_sequence_seen_begins_a_transaction() {
    let kit = Kit::new();
    let mut log = kit.log(&small());
    let refused =
        |found, expected, offset| Err(AppendRefused::OutOfOrderSequence { producer_id: 1, found, expected, offset });
    // The first of two batches in flight fails to be verified, and its retry comes after the second.
    verify(&mut log, &transactional(1, 0, 5));
    let second = verify(&mut log, &transactional(1, 0, 6));
    assert_eq!(append_as(&mut log, &transactional(1, 0, 6), second), refused(6, 5, 0));
    assert_eq!(offset(append_as(&mut log, &transactional(1, 0, 5), second)), 0, "an unknown producer starts anywhere");
    assert_eq!(offset(append_as(&mut log, &transactional(1, 0, 6), AppendOrigin::Client(None))), 1);
    append_as(&mut log, &marker(1, 0, Marker::Commit), TV1).unwrap();
    // Where epochs grow with every transaction, it starts at 0.
    let other = transactional(2, 3, 4);
    let verified = verify_growing(&mut log, &other);
    let expected = Err(AppendRefused::OutOfOrderSequence { producer_id: 2, found: 4, expected: 0, offset: 3 });
    assert_eq!(append_as(&mut log, &other, verified), expected);
    assert_eq!(offset(append_as(&mut log, &transactional(2, 3, 0), verified)), 3);
}

/// What is in flight when an epoch is fenced is refused, also after the marker.
#[test]
fn d16_x10_i3_the_epochs_of_markers() {
    let kit = Kit::new();
    let mut log = kit.log(&small());
    let stale = |found, current| Err(AppendRefused::InvalidProducerEpoch { producer_id: 1, found, current });
    append(&mut log, &[transactional(1, 4, 0)]);
    assert_eq!(append_as(&mut log, &marker(1, 3, Marker::Abort), TV1), stale(3, 4));
    assert_eq!(append_as(&mut log, &marker(1, 4, Marker::Commit), TV2), stale(4, 4), "it must have grown");
    assert_eq!(log.reader().first_unstable_offset(), 0);
    assert_eq!(offset(append_as(&mut log, &marker(1, 5, Marker::Commit), TV2)), 1);
    log.note_high_watermark(2).unwrap();
    assert_eq!(log.reader().first_unstable_offset(), ALL_STABLE);
    assert_eq!(offset(append_as(&mut log, &marker(1, 5, Marker::Commit), TV2)), 2, "written again (KAFKA-19999)");
    let zombie = verify(&mut log, &transactional(1, 4, 1));
    assert_eq!(append_as(&mut log, &transactional(1, 4, 1), zombie), stale(4, 5));
    // The next transaction begins with sequence 0 in the marker's epoch.
    append(&mut log, &[transactional(1, 5, 0)]);
    assert_eq!(append_as(&mut log, &marker(1, 5, Marker::Abort), TV2), stale(5, 5));
    assert_eq!(
        offset(append_as(&mut log, &marker(1, 5, Marker::Abort), TV1)),
        4,
        "the same epoch where it does not grow"
    );
    // Epochs that are used up cannot grow.
    append(&mut log, &[transactional(1, i16::MAX, 0)]);
    assert_eq!(offset(append_as(&mut log, &marker(1, i16::MAX, Marker::Abort), TV2)), 6);
}

#[test]
fn x10_an_older_coordinator_is_fenced() {
    let kit = Kit::new();
    let mut log = kit.log(&small());
    append(&mut log, &[transactional(1, 0, 0)]);
    let by = |coordinator_epoch, epoch| end_transaction(Marker::Commit, 1, epoch, coordinator_epoch, 1000).unwrap();
    append_as(&mut log, &by(7, 0), TV1).unwrap();
    append(&mut log, &[transactional(1, 0, 1)]);
    let fenced = Err(AppendRefused::CoordinatorFenced { producer_id: 1, found: 6, current: 7 });
    assert_eq!(append_as(&mut log, &by(6, 0), TV1), fenced);
    let stale = Err(AppendRefused::InvalidProducerEpoch { producer_id: 1, found: -1, current: 0 });
    assert_eq!(append_as(&mut log, &by(6, -1), TV1), stale, "the producer's epoch is looked at first");
    log.note_high_watermark(3).unwrap();
    assert_eq!(log.reader().first_unstable_offset(), 2);
    append_as(&mut log, &by(7, 0), TV1).unwrap();
}

#[test]
fn x11_no_batch_outside_of_an_open_transaction() {
    let kit = Kit::new();
    let mut log = kit.log(&small());
    append(&mut log, &[transactional(1, 0, 0)]);
    let refused = append(&mut log, &[sequenced(1, 0, 1, 1)]);
    assert_eq!(refused, [Err(AppendRefused::InvalidTxnState { producer_id: 1 })]);
    append(&mut log, &[marker(1, 0, Marker::Commit), sequenced(1, 0, 1, 1)])[1].as_ref().unwrap();
}

/// The index of aborted transactions is there after a restart, and is found again without the database.
#[test]
fn d13_x12_last_stable_offset_and_aborted_transactions() {
    let mut kit = Kit::new();
    let mut log = kit.log(&small());
    append(&mut log, &[batch(&[1], "x"), transactional(1, 0, 0), transactional(2, 0, 0), batch(&[1], "x")]);
    let reader = log.reader();
    assert_eq!(reader.stable_below(4), 1);
    append(&mut log, &[marker(1, 0, Marker::Abort)]);
    assert_eq!(reader.stable_below(5), 1, "until the marker is replicated");
    log.note_high_watermark(5).unwrap();
    assert_eq!(reader.stable_below(5), 2);
    append(&mut log, &[transactional(1, 0, 1), marker(2, 0, Marker::Commit), marker(1, 0, Marker::Abort)]);
    log.note_high_watermark(8).unwrap();
    assert_eq!(reader.stable_below(8), 8);
    let first = AbortedTransaction { producer_id: 1, first_offset: 1, last_offset: 4, last_stable_offset: 2 };
    let second = AbortedTransaction { producer_id: 1, first_offset: 5, last_offset: 7, last_stable_offset: 8 };
    let check = |reader: &LogReader, when: &str| {
        assert_eq!(reader.aborted_transactions(0, 8).unwrap(), [first, second], "{when}");
        assert_eq!(reader.aborted_transactions(0, 5).unwrap(), [first], "{when}");
        assert_eq!(reader.aborted_transactions(5, 8).unwrap(), [second], "{when}");
        assert_eq!(reader.aborted_transactions(0, 1).unwrap(), [], "{when}");
    };
    check(&reader, "in memory");
    kit.dir.flush(at(0)).unwrap();
    check(&reader, "in the index database");
    drop((log, reader));
    kit.lose_index();
    kit.crash();
    let log = kit.log(&small());
    check(&log.reader(), "found again");
}

#[test]
fn x12_the_stable_offset_is_never_below_the_log_start() {
    let kit = Kit::new();
    let mut log = kit.log(&small());
    append(&mut log, &[transactional(1, 0, 0), batch(&[1], "x"), batch(&[1], "x")]);
    log.delete_records_before(2).unwrap();
    assert_eq!((log.reader().first_unstable_offset(), log.reader().stable_below(3)), (0, 2));
}

#[derive(Clone, Debug)]
enum Step {
    /// Some batches of these producers.
    Write(Vec<u8>),
    End(u8, bool),
    Plain,
    Truncate(usize),
    Flush,
    Checkpoint,
    Roll,
    Restart,
    Crash {
        lose_index: bool,
    },
    Read(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => proptest::collection::vec(0_u8..4, 1..5).prop_map(Step::Write),
        8 => (0_u8..4, any::<bool>()).prop_map(|(producer, commit)| Step::End(producer, commit)),
        2 => Just(Step::Plain),
        2 => (0_usize..1 << 20).prop_map(Step::Truncate),
        2 => Just(Step::Flush),
        1 => Just(Step::Checkpoint),
        1 => Just(Step::Roll),
        1 => Just(Step::Restart),
        2 => any::<bool>().prop_map(|lose_index| Step::Crash { lose_index }),
        8 => (0_usize..1 << 20, 0_usize..1 << 20).prop_map(|(from, to)| Step::Read(from, to)),
    ]
}

/// One batch of one offset: producer, and for a marker whether it commits.
type Entry = (Option<i64>, Option<bool>);

/// What batches come to, by the book.
fn by_the_book(entries: &[Entry]) -> (BTreeMap<i64, i64>, Vec<AbortedTransaction>) {
    let mut open: BTreeMap<i64, i64> = BTreeMap::new();
    let mut aborted = Vec::new();
    for (offset, (producer, end)) in (0..).zip(entries) {
        match (producer, end) {
            (Some(id), None) => _ = open.entry(*id).or_insert(offset),
            (Some(id), Some(commit)) => {
                let Some(first_offset) = open.remove(id).filter(|_| !commit) else { continue };
                let last_stable_offset = open.values().copied().min().unwrap_or(offset + 1);
                aborted.push(AbortedTransaction {
                    producer_id: *id,
                    first_offset,
                    last_offset: offset,
                    last_stable_offset,
                });
            }
            _ => {}
        }
    }
    (open, aborted)
}

struct Model {
    kit: Kit,
    log: Option<Log>,
    entries: Vec<Entry>,
}

impl Model {
    fn take(&mut self, step: &Step) {
        let log = self.log.as_mut().unwrap();
        match step {
            Step::Write(producers) => {
                let next = |id: i64| -> i32 {
                    let known = log.reader().producers().unwrap().into_iter().find(|(known, _)| *known == id);
                    known.and_then(|(_, known)| Some(known.window.last()?.last_sequence + 1)).unwrap_or(0)
                };
                let mut sequences = BTreeMap::new();
                let group: Vec<ValidBatch> = producers
                    .iter()
                    .map(|id| {
                        let id = i64::from(*id);
                        let sequence = sequences.entry(id).or_insert_with(|| next(id));
                        *sequence += 1;
                        transactional(id, 0, *sequence - 1)
                    })
                    .collect();
                append(log, &group).into_iter().for_each(|outcome| _ = outcome.unwrap());
                self.entries.extend(producers.iter().map(|id| (Some(i64::from(*id)), None)));
            }
            Step::End(id, commit) => {
                let kind = if *commit { Marker::Commit } else { Marker::Abort };
                append(log, &[marker((*id).into(), 0, kind)])[0].as_ref().unwrap();
                self.entries.push((Some((*id).into()), Some(*commit)));
            }
            Step::Plain => {
                append(log, &[batch(&[1], "plain")]);
                self.entries.push((None, None));
            }
            Step::Truncate(to) => {
                let end = to % (self.entries.len() + 1);
                log.truncate_to(end as i64, at(0)).unwrap();
                self.entries.truncate(end);
            }
            Step::Flush => _ = log.reader().flush().unwrap(),
            Step::Checkpoint => self.kit.dir.flush(at(0)).unwrap(),
            Step::Roll => log.reconfigure(LogConfig { segment_bytes: 90, ..small() }),
            Step::Restart => {
                log.close().unwrap();
                self.log = None;
                self.kit.restart();
                self.log = Some(self.kit.log(&small()));
            }
            Step::Crash { lose_index } => {
                self.log = None;
                if *lose_index {
                    self.kit.lose_index();
                }
                self.kit.crash();
                self.log = Some(self.kit.log(&small()));
            }
            Step::Read(from, to) => {
                let end = self.entries.len() + 1;
                let (from, to) = ((from % end) as i64, (to % end) as i64);
                let mut expected = by_the_book(&self.entries).1;
                expected.retain(|aborted| aborted.last_offset >= from && aborted.first_offset < to);
                let mut found = log.reader().aborted_transactions(from, to).unwrap();
                found.sort_unstable_by_key(|aborted| aborted.last_offset);
                assert_eq!(found, expected, "{from}..{to}");
            }
        }
        let log = self.log.as_mut().unwrap();
        assert_eq!(log.log_end_offset(), self.entries.len() as i64);
        log.note_high_watermark(log.log_end_offset()).unwrap();
        let open = by_the_book(&self.entries).0;
        let expected = open.values().copied().min().unwrap_or(ALL_STABLE);
        assert_eq!(log.reader().first_unstable_offset(), expected, "after {step:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]
    #[test]
    fn x12_like_the_book(steps in proptest::collection::vec(step(), 1..60)) {
        let kit = Kit::new();
        let log = Some(kit.log(&small()));
        let mut model = Model { kit, log, entries: Vec::new() };
        for step in &steps {
            model.take(step);
        }
    }
}
