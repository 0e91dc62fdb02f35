//! One log directory: finds its logs, opens and deletes them, makes them durable together, and knows how its disk fares.

use super::checkpoints::{self, Offsets};
use super::config::{DirLimits, LogConfig};
use super::error::LogError;
use super::faults::Health;
use super::keys::{self, Summary};
use super::partition_log::Log;
use super::points::Points;
use super::reader::{LogReader, Start, ALL_STABLE};
use super::recovery;
use super::summaries::Known;
use super::tail::TailCache;
use crate::clock::Now;
use crate::disk::handles::Handles;
use crate::disk::{Disk, DiskLock};
use crate::ids::{TopicPartition, Uuid};
use crate::kv::SharedKv;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

/// Ends the name of a folder that waits to be removed.
pub(super) const DELETE_SUFFIX: &str = "-delete";
/// Kafka's own metadata log: not a partition of ours, left alone.
const METADATA_FOLDER: &str = "__cluster_metadata-0";

/// What a log directory works with; shared by the directories of a node where it can be.
#[derive(Clone)]
pub struct DirParts {
    /// The disk.
    pub disk: Arc<dyn Disk>,
    /// Open segment files.
    pub handles: Arc<Handles>,
    /// The directory's own index database, opened with [`keys::FAMILIES`].
    pub index: SharedKv,
    /// The node's tail cache.
    pub tail_cache: Arc<TailCache>,
}

/// How a directory's disk fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirState {
    /// Well.
    Online,
    /// Full: the last write was refused. Reads go on, and so do writes once one succeeds again.
    Full,
    /// Failed: nothing is written until the restart.
    Offline,
}

/// A partition's folder that was there when the directory was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundLog {
    /// The partition that it is named after.
    pub partition: TopicPartition,
    /// Topic id, `None` where the folder does not tell.
    pub topic_id: Option<Uuid>,
}

/// A log directory.
pub struct LogDir {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) handles: Arc<Handles>,
    pub(super) index: SharedKv,
    pub(super) tail_cache: Arc<TailCache>,
    path: PathBuf,
    pub(super) limits: DirLimits,
    pub(super) health: Health,
    was_clean: bool,
    last_broker_epoch: i64,
    broker_epoch: AtomicI64,
    /// Guards what the start found of logs that have not been opened since.
    pub(super) known: Mutex<BTreeMap<TopicPartition, Known>>,
    /// Recovery points and log starts.
    pub(super) points: Points,
    /// Guards the high watermarks that were read and not yet asked for.
    high_watermarks: Mutex<Offsets>,
    /// Guards the logs with something to flush.
    pub(super) dirty: Mutex<Vec<Weak<LogReader>>>,
    pub(super) unflushed_bytes: AtomicU64,
    /// `mono_ms` of the oldest unflushed append.
    pub(super) dirty_since_ms: AtomicI64,
    /// Logs that were changed and not closed.
    pub(super) unclosed: AtomicUsize,
    /// Guards files and folders to be removed, with the `mono_ms` at which they are due.
    pub(super) deletions: Mutex<Vec<(i64, PathBuf)>>,
    /// Tells the names of deleted folders apart.
    pub(super) deleted_folders: AtomicU64,
    /// Held as long as the directory is.
    _lock: Box<dyn DiskLock>,
}

impl LogDir {
    /// Opens the directory at `path`, made where absent, and locks it. Returns the logs in it, none of them opened.
    ///
    /// The clean-shutdown mark is taken away, so that whatever happens from here on counts as unclean until
    /// [`Self::close_clean`]. Folders of deleted logs are queued for [`Self::run_deletions`].
    pub fn open(parts: DirParts, path: &Path, limits: DirLimits) -> Result<(Arc<Self>, Vec<FoundLog>), LogError> {
        let failed = |error: io::Error| LogError::Offline(format!("{}: {error}", path.display()));
        let disk = parts.disk.clone();
        disk.create_dir_all(path).map_err(failed)?;
        let lock = match disk.lock(&path.join(".lock")) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(LogError::Locked),
            lock => lock.map_err(failed)?,
        };
        let mark = path.join(checkpoints::CLEAN_SHUTDOWN);
        let was_clean = disk.entry(&mark).map_err(failed)?.is_some();
        let mut last_broker_epoch = -1;
        if was_clean {
            last_broker_epoch = checkpoints::read_clean_shutdown(&disk.read(&mark).map_err(failed)?);
            disk.remove_file(&mark).map_err(failed)?;
            disk.sync_dir(path).map_err(failed)?;
        }
        let dir = Self {
            points: Points::read(&*disk, path).map_err(failed)?,
            high_watermarks: Mutex::new(
                read_offsets(&*disk, &path.join(checkpoints::HIGH_WATERMARKS)).map_err(failed)?,
            ),
            disk,
            handles: parts.handles,
            index: parts.index,
            tail_cache: parts.tail_cache,
            path: path.to_owned(),
            limits,
            health: Health::default(),
            was_clean,
            last_broker_epoch,
            broker_epoch: AtomicI64::new(-1),
            known: Mutex::default(),
            dirty: Mutex::default(),
            unflushed_bytes: AtomicU64::new(0),
            dirty_since_ms: AtomicI64::new(0),
            unclosed: AtomicUsize::new(0),
            deletions: Mutex::default(),
            deleted_folders: AtomicU64::new(0),
            _lock: lock,
        };
        let found = dir.find()?;
        Ok((Arc::new(dir), found))
    }

    /// Lists the partitions' folders; after a clean stop without a look into any that has a summary.
    fn find(&self) -> Result<Vec<FoundLog>, LogError> {
        let mut summaries = self.take_summaries()?;
        // One name for all partitions of a topic, which stand together.
        let mut name: Arc<str> = Arc::default();
        let mut known = self.known.lock();
        let mut found = Vec::new();
        for entry in self.disk.list(&self.path).map_err(|error| self.read_failed(&error))? {
            if !entry.is_dir || entry.name == METADATA_FOLDER {
                continue;
            }
            if entry.name.ends_with(DELETE_SUFFIX) {
                self.deletions.lock().push((0, self.path.join(entry.name)));
                continue;
            }
            let Some((topic, index)) = entry.name.rsplit_once('-') else { continue };
            let Some(index) = index.parse().ok().filter(|index| *index >= 0) else { continue };
            if *name != *topic {
                name = topic.into();
            }
            let partition = TopicPartition::new(name.clone(), index);
            let summary = summaries.remove(&entry.name);
            let topic_id = match &summary {
                Some(summary) if self.was_clean => Some(summary.topic_id),
                _ => self.topic_id_of(&partition)?,
            };
            known.insert(partition.clone(), Known { topic_id, summary, fresh: false });
            found.push(FoundLog { partition, topic_id });
        }
        Ok(found)
    }

    /// The topic id in a folder's `partition.metadata`.
    fn topic_id_of(&self, partition: &TopicPartition) -> Result<Option<Uuid>, LogError> {
        let file = self.path.join(keys::folder_name(partition)).join(checkpoints::PARTITION_METADATA);
        match self.disk.read(&file) {
            Ok(bytes) => Ok(checkpoints::read_partition_metadata(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.read_failed(&error)),
        }
    }

    /// The directory's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The node's disk.
    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// Whether the directory was stopped cleanly before it was opened.
    pub fn was_clean(&self) -> bool {
        self.was_clean
    }

    /// Broker epoch of the run that stopped cleanly; -1 if it did not, or did not know.
    pub fn last_broker_epoch(&self) -> i64 {
        self.last_broker_epoch
    }

    /// Sets the broker epoch that a clean stop leaves behind.
    pub fn set_broker_epoch(&self, broker_epoch: i64) {
        self.broker_epoch.store(broker_epoch, Ordering::Relaxed);
    }

    /// How the disk fares.
    pub fn state(&self) -> DirState {
        self.health.state()
    }

    /// Opens the log of a partition, made where absent. After a clean stop no file is opened; otherwise what lies beyond
    /// the recovery point is read and checked now.
    pub fn open_log(
        self: &Arc<Self>,
        partition: &TopicPartition,
        topic_id: Uuid,
        config: impl Into<Arc<LogConfig>>,
        now: Now,
    ) -> Result<Log, LogError> {
        self.check_online()?;
        let known = self.known.lock().get(partition).cloned();
        let known = match known {
            Some(known) => known,
            None => {
                self.make_folders(&[(partition.clone(), topic_id)])?;
                let made = self.known.lock().get(partition).cloned();
                made.map_or_else(|| self.look_up(partition), Ok)?
            }
        };
        let summary = self.claim(partition, topic_id, known)?;
        self.points.opened(partition);
        let mut start = Start {
            log_start: self.points.log_start(partition),
            log_end: 0,
            first_unstable: ALL_STABLE,
            trusted_to: 0,
        };
        if let Some(summary) = &summary {
            start = Start {
                log_start: summary.log_start_offset,
                log_end: summary.log_end_offset,
                first_unstable: summary.first_unstable_offset,
                trusted_to: if self.was_clean { i64::MAX } else { summary.log_end_offset },
            };
        }
        let config = config.into();
        let reader = LogReader::new(self.clone(), partition.clone(), topic_id, config.clone(), start);
        let mut log = Log { reader, config, writer: None, counted: false, summarized: summary.is_some() };
        if summary.is_none() {
            log.recover(self.points.recovery_point(partition), now)?;
        }
        self.known.lock().remove(partition);
        Ok(log)
    }

    /// Takes a folder for the log of `topic_id`; the log's summary, unless it must be recovered.
    fn claim(&self, partition: &TopicPartition, topic_id: Uuid, known: Known) -> Result<Option<Summary>, LogError> {
        match known.topic_id {
            Some(on_disk) if on_disk != topic_id => {
                Err(LogError::StaleFolder { partition: partition.clone(), on_disk, wanted: topic_id })
            }
            None => {
                self.write_topic_id(partition, &topic_id)?;
                Ok(None)
            }
            Some(_) if known.fresh => {
                known.summary.iter().try_for_each(|summary| self.put_summary(partition, summary))?;
                Ok(known.summary)
            }
            Some(_) if self.was_clean => Ok(known.summary),
            Some(_) => self.still_holds(partition, topic_id, known.summary),
        }
    }

    pub(super) fn has_folder(&self, partition: &TopicPartition) -> Result<bool, LogError> {
        let entry = self.disk.entry(&self.path.join(keys::folder_name(partition)));
        Ok(entry.map_err(|error| self.read_failed(&error))?.is_some())
    }

    /// A folder that is there although the start did not find it.
    fn look_up(&self, partition: &TopicPartition) -> Result<Known, LogError> {
        Ok(Known { topic_id: self.topic_id_of(partition)?, summary: None, fresh: false })
    }

    fn write_topic_id(&self, partition: &TopicPartition, topic_id: &Uuid) -> Result<(), LogError> {
        let file = self.path.join(keys::folder_name(partition)).join(checkpoints::PARTITION_METADATA);
        let bytes = checkpoints::write_partition_metadata(topic_id);
        self.disk.replace(&file, &bytes).map_err(|error| self.write_failed(&error))
    }

    /// The high watermark that was written for a partition, asked for once.
    pub fn take_high_watermark(&self, partition: &TopicPartition) -> Option<i64> {
        self.high_watermarks.lock().remove(partition)
    }

    /// Writes `replication-offset-checkpoint`.
    pub fn write_high_watermarks(&self, offsets: &Offsets) -> Result<(), LogError> {
        self.check_online()?;
        let bytes = checkpoints::write_offsets(offsets.iter().map(|(partition, offset)| (partition, *offset)));
        let written = self.disk.replace(&self.path.join(checkpoints::HIGH_WATERMARKS), &bytes);
        written.map_err(|error| self.write_failed(&error))
    }

    /// Ends a run cleanly, once every log is closed: flushes, writes the recovery points and leaves the mark. False, and
    /// no mark, if a log that was changed has not been closed or the disk failed: the next start then recovers.
    pub fn close_clean(&self) -> Result<bool, LogError> {
        self.check_online()?;
        self.index.flush().map_err(|error| self.kv_failed(&error))?;
        let synced = self.points.synced();
        self.points.commit(&*self.disk, &self.path, synced).map_err(|error| self.write_failed(&error))?;
        if self.unclosed.load(Ordering::Acquire) > 0 {
            return Ok(false);
        }
        let bytes = checkpoints::write_clean_shutdown(self.broker_epoch.load(Ordering::Relaxed));
        let marked = self.disk.replace(&self.path.join(checkpoints::CLEAN_SHUTDOWN), &bytes);
        marked.map_err(|error| self.write_failed(&error))?;
        Ok(true)
    }
}

impl Log {
    /// Reads what the index database cannot vouch for, and counts the log as changed.
    fn recover(&mut self, recovery_point: i64, now: Now) -> Result<(), LogError> {
        self.count();
        let reader = self.reader();
        let view = recovery::load(&reader, &mut reader.structure.lock(), recovery_point)?;
        let state = recovery::load_producers(&reader, &view, recovery_point)?;
        reader.publish_unstable(&state);
        *reader.producers.lock() = Some(Box::new(state));
        if reader.flushed_offset() < reader.log_end_offset() || reader.epochs_dirty.load(Ordering::Acquire) {
            reader.dir.note_unflushed(&reader, 0, now);
        }
        Ok(())
    }
}

/// A checkpoint of offsets; an absent or torn one is empty.
pub(super) fn read_offsets(disk: &dyn Disk, path: &Path) -> io::Result<Offsets> {
    match disk.read(path) {
        Ok(bytes) => Ok(checkpoints::read_offsets(&bytes).unwrap_or_else(|| {
            tracing::warn!(path = %path.display(), "malformed checkpoint, treated as empty");
            Offsets::new()
        })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Offsets::new()),
        Err(error) => Err(error),
    }
}
