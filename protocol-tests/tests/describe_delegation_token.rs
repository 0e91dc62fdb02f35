//! DescribeDelegationToken (key 41), versions 1–3.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::DescribeDelegationTokenRequest;
use protocol_tests::{error, shared};

#[test]
fn q3_tokens_are_not_for_connections_that_anybody_can_read() {
    let mut client = shared().connect();
    for version in 1..=3 {
        let response = client.call(version, &DescribeDelegationTokenRequest::default());
        assert_eq!(error(response.error_code), Some(ResponseError::DelegationTokenRequestNotAllowed));
    }
}
