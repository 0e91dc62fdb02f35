//! Who leads a partition when brokers come and go.
//!
//! Changes of brokers walk over all partitions. They run when a broker registers, is fenced or is let in, never periodically.

use super::{Controller, Draft, Refusal};
use crate::ids::{NodeId, TopicPartition, Uuid};
use crate::metadata::configs::ResourceType;
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
            let successor = elect(image, partition, &isr);
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

/// `unclean.leader.election.enable`.
const UNCLEAN_ELECTION: &str = "unclean.leader.election.enable";

/// Elections that somebody asks for (E5).
impl Controller {
    pub(super) fn elect_leaders(
        &self,
        draft: &mut Draft,
        partitions: Option<&[TopicPartition]>,
        unclean: bool,
    ) -> Vec<(TopicPartition, Result<(), Refusal>)> {
        let of =
            |draft: &mut Draft, partition: &TopicPartition| (partition.clone(), elect_one(draft, partition, unclean));
        let Some(partitions) = partitions else {
            let all: Vec<TopicPartition> = (draft.image.topics())
                .flat_map(|topic| {
                    (0..topic.partition_count()).map(|index| TopicPartition::new(topic.name.clone(), index))
                })
                .collect();
            let tried = all.iter().map(|partition| of(draft, partition));
            return tried.filter(|(_, result)| *result != Err(Refusal::ElectionNotNeeded)).collect();
        };
        partitions.iter().map(|partition| of(draft, partition)).collect()
    }

    /// Whether a replica that is not in sync may lead partitions of `topic` where no other can.
    pub(super) fn unclean_election_allowed(&self, image: &MetadataImage, topic: &str) -> bool {
        let own = image.topic_config(topic).get(UNCLEAN_ELECTION).cloned();
        let of_all = || image.broker_config(None).get(UNCLEAN_ELECTION).cloned();
        let beneath = || self.settings.config_rules.value_beneath(ResourceType::Topic, UNCLEAN_ELECTION);
        own.or_else(of_all).or_else(beneath).is_some_and(|value| value == "true")
    }
}

fn elect_one(draft: &mut Draft, asked: &TopicPartition, unclean: bool) -> Result<(), Refusal> {
    let unknown = |what: String| Refusal::UnknownTopicOrPartition(what);
    let topic = draft.image.topic_by_name(&asked.topic);
    let topic = topic.ok_or_else(|| unknown(format!("No such topic as {}", asked.topic)))?;
    let partition = topic.partition(asked.partition).ok_or_else(|| unknown(format!("No such partition as {asked}")))?;
    let preferred = partition.replicas.first().copied();
    let leads_well = if unclean { partition.leader != NO_LEADER } else { Some(partition.leader) == preferred };
    if leads_well {
        return Err(Refusal::ElectionNotNeeded);
    }
    let image = &draft.image;
    let change = if unclean {
        let in_sync = elect(image, partition, &partition.isr);
        let leader = in_sync.or_else(|| elect(image, partition, &partition.replicas));
        let leader = leader.ok_or(Refusal::EligibleLeadersNotAvailable)?;
        // Whoever has less than the lost leader had makes what it has the truth.
        let isr = in_sync.is_none().then(|| vec![leader]);
        PartitionChange { leader: Some(leader), isr, ..PartitionChange::default() }
    } else {
        let leader = preferred.filter(|id| elect(image, partition, &partition.isr) == Some(*id));
        let leader = leader.ok_or(Refusal::PreferredLeaderNotAvailable)?;
        PartitionChange { leader: Some(leader), ..PartitionChange::default() }
    };
    let topic_id = topic.id;
    draft.push(MetadataRecord::PartitionChange { topic_id, partition: asked.partition, change });
    Ok(())
}

/// The first replica, in order of preference, that is among `candidates` and may lead.
pub(super) fn elect(image: &MetadataImage, partition: &PartitionImage, candidates: &[NodeId]) -> Option<NodeId> {
    let may_lead = |id: &NodeId| image.broker(*id).is_some_and(|broker| broker.may_lead());
    partition.replicas.iter().copied().find(|id| candidates.contains(id) && may_lead(id))
}
