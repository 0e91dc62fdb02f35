//! Following the metadata: which partitions are led here, which topics are gone; and the rest of what the task has to do.

use super::deeds::Ordered;
use super::runtime::Runtime;
use super::slot::State;
use crate::ids::NodeId;
use crate::metadata::delta::{MetadataDelta, TopicDelta};
use crate::metadata::image::{MetadataImage, TopicImage};
use crate::shard::{Machine, Text, TopicsChange};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What metadata and shards ask for and the runtime's task has still to do.
pub(super) struct Chores<M: Machine> {
    /// Partitions to load, with their leader epoch.
    loads: BTreeMap<i32, i32>,
    /// Topics that are gone.
    deleted: BTreeSet<Text>,
    /// The metadata has changed, and topics in it so.
    metadata: Option<TopicsChange>,
    /// What shards have ordered; no more than they hold things that order.
    pub(super) deeds: Vec<Ordered<M>>,
}

impl<M: Machine> Default for Chores<M> {
    fn default() -> Self {
        Self { loads: BTreeMap::new(), deleted: BTreeSet::new(), metadata: None, deeds: Vec::new() }
    }
}

impl<M: Machine> Chores<M> {
    fn note_metadata(&mut self, topics: TopicsChange) {
        let before = self.metadata.unwrap_or_default();
        let (added, changed) = (before.added || topics.added, before.changed || topics.changed);
        self.metadata = Some(TopicsChange { added, changed });
    }
}

/// What a delta says of topics as a whole.
fn topics_change(delta: &MetadataDelta) -> TopicsChange {
    let size = |topic: &Option<Arc<TopicImage>>| topic.as_ref().map(|topic| topic.partition_count());
    let added = delta.changed_topics().any(|topic| topic.old.is_none());
    let resized = delta.changed_topics().any(|topic| size(&topic.old) != size(&topic.new));
    TopicsChange { added, changed: added || resized || delta.deleted_topics().len() > 0 }
}

impl<M: Machine> Runtime<M> {
    /// Takes in a change of metadata. Only marks what is to be done, so that whoever publishes does not wait: shards load
    /// in the task of [`Runtime::run_timers`], and answer that they load from now on until they have.
    pub fn on_metadata(&self, delta: &MetadataDelta, image: &Arc<MetadataImage>, node_id: NodeId) {
        *self.image.lock() = image.clone();
        self.chores.lock().note_metadata(topics_change(delta));
        for topic in delta.deleted_topics() {
            let name = &topic.topic().name;
            if **name == *M::TOPIC {
                self.unload_all();
            } else {
                self.chores.lock().deleted.insert(name.clone());
            }
        }
        for topic in delta.changed_topics().filter(|topic| *topic.topic().name == *M::TOPIC) {
            self.follow_leaders(topic, node_id);
        }
        if let Some(topic) = image.topic_by_name(M::TOPIC) {
            self.set_partitions(topic.partition_count());
        }
        self.agenda.changed.notify_one();
    }

    fn follow_leaders(&self, topic: &TopicDelta, node_id: NodeId) {
        for partition in &topic.partitions {
            let Some(now) = &partition.new else { continue };
            if now.leader != node_id {
                self.unload(partition.partition, None);
            } else if self.begin_load(partition.partition, now.leader_epoch) {
                self.chores.lock().loads.insert(partition.partition, now.leader_epoch);
            }
        }
    }

    fn unload_all(&self) {
        for slot in self.all_slots() {
            self.unload(slot.partition, None);
        }
    }

    /// Does what is marked: each load in a task of its own, so that timers run on.
    pub(super) fn do_chores(self: &Arc<Self>) {
        let chores = std::mem::take(&mut *self.chores.lock());
        for (partition, epoch) in chores.loads {
            let this = Arc::clone(self);
            // A failure has been logged, and whoever asks the partition hears that this is not the coordinator.
            tokio::spawn(async move { drop(this.load(partition, epoch).await) });
        }
        if let Some(topics) = chores.metadata {
            let image = self.image.lock().clone();
            self.tell_all("the metadata", || M::on_metadata(&image, topics));
        }
        if !chores.deleted.is_empty() {
            self.topics_deleted(&chores.deleted.into_iter().collect::<Vec<_>>());
        }
        for ordered in chores.deeds {
            tokio::spawn(Arc::clone(self).carry_out(ordered));
        }
    }

    /// Whether every partition led here serves, or has failed to.
    pub fn is_loaded(&self) -> bool {
        let is_loading = |state: &State<M>| matches!(state, State::Loading);
        !self.all_slots().iter().any(|slot| is_loading(&slot.state.lock()))
    }
}
