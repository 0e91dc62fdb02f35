//! UpdateFeatures (key 57), versions 0–2.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::update_features_request::FeatureUpdateKey;
use kafka_protocol::messages::UpdateFeaturesRequest;
use protocol_tests::{error, shared, text, Client};

fn ask(client: &mut Client, version: i16, feature: &str, level: i16, upgrade_type: i8) -> Option<ResponseError> {
    let mut update = FeatureUpdateKey::default().with_feature(text(feature)).with_max_version_level(level);
    match version {
        0 => update.allow_downgrade = upgrade_type != 1,
        _ => update.upgrade_type = upgrade_type,
    }
    let response = client.call(version, &UpdateFeaturesRequest::default().with_feature_updates(vec![update]));
    let failed = error(response.error_code);
    let expected = if version <= 1 && failed.is_none() { 1 } else { 0 };
    assert_eq!(response.results.len(), expected, "results only of success, and not from version 2 on");
    failed
}

#[test]
fn a6_levels_move_only_within_what_the_node_supports() {
    let mut client = shared().connect();
    let versions = client.api_versions();
    let finalized = versions.finalized_features.iter().find(|feature| &*feature.name == "metadata.version").unwrap();
    let level = finalized.max_version_level;
    let epoch = versions.finalized_features_epoch;
    let invalid = Some(ResponseError::InvalidUpdateVersion);
    for version in 0..=2 {
        assert_eq!(ask(&mut client, version, "metadata.version", level, 1), None, "it is there already");
        assert_eq!(ask(&mut client, version, "metadata.version", level + 1, 1), invalid);
        assert_eq!(ask(&mut client, version, "metadata.version", level - 1, 2), invalid);
        assert_eq!(ask(&mut client, version, "metadata.version", -1, 1), invalid);
        assert_eq!(ask(&mut client, version, "no.such.feature", 1, 1), invalid);
    }
    assert_eq!(ask(&mut client, 2, "metadata.version", level, 9), invalid, "no such upgrade type");
    let after = client.api_versions();
    assert!(after.finalized_features.iter().any(|feature| feature.max_version_level == level));
    assert!(after.finalized_features_epoch >= epoch);
}
