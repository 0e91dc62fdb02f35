//! DeleteGroups (key 42), versions 0–2.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::DeleteGroupsRequest;
use protocol_tests::groups::commit_request;
use protocol_tests::{error, group_id, shared, Broker};

#[test]
fn g15_every_version_deletes_empty_groups_only() {
    let mut client = shared().connect();
    client.create_topic("delete-groups", 1, &[]);
    let member = client.join_alone("delete-stable");
    client.find_coordinator("delete-simple");
    for version in 0..=2 {
        client.call(8, &commit_request("delete-simple", "delete-groups", 0, 7));
        assert_eq!(client.committed("delete-simple", "delete-groups", 0), 7);
        let groups = ["delete-simple", "delete-stable", "delete-nothing-here", ""];
        let response =
            client.call(version, &DeleteGroupsRequest::default().with_groups_names(groups.map(group_id).to_vec()));
        let mut results: Vec<_> =
            response.results.iter().map(|result| (&*result.group_id.0, error(result.error_code))).collect();
        results.sort_by_key(|(name, _)| *name);
        assert_eq!(results.len(), 4, "version {version}");
        assert_eq!(
            results[1..],
            [
                ("delete-nothing-here", Some(ResponseError::GroupIdNotFound)),
                ("delete-simple", None),
                ("delete-stable", Some(ResponseError::NonEmptyGroup))
            ],
            "version {version}"
        );
        assert!(results[0].1.is_some(), "there is no group without a name");
        assert_eq!(client.committed("delete-simple", "delete-groups", 0), -1, "its offsets went with it");
        assert_eq!(client.heartbeat(&member), None);
    }
}

#[test]
fn g15_a_deleted_group_stays_deleted_after_a_kill() {
    let mut broker = Broker::start();
    let mut client = broker.connect();
    client.create_topic("delete-groups", 1, &[]);
    client.find_coordinator("delete-killed");
    client.call(8, &commit_request("delete-killed", "delete-groups", 0, 7));
    let request = DeleteGroupsRequest::default().with_groups_names(vec![group_id("delete-killed")]);
    assert_eq!(error(client.call(2, &request).results[0].error_code), None);
    broker.kill_and_restart();
    let mut client = broker.connect();
    client.find_coordinator("delete-killed");
    assert_eq!(client.committed("delete-killed", "delete-groups", 0), -1);
    assert_eq!(error(client.call(2, &request).results[0].error_code), Some(ResponseError::GroupIdNotFound));
}
