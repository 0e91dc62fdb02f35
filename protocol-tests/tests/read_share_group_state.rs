//! ReadShareGroupState (key 84), version 0.

use kafka_protocol::error::ResponseError;
use protocol_tests::shared;

#[test]
fn s2_the_leader_that_reads_last_is_the_only_one() {
    let mut client = shared().connect();
    let topic = client.create_topic("read-state", 1, &[]);
    client.find_share_coordinator("g", &topic);
    assert_eq!(client.read_share_state("g", &topic, 1), Err(ResponseError::InvalidRequest), "nobody has set it up");
    assert_eq!(client.initialize_share_state("g", &topic, 0, 5), None);
    assert_eq!(client.read_share_state("g", &topic, 4), Ok((0, 5, vec![])));
    let fenced = ResponseError::FencedLeaderEpoch;
    assert_eq!(client.read_share_state("g", &topic, 3), Err(fenced));
    assert_eq!(client.write_share_state("g", &topic, (0, 3), 5, &[(5, 5, 2, 1)]), Some(fenced));
    assert_eq!(client.write_share_state("g", &topic, (0, 4), 5, &[(5, 5, 2, 1)]), None);
    assert_eq!(client.read_share_state("g", &topic, 4), Ok((0, 5, vec![(5, 5, 2, 1)])));
}
