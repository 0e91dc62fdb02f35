//! ListPartitionReassignments (key 46). Versions 0–0 (KIP-455).

use super::context::RequestContext;
use super::reply::Reply;
use super::Services;
use crate::ids::NodeId;
use crate::metadata::image::TopicImage;
use kafka_protocol::messages::list_partition_reassignments_response::{
    OngoingPartitionReassignment, OngoingTopicReassignment,
};
use kafka_protocol::messages::{
    BrokerId, ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use std::collections::{BTreeMap, BTreeSet};

/// Answers with the partitions that are being moved: among those asked for, or all.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: ListPartitionReassignmentsRequest) -> Reply {
    let image = services.metadata.current();
    let all = |topic: &TopicImage| (0..topic.partition_count()).collect();
    let topics: Vec<OngoingTopicReassignment> = match &request.topics {
        None => image.topics().filter_map(|topic| ongoing(topic, all(topic))).collect(),
        Some(topics) => {
            let mut asked: BTreeMap<&str, BTreeSet<i32>> = BTreeMap::new();
            for topic in topics {
                asked.entry(topic.name.as_str()).or_default().extend(&topic.partition_indexes);
            }
            let known = asked.into_iter().filter_map(|(name, indexes)| Some((image.topic_by_name(name)?, indexes)));
            known.filter_map(|(topic, indexes)| ongoing(topic, indexes)).collect()
        }
    };
    context.responder.ready(&ListPartitionReassignmentsResponse::default().with_topics(topics))
}

/// The partitions of `topic` among `indexes` that are being moved, if there are any.
fn ongoing(topic: &TopicImage, indexes: BTreeSet<i32>) -> Option<OngoingTopicReassignment> {
    let ids = |nodes: &[NodeId]| nodes.iter().map(|id| BrokerId(*id)).collect();
    let partitions: Vec<_> = indexes
        .into_iter()
        .filter_map(|index| Some((index, topic.partition(index).filter(|partition| partition.is_reassigning())?)))
        .map(|(index, partition)| {
            OngoingPartitionReassignment::default()
                .with_partition_index(index)
                .with_replicas(ids(&partition.replicas))
                .with_adding_replicas(ids(&partition.adding_replicas))
                .with_removing_replicas(ids(&partition.removing_replicas))
        })
        .collect();
    let name = TopicName(StrBytes::from_string(topic.name.to_string()));
    (!partitions.is_empty()).then(|| OngoingTopicReassignment::default().with_name(name).with_partitions(partitions))
}
