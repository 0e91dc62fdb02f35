//! What the delegation token APIs share: why this node hands out none.

use super::context::RequestContext;
use super::error::ErrorCode;

/// No time, where a token would have one.
pub(super) const NO_TIME: i64 = -1;

/// The refusal: without encryption a token would be anybody's, so such connections may not even ask; the others are
/// told that there is no `delegation.token.secret.key`.
pub(super) fn refusal(context: &RequestContext<'_>) -> ErrorCode {
    match &*context.connection.security_protocol {
        "PLAINTEXT" => ErrorCode::DelegationTokenRequestNotAllowed,
        "SSL" if &*context.connection.principal == "User:ANONYMOUS" => ErrorCode::DelegationTokenRequestNotAllowed,
        _ => ErrorCode::DelegationTokenAuthDisabled,
    }
}
