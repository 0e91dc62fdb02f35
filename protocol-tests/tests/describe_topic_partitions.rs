//! DescribeTopicPartitions (key 75), version 0.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::describe_topic_partitions_request::{Cursor, TopicRequest};
use kafka_protocol::messages::{DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse};
use protocol_tests::{error, shared, topic_name, Broker, Client};

fn request(names: &[&str], limit: i32) -> DescribeTopicPartitionsRequest {
    let topics = names.iter().map(|name| TopicRequest::default().with_name(topic_name(name)));
    DescribeTopicPartitionsRequest::default().with_topics(topics.collect()).with_response_partition_limit(limit)
}

fn pages(client: &mut Client, mut request: DescribeTopicPartitionsRequest) -> Vec<Vec<(String, i32)>> {
    let mut pages = Vec::new();
    loop {
        let response = client.call(0, &request);
        pages.push(described(&response));
        let Some(next) = response.next_cursor else { return pages };
        let cursor = Cursor::default().with_topic_name(next.topic_name).with_partition_index(next.partition_index);
        assert!(pages.len() < 100, "pages without end");
        request.cursor = Some(cursor);
    }
}

fn described(response: &DescribeTopicPartitionsResponse) -> Vec<(String, i32)> {
    let of =
        |topic: &kafka_protocol::messages::describe_topic_partitions_response::DescribeTopicPartitionsResponseTopic| {
            let name = topic.name.as_ref().unwrap().to_string();
            topic.partitions.iter().map(|partition| (name.clone(), partition.partition_index)).collect::<Vec<_>>()
        };
    response.topics.iter().flat_map(of).collect()
}

#[test]
fn m10_topics_by_name_with_all_that_is_known_of_them() {
    let mut client = shared().connect();
    let b = client.create_topic("pages-b", 2, &[]);
    client.create_topic("pages-a", 1, &[]);
    let response = client.call(0, &request(&["pages-b", "nobody-made-this", "pages-a", "a b"], 100));
    let seen: Vec<_> = response
        .topics
        .iter()
        .map(|topic| (topic.name.as_ref().unwrap().as_str(), error(topic.error_code), topic.partitions.len()))
        .collect();
    let (unknown, illegal) = (ResponseError::UnknownTopicOrPartition, ResponseError::InvalidTopicException);
    assert_eq!(
        seen,
        [("a b", Some(illegal), 0), ("nobody-made-this", Some(unknown), 0), ("pages-a", None, 1), ("pages-b", None, 2)]
    );
    let topic = &response.topics[3];
    assert_eq!((topic.topic_id, topic.is_internal), (b.id, false));
    let partition = &topic.partitions[1];
    assert_eq!((error(partition.error_code), partition.partition_index), (None, 1));
    assert_eq!(
        (&partition.replica_nodes, &partition.isr_nodes),
        (&vec![partition.leader_id], &vec![partition.leader_id])
    );
    assert!(partition.offline_replicas.is_empty());
    assert!(response.next_cursor.is_none());
}

#[test]
fn m10_pages_end_at_the_limit_and_go_on_at_the_cursor() {
    let mut client = shared().connect();
    client.create_topic("paged-1", 3, &[]);
    client.create_topic("paged-2", 4, &[]);
    let all: Vec<_> =
        (0..3).map(|i| ("paged-1".to_owned(), i)).chain((0..4).map(|i| ("paged-2".to_owned(), i))).collect();
    for limit in 1..=8 {
        let pages = pages(&mut client, request(&["paged-1", "paged-2"], limit));
        assert!(pages.iter().all(|page| page.len() <= limit as usize), "limit {limit}: {pages:?}");
        assert_eq!(pages.concat(), all, "limit {limit}");
    }
}

#[test]
fn m10_no_answer_has_more_partitions_than_the_broker_allows() {
    // Kafka's default is 2000; fewer say as much in less time.
    let broker = Broker::with(&["max.request.partition.size.limit=5"]);
    let mut client = broker.connect();
    client.create_topic("paged-large", 11, &[]);
    let pages = pages(&mut client, request(&["paged-large"], i32::MAX));
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [5, 5, 1]);
}
