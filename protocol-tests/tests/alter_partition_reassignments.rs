//! AlterPartitionReassignments (key 45), versions 0–1.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::alter_partition_reassignments_request::{ReassignablePartition, ReassignableTopic};
use kafka_protocol::messages::{AlterPartitionReassignmentsRequest, BrokerId};
use protocol_tests::{error, shared, topic_name, Client};

fn ask(
    client: &mut Client,
    version: i16,
    topic: &str,
    partition: i32,
    replicas: Option<&[i32]>,
) -> Option<ResponseError> {
    let replicas = replicas.map(|ids| ids.iter().map(|id| BrokerId(*id)).collect());
    let partition = ReassignablePartition::default().with_partition_index(partition).with_replicas(replicas);
    let topic = ReassignableTopic::default().with_name(topic_name(topic)).with_partitions(vec![partition]);
    let request = AlterPartitionReassignmentsRequest::default().with_topics(vec![topic.clone()]);
    let response = client.call(version, &request);
    assert_eq!(error(response.error_code), None);
    assert_eq!(response.responses[0].name, topic.name);
    error(response.responses[0].partitions[0].error_code)
}

#[test]
fn e6_a_lone_node_has_nowhere_to_move_partitions_to() {
    let mut client = shared().connect();
    client.create_topic("moved", 1, &[]);
    for version in 0..=1 {
        assert_eq!(ask(&mut client, version, "moved", 0, Some(&[1])), None, "where it is");
        let not_moving = Some(ResponseError::NoReassignmentInProgress);
        assert_eq!(ask(&mut client, version, "moved", 0, None), not_moving);
        for replicas in [&[][..], &[1, 1], &[1, 2], &[4711], &[-1]] {
            let why = ask(&mut client, version, "moved", 0, Some(replicas));
            assert_eq!(why, Some(ResponseError::InvalidReplicaAssignment), "{replicas:?}");
        }
        for (topic, partition) in [("nobody-made-this", 0), ("moved", 1), ("moved", -1)] {
            let why = ask(&mut client, version, topic, partition, Some(&[1]));
            assert_eq!(why, Some(ResponseError::UnknownTopicOrPartition));
        }
    }
}

#[test]
fn e6_version_1_may_forbid_a_change_of_the_replication_factor() {
    let mut client = shared().connect();
    client.create_topic("moved-same-factor", 1, &[]);
    let partition = ReassignablePartition::default().with_replicas(Some(vec![BrokerId(1)]));
    let topic =
        ReassignableTopic::default().with_name(topic_name("moved-same-factor")).with_partitions(vec![partition]);
    let request = AlterPartitionReassignmentsRequest::default()
        .with_topics(vec![topic])
        .with_allow_replication_factor_change(false);
    let response = client.call(1, &request);
    assert!(!response.allow_replication_factor_change, "the answer repeats it");
    assert_eq!(error(response.responses[0].partitions[0].error_code), None);
}
