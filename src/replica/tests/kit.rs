//! A node's partitions on the real disk, with a disk that can be made to wait, fail or fill up.

#![allow(dead_code)] // each test file uses its part
use crate::clock::{Clock, ManualClock};
use crate::config::broker::BrokerConfig;
use crate::config::load::{load, Sources};
use crate::disk::handles::Handles;
use crate::disk::real::RealDisk;
use crate::disk::{Disk, DiskFile, DiskLock, Entry, Open, Space};
use crate::ids::Uuid;
use crate::kv::memory::MemoryKv;
use crate::log::keys::FAMILIES;
use crate::log::{Appended, DirLimits, DirParts, LogDir, TailCache, ToVerify};
use crate::metadata::configs::ConfigResource;
use crate::metadata::configs::ResourceType;
use crate::metadata::delta::MetadataDelta;
use crate::metadata::image::{MetadataImage, PartitionImage};
use crate::metadata::record::MetadataRecord;
use crate::record::build::{end_transaction, BatchBuilder, Marker};
use crate::record::header::BatchHeader;
use crate::record::validate::ValidBatch;
use crate::replica::*;
use futures_util::FutureExt;
use parking_lot::{Condvar, Mutex};
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

pub const ME: i32 = 1;
pub const ALL: Acks = Acks::All { timeout_ms: 30_000 };

/// What the disk of a test does.
#[derive(Default)]
pub struct Faults {
    /// Writes to segments wait while it is closed.
    closed: Mutex<bool>,
    opened: Condvar,
    /// Writes that wait at the gate now.
    pub waiting: AtomicUsize,
    /// Vectored writes to segments.
    pub writes: AtomicUsize,
    /// Segment syncs.
    pub syncs: AtomicUsize,
    /// Syncs wait while it is closed.
    sync_closed: Mutex<bool>,
    sync_opened: Condvar,
    pub syncs_waiting: AtomicUsize,
    /// errno of segment writes; 0 for none.
    pub write_errno: AtomicI32,
    /// errno that writes of small files fail with; 0 for none.
    pub checkpoint_errno: AtomicI32,
    /// errno of segment syncs; 0 for none.
    pub sync_errno: AtomicI32,
    /// The next segment write panics.
    pub panic: AtomicBool,
}

impl Faults {
    pub fn close_gate(&self) {
        *self.closed.lock() = true;
    }
    pub fn open_gate(&self) {
        *self.closed.lock() = false;
        self.opened.notify_all();
    }
    pub fn close_sync_gate(&self) {
        *self.sync_closed.lock() = true;
    }
    pub fn open_sync_gate(&self) {
        *self.sync_closed.lock() = false;
        self.sync_opened.notify_all();
    }
    fn pass(closed: &Mutex<bool>, opened: &Condvar, waiting: &AtomicUsize) {
        let mut closed = closed.lock();
        waiting.fetch_add(1, Ordering::SeqCst);
        while *closed {
            opened.wait(&mut closed);
        }
        waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

fn fail(errno: &AtomicI32) -> io::Result<()> {
    match errno.load(Ordering::SeqCst) {
        0 => Ok(()),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}

pub struct FaultyDisk {
    inner: Arc<RealDisk>,
    faults: Arc<Faults>,
}

struct FaultyFile {
    inner: Arc<dyn DiskFile>,
    faults: Arc<Faults>,
    is_segment: bool,
}

impl Disk for FaultyDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn DiskFile>> {
        let inner = self.inner.open(path, how)?;
        let is_segment = path.extension().is_some_and(|extension| extension == "log");
        Ok(Arc::new(FaultyFile { inner, faults: self.faults.clone(), is_segment }))
    }
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.inner.create_dir_all(path)
    }
    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        self.inner.list(path)
    }
    fn entry(&self, path: &Path) -> io::Result<Option<Entry>> {
        self.inner.entry(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner.rename(from, to)
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.inner.remove_file(path)
    }
    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        self.inner.remove_dir_all(path)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.inner.sync_dir(path)
    }
    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>> {
        self.inner.lock(path)
    }
    fn space(&self, path: &Path) -> io::Result<Space> {
        self.inner.space(path)
    }
}

impl DiskFile for FaultyFile {
    fn append_vectored(&self, position: u64, pieces: &[IoSlice<'_>]) -> io::Result<()> {
        if self.is_segment {
            assert!(!self.faults.panic.swap(false, Ordering::SeqCst), "the test asked for a panic");
            Faults::pass(&self.faults.closed, &self.faults.opened, &self.faults.waiting);
            self.faults.writes.fetch_add(1, Ordering::SeqCst);
            fail(&self.faults.write_errno)?;
        } else {
            fail(&self.faults.checkpoint_errno)?;
        }
        self.inner.append_vectored(position, pieces)
    }
    fn read_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read_at(position, buffer)
    }
    fn read_cached_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read_cached_at(position, buffer)
    }
    fn sync_data(&self) -> io::Result<()> {
        if self.is_segment {
            Faults::pass(&self.faults.sync_closed, &self.faults.sync_opened, &self.faults.syncs_waiting);
            self.faults.syncs.fetch_add(1, Ordering::SeqCst);
            fail(&self.faults.sync_errno)?;
        }
        self.inner.sync_data()
    }
    fn start_write_back(&self, position: u64, length: u64) {
        self.inner.start_write_back(position, length);
    }
    fn reserve(&self, length: u64) -> io::Result<()> {
        self.inner.reserve(length)
    }
    fn truncate(&self, length: u64) -> io::Result<()> {
        self.inner.truncate(length)
    }
    fn length(&self) -> io::Result<u64> {
        self.inner.length()
    }
    fn descriptor(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        self.inner.descriptor()
    }
}

/// A node with directories, a metadata image and its partitions.
pub struct Kit {
    pub root: tempfile::TempDir,
    pub faults: Arc<Faults>,
    pub clock: Arc<ManualClock>,
    pub manager: Arc<ReplicaManager>,
    pub image: Arc<MetadataImage>,
    indexes: Vec<Arc<MemoryKv>>,
    threads: bool,
}

pub fn topic_id(topic: &str) -> Uuid {
    Uuid::from_u128(topic.bytes().fold(7, |sum: u128, byte| sum.wrapping_mul(257) + u128::from(byte)))
}

pub fn led_by(leader: i32, replicas: &[i32], isr: &[i32]) -> PartitionImage {
    PartitionImage {
        replicas: replicas.to_vec(),
        directories: vec![Uuid::nil(); replicas.len()],
        isr: isr.to_vec(),
        leader,
        ..PartitionImage::default()
    }
}

impl Kit {
    /// One directory, no threads.
    pub fn still() -> Self {
        Self::with(1, false)
    }

    /// One directory with its threads.
    pub fn running() -> Self {
        Self::with(1, true)
    }

    pub fn with(dirs: usize, threads: bool) -> Self {
        let root = tempfile::tempdir().unwrap();
        let faults = Arc::new(Faults::default());
        let clock = ManualClock::at(1_700_000_000_000);
        let indexes: Vec<_> = (0..dirs).map(|_| MemoryKv::new(FAMILIES.len())).collect();
        let manager = open(root.path(), &faults, &clock, &indexes, threads);
        Self { root, faults, clock, manager, image: Arc::new(MetadataImage::new()), indexes, threads }
    }

    pub fn dir(&self, at: usize) -> PathBuf {
        self.root.path().join(format!("d{at}"))
    }

    /// Publishes records.
    pub fn publish(&mut self, records: &[MetadataRecord]) {
        let mut image = MetadataImage::clone(&self.image);
        for record in records {
            image.apply(record).unwrap();
        }
        let image = Arc::new(image);
        let delta = MetadataDelta::between(&self.image, &image);
        self.manager.on_metadata(&delta, &image);
        self.image = image;
    }

    /// Makes a topic with one partition that this node leads alone.
    pub fn topic(&mut self, topic: &str, configs: &[(&str, &str)]) -> Arc<Partition> {
        self.topic_as(topic, topic_id(topic), &[led_by(ME, &[ME], &[ME])], configs);
        self.manager.partition(topic, 0).unwrap()
    }

    pub fn topic_as(&mut self, topic: &str, id: Uuid, partitions: &[PartitionImage], configs: &[(&str, &str)]) {
        let mut records = vec![MetadataRecord::Topic { name: topic.to_owned(), topic_id: id }];
        for (partition, state) in (0..).zip(partitions) {
            records.push(MetadataRecord::Partition { topic_id: id, partition, state: state.clone() });
        }
        records.extend(configs.iter().map(|(key, value)| config(topic, key, value)));
        self.publish(&records);
    }

    pub fn append(&self, partition: &Arc<Partition>, acks: Acks) -> Append {
        partition.append_as_leader(batch(1), acks, self.clock.now())
    }

    /// Stops, and starts again with the same directories and metadata.
    pub fn restart(&mut self) {
        self.manager.stop();
        self.reopen();
    }

    /// Starts again without a stop: only for nodes without threads.
    pub fn crash(&mut self) {
        assert!(!self.threads);
        self.reopen();
    }

    fn reopen(&mut self) {
        // The directories' locks go with the old manager.
        let placeholder = tempfile::tempdir().unwrap();
        let other = open(placeholder.path(), &self.faults, &self.clock, &[MemoryKv::new(FAMILIES.len())], false);
        drop(std::mem::replace(&mut self.manager, other));
        self.manager = open(self.root.path(), &self.faults, &self.clock, &self.indexes, self.threads);
        let delta = MetadataDelta::between(&MetadataImage::new(), &self.image);
        self.manager.on_metadata(&delta, &self.image);
    }
}

impl Drop for Kit {
    fn drop(&mut self) {
        self.faults.open_gate();
        self.faults.open_sync_gate();
        self.manager.stop();
    }
}

fn open(
    root: &Path,
    faults: &Arc<Faults>,
    clock: &Arc<ManualClock>,
    indexes: &[Arc<MemoryKv>],
    threads: bool,
) -> Arc<ReplicaManager> {
    let disk: Arc<dyn Disk> = Arc::new(FaultyDisk { inner: RealDisk::new(), faults: faults.clone() });
    let handles = Handles::new(disk.clone(), 100);
    let tail_cache = TailCache::new(8 << 20, 1 << 20);
    let dirs = indexes.iter().enumerate().map(|(at, index)| {
        let parts = DirParts {
            disk: disk.clone(),
            handles: handles.clone(),
            index: index.clone(),
            tail_cache: tail_cache.clone(),
        };
        let (dir, found) = LogDir::open(parts, &root.join(format!("d{at}")), DirLimits::default()).unwrap();
        HostedDir { id: Uuid::from_u128(100 + at as u128), dir, found }
    });
    let parts = ManagerParts {
        config: Arc::new(broker_config()),
        dirs: dirs.collect(),
        offline_dirs: Vec::new(),
        tail_cache: tail_cache.clone(),
        clock: clock.clone(),
        rng: crate::rng::Rng::from_seed(1),
        threads,
    };
    ReplicaManager::new(parts).unwrap()
}

fn broker_config() -> BrokerConfig {
    let sources = Sources { overrides: vec![format!("node.id={ME}")], ..Sources::default() };
    load(&sources).unwrap().config
}

pub fn config(topic: &str, key: &str, value: &str) -> MetadataRecord {
    MetadataRecord::Config {
        resource: ConfigResource::new(ResourceType::Topic, topic),
        key: key.to_owned(),
        value: Some(value.to_owned()),
    }
}

/// A batch of `count` records.
pub fn batch(count: usize) -> ValidBatch {
    let mut builder = BatchBuilder::new();
    for at in 0..count {
        builder.append(1_700_000_000_000, Some(b"key"), Some(at.to_string().as_bytes()), &[]);
    }
    builder.build().unwrap()
}

/// A batch of one record within a transaction.
pub fn transactional(producer_id: i64, epoch: i16, sequence: i32) -> ValidBatch {
    let mut builder = BatchBuilder::new().producer(producer_id, epoch, sequence).transactional();
    builder.append(1_700_000_000_000, Some(b"key"), Some(b"value"), &[]);
    builder.build().unwrap()
}

/// What a batch is verified by.
pub fn to_verify(batch: &ValidBatch) -> ToVerify {
    let BatchHeader { producer_id, producer_epoch, base_sequence, .. } = batch.header;
    ToVerify { producer_id, producer_epoch, base_sequence, epoch_grows: false }
}

/// Appends one batch of a transaction of epoch 0, verified if it begins it.
pub fn append_transactional(
    kit: &Kit,
    partition: &Arc<Partition>,
    producer_id: i64,
    sequence: i32,
) -> Result<Appended, AppendError> {
    let batch = transactional(producer_id, 0, sequence);
    let begun = Box::pin(partition.begin_verification(to_verify(&batch), kit.clock.now())).now_or_never();
    let verification = begun.expect("nobody writes")?;
    partition.append_verified(batch, ALL, verification, kit.clock.now()).now()
}

/// Ends a transaction as a coordinator under transaction.version 1.
pub fn append_marker(kit: &Kit, partition: &Arc<Partition>, producer_id: i64, epoch: i16, marker: Marker) -> Append {
    let marker = end_transaction(marker, producer_id, epoch, 0, 1).unwrap();
    partition.append_marker(marker, 1, 30_000, kit.clock.now())
}

/// Waits for something that another thread is about to do; fails after ten seconds.
pub fn eventually(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("never came true: {what}");
}

impl Append {
    /// The outcome of an append that is over.
    pub fn now(self) -> Result<crate::log::Appended, AppendError> {
        match self {
            Append::Done(outcome) => outcome,
            Append::Later(_) => panic!("the append waits"),
        }
    }

    /// The wait of an append that is not over.
    pub fn later(self) -> AppendFuture {
        match self {
            Append::Done(outcome) => panic!("the append is over: {outcome:?}"),
            Append::Later(future) => future,
        }
    }
}

/// A consumer's read from `offset`.
pub fn spec(offset: i64) -> FetchSpec {
    FetchSpec {
        offset,
        max_bytes: 1 << 20,
        min_one_batch: true,
        isolation: Isolation::ReadUncommitted,
        current_leader_epoch: -1,
        last_fetched_epoch: -1,
        cursor: None,
    }
}
