//! Deleting: names go at once, bytes later, when nobody can be reading them any more.

use super::dir::{FoundLog, LogDir, DELETE_SUFFIX};
use super::error::LogError;
use super::keys;
use super::partition_log::Log;
use crate::clock::Now;
use crate::ids::{TopicPartition, Uuid};
use crate::kv::{Batch, Durability};
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;

/// Most bytes of a file name.
const NAME_BYTES: usize = 255;

impl LogDir {
    /// Deletes a log: the folder is renamed at once, so that the name is free, and removed after
    /// `file.delete.delay.ms`. Its reader answers `Closed`.
    pub fn delete_log(&self, log: Log, now: Now) -> Result<(), LogError> {
        self.check_online()?;
        let reader = log.reader();
        reader.closed.store(true, Ordering::Release);
        reader.tail.forget();
        if log.counted {
            self.unclosed.fetch_sub(1, Ordering::AcqRel);
        }
        let due_ms = now.mono_ms.saturating_add(log.config.file_delete_delay_ms);
        let _structure = reader.structure.lock();
        self.delete_folder(&reader.partition, &reader.topic_id, due_ms, now)
    }

    /// Deletes a folder that was found and is of no use, such as one of a topic that is gone.
    pub fn delete_found(&self, found: &FoundLog, now: Now) -> Result<(), LogError> {
        self.check_online()?;
        self.known.lock().remove(&found.partition);
        self.delete_folder(&found.partition, &found.topic_id.unwrap_or(Uuid::nil()), now.mono_ms, now)
    }

    fn delete_folder(
        &self,
        partition: &TopicPartition,
        topic_id: &Uuid,
        due_ms: i64,
        now: Now,
    ) -> Result<(), LogError> {
        let folder = self.path().join(keys::folder_name(partition));
        let number = self.deleted_folders.fetch_add(1, Ordering::Relaxed);
        let unique = topic_id.as_u128() ^ (now.wall_ms as u128) << 64 ^ u128::from(number);
        let suffix = format!("-{}.{unique:032x}{DELETE_SUFFIX}", partition.partition);
        let fits = |(at, letter): &(usize, char)| at + letter.len_utf8() <= NAME_BYTES - suffix.len();
        let topic: String = partition.topic.char_indices().take_while(fits).map(|(_, letter)| letter).collect();
        let renamed = self.path().join(format!("{topic}{suffix}"));
        let done = self.disk.rename(&folder, &renamed).and_then(|()| self.disk.sync_dir(self.path()));
        // After the rename: who still read the log may have opened its files until then, and a new topic of that name
        // must not be handed those.
        self.handles.forget_dir(&folder);
        done.map_err(|error| self.write_failed(&error))?;
        self.points.forget(partition);
        self.deletions.lock().push((due_ms, renamed));
        let key = keys::PartitionKey::new(topic_id, partition.partition);
        let mut batch = Batch::new();
        for family in [keys::INDEX, keys::SEGMENTS, keys::PRODUCERS, keys::ABORTED] {
            self.delete_range(&mut batch, family, key.at(0), key.end())?;
        }
        batch.delete(keys::SUMMARIES, keys::folder_name(partition));
        self.index.write(batch, Durability::UntilFlush).map_err(|error| self.kv_failed(&error))
    }

    /// Renames a segment file out of the log's way and queues it for removal.
    pub(super) fn discard_file(&self, path: &Path, due_ms: i64) -> Result<(), LogError> {
        let mut renamed = path.to_owned();
        renamed.as_mut_os_string().push(super::segment::DELETED_SUFFIX);
        let done = self.disk.rename(path, &renamed);
        // After the rename, so that nobody finds the old file under a name that is free again.
        self.handles.forget(path);
        match done {
            Ok(()) => self.deletions.lock().push((due_ms, renamed)),
            // A segment's file is only made with its first batch.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(self.write_failed(&error)),
        }
        Ok(())
    }

    /// Removes the files and folders whose time has come. How many there were.
    pub fn run_deletions(&self, now: Now) -> usize {
        let mut due = Vec::new();
        self.deletions.lock().retain(|(due_ms, path)| {
            let is_due = *due_ms <= now.mono_ms;
            if is_due {
                due.push(path.clone());
            }
            !is_due
        });
        for path in &due {
            let is_folder = path.to_str().is_some_and(|path| path.ends_with(DELETE_SUFFIX));
            let removed = if is_folder { self.disk.remove_dir_all(path) } else { self.disk.remove_file(path) };
            if let Err(error) = removed.or_else(ignore_absent) {
                tracing::warn!(path = %path.display(), %error, "cannot remove a deleted file");
            }
        }
        due.len()
    }

    /// Deletions that wait.
    pub fn pending_deletions(&self) -> usize {
        self.deletions.lock().len()
    }
}

fn ignore_absent(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    }
}
