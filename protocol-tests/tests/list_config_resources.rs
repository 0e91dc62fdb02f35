//! ListConfigResources (key 74), versions 0–1.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::{IncrementalAlterConfigsRequest, ListConfigResourcesRequest};
use protocol_tests::{error, shared, text, Client};

fn set(client: &mut Client, kind: i8, name: &str, key: &str, value: &str) {
    let config = AlterableConfig::default().with_name(text(key)).with_value(Some(text(value)));
    let resource = AlterConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(name))
        .with_configs(vec![config]);
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
    assert_eq!(error(client.call(1, &request).responses[0].error_code), None);
}

fn listed(client: &mut Client, version: i16, kinds: &[i8]) -> Result<Vec<(i8, String)>, ResponseError> {
    let response = client.call(version, &ListConfigResourcesRequest::default().with_resource_types(kinds.to_vec()));
    let resources = response.config_resources.iter();
    let found = resources.map(|resource| (resource.resource_type, resource.resource_name.to_string())).collect();
    error(response.error_code).map_or(Ok(found), Err)
}

#[test]
fn k1_every_type_of_resource_is_listed() {
    let mut client = shared().connect();
    client.create_topic("listed", 1, &[]);
    set(&mut client, 16, "listed-metrics", "interval.ms", "1000");
    set(&mut client, 32, "listed-group", "consumer.session.timeout.ms", "50000");
    let of = |kind: i8, name: &str| (kind, name.to_owned());
    // Version 0 does not say of what type: there is only one.
    assert!(listed(&mut client, 0, &[]).unwrap().iter().any(|(_, name)| name == "listed-metrics"));
    assert_eq!(listed(&mut client, 1, &[16]), Ok(vec![of(16, "listed-metrics")]));
    assert_eq!(listed(&mut client, 1, &[32]), Ok(vec![of(32, "listed-group")]));
    assert_eq!(listed(&mut client, 1, &[4, 8]), Ok(vec![of(8, "1"), of(4, "1")]));
    let all = listed(&mut client, 1, &[]).unwrap();
    for resource in [of(2, "listed"), of(4, "1"), of(8, "1"), of(16, "listed-metrics"), of(32, "listed-group")] {
        assert!(all.contains(&resource), "{resource:?} in {all:?}");
    }
    assert_eq!(listed(&mut client, 1, &[2, 3]), Err(ResponseError::UnsupportedVersion));
}
