//! Groups of the consumer protocol (KIP-848).

use crate::{error, group_id, text, topic_name, Client};
use kafka_protocol::messages::consumer_group_describe_response::DescribedGroup;
use kafka_protocol::messages::consumer_group_heartbeat_request::TopicPartitions;
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse,
};
use uuid::Uuid;

/// A heartbeat that joins and names topics.
pub fn consumer_join(group: &str, member: &str, topics: &[&str]) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest::default()
        .with_group_id(group_id(group))
        .with_member_id(text(member))
        .with_rebalance_timeout_ms(30_000)
        .with_subscribed_topic_names(Some(topics.iter().map(|topic| topic_name(topic)).collect()))
        .with_topic_partitions(Some(Vec::new()))
}

/// A heartbeat of a member that holds these partitions; with none it does not say what it holds.
pub fn consumer_beat(
    group: &str,
    member: &str,
    epoch: i32,
    owned: Option<(Uuid, &[i32])>,
) -> ConsumerGroupHeartbeatRequest {
    let owned = owned.map(|(topic, partitions)| {
        vec![TopicPartitions::default().with_topic_id(topic).with_partitions(partitions.to_vec())]
    });
    ConsumerGroupHeartbeatRequest::default()
        .with_group_id(group_id(group))
        .with_member_id(text(member))
        .with_member_epoch(epoch)
        .with_rebalance_timeout_ms(-1)
        .with_topic_partitions(owned)
}

/// What an answer assigns: topic by topic; none if it says nothing of it.
pub fn assigned(response: &ConsumerGroupHeartbeatResponse) -> Option<Vec<(Uuid, Vec<i32>)>> {
    let assignment = response.assignment.as_ref()?;
    Some(assignment.topic_partitions.iter().map(|topic| (topic.topic_id, topic.partitions.clone())).collect())
}

impl Client {
    /// Joins a consumer group, whose coordinator has been found.
    pub fn join_consumers(&mut self, group: &str, member: &str, topics: &[&str]) -> ConsumerGroupHeartbeatResponse {
        let joined = self.call(1, &consumer_join(group, member, topics));
        assert_eq!(error(joined.error_code), None, "{member} joins {group}: {:?}", joined.error_message);
        joined
    }

    /// One described consumer group.
    pub fn describe_consumers(&mut self, version: i16, group: &str) -> DescribedGroup {
        let request = ConsumerGroupDescribeRequest::default().with_group_ids(vec![group_id(group)]);
        self.call(version, &request).groups.remove(0)
    }
}
