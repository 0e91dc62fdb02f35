//! ElectLeaders (key 43), versions 0–2.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::ElectLeadersRequest;
use protocol_tests::{error, shared, topic_name};

#[test]
fn e5_a_partition_that_is_led_well_needs_no_election() {
    let mut client = shared().connect();
    client.create_topic("elected", 2, &[]);
    for version in 0..=2 {
        for election_type in if version == 0 { 0..=0 } else { 0..=1 } {
            let topics = [("elected", vec![1, 0, 7]), ("nobody-made-this", vec![0])];
            let topics = topics.map(|(name, partitions)| {
                TopicPartitions::default().with_topic(topic_name(name)).with_partitions(partitions)
            });
            let mut request = ElectLeadersRequest::default().with_topic_partitions(Some(topics.to_vec()));
            if version >= 1 {
                request.election_type = election_type;
            }
            let response = client.call(version, &request);
            assert_eq!(error(response.error_code), None);
            let mut results: Vec<_> = response
                .replica_election_results
                .iter()
                .flat_map(|topic| topic.partition_result.iter().map(move |result| (topic, result)))
                .map(|(topic, result)| (topic.topic.to_string(), result.partition_id, error(result.error_code)))
                .collect();
            results.sort_by_key(|(topic, partition, _)| (topic.clone(), *partition));
            let not_needed = Some(ResponseError::ElectionNotNeeded);
            let unknown = Some(ResponseError::UnknownTopicOrPartition);
            let expected = [
                ("elected", 0, not_needed),
                ("elected", 1, not_needed),
                ("elected", 7, unknown),
                ("nobody-made-this", 0, unknown),
            ];
            assert_eq!(results, expected.map(|(name, partition, error)| (name.to_owned(), partition, error)));
        }
    }
}

#[test]
fn e5_of_all_partitions_only_those_are_named_that_need_an_election() {
    let mut client = shared().connect();
    client.create_topic("elected-with-all", 1, &[]);
    for version in 0..=2 {
        let response = client.call(version, &ElectLeadersRequest::default().with_topic_partitions(None));
        assert_eq!(error(response.error_code), None);
        assert!(response.replica_election_results.is_empty(), "version {version}");
    }
    let request = ElectLeadersRequest::default().with_topic_partitions(None).with_election_type(9);
    assert_eq!(error(client.call(2, &request).error_code), Some(ResponseError::InvalidRequest));
}
