//! A compacted log on a disk that crashes, the records that were ever appended to it, and what must be true of it.

use super::kit::{at, partition, read_all, stable, try_append, TOPIC_ID};
use crate::clock::Now;
use crate::disk::handles::Handles;
use crate::disk::sim::SimDisk;
use crate::kv::memory::{Crash, MemoryKv};
use crate::log::keys::FAMILIES;
use crate::log::*;
use crate::record::build::{end_transaction, BatchBuilder, Marker};
use crate::record::compress::Codec;
use crate::record::header::BatchHeader;
use crate::record::records::RecordIter;
use crate::record::validate::ValidBatch;
use crate::record::{crc, record_bytes};
use crate::rng::Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

pub const DELETE_RETENTION_MS: i64 = 1_000;
pub const HEADERS: [(&[u8], Option<&[u8]>); 2] = [(b"h", Some(b"1")), (b"h", None)];

/// A record as it was appended. The timestamp is its number, so no two are alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub key: Option<u8>,
    pub value: Option<Vec<u8>>,
    pub timestamp: i64,
    /// Number of its transaction.
    pub transaction: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Open,
    Committed,
    Aborted,
}

#[derive(Clone, Debug)]
pub struct Transaction {
    pub producer: i64,
    pub fate: Fate,
    pub marker: i64,
}

pub struct World {
    pub disk: Arc<SimDisk>,
    pub kv: Arc<MemoryKv>,
    pub dir: Option<Arc<LogDir>>,
    pub log: Option<Log>,
    pub config: LogConfig,
    pub limits: CleanerLimits,
    pub now: i64,
    pub truth: BTreeMap<i64, Record>,
    pub transactions: Vec<Transaction>,
    /// When the first cleaning began that may have seen a tombstone.
    pub seen: BTreeMap<i64, i64>,
    pub numbers: i64,
    rolls: i64,
    /// The last stable offset when the last flush began.
    stable: i64,
}

/// Never slows down; stops after so many calls.
pub struct Hurry(pub u64);

impl Pace for Hurry {
    fn spend(&mut self, _bytes: u64) -> bool {
        self.0 = self.0.saturating_sub(1);
        self.0 > 0
    }
}

pub fn config() -> LogConfig {
    LogConfig {
        segment_bytes: 1_500,
        index_interval_bytes: 150,
        file_delete_delay_ms: 10,
        cleanup: Cleanup { delete: false, compact: true },
        delete_retention_ms: DELETE_RETENTION_MS,
        ..LogConfig::default()
    }
}

pub fn limits() -> CleanerLimits {
    CleanerLimits { map_bytes: 1 << 20, load_factor: 0.9, io_bytes: 700 }
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut world = Self {
            disk: SimDisk::new(Rng::from_seed(seed)),
            kv: MemoryKv::new(FAMILIES.len()),
            dir: None,
            log: None,
            config: config(),
            limits: limits(),
            now: 1_000_000,
            truth: BTreeMap::new(),
            transactions: Vec::new(),
            seen: BTreeMap::new(),
            numbers: 0,
            rolls: 0,
            stable: 0,
        };
        world.start();
        world
    }

    pub fn time(&self) -> Now {
        at(self.now)
    }

    pub fn try_start(&mut self) -> Result<(), LogError> {
        let disk = self.disk.process();
        let handles = Handles::new(disk.clone(), 16);
        let parts = DirParts { disk, handles, index: self.kv.clone(), tail_cache: TailCache::new(1 << 16, 1 << 14) };
        let (dir, _) = LogDir::open(parts, Path::new("/data"), DirLimits::default())?;
        self.log = Some(dir.open_log(&partition(), TOPIC_ID, self.config.clone(), self.time())?);
        self.dir = Some(dir);
        Ok(())
    }

    pub fn start(&mut self) {
        self.try_start().unwrap();
    }

    pub fn log(&mut self) -> &mut Log {
        self.log.as_mut().unwrap()
    }

    pub fn reader(&self) -> Arc<LogReader> {
        self.log.as_ref().unwrap().reader()
    }

    fn put(&mut self, batch: &ValidBatch) -> i64 {
        let mut out = Vec::new();
        try_append(self.log(), std::slice::from_ref(batch), &mut out).unwrap();
        let appended = out[0].clone().unwrap();
        assert!(!appended.duplicate);
        let end = self.log().log_end_offset();
        self.log().note_high_watermark(end).unwrap();
        appended.base_offset
    }

    fn next_sequence(&self, producer: i64) -> i32 {
        let known = self.reader().producers().unwrap();
        let known = known.iter().find(|(id, _)| *id == producer).and_then(|(_, known)| known.window.last().copied());
        known.map_or(0, |last| last.last_sequence + 1)
    }

    /// Appends records `(key, length of the value)`; without a length it is a tombstone.
    pub fn append(&mut self, codec: Codec, producer: Option<(i64, bool)>, records: &[(Option<u8>, Option<usize>)]) {
        let mut builder = BatchBuilder::new().compression(codec, codec.default_level());
        let mut transaction = None;
        if let Some((id, transactional)) = producer {
            // An open transaction takes no other batches (X11).
            transaction = self.open_transaction(id);
            if transactional && transaction.is_none() {
                self.transactions.push(Transaction { producer: id, fate: Fate::Open, marker: i64::MAX });
                transaction = Some(self.transactions.len() - 1);
            }
            builder = builder.producer(id, 0, self.next_sequence(id));
            if transaction.is_some() {
                builder = builder.transactional();
            }
        }
        let mut made = Vec::new();
        for (key, value) in records {
            self.numbers += 1;
            let value = value.map(|length| vec![self.numbers as u8; length]);
            let timestamp = self.now - 10_000 + self.numbers;
            builder.append(timestamp, key.as_ref().map(std::slice::from_ref), value.as_deref(), &HEADERS);
            made.push(Record { key: *key, value, timestamp, transaction });
        }
        let base = self.put(&builder.build().unwrap());
        self.truth.extend((base..).zip(made));
    }

    pub fn open_transaction(&self, producer: i64) -> Option<usize> {
        self.transactions.iter().position(|known| known.producer == producer && known.fate == Fate::Open)
    }

    /// Ends a producer's transaction, if it has one.
    pub fn end(&mut self, producer: i64, commit: bool) {
        let Some(open) = self.open_transaction(producer) else { return };
        let kind = if commit { Marker::Commit } else { Marker::Abort };
        let marker = self.put(&end_transaction(kind, producer, 0, 0, self.now).unwrap());
        let fate = if commit { Fate::Committed } else { Fate::Aborted };
        self.transactions[open] = Transaction { producer, fate, marker };
    }

    /// Closes the active segment, whatever its age.
    pub fn roll(&mut self) {
        self.rolls += 1;
        let later = at((1 << 50) + (self.rolls << 32));
        self.log().roll_if_due(later).unwrap();
    }

    pub fn flush(&mut self) {
        self.stable = stable(&self.reader());
        self.reader().flush().unwrap();
        self.dir.clone().unwrap().flush(self.time()).unwrap();
    }

    pub fn outlook(&self) -> Outlook {
        let reader = self.reader();
        reader.outlook(self.stable, self.time()).unwrap()
    }

    /// Cleans what may be cleaned, due or not.
    pub fn try_clean(&mut self, pace: &mut dyn Pace) -> Result<Option<Round>, CleanError> {
        let (reader, now) = (self.reader(), self.time());
        let cleanable = self.outlook().cleanable;
        if cleanable.dirty_bytes == 0 {
            return Ok(None);
        }
        let truth: Vec<i64> =
            self.truth.iter().filter(|(_, record)| record.value.is_none()).map(|(at, _)| *at).collect();
        for tombstone in truth {
            self.seen.entry(tombstone).or_insert(self.now);
        }
        let mut cleaner = Cleaner::new(self.limits, HashKey(1, 2));
        let log = self.log.as_mut().unwrap();
        let round = cleaner.clean(&reader, &cleanable, now, pace, &mut |cleaned| log.swap(cleaned, now))?;
        assert!(round.first_dirty > cleanable.first_dirty && round.first_dirty <= cleanable.end);
        reader.dir().set_cleaner_point(&reader, round.first_dirty)?;
        Ok(Some(round))
    }

    pub fn clean(&mut self) -> Option<Round> {
        self.try_clean(&mut Hurry(u64::MAX)).unwrap()
    }

    /// Closes, flushes and cleans everything.
    pub fn clean_all(&mut self) -> Option<Round> {
        self.roll();
        self.flush();
        self.clean()
    }

    /// Dies, and lives on; what was lost is not part of the truth any more.
    pub fn crash(&mut self, crash: Crash) {
        (self.log, self.dir) = (None, None);
        match crash {
            Crash::Power => self.disk.crash(),
            Crash::Process => self.disk.kill(),
        }
        self.kv.crash(crash);
    }

    pub fn restart(&mut self, lose_index: bool) {
        if lose_index {
            self.kv = MemoryKv::new(FAMILIES.len());
        }
        self.start();
        self.forget_lost();
    }

    fn forget_lost(&mut self) {
        let end = self.reader().log_end_offset();
        self.log().note_high_watermark(end).unwrap();
        self.stable = self.reader().log_start_offset();
        self.truth.split_off(&end);
        self.seen.split_off(&end);
        for transaction in &mut self.transactions {
            if transaction.marker >= end {
                transaction.fate = Fate::Open;
                transaction.marker = i64::MAX;
            }
        }
        let begun: BTreeSet<usize> = self.truth.values().filter_map(|record| record.transaction).collect();
        for (number, transaction) in self.transactions.iter_mut().enumerate() {
            if transaction.fate == Fate::Open && !begun.contains(&number) {
                // Nothing of it is left.
                transaction.fate = Fate::Aborted;
                transaction.marker = -1;
            }
        }
    }

    pub fn stop(&mut self) {
        let mut log = self.log.take().unwrap();
        log.close().unwrap();
        drop(log);
        assert!(self.dir.take().unwrap().close_clean().unwrap());
        self.disk.crash();
        self.kv.crash(Crash::Power);
    }

    /// All batches.
    pub fn batches(&self) -> Vec<(BatchHeader, Vec<u8>)> {
        read_all(&self.reader(), 600)
    }

    fn is_committed(&self, record: &Record) -> bool {
        record.transaction.is_none_or(|number| self.transactions[number].fate == Fate::Committed)
    }

    fn is_decided(&self, record: &Record) -> bool {
        record.transaction.is_none_or(|number| self.transactions[number].fate != Fate::Open)
    }

    /// What must be true whenever.
    pub fn check(&self) {
        let batches = self.batches();
        let found = records(&batches);
        for (offset, record) in &found {
            let truth = &self.truth[offset];
            assert_eq!((&truth.key, &truth.value, truth.timestamp), (&record.key, &record.value, record.timestamp));
        }
        let reader = self.reader();
        let segments: Vec<_> = reader.view().unwrap().segments.clone();
        for pair in segments.windows(2) {
            assert_eq!(pair[0].tail().end_offset.max(pair[0].base_offset()), pair[1].base_offset(), "no gap between");
        }
        for (header, bytes) in &batches {
            assert!(crc::verify(bytes));
            let read = reader.read(header.last_offset(), 1, i64::MAX, true).unwrap();
            assert_eq!(&super::kit::bytes(&read), bytes, "a batch is found by its offset");
            if header.record_count > 0 {
                let by_time = reader.offset_for_timestamp(header.max_timestamp, i64::MAX).unwrap().unwrap();
                assert!(by_time.offset <= header.last_offset() && by_time.timestamp >= header.max_timestamp);
            }
        }
        if let Some(largest) = reader.max_timestamp_offset(i64::MAX).unwrap() {
            let markers = batches.iter().filter(|(header, _)| header.is_control() && header.record_count > 0);
            let times = markers.map(|(header, _)| header.max_timestamp);
            let times = times.chain(found.values().map(|record| record.timestamp));
            assert_eq!(Some(largest.timestamp), times.max());
        } else {
            assert!(found.is_empty());
        }
        self.check_stability();
        self.check_newest(&found);
        for from in [0, reader.log_end_offset() / 2, reader.log_end_offset() / 3] {
            self.check_consumer(from.max(reader.log_start_offset()), &batches, &found);
        }
    }

    fn check_stability(&self) {
        let open = self.truth.iter().filter(|(_, record)| !self.is_decided(record)).map(|(offset, _)| *offset).min();
        let reader = self.reader();
        assert_eq!(stable(&reader), open.unwrap_or(reader.log_end_offset()));
    }

    /// The newest value of each key is there, and no deleted key is.
    fn check_newest(&self, found: &BTreeMap<i64, Record>) {
        let mut newest: BTreeMap<u8, (i64, &Record)> = BTreeMap::new();
        for (offset, record) in self.truth.iter().filter(|(_, record)| self.is_committed(record)) {
            if let Some(key) = record.key {
                newest.insert(key, (*offset, record));
            }
        }
        for (key, (offset, record)) in newest {
            let kept = found.contains_key(&offset);
            if record.value.is_some() {
                assert!(kept, "key {key} has lost its newest value, at {offset}");
                continue;
            }
            let due = self.seen.get(&offset).map_or(i64::MAX, |seen| seen + DELETE_RETENTION_MS);
            assert!(kept || self.now >= due, "the tombstone of key {key} at {offset} went before {due}");
            let visible = |(at, other): (&i64, &Record)| {
                *at < offset && other.key == Some(key) && self.is_committed(&self.truth[at])
            };
            assert!(kept || !found.iter().any(visible), "key {key}, deleted at {offset}, has come back");
        }
    }

    /// What a consumer of committed records sees that begins at `from`, by the algorithm of Kafka's clients.
    fn check_consumer(&self, from: i64, batches: &[(BatchHeader, Vec<u8>)], found: &BTreeMap<i64, Record>) {
        let reader = self.reader();
        let stable = stable(&reader);
        let mut aborted = reader.aborted_transactions(from.min(stable), stable).unwrap();
        aborted.sort_by_key(|aborted| std::cmp::Reverse(aborted.first_offset));
        let mut aborting = BTreeSet::new();
        let mut seen = BTreeSet::new();
        for (header, bytes) in batches.iter().filter(|(header, _)| (from..stable).contains(&header.last_offset())) {
            while aborted.last().is_some_and(|next| next.first_offset <= header.last_offset()) {
                aborting.insert(aborted.pop().unwrap().producer_id);
            }
            if header.is_control() {
                if crate::log::walk::read_marker(header, bytes).is_some_and(|marker| !marker.commit) {
                    aborting.remove(&header.producer_id);
                }
            } else if !(header.is_transactional() && aborting.contains(&header.producer_id)) {
                let offsets = records(&[(*header, bytes.clone())]);
                seen.extend(offsets.into_keys().filter(|offset| *offset >= from));
            }
        }
        let committed = |at: &i64| self.is_committed(&self.truth[at]);
        let expected: BTreeSet<i64> =
            found.range(from.min(stable)..stable).map(|(at, _)| *at).filter(committed).collect();
        assert_eq!(seen, expected, "what a consumer from {from} sees");
    }

    /// What must be true below the first dirty offset after a round that reached it: no key twice, nothing aborted,
    /// nothing without a key.
    pub fn check_clean(&self, first_dirty: i64) {
        let found = records(&self.batches());
        let mut keys = BTreeSet::new();
        for (offset, record) in found.range(..first_dirty) {
            let key = record.key.unwrap_or_else(|| panic!("a keyless record stays at {offset}"));
            assert!(keys.insert(key), "key {key} comes twice, the second time at {offset}");
            assert!(self.is_committed(&self.truth[offset]), "an aborted record stays at {offset}");
        }
    }
}

/// The records of control-free batches by offset; headers are checked.
pub fn records(batches: &[(BatchHeader, Vec<u8>)]) -> BTreeMap<i64, Record> {
    let mut found = BTreeMap::new();
    for (header, bytes) in batches.iter().filter(|(header, _)| !header.is_control()) {
        let body = record_bytes(header, bytes, 1 << 20).unwrap();
        for record in RecordIter::new(&body, header.record_count) {
            let record = record.unwrap();
            let headers: Vec<_> = record.headers.iter().map(Result::unwrap).collect();
            assert_eq!(headers, HEADERS);
            let plain = Record {
                key: record.key.map(|key| key[0]),
                value: record.value.map(<[u8]>::to_vec),
                timestamp: header.base_timestamp + record.timestamp_delta,
                transaction: None,
            };
            found.insert(header.base_offset + i64::from(record.offset_delta), plain);
        }
    }
    found
}
