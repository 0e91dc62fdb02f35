//! What the admin handlers share: the way to the controller, and refusals on their way to the wire.

use super::error::ErrorCode;
use super::Services;
use crate::controller::{Refusal, Request, Response};
use crate::metadata::configs::ConfigResource;
use crate::quorum::handle::SubmitError;
use kafka_protocol::protocol::StrBytes;

/// An error with the text that tools print.
pub(super) type Refused = (ErrorCode, Option<StrBytes>);

/// Asks the active controller and takes the answer's content; `take` knows the answer's kind.
///
/// # Errors
/// The controller is not to be had; what was asked may or may not come true after a timeout.
pub(super) async fn submit<T>(
    services: &Services,
    request: Request,
    take: impl FnOnce(Response) -> Option<T>,
) -> Result<T, ErrorCode> {
    match services.controller.submit(request).await {
        Ok(response) => take(response).ok_or(ErrorCode::UnknownServerError),
        Err(SubmitError::NotController { .. }) => Err(ErrorCode::NotController),
        Err(SubmitError::Timeout) => Err(ErrorCode::RequestTimedOut),
        Err(_) => Err(ErrorCode::NotController),
    }
}

/// A refusal's number and text.
pub(super) fn refused(refusal: &Refusal) -> Refused {
    (ErrorCode::from(refusal), Some(StrBytes::from_string(refusal.to_string())))
}

/// A result as an item's number and text.
pub(super) fn outcome(result: &Result<(), Refusal>) -> Refused {
    result.as_ref().map_or_else(refused, |()| (ErrorCode::None, None))
}

/// What became of `resource`, which stands once among the controller's results.
pub(super) fn outcome_of(resource: &ConfigResource, results: &[(ConfigResource, Result<(), Refusal>)]) -> Refused {
    let found = results.iter().find(|(answered, _)| answered == resource);
    found.map_or((ErrorCode::UnknownServerError, None), |(_, result)| outcome(result))
}
