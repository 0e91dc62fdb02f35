//! Making the folders of new logs. Of many at once, since each must be durable before it is used: a disk that is asked to
//! sync a hundred files one after the other waits a hundred times, unless all of them were on their way before the first.

use super::checkpoints;
use super::dir::LogDir;
use super::error::LogError;
use super::keys::{self, Summary};
use super::summaries::Known;
use crate::disk::{DiskFile, Open};
use crate::ids::{TopicPartition, Uuid};
use std::io::{self, IoSlice};
use std::path::PathBuf;
use std::sync::Arc;

/// Folders made in one go; as many files are open meanwhile.
const GROUP: usize = 128;
/// Ends the name of a file that is not durable yet.
const TEMPORARY_SUFFIX: &str = ".tmp";

/// A folder on its way: its path, and the file that will tell its topic id.
struct Begun {
    partition: TopicPartition,
    topic_id: Uuid,
    folder: PathBuf,
    file: Arc<dyn DiskFile>,
}

impl LogDir {
    /// Makes the folders of new logs, durably, as [`LogDir::open_log`] would one by one. Logs that have a folder are left
    /// out. On an error some are made and some are not: opening them tells.
    pub fn make_folders(&self, logs: &[(TopicPartition, Uuid)]) -> Result<(), LogError> {
        self.check_online()?;
        for group in logs.chunks(GROUP) {
            let mut begun = Vec::with_capacity(group.len());
            for (partition, topic_id) in group {
                if !self.known.lock().contains_key(partition) && !self.has_folder(partition)? {
                    begun.push(self.begin_folder(partition, *topic_id)?);
                }
            }
            self.finish_folders(begun).map_err(|error| self.write_failed(&error))?;
        }
        Ok(())
    }

    fn begin_folder(&self, partition: &TopicPartition, topic_id: Uuid) -> Result<Begun, LogError> {
        let anew = self.points.begin_anew(&*self.disk, self.path(), partition);
        anew.map_err(|error| self.write_failed(&error))?;
        let folder = self.path().join(keys::folder_name(partition));
        let file = self.disk.create_dir_all(&folder).and_then(|()| self.begin_topic_id(&folder, &topic_id));
        let file = file.map_err(|error| self.write_failed(&error))?;
        Ok(Begun { partition: partition.clone(), topic_id, folder, file })
    }

    fn begin_topic_id(&self, folder: &std::path::Path, topic_id: &Uuid) -> io::Result<Arc<dyn DiskFile>> {
        let name = format!("{}{TEMPORARY_SUFFIX}", checkpoints::PARTITION_METADATA);
        let file = self.disk.open(&folder.join(name), Open::Write)?;
        let bytes = checkpoints::write_partition_metadata(topic_id);
        file.truncate(0)?;
        file.append_vectored(0, &[IoSlice::new(&bytes)])?;
        file.start_write_back(0, bytes.len() as u64);
        Ok(file)
    }

    /// Content before name, name before folder: what a crash leaves of a folder is whole or says nothing.
    fn finish_folders(&self, begun: Vec<Begun>) -> io::Result<()> {
        if begun.is_empty() {
            return Ok(());
        }
        for made in &begun {
            made.file.sync_data()?;
        }
        for made in &begun {
            let file = made.folder.join(checkpoints::PARTITION_METADATA);
            let mut temporary = file.clone();
            temporary.as_mut_os_string().push(TEMPORARY_SUFFIX);
            self.disk.rename(&temporary, &file)?;
        }
        for made in &begun {
            self.disk.sync_dir(&made.folder)?;
        }
        self.disk.sync_dir(self.path())?;
        let mut known = self.known.lock();
        for Begun { partition, topic_id, .. } in begun {
            let summary = Some(Summary::empty(topic_id, partition.partition));
            known.insert(partition, Known { topic_id: Some(topic_id), summary, fresh: true });
        }
        Ok(())
    }
}
