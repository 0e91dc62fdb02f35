//! DescribeGroups (key 15), versions 0–6.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::DescribeGroupsRequest;
use protocol_tests::groups::commit_request;
use protocol_tests::{error, group_id, shared};

#[test]
fn g15_every_version_describes_members_and_missing_groups() {
    let mut client = shared().connect();
    client.create_topic("described", 1, &[]);
    let member = client.join_alone("describe-stable");
    client.find_coordinator("describe-simple");
    client.call(8, &commit_request("describe-simple", "described", 0, 1));
    let groups = ["describe-stable", "describe-simple", "describe-nothing-here"];
    for version in 0..=6 {
        let request = DescribeGroupsRequest::default().with_groups(groups.map(group_id).to_vec());
        let response = client.call(version, &request);
        let seen: Vec<_> = response
            .groups
            .iter()
            .map(|group| (&*group.group_id.0, error(group.error_code), &*group.group_state))
            .collect();
        let missing = (version >= 6).then_some(ResponseError::GroupIdNotFound);
        assert_eq!(
            seen,
            [
                ("describe-stable", None, "Stable"),
                ("describe-simple", None, "Empty"),
                ("describe-nothing-here", missing, "Dead")
            ],
            "version {version}"
        );
        let stable = &response.groups[0];
        assert_eq!((&*stable.protocol_type, &*stable.protocol_data), ("consumer", "range"));
        let described = &stable.members[0];
        assert_eq!((&*described.member_id, &*described.client_id), (&*member.id, "protocol-tests"));
        assert_eq!(&*described.client_host, "/127.0.0.1");
        assert_eq!((&*described.member_metadata, &*described.member_assignment), (&b"m"[..], &b"a"[..]));
        assert_eq!(stable.authorized_operations, i32::MIN, "not asked for");
        assert!(version < 6 || response.groups[2].error_message.is_some());
        if version >= 3 {
            let told = client.call(version, &request.with_include_authorized_operations(true));
            // READ, DELETE, DESCRIBE, and since 4.0 the settings of groups.
            let operations = told.groups[0].authorized_operations;
            assert_eq!(operations & 0b1_0100_1000, 0b1_0100_1000, "version {version}");
        }
    }
}
