//! One suite for the quorum's store, run on every `Kv`.

use crate::kv::memory::{Crash, MemoryKv};
use crate::kv::rocks::{Purpose, RocksKv};
use crate::kv::{Batch, Durability, Family, KvError, SharedKv};
use crate::quorum::machine::Position;
use crate::quorum::store::wal::{write_all, WalWrite};
use crate::quorum::store::{KvStore, FAMILIES};
use crate::rng::Rng;
use raft::eraftpb::{ConfState, Entry, HardState, Snapshot, SnapshotMetadata};
use raft::{GetEntriesContext, Storage, StorageError};

const VOTERS: [u64; 3] = [1, 2, 3];
/// Small, so that most reads go to the key-value store.
const CACHED_BYTES: usize = 64;

fn open(kv: &SharedKv) -> KvStore {
    KvStore::open(kv.clone(), &VOTERS, CACHED_BYTES).unwrap()
}

fn entry(index: u64, term: u64) -> Entry {
    Entry { index, term, data: format!("{index} of {term}").into_bytes(), ..Entry::default() }
}

fn entries(indexes: std::ops::RangeInclusive<u64>, term: u64) -> Vec<Entry> {
    indexes.map(|index| entry(index, term)).collect()
}

fn hard_state(term: u64, commit: u64) -> HardState {
    HardState { term, vote: 2, commit }
}

fn done(kv: &SharedKv, store: &mut KvStore, write: Option<WalWrite>) {
    if let Some(last) = write_all(&**kv, write.into_iter().collect()).unwrap() {
        store.written(last);
    }
}

fn read(store: &KvStore, low: u64, high: u64) -> raft::Result<Vec<Entry>> {
    store.entries(low, high, None, GetEntriesContext::empty(false))
}

fn is_compacted<T: std::fmt::Debug>(result: raft::Result<T>) -> bool {
    matches!(result, Err(raft::Error::Store(StorageError::Compacted)))
}

fn starts_empty(kv: &SharedKv) {
    let store = open(kv);
    assert_eq!((store.first_index().unwrap(), store.last_index().unwrap()), (1, 0));
    assert_eq!(store.term(0).unwrap(), 0);
    let state = store.initial_state().unwrap();
    assert_eq!((state.conf_state.voters, state.hard_state), (VOTERS.to_vec(), HardState::default()));
    assert!(store.read_snapshot().unwrap().is_none());
    // The voters of the first start are the ones that count.
    let again = KvStore::open(kv.clone(), &[9], CACHED_BYTES).unwrap();
    assert_eq!(again.conf_state().voters, VOTERS);
}

fn keeps_entries(kv: &SharedKv) {
    let mut store = open(kv);
    let write = store.save(None, entries(1..=20, 1), Some(hard_state(1, 3)), true);
    assert_eq!(read(&store, 1, 21).unwrap(), entries(1..=20, 1), "readable before it is written");
    done(kv, &mut store, write);
    for store in [&store, &open(kv)] {
        assert_eq!((store.first_index().unwrap(), store.last_index().unwrap()), (1, 20));
        assert_eq!(read(store, 1, 21).unwrap(), entries(1..=20, 1));
        assert_eq!(read(store, 7, 9).unwrap(), entries(7..=8, 1));
        assert_eq!(read(store, 9, 9).unwrap(), []);
        assert_eq!(store.term(20).unwrap(), 1);
        assert!(store.term(21).is_err());
        assert_eq!(store.initial_state().unwrap().hard_state, hard_state(1, 3));
        for low in 1..=20 {
            let one = store.entries(low, 21, 0, GetEntriesContext::empty(false)).unwrap();
            assert_eq!(one, entries(low..=low, 1), "at least one");
            let some = store.entries(low, 21, 60, GetEntriesContext::empty(false)).unwrap();
            let expected = entries(low..=20.min(low + some.len() as u64 - 1), 1);
            assert!(some == expected && some.len() >= 3.min(21 - low as usize) && some.len() <= 5, "{low}: {some:?}");
        }
    }
}

fn replaces_a_conflicting_tail(kv: &SharedKv) {
    let mut store = open(kv);
    let write = store.save(None, entries(1..=10, 1), Some(hard_state(1, 2)), true);
    done(kv, &mut store, write);
    let write = store.save(None, entries(4..=5, 2), Some(hard_state(2, 2)), true);
    let expected = [entries(1..=3, 1), entries(4..=5, 2)].concat();
    assert_eq!(read(&store, 1, 6).unwrap(), expected, "while the old tail is still on the disk");
    done(kv, &mut store, write);
    for store in [&store, &open(kv)] {
        assert_eq!(store.last_index().unwrap(), 5);
        assert_eq!(read(store, 1, 6).unwrap(), expected);
        assert_eq!((store.term(3).unwrap(), store.term(4).unwrap()), (1, 2));
    }
}

fn compacts_behind_a_snapshot(kv: &SharedKv) {
    let mut store = open(kv);
    let write = store.save(None, entries(1..=10, 1), Some(hard_state(1, 9)), true);
    done(kv, &mut store, write);
    assert!(store.snapshot(1, 2).is_err() && store.take_snapshot_wanted(), "there is none yet, and it is missed");
    let (at, conf_state) = (Position { index: 8, term: 1 }, ConfState { voters: vec![1, 2], ..ConfState::default() });
    let write = store.write_snapshot(at, &conf_state, Box::new(|| b"image".to_vec()));
    assert_eq!(store.first_index().unwrap(), 1, "nothing is forgotten before the snapshot is durable");
    done(kv, &mut store, Some(write));
    let write = store.snapshot_written(at, conf_state.clone(), 6).unwrap();
    assert!(write.is_some());
    done(kv, &mut store, write);
    for store in [&store, &open(kv)] {
        assert_eq!((store.first_index().unwrap(), store.last_index().unwrap()), (7, 10));
        assert_eq!(store.term(6).unwrap(), 1, "the term before the first entry is kept");
        assert!(is_compacted(store.term(5)) && is_compacted(read(store, 6, 8)));
        assert_eq!(read(store, 7, 11).unwrap(), entries(7..=10, 1));
        let snapshot = store.snapshot(8, 2).unwrap();
        assert_eq!((snapshot.data.as_slice(), snapshot.get_metadata().index), (&b"image"[..], 8));
        assert_eq!(snapshot.get_metadata().get_conf_state(), &conf_state);
        assert_eq!(store.conf_state(), &conf_state, "raft starts with the voters of the snapshot");
        assert!(store.snapshot(9, 2).is_err() && store.take_snapshot_wanted());
        assert!(!store.take_snapshot_wanted(), "asked once");
    }
}

fn installs_a_snapshot(kv: &SharedKv) {
    let mut store = open(kv);
    let write = store.save(None, entries(1..=10, 1), Some(hard_state(1, 2)), true);
    done(kv, &mut store, write);
    let metadata = SnapshotMetadata {
        conf_state: Some(ConfState { voters: VOTERS.to_vec(), ..ConfState::default() }),
        index: 30,
        term: 4,
    };
    let snapshot = Snapshot { data: b"theirs".to_vec(), metadata: Some(metadata) };
    let write = store.save(Some(&snapshot), entries(31..=32, 4), Some(hard_state(4, 30)), true);
    done(kv, &mut store, write);
    for store in [&store, &open(kv)] {
        assert_eq!((store.first_index().unwrap(), store.last_index().unwrap()), (31, 32));
        assert_eq!(store.term(30).unwrap(), 4);
        assert_eq!(read(store, 31, 33).unwrap(), entries(31..=32, 4));
        assert_eq!(store.read_snapshot().unwrap().unwrap().bytes, b"theirs");
        assert_eq!(store.initial_state().unwrap().hard_state, hard_state(4, 30));
    }
    // A snapshot of this node's own that was overtaken changes nothing.
    let late = store.snapshot_written(Position { index: 8, term: 1 }, ConfState::default(), 8).unwrap();
    assert!(late.is_none() && store.first_index().unwrap() == 31);
}

/// Random appends, truncations and compactions against a plain list, reopened now and then.
fn follows_a_model(kv: &SharedKv) {
    let rng = Rng::from_seed(11);
    let mut store = open(kv);
    let mut model: Vec<Entry> = Vec::new();
    let (mut first, mut lowest) = (1, 1);
    for term in 1..=300 {
        let last = first + model.len() as u64 - 1;
        // What is in a snapshot is committed, and committed is not rewritten.
        let from = lowest + rng.below(last + 2 - lowest);
        let new = entries(from..=from + rng.below(6), term);
        model.truncate((from - first) as usize);
        model.extend(new.clone());
        let last = first + model.len() as u64 - 1;
        let write = store.save(None, new, Some(hard_state(term, last)), true);
        if rng.below(3) > 0 {
            done(kv, &mut store, write);
        } else {
            // The next one does it.
            let unheard = write_all(&**kv, write.into_iter().collect()).unwrap();
            assert!(unheard.is_some());
        }
        if rng.below(10) == 0 && model.len() > 3 {
            let at = Position { index: last - 1, term: model[model.len() - 2].term };
            lowest = at.index + 1;
            let write = store.write_snapshot(at, &ConfState::default(), Box::new(Vec::new));
            done(kv, &mut store, Some(write));
            let compact_to = first + rng.below(model.len() as u64 - 2);
            let write = store.snapshot_written(at, ConfState::default(), compact_to).unwrap();
            done(kv, &mut store, write);
            model.drain(..(compact_to + 1 - first) as usize);
            first = compact_to + 1;
        }
        if rng.below(20) == 0 {
            store = open(kv);
        }
        assert_eq!((store.first_index().unwrap(), store.last_index().unwrap()), (first, last));
        assert_eq!(read(&store, first, last + 1).unwrap(), model);
        let middle = first + rng.below(last + 1 - first);
        assert_eq!(store.term(middle).unwrap(), model[(middle - first) as usize].term);
    }
}

const SUITE: [fn(&SharedKv); 6] = [
    starts_empty,
    keeps_entries,
    replaces_a_conflicting_tail,
    compacts_behind_a_snapshot,
    installs_a_snapshot,
    follows_a_model,
];

#[test]
fn the_store_keeps_its_word_in_memory() {
    for test in SUITE {
        let kv: SharedKv = MemoryKv::new(FAMILIES.len());
        test(&kv);
    }
}

#[test]
fn the_store_keeps_its_word_on_rocksdb() {
    for test in SUITE {
        let folder = tempfile::tempdir().unwrap();
        let kv: SharedKv = RocksKv::open(folder.path(), &FAMILIES, Purpose::Quorum).unwrap();
        test(&kv);
    }
}

#[test]
fn a_power_cut_leaves_what_was_synced() {
    let memory = MemoryKv::new(FAMILIES.len());
    let kv: SharedKv = memory.clone();
    let mut store = open(&kv);
    let write = store.save(None, entries(1..=5, 1), Some(hard_state(1, 0)), true);
    done(&kv, &mut store, write);
    let write = store.save(None, Vec::new(), Some(hard_state(1, 5)), false);
    done(&kv, &mut store, write);
    memory.crash(Crash::Power);
    let store = open(&kv);
    assert_eq!(read(&store, 1, 6).unwrap(), entries(1..=5, 1));
    assert_eq!(store.initial_state().unwrap().hard_state, hard_state(1, 0), "a commit index may be forgotten");
}

#[test]
fn a_store_that_makes_no_sense_is_refused() {
    let state = Family(1);
    let damages: [(&[u8], &[u8]); 4] = [
        (b"format", &[9]),
        (b"hard_state", &[0x18, 0x63]), // commit 99
        (b"snapshot_at", &[1, 2, 3]),
        (b"truncated", &[0xFF; 16]),
    ];
    for (key, value) in damages {
        let kv: SharedKv = MemoryKv::new(FAMILIES.len());
        open(&kv);
        let mut batch = Batch::new();
        batch.put(state, key, value);
        kv.write(batch, Durability::Synced).unwrap();
        let refused = KvStore::open(kv, &VOTERS, CACHED_BYTES);
        assert!(matches!(refused, Err(KvError::Corrupt(_))), "{}", String::from_utf8_lossy(key));
    }
}

#[test]
fn a_hole_in_the_log_is_corruption() {
    let kv: SharedKv = MemoryKv::new(FAMILIES.len());
    let mut store = open(&kv);
    let write = store.save(None, entries(1..=9, 1), Some(hard_state(1, 9)), true);
    done(&kv, &mut store, write);
    let mut batch = Batch::new();
    batch.delete(Family(0), 4u64.to_be_bytes());
    kv.write(batch, Durability::Synced).unwrap();
    let error = read(&open(&kv), 1, 10).unwrap_err();
    assert!(error.to_string().contains("entry 4 of the quorum's log is missing"), "{error}");
}
