//! DeleteShareGroupState (key 86), version 0.

use kafka_protocol::error::ResponseError;
use protocol_tests::shares::delete_request;
use protocol_tests::{error, shared};

#[test]
fn s5_what_is_deleted_is_to_be_set_up_anew() {
    let mut client = shared().connect();
    let topic = client.create_topic("delete-state", 1, &[]);
    client.find_share_coordinator("g", &topic);
    assert_eq!(client.initialize_share_state("g", &topic, 5, 5), None);
    for _ in 0..2 {
        let response = client.call(0, &delete_request("g", &topic));
        assert_eq!(error(response.results[0].partitions[0].error_code), None, "twice is once");
    }
    assert_eq!(client.read_share_state("g", &topic, -1), Err(ResponseError::InvalidRequest));
    assert_eq!(client.initialize_share_state("g", &topic, 0, 1), None, "no epoch is left to fence");
    assert_eq!(client.read_share_state("g", &topic, -1), Ok((0, 1, vec![])));
}
