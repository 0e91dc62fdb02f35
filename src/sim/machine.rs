//! The machine that outlives its processes: its disk, its stores, its wall clock.

use super::clock::WallClock;
use crate::disk::sim::SimDisk;
use crate::disk::Disk as _;
use crate::kv::memory::{Crash, MemoryKv};
use crate::kv::{Batch, Durability, Family, Kv, KvError, Pair, SharedKv};
use crate::node::{OpenKv, INDEX_DATABASE};
use crate::rng::Rng;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// 2026-01-01, in milliseconds since the Unix epoch: when the simulation starts.
const START_WALL_MS: i64 = 1_767_225_600_000;

/// A computer.
pub struct Machine {
    /// Its disk; processes see it through [`SimDisk::process`].
    pub disk: Arc<SimDisk>,
    /// Its wall clock.
    pub wall: Arc<WallClock>,
    /// Guards the key-value stores on the disk, by path.
    stores: Arc<Mutex<BTreeMap<PathBuf, Arc<MemoryKv>>>>,
}

impl Machine {
    /// A new one; `rng` decides what crashes tear.
    pub fn new(rng: Rng) -> Self {
        Self { disk: SimDisk::new(rng), wall: WallClock::at(START_WALL_MS), stores: Arc::default() }
    }

    /// Opens stores for the process that sees the disk as `process`.
    pub fn open_kv(&self, process: Arc<SimDisk>) -> OpenKv {
        let stores = self.stores.clone();
        Arc::new(move |path, families, _| {
            // A database is a folder, and there once it has been opened.
            let made = process.create_dir_all(path).and_then(|()| process.sync_dir(path));
            made.map_err(|error| KvError::Io(error.to_string()))?;
            let mut stores = stores.lock();
            let store = stores.entry(path.to_path_buf()).or_insert_with(|| MemoryKv::new(families.len()));
            Ok(Arc::new(ProcessKv { store: store.clone(), disk: process.clone() }) as SharedKv)
        })
    }

    /// Ends the running process, or cuts the power.
    pub fn crash(&self, crash: Crash) {
        match crash {
            Crash::Process => self.disk.kill(),
            Crash::Power => self.disk.crash(),
        }
        self.stores.lock().values().for_each(|store| store.crash(crash));
    }

    /// Deletes the index databases, as an operator may while the node is stopped.
    pub fn delete_indexes(&self) {
        self.stores.lock().retain(|path, _| {
            let is_index = path.ends_with(INDEX_DATABASE);
            if is_index {
                // It may be gone already, with the power.
                let _ = self.disk.remove_dir_all(path);
            }
            !is_index
        });
    }
}

/// A store as one process sees it, on the machine's disk.
struct ProcessKv {
    store: Arc<MemoryKv>,
    disk: Arc<SimDisk>,
}

impl ProcessKv {
    fn alive(&self) -> Result<(), KvError> {
        self.disk.is_alive().then_some(()).ok_or_else(|| KvError::Io("this process is dead".to_owned()))
    }

    fn try_disk(&self, bytes: u64, is_sync: bool) -> Result<(), KvError> {
        self.disk.try_elsewhere(bytes, is_sync).map_err(|error| match error.kind() {
            io::ErrorKind::StorageFull => KvError::Full(error.to_string()),
            _ => KvError::Io(error.to_string()),
        })
    }
}

impl Kv for ProcessKv {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
        self.alive()?;
        self.store.get(family, key)
    }

    /// What is synced is logged first: a process may die between the two.
    fn write(&self, batch: Batch, durability: Durability) -> Result<(), KvError> {
        self.alive()?;
        if durability == Durability::UntilFlush {
            return self.store.write(batch, durability);
        }
        self.try_disk(batch.changes.len() as u64 * 64, false)?;
        if durability == Durability::Logged {
            return self.store.write(batch, durability);
        }
        match self.try_disk(0, true) {
            Ok(()) => self.store.write(batch, Durability::Synced),
            Err(error) => {
                self.store.write(batch, Durability::Logged)?;
                Err(error)
            }
        }
    }

    fn scan(&self, family: Family, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, KvError> {
        self.alive()?;
        self.store.scan(family, from, to, limit)
    }

    fn floor(&self, family: Family, from: &[u8], key: &[u8]) -> Result<Option<Pair>, KvError> {
        self.alive()?;
        self.store.floor(family, from, key)
    }

    fn flush(&self) -> Result<(), KvError> {
        self.alive()?;
        self.try_disk(4096, false)?;
        self.try_disk(0, true)?;
        self.store.flush()
    }
}
