//! Heartbeat (key 12), versions 0–4.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::JoinGroupRequest;
use protocol_tests::groups::{heartbeat_request, join_request, Member};
use protocol_tests::{error, eventually, shared};

#[test]
fn g7_every_version_keeps_a_member_alive() {
    let mut client = shared().connect();
    let member = client.join_alone("beat-versions");
    for version in 0..=4 {
        let mut beat = |member: &Member| {
            let response = client.call(version, &heartbeat_request(member));
            assert_eq!(response.throttle_time_ms, 0);
            error(response.error_code)
        };
        assert_eq!(beat(&member), None, "version {version}");
        for generation in [member.generation - 1, member.generation + 1, -1] {
            let stale = Member { generation, ..member.clone() };
            assert_eq!(beat(&stale), Some(ResponseError::IllegalGeneration), "version {version}, {generation}");
        }
        let unknown = Member { id: "nobody".to_owned(), ..member.clone() };
        assert_eq!(beat(&unknown), Some(ResponseError::UnknownMemberId));
        let absent = Member { group: "beat-nothing-here".to_owned(), ..member.clone() };
        assert_eq!(beat(&absent), Some(ResponseError::UnknownMemberId));
    }
}

#[test]
fn g7_a_rebalance_is_told_by_heartbeat() {
    let (mut first, mut second) = (shared().connect(), shared().connect());
    let member = first.join_alone("beat-rebalance");
    let id = second.member_id("beat-rebalance");
    second.send(9, &join_request("beat-rebalance", &id));
    for version in 0..=4 {
        eventually("the rebalance", || {
            let why = error(first.call(version, &heartbeat_request(&member)).error_code);
            assert!(matches!(why, None | Some(ResponseError::RebalanceInProgress)), "{why:?}");
            why
        });
    }
    first.join("beat-rebalance", &member.id);
    second.receive::<JoinGroupRequest>(9);
}

#[test]
fn g7_a_member_that_does_not_beat_is_removed() {
    let mut client = shared().connect();
    client.find_coordinator("beat-silent");
    let id = client.member_id("beat-silent");
    let joined = client.call(9, &join_request("beat-silent", &id).with_session_timeout_ms(6_000));
    let member = Member { group: "beat-silent".to_owned(), id: id.clone(), generation: joined.generation_id };
    client.sync(&member, &[(&id, b"a")]);
    // A heartbeat would keep it alive, so the group is watched from outside.
    let request = kafka_protocol::messages::DescribeGroupsRequest::default()
        .with_groups(vec![protocol_tests::group_id("beat-silent")]);
    eventually("the end of its session", || (client.call(5, &request).groups[0].members.is_empty()).then_some(()));
    assert_eq!(client.heartbeat(&member), Some(ResponseError::UnknownMemberId));
}
