//! The topics that brokers keep for themselves.

use super::golden::{settings, World};
use crate::controller::internal_topics::{
    consumer_offsets, share_group_state, transaction_state, InternalTopicSettings,
};
use crate::controller::request::CreateTopics;
use crate::controller::{Request, Response};

const ON_A_LONE_NODE: InternalTopicSettings = InternalTopicSettings {
    partitions: 4,
    replication_factor: 3,
    segment_bytes: 104_857_600,
    min_insync_replicas: Some(2),
    lone_node: true,
};

#[test]
fn m8_internal_topics_can_be_created_as_specified() {
    let mut world = World::new(settings());
    world.broker_joins(1, None);
    let topics = vec![
        consumer_offsets(&InternalTopicSettings { min_insync_replicas: None, ..ON_A_LONE_NODE }, &world.image),
        transaction_state(&ON_A_LONE_NODE, &world.image),
        share_group_state(&ON_A_LONE_NODE, &world.image),
    ];
    let decision = world.ask(Request::CreateTopics(CreateTopics { topics, validate_only: false }));
    let Response::CreateTopics(created) = decision.response else { panic!("another answer") };
    assert!(created.iter().all(|(_, result)| result.is_ok()), "{created:?}");
    assert!(world.image.topics().all(|topic| topic.is_internal() && topic.partition_count() == 4));
    let config = |topic: &str, key: &str| world.image.topic_config(topic).get(key).cloned();
    assert_eq!(config("__consumer_offsets", "cleanup.policy").as_deref(), Some("compact"));
    assert_eq!(config("__consumer_offsets", "compression.type").as_deref(), Some("producer"));
    assert_eq!(config("__consumer_offsets", "segment.bytes").as_deref(), Some("104857600"));
    assert_eq!(config("__consumer_offsets", "min.insync.replicas"), None);
    assert_eq!(config("__transaction_state", "min.insync.replicas").as_deref(), Some("1"));
    assert_eq!(config("__share_group_state", "retention.ms").as_deref(), Some("-1"));
    assert_eq!(config("__share_group_state", "cleanup.policy").as_deref(), Some("delete"));
}

#[test]
fn m11_internal_topics_are_clamped_on_a_lone_node_only() {
    let mut world = World::new(settings());
    world.broker_joins(1, None);
    assert_eq!(consumer_offsets(&ON_A_LONE_NODE, &world.image).replication_factor, 1);
    let in_a_cluster = InternalTopicSettings { lone_node: false, ..ON_A_LONE_NODE };
    assert_eq!(consumer_offsets(&in_a_cluster, &world.image).replication_factor, 3);
    world.broker_joins(2, None);
    assert_eq!(consumer_offsets(&ON_A_LONE_NODE, &world.image).replication_factor, 2);
}
