//! One voter with its driver, its thread and real stores.

use super::list_machine::{Add, Added, ListMachine};
use crate::clock::SystemClock;
use crate::kv::memory::{Crash, MemoryKv};
use crate::kv::rocks::{Purpose, RocksKv};
use crate::kv::{Batch, Durability, Family, Kv, KvError, Pair, SharedKv};
use crate::quorum::machine::Position;
use crate::quorum::settings::Settings;
use crate::quorum::store::FAMILIES;
use crate::quorum::transport::{inbox, NoPeers};
use crate::quorum::{FatalHook, Handle, Quorum, SubmitError, Surroundings, VoterId};
use crate::rng::Rng;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

struct Member {
    handle: Handle<ListMachine>,
    task: JoinHandle<()>,
    deaths: Arc<Mutex<Vec<String>>>,
}

fn start(kv: SharedKv, settings: Settings) -> Member {
    let deaths = Arc::new(Mutex::new(Vec::new()));
    let fatal: FatalHook = {
        let deaths = deaths.clone();
        Arc::new(move |reason: &str| deaths.lock().push(reason.to_owned()))
    };
    let surroundings = Surroundings {
        kv,
        transport: Arc::new(NoPeers),
        mailbox: inbox().1,
        clock: SystemClock::new(),
        rng: Rng::from_seed(7),
        fatal,
        threads: true,
    };
    let (handle, task) = Quorum::start(settings, ListMachine::default(), surroundings).unwrap();
    Member { handle, task: tokio::spawn(task), deaths }
}

fn add(word: &str) -> Add {
    Add(word.to_owned())
}

fn few_entries_a_snapshot() -> Settings {
    Settings { snapshot_entries: 10, retained_entries: 3, ..Settings::lone(0) }
}

async fn add_and_restart(kv: impl Fn() -> SharedKv) {
    let first = start(kv(), few_entries_a_snapshot());
    first.handle.wait_active().await.unwrap();
    for word in 0..35 {
        let answer = first.handle.submit(Add(word.to_string())).await.unwrap();
        assert!(matches!(answer, Added::At(Position { term: 1, .. })), "{answer:?}");
    }
    assert_eq!(first.handle.submit(add("17")).await, Ok(Added::Exists));
    let status = first.handle.status().await.unwrap();
    assert_eq!((status.leader_id, status.leader_epoch, status.high_watermark), (Some(0), 1, 36));
    assert_eq!(status.voters.len(), 1);
    assert_eq!(status.voters[0].log_end_offset, 36);
    first.handle.stop().await;
    first.task.await.unwrap();
    assert_eq!(first.handle.submit(add("late")).await, Err(SubmitError::Stopped));
    drop(first.handle);

    let second = start(kv(), few_entries_a_snapshot());
    second.handle.wait_active().await.unwrap();
    assert_eq!(second.handle.submit(add("34")).await, Ok(Added::Exists), "what was answered is there");
    assert_eq!(
        second.handle.submit(add("new")).await,
        Ok(Added::At(Position { index: 38, term: 2 })),
        "after the entry that opens the new epoch"
    );
    assert_eq!(second.handle.leader().leader, Some(0));
    second.handle.stop().await;
    assert!(second.deaths.lock().is_empty());
}

#[tokio::test]
async fn a_lone_voter_answers_and_restarts_in_memory() {
    let kv: SharedKv = MemoryKv::new(FAMILIES.len());
    add_and_restart(|| kv.clone()).await;
}

#[tokio::test]
async fn a_lone_voter_answers_and_restarts_on_rocksdb() {
    let folder = tempfile::tempdir().unwrap();
    add_and_restart(|| RocksKv::open(folder.path(), &FAMILIES, Purpose::Quorum).unwrap()).await;
}

#[tokio::test]
async fn a_power_cut_takes_nothing_that_was_answered() {
    let kv = MemoryKv::new(FAMILIES.len());
    let mut answered: Vec<String> = Vec::new();
    for life in 0..5 {
        let member = start(kv.clone(), few_entries_a_snapshot());
        member.handle.wait_active().await.unwrap();
        for word in &answered {
            assert_eq!(member.handle.submit(add(word)).await, Ok(Added::Exists), "{word}");
        }
        for word in 0..12 {
            let word = format!("{life}-{word}");
            member.handle.submit(add(&word)).await.unwrap();
            answered.push(word);
        }
        member.task.abort();
        let _ = member.task.await;
        kv.crash(Crash::Power);
    }
}

#[tokio::test]
async fn submissions_made_together_share_entries() {
    let member = start(MemoryKv::new(FAMILIES.len()), Settings::lone(3));
    member.handle.wait_active().await.unwrap();
    let submissions = (0..500).map(|word| {
        let handle = member.handle.clone();
        tokio::spawn(async move { handle.submit(Add(word.to_string())).await })
    });
    for submission in submissions.collect::<Vec<_>>() {
        assert!(matches!(submission.await.unwrap(), Ok(Added::At(_))));
    }
    let status = member.handle.status().await.unwrap();
    assert!(status.high_watermark < 400, "500 submissions took {} entries", status.high_watermark);
}

#[tokio::test]
async fn a_lone_voter_is_active_at_once() {
    let started = std::time::Instant::now();
    let member = start(MemoryKv::new(FAMILIES.len()), Settings::lone(0));
    member.handle.wait_active().await.unwrap();
    // An election timeout is a second; the bound leaves room for a busy machine.
    assert!(started.elapsed() < Duration::from_millis(500), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_panic_inside_ends_in_the_fatal_hook() {
    let member = start(MemoryKv::new(FAMILIES.len()), Settings::lone(0));
    member.handle.wait_active().await.unwrap();
    assert_eq!(member.handle.submit(add("panic")).await, Err(SubmitError::Stopped));
    member.task.await.unwrap();
    let deaths = member.deaths.lock().clone();
    assert_eq!(deaths, ["the metadata quorum panicked: the machine was told to panic"]);
}

#[tokio::test]
async fn a_failing_disk_ends_in_the_fatal_hook() {
    let kv = MemoryKv::new(FAMILIES.len());
    let member = start(kv.clone(), Settings::lone(0));
    member.handle.wait_active().await.unwrap();
    kv.set_failing(true);
    assert_eq!(member.handle.submit(add("word")).await, Err(SubmitError::Stopped));
    member.task.await.unwrap();
    let deaths = member.deaths.lock().clone();
    assert_eq!(deaths.len(), 1);
    assert!(deaths[0].contains("cannot be written"), "{deaths:?}");
}

/// A disk that is full while told so.
struct FullDisk {
    kv: Arc<MemoryKv>,
    is_full: AtomicBool,
}

impl Kv for FullDisk {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
        self.kv.get(family, key)
    }
    fn write(&self, batch: Batch, durability: Durability) -> Result<(), KvError> {
        if self.is_full.load(Ordering::SeqCst) {
            return Err(KvError::Full("the disk was told to be full".into()));
        }
        self.kv.write(batch, durability)
    }
    fn scan(&self, family: Family, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, KvError> {
        self.kv.scan(family, from, to, limit)
    }
    fn floor(&self, family: Family, from: &[u8], key: &[u8]) -> Result<Option<Pair>, KvError> {
        self.kv.floor(family, from, key)
    }
    fn flush(&self) -> Result<(), KvError> {
        self.kv.flush()
    }
}

#[tokio::test]
async fn a_full_disk_is_waited_for() {
    let disk = Arc::new(FullDisk { kv: MemoryKv::new(FAMILIES.len()), is_full: AtomicBool::new(false) });
    let settings = Settings { submit_timeout_ms: 100, ..Settings::lone(0) };
    let member = start(disk.clone(), settings.clone());
    member.handle.wait_active().await.unwrap();
    disk.is_full.store(true, Ordering::SeqCst);
    assert_eq!(member.handle.submit(add("word")).await, Err(SubmitError::Timeout));
    assert!(member.handle.leader().active, "what is there can be read");
    disk.is_full.store(false, Ordering::SeqCst);
    while member.handle.submit(add("word")).await != Ok(Added::Exists) {}
    disk.is_full.store(true, Ordering::SeqCst);
    assert_eq!(member.handle.submit(add("another")).await, Err(SubmitError::Timeout));
    member.handle.stop().await;
    member.task.await.unwrap();
    assert!(member.deaths.lock().is_empty());
}

#[tokio::test]
async fn a_request_too_large_is_refused() {
    let member = start(MemoryKv::new(FAMILIES.len()), Settings::lone(0));
    member.handle.wait_active().await.unwrap();
    let refused = member.handle.submit(add("too large")).await;
    assert!(matches!(refused, Err(SubmitError::TooLarge(_))), "{refused:?}");
}

#[tokio::test]
async fn nobody_waits_longer_than_told() {
    let mut settings = Settings::new(VoterId::first(0), (0..3).map(VoterId::first).collect());
    settings.submit_timeout_ms = 50;
    let member = start(MemoryKv::new(FAMILIES.len()), settings);
    assert_eq!(member.handle.submit(add("word")).await, Err(SubmitError::NotController { leader: None }));
    assert!(tokio::time::timeout(Duration::from_millis(50), member.handle.wait_active()).await.is_err());
}
