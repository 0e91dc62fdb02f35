//! DescribeConfigs (key 32), versions 1–4.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{DescribeConfigsResourceResult, DescribeConfigsResult};
use kafka_protocol::messages::DescribeConfigsRequest;
use protocol_tests::{error, shared, text, Broker, Client};

const TOPIC: i8 = 2;
const BROKER: i8 = 4;

fn describe(client: &mut Client, version: i16, kind: i8, name: &str, keys: Option<&[&str]>) -> DescribeConfigsResult {
    let keys = keys.map(|keys| keys.iter().map(|key| text(key)).collect());
    let resource = DescribeConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(name))
        .with_configuration_keys(keys);
    let request = DescribeConfigsRequest::default()
        .with_resources(vec![resource])
        .with_include_synonyms(true)
        .with_include_documentation(version >= 3);
    let result = client.call(version, &request).results.remove(0);
    assert_eq!((result.resource_type, &*result.resource_name), (kind, name));
    result
}

fn config<'a>(result: &'a DescribeConfigsResult, name: &str) -> &'a DescribeConfigsResourceResult {
    result.configs.iter().find(|config| &*config.name == name).unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn k1_every_version_describes_a_topic() {
    let mut client = shared().connect();
    client.create_topic("configs-topic", 1, &[("retention.ms", "5000"), ("cleanup.policy", "compact,delete")]);
    for version in 1..=4 {
        let all = describe(&mut client, version, TOPIC, "configs-topic", None);
        assert_eq!(error(all.error_code), None);
        let retention = config(&all, "retention.ms");
        assert_eq!((retention.value.as_deref(), retention.config_source), (Some("5000"), 1));
        assert!(!retention.read_only && !retention.is_sensitive);
        let policy = config(&all, "cleanup.policy");
        assert_eq!(policy.value.as_deref(), Some("compact,delete"));
        let segment = config(&all, "segment.bytes");
        assert_eq!((segment.value.as_deref(), segment.config_source), (Some("1073741824"), 5));
        if version >= 3 {
            // LONG, LIST, INT, BOOLEAN.
            let preallocate = config(&all, "preallocate");
            let kinds = [retention, policy, segment, preallocate].map(|config| config.config_type);
            assert_eq!(kinds, [5, 7, 3, 1]);
            assert!(retention.documentation.as_ref().is_some_and(|text| !text.is_empty()));
        }
        for name in ["compression.type", "max.message.bytes", "min.insync.replicas", "message.timestamp.type"] {
            config(&all, name);
        }
    }
}

#[test]
fn k1_only_the_keys_asked_for() {
    let mut client = shared().connect();
    client.create_topic("configs-keys", 1, &[]);
    for version in 1..=4 {
        let some = describe(&mut client, version, TOPIC, "configs-keys", Some(&["segment.ms", "no.such.key"]));
        let names: Vec<_> = some.configs.iter().map(|config| &*config.name).collect();
        assert_eq!((error(some.error_code), names), (None, vec!["segment.ms"]));
    }
}

#[test]
fn k1_brokers_by_their_id_and_all_together() {
    let broker = Broker::with(&["log.retention.hours=5", "node.id=7"]);
    let mut client = broker.connect();
    for version in 1..=4 {
        let all = describe(&mut client, version, BROKER, "7", None);
        assert_eq!(error(all.error_code), None, "{:?}", all.error_message);
        let hours = config(&all, "log.retention.hours");
        assert_eq!((hours.value.as_deref(), hours.config_source, hours.read_only), (Some("5"), 4, true));
        let bytes = config(&all, "message.max.bytes");
        assert_eq!((bytes.value.as_deref(), bytes.config_source, bytes.read_only), (Some("1048588"), 5, false));
        assert_eq!(config(&all, "node.id").value.as_deref(), Some("7"));
        let default = describe(&mut client, version, BROKER, "", None);
        assert_eq!((error(default.error_code), default.configs.len()), (None, 0), "nothing was altered for all");
        for unknown in ["8", "seven"] {
            let result = describe(&mut client, version, BROKER, unknown, None);
            assert_eq!(error(result.error_code), Some(ResponseError::InvalidRequest), "{unknown}");
        }
    }
}

#[test]
fn k1_sensitive_values_are_null() {
    let broker = Broker::with(&["ssl.key.password=secret-of-the-node", "node.id=1"]);
    let mut client = broker.connect();
    let all = describe(&mut client, 4, BROKER, "1", None);
    let password = config(&all, "ssl.key.password");
    assert_eq!((&password.value, password.is_sensitive, password.config_type), (&None, true, 9));
    for synonym in &password.synonyms {
        assert_eq!(synonym.value, None);
    }
    assert!(all.configs.iter().all(|config| config.value.as_deref().is_none_or(|value| !value.contains("secret-of"))));
}

#[test]
fn k2_synonyms_from_the_nearest_to_the_default() {
    let broker = Broker::with(&["log.segment.bytes=2000000", "log.retention.minutes=7", "log.retention.hours=5"]);
    let mut client = broker.connect();
    client.create_topic("configs-own", 1, &[("segment.bytes", "3000000")]);
    client.create_topic("configs-inherited", 1, &[]);
    let default = ("log.segment.bytes", "1073741824", 5);
    let of_node = ("log.segment.bytes", "2000000", 4);
    for (topic, value, source, expected) in [
        ("configs-own", "3000000", 1, &[("segment.bytes", "3000000", 1), of_node, default][..]),
        ("configs-inherited", "2000000", 4, &[of_node, default]),
    ] {
        for version in 1..=4 {
            let all = describe(&mut client, version, TOPIC, topic, None);
            let segment = config(&all, "segment.bytes");
            assert_eq!((segment.value.as_deref(), segment.config_source), (Some(value), source), "version {version}");
            let synonyms: Vec<_> = segment
                .synonyms
                .iter()
                .map(|synonym| (&*synonym.name, synonym.value.as_deref().unwrap_or("null"), synonym.source))
                .collect();
            assert_eq!(synonyms, expected, "version {version}");
            // The finest unit that is set counts.
            assert_eq!(config(&all, "retention.ms").value.as_deref(), Some("420000"));
        }
    }
}

#[test]
fn k1_what_cannot_be_described() {
    let mut client = shared().connect();
    for version in 1..=4 {
        let unknown = describe(&mut client, version, TOPIC, "nobody-made-this", None);
        assert_eq!(error(unknown.error_code), Some(ResponseError::UnknownTopicOrPartition));
        let illegal = describe(&mut client, version, TOPIC, "a b", None);
        assert_eq!(error(illegal.error_code), Some(ResponseError::InvalidTopicException));
        for kind in [0, 1, 3, 99, -1] {
            let result = describe(&mut client, version, kind, "x", None);
            assert_eq!(error(result.error_code), Some(ResponseError::InvalidRequest), "type {kind}");
        }
    }
}

#[test]
fn k1_k2_groups_and_subscriptions_are_described_whether_set_or_not() {
    let mut client = shared().connect();
    for version in 1..=4 {
        let group = describe(&mut client, version, 32, "configs-no-group", None);
        assert_eq!((error(group.error_code), group.configs.len()), (None, 17));
        let session = config(&group, "consumer.session.timeout.ms");
        assert_eq!((session.value.as_deref(), session.config_source, session.synonyms.len()), (Some("45000"), 5, 1));
        assert_eq!(&*session.synonyms[0].name, "group.consumer.session.timeout.ms");
        let metrics = describe(&mut client, version, 16, "configs-no-subscription", None);
        let interval = config(&metrics, "interval.ms");
        assert_eq!(
            (interval.value.as_deref(), interval.config_source, interval.synonyms.len()),
            (Some("300000"), 5, 0)
        );
        for kind in [16, 32] {
            let nameless = describe(&mut client, version, kind, "", None);
            assert_eq!(error(nameless.error_code), Some(ResponseError::InvalidRequest));
        }
    }
}

#[test]
fn k1_loggers_of_this_broker_are_described() {
    let mut client = shared().connect();
    for version in 1..=4 {
        let loggers = describe(&mut client, version, 8, "1", None);
        let root = config(&loggers, "root");
        assert_eq!((root.value.as_deref(), root.config_source, root.read_only), (Some("INFO"), 6, false));
        assert_eq!(config(&loggers, "klamm.server").value.as_deref(), Some("INFO"));
        for name in ["", "2", "x"] {
            let elsewhere = describe(&mut client, version, 8, name, None);
            assert_eq!(error(elsewhere.error_code), Some(ResponseError::InvalidRequest), "{name:?}");
        }
    }
}
