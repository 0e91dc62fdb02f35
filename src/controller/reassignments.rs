//! Moving partitions to other brokers (AlterPartitionReassignments, E6, KIP-455).
//!
//! While a partition moves, its replicas are the target's and behind them those that will go. It has moved once every
//! replica that is added is in sync: [`Reassignment::completed`] says what it is then.

use super::elections::elect;
use super::partitions::{assigned_to, directory_of_new};
use super::request::{Reassign, ReassignPartition};
use super::{Controller, Draft, Refusal};
use crate::ids::NodeId;
use crate::metadata::image::{MetadataImage, PartitionImage, NO_LEADER};
use crate::metadata::partition::PartitionChange;
use crate::metadata::record::MetadataRecord;

/// A partition's replicas on their way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reassignment {
    pub(super) replicas: Vec<NodeId>,
    pub(super) isr: Vec<NodeId>,
    pub(super) adding: Vec<NodeId>,
    pub(super) removing: Vec<NodeId>,
}

impl Reassignment {
    /// From `partition` to `target`.
    fn towards(partition: &PartitionImage, target: &[NodeId]) -> Self {
        let mut removing: Vec<NodeId> =
            partition.replicas.iter().copied().filter(|replica| !target.contains(replica)).collect();
        removing.sort_unstable();
        let is_new =
            |replica: &NodeId| !partition.replicas.contains(replica) || partition.adding_replicas.contains(replica);
        let mut adding: Vec<NodeId> = target.iter().copied().filter(is_new).collect();
        adding.sort_unstable();
        let replicas = target.iter().chain(&removing).copied().collect();
        Self { replicas, isr: partition.isr.clone(), adding, removing }
    }

    /// Back to where `partition` came from; whether nobody would be left who has all of its records.
    fn back(partition: &PartitionImage) -> (Self, bool) {
        let stays = |replica: &NodeId| !partition.adding_replicas.contains(replica);
        let replicas: Vec<NodeId> = partition.replicas.iter().copied().filter(stays).collect();
        let mut isr: Vec<NodeId> = partition.isr.iter().copied().filter(stays).collect();
        let unclean = isr.is_empty();
        if unclean {
            isr.extend(replicas.first());
        }
        (Self { replicas, isr, adding: Vec::new(), removing: Vec::new() }, unclean)
    }

    /// As it is once all that are added are in sync; until then as it was.
    pub(super) fn completed(self) -> Self {
        let stays = |replica: &NodeId| !self.removing.contains(replica);
        let isr: Vec<NodeId> = self.isr.iter().copied().filter(stays).collect();
        if isr.is_empty() || self.adding.iter().any(|replica| !isr.contains(replica)) {
            return self;
        }
        let replicas = self.replicas.iter().copied().filter(stays).collect();
        Self { replicas, isr, adding: Vec::new(), removing: Vec::new() }
    }

    /// What changes in `partition`; `None` if nothing does.
    fn change(self, image: &MetadataImage, partition: &PartitionImage) -> Option<PartitionChange> {
        let mut after = partition.clone();
        let directory = |replica: &NodeId| {
            let kept = partition.replicas.iter().position(|known| known == replica);
            kept.and_then(|place| partition.directories.get(place).copied())
                .unwrap_or_else(|| directory_of_new(image, *replica))
        };
        after.directories = self.replicas.iter().map(directory).collect();
        (after.replicas, after.isr) = (self.replicas, self.isr);
        (after.adding_replicas, after.removing_replicas) = (self.adding, self.removing);
        let leads_on = after.isr.contains(&after.leader) && after.replicas.contains(&after.leader);
        if !leads_on {
            after.leader = elect(image, &after, &after.isr).unwrap_or(NO_LEADER);
        }
        if after == *partition {
            return None;
        }
        let differs = |before: &Vec<NodeId>, now: &Vec<NodeId>| (before != now).then(|| now.clone());
        // Whoever is no longer a replica must not be heard as one: a new epoch tells it from the replicas that stay.
        let someone_left = partition.replicas.iter().any(|replica| !after.replicas.contains(replica));
        Some(PartitionChange {
            replicas: differs(&partition.replicas, &after.replicas),
            directories: (partition.directories != after.directories).then(|| after.directories.clone()),
            isr: differs(&partition.isr, &after.isr),
            leader: (someone_left || partition.leader != after.leader).then_some(after.leader),
            adding_replicas: differs(&partition.adding_replicas, &after.adding_replicas),
            removing_replicas: differs(&partition.removing_replicas, &after.removing_replicas),
            ..PartitionChange::default()
        })
    }
}

impl Controller {
    /// Begins and cancels reassignments, partition by partition. Answers in the order of the request.
    pub(super) fn reassign_partitions(&self, draft: &mut Draft, request: &Reassign) -> Vec<Result<(), Refusal>> {
        let partitions = request.partitions.iter();
        partitions.map(|partition| self.reassign(draft, partition, request.allow_replication_factor_change)).collect()
    }

    fn reassign(&self, draft: &mut Draft, asked: &ReassignPartition, may_resize: bool) -> Result<(), Refusal> {
        let unknown = |why: String| Refusal::UnknownTopicOrPartition(why);
        let (name, index) = (&asked.topic, asked.partition);
        let topic = draft.image.topic_by_name(name);
        let topic = topic.ok_or_else(|| unknown(format!("Unable to find a topic named {name}.")))?;
        let partition = topic.partition(index);
        let partition = partition.ok_or_else(|| unknown(format!("Unable to find partition {name}:{index}.")))?.clone();
        let topic_id = topic.id;
        let reassignment = match &asked.replicas {
            None => self.cancelled(draft, asked, &partition)?,
            Some(target) => {
                assigned_to(&draft.image, target, None)?;
                if !may_resize {
                    refuse_resize(&partition, target)?;
                }
                Reassignment::towards(&partition, target).completed()
            }
        };
        if let Some(change) = reassignment.change(&draft.image, &partition) {
            draft.push(MetadataRecord::PartitionChange { topic_id, partition: index, change });
        }
        Ok(())
    }

    fn cancelled(
        &self,
        draft: &Draft,
        asked: &ReassignPartition,
        partition: &PartitionImage,
    ) -> Result<Reassignment, Refusal> {
        if !partition.is_reassigning() {
            return Err(Refusal::NoReassignmentInProgress);
        }
        let (back, unclean) = Reassignment::back(partition);
        if unclean && !self.unclean_election_allowed(&draft.image, &asked.topic) {
            return Err(Refusal::InvalidReplicaAssignment(format!(
                "Unable to revert partition assignment for {}:{} because it would require an unclean leader election.",
                asked.topic, asked.partition
            )));
        }
        Ok(back)
    }
}

fn refuse_resize(partition: &PartitionImage, target: &[NodeId]) -> Result<(), Refusal> {
    let stays = partition.replicas.iter().filter(|replica| !partition.removing_replicas.contains(replica));
    let present = stays.count();
    if present == target.len() {
        return Ok(());
    }
    let why = format!("The replication factor is changed from {present} to {}", target.len());
    Err(Refusal::InvalidReplicationFactor(why))
}
