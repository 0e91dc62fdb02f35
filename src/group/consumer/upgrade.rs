//! A classic group becomes a consumer group when its first member comes that speaks the new protocol (N11). Its classic
//! members stay as they are and go on with JoinGroup, SyncGroup and Heartbeat.

use super::super::classic::{ClassicGroup, State};
use super::super::effects::TimerKey;
use super::super::error::GroupError;
use super::super::records::Record;
use super::super::request::{JoinGroupReply, SyncGroupReply};
use super::super::settings::MAX_GROUP_MEMBERS;
use super::super::shard::Turn;
use super::super::Text;
use super::member::{ClassicPart, Current, MemberState, Profile};
use super::partitions::{Owned, Partitions};
use super::records::{ConsumerRecord, GroupEpoch, TargetEpoch};
use super::refusal::Refusal;
use super::state::ConsumerGroup;
use super::subscription::metadata_hash;
use super::working::Draft;
use crate::metadata::image::MetadataImage;
use crate::record::internal::consumer_protocol::{Assignment, Subscription, TopicPartitions};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Turn<'_> {
    /// Makes a consumer group of a classic one: of an empty one without more ado, else if the policy allows it and its
    /// members speak the consumers' own protocol.
    pub(super) fn upgrade(&mut self, classic: &ClassicGroup) -> Result<Draft, Refusal> {
        let mut draft = Draft { id: classic.id.clone(), group: ConsumerGroup::new() };
        if classic.state == State::Empty {
            self.stop_classic_group(classic);
            self.out.records.push(Record::Group { group: classic.id.clone(), value: None });
            return Ok(draft);
        }
        self.validate_upgrade(classic)?;
        let members = members_of(&self.shard.image, classic).map_err(|why| {
            let message = format!("Cannot upgrade classic group {} to consumer group because {why}", classic.id);
            tracing::warn!("{message}");
            Refusal::not_found(message)
        })?;
        self.dismiss_parked(classic);
        self.stop_classic_group(classic);
        self.out.records.push(Record::Group { group: classic.id.clone(), value: None });
        // Before the first generation its number is 0, and that epoch means joining.
        let epoch = classic.generation.max(1);
        for (member, profile, _) in &members {
            let (member, value) = (member.clone(), Some(profile.clone()));
            self.write(&mut draft, ConsumerRecord::Profile { member, value });
        }
        let metadata_hash = metadata_hash(&self.shard.image, &draft.group);
        self.write(&mut draft, ConsumerRecord::Epoch(Some(GroupEpoch { epoch, metadata_hash })));
        for (member, _, assigned) in &members {
            let (member, value) = (member.clone(), Some(Arc::new(assigned.clone())));
            self.write(&mut draft, ConsumerRecord::Target { member, value });
        }
        self.write(&mut draft, ConsumerRecord::TargetEpoch(Some(TargetEpoch { epoch, computed_ms: 0 })));
        for (member, profile, assigned) in members {
            let owned: Owned = assigned.iter().map(|(topic, partition)| (topic, partition, epoch)).collect();
            let (assigned, revoking) = (Arc::new(owned), Arc::default());
            let value = Current { epoch, previous_epoch: epoch, state: MemberState::Stable, assigned, revoking };
            self.write(&mut draft, ConsumerRecord::Current { member: member.clone(), value: Some(value) });
            let session_timeout_ms = profile.classic.map_or(0, |classic| classic.session_timeout_ms);
            self.arm_session(&classic.id, &member, session_timeout_ms);
        }
        tracing::info!("[GroupId {}] Converted the classic group to a consumer group.", classic.id);
        Ok(draft)
    }

    fn validate_upgrade(&self, classic: &ClassicGroup) -> Result<(), Refusal> {
        let settings = &self.shard.settings.consumer;
        let why = if !settings.migration.allows_upgrade() {
            "online upgrade is disabled"
        } else if !classic.is_consumer_protocol() {
            "the group does not use the consumer embedded protocol"
        } else if classic.members.len() > settings.max_size.min(MAX_GROUP_MEMBERS) {
            "the group size exceeds the consumer group maximum size"
        } else {
            return Ok(());
        };
        let id = &classic.id;
        tracing::info!("Cannot upgrade classic group {id} to consumer group because {why}.");
        Err(Refusal::not_found(format!("Cannot upgrade classic group {id} to consumer group because {why}.")))
    }

    /// Whoever waits in the classic group has to join again.
    fn dismiss_parked(&mut self, classic: &ClassicGroup) {
        let error = GroupError::RebalanceInProgress;
        for member in classic.members.iter() {
            if let Some(caller) = member.awaiting_join {
                self.reply(caller, JoinGroupReply::refused(error, member.id.clone()));
            }
            if let Some(caller) = member.awaiting_sync {
                self.reply(caller, SyncGroupReply::refused(error));
            }
        }
    }

    /// Cancels every timer of a classic group.
    fn stop_classic_group(&mut self, classic: &ClassicGroup) {
        let group = || classic.id.clone();
        self.cancel(TimerKey::Join { group: group() });
        self.cancel(TimerKey::Sync { group: group() });
        for member in classic.members.ids().into_iter().chain(classic.pending_joins.iter().cloned()) {
            self.cancel(TimerKey::Session { group: group(), member });
        }
    }
}

const MALFORMED: &str = "the embedded consumer protocol is malformed.";
/// Whatever an assignor of the clients' own keeps with an assignment, no other could go on with.
const CUSTOM_ASSIGNOR: &str =
    "an unsupported custom assignor is in use. Please refer to the documentation or switch to \
                               a default assignor before re-attempting the upgrade.";

/// The members with what they hold. A partition that clients gave to two of them stays with the first.
fn members_of(image: &MetadataImage, classic: &ClassicGroup) -> Result<Vec<(Text, Profile, Partitions)>, &'static str> {
    let mut taken = BTreeSet::new();
    let mut members = Vec::new();
    for member in classic.members.iter() {
        let chosen = classic.protocol_name.as_deref().map(|protocol| member.metadata(protocol));
        let first = || member.protocols.first().map(|protocol| protocol.metadata.clone()).unwrap_or_default();
        let subscription = Subscription::decode(&chosen.unwrap_or_else(first)).map_err(|_| MALFORMED)?;
        let assignment = match member.assignment.is_empty() {
            true => Assignment::default(),
            false => Assignment::decode(&member.assignment).map_err(|_| MALFORMED)?,
        };
        if assignment.user_data.is_some_and(|data| !data.is_empty()) {
            return Err(CUSTOM_ASSIGNOR);
        }
        let assigned = by_id(image, &assignment.partitions);
        let assigned: Partitions = assigned.iter().filter(|place| taken.insert(*place)).collect();
        let profile = Profile {
            instance_id: member.instance_id.clone(),
            rack_id: subscription.rack_id.map(Text::from),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            topics: Arc::new(subscription.topics.into_iter().map(Text::from).collect()),
            regex: None,
            rebalance_timeout_ms: member.rebalance_timeout_ms,
            assignor: None,
            classic: Some(ClassicPart {
                session_timeout_ms: member.session_timeout_ms,
                protocols: member.protocols.clone(),
            }),
        };
        members.push((member.id.clone(), profile, assigned));
    }
    Ok(members)
}

/// Partitions of topics that exist, by topic id.
pub(super) fn by_id(image: &MetadataImage, topics: &[TopicPartitions]) -> Partitions {
    let known = topics.iter().filter_map(|named| Some((image.topic_by_name(&named.topic)?.id, &named.partitions)));
    known.flat_map(|(id, partitions)| partitions.iter().map(move |partition| (id, *partition))).collect()
}
