//! ApiVersions (key 18). Versions 0–4.
//!
//! 3: the client names its software (KIP-511), features are answered (KIP-584). 4: supported features may start at 0.
//! Left out: version 5 (the cluster and node that the client means, KIP-1242).
//! A version that is not known is answered in version 0 with UNSUPPORTED_VERSION (A1), before anything is decoded.

use super::context::RequestContext;
use super::error::ErrorCode;
use super::reply::{ClientSoftware, Reply};
use super::{Services, HANDLED};
use crate::wire::versions;
use kafka_protocol::messages::api_versions_response::{ApiVersion, FinalizedFeatureKey, SupportedFeatureKey};
use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use kafka_protocol::protocol::StrBytes;

/// Answers with what this node serves.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: ApiVersionsRequest) -> Reply {
    if context.version >= 3 {
        let (name, version) = (&request.client_software_name, &request.client_software_version);
        if !is_software_text(name) || !is_software_text(version) {
            return context.responder.ready(&failed(ErrorCode::InvalidRequest));
        }
        let software = ClientSoftware { name: name.as_str().into(), version: version.as_str().into() };
        // A client may ask twice; the first name stands.
        let _ = context.connection.client_software.set(software);
    }
    let mut response = ApiVersionsResponse::default().with_api_keys(api_keys());
    if context.version >= 3 {
        let image = services.metadata.current();
        response.supported_features = supported_features(&services.supported_features, context.version);
        response.finalized_features_epoch = image.applied().0.max(0);
        response.finalized_features = image
            .features()
            .map(|(name, level)| {
                FinalizedFeatureKey::default()
                    .with_name(StrBytes::from_string(name.to_string()))
                    .with_max_version_level(level)
                    .with_min_version_level(level)
            })
            .collect();
    }
    context.responder.ready(&response)
}

/// The answer to a version that is not known, always in version 0.
pub fn unsupported(context: &RequestContext<'_>) -> Reply {
    context.responder.ready(&failed(ErrorCode::UnsupportedVersion))
}

fn failed(error: ErrorCode) -> ApiVersionsResponse {
    let own = versions::lookup(versions::API_VERSIONS).into_iter().map(row);
    ApiVersionsResponse::default().with_error_code(error.code()).with_api_keys(own.collect())
}

fn api_keys() -> Vec<ApiVersion> {
    HANDLED.iter().filter_map(|handled| versions::lookup(handled.api_key)).map(row).collect()
}

fn row(api: &versions::ApiVersion) -> ApiVersion {
    ApiVersion::default().with_api_key(api.key).with_min_version(api.advertised_min()).with_max_version(api.max)
}

/// A5: clients of versions below 4 cannot read a feature that starts at 0.
fn supported_features(features: &[(String, i16, i16)], version: i16) -> Vec<SupportedFeatureKey> {
    let readable = features.iter().filter(|(_, min, _)| version >= 4 || *min > 0);
    let keys = readable.map(|(name, min, max)| {
        SupportedFeatureKey::default()
            .with_name(StrBytes::from_string(name.clone()))
            .with_min_version(*min)
            .with_max_version(*max)
    });
    keys.collect()
}

/// A4: letters, digits, and between them dots and hyphens.
fn is_software_text(text: &str) -> bool {
    let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    ends(bytes.first())
        && ends(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a4_software_texts_are_letters_digits_dots_and_hyphens() {
        for good in ["librdkafka", "2.15.1", "a", "apache-kafka-java", "4.3.1-SNAPSHOT"] {
            assert!(is_software_text(good), "{good}");
        }
        for bad in ["", " ", "-a", "a-", ".a", "a b", "ä", "a\n"] {
            assert!(!is_software_text(bad), "{bad}");
        }
    }

    #[test]
    fn a3_a8_produce_is_advertised_from_zero_and_telemetry_not_at_all() {
        let keys = api_keys();
        let produce = keys.iter().find(|key| key.api_key == 0).unwrap();
        assert_eq!(produce.min_version, 0);
        assert!(keys.iter().all(|key| key.api_key != 71 && key.api_key != 72));
    }

    #[test]
    fn a5_features_that_start_at_zero_are_for_version_4() {
        let features = [("a".to_owned(), 0, 1), ("b".to_owned(), 1, 2)];
        let names =
            |version| supported_features(&features, version).iter().map(|f| f.name.to_string()).collect::<Vec<_>>();
        assert_eq!(names(3), ["b"]);
        assert_eq!(names(4), ["a", "b"]);
    }
}
