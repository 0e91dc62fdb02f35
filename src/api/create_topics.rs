//! CreateTopics (key 19). Versions 2–7.
//!
//! 5: the answer says what was made (KIP-525). 6: THROTTLING_QUOTA_EXCEEDED (KIP-599). 7: with its id (KIP-516).
//! Kept from Kafka: the answer names the settings that the new topic has, from all layers.

use super::context::RequestContext;
use super::controller_calls::{refused, submit, Refused};
use super::describe_configs::source;
use super::error::ErrorCode;
use super::mutations::Mutations;
use super::reply::Reply;
use super::Services;
use crate::config::topic;
use crate::controller::request::{CreateTopics, CreatedTopic, NewTopic};
use crate::controller::{Request, Response};
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::create_topics_response::{CreatableTopicConfigs, CreatableTopicResult};
use kafka_protocol::messages::{CreateTopicsRequest, CreateTopicsResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeMap;

/// This API's key.
const CREATE_TOPICS: i16 = 19;
/// From this version on a client that changes too much is refused (KIP-599).
const STRICT_FROM: i16 = 6;

/// Creates topics, each for itself.
pub async fn handle(services: &Services, context: &RequestContext<'_>, request: CreateTopicsRequest) -> Reply {
    let mut mutations = Mutations::new(services, context, STRICT_FROM);
    let mut throttled = Vec::new();
    let mut topics: Vec<NewTopic> = request.topics.iter().map(asked).collect();
    if !request.validate_only {
        topics.retain(|topic| match mutations.pay(partitions(services, topic)) {
            Ok(()) => true,
            Err(refused) => {
                throttled.push(failed(&topic.name, refused));
                false
            }
        });
    }
    let costs: Vec<i64> = topics.iter().map(|topic| partitions(services, topic)).collect();
    let names: Vec<String> = topics.iter().map(|topic| topic.name.clone()).collect();
    let create = Request::CreateTopics(CreateTopics { topics, validate_only: request.validate_only });
    let take = |response| match response {
        Response::CreateTopics(results) => Some(results),
        _ => None,
    };
    let cost_of = |name: &str| {
        let asked = names.iter().zip(&costs).filter(|(asked, _)| **asked == name);
        asked.map(|(_, cost)| *cost).sum()
    };
    let mut results: Vec<_> = match submit(services, create, take).await {
        Ok(results) => results
            .into_iter()
            .inspect(|(name, result)| {
                if result.is_err() && !request.validate_only {
                    mutations.came_to_nothing(cost_of(name));
                }
            })
            .map(|(name, result)| match result {
                Ok(created) => made(services, &request, &name, &created, context.version),
                Err(refusal) => failed(&name, refused(&refusal)),
            })
            .collect(),
        Err(error) => names.iter().map(|name| failed(name, (error, None))).collect(),
    };
    results.extend(throttled);
    let reply = context.responder.ready(&CreateTopicsResponse::default().with_topics(results));
    mutations.settle(reply, CREATE_TOPICS)
}

/// How many partitions a topic is to have.
fn partitions(services: &Services, topic: &NewTopic) -> i64 {
    match topic.assignments.len() {
        0 if topic.partitions < 0 => services.config.topics.num_partitions.into(),
        0 => topic.partitions.into(),
        assigned => assigned as i64,
    }
}

fn asked(topic: &CreatableTopic) -> NewTopic {
    let text = |value: &StrBytes| value.to_string();
    NewTopic {
        name: topic.name.to_string(),
        partitions: topic.num_partitions,
        replication_factor: topic.replication_factor,
        assignments: topic
            .assignments
            .iter()
            .map(|assignment| (assignment.partition_index, assignment.broker_ids.iter().map(|id| id.0).collect()))
            .collect(),
        configs: topic.configs.iter().map(|config| (text(&config.name), config.value.as_ref().map(text))).collect(),
    }
}

fn failed(name: &str, (error, message): Refused) -> CreatableTopicResult {
    CreatableTopicResult::default()
        .with_name(TopicName(StrBytes::from_string(name.to_owned())))
        .with_error_code(error.code())
        .with_error_message(message)
        .with_configs(None)
        .with_num_partitions(-1)
        .with_replication_factor(-1)
}

fn made(
    services: &Services,
    request: &CreateTopicsRequest,
    name: &str,
    created: &CreatedTopic,
    version: i16,
) -> CreatableTopicResult {
    let mut answer = CreatableTopicResult::default()
        .with_name(TopicName(StrBytes::from_string(name.to_owned())))
        .with_error_code(ErrorCode::None.code());
    if version >= 7 {
        answer.topic_id = created.topic_id;
    }
    if version >= 5 {
        answer.num_partitions = created.partitions;
        answer.replication_factor = created.replication_factor;
        answer.configs = Some(configs(services, request, name));
    }
    answer
}

/// The settings of a topic just asked for. It may be judged only, so they come from the request.
fn configs(services: &Services, request: &CreateTopicsRequest, name: &str) -> Vec<CreatableTopicConfigs> {
    let asked = request.topics.iter().find(|topic| **topic.name == *name);
    let overrides: BTreeMap<String, String> = asked
        .iter()
        .flat_map(|topic| &topic.configs)
        .filter_map(|config| Some((config.name.to_string(), config.value.as_ref()?.to_string())))
        .collect();
    let described = topic::describe(&overrides, &services.broker_values());
    let configs = described.into_iter().map(|config| {
        CreatableTopicConfigs::default()
            .with_name(StrBytes::from_string(config.name))
            .with_value(config.value.map(StrBytes::from_string))
            .with_read_only(config.read_only)
            .with_config_source(source(config.source))
            .with_is_sensitive(config.sensitive)
    });
    configs.collect()
}
