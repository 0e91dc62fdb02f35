//! When compacted logs are cleaned, and what becomes of one that cannot be.

use super::kit::*;
use crate::clock::Clock;
use crate::ids::Uuid;
use crate::log::Piece;
use crate::metadata::configs::{ConfigResource, ResourceType};
use crate::metadata::record::MetadataRecord;
use crate::record::build::BatchBuilder;
use crate::record::records::RecordIter;
use crate::record::{batches, record_bytes};
use crate::replica::*;
use std::sync::Arc;

const COMPACTED: [(&str, &str); 3] =
    [("cleanup.policy", "compact"), ("segment.ms", "1"), ("min.cleanable.dirty.ratio", "0.1")];

/// Appends one record, some time after the one before: with `segment.ms=1` it gets a segment of its own.
fn put(kit: &Kit, partition: &Arc<Partition>, key: &str) {
    kit.clock.advance(10);
    let mut builder = BatchBuilder::new();
    builder.append(kit.clock.now().wall_ms, Some(key.as_bytes()), Some(b"v"), &[]);
    match partition.append_as_leader(builder.build().unwrap(), ALL, kit.clock.now()) {
        Append::Done(outcome) => drop(outcome.unwrap()),
        // Left in the queue, because the cleaner is at the log.
        Append::Later(_) => {}
    }
}

fn fill(kit: &Kit, partition: &Arc<Partition>) {
    for key in ["a", "b", "a", "c", "b", "a"] {
        put(kit, partition, key);
    }
}

/// Offsets and keys of all records.
fn content(partition: &Partition) -> Vec<(i64, String)> {
    let log = partition.log();
    let mut found = Vec::new();
    let mut next = log.log_start_offset();
    while next < log.log_end_offset() {
        let read = log.read(next, 1 << 20, i64::MAX, true).unwrap();
        let mut bytes = Vec::new();
        for piece in &read.pieces {
            match piece {
                Piece::Bytes(piece) => bytes.extend_from_slice(piece),
                Piece::File(range) => {
                    let start = bytes.len();
                    bytes.resize(start + range.length as usize, 0);
                    range.file.read_at(range.position, &mut bytes[start..]).unwrap();
                }
            }
        }
        for batch in batches(&bytes) {
            let (header, place) = batch.unwrap();
            let records = record_bytes(&header, &bytes[place], 1 << 20).unwrap();
            for record in RecordIter::new(&records, header.record_count) {
                let record = record.unwrap();
                let key = String::from_utf8(record.key.unwrap().to_vec()).unwrap();
                found.push((header.base_offset + i64::from(record.offset_delta), key));
            }
            next = header.next_offset();
        }
    }
    found
}

fn cleaned() -> Vec<(i64, String)> {
    // The last two lie in the active segment and in the last closed one.
    [(3, "c"), (4, "b"), (5, "a")].map(|(offset, key)| (offset, key.to_owned())).to_vec()
}

/// Lets the back-off pass and everything happen that follows from it.
fn pass(kit: &Kit, ms: i64) {
    kit.clock.advance(ms);
    for _ in 0..4 {
        kit.manager.work();
        kit.clock.advance(100);
    }
}

fn of_broker(key: &str, value: &str) -> MetadataRecord {
    MetadataRecord::Config {
        resource: ConfigResource::new(ResourceType::Broker, ""),
        key: key.to_owned(),
        value: Some(value.to_owned()),
    }
}

#[test]
fn c4_a_log_is_cleaned_after_its_segments_have_changed() {
    let mut kit = Kit::still();
    let partition = kit.topic("t", &COMPACTED);
    let other = kit.topic("kept", &[("segment.ms", "1")]);
    fill(&kit, &partition);
    fill(&kit, &other);
    kit.manager.work();
    assert_eq!(content(&partition).len(), 6, "not before the back-off is over");
    assert!(kit.manager.cleaner_report().max_dirty_percent > 90);
    pass(&kit, 15_000);
    // The key at 2 is older than the one in the active segment, which does not count.
    let mut expected = cleaned();
    expected.insert(0, (2, "a".to_owned()));
    assert_eq!(content(&partition), expected);
    assert_eq!(content(&other).len(), 6, "another policy");
    let report = kit.manager.cleaner_report();
    assert_eq!((report.rounds, report.max_dirty_percent, report.uncleanable[0].1), (1, 0, 0));
    assert!(report.read_bytes > report.written_bytes && report.since_last_run_ms.is_some());
    assert_eq!(kit.manager.cleaner.desk.waiting(), 0, "nothing waits for a log that has nothing to clean");
    pass(&kit, 100_000);
    assert_eq!(kit.manager.cleaner_report().rounds, 1);
}

#[test]
fn c4_a_log_left_dirty_is_cleaned_after_the_restart() {
    let mut kit = Kit::still();
    let partition = kit.topic("t", &COMPACTED);
    fill(&kit, &partition);
    drop(partition);
    kit.restart();
    let partition = kit.manager.partition("t", 0).unwrap();
    assert_eq!(partition.log().active_base_offset(), None, "nobody has opened it");
    pass(&kit, 15_000);
    assert_eq!(content(&partition).len(), 4);
    drop(partition);
    kit.restart();
    let partition = kit.manager.partition("t", 0).unwrap();
    pass(&kit, 15_000);
    assert_eq!(partition.log().active_base_offset(), None, "clean by its checkpoint: still nobody has opened it");
    assert_eq!(kit.manager.cleaner_report().rounds, 0);
    assert_eq!(content(&partition).len(), 4);
}

#[test]
fn c4_the_policy_may_change_and_the_topic_may_go() {
    let mut kit = Kit::still();
    let partition = kit.topic("t", &[("segment.ms", "1")]);
    fill(&kit, &partition);
    pass(&kit, 15_000);
    assert_eq!(content(&partition).len(), 6);
    kit.publish(&[config("t", "cleanup.policy", "compact")]);
    pass(&kit, 15_000);
    assert_eq!(content(&partition).len(), 4);
    fill(&kit, &partition);
    assert_eq!(kit.manager.cleaner.desk.waiting(), 1);
    kit.publish(&[MetadataRecord::RemoveTopic { topic_id: topic_id("t") }]);
    assert_eq!(kit.manager.cleaner.desk.waiting(), 0);
    pass(&kit, 15_000);
    // Its name's next topic begins without a checkpoint.
    kit.topic_as("t", Uuid::from_u128(77), &[led_by(ME, &[ME], &[ME])], &COMPACTED);
    let partition = kit.manager.partition("t", 0).unwrap();
    fill(&kit, &partition);
    pass(&kit, 15_000);
    assert_eq!(content(&partition).len(), 4);
}

#[test]
fn c4_max_compaction_lag_rolls_and_cleans_a_quiet_log() {
    let mut kit = Kit::still();
    let lag = [("cleanup.policy", "compact"), ("max.compaction.lag.ms", "60000"), ("min.cleanable.dirty.ratio", "1.0")];
    let partition = kit.topic("t", &lag);
    fill(&kit, &partition);
    pass(&kit, 15_000);
    assert_eq!((content(&partition).len(), kit.manager.cleaner.desk.waiting()), (6, 1), "it waits for its time");
    pass(&kit, 60_000);
    assert_eq!(content(&partition), cleaned());
    assert_eq!(kit.manager.cleaner.desk.waiting(), 0);
}

#[test]
fn c4_one_log_that_cannot_be_cleaned_holds_up_no_other_and_is_tried_again() {
    let mut kit = Kit::still();
    let broken = kit.topic("broken", &COMPACTED);
    let good = kit.topic("good", &COMPACTED);
    fill(&kit, &broken);
    fill(&kit, &good);
    let path = kit.dir(0).join("broken-0/00000000000000000001.log");
    let whole = std::fs::read(&path).unwrap();
    let mut bytes = whole.clone();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    pass(&kit, 15_000);
    assert_eq!((content(&good).len(), broken.log().segment_count().unwrap()), (4, 6));
    let report = kit.manager.cleaner_report();
    assert_eq!((report.rounds, report.uncleanable[0].1), (1, 1));
    assert!(report.uncleanable[0].2 > 0);
    pass(&kit, 15_000);
    assert_eq!(kit.manager.cleaner_report().uncleanable[0].1, 1);
    std::fs::write(&path, &whole).unwrap();
    pass(&kit, 30_000);
    assert_eq!(content(&broken).len(), 4, "what was wrong is over, without a restart");
    assert_eq!(kit.manager.cleaner_report().uncleanable[0].1, 0);
}

#[test]
fn c4_threads_clean_beside_appends_and_follow_their_number() {
    let mut kit = Kit::running();
    kit.publish(&[of_broker("log.cleaner.backoff.ms", "0"), of_broker("log.cleaner.threads", "2")]);
    let partition = kit.topic("t", &COMPACTED);
    for (threads, from) in [("2", 0), ("1", 200)] {
        kit.publish(&[of_broker("log.cleaner.threads", threads)]);
        let before = kit.manager.cleaner_report().rounds;
        for n in from..from + 200 {
            put(&kit, &partition, &format!("k{}", n % 5));
        }
        eventually("the log is cleaned", || {
            // The flushes that it waits for move with the clock, which wakes nobody.
            kit.clock.advance(20);
            kit.manager.cleaner.desk.reconfigure(&kit.manager.config.load().log.cleaner);
            let report = kit.manager.cleaner_report();
            report.rounds > before && report.max_dirty_percent == 0
        });
        let active = partition.log().active_base_offset().unwrap();
        let below: Vec<_> = content(&partition).into_iter().filter(|(offset, _)| *offset < active).collect();
        let keys: std::collections::BTreeSet<_> = below.iter().map(|(_, key)| key).collect();
        assert_eq!(keys.len(), below.len(), "no key comes twice: {below:?}");
        assert_eq!(content(&partition).last().unwrap().0, from + 199);
    }
}

#[test]
fn c4_the_dirtiest_log_goes_first() {
    let mut kit = Kit::still();
    let topics = ["a", "b", "c"].map(|topic| kit.topic(topic, &COMPACTED));
    let desk = kit.manager.cleaner.desk.clone();
    for (partition, ratio) in topics.iter().zip([0.2, 0.9, 0.2]) {
        desk.make_ready(partition, ratio);
    }
    let order: Vec<String> = (0..4).filter_map(|_| Some(desk.take_dirtiest()?.name().topic.to_string())).collect();
    assert_eq!(order, ["b", "a", "c"], "names decide between equals");
    // What changes while a log is cleaned is looked at afterwards.
    let now = kit.clock.now();
    desk.look_at(&topics[1], now.mono_ms);
    assert!(desk.take_due(now).iter().all(|partition| partition.name().topic.as_ref() != "b"));
    assert!(!desk.done(&topics[1], false, None, now));
    assert!(desk.take_due(now).iter().any(|partition| partition.name().topic.as_ref() == "b"));
    // A failure is told once, and waits twice as long each time.
    assert!(desk.done(&topics[0], true, None, now) && !desk.done(&topics[0], true, None, now));
    let later = |ms: i64| crate::clock::Now { mono_ms: now.mono_ms + ms, ..now };
    let is_due = |ms| desk.take_due(later(ms)).iter().any(|partition| partition.name().topic.as_ref() == "a");
    assert!(!is_due(14_999) && is_due(15_000));
    assert!(!desk.done(&topics[0], true, None, now));
    assert!(!is_due(59_999) && is_due(60_000));
    assert!(!desk.done(&topics[0], false, None, now) && desk.uncleanable().is_empty());
}

#[test]
fn c4_the_cleaner_keeps_to_its_rate() {
    let mut kit = Kit::still();
    let works = kit.manager.cleaner.clone();
    assert_eq!(works.spend(1 << 40), 0.0, "by default there is none");
    kit.publish(&[of_broker("log.cleaner.io.max.bytes.per.second", "1000")]);
    let now = kit.clock.now().mono_ms as f64;
    assert_eq!(works.spend(500) - now, 500.0);
    assert_eq!(works.spend(250) - now, 750.0, "all threads together");
    kit.clock.advance(2_000);
    assert_eq!(works.spend(1_000) - now, 3_000.0, "what was not used before is not made up for");
}

#[test]
fn c4_idle_compacted_partitions_cost_nothing() {
    let mut kit = Kit::still();
    let partitions: Vec<_> = (0..50).map(|_| led_by(ME, &[ME], &[ME])).collect();
    kit.topic_as("many", topic_id("many"), &partitions, &COMPACTED);
    assert_eq!(kit.manager.cleaner.desk.waiting(), 50, "each is looked at once");
    pass(&kit, 15_000);
    assert_eq!(kit.manager.cleaner.desk.waiting(), 0);
}

#[test]
fn l5_delete_records_of_a_topic_that_is_compacted_only_is_refused() {
    let mut kit = Kit::still();
    let partition = kit.topic("t", &COMPACTED);
    let both = kit.topic("both", &[("cleanup.policy", "compact,delete")]);
    put(&kit, &partition, "a");
    put(&kit, &both, "a");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(runtime.block_on(partition.delete_records(1)), Err(DeleteRecordsError::PolicyViolation));
    assert_eq!(runtime.block_on(both.delete_records(1)), Ok(1));
}
