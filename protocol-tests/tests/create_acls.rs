//! CreateAcls (key 30), versions 1–3.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::CreateAclsRequest;
use protocol_tests::{error, shared, text};

#[test]
fn q4_without_an_authorizer_no_acl_is_created() {
    let mut client = shared().connect();
    for version in 1..=3 {
        let creation = AclCreation::default().with_resource_name(text("t")).with_principal(text("User:u"));
        let response = client.call(version, &CreateAclsRequest::default().with_creations(vec![creation; 2]));
        let errors: Vec<_> = response.results.iter().map(|result| error(result.error_code)).collect();
        assert_eq!(errors, [Some(ResponseError::SecurityDisabled); 2]);
    }
}
