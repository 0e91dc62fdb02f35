//! The target assignment: when it is computed, by which assignor, and what is stored of it (N3, N9).
//!
//! It is computed within the step, as in Kafka 4.3.1. Absent: doing so off the shard's lock, which an assignment of very many
//! partitions will want; the assignors are pure, so that it can be a deed.

use super::super::effects::TimerKey;
use super::super::shard::Turn;
use super::super::Text;
use super::assignor::{Assignor, GroupSpec, MemberSpec};
use super::partitions::Partitions;
use super::records::{ConsumerRecord, TargetEpoch};
use super::state::ConsumerGroup;
use super::subscription::topic_ids;
use super::working::Draft;
use crate::ids::Uuid;
use crate::metadata::image::MetadataImage;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

impl Turn<'_> {
    /// Computes the target assignment if it is of an older epoch than the group, and the last one is old enough. If it
    /// is not, a timer does so later (Kafka waits for the first heartbeat then).
    pub(super) fn assign_if_due(&mut self, draft: &mut Draft) {
        if draft.group.epoch <= draft.group.target_epoch {
            return;
        }
        let (now_ms, computed_ms) = (self.now.wall_ms, draft.group.target_computed_ms);
        let interval_ms = self.shard.group_settings(&draft.id).assignment_interval_ms;
        let due_ms = computed_ms.saturating_add(interval_ms);
        // A clock that was set back must not hold an assignment up.
        if computed_ms > 0 && computed_ms <= now_ms && now_ms < due_ms {
            return self.arm(TimerKey::Assign { group: draft.id.clone() }, due_ms - now_ms);
        }
        self.assign(draft);
    }

    fn assign(&mut self, draft: &mut Draft) {
        let shard = self.shard;
        let assignor = preferred_assignor(&draft.group, &shard.settings.consumer.assignors);
        let assigned = assignor.assign(&group_spec(&shard.image, &draft.group));
        for (member, target) in assigned {
            if *draft.group.target(&member) != target {
                self.write(draft, ConsumerRecord::Target { member, value: Some(Arc::new(target)) });
            }
        }
        let epoch = draft.group.epoch;
        let computed = TargetEpoch { epoch, computed_ms: self.now.wall_ms };
        self.write(draft, ConsumerRecord::TargetEpoch(Some(computed)));
        let (id, name) = (&draft.id, assignor.name());
        tracing::info!("[GroupId {id}] Computed a new target assignment for epoch {epoch} with '{name}' assignor.");
    }

    /// The interval has passed.
    pub(in super::super) fn assign_timer(&mut self, group: &Text) {
        let Some(mut draft) = self.consumer_draft(group) else { return };
        if !draft.group.is_empty() {
            self.assign_if_due(&mut draft);
        }
    }
}

/// The assignor that most members ask for, or else the first that the operator names.
pub(super) fn preferred_assignor(group: &ConsumerGroup, assignors: &[Assignor]) -> Assignor {
    let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
    for name in group.members().filter_map(|member| member.profile.assignor.as_ref()) {
        *votes.entry(name).or_default() += 1;
    }
    let known = assignors.iter().map(|assignor| (*assignor, votes.get(assignor.name()).copied().unwrap_or(0)));
    let most = known.clone().map(|(_, votes)| votes).max().unwrap_or(0);
    known.filter(|(_, votes)| *votes == most).map(|(assignor, _)| assignor).next().unwrap_or(Assignor::Uniform)
}

/// Topics and expression of a member.
type Subscription<'a> = (&'a BTreeSet<Text>, Option<&'a Text>);

/// What the assignor is told. Members with the same subscription share one set of topics.
fn group_spec(image: &MetadataImage, group: &ConsumerGroup) -> GroupSpec {
    let mut seen: BTreeMap<Subscription<'_>, Arc<BTreeSet<Uuid>>> = BTreeMap::new();
    let mut members = BTreeMap::new();
    for member in group.members() {
        let subscription = (&*member.profile.topics, member.profile.regex());
        let topics = seen.entry(subscription).or_insert_with(|| Arc::new(topic_ids(image, group.topics_of(member))));
        let spec = MemberSpec {
            instance_id: member.profile.instance_id.clone(),
            topics: topics.clone(),
            target: group.target(&member.id),
        };
        members.insert(member.id.clone(), spec);
    }
    let topics: BTreeSet<&Uuid> = seen.values().flat_map(|topics| topics.iter()).collect();
    let count = |id: &Uuid| image.topic_by_id(id).map_or(0, |topic| topic.partition_count());
    let partition_counts = topics.into_iter().map(|id| (*id, count(id))).collect();
    GroupSpec { members, partition_counts }
}

/// Partitions that exist, by topic name.
pub(super) fn by_name(image: &MetadataImage, partitions: &Partitions) -> Vec<(Text, Uuid, Vec<i32>)> {
    let named = partitions.topics().filter_map(|(id, partitions)| {
        let topic = image.topic_by_id(id)?;
        Some((topic.name.clone(), *id, partitions.iter().copied().collect()))
    });
    named.collect()
}
