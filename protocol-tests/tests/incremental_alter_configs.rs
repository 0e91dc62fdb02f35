//! IncrementalAlterConfigs (key 44), versions 0–1.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::{DescribeConfigsRequest, IncrementalAlterConfigsRequest};
use protocol_tests::records::Batch;
use protocol_tests::{error, shared, text, Broker, Client};

const TOPIC: i8 = 2;
const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

type Operation<'a> = (&'a str, i8, Option<&'a str>);

fn resource(kind: i8, name: &str, operations: &[Operation<'_>]) -> AlterConfigsResource {
    let configs = operations.iter().map(|(key, operation, value)| {
        AlterableConfig::default().with_name(text(key)).with_config_operation(*operation).with_value(value.map(text))
    });
    AlterConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(name))
        .with_configs(configs.collect())
}

fn alter(client: &mut Client, version: i16, topic: &str, operations: &[Operation<'_>]) -> Option<ResponseError> {
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource(TOPIC, topic, operations)]);
    let response = client.call(version, &request);
    let result = &response.responses[0];
    assert_eq!((result.resource_type, &*result.resource_name), (TOPIC, topic));
    error(result.error_code)
}

/// A topic's value and where it comes from.
fn value(client: &mut Client, topic: &str, key: &str) -> (String, i8) {
    let resource = DescribeConfigsResource::default()
        .with_resource_type(TOPIC)
        .with_resource_name(text(topic))
        .with_configuration_keys(Some(vec![text(key)]));
    let response = client.call(4, &DescribeConfigsRequest::default().with_resources(vec![resource]));
    let config = &response.results[0].configs[0];
    (config.value.as_ref().unwrap().to_string(), config.config_source)
}

#[test]
fn k4_every_version_sets_and_deletes() {
    let mut client = shared().connect();
    client.create_topic("alter-versions", 1, &[]);
    for version in 0..=1 {
        let set = [("retention.ms", SET, Some("7000")), ("segment.ms", SET, Some("8000"))];
        assert_eq!(alter(&mut client, version, "alter-versions", &set), None);
        assert_eq!(value(&mut client, "alter-versions", "retention.ms"), ("7000".to_owned(), 1));
        assert_eq!(value(&mut client, "alter-versions", "segment.ms"), ("8000".to_owned(), 1));
        assert_eq!(alter(&mut client, version, "alter-versions", &[("retention.ms", DELETE, None)]), None);
        assert_eq!(value(&mut client, "alter-versions", "retention.ms"), ("604800000".to_owned(), 5));
        assert_eq!(value(&mut client, "alter-versions", "segment.ms").0, "8000", "the others stay");
        // What is not there may be deleted.
        assert_eq!(alter(&mut client, version, "alter-versions", &[("retention.ms", DELETE, None)]), None);
    }
}

#[test]
fn k4_what_is_set_takes_effect() {
    let mut client = shared().connect();
    let topic = client.create_topic("alter-effect", 1, &[]);
    assert_eq!(error(client.produce(&topic, 0, &Batch::of_size(500)).error_code), None);
    assert_eq!(alter(&mut client, 1, "alter-effect", &[("max.message.bytes", SET, Some("200"))]), None);
    let refused = client.produce(&topic, 0, &Batch::of_size(500));
    assert_eq!(error(refused.error_code), Some(ResponseError::MessageTooLarge));
    assert_eq!(alter(&mut client, 1, "alter-effect", &[("max.message.bytes", DELETE, None)]), None);
    assert_eq!(error(client.produce(&topic, 0, &Batch::of_size(500)).error_code), None);
}

#[test]
fn k4_k5_lists_take_append_and_subtract() {
    let mut client = shared().connect();
    client.create_topic("alter-lists", 1, &[]);
    let mut step = |operation, change, expected: &str| {
        let operations = [("cleanup.policy", operation, Some(change))];
        assert_eq!(alter(&mut client, 1, "alter-lists", &operations), None, "{operation} {change}");
        assert_eq!(value(&mut client, "alter-lists", "cleanup.policy").0, expected);
    };
    step(APPEND, "compact", "delete,compact");
    step(APPEND, "compact", "delete,compact");
    step(SUBTRACT, "delete", "compact");
    step(SET, "compact,compact,delete", "compact,delete");
}

#[test]
fn k4_refusals_change_nothing() {
    let mut client = shared().connect();
    client.create_topic("alter-refused", 1, &[("retention.ms", "7000")]);
    let config = Some(ResponseError::InvalidConfig);
    let request = Some(ResponseError::InvalidRequest);
    let cases: &[(&[Operation<'_>], Option<ResponseError>)] = &[
        (&[("no.such.key", SET, Some("1"))], config),
        (&[("retention.ms", SET, Some("soon"))], config),
        (&[("retention.ms", SET, Some("-2"))], config),
        (&[("retention.ms", APPEND, Some("1"))], config),
        (&[("retention.ms", SUBTRACT, Some("1"))], config),
        (&[("segment.ms", SET, Some("1")), ("retention.ms", SET, Some("soon"))], config),
        (&[("retention.ms", SET, Some("1")), ("retention.ms", SET, Some("2"))], request),
        (&[("retention.ms", 4, Some("1"))], request),
        (&[("retention.ms", -1, Some("1"))], request),
        (&[("retention.ms", SET, None)], request),
    ];
    for (operations, why) in cases {
        assert_eq!(alter(&mut client, 1, "alter-refused", operations), *why, "{operations:?}");
    }
    assert_eq!(value(&mut client, "alter-refused", "retention.ms").0, "7000");
    assert_eq!(value(&mut client, "alter-refused", "segment.ms").0, "604800000", "no half of a request");
    let unknown = alter(&mut client, 1, "nobody-made-this", &[("retention.ms", SET, Some("1"))]);
    assert_eq!(unknown, Some(ResponseError::UnknownTopicOrPartition));
}

#[test]
fn k4_validate_only_changes_nothing() {
    let mut client = shared().connect();
    client.create_topic("alter-validated", 1, &[]);
    for (text, why) in [("7000", None), ("soon", Some(ResponseError::InvalidConfig))] {
        let operations = [("retention.ms", SET, Some(text))];
        let request = IncrementalAlterConfigsRequest::default()
            .with_resources(vec![resource(TOPIC, "alter-validated", &operations)])
            .with_validate_only(true);
        assert_eq!(error(client.call(1, &request).responses[0].error_code), why);
    }
    assert_eq!(value(&mut client, "alter-validated", "retention.ms"), ("604800000".to_owned(), 5));
}

#[test]
fn k4_a_resource_twice_is_an_invalid_request() {
    let mut client = shared().connect();
    client.create_topic("alter-twice", 1, &[]);
    client.create_topic("alter-once", 1, &[]);
    let set = [("retention.ms", SET, Some("7000"))];
    let resources = ["alter-twice", "alter-once", "alter-twice"].map(|name| resource(TOPIC, name, &set)).to_vec();
    let response = client.call(1, &IncrementalAlterConfigsRequest::default().with_resources(resources));
    for result in &response.responses {
        let expected = (&*result.resource_name == "alter-twice").then_some(ResponseError::InvalidRequest);
        assert_eq!(error(result.error_code), expected, "{}", &*result.resource_name);
    }
    assert_eq!(value(&mut client, "alter-once", "retention.ms").0, "7000");
    assert_eq!(value(&mut client, "alter-twice", "retention.ms").0, "604800000");
}

#[test]
fn k5_lists_refuse_emptiness_where_it_means_nothing() {
    let mut client = shared().connect();
    client.create_topic("alter-empty", 1, &[]);
    // An empty clean-up policy keeps all; an empty element is a mistake.
    assert_eq!(alter(&mut client, 1, "alter-empty", &[("cleanup.policy", SET, Some(""))]), None);
    assert_eq!(value(&mut client, "alter-empty", "cleanup.policy").0, "");
    let odd = alter(&mut client, 1, "alter-empty", &[("cleanup.policy", SET, Some("delete,,compact"))]);
    assert_eq!(odd, Some(ResponseError::InvalidConfig));
}

/// How an alteration of one resource of any type is answered.
fn alter_any(client: &mut Client, kind: i8, name: &str, operations: &[Operation<'_>]) -> Option<ResponseError> {
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource(kind, name, operations)]);
    error(client.call(1, &request).responses[0].error_code)
}

/// The value and the source of one setting of any resource.
fn value_of(client: &mut Client, kind: i8, name: &str, key: &str) -> (String, i8) {
    let resource = DescribeConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(name))
        .with_configuration_keys(Some(vec![text(key)]));
    let result = client.call(4, &DescribeConfigsRequest::default().with_resources(vec![resource])).results.remove(0);
    let config = &result.configs[0];
    (config.value.as_ref().map(|value| value.to_string()).unwrap_or_default(), config.config_source)
}

#[test]
fn k1_k4_levels_of_loggers_are_set_and_take_effect() {
    let broker = Broker::start();
    let mut client = broker.connect();
    let logger = "klamm.server";
    // What the server says at DEBUG of a connection that it closes.
    let debug_lines = || broker.said().iter().filter(|line| line.contains(" DEBUG ")).count();
    let provoke = || {
        let mut bad = broker.connect();
        // A Produce of a version that there is not.
        bad.write(&[0, 0, 0, 10, 0, 0, 0, 99, 0, 0, 0, 1, 0xff, 0xff]).unwrap();
        bad.expect_close();
    };
    provoke();
    assert_eq!(debug_lines(), 0);
    let set = |level| [(logger, SET, Some(level))];
    assert_eq!(alter_any(&mut client, 8, "1", &set("DEBUG")), None);
    assert_eq!(value_of(&mut client, 8, "1", logger), ("DEBUG".to_owned(), 6));
    provoke();
    protocol_tests::eventually("lines of level DEBUG", || (debug_lines() > 0).then_some(()));
    assert_eq!(alter_any(&mut client, 8, "1", &[(logger, DELETE, None)]), None);
    assert_eq!(value_of(&mut client, 8, "1", logger), ("INFO".to_owned(), 6));
    let config = Some(ResponseError::InvalidConfig);
    let request = Some(ResponseError::InvalidRequest);
    assert_eq!(alter_any(&mut client, 8, "1", &set("LOUD")), config);
    assert_eq!(alter_any(&mut client, 8, "1", &[("no.such.logger", SET, Some("DEBUG"))]), config);
    assert_eq!(alter_any(&mut client, 8, "1", &[("root", DELETE, None)]), request);
    assert_eq!(alter_any(&mut client, 8, "1", &[(logger, APPEND, Some("DEBUG"))]), request);
    assert_eq!(alter_any(&mut client, 8, "2", &set("DEBUG")), request);
    assert_eq!(value_of(&mut client, 8, "1", logger), ("INFO".to_owned(), 6));
}

#[test]
fn k1_k4_groups_and_subscriptions_are_configured() {
    let mut client = shared().connect();
    let session = "consumer.session.timeout.ms";
    assert_eq!(alter_any(&mut client, 32, "configured", &[(session, SET, Some("50000"))]), None);
    assert_eq!(value_of(&mut client, 32, "configured", session), ("50000".to_owned(), 8));
    assert_eq!(alter_any(&mut client, 32, "configured", &[(session, DELETE, None)]), None);
    assert_eq!(value_of(&mut client, 32, "configured", session), ("45000".to_owned(), 5));
    let config = Some(ResponseError::InvalidConfig);
    for bad in ["1", "60001", "soon"] {
        assert_eq!(alter_any(&mut client, 32, "configured", &[(session, SET, Some(bad))]), config);
    }
    assert_eq!(alter_any(&mut client, 32, "configured", &[("no.such.setting", SET, Some("1"))]), config);
    assert_eq!(alter_any(&mut client, 16, "configured", &[("metrics", SET, Some("a.,b."))]), None);
    assert_eq!(value_of(&mut client, 16, "configured", "metrics"), ("a.,b.".to_owned(), 7));
    assert_eq!(alter_any(&mut client, 16, "configured", &[("match", SET, Some("nokey=x"))]), config);
    let request = Some(ResponseError::InvalidRequest);
    assert_eq!(alter_any(&mut client, 16, "configured", &[("interval.ms", SET, Some("1"))]), request);
}
