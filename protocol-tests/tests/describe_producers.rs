//! DescribeProducers (key 61), version 0.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::DescribeProducersRequest;
use protocol_tests::markers::Marker;
use protocol_tests::records::{Batch, TIMESTAMP};
use protocol_tests::{error, shared, topic_name};

#[test]
fn i1_x10_what_a_partition_remembers() {
    let mut client = shared().connect();
    let topic = client.create_topic("producers", 2, &[]);
    assert!(client.producers(&topic, 0).is_empty());
    for (id, epoch, sequence) in [(7000, 3, 10), (7000, 3, 12), (7001, 0, 0)] {
        let produced = client.produce(&topic, 0, &Batch::of(&["a", "b"]).from_producer(id, epoch, sequence));
        assert_eq!(error(produced.error_code), None);
    }
    let marker = Marker { producer_id: 7001, producer_epoch: 1, coordinator_epoch: 9, commit: false };
    assert_eq!(client.write_marker(marker, "producers", 0), None);
    let found: Vec<_> = client
        .producers(&topic, 0)
        .iter()
        .map(|p| (p.producer_id.0, p.producer_epoch, p.last_sequence, p.coordinator_epoch, p.current_txn_start_offset))
        .collect();
    assert_eq!(found, [(7000, 3, 13, -1, -1), (7001, 1, -1, 9, -1)]);
    assert_eq!(client.producers(&topic, 0)[0].last_timestamp, TIMESTAMP);
    assert!(client.producers(&topic, 1).is_empty());
}

#[test]
fn p10_unknown_partitions_say_so() {
    let mut client = shared().connect();
    client.create_topic("producers-known", 1, &[]);
    for (name, partition) in [("producers-unknown", 0), ("producers-known", 1)] {
        let topic = TopicRequest::default().with_name(topic_name(name)).with_partition_indexes(vec![partition]);
        let response = client.call(0, &DescribeProducersRequest::default().with_topics(vec![topic]));
        let answer = &response.topics[0].partitions[0];
        assert_eq!(error(answer.error_code), Some(ResponseError::UnknownTopicOrPartition), "{name}-{partition}");
        assert!(answer.active_producers.is_empty());
    }
}
