//! Recovery points, log starts and cleaner points of a directory's logs, and their checkpoint files.

use super::checkpoints::{self, Offsets};
use super::dir::{read_offsets, LogDir};
use super::error::LogError;
use super::reader::LogReader;
use crate::disk::Disk;
use crate::ids::TopicPartition;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

/// How far one log is durable.
#[derive(Clone, Copy, Debug, Default)]
struct Point {
    /// Everything below is durable, in the segments and in the index database.
    recovery: i64,
    /// The log's truncations; what was synced before the last of them is void.
    truncations: u64,
}

#[derive(Default)]
struct Known {
    points: BTreeMap<TopicPartition, Point>,
    /// Synced in the segments since the last checkpoint: offset, and truncations at that time.
    synced: BTreeMap<TopicPartition, (i64, u64)>,
    starts: Offsets,
    /// Below them logs are clean.
    cleaned: Offsets,
    /// Forgotten, and perhaps still in the files.
    forgotten: BTreeSet<TopicPartition>,
}

/// Recovery points and log starts. The lock is held while a checkpoint is written, so that files follow the order of
/// changes; no log is appended to under it.
pub(super) struct Points {
    known: Mutex<Known>,
}

/// What [`Points::synced`] found.
pub(super) type Synced = Vec<(TopicPartition, i64, u64)>;

impl Points {
    pub fn read(disk: &dyn Disk, path: &Path) -> io::Result<Self> {
        let recovery = read_offsets(disk, &path.join(checkpoints::RECOVERY_POINTS))?;
        let points =
            recovery.into_iter().map(|(partition, recovery)| (partition, Point { recovery, truncations: 0 })).collect();
        let starts = read_offsets(disk, &path.join(checkpoints::LOG_STARTS))?;
        let cleaned = read_offsets(disk, &path.join(checkpoints::CLEANER_POINTS))?;
        Ok(Self { known: Mutex::new(Known { points, starts, cleaned, ..Known::default() }) })
    }

    pub fn recovery_point(&self, partition: &TopicPartition) -> i64 {
        self.known.lock().points.get(partition).map_or(0, |point| point.recovery)
    }

    pub fn log_start(&self, partition: &TopicPartition) -> i64 {
        self.known.lock().starts.get(partition).copied().unwrap_or(0).max(0)
    }

    /// A log begins anew to count its truncations.
    pub fn opened(&self, partition: &TopicPartition) {
        let mut known = self.known.lock();
        known.synced.remove(partition);
        if let Some(point) = known.points.get_mut(partition) {
            point.truncations = 0;
        }
    }

    /// The log is gone. What the files say of it stands there until they are written again.
    pub fn forget(&self, partition: &TopicPartition) {
        self.known.lock().forget(partition);
    }

    /// Before a log is made: what the files say of an earlier one of that name must not be taken for its own.
    pub fn begin_anew(&self, disk: &dyn Disk, path: &Path, partition: &TopicPartition) -> io::Result<()> {
        let mut known = self.known.lock();
        known.forget(partition);
        if known.forgotten.contains(partition) {
            write_recovery(disk, path, &known.points)?;
            write_starts(disk, path, &known.starts)?;
            write_cleaned(disk, path, &known.cleaned)?;
            known.forgotten.clear();
        }
        Ok(())
    }

    /// What has been synced and is not in the checkpoint yet.
    pub fn synced(&self) -> Synced {
        let known = self.known.lock();
        known
            .synced
            .iter()
            .map(|(partition, (offset, truncations))| (partition.clone(), *offset, *truncations))
            .collect()
    }

    /// Moves the recovery points to what was synced, unless a truncation came between, and writes them.
    pub fn commit(&self, disk: &dyn Disk, path: &Path, synced: Synced) -> io::Result<()> {
        let mut known = self.known.lock();
        let known = &mut *known;
        for (partition, offset, truncations) in &synced {
            let point = known.points.entry(partition.clone()).or_default();
            if point.truncations == *truncations {
                point.recovery = *offset;
            }
        }
        write_recovery(disk, path, &known.points)?;
        known.synced.retain(|partition, (offset, _)| {
            known.points.get(partition).is_some_and(|point| point.recovery != *offset)
        });
        Ok(())
    }
}

impl Known {
    fn forget(&mut self, partition: &TopicPartition) {
        let had_point = self.points.remove(partition).is_some();
        let had_start = self.starts.remove(partition).is_some();
        let had_cleaned = self.cleaned.remove(partition).is_some();
        self.synced.remove(partition);
        if had_point || had_start || had_cleaned {
            self.forgotten.insert(partition.clone());
        }
    }
}

fn write_starts(disk: &dyn Disk, path: &Path, starts: &Offsets) -> io::Result<()> {
    let bytes = checkpoints::write_offsets(starts.iter().map(|(partition, offset)| (partition, *offset)));
    disk.replace(&path.join(checkpoints::LOG_STARTS), &bytes)
}

fn write_cleaned(disk: &dyn Disk, path: &Path, cleaned: &Offsets) -> io::Result<()> {
    let bytes = checkpoints::write_offsets(cleaned.iter().map(|(partition, offset)| (partition, *offset)));
    disk.replace(&path.join(checkpoints::CLEANER_POINTS), &bytes)
}

fn write_recovery(disk: &dyn Disk, path: &Path, points: &BTreeMap<TopicPartition, Point>) -> io::Result<()> {
    let bytes = checkpoints::write_offsets(points.iter().map(|(partition, point)| (partition, point.recovery)));
    disk.replace(&path.join(checkpoints::RECOVERY_POINTS), &bytes)
}

impl LogDir {
    /// Notes that a log's segments are durable below `offset`.
    pub(super) fn note_synced(&self, partition: &TopicPartition, offset: i64, truncations: u64) {
        self.points.known.lock().synced.insert(partition.clone(), (offset, truncations));
    }

    /// Lowers a recovery point before a truncation, durably if it was higher.
    pub(super) fn lower_recovery_point(
        &self,
        partition: &TopicPartition,
        offset: i64,
        truncations: u64,
    ) -> Result<(), LogError> {
        let mut known = self.points.known.lock();
        known.synced.remove(partition);
        let point = known.points.entry(partition.clone()).or_default();
        point.truncations = truncations;
        if known.cleaned.get(partition).is_some_and(|cleaned| *cleaned > offset) {
            // What comes in the place of what is cut off is dirty.
            known.cleaned.insert(partition.clone(), offset);
            let written = write_cleaned(&*self.disk, self.path(), &known.cleaned);
            written.map_err(|error| self.write_failed(&error))?;
        }
        let point = known.points.entry(partition.clone()).or_default();
        if point.recovery > offset {
            point.recovery = offset;
            let written = write_recovery(&*self.disk, self.path(), &known.points);
            written.map_err(|error| self.write_failed(&error))?;
        }
        Ok(())
    }

    /// The offset below which a log is clean; `None` if it never was.
    pub(super) fn cleaner_point(&self, partition: &TopicPartition) -> Option<i64> {
        self.points.known.lock().cleaned.get(partition).copied()
    }

    /// Forgets a cleaner point that cannot be; the file says so with the next one that is written.
    pub(super) fn reset_cleaner_point(&self, partition: &TopicPartition, offset: i64) {
        self.points.known.lock().cleaned.insert(partition.clone(), offset);
    }

    /// Notes, durably, that the open log `reader` is clean below `offset`.
    pub fn set_cleaner_point(&self, reader: &LogReader, offset: i64) -> Result<(), LogError> {
        let mut known = self.points.known.lock();
        // Forgotten under this lock when a log is deleted: its name may be another's by now.
        if reader.is_closed() {
            return Ok(());
        }
        known.cleaned.insert(reader.partition().clone(), offset.min(reader.log_end_offset()));
        let written = write_cleaned(&*self.disk, self.path(), &known.cleaned);
        written.map_err(|error| self.write_failed(&error))
    }

    /// Makes a log start durable that lies above the first segment's base, or in a log that starts anew.
    pub(super) fn set_log_start(&self, partition: &TopicPartition, offset: i64) -> Result<(), LogError> {
        let mut known = self.points.known.lock();
        known.starts.insert(partition.clone(), offset);
        let written = write_starts(&*self.disk, self.path(), &known.starts);
        written.map_err(|error| self.write_failed(&error))
    }
}
