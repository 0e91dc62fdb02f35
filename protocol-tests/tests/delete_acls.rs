//! DeleteAcls (key 31), versions 1–3.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::delete_acls_request::DeleteAclsFilter;
use kafka_protocol::messages::DeleteAclsRequest;
use protocol_tests::{error, shared};

#[test]
fn q4_without_an_authorizer_no_acl_is_deleted() {
    let mut client = shared().connect();
    for version in 1..=3 {
        let request = DeleteAclsRequest::default().with_filters(vec![DeleteAclsFilter::default(); 2]);
        let response = client.call(version, &request);
        let errors: Vec<_> = response.filter_results.iter().map(|result| error(result.error_code)).collect();
        assert_eq!(errors, [Some(ResponseError::SecurityDisabled); 2]);
        assert!(response.filter_results.iter().all(|result| result.matching_acls.is_empty()));
    }
}
