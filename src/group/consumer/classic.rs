//! Members of the classic protocol in a consumer group (N11): they join, sync and beat as ever, and each gets its part of
//! the group's target assignment. Nobody leads, and nobody waits for others but for their partitions.

use super::super::effects::TimerKey;
use super::super::error::GroupError;
use super::super::request::{
    Client, Heartbeat, JoinGroup, JoinGroupReply, LeaveGroup, LeavingMember, LeftMember, SyncGroup, SyncGroupReply,
};
use super::super::settings::MigrationPolicy;
use super::super::shard::Turn;
use super::super::{Caller, Text};
use super::downgrade::{encoded, CONSUMER};
use super::heartbeat::static_member;
use super::member::{ClassicPart, Member, MemberState, Profile};
use super::refusal::Refusal;
use super::upgrade::by_id;
use super::working::Draft;
use crate::ids::{uuid_to_text, Uuid};
use crate::record::internal::consumer_protocol::Subscription;
use std::sync::Arc;

impl Turn<'_> {
    /// A classic member joins, or joins again to hear of the next assignment.
    pub(in super::super) fn join_consumer_group(
        &mut self,
        mut draft: Draft,
        caller: Caller,
        client: &Client,
        fresh: Uuid,
        request: &JoinGroup,
    ) {
        let judged = self.judge_classic_join(&mut draft, caller, client, fresh, request);
        if let Err(refusal) = judged {
            self.out = Default::default();
            self.reply(caller, JoinGroupReply::refused(refusal.error, request.member_id.clone()));
        }
    }

    fn judge_classic_join(
        &mut self,
        draft: &mut Draft,
        caller: Caller,
        client: &Client,
        fresh: Uuid,
        request: &JoinGroup,
    ) -> Result<(), Refusal> {
        let inconsistent = || Refusal::new(GroupError::InconsistentGroupProtocol, "");
        if self.shard.settings.consumer.migration == MigrationPolicy::Disabled {
            return Err(inconsistent());
        }
        let first = request.member_id.is_empty();
        let member_id = if first { Text::from(uuid_to_text(&fresh)) } else { request.member_id.clone() };
        self.refuse_if_full(&draft.group, &member_id)?;
        let names = request.protocols.iter().map(|protocol| &protocol.name);
        if *request.protocol_type != *CONSUMER || !draft.group.supports_classic(names) {
            return Err(inconsistent());
        }
        if first && request.needs_known_member_id && request.group_instance_id.is_none() {
            self.reply(caller, JoinGroupReply::refused(GroupError::MemberIdRequired, member_id));
            return Ok(());
        }
        let (subscription, protocol) = subscription_of(request)?;
        let before = match &request.group_instance_id {
            Some(instance_id) if first => {
                if let Some(holder) = self.last_modern_member(draft, instance_id) {
                    self.come_back_classic(draft, &holder, caller, client, &member_id, request);
                    return Ok(());
                }
                self.join_static(draft, instance_id, &member_id, true)?
            }
            Some(instance_id) => static_member(draft, instance_id, &member_id)?,
            None => draft.group.member(&member_id).map_or_else(|| Member::new(member_id.clone()), |m| (**m).clone()),
        };
        let owned = by_id(&self.shard.image, &subscription.owned_partitions);
        let profile = updated(&before.profile, client, request, subscription);
        let change = self.update_profile(draft, &before, profile)?;
        self.raise_epoch_if_changed(draft, change.of_group);
        self.assign_if_due(draft);
        let after = self.reconcile(draft, &member_id, Some(&owned), change.of_member)?;
        let group = || draft.id.clone();
        self.cancel(TimerKey::Rejoin { group: group(), member: member_id.clone() });
        self.arm_session(&draft.id, &member_id, request.session_timeout_ms);
        let resync = TimerKey::Resync { group: group(), member: member_id.clone() };
        self.arm(resync, i64::from(request.rebalance_timeout_ms));
        let reply = JoinGroupReply {
            error: None,
            generation_id: after.current.epoch,
            protocol_type: Some(CONSUMER.into()),
            protocol_name: Some(protocol),
            leader: "".into(),
            skip_assignment: false,
            member_id,
            members: Vec::new(),
        };
        self.reply(caller, reply);
        Ok(())
    }

    /// The holder of an instance id, if without it only members of the classic protocol are left.
    fn last_modern_member(&self, draft: &Draft, instance_id: &Text) -> Option<Arc<Member>> {
        let holder = draft.group.static_member(instance_id)?;
        let alone = draft.group.classic_members() + 1 == draft.group.len();
        let goes_classic = !holder.is_classic() && alone && self.shard.settings.consumer.migration.allows_downgrade();
        goes_classic.then(|| holder.clone())
    }

    /// The last member that spoke the new protocol comes back with the classic one, and so does the group. It rebalances
    /// (Kafka spares it that if its assignment is up to date).
    fn come_back_classic(
        &mut self,
        draft: &Draft,
        holder: &Member,
        caller: Caller,
        client: &Client,
        member_id: &Text,
        request: &JoinGroup,
    ) {
        self.stop_timers(&draft.id, &holder.id);
        let leaving = std::slice::from_ref(&holder.id);
        let mut classic = self.make_classic(&draft.id, &draft.group, leaving);
        self.add_member(&mut classic, caller, client, request, member_id.clone());
        self.keep(classic);
    }

    /// A classic member asks for its part.
    pub(in super::super) fn sync_consumer_group(&mut self, draft: &Draft, caller: Caller, request: &SyncGroup) {
        let reply = match self.judge_classic_sync(draft, request) {
            Ok(reply) => reply,
            Err(refusal) => SyncGroupReply::refused(refusal.error),
        };
        self.reply(caller, reply);
    }

    fn judge_classic_sync(&mut self, draft: &Draft, request: &SyncGroup) -> Result<SyncGroupReply, Refusal> {
        let (member, part) = classic_member(draft, &request.member_id, request.group_instance_id.as_ref())?;
        validate_generation(&member, request.generation_id)?;
        let protocol = part.protocols.first().map(|protocol| &protocol.name);
        let other_type = request.protocol_type.as_ref().is_some_and(|said| **said != *CONSUMER);
        let other_name = request.protocol_name.as_ref().is_some_and(|said| Some(said) != protocol);
        if other_type || other_name {
            return Err(Refusal::new(GroupError::InconsistentGroupProtocol, ""));
        }
        let is_behind = draft.group.target_epoch > member.current.epoch;
        if is_behind && member.current.state != MemberState::Unrevoked {
            self.await_rejoin(draft, &member);
            return Err(Refusal::new(GroupError::RebalanceInProgress, ""));
        }
        self.cancel(TimerKey::Resync { group: draft.id.clone(), member: member.id.clone() });
        self.arm_session(&draft.id, &member.id, part.session_timeout_ms);
        Ok(SyncGroupReply {
            error: None,
            protocol_type: request.protocol_type.clone(),
            protocol_name: request.protocol_name.clone(),
            assignment: encoded(&self.shard.image, &member.current.assigned.partitions(), &part),
        })
    }

    /// A classic member shows that it lives, and hears whether there is anything new for it.
    pub(in super::super) fn beat_consumer_group(
        &mut self,
        draft: &Draft,
        request: &Heartbeat,
    ) -> Result<(), GroupError> {
        let instance_id = request.group_instance_id.as_ref();
        let (member, part) = classic_member(draft, &request.member_id, instance_id).map_err(|refusal| refusal.error)?;
        validate_generation(&member, request.generation_id).map_err(|refusal| refusal.error)?;
        self.arm_session(&draft.id, &member.id, part.session_timeout_ms);
        let can_go_on = match member.current.state {
            MemberState::Unrevoked => true,
            MemberState::Unreleased => !draft.group.waits_for_others(&member),
            MemberState::Stable | MemberState::Unknown => false,
        };
        if member.current.epoch < draft.group.target_epoch || can_go_on {
            self.await_rejoin(draft, &member);
            return Err(GroupError::RebalanceInProgress);
        }
        Ok(())
    }

    /// A member that was told to join again is fenced if it does not.
    fn await_rejoin(&mut self, draft: &Draft, member: &Member) {
        let key = TimerKey::Rejoin { group: draft.id.clone(), member: member.id.clone() };
        self.arm_if_idle(key, i64::from(member.profile.rebalance_timeout_ms));
    }

    /// Classic members leave. One epoch for all of them.
    pub(in super::super) fn leave_of_classic_members(
        &mut self,
        mut draft: Draft,
        request: LeaveGroup,
    ) -> Vec<LeftMember> {
        let mut leaving = Vec::new();
        let mut left = Vec::with_capacity(request.members.len());
        for member in request.members {
            let found = find_leaving(&draft, &member);
            let error = match &found {
                Err(refusal) => Some(refusal.error),
                Ok(id) if leaving.contains(id) => Some(GroupError::UnknownMemberId),
                Ok(id) => {
                    leaving.push(id.clone());
                    None
                }
            };
            let member_id = found.unwrap_or(member.member_id);
            left.push(LeftMember { member_id, group_instance_id: member.group_instance_id, error });
        }
        if !leaving.is_empty() {
            self.fence(&mut draft, &leaving);
        }
        left
    }
}

/// What the request's first protocol says, and that protocol's name.
fn subscription_of(request: &JoinGroup) -> Result<(Subscription, Text), Refusal> {
    let malformed = || Refusal::new(GroupError::UnknownServerError, "Malformed embedded consumer protocol.");
    let protocol = request.protocols.first().ok_or_else(malformed)?;
    let subscription = Subscription::decode(&protocol.metadata).map_err(|_| malformed())?;
    Ok((subscription, protocol.name.clone()))
}

/// The profile of a member that has just joined by the classic protocol. Whatever it asked for by the new one is gone.
fn updated(before: &Profile, client: &Client, request: &JoinGroup, subscription: Subscription) -> Profile {
    Profile {
        instance_id: request.group_instance_id.clone().or_else(|| before.instance_id.clone()),
        rack_id: subscription.rack_id.map(Text::from).or_else(|| before.rack_id.clone()),
        client_id: client.id.clone(),
        client_host: client.host.clone(),
        topics: Arc::new(subscription.topics.into_iter().map(Text::from).collect()),
        regex: None,
        rebalance_timeout_ms: request.rebalance_timeout_ms,
        assignor: None,
        classic: Some(ClassicPart {
            session_timeout_ms: request.session_timeout_ms,
            protocols: super::super::classic::copied(&request.protocols),
        }),
    }
}

/// A member that speaks the classic protocol, with what it brought.
fn classic_member(
    draft: &Draft,
    member_id: &Text,
    instance_id: Option<&Text>,
) -> Result<(Member, ClassicPart), Refusal> {
    let unknown = || Refusal::unknown_member(&draft.id, member_id);
    let member = match instance_id {
        Some(instance_id) => static_member(draft, instance_id, member_id)?,
        None => (**draft.group.member(member_id).ok_or_else(unknown)?).clone(),
    };
    let part = member.profile.classic.clone().ok_or_else(unknown)?;
    Ok((member, part))
}

fn validate_generation(member: &Member, said: i32) -> Result<(), Refusal> {
    match said == member.current.epoch {
        true => Ok(()),
        false => Err(Refusal::new(GroupError::IllegalGeneration, "")),
    }
}

/// An administrator names static members by their instance id alone.
fn find_leaving(draft: &Draft, leaving: &LeavingMember) -> Result<Text, Refusal> {
    let unknown = || Refusal::unknown_member(&draft.id, &leaving.member_id);
    let member = match &leaving.group_instance_id {
        Some(instance_id) if leaving.member_id.is_empty() => {
            (**draft.group.static_member(instance_id).ok_or_else(unknown)?).clone()
        }
        instance_id => classic_member(draft, &leaving.member_id, instance_id.as_ref())?.0,
    };
    match member.is_classic() {
        true => Ok(member.id),
        false => Err(unknown()),
    }
}
