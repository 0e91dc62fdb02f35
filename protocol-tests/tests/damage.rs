//! Bits that a disk flipped while the node was stopped: it repairs, refuses, or tells the reader; nothing vanishes and
//! nothing is changed in silence.

use bytes::Bytes;
use crc_fast::{checksum, CrcAlgorithm};
use kafka_protocol::messages::fetch_response::PartitionData;
use protocol_tests::groups::commit_request;
use protocol_tests::topics::Topic;
use protocol_tests::{error, Broker};
use std::fs;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::path::{Path, PathBuf};

const INDEX: &str = ".klamm-index";
const METADATA: &str = ".klamm-metadata";
/// Flips tried in each kind of file.
const FLIPS: usize = 12;
const TOPICS: usize = 3;
const GROUP: &str = "readers";

/// A stopped broker with records in several topics, segments and both databases, and a copy of its directory.
struct Stopped {
    broker: Broker,
    topics: Vec<Topic>,
    values: Vec<Vec<String>>,
    pristine: tempfile::TempDir,
}

impl Stopped {
    /// Stopped cleanly, or killed.
    fn new(killed: bool) -> Self {
        let mut broker = Broker::with(&["log.segment.bytes=1048576"]);
        let mut client = broker.connect();
        let name = |number| format!("damaged-{number}");
        let topics: Vec<_> = (0..TOPICS).map(|number| client.create_topic(&name(number), 1, &[])).collect();
        let large = "x".repeat(200_000);
        for step in 0..8 {
            for topic in &topics {
                client.append(topic, 0, &[&format!("{}-{step}", topic.name), &large]);
            }
        }
        client.find_coordinator(GROUP);
        let committed = client.call(8, &commit_request(GROUP, &topics[0].name, 0, 5));
        assert_eq!(error(committed.topics[0].partitions[0].error_code), None);
        let values = topics.iter().map(|topic| client.values(topic, 0)).collect();
        if killed {
            broker.kill();
        } else {
            broker.terminate();
        }
        let pristine = tempfile::tempdir().unwrap();
        copy(&broker.log_dir(), pristine.path());
        Self { broker, topics, values, pristine }
    }

    /// The directory as it was when the broker stopped.
    fn restore(&mut self) {
        self.broker.kill();
        fs::remove_dir_all(self.broker.log_dir()).unwrap();
        fs::create_dir(self.broker.log_dir()).unwrap();
        copy(self.pristine.path(), &self.broker.log_dir());
    }

    fn files(&self, below: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        collect(&self.broker.log_dir().join(below), &mut found);
        found.retain(|path| fs::metadata(path).unwrap().len() > 0);
        found.sort();
        assert!(!found.is_empty(), "{below} has files");
        found
    }

    /// Everything is there as it was.
    fn assert_whole(&self, what: &str) {
        let mut client = self.broker.connect();
        for (topic, values) in self.topics.iter().zip(&self.values) {
            assert_eq!(client.describe_topic(&topic.name).topic_id, topic.id, "{what}");
            assert!(client.values(topic, 0) == *values, "{what}: the records of {} differ", topic.name);
        }
        client.find_coordinator(GROUP);
        assert_eq!(client.committed(GROUP, &self.topics[0].name, 0), 5, "{what}");
        self.broker.assert_well();
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), found);
        } else {
            found.push(entry.path());
        }
    }
}

/// Flips one bit; `at` counts through the file, as often as need be. Returns what was done.
fn flip(path: &Path, at: usize, bit: usize) -> String {
    let mut bytes = fs::read(path).unwrap();
    let at = at % bytes.len();
    bytes[at] ^= 1 << (bit % 8);
    fs::write(path, bytes).unwrap();
    format!("bit {} of byte {at} of {}", bit % 8, path.file_name().unwrap().to_string_lossy())
}

/// Numbers that lie scattered, the same in each run.
fn scattered(number: usize) -> usize {
    (number + 1).wrapping_mul(2_654_435_761) % 1_000_003
}

/// The index database can be made anew from the segments, so the node starts whatever became of it.
#[test]
fn d4_a_bit_flipped_in_the_index_database_changes_no_answer() {
    for killed in [false, true] {
        let mut stopped = Stopped::new(killed);
        for number in 0..FLIPS {
            let files = stopped.files(INDEX);
            let what = flip(&files[number % files.len()], scattered(number), number);
            let what = format!("{what}; killed: {killed}");
            stopped.broker.restart();
            let looked = catch_unwind(AssertUnwindSafe(|| stopped.assert_whole(&what)));
            match looked {
                Ok(()) => {}
                // Damage that is found while the node runs ends it, and the next start mends it.
                Err(_) if stopped.broker.is_ending() => {
                    stopped.broker.restart();
                    stopped.assert_whole(&what);
                }
                Err(panic) => resume_unwind(panic),
            }
            stopped.restore();
        }
    }
}

/// The metadata database is the cluster: with a bit flipped the node has all of it, or does not start and says where.
#[test]
fn d4_a_bit_flipped_in_the_metadata_database_never_loses_a_topic() {
    let mut stopped = Stopped::new(true);
    let mut refused = 0;
    for number in 0..2 * FLIPS {
        let files = stopped.files(METADATA);
        let what = flip(&files[number % files.len()], scattered(number), number);
        match stopped.broker.try_restart() {
            Ok(()) => stopped.assert_whole(&what),
            Err((code, said)) => {
                refused += 1;
                assert_eq!(code, Some(1), "{what}: {said}");
                assert!(said.contains(METADATA), "{what}: the refusal does not say where: {said}");
            }
        }
        stopped.restore();
    }
    assert!(refused > 0, "some flip was found");
}

/// What a reader of a damaged segment can tell: batches whose checksum is right are as they were, for the rest it is told.
#[test]
fn d4_a_bit_flipped_in_a_segment_is_seen_by_its_reader_alone() {
    let mut stopped = Stopped::new(false);
    let folder = format!("{}-0", stopped.topics[1].name);
    let (mut seen, mut unharmed) = (0, 0);
    for number in 0..FLIPS {
        let mut segments = stopped.files(&folder);
        segments.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
        let what = flip(&segments[number % segments.len()], scattered(number), number);
        stopped.broker.restart();
        let mut client = stopped.broker.connect();
        for intact in [0, 2] {
            assert!(client.values(&stopped.topics[intact], 0) == stopped.values[intact], "{what}");
        }
        let topic = stopped.topics[1].clone();
        for offset in 0..stopped.values[1].len() as i64 {
            match first_value(&client.fetch(&topic, 0, offset), offset) {
                Some(values) => {
                    unharmed += 1;
                    let from = offset as usize / 2 * 2;
                    assert_eq!(values, stopped.values[1][from..from + 2], "{what}, read at {offset}");
                }
                None => seen += 1,
            }
        }
        stopped.broker.assert_well();
        stopped.restore();
    }
    assert!(seen > 0 && unharmed > seen, "{seen} reads saw damage, {unharmed} did not");
}

/// The values of the batch at `offset`; none if the answer is an error or its checksum is wrong.
fn first_value(answer: &PartitionData, offset: i64) -> Option<Vec<String>> {
    let records = answer.records.clone().filter(|records| records.len() > 61)?;
    if answer.error_code != 0 {
        return None;
    }
    let length = i32::from_be_bytes(records[8..12].try_into().unwrap());
    let size = usize::try_from(length).ok()?.checked_add(12).filter(|size| *size <= records.len())?;
    let batch: Bytes = records.slice(..size);
    let crc = u32::from_be_bytes(batch[17..21].try_into().unwrap());
    if crc != checksum(CrcAlgorithm::Crc32Iscsi, &batch[21..]) as u32 {
        return None;
    }
    let found = protocol_tests::records::batches(&batch).remove(0);
    // The offset lies before the checksum: a reader sees that it does not fit what it asked for.
    (found.base_offset == offset / 2 * 2).then(|| found.values())
}
