//! Walking over the batches of a segment file by their headers.

use super::producer_state::EndMarker;
use crate::disk::DiskFile;
use crate::record::header::{BatchHeader, HEADER_BYTES};
use crate::record::records::RecordIter;
use std::io;

/// Read ahead while batches are small: several headers lie in one such stretch.
const AHEAD_BYTES: usize = 4 << 10;
/// Largest control batch that is looked into; markers have about 80 bytes.
const CONTROL_BYTES: usize = 4 << 10;

/// Why a walk stopped before the end.
#[derive(Debug)]
pub(super) enum WalkError {
    /// The disk failed.
    Io(io::Error),
    /// What lies there is no batch, or not a whole one.
    Bad(String),
}

impl From<io::Error> for WalkError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A batch in a segment file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub header: BatchHeader,
    pub position: u64,
}

impl Found {
    /// Where the next batch starts.
    pub fn end(&self) -> u64 {
        self.position + self.header.size_bytes() as u64
    }
}

/// A stretch of a file, read in windows.
pub(super) struct Window<'a> {
    file: &'a dyn DiskFile,
    /// Nothing is read at or beyond this position.
    end: u64,
    at: u64,
    buffer: Vec<u8>,
}

impl<'a> Window<'a> {
    pub fn new(file: &'a dyn DiskFile, end: u64) -> Self {
        Self { file, end, at: 0, buffer: Vec::new() }
    }

    /// The bytes from `position`, as many as there are up to `length`; at least `ahead` are read at once.
    pub fn get(&mut self, position: u64, length: usize, ahead: usize) -> io::Result<&[u8]> {
        let length = length.min(usize::try_from(self.end.saturating_sub(position)).unwrap_or(usize::MAX));
        let skip = position.wrapping_sub(self.at);
        let has = position >= self.at && skip + length as u64 <= self.buffer.len() as u64;
        if has {
            let skip = skip as usize;
            return Ok(&self.buffer[skip..skip + length]);
        }
        let wanted = ahead.max(length).min(usize::try_from(self.end.saturating_sub(position)).unwrap_or(usize::MAX));
        self.buffer.resize(wanted, 0);
        let read = self.file.read_at(position, &mut self.buffer)?;
        self.buffer.truncate(read);
        self.at = position;
        Ok(&self.buffer[..length.min(read)])
    }
}

/// Yields the batches from a position, headers only.
pub(super) struct Walk<'a> {
    window: Window<'a>,
    position: u64,
    end: u64,
    /// Size of the batch before, which tells whether reading ahead pays.
    last_bytes: usize,
}

impl<'a> Walk<'a> {
    /// From `position`, where a batch starts, to `end`.
    pub fn new(file: &'a dyn DiskFile, position: u64, end: u64) -> Self {
        Self { window: Window::new(file, end), position, end, last_bytes: 0 }
    }

    /// The next batch, or `None` at the end.
    pub fn next(&mut self) -> Result<Option<Found>, WalkError> {
        if self.position >= self.end {
            return Ok(None);
        }
        let ahead = if self.last_bytes > AHEAD_BYTES / 2 { HEADER_BYTES } else { AHEAD_BYTES };
        let bytes = self.window.get(self.position, HEADER_BYTES, ahead)?;
        let header = BatchHeader::parse(bytes).map_err(|error| WalkError::Bad(error.to_string()))?;
        let found = Found { header, position: self.position };
        if found.end() > self.end {
            return Err(WalkError::Bad(format!("the batch at {} ends beyond the segment", self.position)));
        }
        self.last_bytes = header.size_bytes();
        self.position = found.end();
        Ok(Some(found))
    }

    /// The whole of a control batch, to read its marker.
    pub fn marker(&mut self, found: &Found) -> Result<Option<EndMarker>, WalkError> {
        if !found.header.is_control() || found.header.size_bytes() > CONTROL_BYTES {
            return Ok(None);
        }
        let bytes = self.window.get(found.position, found.header.size_bytes(), AHEAD_BYTES)?;
        Ok(read_marker(&found.header, bytes))
    }
}

/// The marker in a whole control batch.
pub(super) fn read_marker(header: &BatchHeader, batch: &[u8]) -> Option<EndMarker> {
    if !header.is_control() {
        return None;
    }
    let record = RecordIter::new(batch.get(HEADER_BYTES..)?, header.record_count).next()?.ok()?;
    EndMarker::parse(record.key?, record.value?)
}
