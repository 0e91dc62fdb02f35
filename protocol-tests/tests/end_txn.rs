//! EndTxn (key 26), versions 0–5.

use kafka_protocol::error::ResponseError;
use protocol_tests::transactions::{end_request, TransactionalProducer};
use protocol_tests::{error, eventually, shared, Broker, Client};

/// Ends a transaction in a version; waits while another ends.
fn end(
    client: &mut Client,
    version: i16,
    producer: &TransactionalProducer,
    commit: bool,
) -> (Option<ResponseError>, i64, i16) {
    eventually("the end", || {
        let response = client.call(version, &end_request(producer, commit));
        let why = error(response.error_code);
        let answer = (why, response.producer_id.0, response.producer_epoch);
        (why != Some(ResponseError::ConcurrentTransactions)).then_some(answer)
    })
}

#[test]
fn x9_versions_below_5_keep_the_epoch() {
    let mut client = shared().connect();
    let topic = client.create_topic("end-plain", 1, &[]).name;
    for version in 0..=4 {
        let id = format!("end-plain-{version}");
        let producer = client.init_transactions(&id);
        let invalid = (Some(ResponseError::InvalidTxnState), -1, -1);
        assert_eq!(end(&mut client, version, &producer, true), invalid, "nothing is open");
        for (commit, state) in [(true, "CompleteCommit"), (false, "CompleteAbort")] {
            assert_eq!(client.add_partition_to_txn(&producer, &topic, 0), None);
            assert_eq!(end(&mut client, version, &producer, commit), (None, -1, -1), "version {version}");
            client.await_transaction(&id, state);
            assert_eq!(end(&mut client, version, &producer, commit), (None, -1, -1), "again");
            assert_eq!(end(&mut client, version, &producer, !commit), invalid, "the opposite");
        }
        let fenced = if version >= 2 { ResponseError::ProducerFenced } else { ResponseError::InvalidProducerEpoch };
        assert_eq!(end(&mut client, version, &producer.at(5), true).0, Some(fenced));
        let other = TransactionalProducer { id: producer.id + 500, ..producer.clone() };
        assert_eq!(end(&mut client, version, &other, true).0, Some(ResponseError::InvalidProducerIdMapping));
        let empty = TransactionalProducer { transactional_id: String::new(), ..producer };
        assert_eq!(end(&mut client, version, &empty, true).0, Some(ResponseError::InvalidRequest));
    }
}

#[test]
fn x8_version_5_gives_each_transaction_an_epoch() {
    let mut client = shared().connect();
    let topic = client.create_topic("end-bumps", 1, &[]).name;
    let producer = client.init_transactions("end-bumps");
    let (id, epoch) = (producer.id, producer.epoch);
    let invalid = (Some(ResponseError::InvalidTxnState), -1, -1);
    assert_eq!(end(&mut client, 5, &producer, true), invalid, "nothing was written");
    assert_eq!(end(&mut client, 5, &producer, false), (None, id, epoch + 1), "an abort is always in order");
    client.await_transaction("end-bumps", "CompleteAbort");
    assert_eq!(end(&mut client, 5, &producer, false), (None, id, epoch + 1), "a retry");

    let next = producer.at(epoch + 1);
    assert_eq!(client.partitions_in_txn(5, &next, false, (&topic, &[0])), [None]);
    assert_eq!(end(&mut client, 5, &next, true), (None, id, epoch + 2));
    client.await_transaction("end-bumps", "CompleteCommit");
    assert_eq!(end(&mut client, 5, &next, true), (None, id, epoch + 2), "a retry");
    assert_eq!(end(&mut client, 5, &next, false), invalid, "no retry of the opposite");
    assert_eq!(end(&mut client, 5, &producer, true).0, Some(ResponseError::ProducerFenced), "two epochs ago");
}

#[test]
fn x10_markers_follow_on_every_partition() {
    let mut client = shared().connect();
    let topics = ["end-marks-a", "end-marks-b"].map(|name| client.create_topic(name, 2, &[]));
    let mut producer = client.init_transactions("end-marks");
    for commit in [true, false] {
        for topic in &topics {
            assert_eq!(client.partitions_in_txn(5, &producer, false, (&topic.name, &[0, 1])), [None, None]);
        }
        producer = client.end_txn(&producer, commit).expect("it ends");
        client.await_transaction("end-marks", if commit { "CompleteCommit" } else { "CompleteAbort" });
    }
    for (topic, partition) in topics.iter().flat_map(|topic| [(topic, 0), (topic, 1)]) {
        let markers = client.read_from(topic, partition, 0);
        let seen: Vec<_> = markers.iter().map(|batch| (batch.attributes, batch.producer_epoch)).collect();
        assert_eq!(seen, [(0x30, producer.epoch - 1), (0x30, producer.epoch)], "control, transactional");
    }
}

#[test]
fn x10_a_topic_that_is_gone_holds_nothing_up() {
    let mut client = shared().connect();
    let gone = client.create_topic("end-gone", 1, &[]);
    let stays = client.create_topic("end-stays", 1, &[]);
    let producer = client.init_transactions("end-gone");
    for topic in [&gone, &stays] {
        assert_eq!(client.partitions_in_txn(5, &producer, false, (&topic.name, &[0])), [None]);
    }
    client.delete_topic("end-gone");
    client.end_txn(&producer, true).expect("it ends");
    client.await_transaction("end-gone", "CompleteCommit");
    assert_eq!(client.list_offset(&stays, 0, -1).offset, 1);
}

#[test]
fn x13_a_transaction_that_runs_too_long_is_aborted() {
    let broker = Broker::with(&["transaction.abort.timed.out.transaction.cleanup.interval.ms=100"]);
    let mut client = broker.connect();
    let topic = client.create_topic("end-late", 1, &[]);
    client.find_transaction_coordinator("end-late");
    let request = protocol_tests::transactions::init_request("end-late").with_transaction_timeout_ms(500);
    let response = client.call(5, &request);
    let producer =
        TransactionalProducer { transactional_id: "end-late".to_owned(), id: response.producer_id.0, epoch: 0 };
    assert_eq!(client.partitions_in_txn(5, &producer, false, (&topic.name, &[0])), [None]);
    let state = client.await_transaction("end-late", "CompleteAbort");
    assert_eq!((state.producer_epoch, state.transaction_timeout_ms), (1, 500));
    assert_eq!(client.read_from(&topic, 0, 0)[0].producer_epoch, 1, "its producer is fenced on the partition");
    assert_eq!(end(&mut client, 5, &producer, true).0, Some(ResponseError::InvalidTxnState));
    let late = client.partitions_in_txn(5, &producer, false, (&topic.name, &[0]));
    assert_eq!(late, [Some(ResponseError::ProducerFenced)]);
    let old = client.init_transactions("end-late");
    assert_eq!((old.id, old.epoch), (producer.id, 2));
}

#[test]
fn x14_idle_ids_expire_and_those_with_a_transaction_do_not() {
    let broker = Broker::with(&[
        "transactional.id.expiration.ms=300",
        "transaction.remove.expired.transaction.cleanup.interval.ms=100",
    ]);
    let mut client = broker.connect();
    let topic = client.create_topic("end-expires", 1, &[]);
    let open = client.init_transactions("end-open");
    assert_eq!(client.partitions_in_txn(5, &open, false, (&topic.name, &[0])), [None]);
    let idle = client.init_transactions("end-idle");
    eventually("its expiry", || {
        let state = client.describe_transaction("end-idle");
        (error(state.error_code) == Some(ResponseError::TransactionalIdNotFound)).then_some(())
    });
    assert_eq!(&*client.describe_transaction("end-open").transaction_state, "Ongoing");
    let again = client.init_transactions("end-idle");
    assert_ne!(again.id, idle.id, "a new producer");
}
