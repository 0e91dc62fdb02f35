//! Following the metadata: which logs lie here, under which settings, and who leads them.

use super::lane::Lane;
use super::manager::{Catalog, HostedTopic, ReplicaManager};
use super::partition::Partition;
use super::settings::TopicRules;
use crate::ids::{TopicPartition, Uuid};
use crate::log::{FoundLog, Log, LogError};
use crate::metadata::configs::ResourceType;
use crate::metadata::delta::{MetadataDelta, TopicDelta};
use crate::metadata::image::{MetadataImage, PartitionImage, TopicImage};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

/// Threads that open logs side by side, at most, while the metadata is acted on.
const MAX_OPENERS: usize = 8;

/// A partition that is assigned to this node.
#[derive(Clone)]
pub(super) enum Hosted {
    /// With its log.
    Online(Arc<Partition>),
    /// Its log could not be opened, or its directory is offline.
    Offline,
}

/// A log to be opened.
struct Wanted {
    name: TopicPartition,
    topic_id: Uuid,
    lane: Arc<Lane>,
    rules: Arc<TopicRules>,
    image: Arc<PartitionImage>,
}

/// Where new logs go.
struct Placement<'a> {
    /// Folders that were there at the start and belong to nobody yet, with the lane that they lie in.
    found: &'a mut BTreeMap<TopicPartition, (usize, FoundLog)>,
    /// Partitions by lane, those among them that are about to be made.
    partitions: Vec<usize>,
    wanted: Vec<Wanted>,
}

impl ReplicaManager {
    /// Acts on a change of the metadata: opens logs, leads, deletes, takes over settings. Repeating it changes nothing.
    /// Waits for the disk where logs are made or deleted, so that they are there once the metadata is published.
    pub fn on_metadata(&self, delta: &MetadataDelta, image: &Arc<MetadataImage>) {
        let mut found = self.found.lock();
        if self.stopped.load(Ordering::Acquire) {
            return;
        }
        for topic in delta.deleted_topics() {
            self.delete_topic(topic);
        }
        self.reconfigure(delta, image);
        let partitions = self.lanes().iter().map(|lane| lane.hosted_count()).collect();
        let mut placement = Placement { found: &mut found, partitions, wanted: Vec::new() };
        for topic in delta.changed_topics() {
            self.follow_topic(topic, image, &mut placement);
        }
        let Placement { wanted, .. } = placement;
        self.make_folders(&wanted);
        for (wanted, hosted) in self.open_all(wanted) {
            self.insert(&wanted, hosted);
        }
        self.image.store(image.clone());
    }

    fn delete_topic(&self, delta: &TopicDelta) {
        let topic = delta.topic();
        let hosted = {
            let mut catalog = self.catalog.write();
            let is_it = catalog.topics.get(&topic.name).is_some_and(|hosted| hosted.id == topic.id);
            catalog.names.remove(&topic.id);
            is_it.then(|| catalog.topics.remove(&topic.name)).flatten()
        };
        for hosted in hosted.into_iter().flat_map(|topic| topic.partitions.into_values()) {
            self.delete_log(&hosted);
        }
    }

    /// Renames the log's folder away; it is removed later. Appends and reads find the partition gone.
    fn delete_log(&self, hosted: &Hosted) {
        let Hosted::Online(partition) = hosted else { return };
        let now = self.clock.now();
        let dir = partition.lane.dir.clone();
        let deleted = partition.with_log(move |log| log.take().map(|log| dir.delete_log(log, now)));
        match deleted {
            Some(Some(Ok(()))) => tracing::info!("Deleted log of {}", partition.name()),
            Some(Some(Err(error))) => tracing::error!(partition = %partition.name(), %error, "cannot delete the log"),
            Some(None) | None => {}
        }
        partition.lane.unhost(partition.name());
        partition.lane.cleaner.forget(partition);
        partition.watchers.disturbed();
    }

    /// Takes over the settings that changed: of topics, or of this broker and so of all topics.
    fn reconfigure(&self, delta: &MetadataDelta, image: &Arc<MetadataImage>) {
        let (own, now) = (self.node_id.to_string(), self.clock.now());
        let mut topics = Vec::new();
        let mut all = false;
        for resource in delta.changed_configs() {
            match resource.resource_type {
                ResourceType::Topic => topics.push(resource.name.clone()),
                ResourceType::Broker => all |= resource.name.is_empty() || *resource.name == *own,
                _ => {}
            }
        }
        if all {
            let of_all = (**image.broker_config(None)).clone();
            let of_this = (**image.broker_config(Some(self.node_id))).clone();
            match self.config.load().altered(of_all, of_this) {
                Ok(config) => self.config.store(Arc::new(config)),
                Err(error) => tracing::warn!(%error, "settings of this broker in the metadata are not permitted"),
            }
            self.reconfigure_cleaner();
            topics = self.catalog.read().topics.keys().cloned().collect();
            topics.sort_unstable();
        }
        for name in topics {
            let partitions: Vec<Hosted> = match self.catalog.read().topics.get(&name) {
                Some(topic) => topic.partitions.values().cloned().collect(),
                None => continue,
            };
            let rules = self.rules_of(&name, image);
            for hosted in partitions {
                if let Hosted::Online(partition) = hosted {
                    partition.reconfigure(rules.clone(), now);
                }
            }
        }
    }

    fn rules_of(&self, topic: &str, image: &MetadataImage) -> Arc<TopicRules> {
        Arc::new(TopicRules::new(image.topic_config(topic), &self.config.load()))
    }

    fn follow_topic(&self, delta: &TopicDelta, image: &MetadataImage, placement: &mut Placement<'_>) {
        let Some(topic) = &delta.new else { return };
        let mut rules = None;
        for change in &delta.partitions {
            let Some(state) = &change.new else { continue };
            let name = TopicPartition::new(topic.name.clone(), change.partition);
            let here = self.hosted_of(topic, change.partition);
            match (state.replicas.contains(&self.node_id), here) {
                (true, Some(Hosted::Online(partition))) => {
                    partition.follow(state);
                }
                (true, Some(Hosted::Offline)) => {}
                (true, None) => {
                    let rules = rules.get_or_insert_with(|| self.rules_of(&topic.name, image)).clone();
                    match self.place(&name, topic.id, state, placement) {
                        Some(at) => {
                            placement.partitions[at] += 1;
                            let lane = self.lanes()[at].clone();
                            let image = state.clone();
                            placement.wanted.push(Wanted { name, topic_id: topic.id, lane, rules, image });
                        }
                        None => self.insert_as(&name, topic.id, Hosted::Offline),
                    }
                }
                (false, Some(hosted)) => {
                    if let Some(topic) = self.catalog.write().topics.get_mut(&topic.name) {
                        topic.partitions.remove(&change.partition);
                    }
                    self.delete_log(&hosted);
                }
                (false, None) => {}
            }
        }
    }

    fn hosted_of(&self, topic: &TopicImage, partition: i32) -> Option<Hosted> {
        let catalog = self.catalog.read();
        let hosted = catalog.topics.get(&topic.name).filter(|hosted| hosted.id == topic.id)?;
        hosted.partitions.get(&partition).cloned()
    }

    /// Chooses the directory of a log: where its folder was found, else where the metadata says, else the one with the
    /// fewest partitions. `None` if that one is offline, or all are.
    fn place(
        &self,
        name: &TopicPartition,
        topic_id: Uuid,
        image: &PartitionImage,
        placement: &mut Placement<'_>,
    ) -> Option<usize> {
        let lanes = self.lanes();
        let chosen = match placement.found.remove(name) {
            Some((at, log)) if log.topic_id.is_none_or(|on_disk| on_disk == topic_id) => Some(at),
            Some((at, stale)) => {
                tracing::warn!("The folder of {name} belongs to an older topic of that name: renamed away");
                if let Err(error) = lanes[at].dir.delete_found(&stale, self.clock.now()) {
                    tracing::error!(%error, "cannot rename the folder of {name}");
                    return None;
                }
                None
            }
            None => None,
        };
        let at = match (chosen, image.directory_of(self.node_id)) {
            (Some(at), _) => at,
            (None, Some(id)) if self.offline_dirs().iter().any(|dir| dir.id == id) => return None,
            (None, id) => match lanes.iter().position(|lane| Some(lane.id) == id) {
                Some(at) => at,
                None => {
                    let online = (0..lanes.len()).filter(|at| lanes[*at].is_online());
                    online.min_by_key(|at| placement.partitions[*at])?
                }
            },
        };
        lanes[at].is_online().then_some(at)
    }

    /// Makes the folders of new logs together, directory by directory.
    fn make_folders(&self, wanted: &[Wanted]) {
        for lane in self.lanes() {
            let here = wanted.iter().filter(|wanted| Arc::ptr_eq(&wanted.lane, lane));
            let logs: Vec<_> = here.map(|wanted| (wanted.name.clone(), wanted.topic_id)).collect();
            if let Err(error) = lane.dir.make_folders(&logs) {
                // Those that are missing are tried again, each by itself, and say what is wrong.
                tracing::warn!(path = %lane.dir.path().display(), %error, "cannot make the folders of new logs");
            }
        }
    }

    /// Opens logs, on several threads if there are several: making one waits for the disk, recovering one reads it.
    fn open_all(&self, wanted: Vec<Wanted>) -> Vec<(Wanted, Hosted)> {
        let openers = self.config.load().log.recovery_threads_per_data_dir.clamp(1, MAX_OPENERS);
        if !self.threaded || openers == 1 || wanted.len() < 2 {
            return wanted.into_iter().map(|wanted| self.open(wanted)).collect();
        }
        let count = wanted.len();
        let waiting: Vec<Mutex<Option<Wanted>>> = wanted.into_iter().map(|wanted| Mutex::new(Some(wanted))).collect();
        let opened: Vec<Mutex<Option<(Wanted, Hosted)>>> = (0..count).map(|_| Mutex::new(None)).collect();
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..openers.min(count) {
                scope.spawn(|| loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(wanted) = waiting.get(at).and_then(|slot| slot.lock().take()) else { return };
                    *opened[at].lock() = Some(self.open(wanted));
                });
            }
        });
        opened.into_iter().filter_map(Mutex::into_inner).collect()
    }

    fn open(&self, wanted: Wanted) -> (Wanted, Hosted) {
        let now = self.clock.now();
        let dir = &wanted.lane.dir;
        let open = || dir.open_log(&wanted.name, wanted.topic_id, wanted.rules.log.clone(), now);
        let opened: Result<Log, LogError> = match open() {
            Err(LogError::StaleFolder { partition, on_disk, .. }) => {
                tracing::warn!("The folder of {partition} belongs to an older topic of that name: renamed away");
                let stale = FoundLog { partition, topic_id: Some(on_disk) };
                dir.delete_found(&stale, now).and_then(|()| open())
            }
            opened => opened,
        };
        let opened = opened.and_then(|log| flushed(log, &wanted.rules));
        let partition =
            opened.and_then(|log| Partition::new(self.node_id, wanted.lane.clone(), log, wanted.rules.clone()));
        let hosted = match partition {
            Ok(partition) => Hosted::Online(partition),
            Err(error) => {
                tracing::error!(partition = %wanted.name, %error, "cannot open the log");
                wanted.lane.note_failure();
                Hosted::Offline
            }
        };
        (wanted, hosted)
    }

    fn insert(&self, wanted: &Wanted, hosted: Hosted) {
        if let Hosted::Online(partition) = &hosted {
            partition.follow(&wanted.image);
            if wanted.rules.log.cleanup.compact {
                // It may have been left dirty.
                partition.lane.cleaner.look_later(partition, self.clock.now());
            }
            if partition.owes_flush() {
                // What was acknowledged before a crash is shown again once it is known to be durable.
                partition.flush_soon();
            }
        }
        self.insert_as(&wanted.name, wanted.topic_id, hosted);
    }

    fn insert_as(&self, name: &TopicPartition, topic_id: Uuid, hosted: Hosted) {
        let mut catalog = self.catalog.write();
        let Catalog { topics, names } = &mut *catalog;
        names.insert(topic_id, name.topic.clone());
        let topic = topics
            .entry(name.topic.clone())
            .or_insert_with(|| HostedTopic { id: topic_id, partitions: BTreeMap::new() });
        topic.id = topic_id;
        topic.partitions.insert(name.partition, hosted);
    }
}

/// With `flush.before.ack` what was committed before a restart has to be so after it, at once: the high watermark follows
/// what is flushed, and recovery does not know how far that was.
fn flushed(log: Log, rules: &TopicRules) -> Result<Log, LogError> {
    let reader = log.reader();
    if rules.flush_before_ack && reader.flushed_offset() < reader.log_end_offset() {
        reader.flush()?;
    }
    Ok(log)
}
