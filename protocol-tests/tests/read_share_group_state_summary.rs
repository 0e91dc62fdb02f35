//! ReadShareGroupStateSummary (key 87), version 0.

use kafka_protocol::error::ResponseError;
use protocol_tests::shares::summary_request;
use protocol_tests::{error, shared};

#[test]
fn s5_how_far_a_group_has_come() {
    let mut client = shared().connect();
    let topic = client.create_topic("summary", 1, &[]);
    client.find_share_coordinator("g", &topic);
    let summary = |client: &mut protocol_tests::Client, leader_epoch| {
        let response = client.call(0, &summary_request("g", &topic, leader_epoch));
        let found = &response.results[0].partitions[0];
        (error(found.error_code), found.state_epoch, found.leader_epoch, found.start_offset)
    };
    assert_eq!(summary(&mut client, -1), (None, 0, 0, -1), "of what nobody has set up");
    assert_eq!(client.initialize_share_state("g", &topic, 2, 8), None);
    assert_eq!(client.read_share_state("g", &topic, 6), Ok((2, 8, vec![])));
    assert_eq!(summary(&mut client, 6), (None, 2, 6, 8));
    assert_eq!(summary(&mut client, 5).0, Some(ResponseError::FencedLeaderEpoch));
}
