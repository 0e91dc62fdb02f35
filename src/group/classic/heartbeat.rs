//! Heartbeat, and what happens when it stays away (G7).

use super::super::error::GroupError;
use super::super::request::{Heartbeat, HeartbeatReply};
use super::super::shard::Turn;
use super::super::Caller;
use super::super::Text;
use super::state::{ClassicGroup, State};

impl Turn<'_> {
    /// A member shows that it lives; it learns so whether to rejoin.
    pub(in super::super) fn heartbeat(&mut self, caller: Caller, request: &Heartbeat) {
        let error = self.judge_heartbeat(request).err();
        self.reply(caller, HeartbeatReply { error });
    }

    fn judge_heartbeat(&mut self, request: &Heartbeat) -> Result<(), GroupError> {
        if let Some(draft) = self.consumer_draft(&request.group_id) {
            return self.beat_consumer_group(&draft, request);
        }
        let group = self.shard.group(&request.group_id).ok_or(GroupError::UnknownMemberId)?;
        group.validate_member(&request.member_id, request.group_instance_id.as_ref())?;
        if request.generation_id != group.generation {
            return Err(GroupError::IllegalGeneration);
        }
        self.renew_session(&group, &request.member_id);
        match group.state {
            State::PreparingRebalance => Err(GroupError::RebalanceInProgress),
            // In CompletingRebalance too: clients beat as soon as they have joined.
            _ => Ok(()),
        }
    }

    /// Starts the session of a member anew.
    pub(in super::super) fn renew_session(&mut self, group: &ClassicGroup, member_id: &str) {
        if let Some(member) = group.members.get(member_id) {
            self.arm_session(&group.id, &member.id, member.session_timeout_ms);
        }
    }

    /// A session ran down: the member, or the id given to a member-to-be, is dropped.
    pub(in super::super) fn session_timer(&mut self, group_id: &Text, member_id: &Text) {
        let Some(mut group) = self.shard.group(group_id) else { return };
        if group.pending_joins.remove(member_id).is_none() {
            match group.members.get(member_id) {
                Some(member) if !member.has_satisfied_heartbeat() => {
                    self.drop_member(&mut group, member_id, GroupError::UnknownMemberId);
                    if group.state != State::PreparingRebalance {
                        self.prepare_rebalance(&mut group);
                        return self.keep(group);
                    }
                }
                _ => return,
            }
        }
        // Even in the first join phase, as in Kafka: there is nobody left to wait for.
        if group.state == State::PreparingRebalance && group.has_all_members_joined() {
            self.complete_join(&mut group);
        }
        self.keep(group);
    }
}
