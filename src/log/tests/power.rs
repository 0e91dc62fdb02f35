//! Power cuts: unsynced bytes and names are lost or torn, the index database loses what it had not flushed.

use super::kit::{at, batch, partition, read_all, sequenced, small, TOPIC_ID};
use crate::disk::handles::Handles;
use crate::disk::sim::{Faults, SimDisk};
use crate::kv::memory::{Crash, MemoryKv};
use crate::log::keys::FAMILIES;
use crate::log::producer_state::ProducerState;
use crate::log::*;
use crate::record::crc;
use crate::record::header::BatchHeader;
use crate::rng::Rng;
use proptest::prelude::*;
use std::path::Path;
use std::sync::Arc;

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<usize>),
    Sequenced(usize),
    FlushDir,
    FlushLog,
    IndexFlush,
    Roll,
    Retention,
    Truncate(usize),
    DeleteRecords(usize),
    NoRoom(u64),
    Room,
    PowerCut,
    Kill,
    CleanStop,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => proptest::collection::vec(1_usize..300, 1..6).prop_map(Step::Append),
        4 => (1_usize..4).prop_map(Step::Sequenced),
        2 => Just(Step::FlushDir),
        2 => Just(Step::FlushLog),
        1 => Just(Step::IndexFlush),
        1 => Just(Step::Roll),
        1 => Just(Step::Retention),
        1 => (0_usize..1000).prop_map(Step::Truncate),
        1 => (0_usize..1000).prop_map(Step::DeleteRecords),
        1 => (0_u64..2000).prop_map(Step::NoRoom),
        1 => Just(Step::Room),
        3 => Just(Step::PowerCut),
        1 => Just(Step::Kill),
        1 => Just(Step::CleanStop),
    ]
}

type Batches = Vec<(BatchHeader, Vec<u8>)>;

struct World {
    disk: Arc<SimDisk>,
    kv: Arc<MemoryKv>,
    dir: Option<Arc<LogDir>>,
    log: Option<Log>,
    sequence: i32,
    clock: i64,
    /// Cut off without a flush since: a power cut may bring old batches back.
    truncated: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        let disk = SimDisk::new(Rng::from_seed(seed));
        let kv = MemoryKv::new(FAMILIES.len());
        let mut world = Self { disk, kv, dir: None, log: None, sequence: 0, clock: 0, truncated: false };
        world.start();
        world
    }

    fn start(&mut self) {
        self.disk.set_faults(Faults::default());
        let handles = Handles::new(self.disk.clone(), 16);
        let parts =
            DirParts { disk: self.disk.clone(), handles, index: self.kv.clone(), tail_cache: TailCache::new(0, 0) };
        let (dir, _) = LogDir::open(parts, Path::new("/data"), DirLimits::default()).unwrap();
        self.log = Some(dir.open_log(&partition(), TOPIC_ID, small(), at(0)).unwrap());
        self.dir = Some(dir);
    }

    fn log(&mut self) -> &mut Log {
        self.log.as_mut().unwrap()
    }

    fn content(&self) -> Batches {
        read_all(&self.log.as_ref().unwrap().reader(), 600)
    }

    fn append(&mut self, batches: Vec<crate::record::validate::ValidBatch>) {
        let group: Vec<_> =
            batches.iter().map(|batch| AppendBatch { batch, origin: AppendOrigin::Client(None) }).collect();
        let mut out = Vec::new();
        let before = self.log().log_end_offset();
        match self.log().append_as_leader(&group, 0, at(0), &mut out) {
            Ok(()) => assert_eq!(out.len(), group.len()),
            Err(error) => assert_eq!(error, LogError::Full),
        }
        let appended: i64 = out.iter().flatten().map(|done| done.last_offset - done.base_offset + 1).sum();
        assert_eq!(self.log().log_end_offset(), before + appended, "answers and log agree");
    }

    fn crash(&mut self, power: bool) {
        let before = self.content();
        let (start, flushed) = {
            let reader = self.log().reader();
            (reader.log_start_offset(), reader.flushed_offset())
        };
        (self.log, self.dir) = (None, None);
        if power {
            self.disk.crash();
            self.kv.crash(Crash::Power);
        } else {
            self.disk.kill();
            self.kv.crash(Crash::Process);
        }
        self.start();
        let after = self.content();
        self.check_whole(&after);
        assert!(self.log().log_start_offset() >= start, "the log start does not go back");
        let kept = |content: &Batches| -> Batches {
            content.iter().filter(|(header, _)| header.next_offset() <= flushed).cloned().collect()
        };
        assert!(kept(&after) == kept(&before), "what was flushed to {flushed} is there");
        if !power {
            assert!(after == before, "a killed process loses and gains nothing");
        } else if !self.truncated {
            assert!(before.starts_with(&after), "nothing but a prefix is there");
        }
    }

    /// Offsets and CRCs are right, each batch is found by its offset, and the producers are those of the batches.
    fn check_whole(&mut self, content: &Batches) {
        let log = self.log();
        let reader = log.reader();
        let mut producers = ProducerState::at(0);
        for (place, (header, bytes)) in content.iter().enumerate() {
            assert!(crc::verify(bytes));
            if let Some((before, _)) = place.checked_sub(1).map(|before| &content[before]) {
                assert_eq!(header.base_offset, before.next_offset());
            }
            let read = reader.read(header.last_offset(), 1, i64::MAX, true).unwrap();
            assert_eq!(super::kit::bytes(&read), *bytes);
            let found = reader.offset_for_timestamp(header.max_timestamp, i64::MAX).unwrap().unwrap();
            assert!(found.offset <= header.last_offset() && found.timestamp >= header.max_timestamp);
            producers.replay(header, None);
        }
        if content.first().is_none_or(|(first, _)| first.base_offset == 0) && log.log_start_offset() == 0 {
            let expected: Vec<_> = producers.producers().iter().map(|(id, known)| (*id, known.clone())).collect();
            assert_eq!(reader.producers().unwrap(), expected);
        }
        let sequence =
            reader.producers().unwrap().iter().find(|(id, _)| *id == 9).map(|(_, known)| known.window.clone());
        self.sequence = sequence.and_then(|window| Some(window.last()?.last_sequence + 1)).unwrap_or(0);
    }

    fn apply(&mut self, step: &Step) {
        let dir = self.dir.clone().unwrap();
        match step {
            Step::Append(sizes) => {
                let make = |size: &usize| {
                    self.clock += 1;
                    batch(&[self.clock], &"p".repeat(*size))
                };
                let group = sizes.iter().map(make).collect();
                self.append(group);
            }
            Step::Sequenced(records) => {
                let end = self.log().log_end_offset();
                self.append(vec![sequenced(9, 0, self.sequence, *records)]);
                if self.log().log_end_offset() > end {
                    self.sequence += *records as i32;
                }
            }
            Step::FlushDir => match dir.flush(at(0)) {
                Ok(()) => self.truncated = false,
                Err(error) => assert_eq!(error, LogError::Full),
            },
            Step::FlushLog => {
                let flushed = self.log().reader().flush();
                assert!(matches!(flushed, Ok(_) | Err(LogError::Full)), "{flushed:?}");
            }
            Step::IndexFlush => crate::kv::Kv::flush(&*self.kv).unwrap(),
            Step::Roll => self.full_or(|log| log.roll_if_due(at(1 << 50)).map(|_| ())),
            Step::Retention => {
                self.log().reconfigure(LogConfig { retention_bytes: 2000, ..small() });
                self.full_or(|log| log.apply_retention(at(0), log.log_end_offset()).map(|_| ()));
                dir.run_deletions(at(1 << 40));
            }
            Step::Truncate(to) => {
                let (start, end) = (self.log().log_start_offset(), self.log().log_end_offset());
                self.truncated = true;
                self.full_or(|log| log.truncate_to(start + *to as i64 % (end - start + 1), at(0)).map(|_| ()));
                let content = self.content();
                self.check_whole(&content);
            }
            Step::DeleteRecords(to) => {
                let (start, end) = (self.log().log_start_offset(), self.log().log_end_offset());
                self.full_or(|log| match log.delete_records_before(start + *to as i64 % (end - start + 1)) {
                    Err(ReadError::Log(error)) => Err(error),
                    other => other.map(|_| ()).map_err(|_| LogError::Closed),
                });
            }
            Step::NoRoom(bytes) => self.disk.set_faults(Faults { room_bytes: Some(*bytes), ..Faults::default() }),
            Step::Room => self.disk.set_faults(Faults::default()),
            Step::PowerCut => self.crash(true),
            Step::Kill => self.crash(false),
            Step::CleanStop => self.clean_stop(),
        }
    }

    fn full_or(&mut self, run: impl FnOnce(&mut Log) -> Result<(), LogError>) {
        let done = run(self.log());
        assert!(matches!(done, Ok(()) | Err(LogError::Full)), "{done:?}");
    }

    fn clean_stop(&mut self) {
        self.disk.set_faults(Faults::default());
        let before = self.content();
        let mut log = self.log.take().unwrap();
        log.close().unwrap();
        drop(log);
        assert!(self.dir.take().unwrap().close_clean().unwrap());
        self.disk.crash();
        self.kv.crash(Crash::Power);
        self.start();
        self.truncated = false;
        assert!(self.content() == before, "a clean stop survives the power cut after it");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn c9_i6_power_cuts_take_only_what_was_not_flushed(
        seed in any::<u64>(),
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let mut world = World::new(seed);
        for step in &steps {
            world.apply(step);
        }
        world.crash(true);
    }
}

#[test]
fn d34_a_failed_sync_is_never_taken_for_success() {
    let mut world = World::new(1);
    world.append(vec![batch(&[1], "kept")]);
    world.dir.clone().unwrap().flush(at(0)).unwrap();
    world.append(vec![batch(&[2], "lost")]);
    world.disk.set_faults(Faults { sync_error: true, ..Faults::default() });
    let dir = world.dir.clone().unwrap();
    assert!(matches!(dir.flush(at(0)), Err(LogError::Offline(_))));
    world.disk.set_faults(Faults::default());
    assert!(dir.flush(at(0)).is_err() && dir.close_clean().is_err());
    assert_eq!(world.log().reader().flushed_offset(), 1);
    drop(dir);
    world.crash(true);
    assert!(world.log().log_end_offset() >= 1);
}
