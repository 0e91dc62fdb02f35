//! A log directory on the real disk, with a memory index database and a disk that counts and fails on demand.

use crate::clock::Now;
use crate::disk::handles::Handles;
use crate::disk::real::RealDisk;
use crate::disk::{Disk, DiskFile, DiskLock, Entry, Open, Space};
use crate::ids::{TopicPartition, Uuid};
use crate::kv::memory::{Crash, MemoryKv};
use crate::kv::{Batch, Durability, Family, Kv, KvError, Pair, SharedKv};
use crate::log::keys::FAMILIES;
use crate::log::*;
use crate::record::build::{end_transaction, BatchBuilder, Marker};
use crate::record::header::BatchHeader;
use crate::record::validate::ValidBatch;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use std::sync::Arc;

pub const TOPIC_ID: Uuid = Uuid::from_u128(0x1234_5678_9abc_def0);

pub fn partition() -> TopicPartition {
    TopicPartition::new("t", 0)
}

pub fn at(ms: i64) -> Now {
    Now { wall_ms: ms, mono_ms: ms }
}

/// Counts the calls that reach files, and fails them on demand.
#[derive(Default)]
pub struct Counts {
    pub opens: AtomicUsize,
    pub writes: AtomicUsize,
    pub reserves: AtomicUsize,
    pub reads: AtomicUsize,
    pub syncs: AtomicUsize,
    pub dir_syncs: AtomicUsize,
    /// errno that writes fail with; 0 for none.
    pub write_errno: AtomicI32,
    /// errno that syncs fail with; 0 for none.
    pub sync_errno: AtomicI32,
}

pub struct CountingDisk {
    inner: Arc<RealDisk>,
    pub counts: Arc<Counts>,
}

struct CountingFile {
    inner: Arc<dyn DiskFile>,
    counts: Arc<Counts>,
}

fn fail(errno: &AtomicI32) -> io::Result<()> {
    match errno.load(Ordering::Relaxed) {
        0 => Ok(()),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}

impl Disk for CountingDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn DiskFile>> {
        self.counts.opens.fetch_add(1, Ordering::Relaxed);
        let inner = self.inner.open(path, how)?;
        Ok(Arc::new(CountingFile { inner, counts: self.counts.clone() }))
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
        self.counts.dir_syncs.fetch_add(1, Ordering::Relaxed);
        self.inner.sync_dir(path)
    }
    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>> {
        self.inner.lock(path)
    }
    fn space(&self, path: &Path) -> io::Result<Space> {
        self.inner.space(path)
    }
    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        fail(&self.counts.write_errno)?;
        self.inner.replace(path, bytes)
    }
}

impl DiskFile for CountingFile {
    fn append_vectored(&self, position: u64, pieces: &[IoSlice<'_>]) -> io::Result<()> {
        self.counts.writes.fetch_add(1, Ordering::Relaxed);
        if let Err(error) = fail(&self.counts.write_errno) {
            // As much as half of it may have been written.
            let bytes: Vec<u8> = pieces.iter().flat_map(|piece| piece.to_vec()).collect();
            let _ = self.inner.append_vectored(position, &[IoSlice::new(&bytes[..bytes.len() / 2])]);
            return Err(error);
        }
        self.inner.append_vectored(position, pieces)
    }
    fn read_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.counts.reads.fetch_add(1, Ordering::Relaxed);
        self.inner.read_at(position, buffer)
    }
    fn read_cached_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read_cached_at(position, buffer)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.counts.syncs.fetch_add(1, Ordering::Relaxed);
        fail(&self.counts.sync_errno)?;
        self.inner.sync_data()
    }
    fn start_write_back(&self, position: u64, length: u64) {
        self.counts.reserves.fetch_add(1, Ordering::Relaxed);
        self.inner.start_write_back(position, length);
    }
    fn reserve(&self, length: u64) -> io::Result<()> {
        self.counts.reserves.fetch_add(1, Ordering::Relaxed);
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

/// Counts the calls that reach the index database.
pub struct CountingKv {
    pub inner: Arc<MemoryKv>,
    pub calls: AtomicUsize,
    /// Writes find no space.
    pub full: AtomicBool,
}

impl CountingKv {
    fn count(&self) -> &MemoryKv {
        self.calls.fetch_add(1, Ordering::Relaxed);
        &self.inner
    }
}

impl Kv for CountingKv {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
        self.count().get(family, key)
    }
    fn write(&self, batch: Batch, durability: Durability) -> Result<(), KvError> {
        if self.full.load(Ordering::Relaxed) {
            return Err(KvError::Full("no space".to_owned()));
        }
        self.count().write(batch, durability)
    }
    fn scan(&self, family: Family, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, KvError> {
        self.count().scan(family, from, to, limit)
    }
    fn floor(&self, family: Family, from: &[u8], key: &[u8]) -> Result<Option<Pair>, KvError> {
        self.count().floor(family, from, key)
    }
    fn flush(&self) -> Result<(), KvError> {
        self.count().flush()
    }
}

/// A directory that can be stopped, crashed and started again.
pub struct Kit {
    pub root: tempfile::TempDir,
    pub counts: Arc<Counts>,
    pub kv: Arc<CountingKv>,
    pub dir: Arc<LogDir>,
    pub found: Vec<FoundLog>,
    pub tail_bytes: usize,
}

impl Kit {
    pub fn new() -> Self {
        Self::with_tail(1 << 20)
    }

    pub fn with_tail(tail_bytes: usize) -> Self {
        let root = tempfile::tempdir().unwrap();
        let counts = Arc::new(Counts::default());
        let kv = Arc::new(CountingKv {
            inner: MemoryKv::new(FAMILIES.len()),
            calls: AtomicUsize::new(0),
            full: AtomicBool::new(false),
        });
        let (dir, found) = open_dir(root.path(), &counts, kv.clone(), tail_bytes).unwrap();
        Self { root, counts, kv, dir, found, tail_bytes }
    }

    pub fn folder(&self) -> PathBuf {
        self.root.path().join("t-0")
    }

    pub fn log(&self, config: &LogConfig) -> Log {
        self.dir.open_log(&partition(), TOPIC_ID, config.clone(), at(0)).unwrap()
    }

    /// Stops cleanly and starts again; every log must be closed.
    pub fn restart(&mut self) {
        assert!(self.dir.close_clean().unwrap(), "every log was closed");
        self.start();
    }

    /// Goes on after a crash that keeps the files and loses what the index database had not flushed.
    pub fn crash(&mut self) {
        self.kv.inner.crash(Crash::Process);
        self.start();
    }

    /// Deletes the index database.
    pub fn lose_index(&mut self) {
        self.kv = Arc::new(CountingKv {
            inner: MemoryKv::new(FAMILIES.len()),
            calls: AtomicUsize::new(0),
            full: AtomicBool::new(false),
        });
    }

    /// Starts again as things lie.
    pub fn start(&mut self) {
        // The old directory's lock must go first; its logs hold it, so tests drop them before.
        let placeholder = tempfile::tempdir().unwrap();
        let (dir, _) = open_dir(placeholder.path(), &self.counts, MemoryKv::new(FAMILIES.len()), 0).unwrap();
        self.dir = dir;
        let (dir, found) = open_dir(self.root.path(), &self.counts, self.kv.clone(), self.tail_bytes).unwrap();
        self.dir = dir;
        self.found = found;
    }
}

fn open_dir(
    path: &Path,
    counts: &Arc<Counts>,
    index: SharedKv,
    tail_bytes: usize,
) -> Result<(Arc<LogDir>, Vec<FoundLog>), LogError> {
    let disk: Arc<dyn Disk> = Arc::new(CountingDisk { inner: RealDisk::new(), counts: counts.clone() });
    let handles = Handles::new(disk.clone(), 64);
    let tail_cache = TailCache::new(tail_bytes, tail_bytes / 2);
    LogDir::open(DirParts { disk, handles, index, tail_cache }, path, DirLimits::default())
}

/// Small segments and a dense index.
pub fn small() -> LogConfig {
    LogConfig { segment_bytes: 1000, index_interval_bytes: 150, file_delete_delay_ms: 10, ..LogConfig::default() }
}

/// A batch of `values` with these timestamps.
pub fn batch(timestamps: &[i64], value: &str) -> ValidBatch {
    let mut builder = BatchBuilder::new();
    for timestamp in timestamps {
        builder.append(*timestamp, None, Some(value.as_bytes()), &[]);
    }
    builder.build().unwrap()
}

/// A batch of one producer.
pub fn sequenced(producer_id: i64, epoch: i16, sequence: i32, records: usize) -> ValidBatch {
    let mut builder = BatchBuilder::new().producer(producer_id, epoch, sequence);
    for _ in 0..records {
        builder.append(1000, None, Some(b"value"), &[]);
    }
    builder.build().unwrap()
}

/// A batch of one record within a transaction.
pub fn transactional(producer_id: i64, epoch: i16, sequence: i32) -> ValidBatch {
    let mut builder = BatchBuilder::new().producer(producer_id, epoch, sequence).transactional();
    builder.append(1000, None, Some(b"value"), &[]);
    builder.build().unwrap()
}

/// The marker of a coordinator of epoch 1.
pub fn marker(producer_id: i64, epoch: i16, marker: Marker) -> ValidBatch {
    end_transaction(marker, producer_id, epoch, 1, 1000).unwrap()
}

/// What a batch is verified by.
pub fn to_verify(batch: &ValidBatch) -> ToVerify {
    let BatchHeader { producer_id, producer_epoch, base_sequence, .. } = batch.header;
    ToVerify { producer_id, producer_epoch, base_sequence, epoch_grows: false }
}

/// Appends batches as one group: markers as a coordinator of transaction.version 0 would, the others as a client, whose
/// transactions are verified.
pub fn append(log: &mut Log, batches: &[ValidBatch]) -> Vec<Result<Appended, AppendRefused>> {
    let mut out = Vec::new();
    try_append(log, batches, &mut out).unwrap();
    out
}

pub fn try_append(
    log: &mut Log,
    batches: &[ValidBatch],
    out: &mut Vec<Result<Appended, AppendRefused>>,
) -> Result<(), LogError> {
    let mut group = Vec::new();
    for batch in batches {
        let origin = match (batch.header.is_control(), batch.header.is_transactional()) {
            (true, _) => AppendOrigin::Marker { transaction_version: 0 },
            (false, true) => AppendOrigin::Client(log.begin_verification(&to_verify(batch), at(5000))?),
            (false, false) => AppendOrigin::Client(None),
        };
        group.push(AppendBatch { batch, origin });
    }
    log.append_as_leader(&group, 0, at(5000), out)
}

/// Appends one batch.
pub fn append_as(log: &mut Log, batch: &ValidBatch, origin: AppendOrigin) -> Result<Appended, AppendRefused> {
    let mut out = Vec::new();
    log.append_as_leader(&[AppendBatch { batch, origin }], 0, at(5000), &mut out).unwrap();
    out.pop().unwrap()
}

/// The last stable offset, if everything is replicated.
pub fn stable(reader: &LogReader) -> i64 {
    reader.stable_below(reader.log_end_offset())
}

/// The bytes of a read.
pub fn bytes(read: &ReadPieces) -> Vec<u8> {
    let mut all = Vec::new();
    for piece in &read.pieces {
        match piece {
            Piece::Bytes(bytes) => all.extend_from_slice(bytes),
            Piece::File(range) => {
                let mut buffer = vec![0; range.length as usize];
                assert_eq!(range.file.read_at(range.position, &mut buffer).unwrap(), buffer.len());
                all.extend_from_slice(&buffer);
            }
        }
    }
    assert_eq!(all.len(), read.length_bytes);
    all
}

/// Every batch from the log start, as (header, bytes), read in steps of `max_bytes`.
pub fn read_all(reader: &LogReader, max_bytes: usize) -> Vec<(BatchHeader, Vec<u8>)> {
    let mut offset = reader.log_start_offset();
    let mut cursor = None;
    let mut all = Vec::new();
    while offset < reader.log_end_offset() {
        let read = reader.read_from(cursor.as_ref(), offset, max_bytes, i64::MAX, true).unwrap();
        let bytes = bytes(&read);
        assert!(!bytes.is_empty(), "no progress at {offset}");
        let before = offset;
        for found in crate::record::batches(&bytes) {
            let Ok((header, place)) = found else { break };
            assert!(header.last_offset() >= offset, "batches come in order");
            offset = header.next_offset();
            all.push((header, bytes[place].to_vec()));
        }
        assert!(offset > before, "at least one whole batch at {before}");
        if let Some(hint) = read.next_offset_hint {
            // Where compaction has left a hole, it may lie behind it.
            assert!(hint >= offset);
        }
        cursor = read.cursor;
    }
    all
}
