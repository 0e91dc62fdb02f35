//! Reading a closed segment from front to back, whole batches at a time, at the cleaner's pace.

use super::{CleanError, Pace};
use crate::log::reader::LogReader;
use crate::log::segment::Segment;
use crate::record::crc;
use crate::record::header::{BatchHeader, HEADER_BYTES};
use std::ops::ControlFlow;

/// A whole batch in a segment.
pub(super) struct Found<'a> {
    pub header: BatchHeader,
    pub bytes: &'a [u8],
    pub position: u64,
}

impl Found<'_> {
    /// Where the next batch starts.
    pub fn end(&self) -> u64 {
        self.position + self.bytes.len() as u64
    }
}

/// Tells `each` the batches of `segment` from `position` on, checked, until it breaks.
pub(super) fn each_batch(
    reader: &LogReader,
    segment: &Segment,
    position: u64,
    io_bytes: usize,
    pace: &mut dyn Pace,
    mut each: impl FnMut(&Found<'_>, &mut dyn Pace) -> Result<ControlFlow<()>, CleanError>,
) -> Result<(), CleanError> {
    let end = segment.tail().size_bytes;
    let corrupt =
        |position, reason: String| CleanError::Corrupt { segment_base: segment.base_offset(), position, reason };
    let file = segment.file(&reader.dir.handles, || reader.folder()).map_err(|error| match reader.is_closed() {
        true => CleanError::Aborted,
        false => CleanError::Log(reader.dir.read_failed(&error)),
    })?;
    let mut buffer = Vec::new();
    let mut at = position;
    let mut wanted = io_bytes;
    while at < end {
        let length = usize::try_from(end - at).unwrap_or(usize::MAX).min(wanted);
        buffer.resize(length, 0);
        let read = file.read_at(at, &mut buffer).map_err(|error| reader.dir.read_failed(&error))?;
        if read < length {
            return Err(corrupt(at, format!("the file ends at {}, not at {end}", at + read as u64)));
        }
        if !pace.spend(read as u64) {
            return Err(CleanError::Aborted);
        }
        let mut rest = &buffer[..];
        wanted = io_bytes;
        loop {
            if rest.len() < HEADER_BYTES {
                break;
            }
            let header = BatchHeader::parse(rest).map_err(|error| corrupt(at, error.to_string()))?;
            let size = header.size_bytes();
            if size as u64 > end - at {
                return Err(corrupt(at, format!("a batch of {size} bytes reaches beyond the segment")));
            }
            let Some(bytes) = rest.get(..size) else {
                wanted = io_bytes.max(size);
                break;
            };
            // Before anything is made of it: a batch written anew gets a good checksum, whatever it held.
            if !crc::verify(bytes) {
                return Err(corrupt(at, "wrong CRC".to_owned()));
            }
            if each(&Found { header, bytes, position: at }, pace)?.is_break() {
                return Ok(());
            }
            at += size as u64;
            rest = &rest[size..];
        }
        if (1..HEADER_BYTES as u64).contains(&(end - at)) {
            return Err(corrupt(at, "the segment ends inside a header".to_owned()));
        }
        wanted = wanted.max(HEADER_BYTES);
    }
    Ok(())
}
