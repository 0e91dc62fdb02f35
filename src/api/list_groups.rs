//! ListGroups (key 16). Versions 0–5.
//!
//! 4: filter by state (KIP-518). 5: filter by type (KIP-848).

use super::context::RequestContext;
use super::error::ErrorCode;
use super::groups::wire;
use super::reply::Reply;
use super::Services;
use crate::group::request::ListGroups;
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::{GroupId, ListGroupsRequest, ListGroupsResponse};
use kafka_protocol::protocol::StrBytes;

/// Lists the groups that this broker coordinates.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: ListGroupsRequest) -> Reply {
    let filter = ListGroups {
        states: request.states_filter.iter().map(|state| state.to_string()).collect(),
        types: request.types_filter.iter().map(|kind| kind.to_string()).collect(),
    };
    let version = context.version;
    let responder = context.responder.clone();
    let pending = services.groups.list_groups(filter);
    Reply::later(async move {
        let mut response = ListGroupsResponse::default();
        match pending.await {
            Ok(groups) => {
                let groups = groups.iter().map(|group| {
                    let mut answer = ListedGroup::default()
                        .with_group_id(GroupId(wire(&group.group_id)))
                        .with_protocol_type(wire(&group.protocol_type));
                    if version >= 4 {
                        answer.group_state = StrBytes::from_static_str(group.state);
                    }
                    if version >= 5 {
                        answer.group_type = StrBytes::from_static_str(group.group_type);
                    }
                    answer
                });
                response.groups = groups.collect();
            }
            Err(error) => response.error_code = ErrorCode::from(error).code(),
        }
        responder.ready(&response)
    })
}
