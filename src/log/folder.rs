//! What lies in a partition's folder, and finishing what a crash interrupted there.

use super::dir::LogDir;
use super::error::LogError;
use super::segment::{file_name, DELETED_SUFFIX, LOG_SUFFIX};
use super::walk::Walk;
use crate::disk::{Entry, Open};
use std::collections::BTreeMap;
use std::path::Path;

/// A cleaner's output that was not finished: of no use.
pub(super) const CLEANED_SUFFIX: &str = ".cleaned";
/// A cleaner's output that was finished, about to take the place of the segments that it was made of.
pub(super) const SWAP_SUFFIX: &str = ".swap";

/// The segments in a folder, base offset → length in bytes.
pub(super) struct Listing {
    pub segments: BTreeMap<i64, u64>,
}

/// The base offset in the name of a segment file.
pub(super) fn segment_base(name: &str) -> Option<i64> {
    base_of(name, "")
}

/// The base offset in a file name with `suffix` behind `.log`.
fn base_of(name: &str, suffix: &str) -> Option<i64> {
    let digits = name.strip_suffix(suffix)?.strip_suffix(LOG_SUFFIX)?;
    let base = digits.parse().ok()?;
    (digits.len() == 20 && base >= 0).then_some(base)
}

/// Lists a partition's folder. Deleted files go, unfinished cleanings go with what was to follow them, finished ones take
/// their place.
pub(super) fn list(dir: &LogDir, folder: &Path) -> Result<Listing, LogError> {
    let entries = dir.disk.list(folder).map_err(|error| dir.read_failed(&error))?;
    let files: Vec<&Entry> = entries.iter().filter(|entry| !entry.is_dir).collect();
    let mut segments: BTreeMap<i64, u64> =
        files.iter().filter_map(|entry| Some((base_of(&entry.name, "")?, entry.length))).collect();
    let mut swaps: BTreeMap<i64, u64> =
        files.iter().filter_map(|entry| Some((base_of(&entry.name, SWAP_SUFFIX)?, entry.length))).collect();
    let first_cleaned = files.iter().filter_map(|entry| base_of(&entry.name, CLEANED_SUFFIX)).min();
    let mut changed = false;
    for entry in &files {
        let unfinished = base_of(&entry.name, SWAP_SUFFIX)
            .is_some_and(|base| first_cleaned.is_some_and(|first_cleaned| base >= first_cleaned));
        if unfinished || entry.name.ends_with(DELETED_SUFFIX) || entry.name.ends_with(CLEANED_SUFFIX) {
            dir.disk.remove_file(&folder.join(&entry.name)).map_err(|error| dir.write_failed(&error))?;
            swaps.retain(|base, _| !(unfinished && base_of(&entry.name, SWAP_SUFFIX) == Some(*base)));
            changed = true;
        }
    }
    for (base, length) in swaps {
        finish_swap(dir, folder, base, length, &mut segments)?;
        changed = true;
    }
    if changed {
        dir.disk.sync_dir(folder).map_err(|error| dir.write_failed(&error))?;
    }
    Ok(Listing { segments })
}

/// Puts a `.swap` file in the place of the segments whose offsets it covers.
fn finish_swap(
    dir: &LogDir,
    folder: &Path,
    base: i64,
    length: u64,
    segments: &mut BTreeMap<i64, u64>,
) -> Result<(), LogError> {
    let swap = folder.join(format!("{}{SWAP_SUFFIX}", file_name(base)));
    let mut end_offset = base + 1;
    {
        let file = dir.disk.open(&swap, Open::Read).map_err(|error| dir.read_failed(&error))?;
        let mut walk = Walk::new(&*file, 0, length);
        while let Ok(Some(found)) = walk.next() {
            end_offset = end_offset.max(found.header.next_offset());
        }
    }
    let replaced: Vec<i64> = segments.range(base..end_offset).map(|(base, _)| *base).collect();
    for old in &replaced {
        segments.remove(old);
        if *old != base {
            dir.disk.remove_file(&folder.join(file_name(*old))).map_err(|error| dir.write_failed(&error))?;
        }
    }
    if replaced.iter().any(|old| *old != base) {
        // Else a crash might leave the new file beside segments that it holds as well.
        dir.disk.sync_dir(folder).map_err(|error| dir.write_failed(&error))?;
    }
    dir.disk.rename(&swap, &folder.join(file_name(base))).map_err(|error| dir.write_failed(&error))?;
    segments.insert(base, length);
    Ok(())
}
