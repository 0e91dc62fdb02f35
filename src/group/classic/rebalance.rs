//! The join phase: how it begins, how long it waits, how it ends (G5, G6), and the expiry of members that never sync (G8).

use super::super::effects::TimerKey;
use super::super::error::GroupError;
use super::super::request::{JoinGroupReply, JoinedMember, SyncGroupReply};
use super::super::shard::Turn;
use super::super::Text;
use super::members::Member;
use super::state::{ClassicGroup, InitialJoin, State};

/// A group of absent static members is looked at again no sooner than this, whatever their rebalance timeout. Milliseconds.
const ABSENT_RETRY_MS: i32 = 1_000;

impl Turn<'_> {
    /// Begins a join phase if the group is not in one, else ends it if nobody is missing.
    pub(super) fn prepare_rebalance_or_complete_join(&mut self, group: &mut ClassicGroup) {
        if group.state == State::PreparingRebalance {
            self.maybe_complete_join(group);
        } else {
            self.prepare_rebalance(group);
        }
    }

    /// Begins a join phase. Whoever waits for an assignment has to join again.
    pub(in super::super) fn prepare_rebalance(&mut self, group: &mut ClassicGroup) {
        if group.state == State::CompletingRebalance {
            self.fail_syncs(group, GroupError::RebalanceInProgress);
        }
        self.stop_pending_sync(group);
        let initial = group.state == State::Empty;
        group.transition(State::PreparingRebalance, self.now.wall_ms);
        if initial {
            let delay_ms = self.shard.settings.initial_rebalance_delay_ms;
            let remaining_ms = group.members.rebalance_timeout_ms().saturating_sub(delay_ms).max(0);
            group.initial_join = Some(InitialJoin { delay_ms, remaining_ms, new_member_added: false });
            self.arm(TimerKey::Join { group: group.id.clone() }, i64::from(delay_ms));
        } else if group.has_all_members_joined() {
            self.complete_join(group);
        } else {
            self.arm_join(group);
        }
    }

    /// Ends the join phase if nobody is missing and it is not the first one of a new group, which waits for its delay.
    pub(super) fn maybe_complete_join(&mut self, group: &mut ClassicGroup) {
        let in_join = group.state == State::PreparingRebalance && group.initial_join.is_none();
        if in_join && group.has_all_members_joined() {
            self.complete_join(group);
        }
    }

    /// The join timer ran down: the initial delay is extended for members that came meanwhile, else the phase ends.
    pub(in super::super) fn join_timer(&mut self, group_id: &Text) {
        let Some(mut group) = self.shard.group(group_id) else { return };
        if group.state != State::PreparingRebalance {
            return;
        }
        match group.initial_join {
            Some(InitialJoin { delay_ms, remaining_ms, new_member_added: true }) if remaining_ms > 0 => {
                let next_ms = self.shard.settings.initial_rebalance_delay_ms.min(remaining_ms);
                group.initial_join = Some(InitialJoin {
                    delay_ms: next_ms,
                    remaining_ms: remaining_ms.saturating_sub(delay_ms).max(0),
                    new_member_added: false,
                });
                self.arm(TimerKey::Join { group: group.id.clone() }, i64::from(next_ms));
            }
            _ => self.complete_join(&mut group),
        }
        self.keep(group);
    }

    /// Ends the join phase: who has not rejoined is dropped unless static, and the rest is the next generation.
    pub(super) fn complete_join(&mut self, group: &mut ClassicGroup) {
        self.cancel(TimerKey::Join { group: group.id.clone() });
        let absent = |m: &&Member| m.awaiting_join.is_none() && m.instance_id.is_none();
        let absent: Vec<Text> = group.members.iter().filter(absent).map(|m| m.id.clone()).collect();
        for member_id in absent {
            self.drop_member(group, &member_id, GroupError::UnknownMemberId);
        }
        if !elect_joined_leader(group) && !group.members.is_empty() {
            // Only static members are left and none has come back: wait on, until their sessions end.
            let timeout_ms = group.members.rebalance_timeout_ms().max(ABSENT_RETRY_MS);
            self.arm(TimerKey::Join { group: group.id.clone() }, i64::from(timeout_ms));
            return;
        }
        group.generation = group.generation.wrapping_add(1).max(0);
        group.protocol_name = group.members.select_protocol();
        group.subscribed = group.compute_subscribed();
        group.pending_syncs.clear();
        if group.members.is_empty() {
            group.transition(State::Empty, self.now.wall_ms);
            self.store(group);
        } else {
            group.transition(State::CompletingRebalance, self.now.wall_ms);
            self.announce_generation(group);
        }
    }

    /// Answers every parked JoinGroup; from here on every member is expected to sync.
    fn announce_generation(&mut self, group: &mut ClassicGroup) {
        for member_id in group.members.ids() {
            let mut caller = None;
            group.members.edit(&member_id, |member| {
                caller = member.awaiting_join.take();
                member.is_new = false;
            });
            if let Some(caller) = caller {
                let members = if group.is_leader(&member_id) { joined_members(group) } else { Vec::new() };
                self.reply(caller, joined(group, &member_id, members));
            }
            if let Some(member) = group.members.get(&member_id) {
                self.arm_session(&group.id, &member_id, member.session_timeout_ms);
            }
            group.pending_syncs.insert(member_id);
        }
        let timeout_ms = group.members.rebalance_timeout_ms();
        self.arm(TimerKey::Sync { group: group.id.clone() }, i64::from(timeout_ms));
    }

    /// The sync timer ran down: members that have not asked for their assignment are dropped, and the others rebalance.
    pub(in super::super) fn sync_timer(&mut self, group_id: &Text) {
        let Some(mut group) = self.shard.group(group_id) else { return };
        if !matches!(group.state, State::CompletingRebalance | State::Stable) || group.pending_syncs.is_empty() {
            return;
        }
        for member_id in group.pending_syncs.iter().cloned().collect::<Vec<_>>() {
            self.drop_member(&mut group, &member_id, GroupError::UnknownMemberId);
        }
        self.prepare_rebalance(&mut group);
        self.keep(group);
    }

    /// Removes a member with its timer; whoever still waits in its name hears `error`.
    pub(super) fn drop_member(&mut self, group: &mut ClassicGroup, member_id: &Text, error: GroupError) {
        self.cancel(TimerKey::Session { group: group.id.clone(), member: member_id.clone() });
        let Some(member) = group.remove(member_id) else { return };
        if let Some(caller) = member.awaiting_join {
            let named = if error == GroupError::FencedInstanceId { member_id.clone() } else { "".into() };
            self.reply(caller, JoinGroupReply::refused(error, named));
        }
        if let Some(caller) = member.awaiting_sync {
            self.reply(caller, SyncGroupReply::refused(error));
        }
    }

    /// Nobody is expected to sync any more.
    pub(super) fn stop_pending_sync(&mut self, group: &mut ClassicGroup) {
        group.pending_syncs.clear();
        self.cancel(TimerKey::Sync { group: group.id.clone() });
    }

    /// Takes every assignment away and answers every parked SyncGroup with `error`.
    fn fail_syncs(&mut self, group: &mut ClassicGroup, error: GroupError) {
        for member_id in group.members.ids() {
            let mut caller = None;
            let mut session_timeout_ms = 0;
            group.members.edit(&member_id, |member| {
                member.assignment.clear();
                caller = member.awaiting_sync.take();
                session_timeout_ms = member.session_timeout_ms;
            });
            if let Some(caller) = caller {
                self.reply(caller, SyncGroupReply::refused(error));
                self.arm_session(&group.id, &member_id, session_timeout_ms);
            }
        }
    }

    fn arm_join(&mut self, group: &ClassicGroup) {
        let timeout_ms = group.members.rebalance_timeout_ms();
        self.arm(TimerKey::Join { group: group.id.clone() }, i64::from(timeout_ms));
    }

    /// Starts a member's session anew.
    pub(in super::super) fn arm_session(&mut self, group: &Text, member: &Text, timeout_ms: i32) {
        self.arm(TimerKey::Session { group: group.clone(), member: member.clone() }, i64::from(timeout_ms));
    }
}

/// Makes sure that a member that has joined leads; false if none has.
fn elect_joined_leader(group: &mut ClassicGroup) -> bool {
    let joined = |m: &Member| m.awaiting_join.is_some();
    if group.leader.as_deref().and_then(|id| group.members.get(id)).is_some_and(joined) {
        return true;
    }
    let next = group.members.iter().find(|m| joined(m)).map(|m| m.id.clone());
    let found = next.is_some();
    if found {
        group.leader = next;
    }
    found
}

/// The answer to a member of the present generation.
pub(super) fn joined(group: &ClassicGroup, member_id: &Text, members: Vec<JoinedMember>) -> JoinGroupReply {
    JoinGroupReply {
        error: None,
        generation_id: group.generation,
        protocol_type: group.protocol_type.clone(),
        protocol_name: group.protocol_name.clone(),
        leader: group.leader.clone().unwrap_or_else(|| "".into()),
        skip_assignment: false,
        member_id: member_id.clone(),
        members,
    }
}

/// What the leader learns.
pub(super) fn joined_members(group: &ClassicGroup) -> Vec<JoinedMember> {
    let protocol = group.protocol_name.as_deref().unwrap_or_default();
    let members = group.members.iter().map(|m| JoinedMember {
        member_id: m.id.clone(),
        group_instance_id: m.instance_id.clone(),
        metadata: m.metadata(protocol),
    });
    members.collect()
}
