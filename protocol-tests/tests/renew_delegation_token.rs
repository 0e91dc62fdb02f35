//! RenewDelegationToken (key 39), versions 1–2.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::RenewDelegationTokenRequest;
use protocol_tests::{error, shared};

#[test]
fn q3_tokens_are_not_for_connections_that_anybody_can_read() {
    let mut client = shared().connect();
    for version in 1..=2 {
        let response = client.call(version, &RenewDelegationTokenRequest::default());
        assert_eq!(error(response.error_code), Some(ResponseError::DelegationTokenRequestNotAllowed));
    }
}
