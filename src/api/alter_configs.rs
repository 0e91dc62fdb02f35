//! AlterConfigs (key 33). Versions 0–2.
//!
//! Replaces all settings of a resource at once. Deprecated, but librdkafka and old tools still use it.

use super::context::RequestContext;
use super::controller_calls::{outcome_of, submit, Refused};
use super::error::ErrorCode;
use super::reply::Reply;
use super::Services;
use crate::controller::{Request, Response};
use crate::metadata::configs::{ConfigResource, ResourceType};
use kafka_protocol::messages::alter_configs_request::AlterConfigsResource;
use kafka_protocol::messages::alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::{AlterConfigsRequest, AlterConfigsResponse};
use kafka_protocol::protocol::StrBytes;

/// A resource type that cannot be altered here.
pub(super) struct UnknownResourceType(i8);

impl UnknownResourceType {
    pub(super) fn refused(self) -> Refused {
        (ErrorCode::InvalidRequest, Some(StrBytes::from_string(format!("Unexpected resource type {}.", self.0))))
    }
}

/// The resource that a request names (K1).
pub(super) fn resource_of(resource_type: i8, name: &str) -> Result<ConfigResource, UnknownResourceType> {
    let known = ResourceType::from_code(resource_type).ok_or(UnknownResourceType(resource_type))?;
    Ok(ConfigResource::new(known, name))
}

/// Replaces the settings of resources, each resource for itself.
pub async fn handle(services: &Services, context: &RequestContext<'_>, request: AlterConfigsRequest) -> Reply {
    let mut asked = Vec::with_capacity(request.resources.len());
    let mut responses = Vec::with_capacity(request.resources.len());
    for resource in &request.resources {
        let settings: Vec<_> = resource
            .configs
            .iter()
            .map(|config| (config.name.to_string(), config.value.as_ref().map(|value| value.to_string())))
            .collect();
        match resource_of(resource.resource_type, &resource.resource_name) {
            Ok(read) => asked.push((resource, (read, settings))),
            Err(unknown) => responses.push(encoded(resource, unknown.refused())),
        }
    }
    let resources = asked.iter().map(|(_, settings)| settings.clone()).collect();
    let take = |response| match response {
        Response::AlterConfigs(results) => Some(results),
        _ => None,
    };
    match submit(services, Request::AlterConfigs { resources, validate_only: request.validate_only }, take).await {
        Ok(results) => {
            responses.extend(asked.iter().map(|(resource, (read, _))| encoded(resource, outcome_of(read, &results))))
        }
        Err(error) => responses.extend(asked.iter().map(|(resource, _)| encoded(resource, (error, None)))),
    }
    context.responder.ready(&AlterConfigsResponse::default().with_responses(responses))
}

fn encoded(resource: &AlterConfigsResource, (error, message): Refused) -> AlterConfigsResourceResponse {
    AlterConfigsResourceResponse::default()
        .with_error_code(error.code())
        .with_error_message(message)
        .with_resource_type(resource.resource_type)
        .with_resource_name(resource.resource_name.clone())
}
