//! Following the metadata: which partitions are led here, and which topics are gone.

use super::runtime::{Runtime, CONSUMER_OFFSETS};
use super::slot::State;
use crate::group::Text;
use crate::ids::NodeId;
use crate::metadata::delta::{MetadataDelta, TopicDelta};
use crate::metadata::image::MetadataImage;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What the metadata asks for and the runtime's task has still to do.
#[derive(Default)]
pub(super) struct Chores {
    /// Partitions to load, with their leader epoch.
    loads: BTreeMap<i32, i32>,
    /// Topics whose offsets are to go.
    deleted: BTreeSet<Text>,
}

impl Runtime {
    /// Takes in a change of metadata. Only marks what is to be done, so that whoever publishes does not wait: shards load
    /// in the task of [`Runtime::run_timers`], and answer `CoordinatorLoadInProgress` from now on until they have.
    pub fn on_metadata(&self, delta: &MetadataDelta, image: &Arc<MetadataImage>, node_id: NodeId) {
        for topic in delta.deleted_topics() {
            let name = &topic.topic().name;
            if **name == *CONSUMER_OFFSETS {
                self.unload_all();
            } else {
                self.chores.lock().deleted.insert(name.clone());
            }
        }
        for topic in delta.changed_topics().filter(|topic| *topic.topic().name == *CONSUMER_OFFSETS) {
            self.follow_leaders(topic, node_id);
        }
        if let Some(topic) = image.topic_by_name(CONSUMER_OFFSETS) {
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
            // A failure has been logged, and the partition's groups answer that this is not their coordinator.
            tokio::spawn(async move { drop(this.load(partition, epoch).await) });
        }
        if !chores.deleted.is_empty() {
            self.topics_deleted(&chores.deleted.into_iter().collect::<Vec<_>>());
        }
    }

    /// Whether every partition led here serves its groups, or has failed to.
    pub fn is_loaded(&self) -> bool {
        let is_loading = |state: &State| matches!(state, State::Loading);
        !self.all_slots().iter().any(|slot| is_loading(&slot.state.lock()))
    }
}
