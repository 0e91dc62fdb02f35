//! The file that a cleaned stretch is written to, with its index on the side.

use super::{CleanError, Pace};
use crate::disk::{DiskFile, Open};
use crate::log::folder::CLEANED_SUFFIX;
use crate::log::index::IndexEntry;
use crate::log::keys::SegmentRow;
use crate::log::reader::LogReader;
use crate::log::scan::{Scan, ScanFrom};
use crate::log::segment::file_name;
use crate::record::header::BatchHeader;
use std::io::IoSlice;
use std::path::PathBuf;
use std::sync::Arc;

/// The kernel is asked to write back each time that the file has grown by this much.
const WRITE_BACK_BYTES: u64 = 8 << 20;

/// A file that is being written.
pub(super) struct Output<'a> {
    reader: &'a LogReader,
    file: Arc<dyn DiskFile>,
    io_bytes: usize,
    buffer: Vec<u8>,
    written_bytes: u64,
    written_back_bytes: u64,
    from: ScanFrom,
    scan: Scan,
}

/// Path of the file that the segments from `base` on are cleaned into.
pub(super) fn path_of(reader: &LogReader, base: i64) -> PathBuf {
    reader.folder().join(format!("{}{CLEANED_SUFFIX}", file_name(base)))
}

impl<'a> Output<'a> {
    /// An empty file; what a crash or an aborted round left under its name goes.
    pub fn create(reader: &'a LogReader, base: i64, interval_bytes: u64, io_bytes: usize) -> Result<Self, CleanError> {
        let failed = |error: std::io::Error| CleanError::Log(reader.dir.write_failed(&error));
        // Under the lock that deletion renames under: the folder of a deleted log is nobody's, or another topic's.
        let _structure = reader.structure.lock();
        if reader.is_closed() {
            return Err(CleanError::Aborted);
        }
        let file = reader.dir.disk.open(&path_of(reader, base), Open::Write).map_err(failed)?;
        file.truncate(0).map_err(failed)?;
        let from = ScanFrom { base_offset: base, entry: IndexEntry::START, length: 0, verify_from: 0, interval_bytes };
        let scan = Scan::from_start(base);
        Ok(Self { reader, file, io_bytes, buffer: Vec::new(), written_bytes: 0, written_back_bytes: 0, from, scan })
    }

    /// Adds a batch.
    pub fn push(&mut self, header: &BatchHeader, bytes: &[u8], pace: &mut dyn Pace) -> Result<(), CleanError> {
        self.scan.take(header, &self.from);
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= self.io_bytes {
            return self.write(pace);
        }
        Ok(())
    }

    fn write(&mut self, pace: &mut dyn Pace) -> Result<(), CleanError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let written = self.file.append_vectored(self.written_bytes, &[IoSlice::new(&self.buffer)]);
        written.map_err(|error| self.reader.dir.write_failed(&error))?;
        self.reader.dir.write_succeeded();
        let bytes = self.buffer.len() as u64;
        self.written_bytes += bytes;
        self.buffer.clear();
        if self.written_bytes - self.written_back_bytes >= WRITE_BACK_BYTES {
            self.file.start_write_back(self.written_back_bytes, self.written_bytes - self.written_back_bytes);
            self.written_back_bytes = self.written_bytes;
        }
        match pace.spend(bytes) {
            true => Ok(()),
            false => Err(CleanError::Aborted),
        }
    }

    /// Makes the file durable. Its row, closed, and its index.
    pub fn finish(mut self, pace: &mut dyn Pace) -> Result<(SegmentRow, Vec<IndexEntry>), CleanError> {
        self.write(pace)?;
        self.file.sync_data().map_err(|error| self.reader.dir.sync_failed(&error))?;
        Ok((SegmentRow { closed: true, ..self.scan.row }, self.scan.entries))
    }
}

impl LogReader {
    /// Removes a cleaned file that is of no use.
    pub(super) fn discard_cleaned(&self, base: i64) {
        let _structure = self.structure.lock();
        self.remove_cleaned(base);
    }

    /// The same under the structure lock.
    pub(super) fn remove_cleaned(&self, base: i64) {
        if !self.is_closed() {
            // It may not be there; if it stays, the next start removes it, or the next round writes over it.
            let _ = self.dir.disk.remove_file(&path_of(self, base));
        }
    }
}
