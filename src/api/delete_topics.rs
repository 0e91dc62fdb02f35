//! DeleteTopics (key 20). Versions 1–6.
//!
//! 5: a text for each refusal, THROTTLING_QUOTA_EXCEEDED (KIP-599). 6: by name or by id (KIP-516).

use super::context::RequestContext;
use super::controller_calls::{outcome, submit, Refused};
use super::error::ErrorCode;
use super::mutations::Mutations;
use super::reply::Reply;
use super::Services;
use crate::controller::request::TopicRef;
use crate::controller::{Request, Response};
use crate::ids::Uuid;
use crate::metadata::image::MetadataImage;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{DeleteTopicsRequest, DeleteTopicsResponse, TopicName};
use kafka_protocol::protocol::StrBytes;

/// Why a topic is not named well enough to be deleted, in Kafka's words.
const BOTH: &str = "You may not specify both topic name and topic id.";
const NEITHER: &str = "Neither topic name nor id were specified.";

/// This API's key.
const DELETE_TOPICS: i16 = 20;
/// From this version on a client that changes too much is refused (KIP-599).
const STRICT_FROM: i16 = 5;

/// Deletes topics, each for itself.
pub async fn handle(services: &Services, context: &RequestContext<'_>, request: DeleteTopicsRequest) -> Reply {
    let version = context.version;
    let mut mutations = Mutations::new(services, context, STRICT_FROM);
    let image = services.metadata.current();
    let mut responses = Vec::new();
    let mut topics = Vec::new();
    for name in request.topic_names.iter().filter(|_| version < 6) {
        topics.push(TopicRef::Name(name.to_string()));
    }
    for topic in request.topics {
        match (topic.name, topic.topic_id) {
            (Some(name), id) if id.is_nil() => topics.push(TopicRef::Name(name.to_string())),
            (None, id) if !id.is_nil() => topics.push(TopicRef::Id(id)),
            // A name that has been given to a new topic must not stand in for the old one's id.
            (name, id) => {
                let why = if name.is_some() { BOTH } else { NEITHER };
                let refused = (ErrorCode::InvalidRequest, Some(StrBytes::from_static_str(why)));
                responses.push(encoded(name.map(|name| name.to_string()), id, refused, version));
            }
        }
    }
    topics.retain(|topic| match mutations.pay(partitions(&image, topic)) {
        Ok(()) => true,
        Err(refused) => {
            let (name, id) = match topic {
                TopicRef::Name(name) => (Some(name.clone()), Uuid::nil()),
                TopicRef::Id(id) => (None, *id),
            };
            responses.push(encoded(name, id, refused, version));
            false
        }
    });
    let take = |response| match response {
        Response::DeleteTopics(results) => Some(results),
        _ => None,
    };
    let answered: Vec<_> = match submit(services, Request::DeleteTopics { topics: topics.clone() }, take).await {
        Ok(results) => results
            .into_iter()
            .map(|deleted| {
                if deleted.result.is_err() {
                    let by_name = deleted.name.as_deref().and_then(|name| image.topic_by_name(name));
                    let topic = by_name.or_else(|| image.topic_by_id(&deleted.topic_id));
                    mutations.came_to_nothing(topic.map_or(0, |topic| topic.partition_count().into()));
                }
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
    responses.extend(answered);
    let reply = context.responder.ready(&DeleteTopicsResponse::default().with_responses(responses));
    mutations.settle(reply, DELETE_TOPICS)
}

/// How many partitions a topic has.
fn partitions(image: &MetadataImage, topic: &TopicRef) -> i64 {
    let topic = match topic {
        TopicRef::Name(name) => image.topic_by_name(name),
        TopicRef::Id(id) => image.topic_by_id(id),
    };
    topic.map_or(0, |topic| topic.partition_count().into())
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
