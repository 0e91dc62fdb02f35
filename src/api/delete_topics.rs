//! DeleteTopics (key 20). Versions 1–6.
//!
//! 5: a text for each refusal. 6: by name or by id (KIP-516).

use super::context::RequestContext;
use super::controller_calls::{outcome, submit, Refused};
use super::error::ErrorCode;
use super::reply::Reply;
use super::Services;
use crate::controller::request::TopicRef;
use crate::controller::{Request, Response};
use crate::ids::Uuid;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{DeleteTopicsRequest, DeleteTopicsResponse, TopicName};
use kafka_protocol::protocol::StrBytes;

/// Deletes topics, each for itself.
pub async fn handle(services: &Services, context: &RequestContext<'_>, request: DeleteTopicsRequest) -> Reply {
    let version = context.version;
    let topics: Vec<TopicRef> = if version >= 6 {
        let by_either = request.topics.iter().map(|topic| match &topic.name {
            Some(name) => TopicRef::Name(name.to_string()),
            None => TopicRef::Id(topic.topic_id),
        });
        by_either.collect()
    } else {
        request.topic_names.iter().map(|name| TopicRef::Name(name.to_string())).collect()
    };
    let take = |response| match response {
        Response::DeleteTopics(results) => Some(results),
        _ => None,
    };
    let responses = match submit(services, Request::DeleteTopics { topics: topics.clone() }, take).await {
        Ok(results) => results
            .into_iter()
            .map(|deleted| {
                let outcome = outcome(&deleted.result);
                let outcome = in_words_of(version, outcome);
                encoded(deleted.name, deleted.topic_id, outcome, version)
            })
            .collect(),
        Err(error) => topics
            .into_iter()
            .map(|topic| match topic {
                TopicRef::Name(name) => encoded(Some(name), Uuid::nil(), (error, None), version),
                TopicRef::Id(id) => encoded(None, id, (error, None), version),
            })
            .collect(),
    };
    context.responder.ready(&DeleteTopicsResponse::default().with_responses(responses))
}

/// M13: clients below version 3 do not know that deletion can be disabled.
fn in_words_of(version: i16, (error, message): Refused) -> Refused {
    match error {
        ErrorCode::TopicDeletionDisabled if version < 3 => (ErrorCode::InvalidRequest, message),
        _ => (error, message),
    }
}

fn encoded(name: Option<String>, id: Uuid, (error, message): Refused, version: i16) -> DeletableTopicResult {
    let mut answer = DeletableTopicResult::default()
        .with_name(name.map(|name| TopicName(StrBytes::from_string(name))))
        .with_error_code(error.code());
    if version >= 5 {
        answer.error_message = message;
    }
    if version >= 6 {
        answer.topic_id = id;
    }
    answer
}
