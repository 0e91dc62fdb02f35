//! Reading a segment from front to back: checks every batch and finds index, epochs and end again.

use super::index::IndexEntry;
use super::keys::SegmentRow;
use super::walk::Window;
use crate::disk::DiskFile;
use crate::record::header::{BatchHeader, HEADER_BYTES};
use crc_fast::{CrcAlgorithm, Digest};
use std::io;

/// Read at once.
const WINDOW_BYTES: usize = 256 << 10;
/// First byte that the CRC covers.
const CRC_FROM: u64 = 21;

/// Where a scan begins.
pub(super) struct ScanFrom {
    /// The segment's base offset.
    pub base_offset: i64,
    /// The entry to begin at.
    pub entry: IndexEntry,
    /// Length of the file.
    pub length: u64,
    /// CRCs are checked of batches that reach beyond this offset.
    pub verify_from: i64,
    /// `index.interval.bytes`.
    pub interval_bytes: u64,
}

/// What a scan found.
pub(super) struct Scan {
    /// The segment up to its last good batch, not closed.
    pub row: SegmentRow,
    /// Entries, the one that the scan began at included.
    pub entries: Vec<IndexEntry>,
    /// Epochs in the order in which they begin.
    pub epochs: Vec<(i32, i64)>,
    /// Why it ended before the file did.
    pub bad: Option<String>,
}

/// Scans `file`. Only a failing disk is an error; bytes that are no batch end the scan.
pub(super) fn scan(file: &dyn DiskFile, from: &ScanFrom) -> io::Result<Scan> {
    let mut window = Window::new(file, from.length);
    let start = u64::from(from.entry.position);
    let first_offset = from.base_offset + i64::from(from.entry.relative_offset);
    let mut scan = Scan::from_start(first_offset);
    scan.row.size_bytes = start;
    scan.row.max_timestamp = from.entry.max_timestamp_before;
    scan.row.last_index_position = start;
    if start > 0 {
        scan.entries.push(from.entry);
        let head = window.get(0, HEADER_BYTES, HEADER_BYTES)?;
        scan.row.first_timestamp = BatchHeader::parse(head).map_or(-1, |header| header.max_timestamp);
    }
    while scan.row.size_bytes < from.length {
        let position = scan.row.size_bytes;
        let header = match BatchHeader::parse(window.get(position, HEADER_BYTES, WINDOW_BYTES)?) {
            Ok(header) => header,
            Err(error) => {
                scan.bad = Some(error.to_string());
                break;
            }
        };
        scan.bad = scan.judge(&header, from);
        if scan.bad.is_none() && header.next_offset() > from.verify_from && !crc_fits(&mut window, position, &header)? {
            scan.bad = Some("wrong CRC".to_owned());
        }
        if scan.bad.is_some() {
            break;
        }
        scan.take(&header, from);
    }
    Ok(scan)
}

impl Scan {
    /// Nothing yet, of a segment whose first batch is at `first_offset` or later.
    pub fn from_start(first_offset: i64) -> Self {
        let row = SegmentRow {
            closed: false,
            size_bytes: 0,
            end_offset: first_offset,
            max_timestamp: -1,
            first_timestamp: -1,
            last_index_position: 0,
        };
        Self { row, entries: Vec::new(), epochs: Vec::new(), bad: None }
    }

    /// Why this header cannot continue the segment.
    fn judge(&self, header: &BatchHeader, from: &ScanFrom) -> Option<String> {
        let size_bytes = header.size_bytes() as u64;
        if size_bytes > from.length - self.row.size_bytes {
            return Some(format!("a batch of {size_bytes} bytes reaches beyond the file"));
        }
        if header.base_offset < self.row.end_offset || header.last_offset_delta < 0 {
            return Some(format!("offset {} where {} is next", header.base_offset, self.row.end_offset));
        }
        if i32::try_from(header.last_offset().wrapping_sub(from.base_offset)).is_err() {
            return Some(format!("offset {} is out of the segment's reach", header.last_offset()));
        }
        let (epoch, last) = (header.leader_epoch, self.epochs.last().map_or(-1, |last| last.0));
        (epoch < last).then(|| format!("epoch {epoch} after epoch {last}"))
    }

    /// Moves the end behind a batch, with an index entry before it if the last one is far enough.
    pub fn take(&mut self, header: &BatchHeader, from: &ScanFrom) {
        let position = self.row.size_bytes;
        if position == 0 {
            self.row.first_timestamp = header.max_timestamp;
        }
        if position - self.row.last_index_position > from.interval_bytes {
            let relative_offset = u32::try_from(header.base_offset - from.base_offset);
            if let (Ok(relative_offset), Ok(place)) = (relative_offset, u32::try_from(position)) {
                let max_timestamp_before = self.row.max_timestamp;
                self.entries.push(IndexEntry { relative_offset, position: place, max_timestamp_before });
                self.row.last_index_position = position;
            }
        }
        if header.leader_epoch >= 0 && self.epochs.last().is_none_or(|last| last.0 < header.leader_epoch) {
            self.epochs.push((header.leader_epoch, header.base_offset));
        }
        self.row.size_bytes = position + header.size_bytes() as u64;
        self.row.end_offset = header.next_offset();
        self.row.max_timestamp = self.row.max_timestamp.max(header.newest_record_ms());
    }
}

/// Whether the batch's CRC is right; read in windows, however long the batch claims to be.
fn crc_fits(window: &mut Window<'_>, position: u64, header: &BatchHeader) -> io::Result<bool> {
    let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
    let end = position + header.size_bytes() as u64;
    let mut at = position + CRC_FROM;
    while at < end {
        let length = usize::try_from(end - at).unwrap_or(usize::MAX).min(WINDOW_BYTES);
        let bytes = window.get(at, length, WINDOW_BYTES)?;
        if bytes.is_empty() {
            return Ok(false);
        }
        digest.update(bytes);
        at += bytes.len() as u64;
    }
    Ok(digest.finalize() as u32 == header.crc)
}
