//! Members that leave, by their own word or because they were silent or slow (N1, N6).

use super::super::effects::TimerKey;
use super::super::request::{ConsumerGroupHeartbeat, ConsumerGroupHeartbeatReply};
use super::super::shard::Turn;
use super::super::Text;
use super::heartbeat::static_member;
use super::member::{Current, Member, MemberState, STATIC_LEAVE_EPOCH};
use super::records::ConsumerRecord;
use super::refusal::Refusal;
use super::state::ConsumerGroup;
use super::subscription::metadata_hash;
use super::working::Draft;
use std::sync::Arc;

impl Turn<'_> {
    /// A member leaves for good, or (static) to come back within its session.
    pub(super) fn leave_consumer_group(
        &mut self,
        request: &ConsumerGroupHeartbeat,
    ) -> Result<ConsumerGroupHeartbeatReply, Refusal> {
        let mut draft = self.consumer_group(&request.group_id, "Group")?;
        let member_id = &request.member_id;
        let member = match &request.instance_id {
            Some(instance_id) => static_member(&draft, instance_id, member_id)?,
            None => {
                let unknown = || Refusal::unknown_member(&draft.id, member_id);
                (**draft.group.member(member_id).ok_or_else(unknown)?).clone()
            }
        };
        if request.member_epoch == STATIC_LEAVE_EPOCH {
            self.leave_for_a_while(&mut draft, &member);
        } else {
            self.fence(&mut draft, &[member.id]);
        }
        Ok(ConsumerGroupHeartbeatReply {
            refusal: None,
            member_id: Some(member_id.clone()),
            member_epoch: request.member_epoch,
            heartbeat_interval_ms: 0,
            assignment: None,
        })
    }

    /// A static member keeps what it has until it is back, or its session ends.
    fn leave_for_a_while(&mut self, draft: &mut Draft, member: &Member) {
        let left = Current { epoch: STATIC_LEAVE_EPOCH, revoking: Arc::default(), ..member.current.clone() };
        self.write(draft, ConsumerRecord::Current { member: member.id.clone(), value: Some(left) });
        self.cancel(TimerKey::Revoke { group: draft.id.clone(), member: member.id.clone() });
    }

    /// Members are out. If only members of the classic protocol are left, so is the group (N11).
    pub(super) fn fence(&mut self, draft: &mut Draft, members: &[Text]) {
        for member in members {
            self.stop_timers(&draft.id, member);
        }
        if self.may_downgrade_without(&draft.group, members) {
            return self.downgrade(draft, members);
        }
        for member in members {
            let regex = draft.group.member(member).and_then(|member| member.profile.regex().cloned());
            self.remove_member(draft, member);
            if let Some(regex) = regex {
                self.forget_regex(draft, &regex);
            }
        }
        let metadata_hash = metadata_hash(&self.shard.image, &draft.group);
        self.raise_epoch(draft, metadata_hash);
    }

    /// Tombstones for all that is kept of a member.
    pub(super) fn remove_member(&mut self, draft: &mut Draft, member: &Text) {
        let member = || member.clone();
        self.write(draft, ConsumerRecord::Current { member: member(), value: None });
        self.write(draft, ConsumerRecord::Target { member: member(), value: None });
        self.write(draft, ConsumerRecord::Profile { member: member(), value: None });
    }

    /// A member's session ran down, or its classic timers did.
    pub(in super::super) fn fence_timer(&mut self, group: &Text, member: &Text, why: &str) {
        let Some(mut draft) = self.consumer_draft(group) else { return };
        if draft.group.member(member).is_some() {
            tracing::info!("[GroupId {group}] Member {member} fenced from the group because {why}.");
            self.fence(&mut draft, std::slice::from_ref(member));
        }
    }

    /// A member has not given up in time what it must.
    pub(in super::super) fn revoke_timer(&mut self, group: &Text, member: &Text) {
        let Some(draft) = self.consumer_draft(group) else { return };
        let state = draft.group.member(member).map(|member| member.current.state);
        if state == Some(MemberState::Unrevoked) {
            self.fence_timer(group, member, "it failed to give its partitions up within its rebalance timeout");
        }
    }

    /// After a load: every member gets a full session, and those that have to give something up a full timeout for it.
    pub(in super::super) fn watch_members(&mut self, id: &Text, group: &ConsumerGroup) {
        let session_timeout_ms = self.shard.group_settings(id).session_timeout_ms;
        for member in group.members() {
            let classic = member.profile.classic.as_ref();
            self.arm_session(id, &member.id, classic.map_or(session_timeout_ms, |part| part.session_timeout_ms));
            self.watch_revocation(id, member, member.current.state);
        }
    }

    /// Cancels every timer of a member.
    pub(super) fn stop_timers(&mut self, group: &Text, member: &Text) {
        let (group, member) = (|| group.clone(), || member.clone());
        self.cancel(TimerKey::Session { group: group(), member: member() });
        self.cancel(TimerKey::Revoke { group: group(), member: member() });
        self.cancel(TimerKey::Rejoin { group: group(), member: member() });
        self.cancel(TimerKey::Resync { group: group(), member: member() });
    }

    /// Cancels what ran for a member as long as it spoke the classic protocol.
    pub(super) fn stop_classic_timers(&mut self, group: &Text, before: &Member) {
        if before.is_classic() {
            self.cancel(TimerKey::Rejoin { group: group.clone(), member: before.id.clone() });
            self.cancel(TimerKey::Resync { group: group.clone(), member: before.id.clone() });
        }
    }
}
