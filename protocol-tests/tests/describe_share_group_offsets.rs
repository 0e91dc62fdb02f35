//! DescribeShareGroupOffsets (key 90), version 0.

use kafka_protocol::error::ResponseError;
use protocol_tests::shares::{describe_offsets_request, share_beat};
use protocol_tests::{error, shared};

#[test]
fn s6_where_a_share_group_starts() {
    let mut client = shared().connect();
    let topic = client.create_topic("share-offsets", 1, &[]);
    let group = "share-offsets";
    client.find_coordinator(group);
    client.call(1, &share_beat(group, "m1", 0, Some(&["share-offsets"])));
    client.await_share_assignment(group, "m1", 1, 1);
    for request in [describe_offsets_request(group, None), describe_offsets_request(group, Some(&["share-offsets"]))] {
        let response = client.call(0, &request);
        let found = &response.groups[0];
        assert_eq!((error(found.error_code), found.topics[0].topic_id), (None, topic.id));
        assert_eq!(found.topics[0].partitions[0].start_offset, -1, "nobody has read anything");
    }
    let unknown = client.call(0, &describe_offsets_request(group, Some(&["nobody-made-this"])));
    let partition = &unknown.groups[0].topics[0].partitions[0];
    assert_eq!((error(partition.error_code), partition.start_offset), (None, -1));
    let nobody = client.call(0, &describe_offsets_request("nobody", None));
    assert_eq!(error(nobody.groups[0].error_code), Some(ResponseError::GroupIdNotFound));
}
