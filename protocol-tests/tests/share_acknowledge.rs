//! ShareAcknowledge (key 79), version 1.

use kafka_protocol::error::ResponseError;
use protocol_tests::shares::{share_acknowledge_request, share_fetch_request, taken, ACCEPT, GAP, REJECT, RELEASE};
use protocol_tests::topics::Topic;
use protocol_tests::{error, shared, Client};

fn prepared(client: &mut Client, name: &str) -> Topic {
    let topic = client.create_topic(name, 1, &[]);
    client.append(&topic, 0, &["a", "b", "c", "d", "e"]);
    client.find_share_coordinator(name, &topic);
    assert_eq!(client.initialize_share_state(name, &topic, 0, 0), None);
    let response = client.call(1, &share_fetch_request(name, "m", 0, &[(&topic, &[])]));
    assert_eq!(taken(&response), [(0, 4, 1)]);
    topic
}

#[test]
fn s1_each_type_has_its_outcome() {
    let mut client = shared().connect();
    let name = "share-ack-types";
    let topic = prepared(&mut client, name);
    let spoken = [(0, 3, &[RELEASE, ACCEPT, REJECT, GAP][..]), (4, 4, &[RELEASE])];
    let response = client.call(1, &share_acknowledge_request(name, "m", 1, &[(&topic, &spoken)]));
    assert_eq!((error(response.error_code), error(response.responses[0].partitions[0].error_code)), (None, None));
    let known = vec![(0, 0, 0, 1), (1, 1, 2, 1), (2, 3, 4, 1), (4, 4, 0, 1)];
    assert_eq!(client.read_share_state(name, &topic, -1), Ok((0, 0, known)));
    let again = client.call(1, &share_fetch_request(name, "m", 2, &[]));
    assert_eq!(taken(&again), [(0, 0, 2), (4, 4, 2)]);
}

#[test]
fn s2_who_does_not_hold_a_record_cannot_speak_of_it() {
    let mut client = shared().connect();
    let name = "share-ack-late";
    let topic = prepared(&mut client, name);
    let mut epoch = 0;
    let mut told = |client: &mut Client, first, last, types: &[i8]| {
        epoch += 1;
        let request = share_acknowledge_request(name, "m", epoch, &[(&topic, &[(first, last, types)])]);
        error(client.call(1, &request).responses[0].partitions[0].error_code)
    };
    assert_eq!(told(&mut client, 0, 0, &[ACCEPT]), None);
    assert_eq!(told(&mut client, 0, 0, &[ACCEPT]), None, "before the start nothing is said any more");
    assert_eq!(told(&mut client, 2, 2, &[ACCEPT]), None);
    assert_eq!(told(&mut client, 2, 2, &[ACCEPT]), Some(ResponseError::InvalidRecordState));
    for (first, last, types) in
        [(3, 9, &[ACCEPT][..]), (4, 3, &[ACCEPT]), (3, 4, &[]), (3, 4, &[1, 1, 1]), (3, 3, &[9])]
    {
        let invalid = Some(ResponseError::InvalidRequest);
        assert_eq!(told(&mut client, first, last, types), invalid, "{first}-{last} {types:?}");
    }
    assert_eq!(told(&mut client, 3, 4, &[ACCEPT, RELEASE]), None, "what was refused has changed nothing");
}

#[test]
fn s2_sessions_refuse() {
    let mut client = shared().connect();
    let name = "share-ack-sessions";
    let topic = prepared(&mut client, name);
    let mut told = |member, epoch| {
        let spoken = [(0, 0, &[ACCEPT][..])];
        error(client.call(1, &share_acknowledge_request(name, member, epoch, &[(&topic, &spoken)])).error_code)
    };
    assert_eq!(told("m", 0), Some(ResponseError::InvalidShareSessionEpoch));
    assert_eq!(told("nobody", 1), Some(ResponseError::ShareSessionNotFound));
    assert_eq!(told("m", 5), Some(ResponseError::InvalidShareSessionEpoch));
    assert_eq!(told("m", -1), None, "what it says at its end counts");
    assert_eq!(told("m", -1), Some(ResponseError::ShareSessionNotFound));
    let next = client.call(1, &share_fetch_request(name, "m", 0, &[(&topic, &[])]));
    assert_eq!(taken(&next), [(1, 4, 2)]);
}
