//! OffsetCommit (G11, G12).

use super::super::classic::{ClassicGroup, State};
use super::super::error::GroupError;
use super::super::records::{CommittedOffset, Record};
use super::super::request::{CommitPartition, CommitTopic, OffsetCommit, OffsetCommitReply, TopicOutcome};
use super::super::shard::Turn;
use super::super::Caller;
use crate::ids::Uuid;

impl Turn<'_> {
    /// Commits what may be committed; a refusal as a whole stands at every partition.
    pub(in super::super) fn commit_offsets(&mut self, caller: Caller, request: &OffsetCommit) {
        let judged = self.judge_commit(request);
        let mut topics = Vec::with_capacity(request.topics.len());
        for topic in &request.topics {
            let mut partitions = Vec::with_capacity(topic.partitions.len());
            for partition in &topic.partitions {
                let outcome = judged.and_then(|()| self.commit_one(request, topic, partition));
                partitions.push((partition.index, outcome.err()));
            }
            topics.push(TopicOutcome { name: topic.name.clone(), topic_id: topic.topic_id, partitions });
        }
        self.reply(caller, OffsetCommitReply { topics });
    }

    fn judge_commit(&mut self, request: &OffsetCommit) -> Result<(), GroupError> {
        let Some(group) = self.shard.group(&request.group_id) else {
            return match request.generation_id < 0 {
                // A simple consumer: its group is made by the offset's own record.
                true => self.admit_group(),
                false if request.missing_group_is_not_found => Err(GroupError::GroupIdNotFound),
                false => Err(GroupError::IllegalGeneration),
            };
        };
        validate_commit(&group, request)?;
        if matches!(group.state, State::Stable | State::PreparingRebalance) {
            self.renew_session(&group, &request.member_id);
        }
        Ok(())
    }

    fn commit_one(
        &mut self,
        request: &OffsetCommit,
        topic: &CommitTopic,
        partition: &CommitPartition,
    ) -> Result<(), GroupError> {
        let metadata = partition.metadata.as_deref().unwrap_or_default();
        if is_longer(metadata, self.shard.settings.offset_metadata_max_bytes) {
            return Err(GroupError::OffsetMetadataTooLarge);
        }
        let wall_ms = self.now.wall_ms;
        let keeps_for = (request.retention_time_ms != -1).then_some(request.retention_time_ms);
        let value = CommittedOffset {
            offset: partition.offset,
            // The only format with an expiry lacks the other two.
            leader_epoch: if keeps_for.is_some() { -1 } else { partition.leader_epoch },
            metadata: metadata.into(),
            commit_timestamp_ms: wall_ms,
            expire_timestamp_ms: keeps_for.map(|ms| wall_ms.saturating_add(ms)),
            topic_id: if keeps_for.is_some() { Uuid::nil() } else { topic.topic_id },
        };
        self.out.records.push(Record::Offset {
            group: request.group_id.clone(),
            topic: topic.name.clone(),
            partition: partition.index,
            value: Some(value),
        });
        Ok(())
    }
}

/// Whether a commit may come from where it says it comes from, in Kafka's order of checks.
fn validate_commit(group: &ClassicGroup, request: &OffsetCommit) -> Result<(), GroupError> {
    if request.generation_id < 0 && group.state == State::Empty {
        // An administrator, or a consumer that assigns itself.
        return Ok(());
    }
    let is_simple = request.member_id.is_empty() && request.group_instance_id.is_none();
    if request.generation_id >= 0 || !is_simple {
        group.validate_member(&request.member_id, request.group_instance_id.as_ref())?;
        if request.generation_id != group.generation {
            return Err(GroupError::IllegalGeneration);
        }
    } else if group.state != State::Empty {
        return Err(GroupError::UnknownMemberId);
    }
    if group.state == State::CompletingRebalance {
        return Err(GroupError::RebalanceInProgress);
    }
    Ok(())
}

/// Kafka compares Java's length, in UTF-16 units; they are never more than the bytes.
fn is_longer(metadata: &str, max: usize) -> bool {
    metadata.len() > max && metadata.encode_utf16().count() > max
}
