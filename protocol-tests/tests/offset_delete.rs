//! OffsetDelete (key 47), version 0.

use bytes::{BufMut, BytesMut};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use kafka_protocol::messages::{OffsetDeleteRequest, OffsetDeleteResponse};
use protocol_tests::groups::{commit_request, join_request, Member};
use protocol_tests::{error, group_id, shared, text, topic_name};

fn request(group: &str, topics: &[(&str, i32)]) -> OffsetDeleteRequest {
    let topics = topics.iter().map(|(name, index)| {
        let partition = OffsetDeleteRequestPartition::default().with_partition_index(*index);
        OffsetDeleteRequestTopic::default().with_name(topic_name(name)).with_partitions(vec![partition])
    });
    OffsetDeleteRequest::default().with_group_id(group_id(group)).with_topics(topics.collect())
}

fn answers(response: &OffsetDeleteResponse) -> Vec<(&str, Option<ResponseError>)> {
    assert_eq!(error(response.error_code), None);
    let of = |topic: &kafka_protocol::messages::offset_delete_response::OffsetDeleteResponseTopic| {
        error(topic.partitions[0].error_code)
    };
    response.topics.iter().map(|topic| (topic.name.as_str(), of(topic))).collect()
}

#[test]
fn g15_offsets_of_an_empty_group_are_deleted() {
    let mut client = shared().connect();
    client.create_topic("offset-delete", 2, &[]);
    client.find_coordinator("offset-delete-group");
    for index in 0..2 {
        client.call(8, &commit_request("offset-delete-group", "offset-delete", index, 5));
    }
    let response = client.call(0, &request("offset-delete-group", &[("offset-delete", 0)]));
    assert_eq!(answers(&response), [("offset-delete", None)]);
    assert_eq!(client.committed("offset-delete-group", "offset-delete", 0), -1);
    assert_eq!(client.committed("offset-delete-group", "offset-delete", 1), 5);
    let unknown = client.call(0, &request("offset-delete-group", &[("nobody-made-this", 0)]));
    assert_eq!(answers(&unknown), [("nobody-made-this", Some(ResponseError::UnknownTopicOrPartition))]);
}

#[test]
fn g15_what_a_group_reads_keeps_its_offsets() {
    let mut client = shared().connect();
    for name in ["offset-delete-read", "offset-delete-unread"] {
        client.create_topic(name, 1, &[]);
    }
    let group = "offset-delete-consumers";
    client.find_coordinator(group);
    // A subscription of version 0: the topics, and no user data.
    let mut subscription = BytesMut::new();
    subscription.put_i16(0);
    subscription.put_i32(1);
    subscription.put_i16("offset-delete-read".len() as i16);
    subscription.put_slice(b"offset-delete-read");
    subscription.put_i32(-1);
    let mut join = join_request(group, &client.member_id(group));
    join.protocols[0].metadata = subscription.freeze();
    let joined = client.call(9, &join);
    let member = Member { group: group.to_owned(), id: joined.member_id.to_string(), generation: joined.generation_id };
    client.sync(&member, &[(&member.id, b"")]);
    for name in ["offset-delete-read", "offset-delete-unread"] {
        let commit = commit_request(group, name, 0, 5)
            .with_member_id(text(&member.id))
            .with_generation_id_or_member_epoch(member.generation);
        assert_eq!(client.call(8, &commit).topics[0].partitions[0].error_code, 0);
    }
    let both = request(group, &[("offset-delete-read", 0), ("offset-delete-unread", 0)]);
    let response = client.call(0, &both);
    let mut found = answers(&response);
    found.sort_by_key(|(name, _)| *name);
    let subscribed = Some(ResponseError::GroupSubscribedToTopic);
    assert_eq!(found, [("offset-delete-read", subscribed), ("offset-delete-unread", None)]);
}

#[test]
fn g15_groups_that_refuse() {
    let mut client = shared().connect();
    client.create_topic("offset-delete-refused", 1, &[]);
    client.find_coordinator("offset-delete-nothing-here");
    let absent = client.call(0, &request("offset-delete-nothing-here", &[("offset-delete-refused", 0)]));
    assert_eq!(error(absent.error_code), Some(ResponseError::GroupIdNotFound));
    let group = "offset-delete-workers";
    client.find_coordinator(group);
    let work = |id: &str| join_request(group, id).with_protocol_type(text("connect"));
    let id = client.call(9, &work("")).member_id;
    assert_eq!(error(client.call(9, &work(&id)).error_code), None);
    let workers = client.call(0, &request(group, &[("offset-delete-refused", 0)]));
    assert_eq!(error(workers.error_code), Some(ResponseError::NonEmptyGroup));
}
