//! DeleteTopics (key 20), versions 1–6.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::DeleteTopicsRequest;
use protocol_tests::records::Batch;
use protocol_tests::{error, shared, topic_name, Broker};
use uuid::Uuid;

fn by_name(version: i16, names: &[&str]) -> DeleteTopicsRequest {
    let request = DeleteTopicsRequest::default().with_timeout_ms(30_000);
    match version >= 6 {
        true => request.with_topics(
            names.iter().map(|name| DeleteTopicState::default().with_name(Some(topic_name(name)))).collect(),
        ),
        false => request.with_topic_names(names.iter().map(|name| topic_name(name)).collect()),
    }
}

#[test]
fn m13_every_version_deletes_and_a_topic_made_again_is_another() {
    let mut client = shared().connect();
    let mut ids = Vec::new();
    for version in 1..=6 {
        let topic = client.create_topic("delete-again", 1, &[]);
        assert!(!ids.contains(&topic.id));
        assert_eq!(client.list_offset(&topic, 0, -1).offset, 0, "the new topic is empty");
        client.append(&topic, 0, &["a"]);
        let response = client.call(version, &by_name(version, &["delete-again", "nobody-made-this"]));
        let results: Vec<_> = response
            .responses
            .iter()
            .map(|result| (result.name.as_ref().map(|name| name.as_str()), error(result.error_code)))
            .collect();
        let unknown = Some(ResponseError::UnknownTopicOrPartition);
        assert_eq!(results, [(Some("delete-again"), None), (Some("nobody-made-this"), unknown)], "version {version}");
        assert_eq!(error(client.describe_topic("delete-again").error_code), unknown);
        let late = client.produce_bytes(13, &topic, 0, Batch::of(&["late"]).encode());
        assert_eq!(error(late.error_code), Some(ResponseError::UnknownTopicId));
        ids.push(topic.id);
    }
}

#[test]
fn m13_topics_are_deleted_by_id() {
    let mut client = shared().connect();
    let topic = client.create_topic("delete-by-id", 1, &[]);
    let unknown = Uuid::from_u128(0xdead_beef);
    let of = |id| DeleteTopicState::default().with_name(None).with_topic_id(id);
    let request = DeleteTopicsRequest::default().with_topics(vec![of(topic.id), of(unknown)]).with_timeout_ms(30_000);
    let mut results = client.call(6, &request).responses;
    results.sort_by_key(|result| result.error_code);
    assert_eq!((error(results[0].error_code), results[0].topic_id), (None, topic.id));
    assert_eq!(results[0].name.as_ref().map(|name| name.as_str()), Some("delete-by-id"));
    assert_eq!((error(results[1].error_code), results[1].topic_id), (Some(ResponseError::UnknownTopicId), unknown));
    assert!(error(client.describe_topic("delete-by-id").error_code).is_some());
}

#[test]
fn m13_a_topic_is_named_once_or_not_deleted() {
    let mut client = shared().connect();
    let topic = client.create_topic("delete-named-twice", 1, &[]);
    let twice = DeleteTopicState::default().with_name(Some(topic_name("delete-named-twice"))).with_topic_id(topic.id);
    let unnamed = DeleteTopicState::default().with_name(None);
    let request = DeleteTopicsRequest::default().with_topics(vec![twice, unnamed]).with_timeout_ms(30_000);
    let errors: Vec<_> = client.call(6, &request).responses.iter().map(|result| error(result.error_code)).collect();
    assert_eq!(errors, [Some(ResponseError::InvalidRequest); 2]);
    assert_eq!(error(client.describe_topic("delete-named-twice").error_code), None, "still there");
}

#[test]
fn m13_deletion_may_be_disabled() {
    let broker = Broker::with(&["delete.topic.enable=false"]);
    let mut client = broker.connect();
    client.create_topic("delete-disabled", 1, &[]);
    for version in 1..=6 {
        let response = client.call(version, &by_name(version, &["delete-disabled"]));
        let why = error(response.responses[0].error_code);
        // Older clients do not know the error's name.
        let expected = if version >= 3 { ResponseError::TopicDeletionDisabled } else { ResponseError::InvalidRequest };
        assert_eq!(why, Some(expected), "version {version}");
    }
    assert_eq!(error(client.describe_topic("delete-disabled").error_code), None);
}

#[test]
fn m13_a_deleted_topic_stays_deleted_after_a_kill() {
    let mut broker = Broker::start();
    let mut client = broker.connect();
    let old = client.create_topic("delete-killed", 2, &[]);
    client.append(&old, 0, &["old"]);
    client.delete_topic("delete-killed");
    let new = client.create_topic("delete-killed", 2, &[]);
    client.append(&new, 0, &["new"]);
    broker.kill_and_restart();
    let mut client = broker.connect();
    assert_eq!(client.describe_topic("delete-killed").topic_id, new.id);
    assert_eq!(client.values(&new, 0), ["new"]);
}
