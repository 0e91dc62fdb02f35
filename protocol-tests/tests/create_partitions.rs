//! CreatePartitions (key 37), versions 0–3.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::create_partitions_request::{CreatePartitionsAssignment, CreatePartitionsTopic};
use kafka_protocol::messages::{BrokerId, CreatePartitionsRequest};
use protocol_tests::{error, shared, topic_name, Client};

fn to(name: &str, count: i32) -> CreatePartitionsTopic {
    CreatePartitionsTopic::default().with_name(topic_name(name)).with_count(count).with_assignments(None)
}

fn ask(client: &mut Client, version: i16, topic: CreatePartitionsTopic, validate_only: bool) -> Option<ResponseError> {
    let name = topic.name.clone();
    let request = CreatePartitionsRequest::default()
        .with_topics(vec![topic])
        .with_timeout_ms(30_000)
        .with_validate_only(validate_only);
    let response = client.call(version, &request);
    assert_eq!(response.results[0].name, name);
    error(response.results[0].error_code)
}

#[test]
fn m12_every_version_adds_partitions() {
    let mut client = shared().connect();
    let topic = client.create_topic("partitions-added", 1, &[]);
    client.append(&topic, 0, &["a"]);
    for version in 0..=3 {
        let count = i32::from(version) + 2;
        assert_eq!(ask(&mut client, version, to("partitions-added", count), true), None);
        assert_eq!(client.describe_topic("partitions-added").partitions.len(), count as usize - 1, "validated only");
        assert_eq!(ask(&mut client, version, to("partitions-added", count), false), None, "version {version}");
        let described = client.describe_topic("partitions-added");
        assert_eq!((described.partitions.len(), described.topic_id), (count as usize, topic.id));
        assert_eq!(client.append(&topic, count - 1, &["b"]), 0);
    }
    assert_eq!(client.values(&topic, 0), ["a"]);
}

#[test]
fn m12_it_only_adds() {
    let mut client = shared().connect();
    client.create_topic("partitions-refused", 3, &[]);
    for count in [3, 2, 0, -1, i32::MIN] {
        let why = ask(&mut client, 3, to("partitions-refused", count), false);
        assert_eq!(why, Some(ResponseError::InvalidPartitions), "{count}");
    }
    let unknown = ask(&mut client, 3, to("nobody-made-this", 3), false);
    assert_eq!(unknown, Some(ResponseError::UnknownTopicOrPartition));
    let assignment = |broker| CreatePartitionsAssignment::default().with_broker_ids(vec![BrokerId(broker)]);
    let wrong = [vec![], vec![assignment(1), assignment(1)], vec![assignment(4711)]];
    for assignments in wrong {
        let topic = to("partitions-refused", 4).with_assignments(Some(assignments));
        let why = ask(&mut client, 3, topic, false);
        assert_eq!(why, Some(ResponseError::InvalidReplicaAssignment));
    }
    assert_eq!(client.describe_topic("partitions-refused").partitions.len(), 3);
}

#[test]
fn m12_a_topic_twice_is_an_invalid_request() {
    let mut client = shared().connect();
    client.create_topic("partitions-twice", 1, &[]);
    let request = CreatePartitionsRequest::default()
        .with_topics(vec![to("partitions-twice", 2), to("partitions-twice", 3)])
        .with_timeout_ms(30_000);
    let response = client.call(3, &request);
    assert!(response.results.iter().all(|result| error(result.error_code) == Some(ResponseError::InvalidRequest)));
    assert_eq!(client.describe_topic("partitions-twice").partitions.len(), 1);
}
