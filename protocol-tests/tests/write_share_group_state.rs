//! WriteShareGroupState (key 85), version 0.

use kafka_protocol::error::ResponseError;
use protocol_tests::{shared, Broker};

#[test]
fn s2_s5_writes_lie_over_what_is_known() {
    let mut client = shared().connect();
    let topic = client.create_topic("write-state", 1, &[]);
    client.find_share_coordinator("g", &topic);
    let uninitialized = Some(ResponseError::InvalidRequest);
    assert_eq!(client.write_share_state("g", &topic, (0, 0), 0, &[]), uninitialized);
    assert_eq!(client.initialize_share_state("g", &topic, 1, 0), None);
    assert_eq!(client.write_share_state("g", &topic, (1, 0), 0, &[(0, 9, 0, 1)]), None);
    assert_eq!(client.write_share_state("g", &topic, (1, 0), -1, &[(3, 5, 2, 1), (9, 9, 4, 5)]), None);
    let known = vec![(0, 2, 0, 1), (3, 5, 2, 1), (6, 8, 0, 1), (9, 9, 4, 5)];
    assert_eq!(client.read_share_state("g", &topic, 0), Ok((1, 0, known)));
    assert_eq!(client.write_share_state("g", &topic, (1, 0), 5, &[(0, 4, 2, 1)]), None);
    let behind = vec![(5, 5, 2, 1), (6, 8, 0, 1), (9, 9, 4, 5)];
    assert_eq!(client.read_share_state("g", &topic, 0), Ok((1, 5, behind)));
    let fenced = Some(ResponseError::FencedStateEpoch);
    assert_eq!(client.write_share_state("g", &topic, (0, 0), 6, &[]), fenced);
    let backwards = Some(ResponseError::InvalidRequest);
    assert_eq!(client.write_share_state("g", &topic, (1, 0), 6, &[(8, 7, 0, 1)]), backwards);
}

#[test]
fn d33_s5_state_survives_kills_and_pruning() {
    let overrides = [
        "share.coordinator.snapshot.update.records.per.snapshot=3",
        "share.coordinator.state.topic.prune.interval.ms=20",
    ];
    let mut broker = Broker::with(&overrides);
    let mut client = broker.connect();
    let topic = client.create_topic("t", 1, &[]);
    client.find_share_coordinator("g", &topic);
    assert_eq!(client.initialize_share_state("g", &topic, 0, 0), None);
    let state = topic_of(&mut client, "__share_group_state");
    for offset in 0..40 {
        let count = (offset % 5) as i16 + 1;
        assert_eq!(client.write_share_state("g", &topic, (0, 0), -1, &[(offset, offset, 0, count)]), None);
        if offset % 13 == 0 {
            broker.kill_and_restart();
            client = broker.connect();
            client.find_share_coordinator("g", &topic);
        }
        let expected: Vec<_> = (0..=offset).map(|at| (at, at, 0, (at % 5) as i16 + 1)).collect();
        assert_eq!(client.read_share_state("g", &topic, 0), Ok((0, 0, expected)), "after {offset}");
    }
    protocol_tests::eventually("a log that was pruned", || {
        let starts = (0..50).map(|index| client.list_offset(&state, index, -2).offset);
        starts.into_iter().any(|start| start >= 36).then_some(())
    });
}

fn topic_of(client: &mut protocol_tests::Client, name: &str) -> protocol_tests::topics::Topic {
    let described = client.describe_topic(name);
    protocol_tests::topics::Topic { name: name.to_owned(), id: described.topic_id }
}
