//! Who leads a partition when brokers come and go.
//!
//! These walk over all partitions. They run when a broker registers, is fenced or is let in, never periodically.

use super::Draft;
use crate::ids::{NodeId, Uuid};
use crate::metadata::image::{MetadataImage, PartitionImage, NO_LEADER};
use crate::metadata::partition::PartitionChange;
use crate::metadata::record::MetadataRecord;

/// Which partitions a broker gives up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaving {
    /// All: nobody will be served by it from now on.
    Now,
    /// Those that another replica can take over: it goes on serving the rest until it is fenced.
    InOrder,
}

impl Draft {
    /// Takes `broker` out of leadership and out of the ISRs. The last member of an ISR stays in it: it alone has all
    /// the records.
    pub(super) fn broker_leaves(&mut self, broker: NodeId, how: Leaving) {
        self.change_partitions(|image, partition| {
            if !partition.isr.contains(&broker) {
                return None;
            }
            let isr: Vec<NodeId> = partition.isr.iter().copied().filter(|id| *id != broker).collect();
            let successor = elect(image, partition, &isr, broker);
            if how == Leaving::InOrder && (isr.is_empty() || successor.is_none()) {
                return None;
            }
            let leader = (partition.leader == broker).then(|| successor.unwrap_or(NO_LEADER));
            let isr = (!isr.is_empty()).then_some(isr);
            (leader.is_some() || isr.is_some()).then(|| PartitionChange { leader, isr, ..PartitionChange::default() })
        });
    }

    /// Lets `broker`, no longer fenced, lead the partitions that have no leader and that it is in sync with.
    pub(super) fn broker_arrives(&mut self, broker: NodeId) {
        self.change_partitions(|_, partition| {
            let can_lead = partition.leader == NO_LEADER && partition.isr.contains(&broker);
            can_lead.then(|| PartitionChange { leader: Some(broker), ..PartitionChange::default() })
        });
    }

    fn change_partitions(&mut self, judge: impl Fn(&MetadataImage, &PartitionImage) -> Option<PartitionChange>) {
        let mut changes: Vec<(Uuid, i32, PartitionChange)> = Vec::new();
        for topic in self.image.topics() {
            for (index, partition) in (0..).zip(&topic.partitions) {
                changes.extend(judge(&self.image, partition).map(|change| (topic.id, index, change)));
            }
        }
        for (topic_id, partition, change) in changes {
            self.push(MetadataRecord::PartitionChange { topic_id, partition, change });
        }
    }
}

/// The first replica, in order of preference, that is in `isr`, may lead and is not `leaving`.
fn elect(image: &MetadataImage, partition: &PartitionImage, isr: &[NodeId], leaving: NodeId) -> Option<NodeId> {
    let may_lead = |id: &NodeId| *id != leaving && image.broker(*id).is_some_and(|broker| broker.may_lead());
    partition.replicas.iter().copied().find(|id| isr.contains(id) && may_lead(id))
}
