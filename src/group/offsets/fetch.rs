//! OffsetFetch (G13): no group, no offset and no such partition are no errors.

use super::super::error::GroupError;
use super::super::records::CommittedOffset;
use super::super::request::{FetchedPartition, FetchedTopic, OffsetFetch, OffsetFetchReply};
use super::super::shard::Shard;
use super::super::Text;

impl Shard {
    /// The committed offsets asked for.
    pub(in super::super) fn fetch_offsets(&self, request: &OffsetFetch) -> OffsetFetchReply {
        let group = self.consumer_group(&request.group_id);
        let member_id = request.member_id.as_deref();
        if let Some(Err(error)) = group.map(|group| group.validate_fetch(member_id, request.member_epoch)) {
            return OffsetFetchReply { error: Some(error), topics: Vec::new() };
        }
        let offsets = self.groups.get(&request.group_id).map(|entry| &entry.offsets);
        let mut topics: Vec<FetchedTopic> = Vec::new();
        if let Some(asked) = &request.topics {
            for topic in asked {
                let found = |index: &i32| {
                    let committed = offsets.and_then(|offsets| offsets.get(&topic.name, *index));
                    self.fetched(request, &topic.name, *index, committed)
                };
                let partitions = topic.partitions.iter().map(found).collect();
                topics.push(FetchedTopic { name: topic.name.clone(), partitions });
            }
        } else {
            for (topic, index, committed) in offsets.into_iter().flat_map(|offsets| offsets.iter()) {
                if topics.last().is_none_or(|last| last.name != *topic) {
                    topics.push(FetchedTopic { name: topic.clone(), partitions: Vec::new() });
                }
                let fetched = self.fetched(request, topic, index, Some(committed));
                topics.last_mut().expect("one was just put there").partitions.push(fetched);
            }
        }
        OffsetFetchReply { error: None, topics }
    }

    fn fetched(
        &self,
        request: &OffsetFetch,
        topic: &Text,
        index: i32,
        committed: Option<&CommittedOffset>,
    ) -> FetchedPartition {
        let unstable = request.require_stable && self.pending.has(&request.group_id, topic, index);
        match committed.filter(|_| !unstable) {
            Some(committed) => FetchedPartition {
                index,
                offset: committed.offset,
                leader_epoch: committed.leader_epoch,
                metadata: (*committed.metadata).into(),
                error: None,
            },
            None => FetchedPartition {
                index,
                offset: -1,
                leader_epoch: -1,
                metadata: "".into(),
                error: unstable.then_some(GroupError::UnstableOffsetCommit),
            },
        }
    }
}
