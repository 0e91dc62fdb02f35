//! Produce (key 0) in transactions, versions 3–13.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};
use protocol_tests::topics::{produce_request, Topic};
use protocol_tests::transactions::{
    batch_in_txn, end_request, produce_in_txn_request, TransactionalProducer, TRANSACTIONAL,
};
use protocol_tests::{error, eventually, shared, Broker, Client};
use std::collections::BTreeMap;

/// The last version whose clients add partitions themselves, and do not know TRANSACTION_ABORTABLE.
const OLD: i16 = 10;
/// The same, but know it.
const ABORTABLE: i16 = 11;
/// The first version whose partitions join on the way.
const IMPLICIT: i16 = 12;

/// A topic and a producer of their own.
fn start(client: &mut Client, name: &str) -> (Topic, TransactionalProducer) {
    let topic = client.create_topic(name, 2, &[]);
    let producer = client.init_transactions(name);
    (topic, producer)
}

/// Each partition's error, by partition.
fn errors(response: &ProduceResponse) -> BTreeMap<i32, Option<ResponseError>> {
    let partitions = response.responses.iter().flat_map(|topic| &topic.partition_responses);
    partitions.map(|partition| (partition.index, error(partition.error_code))).collect()
}

/// Ends a transaction as clients do whose epochs do not grow.
fn end_keeping_epoch(client: &mut Client, producer: &TransactionalProducer, commit: bool) {
    eventually("the end", || {
        let ended = error(client.call(3, &end_request(producer, commit)).error_code);
        let waits = ended == Some(ResponseError::ConcurrentTransactions);
        assert!(ended.is_none() || waits, "{ended:?}");
        ended.is_none().then_some(())
    });
}

#[test]
fn x6_data_is_taken_only_for_partitions_of_the_transaction() {
    let mut client = shared().connect();
    let (topic, producer) = start(&mut client, "produce-in-txn");
    for (version, why) in [
        (3, ResponseError::InvalidTxnState),
        (OLD, ResponseError::InvalidTxnState),
        (ABORTABLE, ResponseError::TransactionAbortable),
    ] {
        let refused = client.produce_in_txn(version, &producer, (&topic, 0), 0, &["a"]);
        assert_eq!((error(refused.error_code), refused.base_offset), (Some(why), -1), "version {version}");
    }
    assert_eq!(client.list_offset(&topic, 0, -1).offset, 0);
    assert_eq!(client.add_partition_to_txn(&producer, &topic.name, 0), None);
    for (version, sequence) in [(OLD, 0), (3, 1), (ABORTABLE, 2)] {
        let produced = client.produce_in_txn(version, &producer, (&topic, 0), sequence, &["a"]);
        assert_eq!((error(produced.error_code), produced.base_offset), (None, i64::from(sequence)));
    }
    // The other partition is none of it, in the same request.
    let batch = |sequence| Some(batch_in_txn(&producer, sequence, &["b"]).encode());
    let request = produce_in_txn_request(OLD, &producer, &[(&topic, 1, batch(0)), (&topic, 0, batch(3))]);
    let response = client.call(OLD, &request);
    assert_eq!(errors(&response), [(0, None), (1, Some(ResponseError::InvalidTxnState))].into());
    end_keeping_epoch(&mut client, &producer, true);
}

#[test]
fn x7_partitions_join_on_the_way() {
    let mut client = shared().connect();
    let (topic, mut producer) = start(&mut client, "produce-implicit");
    for version in [IMPLICIT, 13] {
        let produced = client.produce_in_txn(version, &producer, (&topic, 0), 0, &["a"]);
        assert_eq!(error(produced.error_code), None, "version {version}: {:?}", produced.error_message);
        let open = client.describe_transaction(&producer.transactional_id);
        assert_eq!(&*open.transaction_state, "Ongoing");
        assert_eq!((&*open.topics[0].topic.0, &*open.topics[0].partitions), ("produce-implicit", &[0][..]));
        producer = client.end_txn(&producer, true).expect("it commits");
        // At once again: the leader waits while the markers of the transaction before are written.
        let produced = client.produce_in_txn(version, &producer, (&topic, 1), 0, &["b"]);
        assert!(matches!(error(produced.error_code), None | Some(ResponseError::ConcurrentTransactions)));
        let produced = eventually("the next transaction", || {
            let produced = client.produce_in_txn(version, &producer, (&topic, 1), 0, &["b"]);
            (error(produced.error_code) != Some(ResponseError::ConcurrentTransactions)).then_some(produced)
        });
        assert_eq!(error(produced.error_code), None);
        producer = client.end_txn(&producer, false).expect("it aborts");
    }
    client.await_transaction(&producer.transactional_id, "CompleteAbort");
    assert_eq!(client.committed_values(&topic, 0, 0), ["a", "a"]);
    assert_eq!(client.committed_values(&topic, 1, 0), [""; 0]);
}

#[test]
fn x7_data_right_behind_an_end_waits_for_the_markers_before_it() {
    let mut client = shared().connect();
    let topic = client.create_topic("produce-behind-an-end", 40, &[]);
    let mut producer = client.init_transactions("produce-behind-an-end");
    for round in 0..60 {
        let batches: Vec<_> =
            (0..40).map(|index| (&topic, index, Some(batch_in_txn(&producer, 0, &["a"]).encode()))).collect();
        let response = client.call(13, &produce_in_txn_request(13, &producer, &batches));
        let each = response.responses.iter().flat_map(|topic| &topic.partition_responses);
        for partition in each {
            // Never INVALID_TXN_STATE, though a marker may have come between the verification and its answer.
            assert_eq!(error(partition.error_code), None, "round {round}, partition {}", partition.index);
        }
        let ended = client.call(5, &end_request(&producer, round % 2 == 0));
        assert_eq!(error(ended.error_code), None);
        producer = producer.at(ended.producer_epoch);
    }
}

#[test]
fn x6_the_coordinator_must_know_id_and_epoch() {
    let mut client = shared().connect();
    let (topic, producer) = start(&mut client, "produce-mapping");
    let unknown = TransactionalProducer { transactional_id: "produce-unmapped".into(), ..producer.clone() };
    let other = TransactionalProducer { id: producer.id + 1_000_000, ..producer.clone() };
    for version in [OLD, IMPLICIT] {
        for wrong in [&unknown, &other] {
            let refused = client.produce_in_txn(version, wrong, (&topic, 0), 0, &["a"]);
            assert_eq!(error(refused.error_code), Some(ResponseError::InvalidProducerIdMapping), "{wrong:?}");
        }
        let refused = client.produce_in_txn(version, &producer.at(producer.epoch + 1), (&topic, 0), 0, &["a"]);
        assert_eq!(error(refused.error_code), Some(ResponseError::InvalidProducerEpoch));
    }
    assert_eq!(client.list_offset(&topic, 0, -1).offset, 0);
}

#[test]
fn d16_x6_an_older_instance_is_fenced() {
    let mut client = shared().connect();
    let (topic, zombie) = start(&mut client, "produce-zombie");
    assert_eq!(error(client.produce_in_txn(IMPLICIT, &zombie, (&topic, 0), 0, &["a"]).error_code), None);
    let newer = client.init_transactions(&zombie.transactional_id);
    assert!(newer.epoch > zombie.epoch);
    for (partition, sequence, version) in [(0, 1, IMPLICIT), (1, 0, IMPLICIT), (0, 1, OLD), (1, 0, ABORTABLE)] {
        let late = client.produce_in_txn(version, &zombie, (&topic, partition), sequence, &["late"]);
        assert_eq!(error(late.error_code), Some(ResponseError::InvalidProducerEpoch), "{partition} in {version}");
    }
    assert_eq!(error(client.produce_in_txn(IMPLICIT, &newer, (&topic, 0), 0, &["b"]).error_code), None);
    client.end_txn(&newer, true).expect("it commits");
    client.await_transaction(&newer.transactional_id, "CompleteCommit");
    assert_eq!(client.committed_values(&topic, 0, 0), ["b"]);
}

#[test]
fn d17_x6_data_that_comes_after_the_end_opens_nothing() {
    let mut client = shared().connect();
    let (topic, producer) = start(&mut client, "produce-late");
    assert_eq!(client.add_partition_to_txn(&producer, &topic.name, 0), None);
    assert_eq!(error(client.produce_in_txn(OLD, &producer, (&topic, 0), 0, &["a"]).error_code), None);
    end_keeping_epoch(&mut client, &producer, true);
    client.await_transaction(&producer.transactional_id, "CompleteCommit");
    let late = client.produce_in_txn(OLD, &producer, (&topic, 0), 1, &["late"]);
    assert_eq!(error(late.error_code), Some(ResponseError::InvalidTxnState));
    assert_eq!(client.fetch_committed(&topic, 0, 0).last_stable_offset, 2);
    assert_eq!(client.list_offset(&topic, 0, -1).offset, 2);
}

#[test]
fn x11_nothing_else_of_the_producer_while_its_transaction_is_open() {
    let mut client = shared().connect();
    let (topic, producer) = start(&mut client, "produce-mixed");
    assert_eq!(error(client.produce_in_txn(IMPLICIT, &producer, (&topic, 0), 0, &["a"]).error_code), None);
    let plain = batch_in_txn(&producer, 1, &["b"]).with_attributes(0);
    assert_eq!(error(client.produce(&topic, 0, &plain).error_code), Some(ResponseError::InvalidTxnState));
    client.end_txn(&producer, true).expect("it commits");
}

#[test]
fn i4_x7_sequences_begin_at_0_where_epochs_grow() {
    let mut client = shared().connect();
    let (topic, producer) = start(&mut client, "produce-sequence");
    let refused = client.produce_in_txn(IMPLICIT, &producer, (&topic, 0), 5, &["a"]);
    assert_eq!(error(refused.error_code), Some(ResponseError::OutOfOrderSequenceNumber));
    assert_eq!(error(client.produce_in_txn(IMPLICIT, &producer, (&topic, 0), 0, &["a"]).error_code), None);
    let again = client.produce_in_txn(IMPLICIT, &producer, (&topic, 0), 0, &["a"]);
    assert_eq!((error(again.error_code), again.base_offset), (None, 0), "a duplicate");
    client.end_txn(&producer, true).expect("it commits");
}

#[test]
fn p16_x6_a_request_has_one_transaction_and_says_which() {
    let mut client = shared().connect();
    let (topic, producer) = start(&mut client, "produce-whole");
    let batch = |producer: &TransactionalProducer| Some(batch_in_txn(producer, 0, &["a"]).encode());
    let plain = Some(batch_in_txn(&producer, 0, &["a"]).with_attributes(0).encode());
    let other = producer.at(producer.epoch + 1);
    for version in [OLD, 13] {
        // Without a transactional id, nobody is authorized for it.
        let unnamed = produce_request(version, -1, &[(&topic, 0, batch(&producer)), (&topic, 1, plain.clone())]);
        let two =
            produce_in_txn_request(version, &producer, &[(&topic, 0, batch(&producer)), (&topic, 1, batch(&other))]);
        for (request, why) in [
            (unnamed, ResponseError::TransactionalIdAuthorizationFailed),
            (two, ResponseError::InvalidProducerIdMapping),
        ] {
            let response = client.call(version, &request);
            assert!(response.responses.iter().all(|of_topic| (of_topic.topic_id == topic.id) == (version >= 13)));
            assert_eq!(errors(&response), [(0, Some(why)), (1, Some(why))].into(), "version {version}");
        }
        // What is wrong with the batch itself is told first, then with its transaction, and then the acks.
        let broken = batch_in_txn(&producer, 0, &["a"]).encode().slice(..40);
        let refused = client.call(version, &produce_in_txn_request(version, &producer, &[(&topic, 0, Some(broken))]));
        let found = error(refused.responses[0].partition_responses[0].error_code);
        assert!(matches!(found, Some(ResponseError::InvalidRecord | ResponseError::CorruptMessage)), "{found:?}");
        let acks = produce_in_txn_request(version, &producer, &[(&topic, 0, batch(&producer))]).with_acks(2);
        let refused = client.call(version, &acks);
        let found = error(refused.responses[0].partition_responses[0].error_code);
        let why = if version == OLD { ResponseError::InvalidTxnState } else { ResponseError::InvalidRequiredAcks };
        assert_eq!(found, Some(why));
    }
    // A transactional id alone makes no transaction.
    let named = produce_in_txn_request(OLD, &producer, &[(&topic, 1, plain)]);
    assert_eq!(error(client.call(OLD, &named).responses[0].partition_responses[0].error_code), None);
    assert_eq!(client.list_offset(&topic, 0, -1).offset, 0);
}

#[test]
fn p2_x6_a_failure_without_acks_closes_the_connection() {
    let mut client = shared().connect();
    let (topic, producer) = start(&mut client, "produce-silent");
    let batch = Some(batch_in_txn(&producer, 0, &["a"]).encode());
    client.send(OLD, &produce_in_txn_request(OLD, &producer, &[(&topic, 0, batch)]).with_acks(0));
    client.expect_close();
}

/// The order of a connection's requests: a plain batch does not overtake a transactional one that waits.
#[test]
fn i8_x6_verification_keeps_the_order_of_a_connection() {
    let mut client = shared().connect();
    let (topic, producer) = start(&mut client, "produce-order");
    for sequence in 0..20 {
        let batch = Some(batch_in_txn(&producer, sequence, &["a"]).encode());
        client.send(IMPLICIT, &produce_in_txn_request(IMPLICIT, &producer, &[(&topic, 0, batch)]));
    }
    for sequence in 0..20 {
        let (_, response) = client.receive::<ProduceRequest>(IMPLICIT);
        let produced = &response.responses[0].partition_responses[0];
        assert_eq!((error(produced.error_code), produced.base_offset), (None, sequence));
    }
    client.end_txn(&producer, true).expect("it commits");
}

#[test]
fn d13_x12_transactions_survive_kills() {
    let mut broker = Broker::start();
    let mut client = broker.connect();
    let (topic, aborted) = start(&mut client, "produce-killed");
    let mut open = client.init_transactions("produce-killed-open");
    assert_eq!(error(client.produce_in_txn(IMPLICIT, &aborted, (&topic, 0), 0, &["aborted"]).error_code), None);
    client.end_txn(&aborted, false).expect("it aborts");
    client.await_transaction(&aborted.transactional_id, "CompleteAbort");
    assert_eq!(error(client.produce_in_txn(IMPLICIT, &open, (&topic, 0), 0, &["open"]).error_code), None);
    for kill in 0..3 {
        broker.kill_and_restart();
        client = broker.connect();
        client.find_transaction_coordinator(&open.transactional_id);
        let fetched = client.fetch_committed(&topic, 0, 0);
        assert_eq!((fetched.last_stable_offset, fetched.high_watermark), (2, 3), "kill {kill}");
        assert!(client.committed_values(&topic, 0, 0).is_empty(), "kill {kill}");
        let producers = client.producers(&topic, 0);
        let of_open = producers.iter().find(|producer| producer.producer_id.0 == open.id).expect("it is known");
        assert_eq!(of_open.current_txn_start_offset, 2);
    }
    open = client.end_txn(&open, true).expect("it commits");
    client.await_transaction(&open.transactional_id, "CompleteCommit");
    broker.kill_and_restart();
    client = broker.connect();
    assert_eq!(client.committed_values(&topic, 0, 0), ["open"]);
    assert_eq!(client.fetch_committed(&topic, 0, 0).last_stable_offset, 4);
    let stored = client.read_from(&topic, 0, 0);
    assert!(stored.iter().all(|batch| batch.attributes & TRANSACTIONAL != 0));
}
