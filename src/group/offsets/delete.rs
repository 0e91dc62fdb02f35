//! OffsetDelete and DeleteGroups (G15), and the offsets of topics that are gone.

use super::super::classic::State;
use super::super::error::GroupError;
use super::super::records::Record;
use super::super::request::{DeleteGroup, DeleteGroupReply, OffsetDelete, OffsetDeleteReply, TopicOutcome};
use super::super::shard::Turn;
use super::super::Caller;
use super::super::Text;
use crate::ids::Uuid;
use std::collections::BTreeSet;

impl Turn<'_> {
    /// Deletes offsets of topics that the group does not read.
    pub(in super::super) fn delete_offsets(&mut self, caller: Caller, request: &OffsetDelete) {
        let reply = match self.judge_delete_offsets(request) {
            Ok(topics) => OffsetDeleteReply { error: None, topics },
            Err(error) => OffsetDeleteReply { error: Some(error), topics: Vec::new() },
        };
        self.reply(caller, reply);
    }

    fn judge_delete_offsets(&mut self, request: &OffsetDelete) -> Result<Vec<TopicOutcome>, GroupError> {
        let shard = self.shard;
        let consumer = shard.consumer_group(&request.group_id);
        let classic = shard.group(&request.group_id);
        if consumer.is_none() {
            let group = classic.as_ref().ok_or(GroupError::GroupIdNotFound)?;
            if group.state != State::Empty && !group.is_consumer_protocol() {
                return Err(GroupError::NonEmptyGroup);
            }
        }
        let is_subscribed_to = |topic: &Text| {
            consumer.is_some_and(|group| group.is_subscribed_to(topic))
                || classic.as_ref().is_some_and(|group| group.is_subscribed_to(topic))
        };
        let offsets = shard.groups.get(&request.group_id).map(|entry| &entry.offsets);
        let mut topics = Vec::with_capacity(request.topics.len());
        for topic in &request.topics {
            let error = is_subscribed_to(&topic.name).then_some(GroupError::GroupSubscribedToTopic);
            for partition in topic.partitions.iter().filter(|_| error.is_none()) {
                let committed = offsets.is_some_and(|offsets| offsets.get(&topic.name, *partition).is_some());
                if committed || shard.pending.has(&request.group_id, &topic.name, *partition) {
                    self.bury_offset(&request.group_id, &topic.name, *partition);
                }
            }
            let partitions = topic.partitions.iter().map(|partition| (*partition, error)).collect();
            topics.push(TopicOutcome { name: topic.name.clone(), topic_id: Uuid::nil(), partitions });
        }
        Ok(topics)
    }

    /// Deletes a group that is empty, with all its offsets.
    pub(in super::super) fn delete_group(&mut self, caller: Caller, request: &DeleteGroup) {
        let shard = self.shard;
        let consumer = shard.consumer_group(&request.group_id);
        let share = shard.groups.get(&request.group_id).and_then(|entry| entry.share.as_deref());
        let is_empty = match consumer {
            Some(group) => Some(group.is_empty()),
            None if share.is_some() => share.map(|group| group.members.is_empty()),
            None => shard.group(&request.group_id).map(|group| group.state == State::Empty),
        };
        let error = match is_empty {
            None => Some(GroupError::GroupIdNotFound),
            Some(false) => Some(GroupError::NonEmptyGroup),
            Some(true) => {
                self.bury_group(&request.group_id);
                None
            }
        };
        self.reply(caller, DeleteGroupReply { error });
    }

    /// Tombstones for a group and everything of it. The group's own comes last, so that a log cut short between them
    /// still knows the group.
    fn bury_group(&mut self, group: &Text) {
        let shard = self.shard;
        let mut buried = BTreeSet::new();
        if let Some(entry) = shard.groups.get(group) {
            buried.extend(entry.offsets.iter().map(|(topic, partition, _)| (topic, partition)));
        }
        for offsets in shard.pending.of_group(group) {
            buried.extend(offsets.iter().map(|(topic, partition, _)| (topic, partition)));
        }
        for (topic, partition) in buried {
            self.bury_offset(group, topic, partition);
        }
        self.bury_without_offsets(group);
        self.out.divisible = true;
    }

    /// Tombstones for a group, but not for its offsets.
    pub(super) fn bury_without_offsets(&mut self, group: &Text) {
        if self.shard.groups.get(group).is_some_and(|entry| entry.share.is_some()) {
            return self.bury_share_group(group);
        }
        match self.shard.consumer_group(group) {
            Some(consumer) => self.bury_consumer_group(group, consumer),
            None => self.out.records.push(Record::Group { group: group.clone(), value: None }),
        }
    }

    /// Drops the offsets of topics that do not exist any more.
    pub(in super::super) fn topics_deleted(&mut self, topics: &[Text]) {
        let shard = self.shard;
        let committed = shard.groups.iter().map(|(group, entry)| (group, &entry.offsets));
        let mut buried = BTreeSet::new();
        for (group, offsets) in committed.chain(shard.pending.iter()) {
            for topic in topics {
                buried.extend(offsets.of_topic(topic).map(|(topic, partition, _)| (group, topic, partition)));
            }
        }
        for (group, topic, partition) in buried {
            self.bury_offset(group, topic, partition);
        }
        self.out.divisible = true;
    }

    /// A tombstone for one offset.
    pub(super) fn bury_offset(&mut self, group: &Text, topic: &Text, partition: i32) {
        let (group, topic) = (group.clone(), topic.clone());
        self.out.records.push(Record::Offset { group, topic, partition, value: None });
    }
}
