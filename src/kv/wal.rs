//! Tells a write-ahead log that a crash cut short from one that has been damaged.
//!
//! RocksDB can be told to refuse every flaw, or to take everything before the first flaw and to forget the rest in silence.
//! The end of a log may be torn: a crash came before the write was synced, so nobody was told of it. A flaw with good
//! records behind it is no torn end: those records were written after the flawed one, and to forget them is to lose what was
//! acknowledged. Nothing else of RocksDB's format is known here.

use crc_fast::{checksum, CrcAlgorithm};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Records do not cross blocks. Bytes.
const BLOCK_BYTES: usize = 32 << 10;
/// Checksum, length, type.
const HEADER_BYTES: usize = 7;
/// Record types: whole, first, middle, last.
const TYPES: std::ops::RangeInclusive<u8> = 1..=4;
/// Largest type that RocksDB gives a record of its own, such as those that name the log before.
const OTHER_TYPES: std::ops::RangeInclusive<u8> = 128..=131;

/// Where the first flaw of the logs below `database` is, if good records lie behind it: the file, and the byte in it.
/// `None` if at most the end is torn.
pub(super) fn damage(database: &Path) -> io::Result<Option<(PathBuf, usize)>> {
    let mut logs = Vec::new();
    for entry in fs::read_dir(database)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            logs.push(path);
        }
    }
    // Their names are numbers of one width.
    logs.sort();
    let mut flaw: Option<(PathBuf, usize)> = None;
    for path in logs {
        let bytes = fs::read(&path)?;
        let begins = match flaw {
            Some(_) => 0,
            None => match first_flaw(&bytes) {
                None => continue,
                Some(at) => {
                    flaw = Some((path, at));
                    at + 1
                }
            },
        };
        if has_record(&bytes, begins) {
            return Ok(flaw);
        }
    }
    Ok(None)
}

/// Where the first record begins that is not whole.
fn first_flaw(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at < bytes.len() {
        let left = BLOCK_BYTES - at % BLOCK_BYTES;
        if left < HEADER_BYTES {
            at += left;
            continue;
        }
        match record(bytes, at) {
            Some(length) => at += length,
            None => return Some(at),
        }
    }
    None
}

/// Whether a record begins anywhere from `begins` on: after a flaw, lengths are not to be believed.
fn has_record(bytes: &[u8], begins: usize) -> bool {
    (begins..bytes.len()).any(|at| record(bytes, at).is_some())
}

/// The length of the record at `at`, header included, if it is whole.
fn record(bytes: &[u8], at: usize) -> Option<usize> {
    let block_end = (at / BLOCK_BYTES + 1) * BLOCK_BYTES;
    let block = &bytes[at..block_end.min(bytes.len())];
    let (header, _) = block.split_first_chunk::<HEADER_BYTES>()?;
    let [c0, c1, c2, c3, l0, l1, kind] = *header;
    if !TYPES.contains(&kind) && !OTHER_TYPES.contains(&kind) {
        return None;
    }
    let length = HEADER_BYTES + usize::from(u16::from_le_bytes([l0, l1]));
    let covered = block.get(HEADER_BYTES - 1..length)?;
    let crc = checksum(CrcAlgorithm::Crc32Iscsi, covered) as u32;
    // RocksDB masks checksums, so that one of bytes that hold a checksum is no fixed point.
    let masked = crc.rotate_right(15).wrapping_add(0xa282_ead8);
    (masked == u32::from_le_bytes([c0, c1, c2, c3])).then_some(length)
}
