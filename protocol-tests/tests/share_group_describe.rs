//! ShareGroupDescribe (key 77), version 1; and share groups in ListGroups and DeleteGroups.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{DeleteGroupsRequest, ListGroupsRequest, ShareGroupDescribeRequest};
use protocol_tests::shares::share_beat;
use protocol_tests::{error, group_id, shared, text};

#[test]
fn s6_a_share_group_is_described_listed_and_deleted() {
    let mut client = shared().connect();
    let topic = client.create_topic("share-describe", 1, &[]);
    let group = "share-describe";
    client.find_coordinator(group);
    client.call(1, &share_beat(group, "m1", 0, Some(&["share-describe"])));
    let (epoch, _) = client.await_share_assignment(group, "m1", 1, 1);
    let ids = ["share-describe", "nobody"].map(group_id).to_vec();
    let described = client.call(1, &ShareGroupDescribeRequest::default().with_group_ids(ids));
    let found = &described.groups[0];
    assert_eq!((error(found.error_code), &*found.group_state, &*found.assignor_name), (None, "Stable", "simple"));
    assert_eq!((found.group_epoch, found.assignment_epoch, found.members[0].member_epoch), (epoch, epoch, epoch));
    let assigned = &found.members[0].assignment.topic_partitions[0];
    assert_eq!((assigned.topic_id, &**assigned.topic_name, &assigned.partitions[..]), (topic.id, group, &[0][..]));
    assert_eq!(error(described.groups[1].error_code), Some(ResponseError::GroupIdNotFound));
    let listed = client.call(5, &ListGroupsRequest::default().with_types_filter(vec![text("share")]));
    let listed = listed.groups.iter().find(|one| one.group_id.as_str() == group).expect("listed");
    assert_eq!((&*listed.group_type, &*listed.protocol_type, &*listed.group_state), ("share", "share", "Stable"));
    let delete = DeleteGroupsRequest::default().with_groups_names(vec![group_id(group)]);
    let full = client.call(2, &delete);
    assert_eq!(error(full.results[0].error_code), Some(ResponseError::NonEmptyGroup));
    client.call(1, &share_beat(group, "m1", -1, None));
    assert_eq!(error(client.call(2, &delete).results[0].error_code), None);
    let gone = client.call(2, &delete);
    assert_eq!(error(gone.results[0].error_code), Some(ResponseError::GroupIdNotFound));
    assert_eq!(
        client.read_share_state(group, &topic, -1),
        Err(ResponseError::InvalidRequest),
        "its state is gone, too"
    );
}
