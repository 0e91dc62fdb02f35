//! DeleteShareGroupOffsets (key 92). Versions 0–0.
//!
//! Lets an empty share group forget topics (KIP-932).

use super::context::RequestContext;
use super::error::ErrorCode;
use super::groups::{client, code, text};
use super::reply::Reply;
use super::Services;
use crate::ids::Uuid;
use kafka_protocol::messages::delete_share_group_offsets_response::DeleteShareGroupOffsetsResponseTopic;
use kafka_protocol::messages::{DeleteShareGroupOffsetsRequest, DeleteShareGroupOffsetsResponse};
use kafka_protocol::protocol::StrBytes;
use std::sync::Arc;

/// Deletes the state of whole topics.
pub fn handle(
    services: &Arc<Services>,
    context: &RequestContext<'_>,
    request: DeleteShareGroupOffsetsRequest,
) -> Reply {
    let (services, responder, client) = (services.clone(), context.responder.clone(), client(context));
    let image = services.metadata.current();
    let named: Vec<Option<Uuid>> =
        request.topics.iter().map(|topic| image.topic_by_name(&topic.topic_name).map(|topic| topic.id)).collect();
    Reply::later(async move {
        let known = named.iter().flatten().copied().collect();
        let group = text(&request.group_id.0);
        let mut response = DeleteShareGroupOffsetsResponse::default();
        match services.shares.forget_state(&services.groups, client, group, Some(known)).await {
            Err(refusal) => {
                response.error_code = code(Some(refusal.error));
                response.error_message = Some(StrBytes::from_string(refusal.message));
            }
            Ok(forgotten) => {
                let topics = request.topics.iter().zip(named).map(|(topic, id)| {
                    let answer = DeleteShareGroupOffsetsResponseTopic::default()
                        .with_topic_name(topic.topic_name.clone())
                        .with_topic_id(id.unwrap_or(Uuid::nil()));
                    let words = match id {
                        None => "This server does not host this topic-partition.",
                        Some(id) if forgotten.iter().any(|(known, ..)| *known == id) => return answer,
                        Some(_) => "There is no offset information to delete.",
                    };
                    answer
                        .with_error_code(ErrorCode::UnknownTopicOrPartition.code())
                        .with_error_message(Some(StrBytes::from_static_str(words)))
                });
                response.responses = topics.collect();
            }
        }
        responder.ready(&response)
    })
}
