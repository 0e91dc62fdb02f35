//! DescribeClientQuotas (key 48). Versions 0–1 (KIP-546).
//!
//! 1: flexible.

use super::context::RequestContext;
use super::controller_calls::Refused;
use super::error::ErrorCode;
use super::reply::Reply;
use super::Services;
use crate::metadata::quotas::{EntityName, QuotaEntity, Quotas};
use kafka_protocol::messages::describe_client_quotas_request::ComponentData;
use kafka_protocol::messages::describe_client_quotas_response::{EntityData, EntryData, ValueData};
use kafka_protocol::messages::{DescribeClientQuotasRequest, DescribeClientQuotasResponse};
use kafka_protocol::protocol::StrBytes;

/// Match types: this name, the default, any of either.
const EXACT: i8 = 0;
const DEFAULT: i8 = 1;
const SPECIFIED: i8 = 2;

/// What an entity's parts must be; `Some(None)` is a part with any name.
#[derive(Default)]
struct Filter {
    /// In the order of [`QuotaEntity`].
    user: Option<Option<EntityName>>,
    client_id: Option<Option<EntityName>>,
    ip: Option<Option<EntityName>>,
    /// An entity must have no other parts.
    strict: bool,
}

/// Answers with the quotas of the entities that match.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: DescribeClientQuotasRequest) -> Reply {
    let response = DescribeClientQuotasResponse::default();
    let filter = match Filter::read(&request) {
        Ok(filter) => filter,
        Err((error, message)) => {
            let response = response.with_error_code(error.code()).with_error_message(message).with_entries(None);
            return context.responder.ready(&response);
        }
    };
    let image = services.metadata.current();
    let matching = image.quotas().iter().filter(|(entity, _)| filter.matches(entity));
    let entries = matching.map(|(entity, quotas)| entry(entity, quotas)).collect();
    context.responder.ready(&response.with_entries(Some(entries)))
}

impl Filter {
    fn read(request: &DescribeClientQuotasRequest) -> Result<Self, Refused> {
        let refuse = |error, why: String| Err((error, Some(StrBytes::from_string(why))));
        let invalid = |why: String| refuse(ErrorCode::InvalidRequest, why);
        let mut filter = Self { strict: request.strict, ..Self::default() };
        for component in &request.components {
            let kind = component.entity_type.as_str();
            let part = match kind {
                "" => return invalid("Invalid empty entity type.".to_owned()),
                "user" => &mut filter.user,
                "client-id" => &mut filter.client_id,
                "ip" => &mut filter.ip,
                _ => return refuse(ErrorCode::UnsupportedVersion, format!("Unsupported entity type {kind}")),
            };
            if part.is_some() {
                return invalid(format!("Entity type {kind} cannot appear more than once in the filter."));
            }
            match wanted(component) {
                Ok(wanted) => *part = Some(wanted),
                Err(why) => return invalid(why),
            }
        }
        if filter.ip.is_some() && (filter.user.is_some() || filter.client_id.is_some()) {
            return invalid("Invalid entity filter component combination".to_owned());
        }
        Ok(filter)
    }

    fn matches(&self, entity: &QuotaEntity) -> bool {
        let parts = [(&self.user, &entity.user), (&self.client_id, &entity.client_id), (&self.ip, &entity.ip)];
        parts.iter().all(|(wanted, part)| match (wanted, part) {
            (None, None) => true,
            (None, Some(_)) => !self.strict,
            (Some(_), None) => false,
            (Some(None), Some(_)) => true,
            (Some(Some(wanted)), Some(name)) => wanted == name,
        })
    }
}

/// The name that a component asks for; `None` for any.
fn wanted(component: &ComponentData) -> Result<Option<EntityName>, String> {
    let misplaced = |kind: &str| Err(format!("Request specified {kind}, but also specified a match string."));
    match (component.match_type, &component._match) {
        (EXACT, Some(name)) => Ok(Some(EntityName::Named(name.as_str().into()))),
        (EXACT, None) => Err("Request specified MATCH_TYPE_EXACT, but set match string to null.".to_owned()),
        (DEFAULT, None) => Ok(Some(EntityName::Default)),
        (DEFAULT, Some(_)) => misplaced("MATCH_TYPE_DEFAULT"),
        (SPECIFIED, None) => Ok(None),
        (SPECIFIED, Some(_)) => misplaced("MATCH_TYPE_SPECIFIED"),
        (other, _) => Err(format!("Unknown match type {other}")),
    }
}

fn entry(entity: &QuotaEntity, quotas: &Quotas) -> EntryData {
    let text = |text: &str| StrBytes::from_string(text.to_owned());
    let parts = entity.parts().map(|(kind, name)| {
        EntityData::default().with_entity_type(text(kind)).with_entity_name(name.as_option().map(text))
    });
    let values = quotas.iter().map(|(key, value)| ValueData::default().with_key(text(key)).with_value(value.0));
    EntryData::default().with_entity(parts.collect()).with_values(values.collect())
}
