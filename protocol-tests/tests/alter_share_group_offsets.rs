//! AlterShareGroupOffsets (key 91), version 0.

use kafka_protocol::error::ResponseError;
use protocol_tests::shares::{alter_offsets_request, share_beat, share_fetch_request, taken};
use protocol_tests::{error, shared};

#[test]
fn s2_s6_an_empty_group_starts_elsewhere() {
    let mut client = shared().connect();
    let topic = client.create_topic("share-alter", 1, &[]);
    let group = "share-alter";
    client.append(&topic, 0, &["a", "b", "c"]);
    client.find_coordinator(group);
    client.call(1, &share_beat(group, "m1", 0, Some(&["share-alter"])));
    client.await_share_assignment(group, "m1", 1, 1);
    let opened = client.call(1, &share_fetch_request(group, "m1", 0, &[(&topic, &[])]).with_max_wait_ms(10));
    assert_eq!(taken(&opened), [], "it starts at the end");
    let refused = client.call(0, &alter_offsets_request(group, "share-alter", 1));
    assert_eq!(error(refused.error_code), Some(ResponseError::NonEmptyGroup));
    client.call(1, &share_beat(group, "m1", -1, None));
    let altered = client.call(0, &alter_offsets_request(group, "share-alter", 1));
    assert_eq!((error(altered.error_code), error(altered.responses[0].partitions[0].error_code)), (None, None));
    client.call(1, &share_fetch_request(group, "m1", -1, &[]));
    let read = client.call(1, &share_fetch_request(group, "m2", 0, &[(&topic, &[])]));
    assert_eq!(taken(&read), [(1, 2, 1)]);
    let unknown = client.call(0, &alter_offsets_request(group, "nobody-made-this", 1));
    let why = error(unknown.responses[0].partitions[0].error_code);
    assert_eq!(why, Some(ResponseError::UnknownTopicOrPartition));
    let nobody = client.call(0, &alter_offsets_request("nobody", "share-alter", 1));
    assert_eq!(error(nobody.error_code), Some(ResponseError::GroupIdNotFound));
}
