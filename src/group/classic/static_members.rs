//! A static member that comes back without its member id (G10, KIP-345, KIP-814).

use super::super::effects::TimerKey;
use super::super::error::GroupError;
use super::super::request::{JoinGroup, JoinGroupReply, SyncGroupReply};
use super::super::shard::Turn;
use super::super::Caller;
use super::super::Text;
use super::rebalance::{joined, joined_members};
use super::state::{ClassicGroup, State};

impl Turn<'_> {
    /// Gives the member of `request`'s instance id a new member id. In a stable group whose protocol stays, the others
    /// do not notice; else the group rebalances.
    pub(super) fn return_static_member(
        &mut self,
        group: &mut ClassicGroup,
        caller: Caller,
        request: &JoinGroup,
        old_id: &Text,
        new_id: &Text,
    ) {
        let leader_before = group.leader.clone();
        self.replace_static_member(group, old_id, new_id);
        self.update_member(group, None, request, new_id);
        self.arm_session(&group.id, new_id, request.session_timeout_ms);
        let protocol_stays = group.members.select_protocol() == group.protocol_name;
        if group.state == State::Stable && protocol_stays {
            self.store(group);
            let reply = self.returned(group, request, new_id, leader_before);
            return self.reply(caller, reply);
        }
        group.members.edit(new_id, |member| member.awaiting_join = Some(caller));
        // Also after the join phase: the leader may have been told of the old id, for which nobody would ask.
        self.prepare_rebalance_or_complete_join(group);
    }

    /// What the returned member is told. From version 9 on a leader learns that it leads but need not assign; before, it
    /// is told of the leader's id of before, so that it does not think that it leads.
    fn returned(&self, group: &ClassicGroup, request: &JoinGroup, id: &Text, before: Option<Text>) -> JoinGroupReply {
        let is_leader = group.is_leader(id);
        if request.may_skip_assignment {
            let members = if is_leader { joined_members(group) } else { Vec::new() };
            JoinGroupReply { skip_assignment: is_leader, ..joined(group, id, members) }
        } else {
            JoinGroupReply { leader: before.unwrap_or_else(|| "".into()), ..joined(group, id, Vec::new()) }
        }
    }

    /// Whoever still waits under the old id is fenced.
    fn replace_static_member(&mut self, group: &mut ClassicGroup, old_id: &Text, new_id: &Text) {
        let Some(mut member) = group.members.remove(old_id) else { return };
        if let Some(fenced) = member.awaiting_join.take() {
            self.reply(fenced, JoinGroupReply::refused(GroupError::FencedInstanceId, old_id.clone()));
        }
        if let Some(fenced) = member.awaiting_sync.take() {
            self.reply(fenced, SyncGroupReply::refused(GroupError::FencedInstanceId));
        }
        self.cancel(TimerKey::Session { group: group.id.clone(), member: old_id.clone() });
        if group.is_leader(old_id) {
            group.leader = Some(new_id.clone());
        }
        if group.pending_syncs.remove(old_id).is_some() {
            group.pending_syncs.insert(new_id.clone());
        }
        member.id = new_id.clone();
        member.is_new = false;
        group.members.put(member);
    }
}
