//! ListConfigResources (key 74). Versions 0–1.
//!
//! 0: subscriptions to client metrics (KIP-714). 1: every type of resource (KIP-1142).

use super::broker_loggers::BROKER_LOGGER;
use super::context::RequestContext;
use super::error::ErrorCode;
use super::reply::Reply;
use super::Services;
use crate::metadata::configs::ResourceType;
use crate::metadata::image::MetadataImage;
use kafka_protocol::messages::list_config_resources_response::ConfigResource;
use kafka_protocol::messages::{ListConfigResourcesRequest, ListConfigResourcesResponse};
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeSet;

const TOPIC: i8 = ResourceType::Topic.code();
const BROKER: i8 = ResourceType::Broker.code();
const CLIENT_METRICS: i8 = ResourceType::ClientMetrics.code();
const GROUP: i8 = ResourceType::Group.code();

/// What can be listed, in the order of Kafka's answer.
const LISTED: &[i8] = &[GROUP, CLIENT_METRICS, BROKER_LOGGER, BROKER, TOPIC];

/// Answers with the names of what can be configured: groups and subscriptions only where they are.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: ListConfigResourcesRequest) -> Reply {
    let image = services.metadata.current();
    let supported = if context.version >= 1 { LISTED } else { &[CLIENT_METRICS] };
    let wanted: BTreeSet<i8> = match request.resource_types.is_empty() {
        true => supported.iter().copied().collect(),
        false => request.resource_types.iter().copied().collect(),
    };
    let mut response = ListConfigResourcesResponse::default();
    if wanted.iter().any(|kind| !supported.contains(kind)) {
        response.error_code = ErrorCode::UnsupportedVersion.code();
        return context.responder.ready(&response);
    }
    for kind in supported.iter().filter(|kind| wanted.contains(kind)) {
        response.config_resources.extend(names(&image, *kind, &context.connection.listener).into_iter().map(|name| {
            let mut resource = ConfigResource::default().with_resource_name(StrBytes::from_string(name));
            if context.version >= 1 {
                resource.resource_type = *kind;
            }
            resource
        }));
    }
    context.responder.ready(&response)
}

fn names(image: &MetadataImage, kind: i8, listener: &str) -> Vec<String> {
    let configured = |kind| image.configs().named(kind).map(|(name, _)| name.to_string()).collect();
    match kind {
        GROUP => configured(ResourceType::Group),
        CLIENT_METRICS => configured(ResourceType::ClientMetrics),
        TOPIC => image.topics().map(|topic| topic.name.to_string()).collect(),
        _ => {
            let shown = image.live_brokers().filter(|broker| broker.endpoint(listener).is_some());
            shown.map(|broker| broker.id.to_string()).collect()
        }
    }
}
