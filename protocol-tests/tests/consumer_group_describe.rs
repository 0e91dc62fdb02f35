//! ConsumerGroupDescribe (key 69), versions 0–1.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{ConsumerGroupDescribeRequest, ListGroupsRequest};
use protocol_tests::consumer_groups::{consumer_beat, consumer_join};
use protocol_tests::{error, group_id, shared, text};

const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;

#[test]
fn n12_what_is_described() {
    let mut client = shared().connect();
    let topic = client.create_topic("describe-consumers", 2, &[]);
    let group = "describe-consumers";
    client.find_coordinator(group);
    let join = consumer_join(group, "m", &[group]);
    let joined = client.call(1, &join.with_instance_id(Some(text("i"))).with_rack_id(Some(text("r"))));
    for version in VERSIONS {
        let described = client.describe_consumers(version, group);
        assert_eq!((error(described.error_code), &*described.group_state), (None, "Stable"));
        assert_eq!((described.group_epoch, described.assignment_epoch), (joined.member_epoch, joined.member_epoch));
        assert_eq!((&*described.assignor_name, described.authorized_operations), ("uniform", i32::MIN));
        let member = &described.members[0];
        assert_eq!((&*member.member_id, member.member_epoch), ("m", joined.member_epoch));
        assert_eq!((member.instance_id.as_deref(), member.rack_id.as_deref()), (Some("i"), Some("r")));
        assert_eq!((&*member.client_id, &*member.client_host), ("protocol-tests", "/127.0.0.1"));
        assert_eq!(member.subscribed_topic_names, [protocol_tests::topic_name(group)]);
        for assignment in [&member.assignment, &member.target_assignment] {
            let part = &assignment.topic_partitions[0];
            assert_eq!((part.topic_id, &*part.topic_name.0, &*part.partitions), (topic.id, group, &[0, 1][..]));
        }
        assert_eq!(member.member_type, if version == 1 { 1 } else { -1 });
    }
}

#[test]
fn n12_groups_that_are_none_and_operations() {
    let mut client = shared().connect();
    client.join_alone("describe-classic");
    for version in VERSIONS {
        for (group, message) in [
            ("describe-classic", "Group describe-classic is not a consumer group."),
            ("describe-nothing", "Group describe-nothing not found."),
        ] {
            client.find_coordinator(group);
            let described = client.describe_consumers(version, group);
            assert_eq!(error(described.error_code), Some(ResponseError::GroupIdNotFound));
            assert_eq!(described.error_message.as_deref(), Some(message));
        }
    }
    client.find_coordinator("describe-operations");
    client.join_consumers("describe-operations", "m", &["t"]);
    let twice = vec![group_id("describe-operations"), group_id("describe-operations")];
    let request =
        ConsumerGroupDescribeRequest::default().with_group_ids(twice).with_include_authorized_operations(true);
    let groups = client.call(1, &request).groups;
    assert_eq!(groups.len(), 1, "what is asked for twice is answered once");
    assert_ne!(groups[0].authorized_operations, i32::MIN);
}

#[test]
fn n12_lists_tell_types_apart() {
    let mut client = shared().connect();
    client.find_coordinator("list-consumers");
    client.join_consumers("list-consumers", "m", &["t"]);
    let mut listed = |types: &[&str], states: &[&str]| {
        let request = ListGroupsRequest::default()
            .with_types_filter(types.iter().map(|kind| text(kind)).collect())
            .with_states_filter(states.iter().map(|state| text(state)).collect());
        let groups = client.call(5, &request).groups;
        let found = groups.into_iter().find(|group| &*group.group_id.0 == "list-consumers");
        found.map(|group| format!("{} {} {}", &*group.protocol_type, &*group.group_type, &*group.group_state))
    };
    assert_eq!(listed(&[], &[]).as_deref(), Some("consumer consumer Stable"));
    assert_eq!(listed(&["Consumer"], &["stable"]).as_deref(), Some("consumer consumer Stable"));
    assert_eq!(listed(&["classic"], &[]), None);
    assert_eq!(listed(&[], &["Empty"]), None);
    assert_eq!(error(client.call(1, &consumer_beat("list-consumers", "m", -1, None)).error_code), None);
}
