//! All partitions of the node, and the threads that keep their directories.

use super::cleaner::CleanerDesk;
use super::cleaning::CleanerWorks;
use super::error::PartitionError;
use super::flusher::{self, Housekeeper, Intervals};
use super::hosting::Hosted;
use super::lane::Lane;
use super::partition::Partition;
use super::watchdog;
use crate::clock::Clock;
use crate::config::broker::BrokerConfig;
use crate::ids::{NodeId, TopicPartition, Uuid};
use crate::log::{FoundLog, LogDir, TailCache};
use crate::metadata::image::MetadataImage;
use crate::rng::Rng;
use arc_swap::ArcSwap;
use parking_lot::{Mutex, RwLock};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::Notify;

/// A log directory that was opened.
pub struct HostedDir {
    /// `directory.id` of its `meta.properties`.
    pub id: Uuid,
    /// The directory.
    pub dir: Arc<LogDir>,
    /// What [`LogDir::open`] found in it.
    pub found: Vec<FoundLog>,
}

/// A log directory that could not be opened.
#[derive(Clone, Debug)]
pub struct OfflineDir {
    /// `directory.id`, nil if it could not be read.
    pub id: Uuid,
    /// Its path.
    pub path: PathBuf,
}

/// What a manager works with.
pub struct ManagerParts {
    /// The node's settings, as they were at the start; dynamic ones are followed in the metadata.
    pub config: Arc<BrokerConfig>,
    /// Directories, at least one of them.
    pub dirs: Vec<HostedDir>,
    /// Directories that are not to be used in this run.
    pub offline_dirs: Vec<OfflineDir>,
    /// The node's tail cache, the same that the directories have.
    pub tail_cache: Arc<TailCache>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance: the cleaner's hash of keys is nobody's to foresee.
    pub rng: Rng,
    /// Whether to start threads. Without them [`ReplicaManager::work`] does what they would do: for the simulator.
    pub threads: bool,
}

/// The partitions of one topic on this node.
pub(super) struct HostedTopic {
    pub id: Uuid,
    /// By partition index.
    pub partitions: BTreeMap<i32, Hosted>,
}

/// What the catalogue lock guards.
#[derive(Default)]
pub(super) struct Catalog {
    pub topics: FxHashMap<Arc<str>, HostedTopic>,
    pub names: FxHashMap<Uuid, Arc<str>>,
}

/// All partitions of the node.
pub struct ReplicaManager {
    pub(super) node_id: NodeId,
    pub(super) clock: Arc<dyn Clock>,
    /// As the metadata has altered it.
    pub(super) config: Arc<ArcSwap<BrokerConfig>>,
    lanes: Vec<Arc<Lane>>,
    offline_dirs: Vec<OfflineDir>,
    /// Guards the partitions. Held for lookups and changes of the maps, never across I/O.
    pub(super) catalog: RwLock<Catalog>,
    /// Folders that were found, with the lane that they lie in, until a partition claims them. Also the lock that makes
    /// one change of the metadata follow the other.
    pub(super) found: Mutex<BTreeMap<TopicPartition, (usize, FoundLog)>>,
    /// The last image that was acted on.
    pub(super) image: ArcSwap<MetadataImage>,
    pub(super) stopped: AtomicBool,
    /// Whether threads may be started.
    pub(super) threaded: bool,
    failed: Arc<Notify>,
    pub(super) cleaner: Arc<CleanerWorks>,
    threads: Mutex<Threads>,
}

#[derive(Default)]
struct Threads {
    housekeepers: Vec<JoinHandle<()>>,
    writers: Vec<JoinHandle<()>>,
    watchdog: Option<JoinHandle<()>>,
    /// By number.
    cleaners: Vec<JoinHandle<()>>,
    watchdog_stopping: Arc<AtomicBool>,
    /// Without threads: worked by `ReplicaManager::work`.
    idle: Vec<Housekeeper>,
}

impl ReplicaManager {
    /// Takes the directories over and starts their threads. Partitions come with the metadata.
    ///
    /// # Errors
    /// The system has no room for threads.
    pub fn new(parts: ManagerParts) -> std::io::Result<Arc<Self>> {
        assert!(!parts.dirs.is_empty(), "a broker has at least one log directory");
        let failed = Arc::new(Notify::new());
        let config = Arc::new(ArcSwap::new(parts.config.clone()));
        let desk = CleanerDesk::new(&parts.config.log.cleaner);
        let cleaner = CleanerWorks::new(desk, parts.clock.clone(), config.clone(), &parts.rng, parts.threads);
        let mut lanes = Vec::new();
        let mut found = BTreeMap::new();
        for (at, HostedDir { id, dir, found: logs }) in parts.dirs.into_iter().enumerate() {
            for log in logs {
                if let Some((_, twin)) = found.insert(log.partition.clone(), (at, log)) {
                    tracing::warn!("{} lies in more than one log directory", twin.partition);
                }
            }
            lanes.push(Lane::new(dir, id, cleaner.desk.clone(), parts.threads, failed.clone()));
        }
        let mut threads = Threads::default();
        let log = &parts.config.log;
        let intervals = Intervals {
            retention_check_ms: log.retention_check_interval_ms,
            producer_check_ms: log.producer_id_expiration_check_interval_ms,
        };
        for (at, lane) in lanes.iter().enumerate() {
            let cache = (at == 0).then(|| parts.tail_cache.clone());
            let housekeeper = Housekeeper::new(lane.clone(), parts.clock.clone(), cache, intervals);
            threads.start(lane, housekeeper, parts.threads, at)?;
        }
        if parts.threads {
            let stopping = threads.watchdog_stopping.clone();
            let watched = lanes.clone();
            let named = std::thread::Builder::new().name("disk-watchdog".to_owned());
            threads.watchdog = Some(named.spawn(move || watchdog::run(watched, &stopping))?);
            threads.start_cleaners(&cleaner)?;
        }
        Ok(Arc::new(Self {
            node_id: parts.config.node_id,
            clock: parts.clock,
            config,
            lanes,
            offline_dirs: parts.offline_dirs,
            catalog: RwLock::default(),
            found: Mutex::new(found),
            image: ArcSwap::from_pointee(MetadataImage::new()),
            stopped: AtomicBool::new(false),
            threaded: parts.threads,
            failed,
            cleaner,
            threads: Mutex::new(threads),
        }))
    }

    /// A partition that this node leads.
    pub fn partition(&self, topic: &str, partition: i32) -> Result<Arc<Partition>, PartitionError> {
        let hosted = {
            let catalog = self.catalog.read();
            catalog.topics.get(topic).and_then(|topic| topic.partitions.get(&partition)).cloned()
        };
        self.led(hosted, || {
            self.image.load().partition(topic, partition).map(|image| (image.leader, image.leader_epoch))
        })
    }

    /// A partition that this node leads, by the topic's id.
    pub fn partition_by_id(&self, topic_id: &Uuid, partition: i32) -> Result<Arc<Partition>, PartitionError> {
        let hosted = {
            let catalog = self.catalog.read();
            let topic = catalog.names.get(topic_id).and_then(|name| catalog.topics.get(name));
            topic.and_then(|topic| topic.partitions.get(&partition)).cloned()
        };
        self.led(hosted, || {
            let image = self.image.load();
            let image = image.topic_by_id(topic_id)?.partition(partition)?;
            Some((image.leader, image.leader_epoch))
        })
    }

    fn led(
        &self,
        hosted: Option<Hosted>,
        elsewhere: impl FnOnce() -> Option<(NodeId, i32)>,
    ) -> Result<Arc<Partition>, PartitionError> {
        match hosted {
            Some(Hosted::Online(partition)) if partition.is_offline() => Err(PartitionError::StorageError),
            Some(Hosted::Online(partition)) if partition.is_leader() => Ok(partition),
            Some(Hosted::Online(partition)) => {
                let leadership = partition.leadership();
                let (leader, leader_epoch) = (leadership.leader, leadership.leader_epoch);
                Err(PartitionError::NotLeader { leader, leader_epoch })
            }
            Some(Hosted::Offline) => Err(PartitionError::StorageError),
            None => Err(elsewhere().map_or(PartitionError::UnknownTopicOrPartition, |(leader, leader_epoch)| {
                PartitionError::NotLeader { leader, leader_epoch }
            })),
        }
    }

    /// A partition whose log lies here, led or not.
    pub fn hosted(&self, topic: &str, partition: i32) -> Option<Arc<Partition>> {
        let catalog = self.catalog.read();
        match catalog.topics.get(topic)?.partitions.get(&partition)? {
            Hosted::Online(partition) => Some(partition.clone()),
            Hosted::Offline => None,
        }
    }

    /// All partitions whose logs lie here, by directory and name.
    pub fn partitions(&self) -> Vec<Arc<Partition>> {
        self.lanes.iter().flat_map(|lane| lane.hosted()).collect()
    }

    pub(super) fn lanes(&self) -> &[Arc<Lane>] {
        &self.lanes
    }

    pub(super) fn offline_dirs(&self) -> &[OfflineDir] {
        &self.offline_dirs
    }

    /// Ids of the directories whose disks work.
    pub fn online_dirs(&self) -> Vec<Uuid> {
        self.lanes.iter().filter(|lane| lane.is_online()).map(|lane| lane.id).collect()
    }

    /// Returns when a directory has gone offline since the last call. The node ends when [`Self::online_dirs`] is empty
    /// then.
    pub async fn dir_failed(&self) {
        self.failed.notified().await;
    }

    /// Returns once no directory works any more: then there is nothing left to serve, and only a restart may recover.
    pub async fn out_of_directories(&self) {
        while !self.online_dirs().is_empty() {
            self.dir_failed().await;
        }
    }

    /// Does what the directories' threads would do, for a manager without threads.
    pub fn work(&self) {
        let mut threads = self.threads.lock();
        for housekeeper in &mut threads.idle {
            housekeeper.work();
        }
        self.cleaner.work();
    }

    /// Stops cleanly: refuses appends, closes every log, makes all of it durable, and leaves the mark of a clean stop in
    /// each directory. Waits for disks: not on a runtime's thread. Later calls do nothing.
    pub fn stop(&self) {
        if self.stopped.swap(true, Ordering::AcqRel) {
            return;
        }
        let _metadata = self.found.lock();
        self.cleaner.desk.stop();
        let cleaners = std::mem::take(&mut self.threads.lock().cleaners);
        cleaners.into_iter().for_each(join);
        for lane in &self.lanes {
            lane.stop_flusher();
        }
        let mut threads = self.threads.lock();
        threads.housekeepers.drain(..).for_each(join);
        for lane in &self.lanes {
            self.close(lane);
            lane.stop_io();
        }
        threads.writers.drain(..).for_each(join);
        threads.stop_watchdog();
    }

    /// Takes over the cleaner's settings.
    pub(super) fn reconfigure_cleaner(&self) {
        self.cleaner.desk.reconfigure(&self.config.load().log.cleaner);
        if self.threaded {
            if let Err(error) = self.threads.lock().start_cleaners(&self.cleaner) {
                tracing::error!(%error, "no further thread for the log cleaner");
            }
        }
    }

    fn close(&self, lane: &Lane) {
        if !lane.is_online() {
            return;
        }
        flusher::flush(lane, self.clock.now());
        for partition in lane.hosted() {
            let closed = partition.with_log(|log| log.take().map(|mut log| log.close()));
            if let Some(Some(Err(error))) = closed {
                tracing::error!(partition = %partition.name(), %error, "cannot close the log");
            }
        }
        match lane.dir.close_clean() {
            Ok(true) => {}
            Ok(false) => tracing::warn!(path = %lane.dir.path().display(), "not stopped cleanly: logs are recovered"),
            Err(error) => tracing::error!(path = %lane.dir.path().display(), %error, "not stopped cleanly"),
        }
    }
}

impl Threads {
    fn start(&mut self, lane: &Arc<Lane>, keeper: Housekeeper, threaded: bool, at: usize) -> std::io::Result<()> {
        if !threaded {
            self.idle.push(keeper);
            return Ok(());
        }
        let named = |what: &str| std::thread::Builder::new().name(format!("{what}-{at}"));
        self.housekeepers.push(named("log-flush").spawn(move || keeper.run())?);
        let lane = lane.clone();
        self.writers.push(named("log-io").spawn(move || lane.run_io())?);
        Ok(())
    }

    /// Starts the cleaner's threads that are lacking. Those that are too many end by themselves.
    fn start_cleaners(&mut self, works: &Arc<CleanerWorks>) -> std::io::Result<()> {
        for thread in 0..works.desk.threads() {
            let runs = self.cleaners.get(thread).is_some_and(|running| !running.is_finished());
            if runs {
                continue;
            }
            let works = works.clone();
            let named = std::thread::Builder::new().name(format!("log-cleaner-{thread}"));
            let started = named.spawn(move || works.run(thread))?;
            match self.cleaners.get_mut(thread) {
                Some(ended) => *ended = started,
                None => self.cleaners.push(started),
            }
        }
        Ok(())
    }

    fn stop_watchdog(&mut self) {
        self.watchdog_stopping.store(true, Ordering::Release);
        if let Some(watchdog) = self.watchdog.take() {
            watchdog.thread().unpark();
            join(watchdog);
        }
    }
}

fn join(thread: JoinHandle<()>) {
    if thread.join().is_err() {
        tracing::error!("a thread of the log directories panicked");
    }
}
