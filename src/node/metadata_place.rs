//! Where the node's metadata lies and how its quorum is set: a node whose metadata is elsewhere than its settings say
//! must not start as an empty cluster, for topics made anew would take the place of the records on its disks.

use super::{NodeError, METADATA_DATABASE};
use crate::config::BrokerConfig;
use crate::disk::Disk;
use crate::quorum;
use std::path::Path;

/// Refuses a node whose metadata is in another of its directories, or missing while there are partitions.
///
/// # Errors
/// [`NodeError::Metadata`]; a directory that cannot be read.
pub(super) fn check(disk: &dyn Disk, config: &BrokerConfig) -> Result<(), NodeError> {
    let place = &config.quorum.metadata_log_dir;
    let others = || config.log.log_dirs.iter().filter(|path| *path != place);
    for path in others() {
        if has(disk, path, METADATA_DATABASE)? {
            let why = "move metadata.log.dir, or the order of log.dirs, back to what it was";
            return Err(NodeError::Metadata {
                expected: place.clone(),
                found: format!("{} has it: {why}", path.join(METADATA_DATABASE).display()),
            });
        }
    }
    if has(disk, place, METADATA_DATABASE)? {
        return Ok(());
    }
    for path in &config.log.log_dirs {
        let entries = disk.list(path).map_err(|error| super::system(path.display().to_string(), error))?;
        if let Some(folder) = entries.iter().find(|entry| entry.is_dir && is_partition(&entry.name)) {
            let found = format!(
                "{} is a partition of a cluster whose metadata is not here: bring it back, or give the node empty \
                 directories",
                path.join(&folder.name).display()
            );
            return Err(NodeError::Metadata { expected: place.clone(), found });
        }
    }
    Ok(())
}

fn has(disk: &dyn Disk, directory: &Path, name: &str) -> Result<bool, NodeError> {
    let path = directory.join(name);
    let entry = disk.entry(&path).map_err(|error| super::system(path.display().to_string(), error))?;
    Ok(entry.is_some())
}

/// A folder's name that is a partition's; the metadata log that Apache Kafka leaves is none of ours.
fn is_partition(name: &str) -> bool {
    let index = name.rsplit_once('-').map(|(_, index)| index);
    name != "__cluster_metadata-0" && index.is_some_and(|index| index.parse::<u32>().is_ok())
}

/// The quorum of this node alone, as its configuration has it.
pub(super) fn quorum_settings(config: &BrokerConfig) -> quorum::Settings {
    let settings = quorum::Settings::lone(config.node_id);
    let timeout_ms = u64::from(config.quorum.election_timeout_ms.unsigned_abs());
    let election_ticks = timeout_ms.div_ceil(settings.tick_ms) as usize;
    quorum::Settings {
        // A leader must be able to show itself before it counts as gone.
        election_ticks: election_ticks.max(settings.heartbeat_ticks + 1),
        snapshot_bytes: config.quorum.max_record_bytes_between_snapshots.max(1).unsigned_abs(),
        ..settings
    }
}
