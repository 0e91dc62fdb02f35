//! ListPartitionReassignments (key 46), version 0.

use kafka_protocol::messages::list_partition_reassignments_request::ListPartitionReassignmentsTopics;
use kafka_protocol::messages::ListPartitionReassignmentsRequest;
use protocol_tests::{error, shared, topic_name};

#[test]
fn e6_nothing_moves_on_a_lone_node() {
    let mut client = shared().connect();
    client.create_topic("not-moving", 1, &[]);
    let asked = |name: &str| {
        ListPartitionReassignmentsTopics::default().with_name(topic_name(name)).with_partition_indexes(vec![0, 9])
    };
    for topics in [None, Some(vec![]), Some(vec![asked("not-moving"), asked("nobody-made-this"), asked("not-moving")])]
    {
        let response = client.call(0, &ListPartitionReassignmentsRequest::default().with_topics(topics));
        assert_eq!(error(response.error_code), None);
        assert!(response.topics.is_empty());
    }
}
