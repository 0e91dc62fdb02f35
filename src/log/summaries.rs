//! What is known of a log before anybody looks into its folder, so that starting costs little for logs that are idle.
//!
//! A clean stop leaves a [`Summary`] of each log, and each flush leaves one beside the rows of the segments that it made
//! durable. After a clean stop they hold. After a crash one holds if the log has not changed since, which its folder's names
//! and the recovery point tell:
//!
//! - The recovery point is the summary's end. It moves only once the summary is durable, and a truncation below it lowers it
//!   first, durably.
//! - The folder has as many segments with records, the last one with the same base and length. What was appended since makes
//!   it longer or makes another; retention makes them fewer; a cleaner or a truncation that a crash interrupted leaves names
//!   behind that are no segment's.
//! - The log start was not moved up by DeleteRecords.
//!
//! Such a log is opened as after a clean stop: its index, epochs and producers are loaded when first asked for, up to the same
//! recovery point. Every other log is recovered.

use super::checkpoints;
use super::dir::LogDir;
use super::error::LogError;
use super::folder;
use super::keys::{self, Summary};
use crate::disk::Entry;
use crate::ids::{TopicPartition, Uuid};
use crate::kv::{Batch, Durability};
use std::collections::BTreeMap;

/// What the start found of a log.
#[derive(Clone)]
pub(super) struct Known {
    pub topic_id: Option<Uuid>,
    /// Holds after a clean stop, else it is to be compared with the folder.
    pub summary: Option<Summary>,
    /// Made in this run, and empty.
    pub fresh: bool,
}

impl LogDir {
    /// The summaries by folder. After a crash they are taken out of the index database: what may not hold must not be
    /// there at the next clean stop.
    pub(super) fn take_summaries(&self) -> Result<BTreeMap<String, Summary>, LogError> {
        let pairs = self.index.scan(keys::SUMMARIES, &[0], &[0xff], usize::MAX);
        let pairs = pairs.map_err(|error| self.kv_failed(&error))?;
        if !self.was_clean() && !pairs.is_empty() {
            let mut batch = Batch::new();
            batch.delete_range(keys::SUMMARIES, vec![0], vec![0xff]);
            let written = self.index.write(batch, Durability::UntilFlush);
            written.map_err(|error| self.kv_failed(&error))?;
        }
        let named = |(name, value): (Vec<u8>, Vec<u8>)| Some((String::from_utf8(name).ok()?, Summary::decode(&value)?));
        Ok(pairs.into_iter().filter_map(named).collect())
    }

    /// After a crash: the summary of a log that need not be recovered, written to the index database again.
    pub(super) fn still_holds(
        &self,
        partition: &TopicPartition,
        topic_id: Uuid,
        candidate: Option<Summary>,
    ) -> Result<Option<Summary>, LogError> {
        let folder = self.path().join(keys::folder_name(partition));
        let entries = self.disk.list(&folder).map_err(|error| self.read_failed(&error))?;
        let Some(files) = Files::of(&entries) else { return Ok(None) };
        let summary = match candidate {
            Some(summary) if summary.topic_id == topic_id => summary,
            _ => Summary::empty(topic_id, partition.partition),
        };
        let fits = self.points.recovery_point(partition) == summary.log_end_offset
            && self.points.log_start(partition) <= summary.log_start_offset
            && files.are_of(&summary);
        if fits {
            self.put_summary(partition, &summary)?;
        }
        Ok(fits.then_some(summary))
    }

    /// Writes a summary by itself.
    pub(super) fn put_summary(&self, partition: &TopicPartition, summary: &Summary) -> Result<(), LogError> {
        let mut batch = Batch::new();
        batch.put(keys::SUMMARIES, keys::folder_name(partition), summary.encode());
        let written = self.index.write(batch, Durability::UntilFlush);
        written.map_err(|error| self.kv_failed(&error))
    }
}

/// What a folder holds, by its names.
struct Files {
    has_epochs: bool,
    /// Segments with records.
    segments: u32,
    /// Base offset and length of the last of them.
    last: Option<(i64, u64)>,
}

impl Files {
    /// `None` where something lies there that recovery must look at.
    fn of(entries: &[Entry]) -> Option<Self> {
        let mut files = Self { has_epochs: false, segments: 0, last: None };
        for entry in entries {
            if entry.name == checkpoints::LEADER_EPOCHS {
                files.has_epochs = true;
            } else if let Some(base) = folder::segment_base(&entry.name) {
                if entry.length > 0 {
                    files.segments += 1;
                    files.last = files.last.max(Some((base, entry.length)));
                }
            } else if entry.name != checkpoints::PARTITION_METADATA {
                return None;
            }
        }
        Some(files)
    }

    /// Without records the epochs are those of the metadata; with records they must be there.
    fn are_of(&self, summary: &Summary) -> bool {
        let last = (summary.segments > 0).then_some((summary.last_base, summary.last_size_bytes));
        self.segments == summary.segments && self.last == last && self.has_epochs == (summary.segments > 0)
    }
}

/// Offsets of a log that a summary tells.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    pub log_start_offset: i64,
    pub log_end_offset: i64,
    pub first_unstable_offset: i64,
}

/// The summary of a log with these segments: base offsets and bytes.
pub(super) fn summary_of(
    segments: impl Iterator<Item = (i64, u64)>,
    topic_id: Uuid,
    partition: i32,
    extent: Extent,
) -> Summary {
    let with_records = segments.filter(|(_, size_bytes)| *size_bytes > 0);
    let (segments, last) = with_records.fold((0, (0, 0)), |(count, _), last| (count + 1, last));
    Summary {
        topic_id,
        partition,
        log_start_offset: extent.log_start_offset,
        log_end_offset: extent.log_end_offset,
        first_unstable_offset: extent.first_unstable_offset,
        segments,
        last_base: last.0,
        last_size_bytes: last.1,
    }
}
