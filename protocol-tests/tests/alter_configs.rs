//! AlterConfigs (key 33), versions 0–2.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::{AlterConfigsRequest, DescribeConfigsRequest};
use protocol_tests::{error, shared, text, Client};

const TOPIC: i8 = 2;

fn alter(client: &mut Client, version: i16, topic: &str, configs: &[(&str, &str)], dry: bool) -> Option<ResponseError> {
    let configs = configs
        .iter()
        .map(|(key, value)| AlterableConfig::default().with_name(text(key)).with_value(Some(text(value))));
    let resource = AlterConfigsResource::default()
        .with_resource_type(TOPIC)
        .with_resource_name(text(topic))
        .with_configs(configs.collect());
    let request = AlterConfigsRequest::default().with_resources(vec![resource]).with_validate_only(dry);
    let response = client.call(version, &request);
    assert_eq!(&*response.responses[0].resource_name, topic);
    error(response.responses[0].error_code)
}

/// The settings of the topic itself.
fn own(client: &mut Client, topic: &str) -> Vec<(String, String)> {
    let resource = DescribeConfigsResource::default()
        .with_resource_type(TOPIC)
        .with_resource_name(text(topic))
        .with_configuration_keys(None);
    let response = client.call(4, &DescribeConfigsRequest::default().with_resources(vec![resource]));
    let own = response.results[0].configs.iter().filter(|config| config.config_source == 1);
    own.map(|config| (config.name.to_string(), config.value.as_ref().unwrap().to_string())).collect()
}

#[test]
fn k4_every_version_replaces_all_settings() {
    let mut client = shared().connect();
    client.create_topic("replace-versions", 1, &[("segment.ms", "8000")]);
    for version in 0..=2 {
        let value = format!("{}", 7000 + version);
        assert_eq!(alter(&mut client, version, "replace-versions", &[("retention.ms", &value)], false), None);
        assert_eq!(own(&mut client, "replace-versions"), [("retention.ms".to_owned(), value)], "version {version}");
    }
    assert_eq!(alter(&mut client, 2, "replace-versions", &[], false), None);
    assert_eq!(own(&mut client, "replace-versions"), []);
}

#[test]
fn k4_refusals_and_validation_change_nothing() {
    let mut client = shared().connect();
    client.create_topic("replace-refused", 1, &[("segment.ms", "8000")]);
    let config = Some(ResponseError::InvalidConfig);
    let unknown = Some(ResponseError::UnknownTopicOrPartition);
    for version in 0..=2 {
        assert_eq!(alter(&mut client, version, "replace-refused", &[("no.such.key", "1")], false), config);
        assert_eq!(alter(&mut client, version, "replace-refused", &[("retention.ms", "soon")], false), config);
        assert_eq!(alter(&mut client, version, "replace-refused", &[("retention.ms", "1")], true), None);
        assert_eq!(alter(&mut client, version, "nobody-made-this", &[("retention.ms", "1")], false), unknown);
    }
    assert_eq!(own(&mut client, "replace-refused"), [("segment.ms".to_owned(), "8000".to_owned())]);
}
