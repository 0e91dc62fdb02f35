//! DeleteGroups (key 42). Versions 0–2.
//!
//! Left out: version 3 (a text for each refusal).

use super::context::RequestContext;
use super::groups::{client, code, text};
use super::reply::Reply;
use super::Services;
use crate::group::request::DeleteGroup;
use futures_util::future::join_all;
use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::{DeleteGroupsRequest, DeleteGroupsResponse};

/// Deletes empty groups with their offsets.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: DeleteGroupsRequest) -> Reply {
    let client = client(context);
    let pending = request
        .groups_names
        .iter()
        .map(|group| services.groups.execute(client.clone(), DeleteGroup { group_id: text(&group.0) }));
    let pending: Vec<_> = pending.collect();
    let responder = context.responder.clone();
    Reply::later(async move {
        let results = join_all(pending).await;
        let results = request.groups_names.iter().zip(results).map(|(group, result)| {
            let error = result.map_or_else(Some, |reply| reply.error);
            DeletableGroupResult::default().with_group_id(group.clone()).with_error_code(code(error))
        });
        responder.ready(&DeleteGroupsResponse::default().with_results(results.collect()))
    })
}
