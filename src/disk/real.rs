//! The machine's file system, through rustix: pwritev, preadv2 with RWF_NOWAIT, fallocate, sync_file_range, flock.

use super::{Disk, DiskFile, DiskLock, Entry, Open, Space};
use rustix::fs::{FallocateFlags, FlockOperation};
use rustix::io::{Errno, ReadWriteFlags};
use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

/// Most pieces of one pwritev call (Linux's IOV_MAX).
const PIECES_PER_CALL: usize = 1024;

/// The file system that the process runs on.
pub struct RealDisk;

impl RealDisk {
    /// The one there is.
    pub fn new() -> Arc<Self> {
        Arc::new(Self)
    }
}

struct RealFile {
    file: File,
}

/// Dropping the file closes it, and closing it unlocks.
struct RealLock {
    _file: File,
}

impl DiskLock for RealLock {}

impl Disk for RealDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn DiskFile>> {
        let file = match how {
            Open::Read => File::open(path)?,
            Open::Write => OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?,
        };
        Ok(Arc::new(RealFile { file }))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            // A name that is not UTF-8 is none of ours.
            let Ok(name) = entry.file_name().into_string() else { continue };
            let is_dir = entry.file_type()?.is_dir();
            let length = match is_dir {
                true => 0,
                false => match entry.metadata() {
                    Ok(metadata) => metadata.len(),
                    // Removed between the listing and the look: as good as never listed.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(error),
                },
            };
            entries.push(Entry { name, is_dir, length });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn entry(&self, path: &Path) -> io::Result<Option<Entry>> {
        match fs::metadata(path) {
            Ok(metadata) => Ok(Some(Entry {
                name: path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned(),
                is_dir: metadata.is_dir(),
                length: if metadata.is_dir() { 0 } else { metadata.len() },
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir_all(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Box::new(RealLock { _file: file }))
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        let stat = rustix::fs::statvfs(path)?;
        Ok(Space { total_bytes: stat.f_blocks * stat.f_frsize, usable_bytes: stat.f_bavail * stat.f_frsize })
    }
}

impl DiskFile for RealFile {
    fn append_vectored(&self, mut position: u64, pieces: &[IoSlice<'_>]) -> io::Result<()> {
        let mut pieces: smallvec::SmallVec<[IoSlice<'_>; 16]> =
            pieces.iter().map(|piece| IoSlice::new(piece)).collect();
        let mut left = &mut pieces[..];
        IoSlice::advance_slices(&mut left, 0);
        while !left.is_empty() {
            let call = &left[..left.len().min(PIECES_PER_CALL)];
            let written = match rustix::io::pwritev(&self.file, call, position) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => written,
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(errno.into()),
            };
            position += written as u64;
            IoSlice::advance_slices(&mut left, written);
        }
        Ok(())
    }

    fn read_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut read = 0;
        while read < buffer.len() {
            match self.file.read_at(&mut buffer[read..], position + read as u64) {
                Ok(0) => break,
                Ok(bytes) => read += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(read)
    }

    fn read_cached_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut pieces = [IoSliceMut::new(buffer)];
        match rustix::io::preadv2(&self.file, &mut pieces, position, ReadWriteFlags::NOWAIT) {
            // A file system without NOWAIT: the caller must take the way that may wait.
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => Err(io::ErrorKind::WouldBlock.into()),
            other => Ok(other?),
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn start_write_back(&self, position: u64, length: u64) {
        // A hint for the kernel; the sync that follows reports what went wrong.
        let _ = sync_file_range(&self.file, position, length);
    }

    fn reserve(&self, length: u64) -> io::Result<()> {
        match rustix::fs::fallocate(&self.file, FallocateFlags::KEEP_SIZE, 0, length) {
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.file.set_len(length)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.file.as_fd())
    }
}

/// Asks the kernel to start writing a range back, without waiting for it.
fn sync_file_range(file: &File, position: u64, length: u64) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    // SAFETY: the descriptor is open for as long as `file` is borrowed, and the call touches no memory of ours.
    let result =
        unsafe { libc::sync_file_range(file.as_raw_fd(), position as i64, length as i64, libc::SYNC_FILE_RANGE_WRITE) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
