//! AddOffsetsToTxn (key 25), versions 0–4.

use kafka_protocol::error::ResponseError;
use protocol_tests::shared;
use protocol_tests::transactions::TransactionalProducer;

#[test]
fn x5_every_version_adds_the_groups_partition() {
    let mut client = shared().connect();
    client.find_coordinator("add-offsets");
    for version in 0..=4 {
        let producer = client.init_transactions(&format!("add-offsets-{version}"));
        assert_eq!(client.add_offsets_to_txn(version, &producer, "add-offsets"), None, "version {version}");
        let state = client.describe_transaction(&producer.transactional_id);
        assert_eq!(&*state.transaction_state, "Ongoing");
        let topics: Vec<_> = state.topics.iter().map(|topic| (&**topic.topic, topic.partitions.len())).collect();
        assert_eq!(topics, [("__consumer_offsets", 1)]);
    }
}

#[test]
fn x5_producers_that_are_refused() {
    let mut client = shared().connect();
    let producer = client.init_transactions("add-offsets-refused");
    for version in 0..=4 {
        let mut ask = |producer: &TransactionalProducer| client.add_offsets_to_txn(version, producer, "g");
        let fenced = if version >= 2 { ResponseError::ProducerFenced } else { ResponseError::InvalidProducerEpoch };
        assert_eq!(ask(&producer.at(9)), Some(fenced), "version {version}");
        let other = TransactionalProducer { id: producer.id + 500, ..producer.clone() };
        assert_eq!(ask(&other), Some(ResponseError::InvalidProducerIdMapping));
        let empty = TransactionalProducer { transactional_id: String::new(), ..producer.clone() };
        assert_eq!(ask(&empty), Some(ResponseError::InvalidRequest));
    }
    assert_eq!(&*client.describe_transaction("add-offsets-refused").transaction_state, "Empty");
}
