//! The only door to files. Every room that stores bytes holds an `Arc<dyn Disk>`; `node.rs` hands in the real one, the
//! simulator its own.
//!
//! What a crash may lose: bytes appended and not yet covered by a successful [`DiskFile::sync_data`]; names created,
//! renamed or removed and not yet covered by [`Disk::sync_dir`] on their directory.

pub mod handles;
pub mod real;
pub mod sim;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// Read only; an absent file is `NotFound`.
    Read,
    /// Read and write; created empty where absent.
    Write,
}

/// A name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The last component of the path.
    pub name: String,
    /// A directory, not a file.
    pub is_dir: bool,
    /// The file's length in bytes; 0 for a directory.
    pub length: u64,
}

/// Room on the file system that holds a directory, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Size of the file system.
    pub total_bytes: u64,
    /// What an unprivileged process may still write.
    pub usable_bytes: u64,
}

/// Keeps a lock file locked; dropping it unlocks.
pub trait DiskLock: Send + Sync {}

/// A file system.
pub trait Disk: Send + Sync + 'static {
    /// Opens a file.
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn DiskFile>>;
    /// Makes a directory and what is missing above it; an existing one is fine.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;
    /// Names in a directory, sorted.
    fn list(&self, path: &Path) -> io::Result<Vec<Entry>>;
    /// A file's or directory's entry, `None` where there is none.
    fn entry(&self, path: &Path) -> io::Result<Option<Entry>>;
    /// Moves a file or directory over `to`, atomically. Durable after `sync_dir` of both parents.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file; an absent one is `NotFound`.
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Removes a directory with all that is in it.
    fn remove_dir_all(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a directory durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// Takes an exclusive lock on a file, made where absent; `WouldBlock` when another process holds it.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>>;
    /// Room on the file system that holds `path`.
    fn space(&self, path: &Path) -> io::Result<Space>;

    /// A whole small file; `NotFound` where absent.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let file = self.open(path, Open::Read)?;
        let mut bytes = vec![0; file.length()? as usize];
        let read = file.read_at(0, &mut bytes)?;
        bytes.truncate(read);
        Ok(bytes)
    }

    /// Replaces a small file so that a crash leaves the old or the new content whole: temporary file, sync, rename,
    /// directory sync. Durable on return.
    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let parent = path.parent().unwrap_or(Path::new("."));
        let mut temporary = PathBuf::from(path);
        temporary.as_mut_os_string().push(".tmp");
        let file = self.open(&temporary, Open::Write)?;
        file.truncate(0)?;
        file.append_vectored(0, &[io::IoSlice::new(bytes)])?;
        file.sync_data()?;
        drop(file);
        self.rename(&temporary, path)?;
        self.sync_dir(parent)
    }
}

/// An open file. Positions are in bytes from its start.
pub trait DiskFile: Send + Sync {
    /// Writes all of `pieces`, one after the other, from `position`, in as few system calls as the system allows.
    /// An error may leave any prefix written: the caller knows the file's valid length, and the next append overwrites.
    fn append_vectored(&self, position: u64, pieces: &[io::IoSlice<'_>]) -> io::Result<()>;
    /// Reads until `buffer` is full or the file ends; how many bytes were read.
    fn read_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<usize>;
    /// Like `read_at`, but only what is in memory already: `WouldBlock` where the disk would have to be waited for.
    fn read_cached_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<usize>;
    /// Makes the content (and the length) durable.
    fn sync_data(&self) -> io::Result<()>;
    /// Starts writing dirty pages of a range back, without waiting. A hint: errors are not reported.
    fn start_write_back(&self, position: u64, length: u64);
    /// Reserves room up to `length` bytes without changing the file's length. A hint where the system lacks it;
    /// `StorageFull` is reported.
    fn reserve(&self, length: u64) -> io::Result<()>;
    /// Cuts or extends the file to `length` bytes and gives back what was reserved beyond it.
    fn truncate(&self, length: u64) -> io::Result<()>;
    /// The file's length in bytes.
    fn length(&self) -> io::Result<u64>;
    /// The descriptor, for sendfile; `None` where there is none (the simulator).
    fn descriptor(&self) -> Option<std::os::fd::BorrowedFd<'_>>;
}

/// A stretch of an open file, sent without being read into the process. The handle stays open as long as the range lives.
#[derive(Clone)]
pub struct FileRange {
    /// The file.
    pub file: Arc<dyn DiskFile>,
    /// Where the range starts.
    pub position: u64,
    /// Its length in bytes.
    pub length: u64,
}
