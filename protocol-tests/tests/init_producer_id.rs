//! InitProducerId (key 22), versions 0–5.

use kafka_protocol::messages::{InitProducerIdRequest, TransactionalId};
use protocol_tests::{error, shared, text, Broker};
use std::collections::BTreeSet;

#[test]
fn i7_every_version_gives_a_fresh_id_of_epoch_0() {
    let mut client = shared().connect();
    let request = InitProducerIdRequest::default().with_transactional_id(None).with_transaction_timeout_ms(60_000);
    let mut seen = BTreeSet::new();
    for version in 0..=5 {
        for _ in 0..3 {
            let response = client.call(version, &request);
            assert_eq!((error(response.error_code), response.producer_epoch), (None, 0), "version {version}");
            assert!(response.producer_id.0 >= 0 && seen.insert(response.producer_id.0), "version {version}");
        }
    }
}

#[test]
fn i7_ids_stay_fresh_over_blocks_connections_and_kills() {
    let mut broker = Broker::start();
    let mut seen = BTreeSet::new();
    for round in 0..2 {
        let mut clients = [broker.connect(), broker.connect()];
        // More than a block of 1000.
        for number in 0..1200 {
            let (id, epoch) = clients[number % 2].init_producer_id();
            assert_eq!(epoch, 0);
            assert!(seen.insert(id), "id {id} again in round {round}");
        }
        broker.kill_and_restart();
    }
}

#[test]
fn transactional_ids_are_refused_while_there_are_no_transactions() {
    let mut client = shared().connect();
    for version in 0..=5 {
        let request = InitProducerIdRequest::default()
            .with_transactional_id(Some(TransactionalId(text("transaction"))))
            .with_transaction_timeout_ms(60_000);
        let response = client.call(version, &request);
        assert!(error(response.error_code).is_some(), "version {version}");
        assert_eq!(response.producer_id.0, -1);
    }
}
