//! ConsumerGroupHeartbeat (key 68), versions 0–1.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::ConsumerGroupHeartbeatRequest;
use protocol_tests::consumer_groups::{assigned, consumer_beat, consumer_join};
use protocol_tests::groups::{commit_request, join_request, offset_fetch_request};
use protocol_tests::{error, eventually, shared, text, topic_name, Broker, Client};

const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;

/// How a heartbeat is refused, with its text.
fn refused(
    client: &mut Client,
    version: i16,
    request: &ConsumerGroupHeartbeatRequest,
) -> (Option<ResponseError>, String) {
    let response = client.call(version, request);
    assert!(response.assignment.is_none() && response.member_epoch == 0, "nothing stands beside an error");
    (error(response.error_code), response.error_message.map(|text| text.to_string()).unwrap_or_default())
}

#[test]
fn n1_n7_a_member_joins_beats_and_leaves() {
    let mut client = shared().connect();
    let topic = client.create_topic("consume-life", 3, &[]);
    for version in VERSIONS {
        let group = format!("consume-life-{version}");
        client.find_coordinator(&group);
        let joined = client.call(version, &consumer_join(&group, "m", &["consume-life"]));
        assert_eq!((error(joined.error_code), joined.member_id.as_deref()), (None, Some("m")));
        assert_eq!((joined.member_epoch, joined.heartbeat_interval_ms), (2, 5_000));
        assert_eq!(assigned(&joined), Some(vec![(topic.id, vec![0, 1, 2])]));
        let beaten = client.call(version, &consumer_beat(&group, "m", 2, Some((topic.id, &[0, 1, 2]))));
        assert_eq!((error(beaten.error_code), beaten.member_epoch, assigned(&beaten)), (None, 2, None));
        let mut full = consumer_beat(&group, "m", 2, Some((topic.id, &[0, 1, 2]))).with_rebalance_timeout_ms(30_000);
        full.subscribed_topic_names = Some(vec![topic_name("consume-life")]);
        assert!(assigned(&client.call(version, &full)).is_some(), "who says all is told all");
        let left = client.call(version, &consumer_beat(&group, "m", -1, None));
        assert_eq!((error(left.error_code), left.member_epoch, left.member_id.as_deref()), (None, -1, Some("m")));
        assert_eq!(&*client.describe_consumers(1, &group).group_state, "Empty");
    }
}

#[test]
fn n1_only_version_0_leaves_the_member_id_to_the_broker() {
    let mut client = shared().connect();
    client.find_coordinator("consume-id");
    let drawn = client.call(0, &consumer_join("consume-id", "", &["consume-nowhere"]));
    let id = drawn.member_id.expect("an id").to_string();
    assert_eq!((error(drawn.error_code), id.len()), (None, 22), "{id}");
    let (why, message) = refused(&mut client, 1, &consumer_join("consume-id", "", &["consume-nowhere"]));
    assert_eq!((why, &*message), (Some(ResponseError::InvalidRequest), "MemberId can't be empty."));
}

#[test]
fn n2_a_join_says_all_that_it_must() {
    let mut client = shared().connect();
    let join = || consumer_join("consume-join", "m", &["t"]);
    client.find_coordinator("consume-join");
    let bad = [
        (join().with_rebalance_timeout_ms(-1), "RebalanceTimeoutMs must be provided in first request."),
        (join().with_topic_partitions(None), "TopicPartitions must be empty when (re-)joining."),
        (join().with_instance_id(Some(text(""))), "InstanceId can't be empty."),
        (join().with_rack_id(Some(text(""))), "RackId can't be empty."),
        (join().with_group_id(protocol_tests::group_id("")), "GroupId can't be empty."),
        (join().with_member_epoch(-3), "MemberEpoch is invalid."),
        (join().with_member_epoch(-2), "InstanceId can't be null."),
        (
            join().with_subscribed_topic_names(None),
            "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.",
        ),
    ];
    for version in VERSIONS {
        for (request, message) in &bad {
            let expected = (Some(ResponseError::InvalidRequest), (*message).to_owned());
            assert_eq!(refused(&mut client, version, request), expected, "version {version}");
        }
    }
}

#[test]
fn n3_assignors_are_named() {
    let mut client = shared().connect();
    client.find_coordinator("consume-assignor");
    let join = |name: &str| consumer_join("consume-assignor", "m", &["t"]).with_server_assignor(Some(text(name)));
    let (why, message) = refused(&mut client, 1, &join("sticky"));
    assert_eq!(why, Some(ResponseError::UnsupportedAssignor));
    assert_eq!(message, "ServerAssignor sticky is not supported. Supported assignors: uniform, range.");
    assert_eq!(error(client.call(1, &join("range")).error_code), None);
    assert_eq!(&*client.describe_consumers(1, "consume-assignor").assignor_name, "range");
}

#[test]
fn n4_epochs_that_are_not_the_members_are_fenced() {
    let mut client = shared().connect();
    client.find_coordinator("consume-epochs");
    let beat = |member: &str, epoch| consumer_beat("consume-epochs", member, epoch, None);
    assert_eq!(refused(&mut client, 1, &beat("m", 1)).0, Some(ResponseError::GroupIdNotFound));
    let epoch = client.join_consumers("consume-epochs", "m", &["t"]).member_epoch;
    assert_eq!(refused(&mut client, 1, &beat("m", epoch + 1)).0, Some(ResponseError::FencedMemberEpoch));
    assert_eq!(refused(&mut client, 1, &beat("nobody", epoch)).0, Some(ResponseError::UnknownMemberId));
    assert_eq!(refused(&mut client, 1, &beat("nobody", -1)).0, Some(ResponseError::UnknownMemberId));
    assert_eq!(error(client.call(1, &beat("m", epoch)).error_code), None);
}

#[test]
fn n5_an_instance_id_is_one_members() {
    let mut client = shared().connect();
    client.create_topic("consume-static", 1, &[]);
    client.find_coordinator("consume-static");
    let named = |request: ConsumerGroupHeartbeatRequest| request.with_instance_id(Some(text("i")));
    let join = |member: &str| named(consumer_join("consume-static", member, &["consume-static"]));
    let beat = |member: &str, epoch| named(consumer_beat("consume-static", member, epoch, None));
    let epoch = client.call(1, &join("one")).member_epoch;
    assert_eq!(refused(&mut client, 1, &join("two")).0, Some(ResponseError::UnreleasedInstanceId));
    assert_eq!(refused(&mut client, 1, &beat("two", epoch)).0, Some(ResponseError::FencedInstanceId));
    let left = client.call(1, &beat("one", -2));
    assert_eq!((error(left.error_code), left.member_epoch), (None, -2));
    let back = client.call(1, &join("two"));
    assert_eq!((error(back.error_code), back.member_epoch), (None, epoch), "no new assignment for who comes back");
    assert!(assigned(&back).is_some_and(|assigned| assigned.len() == 1));
}

/// Beats until the answer is as wanted, and says what is held.
fn beat_until(
    client: &mut Client,
    what: &str,
    request: &mut ConsumerGroupHeartbeatRequest,
    mut done: impl FnMut(i32, Option<Vec<i32>>) -> bool,
) {
    eventually(what, || {
        let response = client.call(1, request);
        assert_eq!(error(response.error_code), None, "{what}: {:?}", response.error_message);
        request.member_epoch = response.member_epoch;
        let partitions = assigned(&response).map(|topics| topics.into_iter().flat_map(|(_, all)| all).collect());
        done(response.member_epoch, partitions).then_some(())
    });
}

#[test]
fn n6_n9_partitions_go_from_one_member_to_the_other() {
    let mut client = shared().connect();
    let topic = client.create_topic("consume-move", 2, &[]);
    client.find_coordinator("consume-move");
    let first = client.join_consumers("consume-move", "m1", &["consume-move"]);
    let second = client.join_consumers("consume-move", "m2", &["consume-move"]);
    assert!(assigned(&second).is_some_and(|assigned| assigned.is_empty()), "nothing is free yet");
    let mut one = consumer_beat("consume-move", "m1", first.member_epoch, Some((topic.id, &[0, 1])));
    beat_until(&mut client, "what to give up", &mut one, |epoch, partitions| {
        assert_eq!(epoch, first.member_epoch, "it still holds what it must give up");
        partitions.is_some_and(|partitions| partitions == [0])
    });
    let mut two = consumer_beat("consume-move", "m2", second.member_epoch, Some((topic.id, &[])));
    let waiting = client.call(1, &two);
    two.member_epoch = waiting.member_epoch;
    assert_eq!(assigned(&waiting).unwrap_or_default(), [], "the first still holds it");
    let mut one = consumer_beat("consume-move", "m1", first.member_epoch, Some((topic.id, &[0])));
    beat_until(&mut client, "the next epoch", &mut one, |epoch, _| epoch > first.member_epoch);
    beat_until(&mut client, "the free partition", &mut two, |_, partitions| {
        partitions.is_some_and(|partitions| partitions == [1])
    });
    assert_eq!(&*client.describe_consumers(1, "consume-move").group_state, "Stable");
}

#[test]
fn n8_expressions_are_version_1s() {
    let mut client = shared().connect();
    let topic = client.create_topic("consume-re-a", 1, &[]);
    client.find_coordinator("consume-re");
    let join = |regex: &str| {
        let join = consumer_join("consume-re", "m", &[]).with_subscribed_topic_names(None);
        join.with_subscribed_topic_regex(Some(text(regex)))
    };
    let (why, message) = refused(&mut client, 1, &join("["));
    assert_eq!(why, Some(ResponseError::InvalidRegularExpression));
    assert!(message.starts_with("SubscribedTopicRegex `[` is not a valid regular expression: "), "{message}");
    assert_eq!(refused(&mut client, 1, &join("a)(b")).0, Some(ResponseError::InvalidRegularExpression));
    let joined = client.call(1, &join("consume-re-.*"));
    assert_eq!((error(joined.error_code), assigned(&joined)), (None, Some(vec![(topic.id, vec![0])])));
    // A new topic is found within seconds.
    let other = client.create_topic("consume-re-b", 1, &[]);
    let mut beat = consumer_beat("consume-re", "m", joined.member_epoch, Some((topic.id, &[0])));
    beat_until(&mut client, "the new topic", &mut beat, |_, partitions| partitions.is_some_and(|all| all.len() == 2));
    assert_ne!(topic.id, other.id);
}

#[test]
fn n10_offsets_are_the_members_in_its_epoch() {
    let mut client = shared().connect();
    client.create_topic("consume-offsets", 1, &[]);
    client.find_coordinator("consume-offsets");
    let epoch = client.join_consumers("consume-offsets", "m", &["consume-offsets"]).member_epoch;
    let mut commit = |version, member: &str, epoch| {
        let request = commit_request("consume-offsets", "consume-offsets", 0, 7)
            .with_member_id(text(member))
            .with_generation_id_or_member_epoch(epoch);
        error(client.call(version, &request).topics[0].partitions[0].error_code)
    };
    assert_eq!(commit(9, "m", epoch), None);
    assert_eq!(commit(8, "m", epoch), Some(ResponseError::UnsupportedVersion));
    assert_eq!(commit(9, "m", epoch + 1), Some(ResponseError::StaleMemberEpoch));
    assert_eq!(commit(9, "m", epoch - 1), Some(ResponseError::StaleMemberEpoch));
    assert_eq!(commit(9, "nobody", epoch), Some(ResponseError::UnknownMemberId));
    assert_eq!(commit(9, "", -1), Some(ResponseError::UnknownMemberId));
    let mut fetch = |member: Option<&str>, epoch| {
        let mut request = offset_fetch_request("consume-offsets", "consume-offsets", 0);
        request.groups[0].member_id = member.map(text);
        request.groups[0].member_epoch = epoch;
        let group = client.call(9, &request).groups.remove(0);
        error(group.error_code).ok_or_else(|| group.topics[0].partitions[0].committed_offset)
    };
    assert_eq!(fetch(Some("m"), epoch), Err(7));
    assert_eq!(fetch(None, -1), Err(7));
    assert_eq!(fetch(Some("m"), epoch + 1), Ok(ResponseError::StaleMemberEpoch));
    assert_eq!(fetch(Some("nobody"), epoch), Ok(ResponseError::UnknownMemberId));
}

#[test]
fn d32_n6_a_member_fenced_in_a_reconciliation_never_commits() {
    let mut client = shared().connect();
    let topic = client.create_topic("consume-fenced", 2, &[]);
    client.find_coordinator("consume-fenced");
    let slow = consumer_join("consume-fenced", "slow", &["consume-fenced"]).with_rebalance_timeout_ms(1_000);
    let epoch = client.call(1, &slow).member_epoch;
    client.join_consumers("consume-fenced", "other", &["consume-fenced"]);
    let commit = |client: &mut Client, epoch| {
        let request = commit_request("consume-fenced", "consume-fenced", 1, 7)
            .with_member_id(text("slow"))
            .with_generation_id_or_member_epoch(epoch);
        error(client.call(9, &request).topics[0].partitions[0].error_code)
    };
    // It beats, but holds on to what it must give up, until it is out.
    let beat = consumer_beat("consume-fenced", "slow", epoch, Some((topic.id, &[0, 1])));
    eventually("the fencing", || {
        let response = client.call(1, &beat);
        let why = error(response.error_code);
        assert!(matches!(why, None | Some(ResponseError::UnknownMemberId)), "{why:?}");
        if why.is_none() {
            assert_eq!((response.member_epoch, commit(&mut client, epoch)), (epoch, None), "it still may commit");
        }
        why.is_some().then_some(())
    });
    for epoch in [epoch, epoch + 1, epoch + 2, -1] {
        assert_eq!(commit(&mut client, epoch), Some(ResponseError::UnknownMemberId), "epoch {epoch}");
    }
}

#[test]
fn n11_n12_a_classic_group_goes_over_only_if_it_may() {
    let mut client = shared().connect();
    // Members that do not speak the consumers' own protocol: their metadata is `m`.
    let member = client.join_alone("consume-classic");
    let refusal = refused(&mut client, 1, &consumer_join("consume-classic", "m", &["t"]));
    assert_eq!(refusal.0, Some(ResponseError::GroupIdNotFound), "{}", refusal.1);
    assert_eq!(client.leave("consume-classic", &member.id), None);
    // Empty, it goes over; and back, once it is empty again.
    let epoch = eventually("an empty group", || {
        let joined = client.call(1, &consumer_join("consume-classic", "m", &["t"]));
        error(joined.error_code).is_none().then_some(joined.member_epoch)
    });
    let refusal = client.call(9, &join_request("consume-classic", ""));
    assert_eq!(error(refusal.error_code), Some(ResponseError::MemberIdRequired));
    assert_eq!(error(client.call(1, &consumer_beat("consume-classic", "m", -1, None)).error_code), None);
    assert!(epoch > 0);
    client.join_alone("consume-classic");
    assert_eq!(error(client.describe_consumers(1, "consume-classic").error_code), Some(ResponseError::GroupIdNotFound));
}

#[test]
fn n13_turned_off_it_is_no_version() {
    let broker = Broker::with(&["group.coordinator.rebalance.protocols=classic"]);
    let mut client = broker.connect();
    let refusal = refused(&mut client, 1, &consumer_join("g", "m", &["t"]));
    assert_eq!(refusal, (Some(ResponseError::UnsupportedVersion), "the version of API is not supported".to_owned()));
    assert_eq!(error(client.describe_consumers(1, "g").error_code), Some(ResponseError::UnsupportedVersion));
}

#[test]
fn n6_a_restart_forgets_nothing() {
    let mut broker = Broker::start();
    let mut client = broker.connect();
    let topic = client.create_topic("t", 2, &[]);
    client.find_coordinator("g");
    let joined = client.join_consumers("g", "m", &["t"]);
    let other = client.call(1, &consumer_join("g", "n", &["t"]).with_instance_id(Some(text("i"))));
    assert_eq!(error(other.error_code), None);
    let before = client.describe_consumers(1, "g");
    broker.kill_and_restart();
    let mut client = broker.connect();
    client.find_coordinator("g");
    let after = client.describe_consumers(1, "g");
    assert_eq!((&after.members, after.group_epoch), (&before.members, before.group_epoch));
    let mut beat = consumer_beat("g", "m", joined.member_epoch, Some((topic.id, &[0, 1])));
    beat_until(&mut client, "what to give up", &mut beat, |_, partitions| partitions.is_some_and(|all| all == [0]));
}

#[test]
fn n6_a_group_follows_its_settings() {
    let broker = Broker::with(&["group.consumer.heartbeat.interval.ms=7000", "group.consumer.max.size=1"]);
    let mut client = broker.connect();
    client.find_coordinator("g");
    assert_eq!(client.join_consumers("g", "m", &["t"]).heartbeat_interval_ms, 7_000);
    let (why, message) = refused(&mut client, 1, &consumer_join("g", "n", &["t"]));
    assert_eq!(why, Some(ResponseError::GroupMaxSizeReached));
    assert_eq!(message, "The consumer group has reached its maximum capacity of 1 members.");
}
