//! JoinGroup (G2–G4, G9).

use super::super::error::GroupError;
use super::super::request::{Client, JoinGroup, JoinGroupReply, Protocol};
use super::super::settings::{
    MAX_GROUP_METADATA_BYTES, MAX_MEMBER_METADATA_BYTES, MAX_PENDING_MEMBERS, NEW_MEMBER_JOIN_TIMEOUT_MS,
};
use super::super::shard::Turn;
use super::super::Caller;
use super::super::Text;
use super::members::{metadata_bytes, Member};
use super::rebalance::{joined, joined_members};
use super::state::{ClassicGroup, State};
use crate::ids::Uuid;
use bytes::Bytes;
use std::sync::Arc;

impl Turn<'_> {
    /// A member joins, or joins again. A refused join makes no group.
    pub(in super::super) fn join_group(&mut self, caller: Caller, client: &Client, fresh: Uuid, request: &JoinGroup) {
        let consumer = self.consumer_draft(&request.group_id);
        let emptied = match consumer {
            Some(draft) if !draft.group.is_empty() => {
                return self.join_consumer_group(draft, caller, client, fresh, request);
            }
            emptied => emptied,
        };
        let first = request.member_id.is_empty();
        let known = self.shard.group(&request.group_id);
        let is_new_group = known.is_none();
        let mut group = match known {
            Some(group) => group,
            None if !first => return self.refuse_join(caller, GroupError::UnknownMemberId, &request.member_id),
            None => match self.admit_group() {
                Ok(()) => ClassicGroup::new(request.group_id.clone(), self.now.wall_ms),
                Err(error) => return self.refuse_join(caller, error, ""),
            },
        };
        if !self.accepts(&group, &request.member_id) {
            self.drop_member(&mut group, &request.member_id, GroupError::GroupMaxSizeReached);
            self.refuse_join(caller, GroupError::GroupMaxSizeReached, "");
            return self.keep(group);
        }
        let judged = self.judge_join(&mut group, caller, client, fresh, request);
        if let Err(error) = judged {
            // Effects gathered so far are those of a group that is not to be.
            self.out = Default::default();
            return self.refuse_join(caller, error, &request.member_id);
        }
        if is_new_group && self.out.records.is_empty() {
            let stored = ClassicGroup::new(group.id.clone(), self.now.wall_ms);
            self.store(&stored);
        }
        if let Some(emptied) = emptied {
            let records = std::mem::take(&mut self.out.records);
            self.bury_consumer_group(&emptied.id, &emptied.group);
            self.out.records.extend(records);
        }
        self.keep(group);
    }

    fn judge_join(
        &mut self,
        group: &mut ClassicGroup,
        caller: Caller,
        client: &Client,
        fresh: Uuid,
        request: &JoinGroup,
    ) -> Result<(), GroupError> {
        if !group.supports(&request.protocol_type, &request.protocols) {
            return Err(GroupError::InconsistentGroupProtocol);
        }
        let metadata_bytes = metadata_bytes(&request.protocols);
        if metadata_bytes > MAX_MEMBER_METADATA_BYTES {
            // Kafka finds out when it stores the generation, and fails everybody's SyncGroup with the same word.
            return Err(GroupError::UnknownServerError);
        }
        if group.members.metadata_bytes() + metadata_bytes > MAX_GROUP_METADATA_BYTES {
            return Err(GroupError::GroupMaxSizeReached);
        }
        if request.member_id.is_empty() {
            self.join_new(group, caller, client, fresh, request)
        } else {
            self.join_known(group, caller, client, request)
        }
    }

    /// The first join of a member: it has no id yet.
    fn join_new(
        &mut self,
        group: &mut ClassicGroup,
        caller: Caller,
        client: &Client,
        fresh: Uuid,
        request: &JoinGroup,
    ) -> Result<(), GroupError> {
        let prefix = request.group_instance_id.as_ref().unwrap_or(&client.id);
        let member_id = Text::from(format!("{prefix}-{}", fresh.hyphenated()));
        let holder = request.group_instance_id.as_ref().and_then(|id| group.members.id_of_instance(id)).cloned();
        if let Some(old_id) = holder {
            self.return_static_member(group, caller, request, &old_id, &member_id);
        } else if request.needs_known_member_id && request.group_instance_id.is_none() {
            if group.pending_joins.len() >= MAX_PENDING_MEMBERS {
                return Err(GroupError::GroupMaxSizeReached);
            }
            self.arm_session(&group.id, &member_id, request.session_timeout_ms);
            group.pending_joins.insert(member_id.clone());
            self.reply(caller, JoinGroupReply::refused(GroupError::MemberIdRequired, member_id));
        } else {
            self.add_member(group, caller, client, request, member_id);
        }
        Ok(())
    }

    /// A join with an id: of a pending member, or of a member that joins again.
    fn join_known(
        &mut self,
        group: &mut ClassicGroup,
        caller: Caller,
        client: &Client,
        request: &JoinGroup,
    ) -> Result<(), GroupError> {
        let member_id = &request.member_id;
        if group.pending_joins.contains(member_id) {
            if request.group_instance_id.is_some() {
                // Static members never get a pending id; Kafka fails here with an unchecked exception.
                return Err(GroupError::UnknownServerError);
            }
            self.add_member(group, caller, client, request, member_id.clone());
            return Ok(());
        }
        group.validate_member(member_id, request.group_instance_id.as_ref())?;
        let is_leader = group.is_leader(member_id);
        let same = group.members.get(member_id).is_some_and(|m| m.protocols[..] == request.protocols[..]);
        match group.state {
            // Its answer to the last join may have been lost: the present generation is told again.
            State::CompletingRebalance if same => {
                let members = if is_leader { joined_members(group) } else { Vec::new() };
                self.reply(caller, joined(group, member_id, members));
            }
            // A follower with nothing new gets the present generation. The leader's rejoin always rebalances: that is how
            // it makes changes known that the members' metadata do not show.
            State::Stable if same && !is_leader => self.reply(caller, joined(group, member_id, Vec::new())),
            State::Empty => return Err(GroupError::UnknownMemberId),
            _ => {
                self.update_member(group, Some(caller), request, member_id);
                self.prepare_rebalance_or_complete_join(group);
            }
        }
        Ok(())
    }

    /// Adds a member that now waits for the end of the join phase.
    pub(in super::super) fn add_member(
        &mut self,
        group: &mut ClassicGroup,
        caller: Caller,
        client: &Client,
        request: &JoinGroup,
        member_id: Text,
    ) {
        if let Some(initial) = &mut group.initial_join {
            initial.new_member_added = true;
        }
        let member = Member {
            id: member_id.clone(),
            instance_id: request.group_instance_id.clone(),
            client_id: client.id.clone(),
            client_host: client.host.clone(),
            rebalance_timeout_ms: request.rebalance_timeout_ms,
            session_timeout_ms: request.session_timeout_ms,
            protocols: copied(&request.protocols),
            assignment: Bytes::new(),
            awaiting_join: Some(caller),
            awaiting_sync: None,
            is_new: true,
        };
        group.add(member, &request.protocol_type);
        // Whoever never comes back for the answer of a long join phase must not stay for ever: see the constant.
        self.arm_session(&group.id, &member_id, NEW_MEMBER_JOIN_TIMEOUT_MS);
        self.prepare_rebalance_or_complete_join(group);
    }

    /// Takes over what a rejoin says. A join that is still parked for the member is answered, so that nobody waits for
    /// ever: Kafka leaves it without an answer.
    pub(super) fn update_member(
        &mut self,
        group: &mut ClassicGroup,
        caller: Option<Caller>,
        request: &JoinGroup,
        member_id: &Text,
    ) {
        let Some(mut member) = group.members.remove(member_id) else { return };
        if let Some(superseded) = member.awaiting_join.take() {
            let refusal = JoinGroupReply::refused(GroupError::RebalanceInProgress, member_id.clone());
            self.reply(superseded, refusal);
        }
        member.protocols = copied(&request.protocols);
        member.rebalance_timeout_ms = request.rebalance_timeout_ms;
        member.session_timeout_ms = request.session_timeout_ms;
        member.awaiting_join = caller;
        group.members.put(member);
    }

    /// Whether the group has room. In the join phase those count that have joined, so that a group grown too large
    /// loses whoever comes last.
    fn accepts(&self, group: &ClassicGroup, member_id: &str) -> bool {
        let max_size = self.shard.settings.effective_max_size();
        let member = group.members.get(member_id);
        match group.state {
            State::Empty => true,
            State::PreparingRebalance => {
                member.is_some_and(|m| m.awaiting_join.is_some()) || group.members.awaiting_join() < max_size
            }
            State::CompletingRebalance | State::Stable => member.is_some() || group.members.len() < max_size,
        }
    }

    fn refuse_join(&mut self, caller: Caller, error: GroupError, member_id: &str) {
        self.reply(caller, JoinGroupReply::refused(error, member_id));
    }
}

/// Protocols outlive their frame, so their bytes are copied.
pub(in super::super) fn copied(protocols: &[Protocol]) -> Arc<[Protocol]> {
    let copy = |p: &Protocol| Protocol { name: p.name.clone(), metadata: Bytes::copy_from_slice(&p.metadata) };
    protocols.iter().map(copy).collect()
}
