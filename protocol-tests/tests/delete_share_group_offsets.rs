//! DeleteShareGroupOffsets (key 92), version 0.

use kafka_protocol::error::ResponseError;
use protocol_tests::shares::{delete_offsets_request, describe_offsets_request, share_beat};
use protocol_tests::{error, shared};

#[test]
fn s6_an_empty_group_forgets_a_topic() {
    let mut client = shared().connect();
    let topic = client.create_topic("share-forget", 1, &[]);
    let group = "share-forget";
    client.find_coordinator(group);
    client.call(1, &share_beat(group, "m1", 0, Some(&["share-forget"])));
    client.await_share_assignment(group, "m1", 1, 1);
    let delete = delete_offsets_request(group, &["share-forget", "nobody-made-this"]);
    assert_eq!(error(client.call(0, &delete).error_code), Some(ResponseError::NonEmptyGroup));
    client.call(1, &share_beat(group, "m1", -1, None));
    let deleted = client.call(0, &delete);
    let errors: Vec<_> = deleted.responses.iter().map(|topic| error(topic.error_code)).collect();
    assert_eq!(errors, [None, Some(ResponseError::UnknownTopicOrPartition)]);
    assert_eq!(client.read_share_state(group, &topic, -1), Err(ResponseError::InvalidRequest));
    assert!(client.call(0, &describe_offsets_request(group, None)).groups[0].topics.is_empty());
    let again = client.call(0, &delete_offsets_request(group, &["share-forget"]));
    assert_eq!(error(again.responses[0].error_code), Some(ResponseError::UnknownTopicOrPartition));
    let nobody = client.call(0, &delete_offsets_request("nobody", &["share-forget"]));
    assert_eq!(error(nobody.error_code), Some(ResponseError::GroupIdNotFound));
}
