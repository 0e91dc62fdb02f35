//! The cluster's metadata at one point of the log: an immutable value that clones in O(1).

use super::broker::EPOCH_OF_ENTRY;
use super::configs::ConfigResource;
use super::partition::PartitionChange;
use super::record::MetadataRecord;
use crate::ids::{NodeId, Uuid};
use imbl::OrdMap;
use std::sync::Arc;

pub use super::broker::{BrokerImage, Endpoint, SecurityProtocol};
pub use super::configs::{ConfigsImage, Overrides, ResourceType};
pub use super::partition::{PartitionImage, NO_LEADER};
pub use super::quotas::{QuotaEntity, QuotasImage};
pub use super::scram::ScramImage;
pub use super::topic::TopicImage;

/// Why a record does not fit the image. Committed records always fit: an error means that the log or this program is
/// broken, and whoever folds must stop.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// A topic's name or id is taken.
    #[error("topic {0} exists already")]
    TopicExists(String),
    /// No topic has this id.
    #[error("no topic has the id {0}")]
    UnknownTopic(Uuid),
    /// The topic has no such partition, and it is not the next either.
    #[error("topic {topic} has no partition {partition}")]
    UnknownPartition {
        /// The topic's name.
        topic: String,
        /// The partition's index.
        partition: i32,
    },
    /// No broker is registered under this id and epoch.
    #[error("broker {broker_id} is not registered with epoch {broker_epoch}")]
    UnknownBroker {
        /// The broker.
        broker_id: NodeId,
        /// The epoch of the record.
        broker_epoch: i64,
    },
    /// The cluster has another id already.
    #[error("the cluster's id is {0} already")]
    ClusterIdKnown(String),
}

/// The cluster's metadata. `Clone` is O(1), a record costs O(log n): images share what they have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataImage {
    pub(super) topics: OrdMap<Arc<str>, Arc<TopicImage>>,
    names: OrdMap<Uuid, Arc<str>>,
    /// Of the topics with `.` or `_` in their names: the name with every `.` as `_`, to the name.
    unified_names: OrdMap<Arc<str>, Arc<str>>,
    partition_count: usize,
    pub(super) brokers: OrdMap<NodeId, Arc<BrokerImage>>,
    pub(super) configs: ConfigsImage,
    pub(super) features: OrdMap<Arc<str>, i16>,
    pub(super) quotas: QuotasImage,
    pub(super) scram: ScramImage,
    next_producer_id: i64,
    cluster_id: Option<Arc<str>>,
    applied_offset: i64,
    applied_epoch: i32,
}

impl Default for MetadataImage {
    fn default() -> Self {
        Self::new()
    }
}

/// Reading.
impl MetadataImage {
    /// The image before the first record: nothing in it, applied offset -1.
    pub fn new() -> Self {
        Self {
            topics: OrdMap::new(),
            names: OrdMap::new(),
            unified_names: OrdMap::new(),
            partition_count: 0,
            brokers: OrdMap::new(),
            configs: ConfigsImage::default(),
            features: OrdMap::new(),
            quotas: QuotasImage::default(),
            scram: ScramImage::default(),
            next_producer_id: 0,
            cluster_id: None,
            applied_offset: -1,
            applied_epoch: 0,
        }
    }

    /// The topic named `name`.
    pub fn topic_by_name(&self, name: &str) -> Option<&Arc<TopicImage>> {
        self.topics.get(name)
    }

    /// The topic with the id `id`.
    pub fn topic_by_id(&self, id: &Uuid) -> Option<&Arc<TopicImage>> {
        self.topics.get(&**self.names.get(id)?)
    }

    /// The topic whose name is that of `name` but for `.` in place of `_`: metrics could not tell the two apart.
    pub fn topic_colliding_with(&self, name: &str) -> Option<&Arc<str>> {
        let taken = self.unified_names.get(&*unified_name(name)?)?;
        (**taken != *name).then_some(taken)
    }

    /// Partition `partition` of the topic named `topic`.
    pub fn partition(&self, topic: &str, partition: i32) -> Option<&Arc<PartitionImage>> {
        self.topic_by_name(topic)?.partition(partition)
    }

    /// All topics, by name.
    pub fn topics(&self) -> impl ExactSizeIterator<Item = &Arc<TopicImage>> {
        self.topics.values()
    }

    /// The topics whose names are at least `from`, by name: for answers in pages.
    pub fn topics_from<'a>(&'a self, from: &str) -> impl Iterator<Item = &'a Arc<TopicImage>> {
        use std::ops::Bound;
        self.topics.range::<_, str>((Bound::Included(from), Bound::Unbounded)).map(|(_, topic)| topic)
    }

    /// How many topics there are.
    pub fn topic_count(&self) -> usize {
        self.topics.len()
    }

    /// How many partitions there are, over all topics.
    pub fn partition_count(&self) -> usize {
        self.partition_count
    }

    /// The broker `id`, fenced or not.
    pub fn broker(&self, id: NodeId) -> Option<&Arc<BrokerImage>> {
        self.brokers.get(&id)
    }

    /// All registered brokers by id, fenced ones among them.
    pub fn brokers(&self) -> impl ExactSizeIterator<Item = &Arc<BrokerImage>> {
        self.brokers.values()
    }

    /// The brokers that clients are shown, by id.
    pub fn live_brokers(&self) -> impl Iterator<Item = &Arc<BrokerImage>> {
        self.brokers.values().filter(|broker| !broker.fenced)
    }

    /// All settings.
    pub fn configs(&self) -> &ConfigsImage {
        &self.configs
    }

    /// The settings made on a topic; empty if there are none.
    pub fn topic_config(&self, name: &str) -> &Arc<Overrides> {
        self.configs.of(ResourceType::Topic, name)
    }

    /// The settings made on one broker, or on all (`None`); empty if there are none.
    pub fn broker_config(&self, broker: Option<NodeId>) -> &Arc<Overrides> {
        let name = broker.map_or_else(String::new, |id| id.to_string());
        self.configs.of(ResourceType::Broker, &name)
    }

    /// The settings made on a group; empty if there are none.
    pub fn group_config(&self, group_id: &str) -> &Arc<Overrides> {
        self.configs.of(ResourceType::Group, group_id)
    }

    /// The finalized features, by name. Those at level 0 have no entry.
    pub fn features(&self) -> impl ExactSizeIterator<Item = (&Arc<str>, i16)> {
        self.features.iter().map(|(name, level)| (name, *level))
    }

    /// The finalized level of a feature; 0 if it is not finalized.
    pub fn feature_level(&self, name: &str) -> i16 {
        self.features.get(name).copied().unwrap_or(0)
    }

    /// The quotas of users, clients and addresses.
    pub fn quotas(&self) -> &QuotasImage {
        &self.quotas
    }

    /// The SCRAM credentials.
    pub fn scram(&self) -> &ScramImage {
        &self.scram
    }

    /// The first producer id that no block holds yet.
    pub fn next_producer_id(&self) -> i64 {
        self.next_producer_id
    }

    /// The cluster's id; `None` before it is written.
    pub fn cluster_id(&self) -> Option<&Arc<str>> {
        self.cluster_id.as_ref()
    }

    /// The index and the epoch of the last entry in this image; the index is -1 if there is none.
    pub fn applied(&self) -> (i64, i32) {
        (self.applied_offset, self.applied_epoch)
    }
}

/// Folding.
impl MetadataImage {
    /// Says that the records which follow stand in the entry at `offset`, written in `epoch`. A broker that registers
    /// in it gets `offset` as its epoch.
    pub fn begin_entry(&mut self, offset: i64, epoch: i32) {
        self.applied_offset = offset;
        self.applied_epoch = epoch;
    }

    /// Changes the image by one record.
    ///
    /// # Errors
    /// The record does not fit; the image is as before.
    pub fn apply(&mut self, record: &MetadataRecord) -> Result<(), ApplyError> {
        match record {
            MetadataRecord::Topic { name, topic_id } => self.add_topic(name, *topic_id)?,
            MetadataRecord::Partition { topic_id, partition, state } => {
                self.set_partition(topic_id, *partition, state.clone())?;
            }
            MetadataRecord::PartitionChange { topic_id, partition, change } => {
                self.change_partition(topic_id, *partition, change)?;
            }
            MetadataRecord::RemoveTopic { topic_id } => self.remove_topic(topic_id)?,
            MetadataRecord::Config { resource, key, value } => {
                self.configs.set(resource, key, value.as_deref());
            }
            MetadataRecord::RegisterBroker(broker) => self.register_broker(broker),
            MetadataRecord::BrokerChange { broker_id, broker_epoch, fenced, in_controlled_shutdown, log_dirs } => {
                let broker = self.broker_of_epoch(*broker_id, *broker_epoch)?;
                let broker = Arc::make_mut(broker);
                broker.fenced = fenced.unwrap_or(broker.fenced);
                broker.in_controlled_shutdown = in_controlled_shutdown.unwrap_or(broker.in_controlled_shutdown);
                if let Some(log_dirs) = log_dirs {
                    broker.log_dirs.clone_from(log_dirs);
                }
            }
            MetadataRecord::UnregisterBroker { broker_id, broker_epoch } => {
                self.broker_of_epoch(*broker_id, *broker_epoch)?;
                self.brokers.remove(broker_id);
            }
            MetadataRecord::ProducerIds { next_producer_id, .. } => self.next_producer_id = *next_producer_id,
            MetadataRecord::FeatureLevel { name, level: 0 } => {
                self.features.remove(&**name);
            }
            MetadataRecord::FeatureLevel { name, level } => {
                self.features.insert(name.as_str().into(), *level);
            }
            MetadataRecord::ClusterId { cluster_id } => match &self.cluster_id {
                Some(known) if **known != **cluster_id => return Err(ApplyError::ClusterIdKnown(known.to_string())),
                _ => self.cluster_id = Some(cluster_id.as_str().into()),
            },
            MetadataRecord::ClientQuota { entity, key, value } => self.quotas.set(entity, key, *value),
            MetadataRecord::UserScramCredential { user, mechanism, credential } => {
                self.scram.set(user, *mechanism, credential.as_ref());
            }
            MetadataRecord::NoOp => {}
        }
        Ok(())
    }

    /// [`Self::apply`] of a record that nobody else needs.
    ///
    /// # Errors
    /// The record does not fit; the image is as before.
    pub fn take(&mut self, record: MetadataRecord) -> Result<(), ApplyError> {
        match record {
            MetadataRecord::Partition { topic_id, partition, state } => self.set_partition(&topic_id, partition, state),
            other => self.apply(&other),
        }
    }

    fn add_topic(&mut self, name: &str, id: Uuid) -> Result<(), ApplyError> {
        if self.topics.contains_key(name) || self.names.contains_key(&id) {
            return Err(ApplyError::TopicExists(name.to_owned()));
        }
        let name: Arc<str> = name.into();
        self.names.insert(id, name.clone());
        if let Some(unified) = unified_name(&name) {
            let unified = if *unified == *name { name.clone() } else { unified.into() };
            self.unified_names.insert(unified, name.clone());
        }
        let topic = TopicImage { name: name.clone(), id, partitions: imbl::Vector::new() };
        self.topics.insert(name, Arc::new(topic));
        Ok(())
    }

    fn topic_mut(&mut self, id: &Uuid) -> Result<&mut TopicImage, ApplyError> {
        let name = self.names.get(id).ok_or(ApplyError::UnknownTopic(*id))?;
        let topic = self.topics.get_mut(&**name).ok_or(ApplyError::UnknownTopic(*id))?;
        Ok(Arc::make_mut(topic))
    }

    fn set_partition(&mut self, topic_id: &Uuid, partition: i32, state: PartitionImage) -> Result<(), ApplyError> {
        let topic = self.topic_by_id(topic_id).ok_or(ApplyError::UnknownTopic(*topic_id))?;
        let count = topic.partitions.len();
        let index = usize::try_from(partition).ok().filter(|index| *index <= count);
        let unknown = || ApplyError::UnknownPartition { topic: topic.name.to_string(), partition };
        let index = index.ok_or_else(unknown)?;
        let topic = self.topic_mut(topic_id)?;
        if index == count {
            topic.partitions.push_back(Arc::new(state));
            self.partition_count += 1;
        } else {
            topic.partitions.set(index, Arc::new(state));
        }
        Ok(())
    }

    /// In place where no other image shares the partition, as while a log is replayed.
    fn change_partition(
        &mut self,
        topic_id: &Uuid,
        partition: i32,
        change: &PartitionChange,
    ) -> Result<(), ApplyError> {
        let topic = self.topic_by_id(topic_id).ok_or(ApplyError::UnknownTopic(*topic_id))?;
        let index = usize::try_from(partition).ok().filter(|index| *index < topic.partitions.len());
        let unknown = || ApplyError::UnknownPartition { topic: topic.name.to_string(), partition };
        let index = index.ok_or_else(unknown)?;
        let state = &mut self.topic_mut(topic_id)?.partitions[index];
        change.apply_to(Arc::make_mut(state));
        Ok(())
    }

    fn remove_topic(&mut self, id: &Uuid) -> Result<(), ApplyError> {
        let name = self.names.remove(id).ok_or(ApplyError::UnknownTopic(*id))?;
        if let Some(topic) = self.topics.remove(&*name) {
            self.partition_count -= topic.partitions.len();
        }
        if let Some(unified) = unified_name(&name) {
            self.unified_names.remove(&*unified);
        }
        self.configs.clear(ResourceType::Topic, &name);
        Ok(())
    }

    fn register_broker(&mut self, broker: &BrokerImage) {
        let mut broker = broker.clone();
        if broker.epoch == EPOCH_OF_ENTRY {
            broker.epoch = self.applied_offset;
        }
        self.brokers.insert(broker.id, Arc::new(broker));
    }

    fn broker_of_epoch(&mut self, broker_id: NodeId, broker_epoch: i64) -> Result<&mut Arc<BrokerImage>, ApplyError> {
        self.brokers
            .get_mut(&broker_id)
            .filter(|broker| broker.epoch == broker_epoch)
            .ok_or(ApplyError::UnknownBroker { broker_id, broker_epoch })
    }
}

/// Snapshots.
impl MetadataImage {
    /// The records that make this image out of an empty one, but for [`MetadataImage::applied`], which a snapshot
    /// carries beside them.
    pub fn to_records(&self) -> Vec<MetadataRecord> {
        let mut records = Vec::with_capacity(self.topics.len() + self.partition_count + self.brokers.len());
        if let Some(cluster_id) = &self.cluster_id {
            records.push(MetadataRecord::ClusterId { cluster_id: cluster_id.to_string() });
        }
        for (name, level) in self.features() {
            records.push(MetadataRecord::FeatureLevel { name: name.to_string(), level });
        }
        records.extend(self.brokers().map(|broker| MetadataRecord::RegisterBroker((**broker).clone())));
        if self.next_producer_id != 0 {
            let next_producer_id = self.next_producer_id;
            records.push(MetadataRecord::ProducerIds { broker_id: -1, broker_epoch: -1, next_producer_id });
        }
        for topic in self.topics() {
            records.push(MetadataRecord::Topic { name: topic.name.to_string(), topic_id: topic.id });
            for (partition, state) in (0..).zip(&topic.partitions) {
                let state = (**state).clone();
                records.push(MetadataRecord::Partition { topic_id: topic.id, partition, state });
            }
        }
        self.config_records(&mut records);
        self.client_records(&mut records);
        records
    }

    fn config_records(&self, records: &mut Vec<MetadataRecord>) {
        let kinds = [ResourceType::Topic, ResourceType::Broker, ResourceType::ClientMetrics, ResourceType::Group];
        for resource_type in kinds {
            for (name, overrides) in self.configs.named(resource_type) {
                records.extend(overrides.iter().map(|(key, value)| MetadataRecord::Config {
                    resource: ConfigResource { resource_type, name: name.clone() },
                    key: key.clone(),
                    value: Some(value.clone()),
                }));
            }
        }
    }

    fn client_records(&self, records: &mut Vec<MetadataRecord>) {
        for (entity, quotas) in self.quotas.iter() {
            records.extend(quotas.iter().map(|(key, value)| MetadataRecord::ClientQuota {
                entity: entity.clone(),
                key: key.clone(),
                value: Some(*value),
            }));
        }
        records.extend(self.scram.iter().map(|(user, mechanism, credential)| MetadataRecord::UserScramCredential {
            user: user.to_string(),
            mechanism,
            credential: Some((**credential).clone()),
        }));
    }

    /// The image that `records` make, as of the entry at `offset`, written in `epoch`.
    ///
    /// # Errors
    /// The first record that does not fit.
    pub fn from_records<'a>(
        records: impl IntoIterator<Item = &'a MetadataRecord>,
        offset: i64,
        epoch: i32,
    ) -> Result<Self, ApplyError> {
        let mut image = Self::new();
        image.begin_entry(offset, epoch);
        for record in records {
            image.apply(record)?;
        }
        Ok(image)
    }
}

/// `name` with every `.` as `_`; `None` if it has neither.
fn unified_name(name: &str) -> Option<String> {
    name.contains(['.', '_']).then(|| name.replace('.', "_"))
}
