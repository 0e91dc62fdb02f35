//! The share partition against a model of single records, with restarts in between.

use super::super::delivery::combine;
use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

const LIMITS: Limits = Limits { lock_duration_ms: 100, delivery_count_limit: 3, max_in_flight: 12 };
const MEMBERS: [&str; 3] = ["a", "b", "c"];

fn spec(member: &str, max_records: i64, mode: AcquireMode) -> AcquireSpec {
    AcquireSpec { member: member.into(), max_records, batch_size: 4, mode }
}

fn batch(first_offset: i64, last_offset: i64) -> LogBatch {
    LogBatch { first_offset, last_offset, is_void: false }
}

fn fresh(start_offset: i64) -> SharePartition {
    SharePartition::new(Known { state_epoch: 0, start_offset, batches: Vec::new() }, 0)
}

fn acknowledgement(first_offset: i64, last_offset: i64, types: &[AcknowledgeType]) -> Acknowledgement {
    Acknowledgement { first_offset, last_offset, types: types.to_vec() }
}

fn taken(acquired: &[Acquired]) -> Vec<(i64, i64, i16)> {
    acquired.iter().map(|one| (one.first_offset, one.last_offset, one.delivery_count)).collect()
}

#[test]
fn s1_a_record_goes_through_its_states() {
    use AcknowledgeType::{Accept, Gap, Reject, Release};
    let mut share = fresh(10);
    let acquired =
        share.acquire([batch(8, 14), batch(15, 17)], &spec("a", 500, AcquireMode::BatchOptimized), &LIMITS, 0);
    assert_eq!(taken(&acquired), [(10, 14, 1), (15, 17, 1)], "not before the start; answers part where batches do");
    assert_eq!((share.next_fetch_offset(), share.end_offset()), (18, 18));
    let types = [Accept, Release, Reject, Gap, Accept];
    let persist = share.acknowledge("a", &[acknowledgement(10, 14, &types)], &LIMITS, 0).unwrap().unwrap();
    assert_eq!(persist.delivery_complete_count, 4);
    let stored: Vec<_> = persist.batches.iter().map(|b| (b.first_offset, b.last_offset, b.delivery_state)).collect();
    assert_eq!(stored, [(10, 10, 2), (11, 11, 0), (12, 13, 4), (14, 14, 2)]);
    assert_eq!(share.next_fetch_offset(), 18, "what is being stored is nobody's to take");
    let again = share.acknowledge("a", &[acknowledgement(10, 10, &[Accept])], &LIMITS, 0);
    assert_eq!(again, Err(AcknowledgeError::InvalidRecordState));
    share.commit(persist.transition.unwrap());
    assert_eq!((share.start_offset(), share.next_fetch_offset()), (11, 11));
    let acquired =
        share.acquire([batch(8, 14), batch(15, 17)], &spec("b", 500, AcquireMode::BatchOptimized), &LIMITS, 0);
    assert_eq!(taken(&acquired), [(11, 11, 2)], "the second delivery");
}

#[test]
fn s1_what_is_not_held_cannot_be_acknowledged() {
    use AcknowledgeType::Accept;
    let mut share = fresh(0);
    share.acquire([batch(0, 4)], &spec("a", 500, AcquireMode::BatchOptimized), &LIMITS, 0);
    let mut say =
        |member, first, last| share.acknowledge(member, &[acknowledgement(first, last, &[Accept])], &LIMITS, 0);
    assert_eq!(say("b", 0, 0), Err(AcknowledgeError::InvalidRecordState));
    assert_eq!(say("a", 0, 5), Err(AcknowledgeError::PastAcquired));
    let twice = [acknowledgement(0, 2, &[Accept]), acknowledgement(2, 3, &[Accept])];
    assert_eq!(share.acknowledge("a", &twice, &LIMITS, 0), Err(AcknowledgeError::InvalidRecordState));
    let persist = share.acknowledge("a", &[acknowledgement(0, 4, &[Accept])], &LIMITS, 0).unwrap().unwrap();
    share.roll_back(persist.transition.unwrap());
    assert_eq!(share.start_offset(), 0, "nothing has happened");
    let persist = share.acknowledge("a", &[acknowledgement(0, 4, &[Accept])], &LIMITS, 0).unwrap().unwrap();
    share.commit(persist.transition.unwrap());
    assert_eq!(share.start_offset(), 5);
    assert_eq!(share.acknowledge("b", &[acknowledgement(1, 3, &[Accept])], &LIMITS, 0), Ok(None), "long done with");
}

#[test]
fn s1_locks_run_out_and_can_be_renewed() {
    let mut share = fresh(0);
    share.acquire([batch(0, 1)], &spec("a", 500, AcquireMode::BatchOptimized), &LIMITS, 0);
    assert_eq!((share.next_deadline_ms(), share.expire(99, &LIMITS)), (Some(100), None));
    let renewed = share.acknowledge("a", &[acknowledgement(0, 0, &[AcknowledgeType::Renew])], &LIMITS, 50);
    assert_eq!(renewed, Ok(None), "nothing to store");
    for delivery in 2..=3 {
        let now_ms = 100 * (delivery - 1);
        let persist = share.expire(now_ms, &LIMITS).unwrap();
        assert_eq!((persist.transition, persist.batches.len() as i64), (None, delivery - 1), "at {now_ms}");
        share.acquire([batch(0, 1)], &spec("b", 500, AcquireMode::BatchOptimized), &LIMITS, now_ms);
    }
    // Record 1 has been delivered three times, record 0 twice.
    let persist = share.expire(300, &LIMITS).unwrap();
    let stored: Vec<_> = persist.batches.iter().map(|b| (b.first_offset, b.delivery_state, b.delivery_count)).collect();
    assert_eq!(stored, [(0, 0, 2), (1, 4, 3)]);
    share.owe(persist.batches.clone());
    assert_eq!(share.expire(300, &LIMITS).unwrap().batches, persist.batches, "stored at last");
    assert_eq!(share.expire(300, &LIMITS), None);
}

#[test]
fn s1_records_in_flight_are_bounded() {
    let mut share = fresh(0);
    let many: Vec<LogBatch> = (0..10).map(|at| batch(at * 5, at * 5 + 4)).collect();
    let acquired = share.acquire(many.clone(), &spec("a", 500, AcquireMode::BatchOptimized), &LIMITS, 0);
    assert_eq!(taken(&acquired).last(), Some(&(10, 14, 1)), "to the end of the batch in which the bound is reached");
    assert!(!share.can_acquire(&LIMITS));
    let mut share = fresh(0);
    let acquired = share.acquire(many.clone(), &spec("a", 500, AcquireMode::RecordLimit), &LIMITS, 0);
    assert_eq!(taken(&acquired).last(), Some(&(10, 11, 1)));
    let mut share = fresh(0);
    let acquired = share.acquire(many.clone(), &spec("a", 7, AcquireMode::RecordLimit), &LIMITS, 0);
    assert_eq!(taken(&acquired), [(0, 4, 1), (5, 6, 1)]);
    let mut share = fresh(0);
    let acquired = share.acquire(many, &spec("a", 7, AcquireMode::BatchOptimized), &LIMITS, 0);
    assert_eq!(taken(&acquired), [(0, 4, 1), (5, 9, 1)]);
}

#[test]
fn s1_what_is_void_or_gone_is_given_up() {
    let mut share = fresh(0);
    let void = LogBatch { first_offset: 5, last_offset: 6, is_void: true };
    let acquired =
        share.acquire([batch(2, 4), void, batch(9, 9)], &spec("a", 500, AcquireMode::BatchOptimized), &LIMITS, 0);
    assert_eq!(taken(&acquired), [(2, 4, 1), (9, 9, 1)]);
    assert_eq!(share.start_offset(), 2, "0 and 1 are compacted away");
    share.log_starts_at(4);
    assert_eq!(share.acknowledge("a", &[acknowledgement(2, 3, &[AcknowledgeType::Accept])], &LIMITS, 0), Ok(None));
    let persist = share.release("a", &LIMITS).unwrap();
    share.commit(persist.transition.unwrap());
    assert_eq!((share.start_offset(), share.next_fetch_offset()), (4, 4));
    share.log_starts_at(100);
    assert_eq!((share.start_offset(), share.end_offset(), share.next_deadline_ms()), (100, 100, None));
}

#[derive(Clone, Debug)]
enum Step {
    Acquire { member: usize, max_records: i64, strict: bool },
    Say { member: usize, from: i64, length: i64, kinds: Vec<u8>, fails: bool },
    Wait(i64),
    Leave(usize),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let member = 0..MEMBERS.len();
    prop_oneof![
        3 => (member.clone(), 1..9i64, any::<bool>())
            .prop_map(|(member, max_records, strict)| Step::Acquire { member, max_records, strict }),
        4 => (member.clone(), 0..12i64, 1..6i64, prop::collection::vec(0..5u8, 6), prop::bool::weighted(0.2))
            .prop_map(|(member, from, length, kinds, fails)| Step::Say { member, from, length, kinds, fails }),
        2 => (1..150i64).prop_map(Step::Wait),
        1 => member.prop_map(Step::Leave),
        1 => Just(Step::Restart),
    ]
}

/// A record of the model.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// Deliveries that have been stored.
    stored: i16,
    /// Who holds it, until when, and in which delivery.
    held: Option<(usize, i64, i16)>,
    done: bool,
}

const RECORDS: i64 = 40;

/// The persister, and what members have seen.
struct World {
    share: SharePartition,
    known: Known,
    seen: BTreeMap<i64, Seen>,
    now_ms: i64,
}

impl World {
    fn store(&mut self, persist: &Persist) {
        self.known.start_offset = persist.start_offset;
        self.known.batches = combine(&self.known.batches, &persist.batches, persist.start_offset);
        for batch in &persist.batches {
            for offset in batch.first_offset..=batch.last_offset {
                let seen = self.seen.entry(offset).or_default();
                assert!(batch.delivery_count >= seen.stored, "{offset} never counts down");
                assert!(!seen.done || batch.delivery_state != 0, "{offset} is done with");
                seen.stored = batch.delivery_count;
                seen.done |= batch.delivery_state != 0;
                seen.held = None;
            }
        }
        // What lies before the start is done with, without a word on each.
        for offset in 0..persist.start_offset {
            let seen = self.seen.entry(offset).or_default();
            (seen.done, seen.held) = (true, None);
        }
    }

    fn run_locks(&mut self) {
        if let Some(persist) = self.share.expire(self.now_ms, &LIMITS) {
            self.store(&persist);
        }
    }

    fn acquire(&mut self, member: usize, max_records: i64, mode: AcquireMode) {
        let from = self.share.next_fetch_offset();
        // Batches of four records.
        let log = (from / 4..RECORDS / 4).map(|at| batch(at * 4, at * 4 + 3));
        for one in self.share.acquire(log, &spec(MEMBERS[member], max_records, mode), &LIMITS, self.now_ms) {
            assert!(one.delivery_count <= LIMITS.delivery_count_limit);
            for offset in one.first_offset..=one.last_offset {
                let seen = self.seen.entry(offset).or_default();
                assert!(!seen.done && seen.held.is_none(), "{offset} is free: {seen:?}");
                assert_eq!(one.delivery_count, seen.stored + 1, "{offset} is counted");
                seen.held = Some((member, self.now_ms + LIMITS.lock_duration_ms, one.delivery_count));
            }
        }
        assert!(self.share.end_offset() - self.share.start_offset() <= LIMITS.max_in_flight + 3);
    }

    fn say(&mut self, member: usize, from: i64, length: i64, kinds: &[u8], fails: bool) {
        let first = self.share.start_offset() + from;
        let last = first + length - 1;
        let types: Vec<_> = (0..length as usize).filter_map(|at| AcknowledgeType::of(kinds[at] as i8)).collect();
        let holds =
            |offset: i64| self.seen.get(&offset).and_then(|seen| seen.held).is_some_and(|(who, ..)| who == member);
        let may = (first..=last).all(holds);
        let spoken = [Acknowledgement { first_offset: first, last_offset: last, types: types.clone() }];
        let answer = self.share.acknowledge(MEMBERS[member], &spoken, &LIMITS, self.now_ms);
        assert_eq!(answer.is_ok(), may, "{first}-{last} by {member}");
        let Ok(persist) = answer else { return };
        for (offset, kind) in (first..=last).zip(&types) {
            if let (AcknowledgeType::Renew, Some(seen)) = (kind, self.seen.get_mut(&offset)) {
                seen.held = seen.held.map(|(who, _, count)| (who, self.now_ms + LIMITS.lock_duration_ms, count));
            }
        }
        let Some(persist) = persist else { return };
        let transition = persist.transition.expect("somebody waits");
        if fails {
            self.share.roll_back(transition);
        } else {
            self.store(&persist);
            self.share.commit(transition);
        }
    }

    /// All that is not stored is forgotten; what was being dealt with may be delivered again.
    fn restart(&mut self) {
        self.share = SharePartition::new(self.known.clone(), 0);
        self.seen.values_mut().for_each(|seen| seen.held = None);
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Acquire { member, max_records, strict: true } => {
                self.acquire(member, max_records, AcquireMode::RecordLimit);
            }
            Step::Acquire { member, max_records, .. } => self.acquire(member, max_records, AcquireMode::BatchOptimized),
            Step::Say { member, from, length, kinds, fails } => self.say(member, from, length, &kinds, fails),
            Step::Wait(ms) => {
                self.now_ms += ms;
                self.run_locks();
            }
            Step::Leave(member) => {
                if let Some(persist) = self.share.release(MEMBERS[member], &LIMITS) {
                    self.store(&persist);
                    self.share.commit(persist.transition.expect("somebody waits"));
                }
            }
            Step::Restart => self.restart(),
        }
    }
}

proptest! {
    #[test]
    fn d33_every_record_is_delivered_and_done_with_as_counted(steps in prop::collection::vec(step(), 1..120)) {
        let known = Known { state_epoch: 0, start_offset: 0, batches: Vec::new() };
        let share = SharePartition::new(known.clone(), 0);
        let mut world = World { share, known, seen: BTreeMap::new(), now_ms: 0 };
        for step in steps {
            world.run(step);
        }
        // Nobody does anything any more but to let locks run out: all records come to an end.
        for _ in 0..RECORDS * i64::from(LIMITS.delivery_count_limit) {
            world.acquire(0, RECORDS, AcquireMode::BatchOptimized);
            world.run(Step::Wait(LIMITS.lock_duration_ms));
        }
        prop_assert_eq!(world.share.start_offset(), RECORDS);
        prop_assert!((0..RECORDS).all(|offset| world.seen[&offset].done));
        world.restart();
        prop_assert_eq!(world.share.next_fetch_offset(), RECORDS);
    }
}
