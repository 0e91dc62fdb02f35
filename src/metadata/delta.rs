//! What changed between two images: what subscribers act on.
//!
//! A delta is computed from the two images, not written down while applying: images share their unchanged parts, so the
//! comparison skips them, and a restored snapshot yields the same kind of delta as a single record does.

use super::configs::{ConfigResource, ResourceType};
use super::image::{BrokerImage, MetadataImage, PartitionImage, TopicImage};
use crate::ids::{NodeId, Uuid};
use imbl::ordmap::DiffItem;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A partition before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionDelta {
    /// The partition's index.
    pub partition: i32,
    /// As it was; `None` if it is new.
    pub old: Option<Arc<PartitionImage>>,
    /// As it is; `None` if it is gone (only with its topic).
    pub new: Option<Arc<PartitionImage>>,
}

/// A topic before and after. A topic deleted and made again under the same name is two entries: they differ in the id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicDelta {
    /// As it was; `None` if it is new.
    pub old: Option<Arc<TopicImage>>,
    /// As it is; `None` if it is gone.
    pub new: Option<Arc<TopicImage>>,
    /// The partitions that differ, by index.
    pub partitions: Vec<PartitionDelta>,
}

impl TopicDelta {
    fn new(old: Option<&Arc<TopicImage>>, new: Option<&Arc<TopicImage>>) -> Self {
        let at = |topic: Option<&Arc<TopicImage>>, index| topic.and_then(|topic| topic.partition(index)).cloned();
        let count = |topic: Option<&Arc<TopicImage>>| topic.map_or(0, |topic| topic.partition_count());
        let partitions = (0..count(old).max(count(new)))
            .map(|partition| PartitionDelta { partition, old: at(old, partition), new: at(new, partition) })
            .filter(|delta| delta.old != delta.new)
            .collect();
        Self { old: old.cloned(), new: new.cloned(), partitions }
    }

    /// The topic, as it is or else as it was.
    pub fn topic(&self) -> &Arc<TopicImage> {
        self.new.as_ref().or(self.old.as_ref()).expect("a delta has one of its two sides")
    }
}

/// A broker before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerDelta {
    /// As it was; `None` if it is new.
    pub old: Option<Arc<BrokerImage>>,
    /// As it is; `None` if it is gone.
    pub new: Option<Arc<BrokerImage>>,
}

/// What changed between two images.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetadataDelta {
    deleted: BTreeMap<Uuid, TopicDelta>,
    changed: BTreeMap<Uuid, TopicDelta>,
    configs: BTreeSet<ConfigResource>,
    brokers: BTreeMap<NodeId, BrokerDelta>,
    features: bool,
    quotas: bool,
}

impl MetadataDelta {
    /// What changed from `old` to `new`. The cost follows the number of changes, not the size of the images.
    pub fn between(old: &MetadataImage, new: &MetadataImage) -> Self {
        let mut delta = Self::default();
        delta.compare_topics(old, new);
        delta.compare_configs(old, new);
        for item in old.brokers.diff(&new.brokers) {
            let (id, old, new) = sides(item);
            delta.brokers.insert(*id, BrokerDelta { old: old.cloned(), new: new.cloned() });
        }
        delta.features = old.features != new.features;
        delta.quotas = old.quotas.entities.diff(&new.quotas.entities).next().is_some();
        delta
    }

    fn compare_topics(&mut self, old: &MetadataImage, new: &MetadataImage) {
        for item in old.topics.diff(&new.topics) {
            match sides(item) {
                (_, Some(old), Some(new)) if old.id == new.id => {
                    self.changed.insert(new.id, TopicDelta::new(Some(old), Some(new)));
                }
                (_, old, new) => {
                    if let Some(old) = old {
                        self.deleted.insert(old.id, TopicDelta::new(Some(old), None));
                    }
                    if let Some(new) = new {
                        self.changed.insert(new.id, TopicDelta::new(None, Some(new)));
                    }
                }
            }
        }
    }

    fn compare_configs(&mut self, old: &MetadataImage, new: &MetadataImage) {
        let kinds = [ResourceType::Topic, ResourceType::Broker, ResourceType::ClientMetrics, ResourceType::Group];
        for resource_type in kinds {
            for item in old.configs.by_name(resource_type).diff(new.configs.by_name(resource_type)) {
                let (name, _, _) = sides(item);
                self.configs.insert(ConfigResource { resource_type, name: name.clone() });
            }
        }
    }

    /// The topics that are gone, by id. Act on these first: a name may have been given to a new topic.
    pub fn deleted_topics(&self) -> impl ExactSizeIterator<Item = &TopicDelta> {
        self.deleted.values()
    }

    /// The topics that are new (`old` is `None`) or changed, by id.
    pub fn changed_topics(&self) -> impl ExactSizeIterator<Item = &TopicDelta> {
        self.changed.values()
    }

    /// What became of the topic `id`; `None` if nothing did.
    pub fn topic(&self, id: &Uuid) -> Option<&TopicDelta> {
        self.changed.get(id).or_else(|| self.deleted.get(id))
    }

    /// The resources whose settings changed, the ones of deleted topics among them. Read the new ones in the image.
    pub fn changed_configs(&self) -> impl ExactSizeIterator<Item = &ConfigResource> {
        self.configs.iter()
    }

    /// The brokers that are new, changed or gone, by id.
    pub fn changed_brokers(&self) -> impl ExactSizeIterator<Item = (NodeId, &BrokerDelta)> {
        self.brokers.iter().map(|(id, delta)| (*id, delta))
    }

    /// Whether a finalized feature changed.
    pub fn features_changed(&self) -> bool {
        self.features
    }

    /// Whether a client quota changed.
    pub fn quotas_changed(&self) -> bool {
        self.quotas
    }

    /// Whether nothing changed that a subscriber could act on.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

type Sides<'a, K, V> = (&'a K, Option<&'a V>, Option<&'a V>);

fn sides<'a, K, V>(item: DiffItem<'a, 'a, K, V>) -> Sides<'a, K, V> {
    match item {
        DiffItem::Add(key, new) => (key, None, Some(new)),
        DiffItem::Update { old: (key, old), new: (_, new) } => (key, Some(old), Some(new)),
        DiffItem::Remove(key, old) => (key, Some(old), None),
    }
}
