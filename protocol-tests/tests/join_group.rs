//! JoinGroup (key 11), versions 0–9.

use bytes::Bytes;
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::{JoinGroupRequest, JoinGroupResponse};
use protocol_tests::groups::{join_request, Member};
use protocol_tests::{error, group_id, shared, text, Broker, Client};

const VERSIONS: std::ops::RangeInclusive<i16> = 0..=9;

/// What every version of a JoinGroup can say.
fn request(version: i16, group: &str, member_id: &str) -> JoinGroupRequest {
    let request = join_request(group, member_id);
    match version {
        0 => request.with_rebalance_timeout_ms(-1),
        _ => request,
    }
}

fn with_instance(version: i16, group: &str, member_id: &str, instance: &str) -> JoinGroupRequest {
    request(version, group, member_id).with_group_instance_id(Some(text(instance)))
}

fn member(group: &str, joined: &JoinGroupResponse) -> Member {
    Member { group: group.to_owned(), id: joined.member_id.to_string(), generation: joined.generation_id }
}

#[test]
fn g3_every_version_joins_alone() {
    let mut client = shared().connect();
    for version in VERSIONS {
        let group = format!("join-{version}");
        client.find_coordinator(&group);
        let first = client.call(version, &request(version, &group, ""));
        let joined = match version >= 4 {
            true => {
                assert_eq!(error(first.error_code), Some(ResponseError::MemberIdRequired), "version {version}");
                assert_eq!((first.generation_id, first.members.len()), (-1, 0));
                assert!(first.member_id.starts_with("protocol-tests-"), "{:?}", first.member_id);
                client.call(version, &request(version, &group, &first.member_id))
            }
            false => first,
        };
        assert_eq!(error(joined.error_code), None, "version {version}");
        assert_eq!((joined.generation_id, joined.protocol_name.as_deref()), (1, Some("range")));
        assert_eq!((&joined.leader, joined.members.len()), (&joined.member_id, 1));
        assert_eq!((&joined.members[0].member_id, &*joined.members[0].metadata), (&joined.member_id, &b"m"[..]));
        if version >= 7 {
            assert_eq!(joined.protocol_type.as_deref(), Some("consumer"));
        }
        assert!(!joined.skip_assignment);
    }
}

#[test]
fn g2_empty_groups_and_session_timeouts_out_of_bounds() {
    let mut client = shared().connect();
    client.find_coordinator("join-bounds");
    for version in VERSIONS {
        let refused = client.call(version, &request(version, "", ""));
        assert_eq!(error(refused.error_code), Some(ResponseError::InvalidGroupId), "version {version}");
        for timeout in [5_999, 1_800_001, 0, -1, i32::MAX, i32::MIN] {
            let asked = request(version, "join-bounds", "").with_session_timeout_ms(timeout);
            let refused = client.call(version, &asked);
            assert_eq!(error(refused.error_code), Some(ResponseError::InvalidSessionTimeout), "{timeout}");
        }
    }
    for timeout in [6_000, 1_800_000] {
        let accepted = client.call(9, &request(9, "join-bounds", "").with_session_timeout_ms(timeout));
        assert_eq!(error(accepted.error_code), Some(ResponseError::MemberIdRequired));
    }
}

#[test]
fn g4_unknown_members_and_protocols_without_agreement() {
    let mut client = shared().connect();
    let member = client.join_alone("join-inconsistent");
    for version in VERSIONS {
        let unknown = client.call(version, &request(version, "join-inconsistent", "nobody"));
        assert_eq!(error(unknown.error_code), Some(ResponseError::UnknownMemberId), "version {version}");
        let absent = client.call(version, &request(version, "join-nothing-here", "nobody"));
        assert_eq!(error(absent.error_code), Some(ResponseError::UnknownMemberId), "version {version}");
        let other_type = request(version, "join-inconsistent", "").with_protocol_type(text("connect"));
        let mut other_name = request(version, "join-inconsistent", "");
        other_name.protocols[0].name = text("roundrobin");
        let no_protocol = request(version, "join-inconsistent", "").with_protocols(vec![]);
        let no_type = request(version, "join-inconsistent", "").with_protocol_type(text(""));
        for (what, asked) in [("type", other_type), ("name", other_name), ("none", no_protocol), ("no type", no_type)] {
            let refused = client.call(version, &asked);
            assert_eq!(error(refused.error_code), Some(ResponseError::InconsistentGroupProtocol), "{version} {what}");
        }
    }
    assert_eq!(client.heartbeat(&member), None, "nobody disturbed the group");
}

#[test]
fn g4_a_full_group_takes_no_more() {
    let broker = Broker::with(&["group.max.size=1"]);
    let mut client = broker.connect();
    let first = client.join_alone("join-full");
    for version in [0, 3] {
        let refused = client.call(version, &request(version, "join-full", ""));
        assert_eq!(error(refused.error_code), Some(ResponseError::GroupMaxSizeReached), "version {version}");
    }
    assert_eq!(client.heartbeat(&first), None);
}

/// Two members of one generation: the leader's and the follower's connections and identities.
fn pair(group: &str) -> (Client, Member, Client, Member) {
    let (mut first, mut second) = (shared().connect(), shared().connect());
    let alone = first.join_alone(group);
    let id = second.member_id(group);
    second.send(9, &join_request(group, &id));
    // The group stays in its join phase until its first member comes back.
    first.await_rebalance(&alone);
    let led = first.join(group, &alone.id);
    let (_, followed) = second.receive::<JoinGroupRequest>(9);
    assert_eq!((error(followed.error_code), followed.generation_id), (None, led.generation_id));
    assert_eq!((&*led.leader, &followed.leader), (&*alone.id, &led.leader));
    assert_eq!((led.members.len(), followed.members.len()), (2, 0), "only the leader learns of the members");
    let (leader, follower) = (member(group, &led), member(group, &followed));
    let synced = first.sync(&leader, &[(&leader.id, b"l"), (&follower.id, b"f")]);
    assert_eq!((error(synced.error_code), &*synced.assignment), (None, &b"l"[..]));
    let synced = second.sync(&follower, &[]);
    assert_eq!((error(synced.error_code), &*synced.assignment), (None, &b"f"[..]));
    (first, leader, second, follower)
}

#[test]
fn g9_a_follower_that_rejoins_unchanged_gets_the_present_generation() {
    let (mut first, leader, mut second, follower) = pair("join-again");
    let again = second.join("join-again", &follower.id);
    assert_eq!((again.generation_id, again.members.len()), (follower.generation, 0));
    assert_eq!(first.heartbeat(&leader), None, "no rebalance");
    // The leader's rejoin is one.
    first.send(9, &join_request("join-again", &leader.id));
    second.await_rebalance(&follower);
    let again = second.join("join-again", &follower.id);
    let (_, led) = first.receive::<JoinGroupRequest>(9);
    assert_eq!((led.generation_id, again.generation_id), (leader.generation + 1, leader.generation + 1));
}

#[test]
fn g6_the_join_phase_takes_the_protocol_that_all_support() {
    let group = "join-vote";
    let (mut first, mut second) = (shared().connect(), shared().connect());
    let protocols = |names: &[&str]| -> Vec<JoinGroupRequestProtocol> {
        let of = |name: &&str| {
            JoinGroupRequestProtocol::default().with_name(text(name)).with_metadata(Bytes::from(name.to_string()))
        };
        names.iter().map(of).collect()
    };
    first.find_coordinator(group);
    let ask = |id: &str, names: &[&str]| join_request(group, id).with_protocols(protocols(names));
    let id = first.call(9, &ask("", &["sticky", "range"])).member_id;
    let alone = first.call(9, &ask(&id, &["sticky", "range"]));
    assert_eq!(alone.protocol_name.as_deref(), Some("sticky"));
    let other = second.call(9, &ask("", &["range", "roundrobin"])).member_id;
    second.send(9, &ask(&other, &["range", "roundrobin"]));
    first.await_rebalance(&member(group, &alone));
    let led = first.call(9, &ask(&id, &["sticky", "range"]));
    let (_, followed) = second.receive::<JoinGroupRequest>(9);
    assert_eq!((led.protocol_name.as_deref(), followed.protocol_name.as_deref()), (Some("range"), Some("range")));
    assert!(led.members.iter().all(|member| &*member.metadata == b"range"));
}

#[test]
fn g10_static_members_come_back_without_a_rebalance() {
    let group = "join-static";
    let mut client = shared().connect();
    client.find_coordinator(group);
    for version in 5..=9 {
        let group = format!("{group}-{version}");
        // No member id is handed out first.
        let joined = client.call(version, &with_instance(version, &group, "", "i1"));
        assert_eq!((error(joined.error_code), joined.generation_id), (None, 1), "version {version}");
        let old = member(&group, &joined);
        assert!(old.id.starts_with("i1-"), "{}", old.id);
        assert_eq!(joined.members[0].group_instance_id.as_deref(), Some("i1"));
        client.sync(&old, &[(&old.id, b"a")]);
        let back = client.call(version, &with_instance(version, &group, "", "i1"));
        assert_eq!((error(back.error_code), back.generation_id), (None, 1), "no rebalance");
        let new = member(&group, &back);
        assert_ne!(new.id, old.id);
        assert_eq!(back.skip_assignment, version >= 9);
        let synced = client.sync(&new, &[]);
        assert_eq!((error(synced.error_code), &*synced.assignment), (None, &b"a"[..]), "the old assignment");
        // The old id is fenced where it names its instance.
        let late = client.call(version, &with_instance(version, &group, &old.id, "i1"));
        assert_eq!(error(late.error_code), Some(ResponseError::FencedInstanceId), "version {version}");
        let beat = protocol_tests::groups::heartbeat_request(&old).with_group_instance_id(Some(text("i1")));
        assert_eq!(error(client.call(4, &beat).error_code), Some(ResponseError::FencedInstanceId));
        assert_eq!(client.heartbeat(&new), None);
    }
}

#[test]
fn g6_members_and_generations_survive_a_kill() {
    let mut broker = Broker::start();
    let mut client = broker.connect();
    let member = client.join_alone("join-killed");
    broker.kill_and_restart();
    let mut client = broker.connect();
    client.find_coordinator("join-killed");
    assert_eq!(client.heartbeat(&member), None, "the member is known");
    let stale = Member { generation: member.generation - 1, ..member.clone() };
    assert_eq!(client.heartbeat(&stale), Some(ResponseError::IllegalGeneration));
    let synced = client.sync(&member, &[]);
    assert_eq!((error(synced.error_code), &*synced.assignment), (None, &b"a"[..]));
}

#[test]
fn g5_the_first_join_waits_for_others() {
    let broker = Broker::with(&["group.initial.rebalance.delay.ms=1500"]);
    let (mut first, mut second) = (broker.connect(), broker.connect());
    first.find_coordinator("join-delay");
    let (one, two) = (first.member_id("join-delay"), second.member_id("join-delay"));
    first.send(9, &join_request("join-delay", &one));
    second.send(9, &join_request("join-delay", &two));
    let (_, a) = first.receive::<JoinGroupRequest>(9);
    let (_, b) = second.receive::<JoinGroupRequest>(9);
    assert_eq!((a.generation_id, b.generation_id), (1, 1), "both are in the first generation");
    assert_eq!(a.members.len() + b.members.len(), 2);
}

#[test]
fn g2_ids_are_as_long_as_they_may_be() {
    let mut client = shared().connect();
    let long = "g".repeat(30_000);
    client.find_coordinator(&long);
    let refused = client.call(9, &join_request(&long, "nobody").with_group_id(group_id(&long)));
    assert_eq!(error(refused.error_code), Some(ResponseError::UnknownMemberId));
}
