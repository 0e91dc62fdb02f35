//! OffsetCommit (G11, G12).

use super::super::classic::{ClassicGroup, State};
use super::super::consumer::Allowed;
use super::super::error::GroupError;
use super::super::records::{CommittedOffset, Record};
use super::super::request::{
    CommitPartition, CommitTopic, OffsetCommit, OffsetCommitReply, TopicOutcome, TxnOffsetCommit,
};
use super::super::shard::Turn;
use super::super::Caller;
use super::super::Text;
use crate::ids::Uuid;

impl<'a> Turn<'a> {
    /// Commits what may be committed; a refusal as a whole stands at every partition.
    pub(in super::super) fn commit_offsets(&mut self, caller: Caller, request: &OffsetCommit) {
        let shard = self.shard;
        let judged = self.judge_commit(request);
        let keeps_for_ms = (request.retention_time_ms != -1).then_some(request.retention_time_ms);
        let mut topics = Vec::with_capacity(request.topics.len());
        for topic in &request.topics {
            let mut partitions = Vec::with_capacity(topic.partitions.len());
            for partition in &topic.partitions {
                let outcome = judged.as_ref().map_err(|error| *error).and_then(|allowed| {
                    allowed.validate(&shard.topic_id(topic), partition.index)?;
                    self.commit_one(&request.group_id, topic, partition, keeps_for_ms)
                });
                partitions.push((partition.index, outcome.err()));
            }
            topics.push(TopicOutcome { name: topic.name.clone(), topic_id: topic.topic_id, partitions });
        }
        self.reply(caller, OffsetCommitReply { topics });
    }

    fn judge_commit(&mut self, request: &OffsetCommit) -> Result<Allowed<'a>, GroupError> {
        let shard = self.shard;
        if shard.is_share_group(&request.group_id) {
            return Err(GroupError::GroupIdNotFound);
        }
        if let Some(group) = shard.consumer_group(&request.group_id) {
            return group.validate_commit(&Committer::of(request));
        }
        let Some(group) = shard.group(&request.group_id) else {
            return match request.generation_id < 0 {
                // A simple consumer: its group is made by the offset's own record.
                true => self.admit_group().map(|()| Allowed::All),
                false if request.missing_group_is_not_found => Err(GroupError::GroupIdNotFound),
                false => Err(GroupError::IllegalGeneration),
            };
        };
        validate_commit(&group, &Committer::of(request))?;
        if matches!(group.state, State::Stable | State::PreparingRebalance) {
            self.renew_session(&group, &request.member_id);
        }
        Ok(Allowed::All)
    }

    /// A record of one offset, kept for as long as the broker keeps them or for `keeps_for_ms`.
    pub(super) fn commit_one(
        &mut self,
        group: &Text,
        topic: &CommitTopic,
        partition: &CommitPartition,
        keeps_for_ms: Option<i64>,
    ) -> Result<(), GroupError> {
        let metadata = partition.metadata.as_deref().unwrap_or_default();
        if is_longer(metadata, self.shard.settings.offset_metadata_max_bytes) {
            return Err(GroupError::OffsetMetadataTooLarge);
        }
        let wall_ms = self.now.wall_ms;
        let value = CommittedOffset {
            offset: partition.offset,
            // The only format with an expiry lacks the other two.
            leader_epoch: if keeps_for_ms.is_some() { -1 } else { partition.leader_epoch },
            metadata: metadata.into(),
            commit_timestamp_ms: wall_ms,
            expire_timestamp_ms: keeps_for_ms.map(|ms| wall_ms.saturating_add(ms)),
            topic_id: if keeps_for_ms.is_some() { Uuid::nil() } else { topic.topic_id },
        };
        self.out.records.push(Record::Offset {
            group: group.clone(),
            topic: topic.name.clone(),
            partition: partition.index,
            value: Some(value),
        });
        Ok(())
    }
}

/// Who commits, and how.
pub(in super::super) struct Committer<'a> {
    /// The generation or epoch; negative outside of group management.
    pub generation_id: i32,
    /// The member; may be empty.
    pub member_id: &'a Text,
    /// Its instance id, if static.
    pub group_instance_id: Option<&'a Text>,
    /// The commit belongs to a transaction.
    pub in_transaction: bool,
    /// The request can tell of a stale epoch.
    pub knows_epochs: bool,
}

impl<'a> Committer<'a> {
    fn of(request: &'a OffsetCommit) -> Self {
        let OffsetCommit { generation_id, member_id, group_instance_id, .. } = request;
        let (group_instance_id, knows_epochs) = (group_instance_id.as_ref(), request.missing_group_is_not_found);
        Self { generation_id: *generation_id, member_id, group_instance_id, in_transaction: false, knows_epochs }
    }

    pub(super) fn of_transaction(request: &'a TxnOffsetCommit) -> Self {
        let TxnOffsetCommit { generation_id, member_id, group_instance_id, .. } = request;
        let group_instance_id = group_instance_id.as_ref();
        Self { generation_id: *generation_id, member_id, group_instance_id, in_transaction: true, knows_epochs: false }
    }
}

/// Whether a commit may come from where it says it comes from, in Kafka's order of checks. A transactional one may come
/// from nobody of the group, and between two generations: its transaction tells whether it counts.
pub(super) fn validate_commit(group: &ClassicGroup, from: &Committer<'_>) -> Result<(), GroupError> {
    if from.generation_id < 0 && group.state == State::Empty {
        // An administrator, or a consumer that assigns itself.
        return Ok(());
    }
    let is_simple = from.member_id.is_empty() && from.group_instance_id.is_none();
    if from.generation_id >= 0 || !is_simple {
        group.validate_member(from.member_id, from.group_instance_id)?;
        if from.generation_id != group.generation {
            return Err(GroupError::IllegalGeneration);
        }
    } else if group.state != State::Empty && !from.in_transaction {
        return Err(GroupError::UnknownMemberId);
    }
    if group.state == State::CompletingRebalance && !from.in_transaction {
        return Err(GroupError::RebalanceInProgress);
    }
    Ok(())
}

/// Kafka compares Java's length, in UTF-16 units; they are never more than the bytes.
fn is_longer(metadata: &str, max: usize) -> bool {
    metadata.len() > max && metadata.encode_utf16().count() > max
}
