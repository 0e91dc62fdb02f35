//! ConsumerGroupDescribe (N12).

use super::super::error::GroupError;
use super::super::request::{
    AssignedTopic, ConsumerGroupDescribe, ConsumerGroupDescribeReply, DescribedConsumer, DescribedConsumerGroup,
};
use super::super::shard::Shard;
use super::assign::{by_name, preferred_assignor};
use super::member::Member;
use super::partitions::Partitions;
use super::state::ConsumerGroup;

impl Shard {
    /// A consumer group as it now is.
    pub(in super::super) fn describe_consumer_group(
        &self,
        request: &ConsumerGroupDescribe,
    ) -> ConsumerGroupDescribeReply {
        let id = &request.group_id;
        let entry = self.groups.get(id);
        match entry.and_then(|entry| entry.consumer.as_deref()) {
            Some(group) => ConsumerGroupDescribeReply { described: Ok(self.described(group)) },
            None => {
                let message = match entry {
                    Some(_) => format!("Group {id} is not a consumer group."),
                    None => format!("Group {id} not found."),
                };
                ConsumerGroupDescribeReply { described: Err((GroupError::GroupIdNotFound, message)) }
            }
        }
    }

    fn described(&self, group: &ConsumerGroup) -> DescribedConsumerGroup {
        let topics = |partitions: &Partitions| {
            let each = by_name(&self.image, partitions).into_iter();
            each.map(|(name, topic_id, partitions)| AssignedTopic { name, topic_id, partitions }).collect()
        };
        let member = |member: &Member| DescribedConsumer {
            member_id: member.id.clone(),
            instance_id: member.profile.instance_id.clone(),
            rack_id: member.profile.rack_id.clone(),
            member_epoch: member.current.epoch,
            client_id: member.profile.client_id.clone(),
            client_host: member.profile.client_host.clone(),
            subscribed_topics: member.profile.topics.iter().cloned().collect(),
            subscribed_regex: member.profile.regex.clone(),
            assignment: topics(&member.current.assigned.partitions()),
            target: topics(&group.target(&member.id)),
            is_classic: member.is_classic(),
        };
        DescribedConsumerGroup {
            state: group.state().name(),
            group_epoch: group.epoch,
            assignment_epoch: group.target_epoch,
            assignor: preferred_assignor(group, &self.settings.consumer.assignors).name(),
            members: group.members().map(|one| member(one)).collect(),
        }
    }
}
