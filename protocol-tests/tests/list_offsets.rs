//! ListOffsets (key 2), versions 1–10.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::list_offsets_response::ListOffsetsPartitionResponse;
use kafka_protocol::messages::ListOffsetsRequest;
use protocol_tests::records::{Batch, TIMESTAMP};
use protocol_tests::topics::{list_offsets_request, Topic};
use protocol_tests::{error, shared, topic_name, Client};

const VERSIONS: std::ops::RangeInclusive<i16> = 1..=10;

fn ask(client: &mut Client, version: i16, topic: &Topic, timestamp: i64) -> ListOffsetsPartitionResponse {
    let response = client.call(version, &list_offsets_request(topic, 0, timestamp));
    assert_eq!((&*response.topics[0].name.0, response.topics[0].partitions.len()), (&*topic.name, 1));
    response.topics[0].partitions[0].clone()
}

#[test]
fn every_version_finds_the_ends_and_times() {
    let mut client = shared().connect();
    let topic = client.create_topic("list-versions", 1, &[]);
    let times = [TIMESTAMP, TIMESTAMP + 20, TIMESTAMP + 10];
    client.produce(&topic, 0, &Batch::of(&["a", "b", "c"]).at(&times));
    client.produce(&topic, 0, &Batch::of(&["d"]).at(&[TIMESTAMP + 15]));
    for version in VERSIONS {
        let cases = [
            (-1, -1, 4),
            (-2, -1, 0),
            (TIMESTAMP - 1000, TIMESTAMP, 0),
            (TIMESTAMP, TIMESTAMP, 0),
            (TIMESTAMP + 1, TIMESTAMP + 20, 1),
            (TIMESTAMP + 20, TIMESTAMP + 20, 1),
            (TIMESTAMP + 21, -1, -1),
            (0, TIMESTAMP, 0),
            (i64::MAX, -1, -1),
        ];
        for (asked, timestamp, offset) in cases {
            let found = ask(&mut client, version, &topic, asked);
            assert_eq!(error(found.error_code), None, "version {version}, timestamp {asked}");
            assert_eq!((found.timestamp, found.offset), (timestamp, offset), "version {version}, timestamp {asked}");
            if version >= 4 {
                assert_eq!(found.leader_epoch >= 0, offset >= 0, "version {version}, timestamp {asked}");
            }
        }
        for isolation in [0, 1].into_iter().filter(|_| version >= 2) {
            let request = list_offsets_request(&topic, 0, -1).with_isolation_level(isolation);
            assert_eq!(client.call(version, &request).topics[0].partitions[0].offset, 4);
        }
    }
}

#[test]
fn l1_special_timestamps_need_their_version() {
    let mut client = shared().connect();
    let topic = client.create_topic("list-special", 1, &[]);
    client.produce(&topic, 0, &Batch::of(&["a", "b", "c"]).at(&[TIMESTAMP, TIMESTAMP + 20, TIMESTAMP + 10]));
    for version in VERSIONS {
        for (asked, since, timestamp, offset) in [(-3, 7, TIMESTAMP + 20, 1), (-4, 8, -1, 0), (-5, 9, -1, -1)] {
            let found = ask(&mut client, version, &topic, asked);
            if version < since {
                assert_eq!(error(found.error_code), Some(ResponseError::UnsupportedVersion), "{version}: {asked}");
                assert_eq!((found.timestamp, found.offset), (-1, -1));
            } else {
                assert_eq!(error(found.error_code), None, "{version}: {asked}");
                assert_eq!((found.timestamp, found.offset), (timestamp, offset), "{version}: {asked}");
            }
        }
        for asked in [-6, -7, i64::MIN] {
            let found = ask(&mut client, version, &topic, asked);
            assert_eq!(error(found.error_code), Some(ResponseError::UnsupportedVersion), "{version}: {asked}");
        }
    }
    let empty = client.create_topic("list-special-empty", 1, &[]);
    assert_eq!(ask(&mut client, 7, &empty, -3).offset, -1);
}

#[test]
fn l1_a_partition_twice_is_an_invalid_request() {
    let mut client = shared().connect();
    let topic = client.create_topic("list-twice", 2, &[]);
    let partition = |index| ListOffsetsPartition::default().with_partition_index(index).with_timestamp(-1);
    let entry = ListOffsetsTopic::default().with_name(topic_name(&topic.name)).with_partitions(vec![
        partition(0),
        partition(1),
        partition(0),
    ]);
    let request = ListOffsetsRequest::default().with_replica_id((-1).into()).with_topics(vec![entry]);
    for version in VERSIONS {
        let response = client.call(version, &request);
        let mut found: Vec<_> = response.topics.iter().flat_map(|topic| &topic.partitions).collect();
        found.sort_by_key(|partition| partition.partition_index);
        for partition in found {
            let expected = (partition.partition_index == 0).then_some(ResponseError::InvalidRequest);
            assert_eq!(error(partition.error_code), expected, "version {version}");
        }
    }
}

#[test]
fn l3_unknown_partitions_and_debugging_replicas() {
    let mut client = shared().connect();
    let topic = client.create_topic("list-unknown", 1, &[]);
    client.append(&topic, 0, &["a"]);
    for version in VERSIONS {
        let unknown = ask(&mut client, version, &Topic::unknown("nobody-made-this"), -1);
        assert_eq!(error(unknown.error_code), Some(ResponseError::UnknownTopicOrPartition));
        let response = client.call(version, &list_offsets_request(&topic, 5, -1));
        let partition = &response.topics[0].partitions[0];
        assert_eq!(error(partition.error_code), Some(ResponseError::UnknownTopicOrPartition));
        // The leader answers consumers and those who debug alike.
        let debugging = list_offsets_request(&topic, 0, -1).with_replica_id((-2).into());
        assert_eq!(client.call(version, &debugging).topics[0].partitions[0].offset, 1);
    }
}

#[test]
fn f6_other_leader_epochs_find_nothing() {
    let mut client = shared().connect();
    let topic = client.create_topic("list-epochs", 1, &[]);
    let epoch = client.describe_topic("list-epochs").partitions[0].leader_epoch;
    for version in 4..=10 {
        for (asked, expected) in [(epoch, None), (epoch + 1, Some(ResponseError::UnknownLeaderEpoch))] {
            let mut request = list_offsets_request(&topic, 0, -1);
            request.topics[0].partitions[0].current_leader_epoch = asked;
            let found = client.call(version, &request).topics[0].partitions[0].clone();
            assert_eq!(error(found.error_code), expected, "version {version}, epoch {asked}");
        }
    }
}

#[test]
fn d28_x12_the_latest_offset_of_committed_readers_is_the_last_stable_one() {
    let mut client = shared().connect();
    let topic = client.create_topic("list-committed", 1, &[]);
    let producer = client.init_transactions("list-committed");
    client.append(&topic, 0, &["before"]);
    assert_eq!(error(client.produce_in_txn(12, &producer, (&topic, 0), 0, &["open"]).error_code), None);
    client.append(&topic, 0, &["behind"]);
    let latest = |client: &mut Client, version, isolation| {
        let request = list_offsets_request(&topic, 0, -1).with_isolation_level(isolation);
        client.call(version, &request).topics[0].partitions[0].offset
    };
    for version in 2..=10 {
        assert_eq!((latest(&mut client, version, 0), latest(&mut client, version, 1)), (3, 1), "version {version}");
    }
    assert_eq!(client.committed_values(&topic, 0, 0), ["before"]);
    // By time nothing is found behind it either.
    let by_time = list_offsets_request(&topic, 0, TIMESTAMP).with_isolation_level(1);
    assert_eq!(client.call(9, &by_time).topics[0].partitions[0].offset, 0);
    let later = list_offsets_request(&topic, 0, TIMESTAMP + 1).with_isolation_level(1);
    assert_eq!(client.call(9, &later).topics[0].partitions[0].offset, -1);
    client.end_txn(&producer, true).expect("it commits");
    client.await_transaction("list-committed", "CompleteCommit");
    assert_eq!((latest(&mut client, 7, 0), latest(&mut client, 7, 1)), (4, 4));
    assert_eq!(client.committed_values(&topic, 0, 0), ["before", "open", "behind"]);
}
