//! ShareGroupHeartbeat: a member joins, shows that it lives, leaves, and hears what to read.

use super::super::consumer::{Partitions, Refusal};
use super::super::effects::{Soft, TimerKey};
use super::super::error::GroupError;
use super::super::records::Record;
use super::super::request::Client;
use super::super::shard::Turn;
use super::super::{Caller, Text};
use super::assignor::assign;
use super::records::{Current, GroupEpoch, Profile, ShareRecord};
use super::request::{ShareGroupHeartbeat, ShareGroupHeartbeatReply, ToSetUp};
use super::state::{Member, ShareGroup};

/// A member that joins.
const JOIN_EPOCH: i32 = 0;
/// One that leaves.
const LEAVE_EPOCH: i32 = -1;

/// A copy of a group that the records of this turn change.
pub(super) struct Draft {
    /// The group's id.
    pub(super) id: Text,
    /// What it is by now.
    pub(super) group: ShareGroup,
}

impl ShareGroupHeartbeat {
    /// What is wrong with the request by itself, in Kafka's order.
    pub(in super::super) fn judge(&self) -> Result<(), Refusal> {
        if self.member_id.is_empty() {
            return Err(Refusal::invalid("MemberId can't be empty."));
        }
        if self.group_id.is_empty() {
            return Err(Refusal::invalid("GroupId can't be empty."));
        }
        if self.rack_id.as_ref().is_some_and(|rack| rack.is_empty()) {
            return Err(Refusal::invalid("RackId can't be empty."));
        }
        match self.member_epoch {
            JOIN_EPOCH if self.subscribed_topics.as_ref().is_none_or(Vec::is_empty) => {
                Err(Refusal::invalid("SubscribedTopicNames must be set in first request."))
            }
            epoch if epoch < LEAVE_EPOCH => Err(Refusal::invalid("MemberEpoch is invalid.")),
            _ => Ok(()),
        }
    }
}

impl Turn<'_> {
    /// A member joins, beats or leaves. What is refused changes nothing.
    pub(in super::super) fn share_heartbeat(&mut self, caller: Caller, client: &Client, request: &ShareGroupHeartbeat) {
        let judged = match request.member_epoch {
            LEAVE_EPOCH => self.leave_share_group(request),
            _ => self.share_beat(client, request),
        };
        let reply = judged.unwrap_or_else(|refusal| {
            self.out = Default::default();
            ShareGroupHeartbeatReply::refused(refusal)
        });
        self.reply(caller, reply);
    }

    /// A copy of a share group.
    pub(super) fn share_draft(&self, id: &Text) -> Result<Draft, Refusal> {
        let entry = self.shard.groups.get(id);
        match entry.and_then(|entry| entry.share.as_deref()) {
            Some(group) => Ok(Draft { id: id.clone(), group: group.clone() }),
            None if entry.is_some() => Err(Refusal::not_found(format!("Group {id} is not a share group."))),
            None => Err(Refusal::not_found(format!("Group {id} not found."))),
        }
    }

    fn share_group_to_join(&mut self, id: &Text) -> Result<Draft, Refusal> {
        if self.shard.groups.contains_key(id) {
            return self.share_draft(id);
        }
        self.admit_group().map_err(|error| Refusal::new(error, "This coordinator has too many groups."))?;
        Ok(Draft { id: id.clone(), group: ShareGroup::default() })
    }

    /// Writes a record and takes it in.
    pub(super) fn write_share(&mut self, draft: &mut Draft, record: ShareRecord) {
        self.out.records.push(Record::Share { group: draft.id.clone(), record: record.clone() });
        draft.group.apply(record);
    }

    fn share_beat(
        &mut self,
        client: &Client,
        request: &ShareGroupHeartbeat,
    ) -> Result<ShareGroupHeartbeatReply, Refusal> {
        let joins = request.member_epoch == JOIN_EPOCH;
        let id = &request.group_id;
        let mut draft = if joins { self.share_group_to_join(id)? } else { self.share_draft(id)? };
        let member_id = &request.member_id;
        let before = match draft.group.members.get(member_id) {
            Some(member) => member.clone(),
            None if joins => self.new_share_member(&draft)?,
            None => return Err(Refusal::unknown_member(id, member_id)),
        };
        if !joins {
            validate_epoch(&before.current, request.member_epoch)?;
        }
        let profile = Profile {
            rack_id: request.rack_id.clone().or_else(|| before.profile.rack_id.clone()),
            client_id: client.id.clone(),
            client_host: client.host.clone(),
            topics: request
                .subscribed_topics
                .as_ref()
                .map_or_else(|| before.profile.topics.clone(), |topics| topics.iter().cloned().collect()),
        };
        let is_new = !draft.group.members.contains_key(member_id);
        let resubscribed = profile.topics != before.profile.topics;
        if is_new || profile != before.profile {
            self.write_share(&mut draft, ShareRecord::Profile(member_id.clone(), Some(profile)));
        }
        self.raise_share_epoch(&mut draft, is_new || resubscribed);
        let after = self.reconcile_share(&mut draft, member_id);
        let settings = self.shard.settings.share.of_group(&self.shard.image, id);
        self.arm_session(id, member_id, settings.session_timeout_ms);
        let is_full = joins || request.subscribed_topics.is_some();
        let changed = after.assigned != before.current.assigned;
        Ok(ShareGroupHeartbeatReply {
            refusal: None,
            member_id: Some(member_id.clone()),
            member_epoch: after.epoch,
            heartbeat_interval_ms: settings.heartbeat_interval_ms,
            assignment: (is_full || changed).then(|| after.assigned.clone()),
            to_set_up: self.ask_to_set_up(&mut draft),
        })
    }

    fn new_share_member(&self, draft: &Draft) -> Result<Member, Refusal> {
        let max_size = self.shard.settings.share.max_size;
        if draft.group.members.len() >= max_size {
            let message = format!("The share group has reached its maximum capacity of {max_size} members.");
            return Err(Refusal::new(GroupError::GroupMaxSizeReached, message));
        }
        Ok(Member::default())
    }

    /// Raises the group's epoch where what its members may read has changed, and computes its target anew.
    pub(super) fn raise_share_epoch(&mut self, draft: &mut Draft, changed: bool) {
        let shard = self.shard;
        let metadata_hash = draft.group.metadata_hash(&shard.image);
        if changed || metadata_hash != draft.group.epoch.metadata_hash {
            let epoch = draft.group.epoch.epoch.saturating_add(1);
            self.write_share(draft, ShareRecord::Epoch(Some(GroupEpoch { epoch, metadata_hash })));
        }
        if draft.group.epoch.epoch > draft.group.target_epoch {
            for (member, target) in assign(&draft.group.readable(&shard.image)) {
                if draft.group.members.get(&member).is_some_and(|known| known.target != target) {
                    self.write_share(draft, ShareRecord::Target(member, Some(target)));
                }
            }
            let target_epoch = (draft.group.epoch.epoch, self.now.wall_ms);
            self.write_share(draft, ShareRecord::TargetEpoch(Some(target_epoch)));
        }
    }

    /// Takes a member to its target, at once: nobody has to give anything up before.
    fn reconcile_share(&mut self, draft: &mut Draft, member_id: &Text) -> Current {
        let epoch = draft.group.target_epoch;
        let member = draft.group.members.get(member_id).cloned().unwrap_or_default();
        let Member { current, target, .. } = member;
        if current.epoch == epoch && current.assigned == target {
            return current;
        }
        let previous_epoch = if current.epoch == epoch { current.previous_epoch } else { current.epoch };
        let after = Current { epoch, previous_epoch, assigned: target };
        self.write_share(draft, ShareRecord::Current(member_id.clone(), Some(after.clone())));
        after
    }

    /// Partitions that the share coordinator is to set up; noted, so that not every member's beat asks for them. What was
    /// asked for and did not come is asked for again after a while (`group.share.initialize.retry.interval.ms`).
    fn ask_to_set_up(&mut self, draft: &mut Draft) -> Option<ToSetUp> {
        let shard = self.shard;
        let asked_ms = shard.groups.get(&draft.id).and_then(|entry| entry.share_asked_ms);
        let retry_ms = shard.settings.share.initialize_retry_ms;
        let stale = asked_ms.is_none_or(|asked_ms| self.now.mono_ms - asked_ms >= retry_ms);
        let topics = draft.group.to_set_up(&shard.image, stale);
        if topics.is_empty() {
            return None;
        }
        let mut state = draft.group.state.clone();
        for (topic_id, name, partitions) in &topics {
            let known = state.initializing.entry(*topic_id).or_insert_with(|| (name.clone(), Default::default()));
            known.1.extend(partitions);
        }
        if state != draft.group.state {
            self.write_share(draft, ShareRecord::StatePartitions(Some(state)));
        }
        self.out.soft.push(Soft::ShareAsked { group: draft.id.clone(), at_ms: self.now.mono_ms });
        Some(ToSetUp { state_epoch: draft.group.epoch.epoch, topics })
    }

    fn leave_share_group(&mut self, request: &ShareGroupHeartbeat) -> Result<ShareGroupHeartbeatReply, Refusal> {
        let mut draft = self.share_draft(&request.group_id)?;
        if !draft.group.members.contains_key(&request.member_id) {
            return Err(Refusal::unknown_member(&request.group_id, &request.member_id));
        }
        self.fence_share(&mut draft, &request.member_id);
        Ok(ShareGroupHeartbeatReply {
            refusal: None,
            member_id: Some(request.member_id.clone()),
            member_epoch: LEAVE_EPOCH,
            heartbeat_interval_ms: 0,
            assignment: None,
            to_set_up: None,
        })
    }

    /// A member is out.
    fn fence_share(&mut self, draft: &mut Draft, member: &Text) {
        self.cancel(TimerKey::Session { group: draft.id.clone(), member: member.clone() });
        self.write_share(draft, ShareRecord::Current(member.clone(), None));
        self.write_share(draft, ShareRecord::Target(member.clone(), None));
        self.write_share(draft, ShareRecord::Profile(member.clone(), None));
        let epoch = GroupEpoch { epoch: draft.group.epoch.epoch.saturating_add(1), ..draft.group.epoch };
        self.write_share(draft, ShareRecord::Epoch(Some(epoch)));
    }

    /// A member has been silent for too long.
    pub(in super::super) fn share_session_timer(&mut self, group: &Text, member: &Text) {
        let Ok(mut draft) = self.share_draft(group) else { return };
        if draft.group.members.contains_key(member) {
            tracing::info!("[GroupId {group}] Member {member} fenced from the group because its session expired.");
            self.fence_share(&mut draft, member);
        }
    }

    /// After a load: every member gets a full session.
    pub(in super::super) fn watch_share_members(&mut self, id: &Text, group: &ShareGroup) {
        let session_timeout_ms = self.shard.settings.share.of_group(&self.shard.image, id).session_timeout_ms;
        for member in group.members.keys() {
            self.arm_session(id, member, session_timeout_ms);
        }
    }
}

/// A member is in its epoch, or in the one before if the answer that raised it may have been lost.
fn validate_epoch(current: &Current, said: i32) -> Result<(), Refusal> {
    if said == current.epoch || said == current.previous_epoch {
        return Ok(());
    }
    let how = if said > current.epoch { "greater" } else { "smaller" };
    let message = format!(
        "The share group member has a {how} member epoch ({said}) than the one known by the group coordinator ({}). \
         The member must abandon all its partitions and rejoin.",
        current.epoch
    );
    Err(Refusal::new(GroupError::FencedMemberEpoch, message))
}

/// Partitions as a list of topics, for whoever describes a member.
pub(super) fn by_topic(partitions: &Partitions) -> Vec<(crate::ids::Uuid, Vec<i32>)> {
    partitions.topics().map(|(topic, indexes)| (*topic, indexes.iter().copied().collect())).collect()
}
