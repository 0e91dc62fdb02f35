//! One partition's replicas and leader, as records carry it and as the image keeps it.

use crate::ids::{NodeId, Uuid};

/// In place of a leader: the partition has none.
pub const NO_LEADER: NodeId = -1;

/// The state of one partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionImage {
    /// The brokers that hold a replica; the first is the preferred leader.
    pub replicas: Vec<NodeId>,
    /// One log directory per replica, in the order of `replicas`; nil where the broker has yet to choose.
    pub directories: Vec<Uuid>,
    /// The replicas in sync with the leader, the leader among them.
    pub isr: Vec<NodeId>,
    /// The leader, or [`NO_LEADER`].
    pub leader: NodeId,
    /// Grows by one with every change of leader.
    pub leader_epoch: i32,
    /// Grows by one with every change of this partition.
    pub partition_epoch: i32,
    /// Replicas that left the ISR below its minimum and may lead without loss (KIP-966).
    pub elr: Vec<NodeId>,
    /// The last member of the ISR when both it and `elr` ran empty (KIP-966).
    pub last_known_elr: Vec<NodeId>,
    /// Replicas being added by a reassignment.
    pub adding_replicas: Vec<NodeId>,
    /// Replicas being removed by a reassignment.
    pub removing_replicas: Vec<NodeId>,
}

impl PartitionImage {
    /// The log directory chosen for the replica on `broker`; `None` if there is no such replica or none is chosen.
    pub fn directory_of(&self, broker: NodeId) -> Option<Uuid> {
        let place = self.replicas.iter().position(|replica| *replica == broker)?;
        self.directories.get(place).copied().filter(|id| !id.is_nil())
    }

    /// Whether a reassignment is under way.
    pub fn is_reassigning(&self) -> bool {
        !self.adding_replicas.is_empty() || !self.removing_replicas.is_empty()
    }
}

/// What changes in a partition; `None` leaves a field as it is. Applying it always raises the partition epoch by one,
/// and the leader epoch too if `leader` is given, even when the leader stays the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionChange {
    /// The new replicas.
    pub replicas: Option<Vec<NodeId>>,
    /// The new directories, in the order of the new replicas.
    pub directories: Option<Vec<Uuid>>,
    /// The new ISR.
    pub isr: Option<Vec<NodeId>>,
    /// The new leader, or [`NO_LEADER`].
    pub leader: Option<NodeId>,
    /// The new eligible leader replicas.
    pub elr: Option<Vec<NodeId>>,
    /// The new last known ELR.
    pub last_known_elr: Option<Vec<NodeId>>,
    /// The new adding replicas.
    pub adding_replicas: Option<Vec<NodeId>>,
    /// The new removing replicas.
    pub removing_replicas: Option<Vec<NodeId>>,
}

impl PartitionChange {
    /// Changes `partition` in place.
    pub fn apply_to(&self, partition: &mut PartitionImage) {
        fn set<T: Clone>(field: &mut T, new: &Option<T>) {
            if let Some(new) = new {
                field.clone_from(new);
            }
        }
        set(&mut partition.replicas, &self.replicas);
        set(&mut partition.directories, &self.directories);
        set(&mut partition.isr, &self.isr);
        set(&mut partition.leader, &self.leader);
        set(&mut partition.elr, &self.elr);
        set(&mut partition.last_known_elr, &self.last_known_elr);
        set(&mut partition.adding_replicas, &self.adding_replicas);
        set(&mut partition.removing_replicas, &self.removing_replicas);
        if self.leader.is_some() {
            partition.leader_epoch = partition.leader_epoch.saturating_add(1);
        }
        partition.partition_epoch = partition.partition_epoch.saturating_add(1);
    }
}
