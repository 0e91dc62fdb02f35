//! `klamm storage`: what the stock `kafka-storage.sh` does, with its arguments and its words.

use super::load::{load, Loaded, Sources};
use super::meta_properties::{paths, read_checked, MetaProperties, META_PROPERTIES};
use crate::disk::Disk;
use crate::ids::{uuid_from_text, uuid_to_text};
use crate::rng::Rng;
use std::io::{self, Write};
use std::path::PathBuf;
use thiserror::Error;

/// The metadata.version that a freshly formatted cluster has.
pub const METADATA_VERSION: &str = "4.3-IV0";

/// A subcommand of `klamm storage`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageCommand {
    /// Prints a new cluster id.
    RandomUuid,
    /// Prints what stands in a node's directories.
    Info {
        /// `server.properties`.
        config: PathBuf,
    },
    /// Formats a node's directories.
    Format(Format),
}

/// The arguments of `klamm storage format`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Format {
    /// The cluster's id.
    pub cluster_id: String,
    /// `server.properties`.
    pub config: PathBuf,
    /// Pass over directories that are formatted already.
    pub ignore_formatted: bool,
    /// This node is the only controller to begin with.
    pub standalone: bool,
    /// This node begins without controllers.
    pub no_initial_controllers: bool,
    /// The first controllers, as `id@host:port:directory`.
    pub initial_controllers: Option<String>,
}

/// Why a storage command failed. The messages are the stock tool's where it has one.
#[derive(Debug, Error)]
pub enum StorageError {
    /// Anything that is said in words.
    #[error("{0}")]
    Said(String),
    /// The output cannot be written.
    #[error("cannot write: {0}")]
    Output(#[from] io::Error),
}

fn said(error: impl std::fmt::Display) -> StorageError {
    StorageError::Said(error.to_string())
}

/// Runs a storage command, writing what the stock tool would print on its standard output, and gives the exit status.
/// An error is to be printed on standard error and exits with 1.
pub fn run(command: &StorageCommand, disk: &dyn Disk, rng: &Rng, out: &mut dyn Write) -> Result<i32, StorageError> {
    match command {
        StorageCommand::RandomUuid => {
            writeln!(out, "{}", uuid_to_text(&rng.uuid()))?;
            Ok(0)
        }
        StorageCommand::Info { config } => info(&configuration(config)?, disk, out),
        StorageCommand::Format(format) => self::format(format, disk, rng, out).map(|()| 0),
    }
}

/// The stock tool reads the file alone, not the environment.
fn configuration(path: &std::path::Path) -> Result<Loaded, StorageError> {
    load(&Sources { properties: Some(path.into()), ..Sources::default() }).map_err(said)
}

fn format(format: &Format, disk: &dyn Disk, rng: &Rng, out: &mut dyn Write) -> Result<(), StorageError> {
    let loaded = configuration(&format.config)?;
    let dynamic = initial_controllers(format, &loaded)?;
    let config = &loaded.config;
    let paths = paths(config);
    let found = read_checked(disk, &paths, config.node_id, Some(&format.cluster_id)).map_err(said)?;
    if let Some((path, _)) = paths.iter().zip(&found).find(|(_, meta)| meta.is_some() && !format.ignore_formatted) {
        return Err(StorageError::Said(format!(
            "Log directory {} is already formatted. Use --ignore-formatted to ignore this directory and format the \
             others.",
            path.display()
        )));
    }
    if found.iter().all(Option::is_some) {
        return Ok(writeln!(out, "All of the log directories are already formatted.")?);
    }
    // The metadata directory comes last, as in the stock tool: while it is missing, the node is not formatted.
    let is_metadata = |path: &PathBuf| *path == config.quorum.metadata_log_dir;
    let unformatted = || paths.iter().zip(&found).filter(|(_, meta)| meta.is_none()).map(|(path, _)| path);
    for path in unformatted().filter(|path| !is_metadata(path)).chain(unformatted().filter(|path| is_metadata(path))) {
        let what = match (is_metadata(path), dynamic) {
            (false, _) => "data directory",
            (true, false) => "metadata directory",
            (true, true) => "dynamic metadata voter directory",
        };
        writeln!(out, "Formatting {what} {} with metadata.version {METADATA_VERSION}.", path.display())?;
        disk.create_dir_all(path).map_err(|error| said(format!("{}: {error}", path.display())))?;
        MetaProperties::new(&format.cluster_id, config.node_id, rng.uuid()).write(disk, path).map_err(said)?;
    }
    Ok(())
}

/// Judges who the first controllers are; `true` where the quorum is one that can grow and shrink (KIP-853).
fn initial_controllers(format: &Format, loaded: &Loaded) -> Result<bool, StorageError> {
    let config = &loaded.config;
    // Given, that is: where nothing is, the defaults make the node its own only voter.
    let by_bootstrap = !config.quorum.bootstrap_servers.is_empty();
    let chosen = format.standalone || format.no_initial_controllers || format.initial_controllers.is_some();
    if config.roles.controller && by_bootstrap && config.quorum.voters.is_empty() && !chosen {
        return Err(StorageError::Said(
            "Because controller.quorum.voters is not set on this controller, you must specify one of the following: \
             --standalone, --initial-controllers, or --no-initial-controllers."
                .into(),
        ));
    }
    if let Some(text) = &format.initial_controllers {
        let only_this = text.split_once('@').and_then(|(id, _)| id.trim().parse().ok()) == Some(config.node_id);
        let directory = text.rsplit_once(':').and_then(|(_, id)| uuid_from_text(id.trim()));
        if text.contains(',') || !only_this || directory.is_none() {
            return Err(StorageError::Said(format!(
                "--initial-controllers {text}: expected this node alone, as {}@host:port:directory; a quorum of \
                 several controllers is given by controller.quorum.voters",
                config.node_id
            )));
        }
    }
    Ok(format.standalone || format.initial_controllers.is_some())
}

/// 1 where a directory is missing or not formatted.
fn info(loaded: &Loaded, disk: &dyn Disk, out: &mut dyn Write) -> Result<i32, StorageError> {
    let mut directories = Vec::new();
    let mut problems = Vec::new();
    let mut metadata = None;
    for path in paths(&loaded.config) {
        match disk.entry(&path) {
            Ok(None) => problems.push(format!("{} does not exist", path.display())),
            Ok(Some(entry)) if !entry.is_dir => problems.push(format!("{} is not a directory", path.display())),
            Err(error) => problems.push(format!("{}: {error}", path.display())),
            Ok(Some(_)) => {
                match MetaProperties::read(disk, &path) {
                    Ok(Some(meta)) => metadata = metadata.or(Some(meta)),
                    Ok(None) => problems.push(format!("{} is not formatted.", path.display())),
                    Err(error) => problems.push(error.to_string()),
                }
                directories.push(path.display().to_string());
            }
        }
    }
    let section = |out: &mut dyn Write, one: &str, many: &str, lines: &[String]| -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        writeln!(out, "{}:", if lines.len() == 1 { one } else { many })?;
        lines.iter().try_for_each(|line| writeln!(out, "  {line}"))?;
        writeln!(out)
    };
    section(out, "Found log directory", "Found log directories", &directories)?;
    if let Some(meta) = metadata {
        let id = meta.directory_id.map_or(String::new(), |id| format!("directory.id={}, ", uuid_to_text(&id)));
        writeln!(out, "Found metadata: {{cluster.id={}, {id}node.id={}, version=1}}\n", meta.cluster_id, meta.node_id)?;
    } else if !directories.is_empty() {
        writeln!(out, "No {META_PROPERTIES} was found.\n")?;
    }
    section(out, "Found problem", "Found problems", &problems)?;
    Ok(i32::from(!problems.is_empty()))
}
