//! A consumer group becomes a classic one when only members of the classic protocol are left (N11).

use super::super::classic::{ClassicGroup, Member as ClassicMember};
use super::super::records::StoredGroup;
use super::super::settings::MAX_GROUP_MEMBERS;
use super::super::shard::Turn;
use super::super::Text;
use super::assign::by_name;
use super::member::{ClassicPart, Member};
use super::partitions::Partitions;
use super::state::ConsumerGroup;
use super::working::Draft;
use crate::metadata::image::MetadataImage;
use crate::record::internal::consumer_protocol::{Assignment, TopicPartitions, LATEST_VERSION};
use bytes::Bytes;

/// The protocol type of consumers.
pub(super) const CONSUMER: &str = "consumer";

impl Turn<'_> {
    /// Whether a group without these members is to become a classic one.
    pub(super) fn may_downgrade_without(&self, group: &ConsumerGroup, leaving: &[Text]) -> bool {
        let is_modern = |id: &Text| group.member(id).is_some_and(|member| !member.is_classic());
        let left = group.len().saturating_sub(leaving.len());
        if left == 0 || group.classic_members() != left || !leaving.iter().all(is_modern) {
            return false;
        }
        if !self.shard.settings.consumer.migration.allows_downgrade() {
            tracing::info!(
                "Cannot downgrade a consumer group to a classic group because the online downgrade is disabled."
            );
            return false;
        }
        left <= self.shard.settings.effective_max_size().min(MAX_GROUP_MEMBERS)
    }

    /// Makes a classic group of the members that stay, which now rebalances.
    pub(super) fn downgrade(&mut self, draft: &mut Draft, leaving: &[Text]) {
        let mut classic = self.make_classic(&draft.id, &draft.group, leaving);
        self.prepare_rebalance(&mut classic);
        self.keep(classic);
    }

    /// Buries the consumer group and stores a classic one in its place: stable, of the same epoch, and assigned what the
    /// target says.
    pub(super) fn make_classic(&mut self, id: &Text, group: &ConsumerGroup, leaving: &[Text]) -> ClassicGroup {
        self.bury_consumer_group(id, group);
        let mut classic = ClassicGroup::from_stored(id.clone(), &StoredGroup::empty(Some(self.now.wall_ms)));
        classic.generation = group.epoch;
        for member in group.members().filter(|member| !leaving.contains(&member.id)) {
            self.stop_timers(id, &member.id);
            let Some(part) = &member.profile.classic else { continue };
            let mut like_before = classic_member(member, part);
            like_before.assignment = encoded(&self.shard.image, &group.target(&member.id), part);
            self.arm_session(id, &member.id, part.session_timeout_ms);
            classic.add(like_before, &CONSUMER.into());
        }
        classic.settle();
        tracing::info!("[GroupId {id}] Converted the consumer group to a classic group.");
        self.store(&classic);
        classic
    }
}

fn classic_member(member: &Member, part: &ClassicPart) -> ClassicMember {
    ClassicMember {
        id: member.id.clone(),
        instance_id: member.profile.instance_id.clone(),
        client_id: member.profile.client_id.clone(),
        client_host: member.profile.client_host.clone(),
        rebalance_timeout_ms: member.profile.rebalance_timeout_ms,
        session_timeout_ms: part.session_timeout_ms,
        protocols: part.protocols.clone(),
        assignment: Bytes::new(),
        awaiting_join: None,
        awaiting_sync: None,
        is_new: false,
    }
}

/// Partitions as a classic member reads them: by name, in the version of its own metadata.
pub(super) fn encoded(image: &MetadataImage, partitions: &Partitions, part: &ClassicPart) -> Bytes {
    let metadata = part.protocols.first().map(|protocol| protocol.metadata.clone()).unwrap_or_default();
    let version = metadata.first_chunk().map_or(0, |version| i16::from_be_bytes(*version)).clamp(0, LATEST_VERSION);
    let named = by_name(image, partitions).into_iter();
    let partitions = named.map(|(topic, _, partitions)| TopicPartitions { topic: topic.to_string(), partitions });
    let assignment = Assignment { partitions: partitions.collect(), user_data: None };
    assignment.encode(version).map(Bytes::from).unwrap_or_default()
}
