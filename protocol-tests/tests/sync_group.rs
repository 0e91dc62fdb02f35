//! SyncGroup (key 14), versions 0–5.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{JoinGroupRequest, SyncGroupRequest};
use protocol_tests::groups::{join_request, sync_request, with_protocol, Member};
use protocol_tests::{error, group_id, shared, text};

fn request(version: i16, member: &Member, assignments: &[(&str, &'static [u8])]) -> SyncGroupRequest {
    match version >= 5 {
        true => with_protocol(sync_request(member, assignments)),
        false => sync_request(member, assignments),
    }
}

#[test]
fn g8_every_version_hands_out_the_assignment() {
    let mut client = shared().connect();
    for version in 0..=5 {
        let group = format!("sync-{version}");
        client.find_coordinator(&group);
        let id = client.member_id(&group);
        let joined = client.join(&group, &id);
        let member = Member { group, id: id.clone(), generation: joined.generation_id };
        for assignments in [&[(&*id, &b"mine"[..])][..], &[]] {
            let synced = client.call(version, &request(version, &member, assignments));
            assert_eq!((error(synced.error_code), &*synced.assignment), (None, &b"mine"[..]), "version {version}");
            if version >= 5 {
                assert_eq!(synced.protocol_type.as_deref(), Some("consumer"));
                assert_eq!(synced.protocol_name.as_deref(), Some("range"));
            }
        }
    }
}

#[test]
fn g8_followers_wait_for_the_leader() {
    let group = "sync-waits";
    let (mut first, mut second) = (shared().connect(), shared().connect());
    let alone = first.join_alone(group);
    let id = second.member_id(group);
    second.send(9, &join_request(group, &id));
    first.await_rebalance(&alone);
    let led = first.join(group, &alone.id);
    let (_, followed) = second.receive::<JoinGroupRequest>(9);
    let leader = Member { generation: led.generation_id, ..alone };
    let follower = Member { group: group.to_owned(), id, generation: followed.generation_id };
    second.send(5, &request(5, &follower, &[]));
    let synced = first.sync(&leader, &[(&leader.id, b"l"), (&follower.id, b"f")]);
    assert_eq!(&*synced.assignment, b"l");
    let (_, synced) = second.receive::<SyncGroupRequest>(5);
    assert_eq!((error(synced.error_code), &*synced.assignment), (None, &b"f"[..]));
    // In the next join phase nobody syncs.
    first.send(9, &join_request(group, &leader.id));
    second.await_rebalance(&follower);
    let early = second.sync(&follower, &[]);
    assert_eq!(error(early.error_code), Some(ResponseError::RebalanceInProgress));
    second.join(group, &follower.id);
    first.receive::<JoinGroupRequest>(9);
}

#[test]
fn g7_g8_refusals() {
    let mut client = shared().connect();
    let member = client.join_alone("sync-refused");
    let other = |id: &str, generation| Member { id: id.to_owned(), generation, ..member.clone() };
    for version in 0..=5 {
        let mut refused = |member: &Member| {
            let response = client.call(version, &request(version, member, &[]));
            assert!(response.assignment.is_empty());
            error(response.error_code)
        };
        assert_eq!(refused(&other("nobody", member.generation)), Some(ResponseError::UnknownMemberId));
        assert_eq!(refused(&other(&member.id, member.generation + 1)), Some(ResponseError::IllegalGeneration));
        let absent = Member { group: "sync-nothing-here".to_owned(), ..member.clone() };
        assert_eq!(refused(&absent), Some(ResponseError::UnknownMemberId), "version {version}");
        let nameless = Member { group: String::new(), ..member.clone() };
        assert_eq!(refused(&nameless), Some(ResponseError::InvalidGroupId));
    }
    let odd = with_protocol(sync_request(&member, &[])).with_protocol_name(Some(text("roundrobin")));
    assert_eq!(error(client.call(5, &odd).error_code), Some(ResponseError::InconsistentGroupProtocol));
    let odd = with_protocol(sync_request(&member, &[])).with_protocol_type(Some(text("connect")));
    assert_eq!(error(client.call(5, &odd).error_code), Some(ResponseError::InconsistentGroupProtocol));
    // Null names nothing, so nothing is compared.
    let silent = sync_request(&member, &[]).with_group_id(group_id("sync-refused"));
    assert_eq!(error(client.call(4, &silent).error_code), None);
}
