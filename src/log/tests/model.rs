//! The log against a list of batches.

use super::kit::*;
use crate::log::*;
use crate::record::header::BatchHeader;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<(usize, usize)>),
    Read { at: usize, max_bytes: usize, below: usize },
    Truncate(usize),
    DeleteRecords(usize),
    Retention(u64),
    Roll,
    Flush,
    Checkpoint,
    Epoch,
    Restart,
    Crash { lose_index: bool },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => proptest::collection::vec((1_usize..4, 1_usize..200), 1..8).prop_map(Step::Append),
        8 => ((0_usize..1 << 40), 0_usize..2000, (0_usize..1 << 40))
            .prop_map(|(at, max_bytes, below)| Step::Read { at, max_bytes, below }),
        2 => (0_usize..1 << 40).prop_map(Step::Truncate),
        1 => (0_usize..1 << 40).prop_map(Step::DeleteRecords),
        1 => (500_u64..6000).prop_map(Step::Retention),
        1 => Just(Step::Roll),
        2 => Just(Step::Flush),
        1 => Just(Step::Checkpoint),
        1 => Just(Step::Epoch),
        1 => Just(Step::Restart),
        2 => any::<bool>().prop_map(|lose_index| Step::Crash { lose_index }),
    ]
}

/// What the log should be: batches with their bytes, whole, and where it starts.
#[derive(Default)]
struct Model {
    batches: Vec<(BatchHeader, Vec<u8>)>,
    start: i64,
    end: i64,
    epoch: i32,
    /// Producer's next sequence, by batches in the log.
    clock: i64,
}

struct World {
    kit: Kit,
    log: Option<Log>,
    model: Model,
}

impl World {
    fn log(&mut self) -> &mut Log {
        self.log.as_mut().unwrap()
    }

    fn append(&mut self, sizes: &[(usize, usize)]) {
        let mut group = Vec::new();
        for (records, value) in sizes {
            self.model.clock += 3;
            let timestamps: Vec<i64> = (0..*records as i64).map(|n| self.model.clock + n).collect();
            group.push(batch(&timestamps, &"m".repeat(*value)));
        }
        let epoch = self.model.epoch;
        let batches: Vec<_> =
            group.iter().map(|batch| AppendBatch { batch, origin: AppendOrigin::Client(None) }).collect();
        let mut out = Vec::new();
        self.log().append_as_leader(&batches, epoch, at(0), &mut out).unwrap();
        for (one, answer) in group.iter().zip(out) {
            let done = answer.unwrap();
            assert_eq!(done.base_offset, self.model.end);
            let mut bytes = one.bytes.to_vec();
            bytes[..16].copy_from_slice(&one.prefix(done.base_offset, epoch));
            self.model.batches.push((BatchHeader::parse(&bytes).unwrap(), bytes));
            self.model.end = done.last_offset + 1;
        }
    }

    fn read(&self, at: usize, max_bytes: usize, below: usize) {
        let reader = self.log.as_ref().unwrap().reader();
        let model = &self.model;
        let offset = model.start + at as i64 % (model.end - model.start + 1);
        let bounds: Vec<i64> =
            model.batches.iter().map(|(header, _)| header.next_offset()).filter(|end| *end >= offset).collect();
        let up_to = if bounds.is_empty() { model.end } else { bounds[below % bounds.len()] };
        let read = reader.read(offset, max_bytes, up_to, true).unwrap();
        let found = bytes(&read);
        let expected: Vec<u8> = model
            .batches
            .iter()
            .filter(|(header, _)| header.last_offset() >= offset && header.next_offset() <= up_to)
            .flat_map(|(_, bytes)| bytes.clone())
            .collect();
        assert!(expected.starts_with(&found), "from {offset} below {up_to}");
        assert_eq!(found.is_empty(), expected.is_empty());
        if let Some(hint) = read.next_offset_hint.filter(|_| !found.is_empty()) {
            let last = crate::record::batches(&found).last().unwrap().expect("whole batches").0;
            assert_eq!(last.next_offset(), hint);
        }
    }

    fn truncate(&mut self, to: usize) {
        if self.model.end == self.model.start {
            return;
        }
        let offset = self.model.start + to as i64 % (self.model.end - self.model.start);
        let cut = self.model.batches.iter().find(|(header, _)| header.last_offset() >= offset);
        let end = cut.map_or(offset, |(header, _)| header.base_offset.min(offset));
        if end < self.model.start {
            return;
        }
        assert!(self.log().truncate_to(offset, at(0)).unwrap());
        self.model.batches.retain(|(header, _)| header.next_offset() <= end);
        self.model.end = end;
    }

    fn retain(&mut self, bytes: u64) {
        let config = LogConfig { retention_bytes: bytes as i64, ..small() };
        let end = self.model.end;
        self.log().reconfigure(config);
        let freed = self.log().apply_retention(at(0), end).unwrap();
        self.log().reconfigure(small());
        self.model.start = freed.log_start_offset;
        self.kit.dir.run_deletions(at(1 << 30));
    }

    fn reopen(&mut self, crash: Option<bool>) {
        let mut log = self.log.take().unwrap();
        match crash {
            None => {
                log.close().unwrap();
                drop(log);
                self.kit.restart();
            }
            Some(lose_index) => {
                drop(log);
                if lose_index {
                    self.kit.lose_index();
                }
                self.kit.crash();
            }
        }
        self.log = Some(self.kit.log(&small()));
    }

    fn apply(&mut self, step: &Step) {
        match step {
            Step::Append(sizes) => self.append(sizes),
            Step::Read { at, max_bytes, below } => self.read(*at, *max_bytes, *below),
            Step::Truncate(to) => self.truncate(*to),
            Step::DeleteRecords(to) => {
                let offset = self.model.start + *to as i64 % (self.model.end - self.model.start + 1);
                self.model.start = self.log().delete_records_before(offset).unwrap();
            }
            Step::Retention(bytes) => self.retain(*bytes),
            Step::Roll => {
                self.log().roll_if_due(at(1 << 50)).unwrap();
            }
            Step::Flush => self.kit.dir.flush(at(0)).unwrap(),
            Step::Checkpoint => {
                self.log().reader().flush().unwrap();
            }
            Step::Epoch => {
                self.model.epoch += 1;
                let (epoch, end) = (self.model.epoch, self.model.end);
                self.log().assign_epoch(epoch, end).unwrap();
            }
            Step::Restart => self.reopen(None),
            Step::Crash { lose_index } => self.reopen(Some(*lose_index)),
        }
        let (start, end) = (self.model.start, self.model.end);
        let log = self.log();
        assert_eq!((log.log_start_offset(), log.log_end_offset()), (start, end), "after {step:?}");
        self.model.batches.retain(|(header, _)| header.last_offset() >= start);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn c9_the_log_is_a_list_of_batches(steps in proptest::collection::vec(step(), 1..60), tail in any::<bool>()) {
        let kit = Kit::with_tail(if tail { 1 << 16 } else { 0 });
        let log = kit.log(&small());
        let mut world = World { kit, log: Some(log), model: Model::default() };
        for step in &steps {
            world.apply(step);
        }
        let found = read_all(&world.log().reader(), 700);
        prop_assert_eq!(found, world.model.batches);
    }
}
