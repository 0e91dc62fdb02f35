//! DeleteAcls (key 31). Versions 1–3.
//!
//! 1: pattern types (KIP-290). 3: user resources (KIP-373).
//! Left out: an authorizer. Without one Kafka answers SECURITY_DISABLED, and so does this node.

use super::context::RequestContext;
use super::create_acls::NO_AUTHORIZER;
use super::error::ErrorCode;
use super::reply::Reply;
use super::Services;
use kafka_protocol::messages::delete_acls_response::DeleteAclsFilterResult;
use kafka_protocol::messages::{DeleteAclsRequest, DeleteAclsResponse};
use kafka_protocol::protocol::StrBytes;

/// Says of each filter that there are no ACLs.
pub fn handle(_services: &Services, context: &RequestContext<'_>, request: DeleteAclsRequest) -> Reply {
    let refused = DeleteAclsFilterResult::default()
        .with_error_code(ErrorCode::SecurityDisabled.code())
        .with_error_message(Some(StrBytes::from_static_str(NO_AUTHORIZER)));
    let results = vec![refused; request.filters.len()];
    context.responder.ready(&DeleteAclsResponse::default().with_filter_results(results))
}
