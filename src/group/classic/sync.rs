//! SyncGroup (G8): the leader's assignment is stored, then everyone gets theirs.

use super::super::effects::TimerKey;
use super::super::error::GroupError;
use super::super::request::{SyncGroup, SyncGroupReply};
use super::super::shard::Turn;
use super::super::Caller;
use super::super::Text;
use super::state::{ClassicGroup, State};
use bytes::Bytes;
use std::collections::BTreeMap;

impl Turn<'_> {
    /// A member asks for its assignment; the leader brings them all.
    pub(in super::super) fn sync_group(&mut self, caller: Caller, request: &SyncGroup) {
        if let Some(draft) = self.consumer_draft(&request.group_id) {
            return self.sync_consumer_group(&draft, caller, request);
        }
        let Some(mut group) = self.shard.group(&request.group_id) else {
            return self.reply(caller, SyncGroupReply::refused(GroupError::UnknownMemberId));
        };
        if let Err(error) = validate_sync(&group, request) {
            return self.reply(caller, SyncGroupReply::refused(error));
        }
        self.member_has_synced(&mut group, &request.member_id);
        if group.state == State::Stable {
            self.reply(caller, synced(&group, &request.member_id));
        } else {
            self.park_sync(&mut group, caller, &request.member_id);
            if group.is_leader(&request.member_id) {
                self.take_assignment(&mut group, &request.assignments);
            }
        }
        self.keep(group);
    }

    /// A sync that is parked already for this member is answered: Kafka leaves it without an answer.
    fn park_sync(&mut self, group: &mut ClassicGroup, caller: Caller, member_id: &Text) {
        let mut superseded = None;
        group.members.edit(member_id, |member| superseded = member.awaiting_sync.replace(caller));
        if let Some(superseded) = superseded {
            self.reply(superseded, SyncGroupReply::refused(GroupError::RebalanceInProgress));
        }
    }

    /// The leader's word: stores it, and hands it out to all who wait. Who is not named gets an empty assignment.
    fn take_assignment(&mut self, group: &mut ClassicGroup, assignments: &[(Text, Bytes)]) {
        let assignments: BTreeMap<&str, &Bytes> = assignments.iter().map(|(id, bytes)| (&**id, bytes)).collect();
        group.transition(State::Stable, self.now.wall_ms);
        let mut waiting = Vec::new();
        for member_id in group.members.ids() {
            let given = assignments.get(&*member_id).copied();
            group.members.edit(&member_id, |member| {
                member.assignment = given.map_or_else(Bytes::new, |bytes| Bytes::copy_from_slice(bytes));
                waiting
                    .extend(member.awaiting_sync.take().map(|who| (who, member.id.clone(), member.session_timeout_ms)));
            });
        }
        self.store(group);
        for (caller, member_id, session_timeout_ms) in waiting {
            self.reply(caller, synced(group, &member_id));
            self.arm_session(&group.id, &member_id, session_timeout_ms);
        }
    }

    fn member_has_synced(&mut self, group: &mut ClassicGroup, member_id: &Text) {
        group.pending_syncs.remove(member_id);
        if group.pending_syncs.is_empty() {
            self.cancel(TimerKey::Sync { group: group.id.clone() });
        }
    }
}

/// Kafka's order of checks.
fn validate_sync(group: &ClassicGroup, request: &SyncGroup) -> Result<(), GroupError> {
    if group.state == State::Empty {
        return Err(GroupError::UnknownMemberId);
    }
    group.validate_member(&request.member_id, request.group_instance_id.as_ref())?;
    let differs = |said: &Option<Text>, held: &Option<Text>| said.is_some() && held.is_some() && said != held;
    if request.generation_id != group.generation {
        Err(GroupError::IllegalGeneration)
    } else if differs(&request.protocol_type, &group.protocol_type)
        || differs(&request.protocol_name, &group.protocol_name)
    {
        Err(GroupError::InconsistentGroupProtocol)
    } else if group.state == State::PreparingRebalance {
        Err(GroupError::RebalanceInProgress)
    } else {
        Ok(())
    }
}

/// A member's assignment.
fn synced(group: &ClassicGroup, member_id: &str) -> SyncGroupReply {
    SyncGroupReply {
        error: None,
        protocol_type: group.protocol_type.clone(),
        protocol_name: group.protocol_name.clone(),
        assignment: group.members.get(member_id).map(|m| m.assignment.clone()).unwrap_or_default(),
    }
}
