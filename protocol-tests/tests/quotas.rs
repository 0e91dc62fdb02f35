//! What quotas do to requests of any kind: answers that say so and leave at once, and connections that are muted (KIP-219).

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::alter_client_quotas_request::{EntityData, EntryData, OpData};
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::{
    AlterClientQuotasRequest, CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest,
    IncrementalAlterConfigsRequest, ListGroupsRequest, ProduceRequest,
};
use protocol_tests::records::Batch;
use protocol_tests::topics::{creatable, fetch_request, produce_request};
use protocol_tests::{error, eventually, text, topic_name, Broker, Client};
use std::time::{Duration, Instant};

fn set(client: &mut Client, kind: &str, name: Option<&str>, key: &str, value: Option<f64>) {
    let entity = EntityData::default().with_entity_type(text(kind)).with_entity_name(name.map(text));
    let operation = OpData::default().with_key(text(key)).with_value(value.unwrap_or(0.0)).with_remove(value.is_none());
    let entry = EntryData::default().with_entity(vec![entity]).with_ops(vec![operation]);
    let response = client.call(1, &AlterClientQuotasRequest::default().with_entries(vec![entry]));
    assert_eq!(error(response.entries[0].error_code), None);
}

/// A connection whose client calls itself so.
fn named(broker: &Broker, client_id: &str) -> Client {
    let mut client = broker.connect();
    client.client_id = client_id.to_owned();
    client
}

#[test]
fn q2_who_produces_too_much_is_told_at_once_and_muted() {
    let broker = Broker::start();
    let mut admin = broker.connect();
    let topic = admin.create_topic("t", 1, &[]);
    // A second's worth of ten windows: 100,000 bytes at once.
    set(&mut admin, "client-id", Some("greedy"), "producer_byte_rate", Some(10_000.0));
    let mut greedy = named(&broker, "greedy");
    for version in [3, 8, 13] {
        let batch = Batch::of_size(5_000).encode();
        let response = greedy.call(version, &produce_request(version, -1, &[(&topic, 0, Some(batch))]));
        assert_eq!(response.throttle_time_ms, 0);
    }
    let batch = Batch::of_size(105_000).encode();
    let began = Instant::now();
    let response = greedy.call(9, &produce_request(9, -1, &[(&topic, 0, Some(batch))]));
    assert!(began.elapsed() < Duration::from_millis(900), "the answer does not wait");
    let throttle = Duration::from_millis(response.throttle_time_ms as u64);
    assert!((1_500..3_000).contains(&response.throttle_time_ms), "{throttle:?} for 120,000 bytes");
    assert_eq!(error(response.responses[0].partition_responses[0].error_code), None, "the records are in");
    // The connection is muted, and no other is.
    let told = Instant::now();
    greedy.send(0, &ListGroupsRequest::default());
    let other = Instant::now();
    named(&broker, "modest").call(0, &ListGroupsRequest::default());
    assert!(other.elapsed() < Duration::from_millis(900));
    greedy.receive::<ListGroupsRequest>(0);
    assert!(told.elapsed() + Duration::from_millis(50) >= throttle, "muted for {:?} of {throttle:?}", told.elapsed());
    broker.assert_well();
}

#[test]
fn q2_acks_0_is_muted_too() {
    let broker = Broker::start();
    let mut admin = broker.connect();
    let topic = admin.create_topic("t", 1, &[]);
    set(&mut admin, "user", None, "producer_byte_rate", Some(10_000.0));
    let mut client = broker.connect();
    client.send(9, &produce_request(9, 0, &[(&topic, 0, Some(Batch::of_size(110_000).encode()))]));
    let began = Instant::now();
    client.call(0, &ListGroupsRequest::default());
    assert!(began.elapsed() > Duration::from_millis(700), "{:?}", began.elapsed());
    assert_eq!(admin.list_offset(&topic, 0, -1).offset, 1);
}

#[test]
fn q2_f14_who_fetches_too_much_gets_nothing_for_a_while() {
    let broker = Broker::start();
    let mut admin = broker.connect();
    let topic = admin.create_topic("t", 1, &[]);
    for _ in 0..4 {
        assert_eq!(admin.produce(&topic, 0, &Batch::of_size(40_000)).error_code, 0);
    }
    set(&mut admin, "client-id", Some("greedy"), "consumer_byte_rate", Some(5_000.0));
    let mut greedy = named(&broker, "greedy");
    let records = |response: &kafka_protocol::messages::FetchResponse| -> usize {
        let partitions = response.responses.iter().flat_map(|topic| &topic.partitions);
        partitions.map(|partition| partition.records.as_ref().map_or(0, |records| records.len())).sum()
    };
    let ask = |client: &mut Client, offset: i64| client.call(12, &fetch_request(12, &[(&topic, 0, offset)]));
    // What it may have over the whole measure bounds each answer.
    let first = ask(&mut greedy, 0);
    assert_eq!((first.throttle_time_ms, records(&first) < 50_001, records(&first) > 40_000), (0, true, true));
    let began = Instant::now();
    let second = ask(&mut greedy, 1);
    assert!(began.elapsed() < Duration::from_millis(900), "the answer does not wait");
    assert!(second.throttle_time_ms > 1_000, "{} ms", second.throttle_time_ms);
    assert!(second.responses.is_empty());
    // Nothing was lost by it: the records come once the client has waited.
    let third = ask(&mut greedy, 1);
    assert!(began.elapsed().as_millis() as i32 + 50 >= second.throttle_time_ms);
    assert!(records(&third) > 40_000 || third.throttle_time_ms > 0);
    let modest = ask(&mut named(&broker, "modest"), 0);
    assert_eq!((modest.throttle_time_ms, records(&modest) > 160_000), (0, true));
}

#[test]
fn q2_time_on_the_brokers_threads_is_a_quota_for_every_request() {
    let broker = Broker::start();
    let mut admin = broker.connect();
    admin.create_topic("t", 1, &[]);
    set(&mut admin, "client-id", Some("busy"), "request_percentage", Some(0.000_1));
    let mut busy = named(&broker, "busy");
    // One request may take less than the microseconds that the quota leaves; many do not.
    let mut ask = || {
        let began = Instant::now();
        let response = busy.call(4, &ListGroupsRequest::default());
        assert!(began.elapsed() < Duration::from_millis(900), "the answer does not wait");
        response
    };
    let response = (0..1_000).map(|_| ask()).find(|response| response.throttle_time_ms > 0).expect("a throttled one");
    assert!((1..=11_000).contains(&response.throttle_time_ms), "{} ms", response.throttle_time_ms);
    set(&mut admin, "client-id", Some("busy"), "request_percentage", None);
    assert_eq!(named(&broker, "busy").call(4, &ListGroupsRequest::default()).throttle_time_ms, 0);
}

#[test]
fn q2_partitions_made_and_deleted_are_paid_for() {
    let broker = Broker::start();
    let mut admin = broker.connect();
    // Eleven windows of a second hold 11.
    set(&mut admin, "client-id", Some("maker"), "controller_mutation_rate", Some(1.0));
    let mut maker = named(&broker, "maker");
    let make = |client: &mut Client, version: i16, name: &str, count: i32, validate_only: bool| {
        let topic = creatable(name, count, &[]);
        let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_validate_only(validate_only);
        let response = client.call(version, &request);
        (error(response.topics[0].error_code), response.throttle_time_ms)
    };
    let exceeded = Some(ResponseError::ThrottlingQuotaExceeded);
    assert_eq!(make(&mut maker, 7, "only-judged", 100, true), (None, 0), "judging is free");
    assert_eq!(make(&mut maker, 7, "a.b*c", 100, false).0, Some(ResponseError::InvalidTopicException));
    assert_eq!(make(&mut maker, 7, "first", 8, false), (None, 0), "what was refused cost nothing");
    let (done, throttle_ms) = make(&mut maker, 7, "second", 5, false);
    assert_eq!(done, None, "one payment may overdraw");
    assert!((1..=2_000).contains(&throttle_ms), "{throttle_ms} ms");
    // Meanwhile: refused, in every API, by name.
    let mut other = named(&broker, "maker");
    assert_eq!(make(&mut other, 7, "third", 1, false).0, exceeded);
    let mut other = named(&broker, "maker");
    let growth = CreatePartitionsTopic::default().with_name(topic_name("first")).with_count(9).with_assignments(None);
    let grown = other.call(3, &CreatePartitionsRequest::default().with_topics(vec![growth]));
    assert_eq!(error(grown.results[0].error_code), exceeded);
    let mut other = named(&broker, "maker");
    let deleted = other.call(5, &DeleteTopicsRequest::default().with_topic_names(vec![topic_name("first")]));
    assert_eq!(error(deleted.responses[0].error_code), exceeded);
    // Clients that do not know the refusal pay and are muted.
    let mut old = named(&broker, "maker");
    let (done, throttle_ms) = make(&mut old, 5, "fourth", 1, false);
    assert!(done.is_none() && throttle_ms > 0, "{done:?} {throttle_ms}");
    assert_eq!(make(&mut admin, 7, "others", 50, false), (None, 0), "others pay nothing");
}

/// Whether a fresh connection is served.
fn is_served(broker: &Broker) -> bool {
    let mut client = broker.connect();
    client.send(0, &ListGroupsRequest::default());
    client.receive_frame().is_ok()
}

#[test]
fn q1_a13_connections_that_come_too_fast_are_closed() {
    let broker = Broker::start();
    let mut admin = broker.connect();
    // Ten at once, of which one is open: it was not counted while there was no quota.
    set(&mut admin, "ip", Some("127.0.0.1"), "connection_creation_rate", Some(1.0));
    let served = (0..12).filter(|_| is_served(&broker)).count();
    assert!((10..12).contains(&served), "{served} of 12");
    set(&mut admin, "ip", Some("127.0.0.1"), "connection_creation_rate", None);
    assert!((0..12).all(|_| is_served(&broker)));
}

fn alter_broker(client: &mut Client, name: &str, key: &str, value: &str) -> Option<ResponseError> {
    use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
    let config = AlterableConfig::default().with_name(text(key)).with_value(Some(text(value)));
    let resource =
        AlterConfigsResource::default().with_resource_type(4).with_resource_name(text(name)).with_configs(vec![config]);
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
    error(client.call(1, &request).responses[0].error_code)
}

#[test]
fn k3_a13_limits_of_connections_change_while_the_broker_runs() {
    let broker = Broker::start();
    let mut admin = broker.connect();
    assert!(is_served(&broker));
    assert_eq!(alter_broker(&mut admin, "", "max.connections.per.ip", "1"), None);
    eventually("a second connection is refused", || (!is_served(&broker)).then_some(()));
    assert_eq!(alter_broker(&mut admin, "1", "max.connections.per.ip", "100"), None);
    assert!(is_served(&broker), "what is set on the broker is stronger");
    assert_eq!(alter_broker(&mut admin, "1", "max.connections", "1"), None);
    let mut waiting = broker.connect();
    waiting.send(0, &ListGroupsRequest::default());
    assert_eq!(alter_broker(&mut admin, "1", "max.connections", "100"), None);
    waiting.receive::<ListGroupsRequest>(0);
}

#[test]
fn q2_a_client_without_a_quota_is_never_throttled() {
    let broker = Broker::start();
    let mut client = broker.connect();
    let topic = client.create_topic("t", 1, &[]);
    for _ in 0..3 {
        let request: ProduceRequest = produce_request(9, -1, &[(&topic, 0, Some(Batch::of_size(900_000).encode()))]);
        assert_eq!(client.call(9, &request).throttle_time_ms, 0);
    }
}
