//! AlterClientQuotas (key 49). Versions 0–1 (KIP-546).
//!
//! 1: flexible.

use super::context::RequestContext;
use super::controller_calls::{outcome, submit};
use super::error::ErrorCode;
use super::reply::Reply;
use super::Services;
use crate::controller::request::QuotaAlteration;
use crate::controller::{Request, Response};
use crate::metadata::quotas::QuotaValue;
use kafka_protocol::messages::alter_client_quotas_request::EntryData as Asked;
use kafka_protocol::messages::alter_client_quotas_response::{EntityData, EntryData};
use kafka_protocol::messages::{AlterClientQuotasRequest, AlterClientQuotasResponse};

/// Sets quotas and takes them away, each entity for itself.
pub async fn handle(services: &Services, context: &RequestContext<'_>, request: AlterClientQuotasRequest) -> Reply {
    let alterations = request.entries.iter().map(asked).collect();
    let take = |response| match response {
        Response::AlterClientQuotas(results) => Some(results),
        _ => None,
    };
    let alter = Request::AlterClientQuotas { alterations, validate_only: request.validate_only };
    let answered = submit(services, alter, take).await;
    let entries = request.entries.iter().enumerate().map(|(at, entry)| {
        let (error, message) = match &answered {
            Ok(results) => results.get(at).map_or((ErrorCode::UnknownServerError, None), outcome),
            Err(error) => (*error, None),
        };
        let entity = entry.entity.iter().map(|part| {
            EntityData::default().with_entity_type(part.entity_type.clone()).with_entity_name(part.entity_name.clone())
        });
        EntryData::default().with_error_code(error.code()).with_error_message(message).with_entity(entity.collect())
    });
    context.responder.ready(&AlterClientQuotasResponse::default().with_entries(entries.collect()))
}

fn asked(entry: &Asked) -> QuotaAlteration {
    let entity = entry.entity.iter();
    let operations = entry.ops.iter();
    QuotaAlteration {
        entity: entity
            .map(|part| (part.entity_type.to_string(), part.entity_name.as_ref().map(|name| name.to_string())))
            .collect(),
        operations: operations
            .map(|operation| (operation.key.to_string(), (!operation.remove).then_some(QuotaValue(operation.value))))
            .collect(),
    }
}
