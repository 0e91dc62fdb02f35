//! DescribeQuorum (key 55), versions 0–2.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::describe_quorum_request::{PartitionData, TopicData};
use kafka_protocol::messages::DescribeQuorumRequest;
use protocol_tests::{error, shared, topic_name};

fn request(topic: &str) -> DescribeQuorumRequest {
    let topic = TopicData::default().with_topic_name(topic_name(topic)).with_partitions(vec![PartitionData::default()]);
    DescribeQuorumRequest::default().with_topics(vec![topic])
}

#[test]
fn every_version_describes_the_lone_voter() {
    let mut client = shared().connect();
    for version in 0..=2 {
        let before = client.call(version, &request("__cluster_metadata"));
        assert_eq!(error(before.error_code), None, "version {version}");
        let partition = &before.topics[0].partitions[0];
        assert_eq!((error(partition.error_code), partition.partition_index), (None, 0));
        assert_eq!(partition.current_voters.len(), 1);
        let voter = &partition.current_voters[0];
        assert_eq!((voter.replica_id, partition.leader_epoch >= 1), (partition.leader_id, true));
        assert!(voter.log_end_offset >= partition.high_watermark && partition.high_watermark > 0);
        if version >= 2 {
            assert!(!voter.replica_directory_id.is_nil());
            assert_eq!(before.nodes.len(), 1);
            assert_eq!(before.nodes[0].node_id, voter.replica_id);
        }
        client.create_topic(&format!("quorum-{version}"), 1, &[]);
        let after = client.call(version, &request("__cluster_metadata"));
        assert!(after.topics[0].partitions[0].high_watermark > partition.high_watermark);
    }
}

#[test]
fn other_topics_have_no_quorum() {
    let mut client = shared().connect();
    for version in 0..=2 {
        let response = client.call(version, &request("some-topic"));
        let of_partition = response.topics.first().and_then(|topic| topic.partitions.first());
        let why = error(response.error_code).or(of_partition.and_then(|partition| error(partition.error_code)));
        assert_eq!(why, Some(ResponseError::UnknownTopicOrPartition), "version {version}");
    }
}
