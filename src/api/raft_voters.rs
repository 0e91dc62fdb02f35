//! What AddRaftVoter and RemoveRaftVoter share: the checks that come before a quorum that does not change.

use super::controller_calls::Refused;
use super::error::ErrorCode;
use super::Services;
use crate::ids::Uuid;
use kafka_protocol::protocol::StrBytes;

/// The feature whose level says whether the voters may change (KIP-853).
const KRAFT_VERSION: &str = "kraft.version";

/// A refusal with its text.
pub(super) fn refused(error: ErrorCode, why: String) -> Refused {
    (error, Some(StrBytes::from_string(why)))
}

/// Why a request that means another cluster, or no voter, is refused; `what` is `Add` or `Remove`.
pub(super) fn check(
    services: &Services,
    cluster_id: Option<&str>,
    voter: (i32, Uuid),
    what: &str,
) -> Result<(), Refused> {
    let image = services.metadata.current();
    if let (Some(asked), Some(own)) = (cluster_id, image.cluster_id()) {
        if *asked != **own {
            return Err((ErrorCode::InconsistentClusterId, None));
        }
    }
    if voter.0 < 0 || voter.1.is_nil() {
        return Err(refused(ErrorCode::InvalidRequest, format!("{what} voter request didn't include a valid voter")));
    }
    Ok(())
}

/// The refusal of a quorum whose voters are those of its configuration; `what` is `adding` or `removing`.
pub(super) fn unsupported(services: &Services, what: &str) -> Refused {
    let level = services.metadata.current().feature_level(KRAFT_VERSION);
    let why = format!("Cluster doesn't support {what} voter because the {KRAFT_VERSION} feature is {level}");
    refused(ErrorCode::UnsupportedVersion, why)
}
