//! DescribeAcls (key 29). Versions 1–3.
//!
//! 1: pattern types (KIP-290). 3: user resources (KIP-373).
//! Left out: an authorizer. Without one Kafka answers SECURITY_DISABLED, and so does this node.

use super::context::RequestContext;
use super::error::ErrorCode;
use super::reply::Reply;
use super::Services;
use kafka_protocol::messages::{DescribeAclsRequest, DescribeAclsResponse};
use kafka_protocol::protocol::StrBytes;

/// What a broker says to those who ask for ACLs where no authorizer is.
pub(super) const NO_AUTHORIZER: &str = "No Authorizer is configured on the broker";

/// Says that there are no ACLs.
pub fn handle(_services: &Services, context: &RequestContext<'_>, _request: DescribeAclsRequest) -> Reply {
    let response = DescribeAclsResponse::default()
        .with_error_code(ErrorCode::SecurityDisabled.code())
        .with_error_message(Some(StrBytes::from_static_str(NO_AUTHORIZER)));
    context.responder.ready(&response)
}
