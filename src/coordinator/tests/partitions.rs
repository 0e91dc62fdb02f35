//! Over real partitions, on the simulated disk: what is committed is there after a restart.

use super::super::markers::MarkerError;
use super::super::partition_journal::PartitionJournal;
use super::super::CONSUMER_OFFSETS;
use super::elections::{topic, HERE};
use super::memory::TokioClock;
use super::*;
use crate::config::load::{load, Sources};
use crate::disk::handles::Handles;
use crate::disk::sim::SimDisk;
use crate::disk::Disk;
use crate::kv::memory::MemoryKv;
use crate::kv::SharedKv;
use crate::log::keys::FAMILIES;
use crate::log::{DirLimits, DirParts, LogDir, TailCache};
use crate::metadata::delta::MetadataDelta;
use crate::metadata::image::MetadataImage;
use crate::replica::{HostedDir, ManagerParts, ReplicaManager};
use std::path::Path;

/// A node's disk and index, which outlive its process.
struct Machine {
    disk: Arc<SimDisk>,
    index: SharedKv,
}

/// A process on it.
struct Process {
    replicas: Arc<ReplicaManager>,
    runtime: Arc<Groups>,
    killed: CancellationToken,
}

impl Machine {
    fn new() -> Self {
        Self { disk: SimDisk::new(Rng::from_seed(7)), index: MemoryKv::new(FAMILIES.len()) }
    }

    /// Starts a process and tells it the metadata.
    async fn start(&self, image: &Arc<MetadataImage>) -> Process {
        let disk: Arc<dyn Disk> = self.disk.clone();
        let handles = Handles::new(disk.clone(), 64);
        let tail_cache = TailCache::new(0, 0);
        let parts = DirParts { disk, handles, index: self.index.clone(), tail_cache: tail_cache.clone() };
        let (dir, found) = LogDir::open(parts, Path::new("/data"), DirLimits::default()).expect("the directory opens");
        let overrides = ["node.id=1", "log.dirs=/data", "offsets.topic.num.partitions=4"].map(String::from).to_vec();
        let config = load(&Sources { overrides, ..Sources::default() }).expect("a valid configuration").config;
        let clock = TokioClock::start();
        let settings = RuntimeSettings::of_groups(&config);
        let parts = ManagerParts {
            config: Arc::new(config),
            dirs: vec![HostedDir { id: Uuid::from_u128(1), dir, found }],
            offline_dirs: Vec::new(),
            tail_cache,
            clock: clock.clone(),
            rng: crate::rng::Rng::from_seed(1),
            threads: false,
        };
        let replicas = ReplicaManager::new(parts).expect("no threads to start");
        let journal = Arc::new(PartitionJournal::new(replicas.clone(), CONSUMER_OFFSETS));
        let runtime = Runtime::new(parts_over(journal, clock), settings);
        let killed = CancellationToken::new();
        tokio::spawn(Arc::clone(&runtime).run_timers(killed.clone()));
        let process = Process { replicas, runtime, killed };
        process.publish(&MetadataImage::new(), image).await;
        process
    }
}

impl Process {
    /// Ends without closing anything. The page cache, which is the disk's here, stays.
    async fn kill(self, machine: &Machine) {
        machine.disk.kill();
        self.killed.cancel();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    /// The partitions hear of a change first, then the groups on them; then the coordinator's task has its turn.
    async fn publish(&self, old: &MetadataImage, new: &Arc<MetadataImage>) {
        let delta = MetadataDelta::between(old, new);
        self.replicas.on_metadata(&delta, new);
        self.runtime.on_metadata(&delta, new, HERE);
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(self.runtime.is_loaded());
    }
}

fn image() -> Arc<MetadataImage> {
    let mut image = MetadataImage::new();
    topic(CONSUMER_OFFSETS, 2, 4).iter().for_each(|record| image.apply(record).expect("a valid record"));
    Arc::new(image)
}

#[tokio::test(start_paused = true)]
async fn g6_g11_groups_and_offsets_survive_a_kill() {
    let machine = Machine::new();
    let image = image();
    let process = machine.start(&image).await;
    let (leader, _) = stable_pair(&process.runtime, "g").await;
    for round in 0..50 {
        process.runtime.execute(client(), commit(&format!("simple-{round}"), 0..100)).await.expect("committed");
    }
    let described = process.runtime.execute(client(), describe("g")).await.expect("served");
    process.kill(&machine).await;

    let process = machine.start(&image).await;
    assert_eq!(process.runtime.execute(client(), describe("g")).await, Ok(described));
    let beat = Heartbeat { group_id: "g".into(), generation_id: 1, member_id: leader, group_instance_id: None };
    assert_eq!(process.runtime.execute(client(), beat).await, Ok(HeartbeatReply { error: None }));
    for round in 0..50 {
        let fetched = process.runtime.execute(client(), fetch(&format!("simple-{round}"))).await.expect("served");
        assert_eq!(fetched.topics[0].partitions.len(), 100);
        assert!(fetched.topics[0].partitions.iter().all(|partition| partition.offset == 5));
    }
}

#[tokio::test(start_paused = true)]
async fn g1_lost_leadership_sends_everyone_away() {
    let machine = Machine::new();
    let image = image();
    let process = machine.start(&image).await;
    let joining = process.runtime.execute(client(), join("g", ""));
    let mut elsewhere = (*image).clone();
    for partition in 0..4 {
        let change = crate::metadata::partition::PartitionChange { leader: Some(2), ..Default::default() };
        let elect = crate::metadata::record::MetadataRecord::PartitionChange {
            topic_id: Uuid::from_u128(2),
            partition,
            change,
        };
        elsewhere.apply(&elect).expect("a valid record");
    }
    process.publish(&image, &Arc::new(elsewhere)).await;
    assert_eq!(joining.await, Err(GroupError::NotCoordinator));
    assert_eq!(process.runtime.execute(client(), fetch("g")).await, Err(GroupError::NotCoordinator));
}

#[tokio::test(start_paused = true)]
async fn x10_marker_of_a_replaced_coordinator_is_refused() {
    let machine = Machine::new();
    let process = machine.start(&image()).await;
    let write = |epoch, coordinator| {
        process.runtime.write_marker(0, super::markers::marker(epoch, coordinator), process.runtime.clock.now())
    };
    assert_eq!(write(4, 3).await, Ok(()));
    assert_eq!(write(4, 2).await, Err(MarkerError::CoordinatorFenced));
    assert_eq!(write(3, 3).await, Err(MarkerError::InvalidProducerEpoch));
    // Neither costs the shard.
    assert_eq!(write(5, 3).await, Ok(()));
}
