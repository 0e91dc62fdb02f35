//! What lies in the node's log directories, for DescribeLogDirs.

use super::manager::ReplicaManager;
use crate::disk::Space;
use crate::ids::{TopicPartition, Uuid};
use std::path::PathBuf;

/// One log directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogDirDescription {
    /// Its path, as configured.
    pub path: PathBuf,
    /// Its `directory.id`.
    pub id: Uuid,
    /// Whether its disk works.
    pub online: bool,
    /// Room on its file system; `None` if that cannot be told.
    pub space: Option<Space>,
    /// The partitions in it, by name: bytes on disk, and how far the log's end lies beyond the high watermark.
    pub partitions: Vec<(TopicPartition, u64, i64)>,
}

impl ReplicaManager {
    /// The node's log directories with their partitions. Sizes of logs that have not been used yet are looked up.
    pub fn log_dirs(&self) -> Vec<LogDirDescription> {
        let online = self.lanes().iter().map(|lane| {
            let partitions = lane.hosted().into_iter().map(|partition| {
                let size_bytes = partition.log().size_bytes().unwrap_or(0);
                let lag = (partition.log().log_end_offset() - partition.high_watermark()).max(0);
                (partition.name().clone(), size_bytes, lag)
            });
            LogDirDescription {
                path: lane.dir.path().to_owned(),
                id: lane.id,
                online: lane.is_online(),
                space: lane.dir.disk().space(lane.dir.path()).ok(),
                partitions: partitions.collect(),
            }
        });
        let offline = self.offline_dirs().iter().map(|dir| LogDirDescription {
            path: dir.path.clone(),
            id: dir.id,
            online: false,
            space: None,
            partitions: Vec::new(),
        });
        online.chain(offline).collect()
    }
}
