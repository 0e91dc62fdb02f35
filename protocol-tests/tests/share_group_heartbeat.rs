//! ShareGroupHeartbeat (key 76), version 1.

use kafka_protocol::error::ResponseError;
use protocol_tests::shares::{share_beat, share_fetch_request, taken};
use protocol_tests::{error, eventually, shared, Broker};

#[test]
fn s6_a_member_joins_reads_and_leaves() {
    let mut client = shared().connect();
    let topic = client.create_topic("share-beat", 2, &[]);
    client.find_coordinator("share-beat");
    let joined = client.call(1, &share_beat("share-beat", "m1", 0, Some(&["share-beat"])));
    assert_eq!((error(joined.error_code), joined.member_epoch, joined.heartbeat_interval_ms), (None, 1, 5_000));
    assert!(joined.assignment.expect("always said at first").topic_partitions.is_empty(), "nothing is set up yet");
    let (epoch, assigned) = client.await_share_assignment("share-beat", "m1", 1, 2);
    assert_eq!(assigned, [(topic.id, vec![0, 1])]);
    let quiet = client.call(1, &share_beat("share-beat", "m1", epoch, None));
    assert_eq!((error(quiet.error_code), quiet.assignment), (None, None), "nothing has changed");
    // What it is assigned it can read: from the end on, as nobody said otherwise.
    client.append(&topic, 0, &["before"]);
    let opened = client.call(1, &share_fetch_request("share-beat", "m1", 0, &[(&topic, &[])]).with_max_wait_ms(10));
    assert_eq!(taken(&opened), []);
    client.append(&topic, 0, &["after"]);
    let read = client.call(1, &share_fetch_request("share-beat", "m1", 1, &[]));
    assert_eq!(taken(&read), [(1, 1, 1)]);
    let left = client.call(1, &share_beat("share-beat", "m1", -1, None));
    assert_eq!((error(left.error_code), left.member_epoch), (None, -1));
    let gone = client.call(1, &share_beat("share-beat", "m1", epoch, None));
    assert_eq!(error(gone.error_code), Some(ResponseError::UnknownMemberId));
}

#[test]
fn s6_members_share_partitions() {
    let mut client = shared().connect();
    client.create_topic("share-beat-many", 2, &[]);
    client.find_coordinator("share-beat-many");
    for member in ["m1", "m2", "m3"] {
        let joined = client.call(1, &share_beat("share-beat-many", member, 0, Some(&["share-beat-many"])));
        assert_eq!(error(joined.error_code), None);
    }
    eventually("everybody's share", || {
        let mut seen = Vec::new();
        for member in ["m1", "m2", "m3"] {
            // To say all is to hear all.
            let said = client.call(1, &share_beat("share-beat-many", member, 0, Some(&["share-beat-many"])));
            let topics = said.assignment.expect("said").topic_partitions;
            seen.extend(topics.into_iter().flat_map(|topic| topic.partitions));
        }
        seen.sort_unstable();
        (seen == [0, 0, 1, 1] || seen == [0, 0, 1]).then_some(())
    });
}

#[test]
fn s6_what_is_refused() {
    let mut client = shared().connect();
    let group = "share-beat-refused";
    client.create_topic(group, 1, &[]);
    client.find_coordinator(group);
    let topics: Option<&[&str]> = Some(&["t"]);
    for (request, why) in [
        (share_beat(group, "", 0, topics), ResponseError::InvalidRequest),
        (share_beat("", "m", 0, topics), ResponseError::InvalidRequest),
        (share_beat(group, "m", 0, None), ResponseError::InvalidRequest),
        (share_beat(group, "m", -2, topics), ResponseError::InvalidRequest),
        (share_beat(group, "m", 1, None), ResponseError::GroupIdNotFound),
        (share_beat(group, "m", -1, None), ResponseError::GroupIdNotFound),
    ] {
        assert_eq!(error(client.call(1, &request).error_code), Some(why));
    }
    assert_eq!(error(client.call(1, &share_beat(group, "m", 0, topics)).error_code), None);
    let ahead = client.call(1, &share_beat(group, "m", 9, None));
    assert_eq!(error(ahead.error_code), Some(ResponseError::FencedMemberEpoch));
    // Nobody else's kind of group, and nobody else's this.
    let commit = client.call(8, &protocol_tests::groups::commit_request(group, group, 0, 1));
    assert_eq!(error(commit.topics[0].partitions[0].error_code), Some(ResponseError::GroupIdNotFound));
    let join = client.call(9, &protocol_tests::groups::join_request(group, "x"));
    assert_eq!(error(join.error_code), Some(ResponseError::InconsistentGroupProtocol));
    let classic = client.join_alone("share-beat-classic");
    let beat = client.call(1, &share_beat(&classic.group, "m", 0, topics));
    assert_eq!(error(beat.error_code), Some(ResponseError::GroupIdNotFound));
}

#[test]
fn s6_groups_are_full_and_survive_kills() {
    let mut broker = Broker::with(&["group.share.max.size=1"]);
    let mut client = broker.connect();
    client.create_topic("t", 1, &[]);
    client.find_coordinator("g");
    assert_eq!(error(client.call(1, &share_beat("g", "m1", 0, Some(&["t"]))).error_code), None);
    let full = client.call(1, &share_beat("g", "m2", 0, Some(&["t"])));
    assert_eq!(error(full.error_code), Some(ResponseError::GroupMaxSizeReached));
    let (epoch, _) = client.await_share_assignment("g", "m1", 1, 1);
    broker.kill_and_restart();
    let mut client = broker.connect();
    client.find_coordinator("g");
    let beat = client.call(1, &share_beat("g", "m1", epoch, None));
    assert_eq!((error(beat.error_code), beat.member_epoch), (None, epoch));
}
