//! IncrementalAlterConfigs (key 44). Versions 0–1.
//!
//! Sets, deletes, appends to and subtracts from single settings (KIP-339), and levels of this broker's loggers (KIP-412).

use super::alter_configs::{resource_of, UnknownResourceType};
use super::broker_loggers::{alter, BROKER_LOGGER};
use super::context::RequestContext;
use super::controller_calls::{outcome_of, submit, Refused};
use super::error::ErrorCode;
use super::reply::Reply;
use super::Services;
use crate::controller::request::{ConfigChange, ConfigOperation};
use crate::controller::{Request, Response};
use kafka_protocol::messages::incremental_alter_configs_request::AlterConfigsResource;
use kafka_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::{IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse};
use kafka_protocol::protocol::StrBytes;

/// Changes the settings of resources, each resource for itself.
pub async fn handle(
    services: &Services,
    context: &RequestContext<'_>,
    request: IncrementalAlterConfigsRequest,
) -> Reply {
    let mut asked = Vec::with_capacity(request.resources.len());
    let mut responses = Vec::with_capacity(request.resources.len());
    for resource in &request.resources {
        if resource.resource_type == BROKER_LOGGER {
            let (name, validate_only) = (&resource.resource_name, request.validate_only);
            let altered = changes(resource).and_then(|changes| alter(services, name, &changes, validate_only));
            responses.push(encoded(resource, altered.err().unwrap_or((ErrorCode::None, None))));
            continue;
        }
        let read = resource_of(resource.resource_type, &resource.resource_name).map_err(UnknownResourceType::refused);
        match read.and_then(|read| Ok((read, changes(resource)?))) {
            Ok(change) => asked.push((resource, change)),
            Err(refusal) => responses.push(encoded(resource, refusal)),
        }
    }
    let resources = asked.iter().map(|(_, change)| change.clone()).collect();
    let take = |response| match response {
        Response::IncrementalAlterConfigs(results) => Some(results),
        _ => None,
    };
    let alter = Request::IncrementalAlterConfigs { resources, validate_only: request.validate_only };
    match submit(services, alter, take).await {
        Ok(results) => {
            responses.extend(asked.iter().map(|(resource, (read, _))| encoded(resource, outcome_of(read, &results))))
        }
        Err(error) => responses.extend(asked.iter().map(|(resource, _)| encoded(resource, (error, None)))),
    }
    context.responder.ready(&IncrementalAlterConfigsResponse::default().with_responses(responses))
}

fn changes(resource: &AlterConfigsResource) -> Result<Vec<ConfigChange>, Refused> {
    let change = |config: &kafka_protocol::messages::incremental_alter_configs_request::AlterableConfig| {
        let operation = match config.config_operation {
            0 => ConfigOperation::Set,
            1 => ConfigOperation::Delete,
            2 => ConfigOperation::Append,
            3 => ConfigOperation::Subtract,
            other => {
                let message = format!("Unknown operation type {other} for config {}.", &*config.name);
                return Err((ErrorCode::InvalidRequest, Some(StrBytes::from_string(message))));
            }
        };
        let value = config.value.as_ref().map(|value| value.to_string());
        Ok(ConfigChange { key: config.name.to_string(), operation, value })
    };
    resource.configs.iter().map(change).collect()
}

fn encoded(resource: &AlterConfigsResource, (error, message): Refused) -> AlterConfigsResourceResponse {
    AlterConfigsResourceResponse::default()
        .with_error_code(error.code())
        .with_error_message(message)
        .with_resource_type(resource.resource_type)
        .with_resource_name(resource.resource_name.clone())
}
