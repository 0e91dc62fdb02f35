//! UpdateFeatures (key 57). Versions 0–2.
//!
//! 1: ways to downgrade, judging only (KIP-584). 2: no result per feature, for all change or none (KIP-1022).

use super::context::RequestContext;
use super::controller_calls::{refused, submit, Refused};
use super::error::ErrorCode;
use super::reply::Reply;
use super::Services;
use crate::controller::request::{FeatureUpdate, UpgradeType};
use crate::controller::{Request, Response};
use kafka_protocol::messages::update_features_request::FeatureUpdateKey;
use kafka_protocol::messages::update_features_response::UpdatableFeatureResult;
use kafka_protocol::messages::{UpdateFeaturesRequest, UpdateFeaturesResponse};
use kafka_protocol::protocol::StrBytes;

/// Finalizes features' levels: all of them or none.
pub async fn handle(services: &Services, context: &RequestContext<'_>, request: UpdateFeaturesRequest) -> Reply {
    let (error, message) = match update(services, context.version, &request).await {
        Ok(()) => (ErrorCode::None, None),
        Err(refused) => refused,
    };
    let mut response =
        UpdateFeaturesResponse::default().with_error_code(error.code()).with_error_message(message.clone());
    if context.version <= 1 && error == ErrorCode::None {
        let results = request.feature_updates.iter();
        response.results =
            results.map(|update| UpdatableFeatureResult::default().with_feature(update.feature.clone())).collect();
    }
    context.responder.ready(&response)
}

async fn update(services: &Services, version: i16, request: &UpdateFeaturesRequest) -> Result<(), Refused> {
    let failed = |why: String| {
        let why = format!("The update failed for all features since the following feature had an error: {why}");
        Some(StrBytes::from_string(why))
    };
    let mut updates = Vec::with_capacity(request.feature_updates.len());
    for asked in &request.feature_updates {
        let Some(upgrade_type) = upgrade_type(version, asked) else {
            let why = format!(
                "Invalid update version {} for feature {}. The controller does not support the given upgrade type.",
                asked.max_version_level, asked.feature
            );
            return Err((ErrorCode::InvalidUpdateVersion, failed(why)));
        };
        let (feature, level) = (asked.feature.to_string(), asked.max_version_level);
        updates.push(FeatureUpdate { feature, level, upgrade_type });
    }
    let take = |response| match response {
        Response::UpdateFeatures(result) => Some(result),
        _ => None,
    };
    let validate_only = version >= 1 && request.validate_only;
    match submit(services, Request::UpdateFeatures { updates, validate_only }, take).await {
        Ok(result) => result.map_err(|refusal| (refused(&refusal).0, failed(refusal.to_string()))),
        Err(error) => Err((error, None)),
    }
}

fn upgrade_type(version: i16, update: &FeatureUpdateKey) -> Option<UpgradeType> {
    match (version, update.upgrade_type) {
        (0, _) if update.allow_downgrade => Some(UpgradeType::SafeDowngrade),
        (0, _) | (_, 1) => Some(UpgradeType::Upgrade),
        (_, 2) => Some(UpgradeType::SafeDowngrade),
        (_, 3) => Some(UpgradeType::UnsafeDowngrade),
        _ => None,
    }
}
