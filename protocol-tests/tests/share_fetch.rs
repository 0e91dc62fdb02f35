//! ShareFetch (key 78), version 1.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::ShareFetchRequest;
use protocol_tests::records::Batch;
use protocol_tests::shares::{share_fetch_request, taken, Spoken, ACCEPT, RELEASE};
use protocol_tests::topics::Topic;
use protocol_tests::{error, shared, Broker, Client};

/// A topic with five records, and a group that starts at the first.
fn prepared(client: &mut Client, name: &str) -> Topic {
    let topic = client.create_topic(name, 1, &[]);
    client.append(&topic, 0, &["a", "b", "c"]);
    client.append(&topic, 0, &["d", "e"]);
    client.find_share_coordinator(name, &topic);
    assert_eq!(client.initialize_share_state(name, &topic, 0, 0), None);
    topic
}

#[test]
fn s1_records_are_delivered_once_to_whoever_asks() {
    let mut client = shared().connect();
    let topic = prepared(&mut client, "share-fetch-once");
    let group = "share-fetch-once";
    let first = client.call(1, &share_fetch_request(group, "m1", 0, &[(&topic, &[])]));
    assert_eq!((error(first.error_code), first.acquisition_lock_timeout_ms), (None, 30_000));
    assert_eq!(taken(&first), [(0, 2, 1), (3, 4, 1)]);
    let records = first.responses[0].partitions[0].records.as_ref().expect("records");
    let values: Vec<_> = protocol_tests::records::batches(records).iter().flat_map(|batch| batch.values()).collect();
    assert_eq!(values, ["a", "b", "c", "d", "e"]);
    let mut other = shared().connect();
    let second = other.call(1, &share_fetch_request(group, "m2", 0, &[(&topic, &[])]).with_max_wait_ms(10));
    assert_eq!(taken(&second), [], "all of them are held");
    // What is said of them decides what the other gets.
    let spoken = [(0, 1, &[ACCEPT][..]), (2, 2, &[RELEASE])];
    let next = client.call(1, &share_fetch_request(group, "m1", 1, &[(&topic, &spoken)]).with_max_records(0));
    assert_eq!(error(next.responses[0].partitions[0].acknowledge_error_code), None);
    let third = other.call(1, &share_fetch_request(group, "m2", 1, &[]));
    assert_eq!(taken(&third), [(2, 2, 2)], "the second delivery");
    // The start moves up with what is stored next, as in Kafka.
    assert_eq!(client.read_share_state(group, &topic, -1), Ok((0, 0, vec![(0, 1, 2, 1), (2, 2, 0, 1)])));
}

#[test]
fn s1_who_waits_is_woken_by_records_and_by_what_is_given_up() {
    let mut client = shared().connect();
    let topic = prepared(&mut client, "share-fetch-wait");
    let group = "share-fetch-wait";
    let begun = client.call(1, &share_fetch_request(group, "m1", 0, &[(&topic, &[])]));
    assert_eq!(taken(&begun).len(), 2);
    let mut waits = shared().connect();
    waits.send(1, &share_fetch_request(group, "m2", 0, &[(&topic, &[])]));
    client.append(&topic, 0, &["f"]);
    let (_, woken) = waits.receive::<ShareFetchRequest>(1);
    assert_eq!(taken(&woken), [(5, 5, 1)]);
    waits.send(1, &share_fetch_request(group, "m2", 1, &[]));
    // Its connection ends, its session with it.
    drop(client);
    let (_, woken) = waits.receive::<ShareFetchRequest>(1);
    assert_eq!(taken(&woken), [(0, 2, 2), (3, 4, 2)]);
}

#[test]
fn s2_sessions_refuse() {
    let mut client = shared().connect();
    let topic = prepared(&mut client, "share-fetch-sessions");
    let group = "share-fetch-sessions";
    let mut told = |request: ShareFetchRequest| error(client.call(1, &request).error_code);
    let none = share_fetch_request(group, "m", 1, &[]);
    assert_eq!(told(none), Some(ResponseError::ShareSessionNotFound));
    let speaks = share_fetch_request(group, "m", 0, &[(&topic, &[(0, 0, &[ACCEPT][..])])]);
    assert_eq!(told(speaks), Some(ResponseError::InvalidRequest));
    assert_eq!(told(share_fetch_request(group, "", 0, &[(&topic, &[])])), Some(ResponseError::InvalidRequest));
    assert_eq!(told(share_fetch_request(group, "m", 0, &[(&topic, &[])])), None);
    assert_eq!(told(share_fetch_request(group, "m", 2, &[])), Some(ResponseError::InvalidShareSessionEpoch));
    assert_eq!(told(share_fetch_request(group, "m", -1, &[])), None);
    assert_eq!(told(share_fetch_request(group, "m", -1, &[])), Some(ResponseError::ShareSessionNotFound));
    // What the last session held is free.
    let again = client.call(1, &share_fetch_request(group, "m", 0, &[(&topic, &[])]));
    assert_eq!(taken(&again), [(0, 2, 2), (3, 4, 2)]);
}

#[test]
fn s2_what_cannot_be_read_says_why() {
    let mut client = shared().connect();
    let topic = prepared(&mut client, "share-fetch-unknown");
    let unknown = Topic::unknown("nobody");
    let group = "share-fetch-unknown";
    let response = client.call(1, &share_fetch_request(group, "m", 0, &[(&unknown, &[])]));
    assert_eq!(error(response.responses[0].partitions[0].error_code), Some(ResponseError::UnknownTopicId));
    let mut request = share_fetch_request(group, "m", 0, &[(&topic, &[])]);
    request.topics[0].partitions[0].partition_index = 9;
    let response = client.call(1, &request);
    assert_eq!(error(response.responses[0].partitions[0].error_code), Some(ResponseError::UnknownTopicOrPartition));
}

#[test]
fn s1_what_is_tried_too_often_is_given_up() {
    let broker = Broker::with(&[
        "group.share.record.lock.duration.ms=1000",
        "group.share.delivery.count.limit=2",
        "group.share.min.record.lock.duration.ms=1000",
    ]);
    let mut client = broker.connect();
    let topic = prepared(&mut client, "g");
    for (epoch, count) in [(0, 1), (1, 2)] {
        let topics: &[Spoken<'_>] = &[(&topic, &[])];
        let response = client.call(1, &share_fetch_request("g", "m", epoch, topics));
        assert_eq!(taken(&response), [(0, 2, count), (3, 4, count)], "nobody said anything for a second");
    }
    client.append(&topic, 0, &["f"]);
    protocol_tests::eventually("the end of the locks", || {
        let (_, start, _) = client.read_share_state("g", &topic, -1).expect("state");
        (start == 5).then_some(())
    });
}

#[test]
fn d33_deliveries_are_counted_over_kills() {
    let mut broker = Broker::start();
    let mut client = broker.connect();
    let topic = prepared(&mut client, "g");
    let mut expected = vec![(0, 2, 1), (3, 4, 1)];
    for round in 0..4 {
        let response = client.call(1, &share_fetch_request("g", "m", 0, &[(&topic, &[])]));
        assert_eq!(taken(&response), expected, "round {round}");
        // One is done with, the others are given back: both are known after the kill.
        let (first, last) = (expected[0].0, 4);
        let spoken = [(first, first, &[ACCEPT][..]), (first + 1, last, &[RELEASE])];
        let said = client.call(1, &share_fetch_request("g", "m", 1, &[(&topic, &spoken)]).with_max_records(0));
        assert_eq!(error(said.responses[0].partitions[0].acknowledge_error_code), None);
        broker.kill_and_restart();
        client = broker.connect();
        client.find_share_coordinator("g", &topic);
        expected.retain_mut(|(from, to, count)| {
            *from = (*from).max(first + 1);
            *count += 1;
            *from <= *to
        });
    }
}

#[test]
fn s1_a_group_may_start_within_a_batch() {
    let mut client = shared().connect();
    let topic = client.create_topic("share-fetch-compressed", 1, &[]);
    // Whatever the codec: batches go out as they are.
    client.produce(&topic, 0, &Batch::of(&["x", "y"]));
    client.find_share_coordinator("share-fetch-compressed", &topic);
    assert_eq!(client.initialize_share_state("share-fetch-compressed", &topic, 0, 1), None);
    let response = client.call(1, &share_fetch_request("share-fetch-compressed", "m", 0, &[(&topic, &[])]));
    assert_eq!(taken(&response), [(1, 1, 1)], "the group starts within a batch");
}
