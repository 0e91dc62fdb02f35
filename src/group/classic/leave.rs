//! LeaveGroup (G16): members leave by their own word, or an administrator's.

use super::super::error::GroupError;
use super::super::request::{LeaveGroup, LeaveGroupReply, LeavingMember, LeftMember};
use super::super::shard::Turn;
use super::super::Caller;
use super::state::{ClassicGroup, State};

impl Turn<'_> {
    /// Each member's fate stands by itself; the group rebalances once for all of them.
    pub(in super::super) fn leave_group(&mut self, caller: Caller, request: LeaveGroup) {
        if let Some(draft) = self.consumer_draft(&request.group_id) {
            let members = self.leave_of_classic_members(draft, request);
            return self.reply(caller, LeaveGroupReply { error: None, members });
        }
        let known = self.shard.group(&request.group_id);
        let mut left = Vec::with_capacity(request.members.len());
        if let Some(mut group) = known {
            for leaving in request.members {
                let error = self.leave(&mut group, &leaving).err();
                left.push(outcome(leaving, error));
            }
            if left.iter().any(|member| member.error.is_none()) {
                match group.state {
                    State::Stable | State::CompletingRebalance => self.prepare_rebalance(&mut group),
                    State::PreparingRebalance => self.maybe_complete_join(&mut group),
                    State::Empty => {}
                }
                self.keep(group);
            }
        } else {
            let unknown = Some(GroupError::UnknownMemberId);
            left.extend(request.members.into_iter().map(|leaving| outcome(leaving, unknown)));
        }
        self.reply(caller, LeaveGroupReply { error: None, members: left });
    }

    fn leave(&mut self, group: &mut ClassicGroup, leaving: &LeavingMember) -> Result<(), GroupError> {
        let member_id = if leaving.member_id.is_empty() {
            // An administrator names static members by their instance id alone.
            let holder = leaving.group_instance_id.as_ref().and_then(|id| group.members.id_of_instance(id));
            holder.cloned().ok_or(GroupError::UnknownMemberId)?
        } else {
            if !group.pending_joins.contains(&leaving.member_id) {
                group.validate_member(&leaving.member_id, leaving.group_instance_id.as_ref())?;
            }
            leaving.member_id.clone()
        };
        self.drop_member(group, &member_id, GroupError::UnknownMemberId);
        Ok(())
    }
}

fn outcome(leaving: LeavingMember, error: Option<GroupError>) -> LeftMember {
    LeftMember { member_id: leaving.member_id, group_instance_id: leaving.group_instance_id, error }
}
