//! DescribeClientQuotas (key 48), versions 0–1.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::alter_client_quotas_request::{EntityData, EntryData, OpData};
use kafka_protocol::messages::describe_client_quotas_request::ComponentData;
use kafka_protocol::messages::{AlterClientQuotasRequest, DescribeClientQuotasRequest};
use protocol_tests::{error, text, Broker, Client};

type Part<'a> = (&'a str, Option<&'a str>);

fn set(client: &mut Client, entity: &[Part<'_>], key: &str, value: f64) {
    let entity = entity
        .iter()
        .map(|(kind, name)| EntityData::default().with_entity_type(text(kind)).with_entity_name(name.map(text)));
    let operation = OpData::default().with_key(text(key)).with_value(value);
    let entry = EntryData::default().with_entity(entity.collect()).with_ops(vec![operation]);
    let response = client.call(1, &AlterClientQuotasRequest::default().with_entries(vec![entry]));
    assert_eq!(error(response.entries[0].error_code), None);
}

/// The first value of each entity that matches (kind, match type, name).
fn described(
    client: &mut Client,
    version: i16,
    components: &[(&str, i8, Option<&str>)],
    strict: bool,
) -> Result<Vec<f64>, ResponseError> {
    let component = |(kind, match_type, name): &(&str, i8, Option<&str>)| {
        ComponentData::default().with_entity_type(text(kind)).with_match_type(*match_type).with_match(name.map(text))
    };
    let components = components.iter().map(component).collect();
    let request = DescribeClientQuotasRequest::default().with_components(components).with_strict(strict);
    let response = client.call(version, &request);
    if let Some(error) = error(response.error_code) {
        assert!(response.entries.is_none() && response.error_message.is_some());
        return Err(error);
    }
    let mut values: Vec<f64> = response.entries.unwrap().iter().map(|entry| entry.values[0].value).collect();
    values.sort_by(f64::total_cmp);
    Ok(values)
}

#[test]
fn q1_entities_are_found_by_their_parts() {
    let broker = Broker::start();
    let mut client = broker.connect();
    set(&mut client, &[("user", Some("u"))], "producer_byte_rate", 1.0);
    set(&mut client, &[("user", None)], "producer_byte_rate", 2.0);
    set(&mut client, &[("user", Some("u")), ("client-id", Some("c"))], "producer_byte_rate", 3.0);
    set(&mut client, &[("user", Some("u")), ("client-id", None)], "producer_byte_rate", 4.0);
    set(&mut client, &[("client-id", Some("c"))], "consumer_byte_rate", 5.0);
    set(&mut client, &[("ip", Some("10.0.0.1"))], "connection_creation_rate", 6.0);
    for version in 0..=1 {
        let mut ask =
            |components: &[(&str, i8, Option<&str>)], strict| described(&mut client, version, components, strict);
        assert_eq!(ask(&[], false), Ok(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
        assert_eq!(ask(&[], true), Ok(vec![]));
        assert_eq!(ask(&[("user", 0, Some("u"))], true), Ok(vec![1.0]));
        assert_eq!(ask(&[("user", 0, Some("u"))], false), Ok(vec![1.0, 3.0, 4.0]));
        assert_eq!(ask(&[("user", 1, None)], false), Ok(vec![2.0]));
        assert_eq!(ask(&[("user", 2, None)], true), Ok(vec![1.0, 2.0]));
        assert_eq!(ask(&[("user", 2, None), ("client-id", 1, None)], true), Ok(vec![4.0]));
        assert_eq!(ask(&[("ip", 2, None)], false), Ok(vec![6.0]));
        assert_eq!(ask(&[("client-id", 0, Some("nobody"))], false), Ok(vec![]));
        let invalid = Err(ResponseError::InvalidRequest);
        assert_eq!(ask(&[("user", 0, None)], false), invalid);
        assert_eq!(ask(&[("user", 1, Some("u"))], false), invalid);
        assert_eq!(ask(&[("user", 2, Some("u"))], false), invalid);
        assert_eq!(ask(&[("user", 3, None)], false), invalid);
        assert_eq!(ask(&[("user", 2, None), ("user", 1, None)], false), invalid);
        assert_eq!(ask(&[("user", 2, None), ("ip", 2, None)], false), invalid);
        assert_eq!(ask(&[("", 2, None)], false), invalid);
        assert_eq!(ask(&[("group", 2, None)], false), Err(ResponseError::UnsupportedVersion));
    }
}
