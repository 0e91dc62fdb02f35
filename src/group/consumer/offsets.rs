//! Who may commit and fetch the offsets of a consumer group (N10).

use super::super::error::GroupError;
use super::super::offsets::Committer;
use super::member::Member;
use super::state::ConsumerGroup;
use crate::ids::Uuid;

/// Which partitions a committer may commit.
pub(in super::super) enum Allowed<'a> {
    /// All.
    All,
    /// It is behind: those that it had in its epoch already.
    Since(i32, &'a Member),
}

impl ConsumerGroup {
    /// Whether a commit may come from where it says it comes from, in Kafka's order of checks.
    pub(in super::super) fn validate_commit(&self, from: &Committer<'_>) -> Result<Allowed<'_>, GroupError> {
        if from.generation_id < 0 && self.is_empty() {
            return Ok(Allowed::All);
        }
        let is_nobody = from.member_id.is_empty() && from.group_instance_id.is_none();
        if from.in_transaction && from.generation_id == -1 && is_nobody {
            return Ok(Allowed::All);
        }
        let member = self.member(from.member_id).ok_or(GroupError::UnknownMemberId)?;
        if !from.in_transaction && !member.is_classic() && !from.knows_epochs {
            return Err(GroupError::UnsupportedVersion);
        }
        match from.generation_id.cmp(&member.current.epoch) {
            std::cmp::Ordering::Equal => Ok(Allowed::All),
            std::cmp::Ordering::Greater => Err(member.out_of_step()),
            std::cmp::Ordering::Less => Ok(Allowed::Since(from.generation_id, member)),
        }
    }

    /// Whether offsets may be fetched by who asks; nobody asks for no member.
    pub(in super::super) fn validate_fetch(&self, member_id: Option<&str>, epoch: i32) -> Result<(), GroupError> {
        let Some(member_id) = member_id else {
            return if epoch < 0 { Ok(()) } else { Err(GroupError::UnknownMemberId) };
        };
        let member = self.member(member_id).ok_or(GroupError::UnknownMemberId)?;
        match epoch == member.current.epoch {
            true => Ok(()),
            false => Err(member.out_of_step()),
        }
    }
}

impl Allowed<'_> {
    /// Whether one partition may be committed.
    pub fn validate(&self, topic: &Uuid, partition: i32) -> Result<(), GroupError> {
        let Self::Since(epoch, member) = self else { return Ok(()) };
        let current = &member.current;
        let since = current.assigned.epoch(topic, partition).or_else(|| current.revoking.epoch(topic, partition));
        match since {
            Some(since) if since <= *epoch => Ok(()),
            _ => Err(member.out_of_step()),
        }
    }
}

impl Member {
    /// The word for an epoch that is not the member's.
    fn out_of_step(&self) -> GroupError {
        match self.is_classic() {
            true => GroupError::IllegalGeneration,
            false => GroupError::StaleMemberEpoch,
        }
    }
}
