//! The only door to RocksDB: column families, atomic write batches, ordered scans.
//!
//! Keys order as unsigned bytes. Absent from here: what keys and values mean; each room that stores has its own codec.

pub mod memory;
pub mod rocks;
#[cfg(test)]
mod tests;
mod wal;

use std::sync::Arc;

/// A column family, by its place in the list that the store was opened with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Family(pub u8);

/// What went wrong in the store. `Corrupt` means that the database must not be trusted; the index database may then be
/// deleted and rebuilt, the quorum's may not.
#[derive(Debug, thiserror::Error)]
pub enum KvError {
    /// The disk is full.
    #[error("no space left for the key-value store: {0}")]
    Full(String),
    /// The disk failed.
    #[error("I/O error in the key-value store: {0}")]
    Io(String),
    /// The content is not what was written.
    #[error("the key-value store is corrupt: {0}")]
    Corrupt(String),
}

/// One change of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Sets a key.
    Put(Family, Vec<u8>, Vec<u8>),
    /// Removes a key.
    Delete(Family, Vec<u8>),
    /// Removes every key in `from..to`.
    DeleteRange(Family, Vec<u8>, Vec<u8>),
}

/// Changes that take effect together or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// In the order in which they apply.
    pub changes: Vec<Change>,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }
    /// Sets `key` to `value`.
    pub fn put(&mut self, family: Family, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.changes.push(Change::Put(family, key.into(), value.into()));
    }
    /// Removes `key`.
    pub fn delete(&mut self, family: Family, key: impl Into<Vec<u8>>) {
        self.changes.push(Change::Delete(family, key.into()));
    }
    /// Removes every key in `from..to`.
    pub fn delete_range(&mut self, family: Family, from: impl Into<Vec<u8>>, to: impl Into<Vec<u8>>) {
        self.changes.push(Change::DeleteRange(family, from.into(), to.into()));
    }
}

/// How long a write must last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// No write-ahead log: durable at the next [`Kv::flush`]. A crash loses whole batches, newest first.
    UntilFlush,
    /// In the write-ahead log, not synced: survives the process, not a power cut.
    Logged,
    /// Synced: survives a power cut.
    Synced,
}

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// An ordered key-value store.
pub trait Kv: Send + Sync + 'static {
    /// The value of `key`.
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, KvError>;
    /// Applies `batch` as a whole.
    fn write(&self, batch: Batch, durability: Durability) -> Result<(), KvError>;
    /// Pairs with keys in `from..to`, ascending, at most `limit`.
    fn scan(&self, family: Family, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, KvError>;
    /// The pair with the largest key that is at most `key` and at least `from`.
    fn floor(&self, family: Family, from: &[u8], key: &[u8]) -> Result<Option<Pair>, KvError>;
    /// Makes everything written so far durable, all families together.
    fn flush(&self) -> Result<(), KvError>;
}

/// A shared store.
pub type SharedKv = Arc<dyn Kv>;
