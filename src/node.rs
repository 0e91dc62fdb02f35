//! The only wiring: builds the rooms bottom-up, stops them top-down.
//!
//! Clock, chance, disk and stores come in as a [`World`], so that the same node runs in a simulator.

mod metadata_place;
mod observe;
mod registration;
mod run;
mod shares;

pub use run::run;

use crate::api::fetch::session::SessionCache;
use crate::api::{Api, Misled, ProducerIds, Services, TopicCreation};
use crate::clock::Clock;
use crate::config::load::Loaded;
use crate::config::meta_properties::{self, Directories, MetaError};
use crate::config::BrokerConfig;
use crate::controller::{supported_features, Controller, ControllerSettings, FeatureSetting, TRANSACTION_VERSION};
use crate::coordinator::{
    Groups, Idle, LocalMarkers, Marking, PartitionJournal, Runtime, RuntimeParts, RuntimeSettings, ShareStates,
    Transactions, CONSUMER_OFFSETS, TRANSACTION_STATE,
};
use crate::disk::handles::Handles;
use crate::disk::{Disk, DiskLock};
use crate::ids::{NodeId, Uuid};
use crate::kv::rocks::{Purpose, RocksKv};
use crate::kv::{KvError, SharedKv};
use crate::log::dir::{DirParts, LogDir};
use crate::log::{keys, DirLimits, FoundLog, LogError, TailCache};
use crate::metadata::cache::MetadataCache;
use crate::quorum::metadata_machine::MetadataMachine;
use crate::quorum::{self, store, ControllerHandle, Quorum, Surroundings};
use crate::quota::rate::Windows;
use crate::quota::{ClientQuotas, QuotaSettings};
use crate::record::compress::ScratchPool;
use crate::replica::{HostedDir, ManagerParts, ReplicaManager};
use crate::rng::Rng;
use crate::sharing::ShareManager;
use crate::telemetry::LogLevels;
use crate::txn;
use crate::wire::Buffers;
use registration::Registration;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI16, Ordering};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The index database of a log directory, below it. May be deleted while the node is stopped.
pub const INDEX_DATABASE: &str = ".klamm-index";
/// The metadata quorum's database, below `metadata.log.dir`. It is the cluster's metadata: never to be deleted.
pub const METADATA_DATABASE: &str = ".klamm-metadata";
/// What the tail cache keeps of one partition, at most, in bytes.
const TAIL_CACHE_LOG_BYTES: usize = 1 << 20;

/// Opens an ordered store at a path with these families.
pub type OpenKv = Arc<dyn Fn(&Path, &[&str], Purpose) -> Result<SharedKv, KvError> + Send + Sync>;

/// What a node runs in.
pub struct World {
    /// The file system.
    pub disk: Arc<dyn Disk>,
    /// The key-value stores.
    pub open_kv: OpenKv,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub rng: Rng,
    /// Whether log directories have threads of their own; the simulator has none.
    pub threads: bool,
    /// The levels of the loggers.
    pub log_levels: Arc<LogLevels>,
}

/// Stores in RocksDB. An index database that cannot be read is thrown away and made anew, for segments are the truth.
pub fn open_rocks() -> OpenKv {
    Arc::new(|path, families, purpose| {
        let opened = RocksKv::open(path, families, purpose);
        let kv = match (opened, purpose) {
            (Err(KvError::Corrupt(why)), Purpose::Index) => {
                tracing::warn!("the index database {} is rebuilt: {why}", path.display());
                RocksKv::destroy(path)?;
                RocksKv::open(path, families, purpose)?
            }
            (opened, _) => opened?,
        };
        Ok(kv as SharedKv)
    })
}

/// Why a node does not start or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// A log directory is somebody else's, or cannot be used.
    #[error(transparent)]
    Directories(#[from] MetaError),
    /// A log directory's content.
    #[error("log directory {path}: {error}")]
    Log {
        /// The directory.
        path: PathBuf,
        /// What is wrong.
        error: LogError,
    },
    /// A key-value store.
    #[error("{path}: {error}")]
    Store {
        /// The database.
        path: PathBuf,
        /// What is wrong.
        error: KvError,
    },
    /// The cluster's metadata is not where it belongs.
    #[error("The metadata of this node is not in {}: {found}", expected.display())]
    Metadata {
        /// Where it belongs.
        expected: PathBuf,
        /// What is there instead.
        found: String,
    },
    /// The metadata quorum did not start.
    #[error("metadata quorum: {0}")]
    Quorum(#[from] quorum::StartError),
    /// No log directory works any more.
    #[error("all log directories have failed: {0:?}")]
    DirectoriesLost(Vec<PathBuf>),
    /// The metadata quorum ended.
    #[error("the metadata quorum has stopped")]
    QuorumStopped,
    /// The controller does not take this broker.
    #[error("the controller refused this broker: {0}")]
    Registration(String),
    /// A socket, a thread or a runtime.
    #[error("{what}: {error}")]
    System {
        /// What was tried.
        what: String,
        /// The system's word.
        error: io::Error,
    },
}

/// Locks of directories, held for as long as the node lives.
type Locks = Vec<Box<dyn DiskLock>>;

/// A running node, all but its sockets.
pub struct Node {
    /// Serves requests.
    pub api: Arc<Api>,
    /// The partitions.
    pub replicas: Arc<ReplicaManager>,
    /// The cluster as this node sees it.
    pub metadata: Arc<MetadataCache>,
    /// The controller.
    pub controller: ControllerHandle,
    /// The groups.
    pub groups: Arc<Groups>,
    /// The transactions.
    pub transactions: Arc<Transactions>,
    /// What clients may do.
    pub quotas: Arc<ClientQuotas>,
    /// Memory for answers, shared with the connections.
    pub buffers: Buffers,
    node_id: NodeId,
    cancelled: CancellationToken,
    /// As in the [`World`].
    threads: bool,
    /// Of a metadata directory that is no log directory.
    _locks: Locks,
}

impl Node {
    /// Builds the rooms and joins the cluster; returns once clients may come. Runs on the current runtime.
    ///
    /// # Errors
    /// The directories, the stores or the quorum cannot be used, or the controller refuses this broker.
    pub async fn start(loaded: &Loaded, world: &World, fatal: quorum::FatalHook) -> Result<Self, NodeError> {
        let config = Arc::new(loaded.config.clone());
        let directories = meta_properties::open(&*world.disk, &config, loaded.cluster_id.as_deref(), &world.rng)?;
        for path in &directories.formatted {
            tracing::info!("Formatted {} for cluster {}", path.display(), directories.cluster_id);
        }
        metadata_place::check(&*world.disk, &config)?;
        let cancelled = CancellationToken::new();
        let metadata = Arc::new(MetadataCache::new());
        let controller = start_quorum(&config, world, &metadata, fatal)?;
        let metadata_directory_id = directory_id(&directories, &config.quorum.metadata_log_dir);
        let log_dir_ids: Vec<Uuid> = config.log.log_dirs.iter().map(|path| directory_id(&directories, path)).collect();
        let cluster_id = directories.cluster_id.clone();
        let (replicas, locks) = start_replicas(&config, world, directories)?;
        let groups = start_groups(&config, world, &replicas);
        let quotas = ClientQuotas::new(quota_settings(&config));
        let timeout_ms = config.transactions.request_timeout_ms.into();
        let markers = LocalMarkers::new(replicas.clone(), groups.clone(), world.clock.clone(), timeout_ms);
        let transactions = start_transactions(&config, world, &replicas, &metadata, &markers);
        let share_states = shares::start_states(&config, world, &replicas);
        let shares = shares::start_manager(&config, world, &replicas, &share_states, &metadata);
        let rooms =
            Rooms { metadata, controller, replicas, groups, markers, transactions, share_states, shares, quotas };
        rooms.subscribe(config.node_id);
        shares::run(&config, &rooms.share_states, &rooms.shares, &rooms.replicas, &cancelled);
        tokio::spawn(rooms.groups.clone().run_timers(cancelled.clone()));
        let registration = Registration {
            controller: rooms.controller.clone(),
            metadata: rooms.metadata.clone(),
            config: config.clone(),
            clock: world.clock.clone(),
            cluster_id,
            incarnation: world.rng.uuid(),
            log_dirs: log_dir_ids,
        };
        let epoch = registration.join().await?;
        tokio::spawn(registration.keep_alive(epoch, cancelled.clone()));
        // Only now: its own registration applied, this node knows every topic that there was before it, and so does not
        // take one for deleted that a transaction has still to be ended on.
        tokio::spawn(rooms.transactions.clone().run_timers(cancelled.clone()));
        let buffers = Buffers::new().map_err(|error| system("address space for answers", error))?;
        let services = rooms.services(&config, world, metadata_directory_id, buffers.clone());
        let Rooms { metadata, controller, replicas, groups, transactions, quotas, .. } = rooms;
        let node_id = config.node_id;
        Ok(Self {
            api: Api::new(services),
            replicas,
            metadata,
            controller,
            groups,
            transactions,
            quotas,
            buffers,
            node_id,
            cancelled,
            threads: world.threads,
            _locks: locks,
        })
    }

    /// Stops the rooms top-down: nothing may come from clients any more. Everything written is on disk on return.
    pub async fn stop(self) {
        self.cancelled.cancel();
        let replicas = self.replicas.clone();
        // It waits for disks.
        if !self.threads {
            replicas.stop();
        } else if let Err(error) = tokio::task::spawn_blocking(move || replicas.stop()).await {
            tracing::error!("the log directories were not stopped: {error}");
        }
        self.controller.stop().await;
    }
}

/// The rooms that handlers talk to.
struct Rooms {
    metadata: Arc<MetadataCache>,
    controller: ControllerHandle,
    replicas: Arc<ReplicaManager>,
    groups: Arc<Groups>,
    markers: Arc<LocalMarkers>,
    transactions: Arc<Transactions>,
    quotas: Arc<ClientQuotas>,
    share_states: Arc<ShareStates>,
    shares: Arc<ShareManager>,
}

impl Rooms {
    /// Tells the rooms of changes, in this order: partitions first, then the coordinators that live on them.
    fn subscribe(&self, node_id: NodeId) {
        let partitions = self.replicas.clone();
        self.metadata.subscribe(Box::new(move |delta, image| partitions.on_metadata(delta, image)));
        let groups = self.groups.clone();
        self.metadata.subscribe(Box::new(move |delta, image| groups.on_metadata(delta, image, node_id)));
        let transactions = self.transactions.clone();
        let told = AtomicI16::new(-1);
        self.metadata.subscribe(Box::new(move |delta, image| {
            let level = image.feature_level(TRANSACTION_VERSION);
            if told.swap(level, Ordering::Relaxed) != level {
                transactions.announce(txn::Event::TransactionVersion(level));
            }
            transactions.on_metadata(delta, image, node_id);
        }));
        let quotas = self.quotas.clone();
        self.metadata.subscribe(Box::new(move |delta, image| quotas.on_metadata(delta, image)));
        let share_states = self.share_states.clone();
        self.metadata.subscribe(Box::new(move |delta, image| share_states.on_metadata(delta, image, node_id)));
    }

    fn services(
        &self,
        config: &Arc<BrokerConfig>,
        world: &World,
        metadata_directory_id: Uuid,
        buffers: Buffers,
    ) -> Services {
        let session_slots = config.topics.max_incremental_fetch_session_cache_slots;
        Services {
            config: config.clone(),
            supported_features: supported_features(&FeatureSetting::built()),
            metadata_directory_id,
            metadata: self.metadata.clone(),
            controller: self.controller.clone(),
            replicas: self.replicas.clone(),
            groups: self.groups.clone(),
            transactions: self.transactions.clone(),
            markers: self.markers.clone(),
            share_states: self.share_states.clone(),
            shares: self.shares.clone(),
            fetch_sessions: SessionCache::new(session_slots, world.rng.fork()),
            producer_ids: ProducerIds::default(),
            topic_creation: Arc::new(TopicCreation::default()),
            clock: world.clock.clone(),
            log_levels: world.log_levels.clone(),
            quotas: self.quotas.clone(),
            misled: Misled::default(),
            scratch: ScratchPool::new(),
            buffers,
        }
    }
}

fn quota_settings(config: &BrokerConfig) -> QuotaSettings {
    let quotas = &config.quotas;
    let windows = |count, window_seconds| Windows { count, window_seconds };
    QuotaSettings {
        client: windows(quotas.window_num, quotas.window_size_seconds),
        controller: windows(quotas.controller_window_num, quotas.controller_window_size_seconds),
        max_connection_creation_rate: quotas.max_connection_creation_rate,
    }
}

fn system(what: impl Into<String>, error: io::Error) -> NodeError {
    NodeError::System { what: what.into(), error }
}

fn directory_id(directories: &Directories, path: &Path) -> Uuid {
    directories.directories.iter().find(|directory| directory.path == path).map_or(Uuid::nil(), |found| found.id)
}

fn start_quorum(
    config: &BrokerConfig,
    world: &World,
    metadata: &Arc<MetadataCache>,
    fatal: quorum::FatalHook,
) -> Result<ControllerHandle, NodeError> {
    let path = config.quorum.metadata_log_dir.join(METADATA_DATABASE);
    let kv =
        (world.open_kv)(&path, &store::FAMILIES, Purpose::Quorum).map_err(|error| NodeError::Store { path, error })?;
    let controller = Controller::new(ControllerSettings::from_config(config), world.rng.fork());
    let machine = MetadataMachine::new(controller, metadata.clone());
    let (_, mailbox) = quorum::transport::inbox();
    let surroundings = Surroundings {
        kv,
        transport: Arc::new(quorum::transport::NoPeers),
        mailbox,
        clock: world.clock.clone(),
        rng: world.rng.fork(),
        fatal,
        threads: world.threads,
    };
    let settings = metadata_place::quorum_settings(config);
    let (controller, driver) = Quorum::start(settings, machine, surroundings)?;
    tokio::spawn(driver);
    Ok(controller)
}

fn start_replicas(
    config: &Arc<BrokerConfig>,
    world: &World,
    directories: Directories,
) -> Result<(Arc<ReplicaManager>, Locks), NodeError> {
    let tail_cache = TailCache::new(config.klamm.tail_cache_bytes, TAIL_CACHE_LOG_BYTES);
    let (dirs, locks) = open_log_dirs(config, world, directories, &tail_cache)?;
    let parts = ManagerParts {
        config: config.clone(),
        dirs,
        offline_dirs: Vec::new(),
        tail_cache,
        clock: world.clock.clone(),
        rng: world.rng.fork(),
        threads: world.threads,
    };
    let replicas = ReplicaManager::new(parts).map_err(|error| system("threads of the log directories", error))?;
    Ok((replicas, locks))
}

/// Opens the log directories, each with its index, and hands the directories' locks on to them.
fn open_log_dirs(
    config: &BrokerConfig,
    world: &World,
    directories: Directories,
    tail_cache: &Arc<TailCache>,
) -> Result<(Vec<HostedDir>, Locks), NodeError> {
    let handles = Handles::new(world.disk.clone(), config.klamm.open_segment_files_max);
    let (mut opened, mut locks) = (Vec::new(), Vec::new());
    for directory in directories.directories {
        if !config.log.log_dirs.contains(&directory.path) {
            locks.push(directory.lock);
            continue;
        }
        // From here on the directory holds its lock itself.
        drop(directory.lock);
        let open = || open_log_dir(world, &directory.path, &handles, tail_cache);
        let (dir, found) = match open() {
            // Its own index database was found to be corrupt, and is marked: it is rebuilt at once.
            Err(_) if is_marked(world, &directory.path)? => open(),
            opened => opened,
        }?;
        opened.push(HostedDir { id: directory.id, dir, found });
    }
    Ok((opened, locks))
}

fn is_marked(world: &World, path: &Path) -> Result<bool, NodeError> {
    let mark = world.disk.entry(&path.join(keys::INDEX_IS_CORRUPT));
    mark.map(|entry| entry.is_some()).map_err(|error| system(path.display().to_string(), error))
}

/// Opens a log directory with its index, which is made anew where it is marked as corrupt.
fn open_log_dir(
    world: &World,
    path: &Path,
    handles: &Arc<Handles>,
    tail_cache: &Arc<TailCache>,
) -> Result<(Arc<LogDir>, Vec<FoundLog>), NodeError> {
    let database = path.join(INDEX_DATABASE);
    if is_marked(world, path)? {
        tracing::warn!("the index database {} is corrupt and rebuilt from the segments", database.display());
        let removed = match world.disk.remove_dir_all(&database) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        };
        let removed = removed.and_then(|()| world.disk.remove_file(&path.join(keys::INDEX_IS_CORRUPT)));
        removed.map_err(|error| system(database.display().to_string(), error))?;
    }
    let index = (world.open_kv)(&database, &keys::FAMILIES, Purpose::Index)
        .map_err(|error| NodeError::Store { path: database, error })?;
    let parts = DirParts { disk: world.disk.clone(), handles: handles.clone(), index, tail_cache: tail_cache.clone() };
    LogDir::open(parts, path, DirLimits::default()).map_err(|error| NodeError::Log { path: path.to_owned(), error })
}

fn start_groups(config: &BrokerConfig, world: &World, replicas: &Arc<ReplicaManager>) -> Arc<Groups> {
    let parts = RuntimeParts {
        journal: Arc::new(PartitionJournal::new(replicas.clone(), CONSUMER_OFFSETS)),
        doer: Arc::new(Idle),
        clock: world.clock.clone(),
        rng: world.rng.fork(),
    };
    Runtime::new(parts, RuntimeSettings::of_groups(config))
}

fn start_transactions(
    config: &BrokerConfig,
    world: &World,
    replicas: &Arc<ReplicaManager>,
    metadata: &Arc<MetadataCache>,
    markers: &Arc<LocalMarkers>,
) -> Arc<Transactions> {
    let parts = RuntimeParts {
        journal: Arc::new(PartitionJournal::new(replicas.clone(), TRANSACTION_STATE)),
        doer: Arc::new(Marking { writer: markers.clone(), metadata: metadata.clone() }),
        clock: world.clock.clone(),
        rng: world.rng.fork(),
    };
    Runtime::new(parts, RuntimeSettings::of_transactions(config))
}

#[cfg(test)]
mod tests;
