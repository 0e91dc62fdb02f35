//! Raft's storage over [`Kv`]: the log's entries, the hard state, the latest snapshot.
//!
//! Two layers. What raft says takes effect in memory at once and can be read back at once; the same change goes as a
//! [`WalWrite`] to the write-ahead thread ([`wal`]), which makes it durable in order. A recent suffix of the entries stays in
//! memory, all that are not yet durable among them, so the key-value store is read only for what is durable.
//!
//! Absent from here: when to snapshot or compact, which is the core's; threads and waiting, which are the driver's.

mod codec;
mod entries;
pub mod wal;

use self::codec::{Row, ENTRIES, STATE};
use self::entries::RecentEntries;
use self::wal::WalWrite;
use super::machine::{Position, SnapshotWriter};
use crate::kv::{Batch, KvError, SharedKv};
use prost::Message as _;
use raft::eraftpb::{ConfState, Entry, HardState, Snapshot, SnapshotMetadata};
use raft::{GetEntriesContext, RaftState, Storage, StorageError};
use std::cell::Cell;
use std::collections::VecDeque;

/// The families of the quorum's store, in the order in which a [`Kv`](crate::kv::Kv) is opened with them.
pub const FAMILIES: [&str; 2] = ["entries", "state"];

/// Entries read from the key-value store at once.
const SCAN_ENTRIES: usize = 256;

/// An append handed to the write-ahead thread and not yet durable.
struct PendingAppend {
    write: u64,
    first_index: u64,
}

/// Raft's storage over a key-value store.
pub struct KvStore {
    kv: SharedKv,
    hard_state: HardState,
    /// The latest durable snapshot, or index 0 if there is none.
    snapshot: Position,
    /// The voters as of `snapshot`: raft starts from here and meets later changes again in the log.
    conf_state: ConfState,
    /// The entry before the first that is kept.
    truncated: Position,
    last_index: u64,
    recent: RecentEntries,
    pending: VecDeque<PendingAppend>,
    /// The number of the last write handed out.
    last_write: u64,
    /// Raft asked for a snapshot that is not there yet. Raft reads its storage through `&self`.
    snapshot_wanted: Cell<bool>,
}

/// A snapshot as it lies in the store.
pub struct StoredSnapshot {
    /// The last entry in it.
    pub at: Position,
    /// The machine's bytes.
    pub bytes: Vec<u8>,
}

impl KvStore {
    /// Opens the store in `kv`, which has the families [`FAMILIES`]. An empty one is set up with `voters` (raft ids).
    /// `cached_entries_bytes` bounds the durable entries that are kept in memory.
    ///
    /// # Errors
    /// The key-value store failed, or holds something that this program did not write.
    pub fn open(kv: SharedKv, voters: &[u64], cached_entries_bytes: usize) -> Result<Self, KvError> {
        codec::set_up(&*kv, voters)?;
        let hard_state = codec::read_message::<HardState>(&*kv, Row::HardState)?.unwrap_or_default();
        let snapshot = codec::read_position(&*kv, Row::SnapshotAt)?;
        let truncated = codec::read_position(&*kv, Row::Truncated)?;
        let conf_state = codec::read_message::<ConfState>(&*kv, Row::ConfState)?
            .ok_or_else(|| KvError::Corrupt("the quorum's voters are missing".into()))?;
        let newest = kv.floor(ENTRIES, &codec::entry_key(0), &codec::entry_key(u64::MAX))?;
        let last_index = match newest {
            Some((key, _)) => codec::entry_index(&key)?.max(truncated.index),
            None => truncated.index,
        };
        if hard_state.commit > last_index || hard_state.commit < snapshot.index || snapshot.index < truncated.index {
            return Err(KvError::Corrupt(format!(
                "the quorum's log ends at {last_index} and starts after {}, with commit index {} and a snapshot at {}",
                truncated.index, hard_state.commit, snapshot.index
            )));
        }
        Ok(Self {
            kv,
            hard_state,
            snapshot,
            conf_state,
            truncated,
            last_index,
            recent: RecentEntries::new(last_index + 1, cached_entries_bytes),
            pending: VecDeque::new(),
            last_write: 0,
            snapshot_wanted: Cell::new(false),
        })
    }

    /// The latest durable snapshot's position; index 0 if there is none.
    pub fn snapshot_at(&self) -> Position {
        self.snapshot
    }

    /// The voters as of the latest durable snapshot.
    pub fn conf_state(&self) -> &ConfState {
        &self.conf_state
    }

    /// The number of the last write handed out; writes are numbered from 1.
    pub fn last_write(&self) -> u64 {
        self.last_write
    }

    /// Whether raft asked for a newer snapshot since the last call.
    pub fn take_snapshot_wanted(&self) -> bool {
        self.snapshot_wanted.take()
    }

    /// The latest snapshot in the store, if there is one.
    ///
    /// # Errors
    /// The key-value store failed or lost a part of it.
    pub fn read_snapshot(&self) -> Result<Option<StoredSnapshot>, KvError> {
        let at = codec::read_position(&*self.kv, Row::SnapshotAt)?;
        if at.index == 0 {
            return Ok(None);
        }
        let bytes = codec::read(&*self.kv, Row::Snapshot)?
            .ok_or_else(|| KvError::Corrupt(format!("the snapshot at {} has no content", at.index)))?;
        Ok(Some(StoredSnapshot { at, bytes }))
    }

    /// Takes what a raft `Ready` wants kept, in memory now and on disk by the returned write; `None` if there is nothing.
    /// A snapshot replaces the whole log; entries replace what stood at their index and beyond.
    pub fn save(
        &mut self,
        snapshot: Option<&Snapshot>,
        entries: Vec<Entry>,
        hard_state: Option<HardState>,
        sync: bool,
    ) -> Option<WalWrite> {
        if snapshot.is_none() && entries.is_empty() && hard_state.is_none() {
            return None;
        }
        let mut batch = Batch::new();
        if let Some(snapshot) = snapshot {
            self.install(snapshot, &mut batch);
        }
        let first_index = entries.first().map(|entry| entry.index);
        if !entries.is_empty() {
            self.append(entries, &mut batch);
        }
        if let Some(hard_state) = hard_state {
            self.hard_state = hard_state;
        }
        // Also after a snapshot alone: a commit index below the snapshot would not start again.
        self.hard_state.commit = self.hard_state.commit.max(self.snapshot.index);
        codec::put_message(&mut batch, Row::HardState, &self.hard_state);
        let write = self.next_write(batch, sync, None);
        if let Some(first_index) = first_index {
            self.pending.push_back(PendingAppend { write: write.number, first_index });
        }
        Some(write)
    }

    fn install(&mut self, snapshot: &Snapshot, batch: &mut Batch) {
        let metadata = snapshot.get_metadata();
        let at = Position { index: metadata.index, term: metadata.term };
        debug_assert!(at.index >= self.snapshot.index, "raft restores no snapshot behind its commit index");
        batch.delete_range(ENTRIES, codec::entry_key(0), codec::after_all_entries());
        codec::put_position(batch, Row::SnapshotAt, at);
        codec::put_position(batch, Row::Truncated, at);
        codec::put(batch, Row::Snapshot, snapshot.get_data().to_vec());
        codec::put_message(batch, Row::ConfState, metadata.get_conf_state());
        self.snapshot = at;
        self.truncated = at;
        self.conf_state = metadata.get_conf_state().clone();
        self.last_index = at.index;
        self.recent.restart_at(at.index + 1);
        self.pending.clear();
    }

    fn append(&mut self, entries: Vec<Entry>, batch: &mut Batch) {
        let first = entries[0].index;
        assert!(first > self.truncated.index, "raft does not rewrite the compacted part of the log");
        assert!(first <= self.last_index + 1, "raft leaves no gap in the log");
        if first <= self.last_index {
            batch.delete_range(ENTRIES, codec::entry_key(first), codec::after_all_entries());
        }
        for entry in &entries {
            batch.put(ENTRIES, codec::entry_key(entry.index), entry.encode_to_vec());
        }
        self.last_index = first + entries.len() as u64 - 1;
        self.recent.append(entries);
    }

    fn next_write(&mut self, batch: Batch, sync: bool, snapshot: Option<SnapshotWriter>) -> WalWrite {
        self.last_write += 1;
        WalWrite { number: self.last_write, batch, sync, snapshot }
    }

    /// Every write up to `number` is durable.
    pub fn written(&mut self, number: u64) {
        while self.pending.front().is_some_and(|append| append.write <= number) {
            self.pending.pop_front();
        }
        let in_flight = self.pending.iter().map(|append| append.first_index).min();
        self.recent.evict_up_to(in_flight.unwrap_or(self.last_index + 1) - 1);
    }

    /// The write that makes a snapshot of this node's own machine at `at`, which is applied. It counts once
    /// [`snapshot_written`](Self::snapshot_written) says that it is durable.
    pub fn write_snapshot(&mut self, at: Position, conf_state: &ConfState, writer: SnapshotWriter) -> WalWrite {
        debug_assert!(at.index <= self.hard_state.commit, "only committed entries are applied");
        let mut batch = Batch::new();
        codec::put_position(&mut batch, Row::SnapshotAt, at);
        codec::put_message(&mut batch, Row::ConfState, conf_state);
        codec::put_message(&mut batch, Row::HardState, &self.hard_state);
        self.next_write(batch, true, Some(writer))
    }

    /// A snapshot of this node's own machine is durable. Forgets the entries up to `compact_to`, which is at most `at.index`;
    /// the returned write forgets them on disk.
    ///
    /// # Errors
    /// The key-value store failed.
    pub fn snapshot_written(
        &mut self,
        at: Position,
        conf_state: ConfState,
        compact_to: u64,
    ) -> Result<Option<WalWrite>, raft::Error> {
        debug_assert!(compact_to <= at.index, "what the snapshot lacks stays in the log");
        if at.index <= self.snapshot.index {
            return Ok(None);
        }
        self.snapshot = at;
        self.conf_state = conf_state;
        if compact_to <= self.truncated.index {
            return Ok(None);
        }
        let truncated = Position { index: compact_to, term: self.term(compact_to)? };
        let mut batch = Batch::new();
        batch.delete_range(ENTRIES, codec::entry_key(0), codec::entry_key(compact_to + 1));
        codec::put_position(&mut batch, Row::Truncated, truncated);
        self.truncated = truncated;
        self.recent.forget_up_to(compact_to);
        Ok(Some(self.next_write(batch, false, None)))
    }

    /// Entries `low..high` that are durable, from the key-value store, until `max_bytes` are exceeded; at least one.
    fn read_entries(&self, low: u64, high: u64, max_bytes: u64) -> Result<Vec<Entry>, KvError> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut bytes = 0;
        let mut next = low;
        while next < high {
            let limit = usize::try_from(high - next).unwrap_or(SCAN_ENTRIES).min(SCAN_ENTRIES);
            let pairs = self.kv.scan(ENTRIES, &codec::entry_key(next), &codec::entry_key(high), limit)?;
            if pairs.is_empty() {
                return Err(KvError::Corrupt(format!("entry {next} of the quorum's log is missing")));
            }
            for (key, value) in pairs {
                if codec::entry_index(&key)? != next {
                    return Err(KvError::Corrupt(format!("entry {next} of the quorum's log is missing")));
                }
                let entry = codec::decode_entry(next, &value)?;
                bytes += entries::size_bytes(&entry);
                if bytes > max_bytes && !entries.is_empty() {
                    return Ok(entries);
                }
                entries.push(entry);
                next += 1;
            }
        }
        Ok(entries)
    }
}

fn unreadable(error: KvError) -> raft::Error {
    raft::Error::Store(StorageError::Other(Box::new(error)))
}

impl Storage for KvStore {
    fn initial_state(&self) -> raft::Result<RaftState> {
        Ok(RaftState::new(self.hard_state.clone(), self.conf_state.clone()))
    }

    fn entries(
        &self,
        low: u64,
        high: u64,
        max_size: impl Into<Option<u64>>,
        _context: GetEntriesContext,
    ) -> raft::Result<Vec<Entry>> {
        if low <= self.truncated.index {
            return Err(raft::Error::Store(StorageError::Compacted));
        }
        if high > self.last_index + 1 {
            return Err(raft::Error::Store(StorageError::Unavailable));
        }
        let max_bytes = max_size.into().unwrap_or(u64::MAX);
        let in_memory = self.recent.first_index();
        if low >= in_memory {
            return Ok(self.recent.read(low, high, max_bytes));
        }
        let stored_end = high.min(in_memory);
        let mut entries = self.read_entries(low, stored_end, max_bytes).map_err(unreadable)?;
        if high > in_memory && entries.len() as u64 == stored_end - low {
            let bytes: u64 = entries.iter().map(entries::size_bytes).sum();
            if bytes < max_bytes {
                let more = self.recent.read(in_memory, high, max_bytes - bytes);
                // `read` gives at least one entry, which here may be one too many.
                let fits = more.len() > 1 || more.iter().map(entries::size_bytes).sum::<u64>() <= max_bytes - bytes;
                entries.extend(more.into_iter().filter(|_| fits));
            }
        }
        Ok(entries)
    }

    fn term(&self, index: u64) -> raft::Result<u64> {
        if index == self.truncated.index {
            return Ok(self.truncated.term);
        }
        if index == self.snapshot.index {
            return Ok(self.snapshot.term);
        }
        if index < self.truncated.index {
            return Err(raft::Error::Store(StorageError::Compacted));
        }
        if index > self.last_index {
            return Err(raft::Error::Store(StorageError::Unavailable));
        }
        if let Some(term) = self.recent.term(index) {
            return Ok(term);
        }
        let entries = self.read_entries(index, index + 1, u64::MAX).map_err(unreadable)?;
        Ok(entries[0].term)
    }

    fn first_index(&self) -> raft::Result<u64> {
        Ok(self.truncated.index + 1)
    }

    fn last_index(&self) -> raft::Result<u64> {
        Ok(self.last_index)
    }

    fn snapshot(&self, request_index: u64, _to: u64) -> raft::Result<Snapshot> {
        if self.snapshot.index == 0 || self.snapshot.index < request_index {
            self.snapshot_wanted.set(true);
            return Err(raft::Error::Store(StorageError::SnapshotTemporarilyUnavailable));
        }
        let stored = self.read_snapshot().map_err(unreadable)?;
        let conf_state = codec::read_message::<ConfState>(&*self.kv, Row::ConfState).map_err(unreadable)?;
        let (Some(stored), Some(conf_state)) = (stored, conf_state) else {
            return Err(unreadable(KvError::Corrupt("the quorum's snapshot is missing".into())));
        };
        let metadata = SnapshotMetadata { conf_state: Some(conf_state), index: stored.at.index, term: stored.at.term };
        Ok(Snapshot { data: stored.bytes, metadata: Some(metadata) })
    }
}

/// Where the write-ahead thread puts the bytes of a snapshot.
pub(super) fn put_snapshot(batch: &mut Batch, bytes: Vec<u8>) {
    batch.put(STATE, Row::Snapshot.key(), bytes);
}
