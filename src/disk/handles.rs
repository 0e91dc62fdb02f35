//! Open files, kept for as long as they are used: partitions hold paths, and only the busy ones hold descriptors.

use super::{Disk, DiskFile, Open};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A bounded cache of open files, least recently used out first. Whoever still holds a handle keeps its file open.
pub struct Handles {
    disk: Arc<dyn Disk>,
    /// Most files that the cache keeps open.
    capacity: usize,
    /// Guards the cached handles and the order of their use.
    cached: Mutex<Cached>,
}

#[derive(Default)]
struct Cached {
    files: FxHashMap<PathBuf, CachedFile>,
    /// Counts uses; a file's last one tells how recently it was wanted.
    uses: u64,
}

struct CachedFile {
    file: Arc<dyn DiskFile>,
    how: Open,
    last_use: u64,
}

impl Handles {
    /// A cache of at most `capacity` open files of `disk`; `capacity` is at least 1.
    pub fn new(disk: Arc<dyn Disk>, capacity: usize) -> Arc<Self> {
        assert!(capacity > 0, "a cache of no file would open one for each read");
        Arc::new(Self { disk, capacity, cached: Mutex::new(Cached::default()) })
    }

    /// The file at `path`, opened now or before. A file opened to write also serves readers.
    pub fn get(&self, path: &Path, how: Open) -> io::Result<Arc<dyn DiskFile>> {
        let mut cached = self.cached.lock();
        cached.uses += 1;
        let uses = cached.uses;
        if let Some(known) = cached.files.get_mut(path) {
            if known.how == how || known.how == Open::Write {
                known.last_use = uses;
                return Ok(known.file.clone());
            }
        }
        let file = self.disk.open(path, how)?;
        cached.files.insert(path.to_owned(), CachedFile { file: file.clone(), how, last_use: uses });
        if cached.files.len() > self.capacity {
            cached.evict(self.capacity);
        }
        Ok(file)
    }

    /// Lets go of the handle of `path`, before the file is renamed or removed.
    pub fn forget(&self, path: &Path) {
        self.cached.lock().files.remove(path);
    }

    /// Lets go of every handle below the directory `path`.
    pub fn forget_dir(&self, path: &Path) {
        self.cached.lock().files.retain(|file, _| !file.starts_with(path));
    }

    /// How many files the cache keeps open.
    pub fn open_files(&self) -> usize {
        self.cached.lock().files.len()
    }
}

impl Cached {
    /// Closes the least recently used eighth, so that a full cache is not searched at every open.
    fn evict(&mut self, capacity: usize) {
        let keep = capacity - capacity / 8;
        let mut uses: Vec<u64> = self.files.values().map(|file| file.last_use).collect();
        let cut = uses.len().saturating_sub(keep);
        let (_, newest_out, _) = uses.select_nth_unstable(cut.saturating_sub(1));
        let newest_out = *newest_out;
        self.files.retain(|_, file| file.last_use > newest_out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::real::RealDisk;

    #[test]
    fn a_full_cache_closes_the_least_recently_used() {
        let folder = tempfile::tempdir().unwrap();
        let handles = Handles::new(RealDisk::new(), 8);
        let path = |n: usize| folder.path().join(n.to_string());
        for n in 0..8 {
            handles.get(&path(n), Open::Write).unwrap();
        }
        let first = handles.get(&path(0), Open::Read).unwrap();
        for n in 8..12 {
            handles.get(&path(n), Open::Write).unwrap();
            assert!(handles.open_files() <= 8);
        }
        assert!(Arc::ptr_eq(&first, &handles.get(&path(0), Open::Read).unwrap()), "used lately, so still cached");
        handles.forget_dir(folder.path());
        assert_eq!(handles.open_files(), 0);
        assert_eq!(first.length().unwrap(), 0, "a handle outlives its place in the cache");
    }
}
