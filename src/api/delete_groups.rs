//! DeleteGroups (key 42). Versions 0–2.
//!
//! Left out: version 3 (a text for each refusal).

use super::context::RequestContext;
use super::groups::{client, code, text};
use super::reply::Reply;
use super::Services;
use crate::group::request::{Client, DeleteGroup, ShareGroupPartitions};
use crate::group::{GroupError, Text};
use futures_util::future::join_all;
use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::{DeleteGroupsRequest, DeleteGroupsResponse};
use std::future::Future;
use std::sync::Arc;

/// Deletes empty groups with their offsets.
pub fn handle(services: &Arc<Services>, context: &RequestContext<'_>, request: DeleteGroupsRequest) -> Reply {
    let client = client(context);
    let pending: Vec<_> = request.groups_names.iter().map(|group| delete(services, &client, text(&group.0))).collect();
    let responder = context.responder.clone();
    Reply::later(async move {
        let results = join_all(pending).await;
        let results = request.groups_names.iter().zip(results).map(|(group, result)| {
            DeletableGroupResult::default().with_group_id(group.clone()).with_error_code(code(result.err()))
        });
        responder.ready(&DeleteGroupsResponse::default().with_results(results.collect()))
    })
}

/// Deletes a group; a share group after the share coordinator has forgotten it.
fn delete(
    services: &Arc<Services>,
    client: &Client,
    group_id: Text,
) -> impl Future<Output = Result<(), GroupError>> + Send + 'static {
    let (services, client) = (services.clone(), client.clone());
    async move {
        let groups = &services.groups;
        let is_share = groups.execute(client.clone(), ShareGroupPartitions { group_id: group_id.clone() }).await;
        if is_share?.is_ok() {
            let forgotten = services.shares.forget_state(groups, client.clone(), group_id.clone(), None).await;
            forgotten.map_err(|refusal| refusal.error)?;
        }
        match groups.execute(client, DeleteGroup { group_id }).await?.error {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}
