//! `meta.properties`: which cluster and which node a log directory belongs to, in Kafka's own file, and the `.lock`
//! that keeps two processes out of one directory.
//!
//! A directory formatted by the stock `kafka-storage.sh` is taken as it is; what else that tool leaves there
//! (`bootstrap.checkpoint`, `__cluster_metadata-0`) is neither read nor touched. A directory that was never formatted
//! is formatted at start-up.

use super::broker::BrokerConfig;
use super::properties::{parse_properties, property_line};
use crate::disk::{Disk, DiskLock};
use crate::ids::{uuid_from_text, uuid_to_text, NodeId, Uuid};
use crate::rng::Rng;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The file's name.
pub const META_PROPERTIES: &str = "meta.properties";
/// The lock file's name.
pub const LOCK: &str = ".lock";
const VERSION: &str = "1";

/// The content of a `meta.properties`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetaProperties {
    /// The cluster's id: text, though Kafka's own are UUIDs.
    pub cluster_id: String,
    /// The node's id.
    pub node_id: NodeId,
    /// The directory's id; absent where a Kafka before 3.7 wrote the file.
    pub directory_id: Option<Uuid>,
    /// Keys that Klamm does not know, kept as they are.
    others: BTreeMap<String, String>,
}

/// Why log directories cannot be used. The messages are Kafka's where it has one.
#[derive(Debug, Error)]
pub enum MetaError {
    /// The directory or a file in it cannot be used.
    #[error("Log directory {} cannot be used: {error}", path.display())]
    Unusable {
        /// The directory.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Another process holds the lock.
    #[error(
        "Failed to acquire lock on file .lock in {}. A Kafka instance in another process or thread is using this \
         directory.", .0.display()
    )]
    Locked(PathBuf),
    /// The file's content is not understood.
    #[error("Cannot use {}: {why}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The directory belongs to another cluster.
    #[error("Invalid cluster.id in: {}. Expected {expected}, but read {found}", path.display())]
    OtherCluster {
        /// The file.
        path: PathBuf,
        /// The cluster asked for, or that of the other directories.
        expected: String,
        /// The cluster on disk.
        found: String,
    },
    /// The directory belongs to another node.
    #[error(
        "Stored node id {found} doesn't match previous node id {expected} in {}. If you moved your data, make sure \
         your configured node id matches. If you intend to create a new node, you should remove all data in your \
         data directories.", path.display()
    )]
    OtherNode {
        /// The file.
        path: PathBuf,
        /// The configured node.
        expected: NodeId,
        /// The node on disk.
        found: NodeId,
    },
    /// Two directories bear the same id: one is a copy of the other.
    #[error("Duplicate directory.id {id} in {} and {}", one.display(), other.display())]
    SameDirectory {
        /// Their id.
        id: String,
        /// The first.
        one: PathBuf,
        /// The second.
        other: PathBuf,
    },
}

impl MetaProperties {
    /// A new directory's properties.
    pub fn new(cluster_id: &str, node_id: NodeId, directory_id: Uuid) -> Self {
        let others = BTreeMap::new();
        Self { cluster_id: cluster_id.into(), node_id, directory_id: Some(directory_id), others }
    }

    /// Reads the file's content; `Err` says what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let mut others: BTreeMap<String, String> = parse_properties(bytes)?.into_iter().collect();
        let mut take = |key: &str| others.remove(key).map(|value| value.trim().to_string());
        let version = take("version").unwrap_or_default();
        if version != VERSION {
            return Err(format!(
                "version={version}, expected {VERSION}; a directory of a ZooKeeper-mode broker cannot be taken over"
            ));
        }
        let cluster_id = take("cluster.id").filter(|id| !id.is_empty()).ok_or("cluster.id is missing")?;
        let node = take("node.id").ok_or("node.id is missing")?;
        let node_id = node.parse().ok().filter(|id| *id >= 0).ok_or(format!("node.id={node} is no node id"))?;
        let directory_id = match take("directory.id") {
            Some(text) => Some(uuid_from_text(&text).ok_or(format!("directory.id={text} is no UUID"))?),
            None => None,
        };
        Ok(Self { cluster_id, node_id, directory_id, others })
    }

    /// The file's content.
    pub fn text(&self) -> String {
        let mut text = String::from("#\n");
        text += &property_line("cluster.id", &self.cluster_id);
        if let Some(id) = &self.directory_id {
            text += &property_line("directory.id", &uuid_to_text(id));
        }
        text += &property_line("node.id", &self.node_id.to_string());
        text += &property_line("version", VERSION);
        text.extend(self.others.iter().map(|(key, value)| property_line(key, value)));
        text
    }

    /// Reads a directory's file; `None` where it was never formatted.
    pub fn read(disk: &dyn Disk, directory: &Path) -> Result<Option<Self>, MetaError> {
        let path = directory.join(META_PROPERTIES);
        match disk.read(&path) {
            Ok(bytes) => Self::parse(&bytes).map(Some).map_err(|why| MetaError::Malformed { path, why }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unusable(directory)(error)),
        }
    }

    /// Writes a directory's file; durable on return.
    pub fn write(&self, disk: &dyn Disk, directory: &Path) -> Result<(), MetaError> {
        disk.replace(&directory.join(META_PROPERTIES), self.text().as_bytes()).map_err(unusable(directory))
    }
}

fn unusable(directory: &Path) -> impl Fn(io::Error) -> MetaError + '_ {
    move |error| MetaError::Unusable { path: directory.into(), error }
}

/// A log directory of this node.
pub struct Directory {
    /// Where it lies.
    pub path: PathBuf,
    /// Its id.
    pub id: Uuid,
    /// Held as long as the node uses the directory.
    pub lock: Box<dyn DiskLock>,
}

/// The directories of a node that has been checked against them.
pub struct Directories {
    /// The cluster that they belong to.
    pub cluster_id: String,
    /// One for each of `log.dirs`, in that order, then `metadata.log.dir` where it is none of them.
    pub directories: Vec<Directory>,
    /// Those that were formatted just now.
    pub formatted: Vec<PathBuf>,
}

/// Every directory of a configuration: `log.dirs` in their order, then `metadata.log.dir` where it is none of them.
pub fn paths(config: &BrokerConfig) -> Vec<PathBuf> {
    let mut paths = config.log.log_dirs.clone();
    if !paths.contains(&config.quorum.metadata_log_dir) {
        paths.push(config.quorum.metadata_log_dir.clone());
    }
    paths
}

/// Reads what stands in formatted directories and checks it: one cluster (`wanted`, where given), this node, no
/// directory twice.
pub(super) fn read_checked(
    disk: &dyn Disk,
    paths: &[PathBuf],
    node_id: NodeId,
    wanted: Option<&str>,
) -> Result<Vec<Option<MetaProperties>>, MetaError> {
    let mut expected = wanted.map(str::to_string);
    let mut ids: BTreeMap<Uuid, &PathBuf> = BTreeMap::new();
    let mut found = Vec::with_capacity(paths.len());
    for directory in paths {
        let read = MetaProperties::read(disk, directory)?;
        if let Some(meta) = &read {
            let path = directory.join(META_PROPERTIES);
            let expected = expected.get_or_insert_with(|| meta.cluster_id.clone());
            if *expected != meta.cluster_id {
                let found = meta.cluster_id.clone();
                return Err(MetaError::OtherCluster { path, expected: expected.clone(), found });
            }
            if meta.node_id != node_id {
                return Err(MetaError::OtherNode { path, expected: node_id, found: meta.node_id });
            }
            if let Some((id, other)) = meta.directory_id.and_then(|id| Some((id, ids.insert(id, directory)?))) {
                let (one, other) = (other.clone(), directory.clone());
                return Err(MetaError::SameDirectory { id: uuid_to_text(&id), one, other });
            }
        }
        found.push(read);
    }
    Ok(found)
}

/// Opens a node's directories for as long as the result lives: makes and locks them, checks whose they are, and
/// formats those that are new. `wanted` is the cluster id that the environment asks for; where neither it nor the disk
/// gives one, the cluster is a new one.
pub fn open(disk: &dyn Disk, config: &BrokerConfig, wanted: Option<&str>, rng: &Rng) -> Result<Directories, MetaError> {
    let paths = paths(config);
    let mut locks = Vec::with_capacity(paths.len());
    for directory in &paths {
        disk.create_dir_all(directory).map_err(unusable(directory))?;
        locks.push(disk.lock(&directory.join(LOCK)).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => MetaError::Locked(directory.clone()),
            _ => unusable(directory)(error),
        })?);
    }
    let found = read_checked(disk, &paths, config.node_id, wanted)?;
    let on_disk = found.iter().flatten().next().map(|meta| meta.cluster_id.clone());
    let cluster_id = on_disk.or_else(|| wanted.map(str::to_string)).unwrap_or_else(|| uuid_to_text(&rng.uuid()));
    let mut opened = Directories { cluster_id, directories: Vec::with_capacity(paths.len()), formatted: Vec::new() };
    for ((path, lock), meta) in paths.into_iter().zip(locks).zip(found) {
        let id = match &meta {
            Some(MetaProperties { directory_id: Some(id), .. }) => *id,
            _ => {
                let id = rng.uuid();
                let fresh = MetaProperties::new(&opened.cluster_id, config.node_id, id);
                let named = meta.as_ref().map(|meta| MetaProperties { directory_id: Some(id), ..meta.clone() });
                named.unwrap_or(fresh).write(disk, &path)?;
                if meta.is_none() {
                    opened.formatted.push(path.clone());
                }
                id
            }
        };
        opened.directories.push(Directory { path, id, lock });
    }
    Ok(opened)
}
