//! How a member comes from what it has to what it is to have (N6): first it gives up, then it goes to the new epoch, then
//! it gets what others have given up.

use super::super::effects::TimerKey;
use super::super::error::GroupError;
use super::super::shard::Turn;
use super::super::Text;
use super::member::{Current, Member, MemberState};
use super::partitions::{Owned, Partitions};
use super::records::ConsumerRecord;
use super::refusal::Refusal;
use super::subscription::topic_ids;
use super::working::Draft;
use crate::ids::Uuid;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a member's next assignment follows from.
pub(super) struct Situation<'a> {
    /// What it has.
    pub current: &'a Current,
    /// What it is to have.
    pub target: &'a Partitions,
    /// In which epoch.
    pub target_epoch: i32,
    /// What it says that it holds; none if it did not say, which is as if it held all.
    pub owned: Option<&'a Partitions>,
    /// The topics that it reads.
    pub reads: &'a BTreeSet<Uuid>,
    /// It reads other topics than it did.
    pub subscription_changed: bool,
    /// Whether nobody holds a partition.
    pub is_free: &'a dyn Fn(Uuid, i32) -> bool,
}

impl Situation<'_> {
    /// What it has next. Equal to `current` if nothing changes.
    pub fn next(&self) -> Result<Current, Refusal> {
        let current = self.current;
        match current.state {
            MemberState::Stable if current.epoch != self.target_epoch => Ok(self.advance(current.epoch)),
            MemberState::Stable if self.subscription_changed => Ok(self.drop_unsubscribed()),
            MemberState::Stable => Ok(current.clone()),
            MemberState::Unrevoked if !self.holds_any(&current.revoking) => Ok(self.advance(current.epoch)),
            MemberState::Unrevoked if self.subscription_changed => Ok(self.drop_unsubscribed()),
            MemberState::Unrevoked => Ok(current.clone()),
            MemberState::Unreleased => Ok(self.advance(current.epoch)),
            MemberState::Unknown if self.owned.is_some_and(Partitions::is_empty) => Ok(self.advance(self.target_epoch)),
            MemberState::Unknown => Err(Refusal::new(
                GroupError::FencedMemberEpoch,
                "The consumer group member is in a unknown state. The member must abandon all its partitions and rejoin.",
            )),
        }
    }

    /// Whether the member still holds any of what it must give up.
    fn holds_any(&self, revoking: &Owned) -> bool {
        self.owned.is_none_or(|owned| revoking.contains_any(owned))
    }

    /// One step towards the target. `epoch` is the member's as long as it has to give something up.
    fn advance(&self, epoch: i32) -> Current {
        let wanted =
            |topic: &Uuid, partition: i32| self.reads.contains(topic) && self.target.contains(topic, partition);
        let (mut assigned, mut revoking) = (Owned::default(), Owned::default());
        for (topic, partition, since) in self.current.assigned.iter() {
            let goes_to = if wanted(&topic, partition) { &mut assigned } else { &mut revoking };
            goes_to.insert(topic, partition, since);
        }
        if !revoking.is_empty() && self.holds_any(&revoking) {
            return self.moved(MemberState::Unrevoked, epoch, assigned, revoking);
        }
        let mut state = MemberState::Stable;
        for (topic, partition) in self.target.iter().filter(|(topic, _)| self.reads.contains(topic)) {
            if assigned.contains(&topic, partition) {
                continue;
            }
            if (self.is_free)(topic, partition) {
                assigned.insert(topic, partition, self.target_epoch);
            } else {
                state = MemberState::Unreleased;
            }
        }
        self.moved(state, self.target_epoch, assigned, Owned::default())
    }

    /// Takes away at once what the member does not read any more, without waiting for the next target.
    fn drop_unsubscribed(&self) -> Current {
        let current = self.current;
        let mut revoking = (*current.revoking).clone();
        let mut assigned = Owned::default();
        for (topic, partition, since) in current.assigned.iter() {
            let goes_to = if self.reads.contains(&topic) { &mut assigned } else { &mut revoking };
            goes_to.insert(topic, partition, since);
        }
        if assigned == *current.assigned {
            return current.clone();
        }
        if self.holds_any(&revoking) {
            return self.moved(MemberState::Unrevoked, current.epoch, assigned, revoking);
        }
        self.moved(current.state, current.epoch, assigned, (*current.revoking).clone())
    }

    fn moved(&self, state: MemberState, epoch: i32, assigned: Owned, revoking: Owned) -> Current {
        let previous_epoch = self.current.epoch;
        Current { epoch, previous_epoch, state, assigned: Arc::new(assigned), revoking: Arc::new(revoking) }
    }
}

impl Turn<'_> {
    /// Takes a member one step on, and stores it if that changes anything.
    pub(super) fn reconcile(
        &mut self,
        draft: &mut Draft,
        member_id: &Text,
        owned: Option<&Partitions>,
        subscription_changed: bool,
    ) -> Result<Arc<Member>, Refusal> {
        let unknown = || Refusal::unknown_member(&draft.id, member_id);
        let member = draft.group.member(member_id).cloned().ok_or_else(unknown)?;
        let target_epoch = draft.group.target_epoch;
        if member.is_reconciled_to(target_epoch) && !subscription_changed {
            return Ok(member);
        }
        let next = Situation {
            current: &member.current,
            target: &draft.group.target(member_id),
            target_epoch,
            owned,
            reads: &topic_ids(&self.shard.image, draft.group.topics_of(&member)),
            subscription_changed,
            is_free: &|topic, partition| draft.group.is_free(topic, partition),
        }
        .next()?;
        if next == member.current {
            return Ok(member);
        }
        tracing::debug!("[GroupId {}] Member {member_id} goes to {next:?}.", draft.id);
        self.watch_revocation(&draft.id, &member, next.state);
        let reconciled = Arc::new(Member { current: next.clone(), ..(*member).clone() });
        self.write(draft, ConsumerRecord::Current { member: member_id.clone(), value: Some(next) });
        Ok(reconciled)
    }

    /// A member that has to give partitions up is fenced if it does not do so in time. Members of the classic protocol
    /// have timers of their own.
    pub(super) fn watch_revocation(&mut self, group: &Text, member: &Member, state: MemberState) {
        if member.is_classic() {
            return;
        }
        let key = TimerKey::Revoke { group: group.clone(), member: member.id.clone() };
        match state {
            MemberState::Unrevoked => self.arm(key, i64::from(member.profile.rebalance_timeout_ms.max(0))),
            _ => self.cancel(key),
        }
    }
}
