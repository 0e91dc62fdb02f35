//! UnregisterBroker (key 64), version 0.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{BrokerId, DescribeClusterRequest, UnregisterBrokerRequest};
use protocol_tests::{error, eventually, shared, Broker};

#[test]
fn e7_an_unknown_broker_cannot_be_unregistered() {
    let mut client = shared().connect();
    for id in [0, 2, -1] {
        let response = client.call(0, &UnregisterBrokerRequest::default().with_broker_id(BrokerId(id)));
        assert_eq!(error(response.error_code), Some(ResponseError::BrokerIdNotRegistered));
        let why = format!("Broker ID {id} is not currently registered");
        assert_eq!(response.error_message.as_deref(), Some(&*why));
    }
}

#[test]
fn e7_a_broker_that_lives_registers_again() {
    let broker = Broker::with(&["broker.heartbeat.interval.ms=100"]);
    let mut client = broker.connect();
    let topic = client.create_topic("t", 1, &[]);
    client.append(&topic, 0, &["a"]);
    let response = client.call(0, &UnregisterBrokerRequest::default().with_broker_id(BrokerId(1)));
    assert_eq!(error(response.error_code), None);
    eventually("the broker is back", || {
        let cluster = client.call(2, &DescribeClusterRequest::default().with_endpoint_type(1));
        let leads = client.describe_topic("t").partitions[0].leader_id == BrokerId(1);
        (cluster.brokers.len() == 1 && leads).then_some(())
    });
    assert_eq!(client.append(&topic, 0, &["b"]), 1);
    assert_eq!(client.values(&topic, 0), ["a", "b"]);
}
