//! OffsetFetch (key 9), versions 1–9.

use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::OffsetFetchRequest;
use protocol_tests::groups::{commit_request, offset_fetch_request};
use protocol_tests::topics::Topic;
use protocol_tests::{error, group_id, shared, text, topic_name, Client};

const VERSIONS: std::ops::RangeInclusive<i16> = 1..=9;

/// Index, offset, leader epoch, metadata and error of each partition.
type Found = Vec<(i32, i64, i32, String, i16)>;

/// What a group has committed for a topic; all of it without `indexes`.
fn ask(client: &mut Client, version: i16, group: &str, topic: &Topic, indexes: Option<&[i32]>) -> Found {
    if version <= 7 {
        let topics = indexes.map(|indexes| {
            let topic = OffsetFetchRequestTopic::default().with_name(topic_name(&topic.name));
            vec![topic.with_partition_indexes(indexes.to_vec())]
        });
        let request = OffsetFetchRequest::default().with_group_id(group_id(group)).with_topics(topics);
        let response = client.call(version, &request);
        assert_eq!(error(response.error_code), None, "version {version}");
        let mut found = Vec::new();
        for partition in response.topics.iter().flat_map(|topic| &topic.partitions) {
            let metadata = partition.metadata.as_deref().unwrap_or("null").to_owned();
            let epoch = partition.committed_leader_epoch;
            found.push((partition.partition_index, partition.committed_offset, epoch, metadata, partition.error_code));
        }
        return found;
    }
    let topics = indexes.map(|indexes| {
        let entry = OffsetFetchRequestTopics::default().with_partition_indexes(indexes.to_vec());
        vec![entry.with_name(topic_name(&topic.name))]
    });
    let asked = OffsetFetchRequestGroup::default().with_group_id(group_id(group)).with_topics(topics);
    let response = client.call(version, &OffsetFetchRequest::default().with_groups(vec![asked]));
    assert_eq!((response.groups.len(), error(response.groups[0].error_code)), (1, None), "version {version}");
    let mut found = Vec::new();
    for of_topic in &response.groups[0].topics {
        assert_eq!(&*of_topic.name.0, &*topic.name);
        for partition in &of_topic.partitions {
            let metadata = partition.metadata.as_deref().unwrap_or("null").to_owned();
            let epoch = partition.committed_leader_epoch;
            found.push((partition.partition_index, partition.committed_offset, epoch, metadata, partition.error_code));
        }
    }
    found
}

#[test]
fn g13_every_version_returns_offsets_and_minus_one_for_those_unknown() {
    let mut client = shared().connect();
    let topic = client.create_topic("offsets-versions", 3, &[]);
    client.find_coordinator("offsets-group");
    let mut request = commit_request("offsets-group", "offsets-versions", 1, 42);
    request.topics[0].partitions[0].committed_metadata = Some(text("words"));
    request.topics[0].partitions[0].committed_leader_epoch = 3;
    assert_eq!(client.call(9, &request).topics[0].partitions[0].error_code, 0);
    for version in VERSIONS {
        let epoch = if version >= 5 { 3 } else { -1 };
        let known = (1, 42, epoch, "words".to_owned(), 0);
        let unknown = |index| (index, -1, -1, String::new(), 0);
        let found = ask(&mut client, version, "offsets-group", &topic, Some(&[0, 1, 77]));
        assert_eq!(found, [unknown(0), known.clone(), unknown(77)], "version {version}");
        let nothing = ask(&mut client, version, "offsets-nothing-here", &topic, Some(&[2]));
        assert_eq!(nothing, [unknown(2)], "version {version}");
        if version >= 2 {
            assert_eq!(ask(&mut client, version, "offsets-group", &topic, None), [known], "version {version}");
            assert_eq!(ask(&mut client, version, "offsets-nothing-here", &topic, None), []);
        }
    }
}

#[test]
fn g13_many_groups_at_once() {
    let mut client = shared().connect();
    client.create_topic("offsets-many", 1, &[]);
    for (group, offset) in [("offsets-many-1", 11), ("offsets-many-2", 22)] {
        client.find_coordinator(group);
        client.call(8, &commit_request(group, "offsets-many", 0, offset));
    }
    for version in [8, 9] {
        let mut request = offset_fetch_request("offsets-many-1", "offsets-many", 0);
        for group in ["offsets-many-nothing", "offsets-many-2"] {
            request.groups.extend(offset_fetch_request(group, "offsets-many", 0).groups);
        }
        let response = client.call(version, &request.with_require_stable(true));
        let found: Vec<_> = response
            .groups
            .iter()
            .map(|group| (&*group.group_id.0, group.topics[0].partitions[0].committed_offset))
            .collect();
        assert_eq!(found, [("offsets-many-1", 11), ("offsets-many-nothing", -1), ("offsets-many-2", 22)]);
    }
}
