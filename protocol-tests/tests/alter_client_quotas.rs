//! AlterClientQuotas (key 49), versions 0–1.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::alter_client_quotas_request::{EntityData, EntryData, OpData};
use kafka_protocol::messages::{AlterClientQuotasRequest, DescribeClientQuotasRequest};
use protocol_tests::{error, text, Broker, Client};

fn entry(user: Option<&str>, operations: &[(&str, Option<f64>)]) -> EntryData {
    let entity = EntityData::default().with_entity_type(text("user")).with_entity_name(user.map(text));
    let operation = |(key, value): &(&str, Option<f64>)| {
        OpData::default().with_key(text(key)).with_value(value.unwrap_or(0.0)).with_remove(value.is_none())
    };
    EntryData::default().with_entity(vec![entity]).with_ops(operations.iter().map(operation).collect())
}

fn ask(client: &mut Client, version: i16, entries: Vec<EntryData>, validate_only: bool) -> Vec<Option<ResponseError>> {
    let request = AlterClientQuotasRequest::default().with_entries(entries.clone()).with_validate_only(validate_only);
    let response = client.call(version, &request);
    for (entry, answer) in entries.iter().zip(&response.entries) {
        assert_eq!(
            entry.entity.first().map(|part| &part.entity_name),
            answer.entity.first().map(|part| &part.entity_name)
        );
    }
    response.entries.iter().map(|entry| error(entry.error_code)).collect()
}

fn stored(client: &mut Client) -> Vec<(String, f64)> {
    let response = client.call(1, &DescribeClientQuotasRequest::default());
    let entries = response.entries.unwrap();
    let values = entries.iter().flat_map(|entry| &entry.values);
    values.map(|value| (value.key.to_string(), value.value)).collect()
}

#[test]
fn q1_quotas_are_set_and_taken_away_and_outlive_a_restart() {
    let mut broker = Broker::start();
    let mut client = broker.connect();
    for version in 0..=1 {
        let both = || entry(Some("u"), &[("producer_byte_rate", Some(1e9)), ("request_percentage", Some(99.5))]);
        assert_eq!(ask(&mut client, version, vec![both()], true), [None]);
        assert_eq!(stored(&mut client), [], "only judged");
        assert_eq!(ask(&mut client, version, vec![both()], false), [None]);
        let expected = [("producer_byte_rate".to_owned(), 1e9), ("request_percentage".to_owned(), 99.5)];
        assert_eq!(stored(&mut client), expected);
        broker.kill_and_restart();
        client = broker.connect();
        assert_eq!(stored(&mut client), expected);
        let removal = entry(Some("u"), &[("producer_byte_rate", None), ("request_percentage", None)]);
        assert_eq!(ask(&mut client, version, vec![removal.clone()], false), [None]);
        assert_eq!(ask(&mut client, version, vec![removal], false), [None], "deleting what is not there is no error");
        assert_eq!(stored(&mut client), []);
    }
}

#[test]
fn q1_an_entity_is_altered_as_a_whole_or_not_at_all() {
    let broker = Broker::start();
    let mut client = broker.connect();
    let invalid = Some(ResponseError::InvalidRequest);
    let entries = vec![
        entry(Some("a"), &[("producer_byte_rate", Some(5.0)), ("nonsense", Some(1.0))]),
        entry(Some("b"), &[("producer_byte_rate", Some(0.0))]),
        entry(Some("c"), &[("producer_byte_rate", Some(1.5))]),
        entry(Some(""), &[("producer_byte_rate", Some(1.0))]),
        EntryData::default(),
        entry(None, &[("consumer_byte_rate", Some(7.0))]),
    ];
    assert_eq!(ask(&mut client, 1, entries, false), [invalid, invalid, invalid, invalid, invalid, None]);
    assert_eq!(stored(&mut client), [("consumer_byte_rate".to_owned(), 7.0)]);
}
