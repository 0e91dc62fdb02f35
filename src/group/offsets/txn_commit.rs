//! TxnOffsetCommit (X15): offsets that count when their transaction commits. They go to the log in the producer's
//! transaction and wait among [`super::PendingOffsets`] for its marker.

use super::super::consumer::Allowed;
use super::super::error::GroupError;
use super::super::request::{TopicOutcome, TxnOffsetCommit, TxnOffsetCommitReply};
use super::super::shard::Turn;
use super::super::Caller;
use super::commit::{validate_commit, Committer};

impl<'a> Turn<'a> {
    /// Takes in what may be committed; a refusal as a whole stands at every partition.
    pub(in super::super) fn commit_offsets_in_transaction(&mut self, caller: Caller, request: &TxnOffsetCommit) {
        let shard = self.shard;
        let judged = self.judge_transactional_commit(request);
        let mut topics = Vec::with_capacity(request.topics.len());
        for topic in &request.topics {
            let mut partitions = Vec::with_capacity(topic.partitions.len());
            for partition in &topic.partitions {
                let outcome = judged.as_ref().map_err(|error| *error).and_then(|allowed| {
                    allowed.validate(&shard.topic_id(topic), partition.index)?;
                    self.commit_one(&request.group_id, topic, partition, None)
                });
                partitions.push((partition.index, outcome.err()));
            }
            topics.push(TopicOutcome { name: topic.name.clone(), topic_id: topic.topic_id, partitions });
        }
        self.out.producer = Some(request.producer);
        self.reply(caller, TxnOffsetCommitReply { topics });
    }

    fn judge_transactional_commit(&mut self, request: &TxnOffsetCommit) -> Result<Allowed<'a>, GroupError> {
        let shard = self.shard;
        if let Some(group) = shard.consumer_group(&request.group_id) {
            return group.validate_commit(&Committer::of_transaction(request));
        }
        match shard.group(&request.group_id) {
            Some(group) => validate_commit(&group, &Committer::of_transaction(request)).map(|()| Allowed::All),
            // A simple consumer, or a producer that names none: the group is made by the offset's own record.
            None if request.generation_id < 0 => self.admit_group().map(|()| Allowed::All),
            None => Err(GroupError::IllegalGeneration),
        }
    }
}
