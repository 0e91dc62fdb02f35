//! The memory twin of RocksDB: same answers, and a crash that loses just what RocksDB may lose.

use super::{Batch, Change, Durability, Family, Kv, KvError, Pair};
use imbl::OrdMap;
use parking_lot::Mutex;
use std::ops::Bound;
use std::sync::Arc;

type Families = Vec<OrdMap<Vec<u8>, Vec<u8>>>;

/// What a crash takes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// The process dies; what was written to the log stays.
    Process,
    /// The machine dies; what was not synced goes too.
    Power,
}

/// An ordered store in memory.
pub struct MemoryKv {
    /// Guards the content and what of it would survive.
    content: Mutex<Content>,
}

struct Content {
    current: Families,
    flushed: Families,
    /// Batches since the last flush, in order.
    since_flush: Vec<(Batch, Durability)>,
    failing: bool,
}

impl MemoryKv {
    /// An empty store with `families` families.
    pub fn new(families: usize) -> Arc<Self> {
        let empty: Families = vec![OrdMap::new(); families];
        let content = Content { current: empty.clone(), flushed: empty, since_flush: Vec::new(), failing: false };
        Arc::new(Self { content: Mutex::new(content) })
    }

    /// Loses what a crash of this kind would lose, and goes on as the restarted store.
    pub fn crash(&self, crash: Crash) {
        let mut content = self.content.lock();
        let batches = std::mem::take(&mut content.since_flush);
        // A sync makes everything logged before it durable too.
        let synced = batches.iter().rposition(|(_, durability)| *durability == Durability::Synced);
        let mut restored = content.flushed.clone();
        let mut kept = Vec::new();
        for (place, (batch, durability)) in batches.into_iter().enumerate() {
            let survives = match durability {
                Durability::UntilFlush => false,
                Durability::Logged => crash == Crash::Process || synced.is_some_and(|synced| place < synced),
                Durability::Synced => true,
            };
            if survives {
                apply(&mut restored, &batch);
                kept.push((batch, durability));
            }
        }
        content.current = restored;
        content.since_flush = kept;
    }

    /// Makes every later write and flush fail as a broken disk would, or work again.
    pub fn set_failing(&self, failing: bool) {
        self.content.lock().failing = failing;
    }
}

fn apply(families: &mut Families, batch: &Batch) {
    for change in &batch.changes {
        match change {
            Change::Put(family, key, value) => {
                families[usize::from(family.0)].insert(key.clone(), value.clone());
            }
            Change::Delete(family, key) => {
                families[usize::from(family.0)].remove(key);
            }
            Change::DeleteRange(family, from, to) if from < to => {
                let family = &mut families[usize::from(family.0)];
                let keys: Vec<_> = family.range(from.clone()..to.clone()).map(|(key, _)| key.clone()).collect();
                for key in keys {
                    family.remove(&key);
                }
            }
            Change::DeleteRange(..) => {}
        }
    }
}

impl Kv for MemoryKv {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
        Ok(self.content.lock().current[usize::from(family.0)].get(key).cloned())
    }

    fn write(&self, batch: Batch, durability: Durability) -> Result<(), KvError> {
        let mut content = self.content.lock();
        if content.failing {
            return Err(KvError::Io("the store was told to fail".into()));
        }
        apply(&mut content.current, &batch);
        content.since_flush.push((batch, durability));
        Ok(())
    }

    fn scan(&self, family: Family, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, KvError> {
        if from >= to {
            return Ok(Vec::new());
        }
        let content = self.content.lock();
        let range = content.current[usize::from(family.0)].range(from.to_vec()..to.to_vec());
        Ok(range.take(limit).map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn floor(&self, family: Family, from: &[u8], key: &[u8]) -> Result<Option<Pair>, KvError> {
        if from > key {
            return Ok(None);
        }
        let content = self.content.lock();
        let bounds = (Bound::Included(from.to_vec()), Bound::Included(key.to_vec()));
        let last = content.current[usize::from(family.0)].range(bounds).next_back();
        Ok(last.map(|(key, value)| (key.clone(), value.clone())))
    }

    fn flush(&self) -> Result<(), KvError> {
        let mut content = self.content.lock();
        if content.failing {
            return Err(KvError::Io("the store was told to fail".into()));
        }
        content.flushed = content.current.clone();
        content.since_flush.clear();
        Ok(())
    }
}
