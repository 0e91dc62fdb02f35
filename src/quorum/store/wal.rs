//! The write-ahead thread: one OS thread makes the store's changes durable, in order, so that the driver's ticks and
//! heartbeats go on while the disk stalls.

use super::put_snapshot;
use crate::kv::{Batch, Durability, Kv, KvError, SharedKv};
use crate::quorum::machine::SnapshotWriter;
use std::sync::mpsc::{Receiver, SyncSender};

/// Bytes of writes made durable by one sync, unless a single one is larger.
const MAX_GROUP_BYTES: usize = 8 << 20;

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

/// Writes a run of writes as one: durable if one of them asks for it. Returns the number of the last.
///
/// # Errors
/// The key-value store failed; nothing of the run counts as written.
pub fn write_all(kv: &dyn Kv, writes: Vec<WalWrite>) -> Result<Option<u64>, KvError> {
    let Some(last) = writes.last().map(|write| write.number) else { return Ok(None) };
    let sync = writes.iter().any(|write| write.sync);
    let mut batch = Batch::new();
    for mut write in writes {
        if let Some(snapshot) = write.snapshot.take() {
            put_snapshot(&mut write.batch, snapshot());
        }
        batch.changes.append(&mut write.batch.changes);
    }
    kv.write(batch, if sync { Durability::Synced } else { Durability::Logged })?;
    Ok(Some(last))
}

/// The body of the thread: takes writes until the other end is dropped or the disk fails.
pub(in crate::quorum) fn run(kv: &SharedKv, writes: &Receiver<WalWrite>, report: impl Fn(WalReport)) {
    while let Ok(first) = writes.recv() {
        let mut bytes = size_bytes(&first);
        let mut group = vec![first];
        while bytes < MAX_GROUP_BYTES {
            let Ok(next) = writes.try_recv() else { break };
            bytes += size_bytes(&next);
            group.push(next);
        }
        match write_all(&**kv, group) {
            Ok(Some(last)) => report(WalReport::Written(last)),
            Ok(None) => {}
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
