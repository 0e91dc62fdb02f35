//! One conformance suite for every [`Kv`].

use super::memory::{Crash, MemoryKv};
use super::rocks::{Purpose, RocksKv};
use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

const A: Family = Family(0);
const B: Family = Family(1);

fn conforms(kv: &dyn Kv) {
    let mut batch = Batch::new();
    for key in [b"a".as_slice(), b"b", b"d", b"\xff"] {
        batch.put(A, key, [key, b"!"].concat());
    }
    batch.put(B, b"b", b"other family");
    kv.write(batch, Durability::UntilFlush).unwrap();
    assert_eq!(kv.get(A, b"b").unwrap().unwrap(), b"b!");
    assert_eq!(kv.get(B, b"b").unwrap().unwrap(), b"other family");
    assert_eq!(kv.get(A, b"c").unwrap(), None);
    let keys = |pairs: Vec<Pair>| pairs.into_iter().map(|(key, _)| key).collect::<Vec<_>>();
    assert_eq!(keys(kv.scan(A, b"a", b"d", 9).unwrap()), [b"a", b"b"]);
    assert_eq!(keys(kv.scan(A, b"a", b"z", 2).unwrap()), [b"a", b"b"]);
    assert!(kv.scan(A, b"z", b"a", 9).unwrap().is_empty());
    assert_eq!(kv.floor(A, b"a", b"c").unwrap().unwrap().0, b"b");
    assert_eq!(kv.floor(A, b"b", b"b").unwrap().unwrap().0, b"b");
    assert_eq!(kv.floor(A, b"c", b"c").unwrap(), None, "nothing between the bounds");
    kv.flush().unwrap();
    let mut batch = Batch::new();
    batch.delete_range(A, b"a", b"d");
    batch.put(A, b"a", b"again");
    batch.delete(A, b"\xff");
    batch.delete_range(A, b"z", b"a");
    kv.write(batch, Durability::Synced).unwrap();
    assert_eq!(keys(kv.scan(A, b"", b"\xff\xff", 9).unwrap()), [b"a", b"d"]);
}

#[test]
fn memory_conforms() {
    conforms(&*MemoryKv::new(2));
}

#[test]
fn rocksdb_conforms() {
    for purpose in [Purpose::Index, Purpose::Quorum] {
        let folder = tempfile::tempdir().unwrap();
        conforms(&*RocksKv::open(&folder.path().join("db"), &["a", "b"], purpose).unwrap());
    }
}

#[test]
fn rocksdb_keeps_its_content_over_a_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let put = |kv: &dyn Kv, key: &[u8], durability| {
        let mut batch = Batch::new();
        batch.put(A, key, b"value");
        kv.write(batch, durability).unwrap();
    };
    let kv = RocksKv::open(&path, &["a", "b"], Purpose::Quorum).unwrap();
    put(&*kv, b"synced", Durability::Synced);
    put(&*kv, b"logged", Durability::Logged);
    drop(kv);
    let kv = RocksKv::open(&path, &["a", "b"], Purpose::Quorum).unwrap();
    assert!(kv.get(A, b"synced").unwrap().is_some() && kv.get(A, b"logged").unwrap().is_some());
    drop(kv);
    RocksKv::destroy(&path).unwrap();
    assert_eq!(RocksKv::open(&path, &["a", "b"], Purpose::Index).unwrap().get(A, b"synced").unwrap(), None);
}

/// A store whose last process was killed after it had written `keys`, each synced.
fn killed_after(path: &std::path::Path, keys: u8) -> std::path::PathBuf {
    let kv = RocksKv::open(path, &["a"], Purpose::Quorum).unwrap();
    for key in 0..keys {
        let mut batch = Batch::new();
        batch.put(A, [key], [key; 300]);
        kv.write(batch, Durability::Synced).unwrap();
    }
    // What is not dropped is not closed.
    let copy = path.with_extension("killed");
    std::fs::create_dir(&copy).unwrap();
    for entry in std::fs::read_dir(path).unwrap().map(Result::unwrap) {
        std::fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    copy
}

fn log_of(database: &std::path::Path) -> std::path::PathBuf {
    let logs = std::fs::read_dir(database).unwrap().map(|entry| entry.unwrap().path());
    logs.filter(|path| path.extension().is_some_and(|e| e == "log")).max().unwrap()
}

/// How many of the keys are there, without a gap.
fn kept(database: &std::path::Path) -> Result<usize, KvError> {
    let kv = RocksKv::open(database, &["a"], Purpose::Quorum)?;
    let pairs = kv.scan(A, &[], &[0xff], 999)?;
    assert!(pairs.iter().zip(0u8..).all(|((key, value), at)| *key == [at] && *value == [at; 300]));
    Ok(pairs.len())
}

#[test]
fn d5_a_torn_end_of_the_quorums_log_costs_only_what_was_not_synced() {
    let folder = tempfile::tempdir().unwrap();
    let database = killed_after(&folder.path().join("db"), 120);
    let log = log_of(&database);
    let whole = std::fs::read(&log).unwrap();
    assert_eq!(kept(&database).unwrap(), 120);
    // Its opening has made tables of the log, so each cut is tried on a copy.
    for (number, cut) in (0..whole.len()).rev().step_by(977).enumerate() {
        let database = killed_after(&folder.path().join(format!("cut-{number}")), 120);
        let log = log_of(&database);
        // Zeros where the file had grown already, or nothing.
        let mut torn = whole[..cut].to_vec();
        if number % 2 == 0 {
            torn.resize(cut + 200, 0);
        }
        std::fs::write(log, torn).unwrap();
        let kept = kept(&database).unwrap();
        assert!(kept >= 120 * cut / whole.len() - 1 && kept < 120, "{kept} keys of a log cut at {cut}");
    }
}

#[test]
fn d4_a_flipped_bit_in_the_quorums_log_is_refused_unless_it_is_in_the_last_record() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..24usize {
        let database = killed_after(&folder.path().join(number.to_string()), 120);
        let log = log_of(&database);
        let mut bytes = std::fs::read(&log).unwrap();
        let last_record = bytes.len() - 340;
        let at = number * 2_654_435 % last_record;
        bytes[at] ^= 1 << (number % 8);
        std::fs::write(&log, &bytes).unwrap();
        match kept(&database) {
            Err(KvError::Corrupt(why)) => assert!(why.contains("damaged at byte"), "{why}"),
            other => panic!("byte {at} of {}: {other:?}", bytes.len()),
        }
    }
}

#[test]
fn a_crash_of_the_memory_twin_loses_what_was_not_durable() {
    for (crash, logged_survives) in [(Crash::Process, true), (Crash::Power, false)] {
        let kv = MemoryKv::new(1);
        let put = |key: &[u8], durability| {
            let mut batch = Batch::new();
            batch.put(A, key, b"value");
            kv.write(batch, durability).unwrap();
        };
        put(b"flushed", Durability::UntilFlush);
        kv.flush().unwrap();
        put(b"logged before a sync", Durability::Logged);
        put(b"synced", Durability::Synced);
        put(b"logged", Durability::Logged);
        put(b"unflushed", Durability::UntilFlush);
        kv.crash(crash);
        let there = |key: &[u8]| kv.get(A, key).unwrap().is_some();
        assert!(there(b"flushed") && there(b"synced") && there(b"logged before a sync"));
        assert!(!there(b"unflushed"));
        assert_eq!(there(b"logged"), logged_survives);
    }
}

proptest! {
    #[test]
    fn both_answer_like_a_sorted_map(
        changes in prop::collection::vec((0u8..3, prop::collection::vec(0u8..4, 0..3), prop::collection::vec(0u8..4, 0..3)), 1..40)
    ) {
        let folder = tempfile::tempdir().unwrap();
        let stores: [Arc<dyn Kv>; 2] =
            [MemoryKv::new(1), RocksKv::open(&folder.path().join("db"), &["a"], Purpose::Index).unwrap()];
        let mut model = BTreeMap::new();
        for (what, key, other) in changes {
            let mut batch = Batch::new();
            match what {
                0 => { model.insert(key.clone(), other.clone()); batch.put(A, key, other); }
                1 => { model.remove(&key); batch.delete(A, key); }
                _ => { model.retain(|k: &Vec<u8>, _| k < &key || k >= &other); batch.delete_range(A, key, other); }
            }
            for store in &stores {
                store.write(batch.clone(), Durability::UntilFlush).unwrap();
            }
        }
        let all: Vec<Pair> = model.clone().into_iter().collect();
        for store in &stores {
            prop_assert_eq!(store.scan(A, b"", &[9], 99).unwrap(), all.clone());
            for key in 0..4u8 {
                let floor = model.range(..=vec![key]).next_back().map(|(k, v)| (k.clone(), v.clone()));
                prop_assert_eq!(store.floor(A, b"", &[key]).unwrap(), floor);
            }
        }
    }
}
