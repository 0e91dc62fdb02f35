//! The write-ahead thread: one OS thread makes the store's changes durable, in order, so that the driver's ticks and
//! heartbeats go on while the disk stalls.

use super::put_snapshot;
use crate::kv::{Batch, Durability, Kv, KvError, SharedKv};
use crate::quorum::machine::SnapshotWriter;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Duration;

/// Bytes of writes made durable by one sync, unless a single one is larger.
const MAX_GROUP_BYTES: usize = 8 << 20;

/// How long a full disk is left alone before the next try.
const FULL_DISK_PAUSE: Duration = Duration::from_millis(500);

/// A change on its way to the disk.
pub struct WalWrite {
    /// Counts up by one: the order of the writes.
    pub number: u64,
    /// The change.
    pub batch: Batch,
    /// Whether it must survive a power cut before it counts as written.
    pub sync: bool,
    /// A snapshot whose bytes belong to the batch; they are made here, off the driver.
    pub snapshot: Option<SnapshotWriter>,
}

/// What the write-ahead thread says.
#[derive(Debug)]
pub enum WalReport {
    /// Every write up to this number is as durable as it asked to be.
    Written(u64),
    /// The disk failed. Nothing is written any more.
    Failed(KvError),
}

/// A run of writes as one: durable if one of them asks for it.
pub(in crate::quorum) struct Group {
    last: u64,
    batch: Batch,
    durability: Durability,
}

impl Group {
    /// The writes as one; `None` of none.
    pub(in crate::quorum) fn of(writes: Vec<WalWrite>) -> Option<Self> {
        let last = writes.last()?.number;
        let sync = writes.iter().any(|write| write.sync);
        let mut batch = Batch::new();
        for mut write in writes {
            if let Some(snapshot) = write.snapshot.take() {
                put_snapshot(&mut write.batch, snapshot());
            }
            batch.changes.append(&mut write.batch.changes);
        }
        Some(Self { last, batch, durability: if sync { Durability::Synced } else { Durability::Logged } })
    }

    /// The number of the last write in it.
    pub(in crate::quorum) fn last(&self) -> u64 {
        self.last
    }

    /// Writes it. Twice is the same as once.
    pub(in crate::quorum) fn write_to(&self, kv: &dyn Kv) -> Result<(), KvError> {
        kv.write(self.batch.clone(), self.durability)
    }
}

/// Writes a run of writes as one. Returns the number of the last.
///
/// # Errors
/// The key-value store failed; nothing of the run counts as written.
pub fn write_all(kv: &dyn Kv, writes: Vec<WalWrite>) -> Result<Option<u64>, KvError> {
    let Some(group) = Group::of(writes) else { return Ok(None) };
    kv.write(group.batch, group.durability)?;
    Ok(Some(group.last))
}

/// Writes a group, again and again while the disk is full, until `stopping`. Writing a batch twice is the same as once.
fn write_patiently(kv: &dyn Kv, group: &Group, stopping: &dyn Fn() -> bool) -> Result<(), KvError> {
    let mut told = false;
    loop {
        match group.write_to(kv) {
            Err(KvError::Full(reason)) if !stopping() => {
                if !told {
                    tracing::warn!("The metadata log waits for space: {reason}");
                    told = true;
                }
                std::thread::sleep(FULL_DISK_PAUSE);
            }
            other => return other,
        }
    }
}

/// The body of the thread: takes writes until the other end is dropped or the disk fails. A full disk is waited for, while
/// the metadata that is there can be read, unless `stopping`.
pub(in crate::quorum) fn run(
    kv: &SharedKv,
    writes: &Receiver<WalWrite>,
    stopping: impl Fn() -> bool,
    report: impl Fn(WalReport),
) {
    while let Ok(first) = writes.recv() {
        let mut bytes = size_bytes(&first);
        let mut group = vec![first];
        while bytes < MAX_GROUP_BYTES {
            let Ok(next) = writes.try_recv() else { break };
            bytes += size_bytes(&next);
            group.push(next);
        }
        let Some(group) = Group::of(group) else { continue };
        match write_patiently(&**kv, &group, &stopping) {
            Ok(()) => report(WalReport::Written(group.last)),
            Err(error) => {
                report(WalReport::Failed(error));
                return;
            }
        }
    }
}

fn size_bytes(write: &WalWrite) -> usize {
    use crate::kv::Change;
    let size = |change: &Change| match change {
        Change::Put(_, key, value) => key.len() + value.len(),
        Change::Delete(_, key) => key.len(),
        Change::DeleteRange(_, from, to) => from.len() + to.len(),
    };
    write.batch.changes.iter().map(size).sum()
}

/// The end of the thread that takes writes.
pub(in crate::quorum) type WalSender = SyncSender<WalWrite>;
