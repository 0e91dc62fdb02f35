//! AddPartitionsToTxn (key 24), versions 0–5.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTransaction;
use kafka_protocol::messages::{AddPartitionsToTxnRequest, ProducerId};
use protocol_tests::transactions::{partitions_to_add, transactional_id, TransactionalProducer};
use protocol_tests::{error, shared, Client};

/// What clients of versions 0 to 3 ask.
fn request(producer: &TransactionalProducer, topics: &[(&str, &[i32])]) -> AddPartitionsToTxnRequest {
    AddPartitionsToTxnRequest::default()
        .with_v3_and_below_transactional_id(transactional_id(&producer.transactional_id))
        .with_v3_and_below_producer_id(ProducerId(producer.id))
        .with_v3_and_below_producer_epoch(producer.epoch)
        .with_v3_and_below_topics(topics.iter().map(|(topic, indexes)| partitions_to_add(topic, indexes)).collect())
}

type Answer = Vec<(String, Vec<(i32, Option<ResponseError>)>)>;

fn ask(client: &mut Client, version: i16, request: &AddPartitionsToTxnRequest) -> Answer {
    let response = client.call(version, request);
    assert!(response.results_by_transaction.is_empty());
    let topics = response.results_by_topic_v3_and_below.iter().map(|topic| {
        let partitions = topic.results_by_partition.iter();
        let each = partitions.map(|result| (result.partition_index, error(result.partition_error_code)));
        (topic.name.to_string(), each.collect())
    });
    topics.collect()
}

#[test]
fn x5_every_version_of_clients_begins_and_extends_a_transaction() {
    let mut client = shared().connect();
    let topic = client.create_topic("add-versions", 8, &[]).name;
    for version in 0..=3 {
        let producer = client.init_transactions(&format!("add-{version}"));
        let first = ask(&mut client, version, &request(&producer, &[(&topic, &[1, 0])]));
        assert_eq!(first, [(topic.clone(), vec![(1, None), (0, None)])], "version {version}");
        let state = client.describe_transaction(&producer.transactional_id);
        assert_eq!((&*state.transaction_state, &*state.topics[0].partitions), ("Ongoing", &[0, 1][..]));
        let began_ms = state.transaction_start_time_ms;
        ask(&mut client, version, &request(&producer, &[(&topic, &[5, 1])]));
        let state = client.describe_transaction(&producer.transactional_id);
        assert_eq!(&*state.topics[0].partitions, &[0, 1, 5]);
        assert_eq!(state.transaction_start_time_ms, began_ms, "the transaction began before");
    }
}

#[test]
fn x5_producers_that_are_refused() {
    let mut client = shared().connect();
    let topic = client.create_topic("add-refused", 1, &[]).name;
    let producer = client.init_transactions("add-refused");
    let mut refused = |version: i16, producer: &TransactionalProducer| {
        ask(&mut client, version, &request(producer, &[(&topic, &[0])]))[0].1[0].1
    };
    for version in 0..=3 {
        let other = TransactionalProducer { id: producer.id + 500, ..producer.clone() };
        assert_eq!(refused(version, &other), Some(ResponseError::InvalidProducerIdMapping));
        let unknown = TransactionalProducer { transactional_id: "add-nobody".to_owned(), ..producer.clone() };
        assert_eq!(refused(version, &unknown), Some(ResponseError::InvalidProducerIdMapping));
        let empty = TransactionalProducer { transactional_id: String::new(), ..producer.clone() };
        assert_eq!(refused(version, &empty), Some(ResponseError::InvalidRequest));
        let fenced = if version >= 2 { ResponseError::ProducerFenced } else { ResponseError::InvalidProducerEpoch };
        assert_eq!(refused(version, &producer.at(producer.epoch + 1)), Some(fenced), "version {version}");
    }
}

#[test]
fn x5_one_bad_partition_fails_all() {
    let mut client = shared().connect();
    let topic = client.create_topic("add-all", 2, &[]).name;
    let producer = client.init_transactions("add-all");
    let unknown = Some(ResponseError::UnknownTopicOrPartition);
    let skipped = Some(ResponseError::OperationNotAttempted);
    for version in 0..=3 {
        let asked: &[(&str, &[i32])] = &[(&topic, &[0, 2, 1]), ("add-missing", &[0])];
        let answer = ask(&mut client, version, &request(&producer, asked));
        let expected = [
            (topic.clone(), vec![(0, skipped), (2, unknown), (1, skipped)]),
            ("add-missing".to_owned(), vec![(0, unknown)]),
        ];
        assert_eq!(answer, expected, "version {version}");
    }
    assert_eq!(&*client.describe_transaction("add-all").transaction_state, "Empty");
}

#[test]
fn x6_brokers_ask_whether_partitions_are_in_it() {
    let mut client = shared().connect();
    let topic = client.create_topic("add-verify", 3, &[]).name;
    let producer = client.init_transactions("add-verify");
    assert_eq!(client.add_partition_to_txn(&producer, &topic, 1), None);
    for (version, absent) in [(4, ResponseError::InvalidTxnState), (5, ResponseError::TransactionAbortable)] {
        let mut verify = |producer: &TransactionalProducer, partitions: &[i32]| {
            client.partitions_in_txn(version, producer, true, (&topic, partitions))
        };
        assert_eq!(verify(&producer, &[1, 0]), [None, Some(absent)], "version {version}");
        let old = producer.at(producer.epoch + 1);
        assert_eq!(verify(&old, &[1]), [Some(ResponseError::ProducerFenced)]);
        let other = TransactionalProducer { id: producer.id + 500, ..producer.clone() };
        assert_eq!(verify(&other, &[1]), [Some(ResponseError::InvalidProducerIdMapping)]);
    }
    let state = client.describe_transaction("add-verify");
    assert_eq!(&*state.topics[0].partitions, &[1], "asking adds nothing");
}

#[test]
fn x7_brokers_add_partitions_for_many_transactions_at_once() {
    let mut client = shared().connect();
    let topic = client.create_topic("add-batched", 2, &[]).name;
    for version in 4..=5 {
        let producers = ["a", "b"].map(|name| client.init_transactions(&format!("add-batched-{name}-{version}")));
        let fenced = producers[1].at(7);
        let transaction = |producer: &TransactionalProducer, partitions: &[i32]| {
            AddPartitionsToTxnTransaction::default()
                .with_transactional_id(transactional_id(&producer.transactional_id))
                .with_producer_id(ProducerId(producer.id))
                .with_producer_epoch(producer.epoch)
                .with_topics(vec![partitions_to_add(&topic, partitions)])
        };
        let transactions = vec![transaction(&producers[0], &[0, 1]), transaction(&fenced, &[0])];
        let response = client.call(version, &AddPartitionsToTxnRequest::default().with_transactions(transactions));
        assert!(response.results_by_topic_v3_and_below.is_empty());
        let answers: Vec<_> = response
            .results_by_transaction
            .iter()
            .map(|one| {
                let partitions = one.topic_results[0].results_by_partition.iter();
                let each = partitions.map(|result| error(result.partition_error_code));
                (one.transactional_id.to_string(), each.collect::<Vec<_>>())
            })
            .collect();
        let expected = [
            (producers[0].transactional_id.clone(), vec![None, None]),
            (fenced.transactional_id, vec![Some(ResponseError::ProducerFenced)]),
        ];
        assert_eq!(answers, expected, "version {version}");
        assert_eq!(&*client.describe_transaction(&producers[0].transactional_id).topics[0].partitions, &[0, 1]);
    }
}
