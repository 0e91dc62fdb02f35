//! New partitions: of new topics, and of topics that grow (CreatePartitions, M12).

use super::placement::Placer;
use super::request::{CreatePartitions, MorePartitions};
use super::topics::{duplicates, MAX_NEW_PARTITIONS_PER_REQUEST};
use super::{Controller, Draft, Refusal};
use crate::ids::{NodeId, Uuid};
use crate::metadata::image::{MetadataImage, PartitionImage};
use crate::metadata::record::MetadataRecord;

impl Controller {
    pub(super) fn create_partitions(
        &self,
        draft: &mut Draft,
        request: &CreatePartitions,
    ) -> Vec<(String, Result<(), Refusal>)> {
        let doubled = duplicates(request.topics.iter().map(|topic| topic.name.as_str()));
        let mut results: Vec<(String, Result<(), Refusal>)> = Vec::with_capacity(request.topics.len());
        let mut room = MAX_NEW_PARTITIONS_PER_REQUEST;
        let before = (draft.records.len(), draft.image.clone());
        for topic in &request.topics {
            let result = if doubled.contains(topic.name.as_str()) {
                if results.iter().any(|(name, _)| *name == topic.name) {
                    continue;
                }
                Err(Refusal::InvalidRequest("Duplicate topic name.".to_owned()))
            } else {
                self.more_partitions(draft, topic, &mut room)
            };
            results.push((topic.name.clone(), result));
        }
        if request.validate_only {
            draft.rewind(before.0, before.1);
        }
        results
    }

    fn more_partitions(&self, draft: &mut Draft, request: &MorePartitions, room: &mut i64) -> Result<(), Refusal> {
        let topic = draft.image.topic_by_name(&request.name).ok_or_else(Refusal::unknown_topic)?.clone();
        let present = topic.partition_count();
        if request.count == present {
            return Err(Refusal::InvalidPartitions(format!("Topic already has {present} partition(s).")));
        }
        if request.count < present {
            return Err(Refusal::InvalidPartitions(format!(
                "The topic {} currently has {present} partition(s); {} would not be an increase.",
                request.name, request.count
            )));
        }
        if topic.partitions.iter().any(|partition| partition.is_reassigning()) {
            return Err(Refusal::ReassignmentInProgress(request.name.clone()));
        }
        let additional = request.count - present;
        if let Some(assignments) = &request.assignments {
            if assignments.len() as i64 != i64::from(additional) {
                return Err(Refusal::InvalidReplicaAssignment(format!(
                    "Attempted to add {additional} additional partition(s), but only {} assignment(s) were specified.",
                    assignments.len()
                )));
            }
        }
        // Kafka answers UNKNOWN_SERVER_ERROR here, once its list of records is full.
        if i64::from(additional) > *room {
            return Err(Refusal::PolicyViolation("Excessively large number of partitions per request.".to_owned()));
        }
        let factor = topic.replication_factor();
        let states = match &request.assignments {
            Some(assignments) => (present..)
                .zip(assignments)
                .map(|(index, replicas)| assigned(&draft.image, index, replicas, Some(factor.max(0) as usize)))
                .collect::<Result<Vec<_>, _>>()?,
            None => self.placed(&draft.image, additional, factor)?,
        };
        *room -= i64::from(additional);
        push_partitions(draft, topic.id, present, states);
        Ok(())
    }

    /// `count` partitions with replicas that the controller chooses.
    pub(super) fn placed(
        &self,
        image: &MetadataImage,
        count: i32,
        replication_factor: i16,
    ) -> Result<Vec<PartitionImage>, Refusal> {
        let mut placer = Placer::new(image, replication_factor, &self.rng)?;
        Ok((0..count).map(|_| new_partition(image, placer.place())).collect())
    }
}

/// Records the partitions `first..` of a topic.
pub(super) fn push_partitions(draft: &mut Draft, topic_id: Uuid, first: i32, states: Vec<PartitionImage>) {
    for (partition, state) in (first..).zip(states) {
        draft.push(MetadataRecord::Partition { topic_id, partition, state });
    }
}

/// Partition `index` with replicas that the caller chose. Every partition of a topic has equally many.
pub(super) fn assigned(
    image: &MetadataImage,
    index: i32,
    replicas: &[NodeId],
    expected: Option<usize>,
) -> Result<PartitionImage, Refusal> {
    assigned_to(image, replicas, expected)?;
    let state = new_partition(image, replicas.to_vec());
    if state.isr.is_empty() {
        return Err(Refusal::InvalidReplicaAssignment(format!(
            "All brokers specified in the manual partition assignment for partition {index} are fenced or in \
             controlled shutdown."
        )));
    }
    Ok(state)
}

/// Judges replicas that the caller chose, `expected` in number.
pub(super) fn assigned_to(image: &MetadataImage, replicas: &[NodeId], expected: Option<usize>) -> Result<(), Refusal> {
    let refuse = |why: String| Err(Refusal::InvalidReplicaAssignment(why));
    if replicas.is_empty() {
        return refuse("The manual partition assignment includes an empty replica list.".to_owned());
    }
    let mut sorted = replicas.to_vec();
    sorted.sort_unstable();
    for (place, broker) in sorted.iter().enumerate() {
        if image.broker(*broker).is_none() {
            return refuse(format!(
                "The manual partition assignment includes broker {broker}, but no such broker is registered."
            ));
        }
        if place > 0 && sorted[place - 1] == *broker {
            return refuse(format!("The manual partition assignment includes the broker {broker} more than once."));
        }
    }
    if let Some(expected) = expected.filter(|expected| *expected != replicas.len()) {
        return refuse(format!(
            "The manual partition assignment includes a partition with {} replica(s), but this is not consistent with \
             previous partitions, which have {expected} replica(s).",
            replicas.len()
        ));
    }
    Ok(())
}

/// A partition's first state: in sync is who may lead, and the first of those leads.
fn new_partition(image: &MetadataImage, replicas: Vec<NodeId>) -> PartitionImage {
    let may_lead = |id: &NodeId| image.broker(*id).is_some_and(|broker| broker.may_lead());
    let isr: Vec<NodeId> = replicas.iter().copied().filter(may_lead).collect();
    PartitionImage {
        directories: replicas.iter().map(|id| directory_of_new(image, *id)).collect(),
        leader: isr.first().copied().unwrap_or(crate::metadata::image::NO_LEADER),
        isr,
        replicas,
        ..PartitionImage::default()
    }
}

/// Where a new replica will lie: a broker with one log directory has no choice to make.
pub(super) fn directory_of_new(image: &MetadataImage, broker: NodeId) -> Uuid {
    match image.broker(broker).map(|broker| broker.log_dirs.as_slice()) {
        Some([only]) => *only,
        _ => Uuid::nil(),
    }
}
