//! DescribeConfigs (key 32). Versions 1–4.
//!
//! 1: synonyms and sources (KIP-226). 3: types and documentation (KIP-569).

use super::broker_loggers::{self, BROKER_LOGGER};
use super::context::RequestContext;
use super::controller_calls::Refused;
use super::error::ErrorCode;
use super::reply::Reply;
use super::Services;
use crate::config::definition::Kind;
use crate::config::describe::{Described, Source};
use crate::config::{client_metrics, group, topic, values};
use crate::metadata::configs::ResourceType;
use crate::metadata::image::MetadataImage;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use kafka_protocol::messages::{DescribeConfigsRequest, DescribeConfigsResponse};
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeSet;

/// Resource types (K1).
const TOPIC: i8 = ResourceType::Topic.code();
const BROKER: i8 = ResourceType::Broker.code();
const CLIENT_METRICS: i8 = ResourceType::ClientMetrics.code();
const GROUP: i8 = ResourceType::Group.code();

/// Answers with the settings of topics and brokers.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: DescribeConfigsRequest) -> Reply {
    let image = services.metadata.current();
    // Each once: otherwise a short request could ask for an answer of any length.
    let mut seen = BTreeSet::new();
    let asked = request.resources.iter().filter(|asked| seen.insert((asked.resource_type, &*asked.resource_name)));
    let results = asked.map(|resource| {
        let result = DescribeConfigsResult::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone());
        match described(services, &image, resource) {
            Ok(configs) => {
                let wanted = |config: &&Described| match &resource.configuration_keys {
                    Some(keys) if !keys.is_empty() => keys.iter().any(|key| **key == *config.name),
                    _ => true,
                };
                let configs = configs.iter().filter(wanted);
                result.with_configs(configs.map(|config| encoded(config, &request, context.version)).collect())
            }
            Err((error, message)) => result.with_error_code(error.code()).with_error_message(message),
        }
    });
    context.responder.ready(&DescribeConfigsResponse::default().with_results(results.collect()))
}

fn described(
    services: &Services,
    image: &MetadataImage,
    resource: &DescribeConfigsResource,
) -> Result<Vec<Described>, Refused> {
    let refuse = |error, why: String| Err((error, Some(StrBytes::from_string(why))));
    let name = resource.resource_name.as_str();
    match resource.resource_type {
        TOPIC if image.topic_by_name(name).is_some() => {
            Ok(topic::describe(image.topic_config(name), &services.broker_values()))
        }
        TOPIC if crate::controller::validate_topic_name(name).is_ok() => {
            refuse(ErrorCode::UnknownTopicOrPartition, String::new())
        }
        TOPIC => refuse(ErrorCode::InvalidTopicException, format!("Topic name is invalid: '{name}'")),
        BROKER if name.is_empty() => Ok(values::describe_all_brokers(image.broker_config(None))),
        BROKER if name == services.config.node_id.to_string() => Ok(services.broker_values().describe()),
        BROKER => refuse(
            ErrorCode::InvalidRequest,
            format!("Unexpected broker id, expected {} or empty string, but received {name}", services.config.node_id),
        ),
        BROKER_LOGGER => broker_loggers::described(services, name),
        CLIENT_METRICS if name.is_empty() => {
            refuse(ErrorCode::InvalidRequest, "Client metrics subscription name must not be empty".to_owned())
        }
        CLIENT_METRICS => Ok(client_metrics::describe(image.configs().of(ResourceType::ClientMetrics, name))),
        GROUP if name.is_empty() => refuse(ErrorCode::InvalidRequest, "Group name must not be empty".to_owned()),
        GROUP => Ok(group::describe(image.group_config(name), &services.broker_values())),
        other => refuse(ErrorCode::InvalidRequest, format!("Unsupported resource type: {other}")),
    }
}

fn encoded(config: &Described, request: &DescribeConfigsRequest, version: i16) -> DescribeConfigsResourceResult {
    let text = |value: &Option<String>| value.clone().map(StrBytes::from_string);
    let mut answer = DescribeConfigsResourceResult::default()
        .with_name(StrBytes::from_string(config.name.clone()))
        .with_value(text(&config.value))
        .with_read_only(config.read_only)
        .with_config_source(source(config.source))
        .with_is_sensitive(config.sensitive);
    if request.include_synonyms {
        let synonyms = config.synonyms.iter().map(|synonym| {
            DescribeConfigsSynonym::default()
                .with_name(StrBytes::from_string(synonym.name.clone()))
                .with_value(text(&synonym.value))
                .with_source(source(synonym.source))
        });
        answer.synonyms = synonyms.collect();
    }
    if version >= 3 {
        answer.config_type = config.kind.map_or(0, kind);
        answer.documentation = None;
        if request.include_documentation {
            answer.documentation = Some(StrBytes::from_static_str(config.doc));
        }
    }
    answer
}

/// K1: a source's number.
pub(super) fn source(source: Source) -> i8 {
    match source {
        Source::Topic => 1,
        Source::DynamicBroker => 2,
        Source::DynamicDefaultBroker => 3,
        Source::StaticBroker => 4,
        Source::Default => 5,
        Source::Logger => 6,
        Source::ClientMetrics => 7,
        Source::Group => 8,
    }
}

/// K1: a kind's number.
fn kind(kind: Kind) -> i8 {
    match kind {
        Kind::Boolean => 1,
        Kind::String => 2,
        Kind::Int => 3,
        Kind::Short => 4,
        Kind::Long => 5,
        Kind::Double => 6,
        Kind::List => 7,
        Kind::Class => 8,
        Kind::Password => 9,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k1_sources_and_kinds_have_kafkas_numbers() {
        let sources =
            [Source::Topic, Source::DynamicBroker, Source::DynamicDefaultBroker, Source::StaticBroker, Source::Default];
        assert_eq!(sources.map(source), [1, 2, 3, 4, 5]);
        assert_eq!([Source::Logger, Source::ClientMetrics, Source::Group].map(source), [6, 7, 8]);
        assert_eq!((kind(Kind::Boolean), kind(Kind::Password)), (1, 9));
    }
}
