//! InitProducerId (key 22), versions 0–5.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{InitProducerIdRequest, ProducerId};
use protocol_tests::transactions::init_request;
use protocol_tests::{error, frame, shared, Broker};
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
fn x3_every_version_gives_a_transactional_id_its_id_and_the_next_epoch() {
    let mut client = shared().connect();
    let first = client.init_transactions("init-versions");
    assert_eq!(first.epoch, 0);
    for version in 0..=5 {
        let response = client.call(version, &init_request("init-versions"));
        assert_eq!(error(response.error_code), None, "version {version}");
        assert_eq!((response.producer_id.0, response.producer_epoch), (first.id, 1 + version), "version {version}");
    }
    let other = client.init_transactions("init-other");
    assert_ne!(other.id, first.id);
}

#[test]
fn x1_ids_and_timeouts_that_are_refused() {
    let mut client = shared().connect();
    client.find_transaction_coordinator("init-refused");
    for version in 0..=5 {
        for (id, timeout_ms, why) in [
            ("", 60_000, ResponseError::InvalidRequest),
            ("init-refused", 0, ResponseError::InvalidTransactionTimeout),
            ("init-refused", -1, ResponseError::InvalidTransactionTimeout),
            ("init-refused", 900_001, ResponseError::InvalidTransactionTimeout),
        ] {
            let response = client.call(version, &init_request(id).with_transaction_timeout_ms(timeout_ms));
            assert_eq!(error(response.error_code), Some(why), "version {version}, {id:?}, {timeout_ms}");
            assert_eq!((response.producer_id.0, response.producer_epoch), (-1, -1));
        }
    }
    let state = client.describe_transaction("init-refused");
    assert_eq!(error(state.error_code), Some(ResponseError::TransactionalIdNotFound));
}

#[test]
fn x4_a_producer_goes_on_with_its_id_and_epoch() {
    let mut client = shared().connect();
    let producer = client.init_transactions("init-goes-on");
    let mut ask = |version: i16, id: i64, epoch: i16| {
        let request = init_request("init-goes-on").with_producer_id(ProducerId(id)).with_producer_epoch(epoch);
        let response = client.call(version, &request);
        (error(response.error_code), response.producer_id.0, response.producer_epoch)
    };
    for version in 3..=5 {
        let epoch = version - 3;
        assert_eq!(ask(version, producer.id, epoch), (None, producer.id, epoch + 1));
        assert_eq!(ask(version, producer.id, epoch), (None, producer.id, epoch + 1), "its answer was lost");
    }
    assert_eq!(ask(3, producer.id, 1), (Some(ResponseError::InvalidProducerEpoch), -1, -1));
    assert_eq!(ask(4, producer.id, 1), (Some(ResponseError::ProducerFenced), -1, -1));
    assert_eq!(ask(5, producer.id + 7, 3), (Some(ResponseError::ProducerFenced), -1, -1));
    assert_eq!(ask(5, producer.id, -1), (Some(ResponseError::InvalidRequest), -1, -1));
    assert_eq!(ask(5, -1, 3), (Some(ResponseError::InvalidRequest), -1, -1));
}

#[test]
fn x3_an_open_transaction_is_aborted_first() {
    let mut client = shared().connect();
    let topic = client.create_topic("init-aborts", 1, &[]);
    let old = client.init_transactions("init-aborts");
    assert_eq!(client.add_partition_to_txn(&old, &topic.name, 0), None);
    let response = client.call(5, &init_request("init-aborts"));
    assert_eq!(error(response.error_code), Some(ResponseError::ConcurrentTransactions));
    client.await_transaction("init-aborts", "CompleteAbort");
    let new = client.init_transactions("init-aborts");
    assert_eq!((new.id, new.epoch), (old.id, old.epoch + 2), "one epoch to fence with, one to give");
    let fenced = client.add_partition_to_txn(&old, &topic.name, 0);
    assert_eq!(fenced, Some(ResponseError::ProducerFenced));
}

#[test]
fn x16_the_version_with_two_phase_commit_is_not_served() {
    let mut client = shared().connect();
    let mut bytes = frame(5, 1, "two-phase", &init_request("init-2pc")).to_vec();
    bytes[7] = 6;
    // The flags enable2Pc and keepPreparedTxn, before the tagged fields.
    let end = bytes.len() - 1;
    bytes.splice(end..end, [1, 1]);
    let length = bytes.len() as i32 - 4;
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    client.write(&bytes).expect("an open connection");
    client.expect_close();
}

#[test]
fn x3_x10_ids_and_epochs_survive_a_kill() {
    let mut broker = Broker::start();
    let mut client = broker.connect();
    let topic = client.create_topic("killed", 1, &[]);
    let idle = client.init_transactions("idle");
    let open = client.init_transactions("open");
    assert_eq!(client.add_partition_to_txn(&open, &topic.name, 0), None);
    broker.kill_and_restart();
    let mut client = broker.connect();
    let next = client.init_transactions("idle");
    assert_eq!((next.id, next.epoch), (idle.id, idle.epoch + 1));
    assert_eq!(&*client.describe_transaction("open").transaction_state, "Ongoing");
    let ended = client.end_txn(&open, true).expect("its producer lives on");
    assert_eq!((ended.id, ended.epoch), (open.id, open.epoch + 1));
    client.await_transaction("open", "CompleteCommit");
}
