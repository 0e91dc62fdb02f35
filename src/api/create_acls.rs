//! CreateAcls (key 30). Versions 1–3.
//!
//! 1: pattern types (KIP-290). 3: user resources (KIP-373).
//! Left out: an authorizer. Without one Kafka answers SECURITY_DISABLED, and so does this node.

use super::context::RequestContext;
use super::error::ErrorCode;
use super::reply::Reply;
use super::Services;
use kafka_protocol::messages::create_acls_response::AclCreationResult;
use kafka_protocol::messages::{CreateAclsRequest, CreateAclsResponse};
use kafka_protocol::protocol::StrBytes;

/// What the controller says to those who would change ACLs where no authorizer is.
pub(super) const NO_AUTHORIZER: &str = "No Authorizer is configured.";

/// Says of each ACL that there can be none.
pub fn handle(_services: &Services, context: &RequestContext<'_>, request: CreateAclsRequest) -> Reply {
    let refused = AclCreationResult::default()
        .with_error_code(ErrorCode::SecurityDisabled.code())
        .with_error_message(Some(StrBytes::from_static_str(NO_AUTHORIZER)));
    let results = vec![refused; request.creations.len()];
    context.responder.ready(&CreateAclsResponse::default().with_results(results))
}
