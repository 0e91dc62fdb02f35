//! DescribeTopicPartitions (key 75). Versions 0–0.
//!
//! Topics in pages, with eligible leader replicas (KIP-966). A page holds at most the smaller of what the client and
//! `max.request.partition.size.limit` allow (M10).

use super::context::{operations, RequestContext};
use super::error::ErrorCode;
use super::metadata::{ids, offline};
use super::reply::Reply;
use super::Services;
use crate::metadata::image::{MetadataImage, PartitionImage, TopicImage, NO_LEADER};
use kafka_protocol::messages::describe_topic_partitions_response::{
    Cursor, DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};
use kafka_protocol::messages::{BrokerId, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeSet;

/// Answers with one page.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: DescribeTopicPartitionsRequest) -> Reply {
    let image = services.metadata.current();
    let from = request.cursor.as_ref().map_or("", |cursor| cursor.topic_name.as_str());
    let first_partition = request.cursor.as_ref().map_or(0, |cursor| cursor.partition_index.max(0));
    let limit = request.response_partition_limit.clamp(1, services.config.topics.max_request_partition_size_limit);
    let mut page = Page { image: &image, left: limit as usize, topics: Vec::new(), next: None };
    let start_of = |name: &str| if name == from { first_partition } else { 0 };
    if request.topics.is_empty() {
        for topic in image.topics_from(from) {
            if !page.add(topic, start_of(&topic.name)) {
                break;
            }
        }
    } else {
        let names: BTreeSet<&str> = request.topics.iter().map(|topic| topic.name.as_str()).collect();
        for name in names.range(from..) {
            match image.topic_by_name(name) {
                Some(topic) if !page.add(topic, start_of(name)) => break,
                Some(_) => {}
                None => page.topics.push(unknown(name)),
            }
        }
    }
    let response = DescribeTopicPartitionsResponse::default().with_topics(page.topics).with_next_cursor(page.next);
    context.responder.ready(&response)
}

fn unknown(name: &str) -> DescribeTopicPartitionsResponseTopic {
    let error = if crate::controller::validate_topic_name(name).is_ok() {
        ErrorCode::UnknownTopicOrPartition
    } else {
        ErrorCode::InvalidTopicException
    };
    DescribeTopicPartitionsResponseTopic::default()
        .with_name(Some(TopicName(StrBytes::from_string(name.to_owned()))))
        .with_error_code(error.code())
}

struct Page<'a> {
    image: &'a MetadataImage,
    /// Partitions that still fit.
    left: usize,
    topics: Vec<DescribeTopicPartitionsResponseTopic>,
    next: Option<Cursor>,
}

impl Page<'_> {
    /// Adds what fits of a topic from `first_partition` on; false once the page is full.
    fn add(&mut self, topic: &TopicImage, first_partition: i32) -> bool {
        let name = || TopicName(StrBytes::from_string(topic.name.to_string()));
        let cursor = |partition| Some(Cursor::default().with_topic_name(name()).with_partition_index(partition));
        if self.left == 0 {
            self.next = cursor(first_partition);
            return false;
        }
        let rest = (0..).zip(&topic.partitions).skip(first_partition as usize);
        let partitions: Vec<_> = rest.take(self.left).map(|(index, state)| self.partition(index, state)).collect();
        let end = first_partition.saturating_add(partitions.len() as i32);
        self.left -= partitions.len();
        self.topics.push(
            DescribeTopicPartitionsResponseTopic::default()
                .with_name(Some(name()))
                .with_topic_id(topic.id)
                .with_is_internal(topic.is_internal())
                .with_partitions(partitions)
                .with_topic_authorized_operations(operations::TOPIC),
        );
        if end < topic.partition_count() {
            self.next = cursor(end);
            return false;
        }
        true
    }

    fn partition(&self, index: i32, partition: &PartitionImage) -> DescribeTopicPartitionsResponsePartition {
        let leader = self.image.broker(partition.leader).filter(|broker| !broker.fenced);
        let error = if leader.is_some() { ErrorCode::None } else { ErrorCode::LeaderNotAvailable };
        DescribeTopicPartitionsResponsePartition::default()
            .with_error_code(error.code())
            .with_partition_index(index)
            .with_leader_id(BrokerId(leader.map_or(NO_LEADER, |broker| broker.id)))
            .with_leader_epoch(partition.leader_epoch)
            .with_replica_nodes(ids(&partition.replicas))
            .with_isr_nodes(ids(&partition.isr))
            .with_eligible_leader_replicas(Some(ids(&partition.elr)))
            .with_last_known_elr(Some(ids(&partition.last_known_elr)))
            .with_offline_replicas(offline(self.image, &partition.replicas))
    }
}
