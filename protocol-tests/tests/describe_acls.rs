//! DescribeAcls (key 29), versions 1–3.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::DescribeAclsRequest;
use protocol_tests::{error, shared};

#[test]
fn q4_without_an_authorizer_security_is_disabled() {
    let mut client = shared().connect();
    for version in 1..=3 {
        let response = client.call(version, &DescribeAclsRequest::default());
        assert_eq!(error(response.error_code), Some(ResponseError::SecurityDisabled));
        assert_eq!(response.error_message.as_deref(), Some("No Authorizer is configured on the broker"));
        assert!(response.resources.is_empty());
    }
}
