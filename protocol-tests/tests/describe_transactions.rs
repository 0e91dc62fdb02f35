//! DescribeTransactions (key 65), version 0.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::DescribeTransactionsRequest;
use protocol_tests::transactions::{transactional_id, TRANSACTION_TIMEOUT_MS};
use protocol_tests::{error, shared};

#[test]
fn x2_every_id_answers_for_itself() {
    let mut client = shared().connect();
    let topics = ["describe-a", "describe-b"].map(|name| client.create_topic(name, 2, &[]).name);
    let idle = client.init_transactions("describe-idle");
    let open = client.init_transactions("describe-open");
    for topic in &topics {
        assert_eq!(client.partitions_in_txn(5, &open, false, (topic, &[1, 0])), [None, None]);
    }
    let ids = ["describe-open", "describe-none", "", "describe-idle"];
    let request = DescribeTransactionsRequest::default().with_transactional_ids(ids.map(transactional_id).to_vec());
    let states = client.call(0, &request).transaction_states;
    let whys: Vec<_> = states.iter().map(|state| (&**state.transactional_id, error(state.error_code))).collect();
    let (unknown, invalid) = (ResponseError::TransactionalIdNotFound, ResponseError::InvalidRequest);
    assert_eq!(whys, [(ids[0], None), (ids[1], Some(unknown)), (ids[2], Some(invalid)), (ids[3], None)]);

    let found = &states[0];
    assert_eq!((&*found.transaction_state, found.transaction_timeout_ms), ("Ongoing", TRANSACTION_TIMEOUT_MS));
    assert_eq!((found.producer_id.0, found.producer_epoch), (open.id, open.epoch));
    assert!(found.transaction_start_time_ms > 1_600_000_000_000);
    let partitions: Vec<_> = found.topics.iter().map(|topic| (&**topic.topic, &*topic.partitions)).collect();
    assert_eq!(partitions, [("describe-a", &[0, 1][..]), ("describe-b", &[0, 1][..])]);
    let found = &states[3];
    assert_eq!((&*found.transaction_state, found.transaction_start_time_ms), ("Empty", -1));
    assert_eq!((found.producer_id.0, found.producer_epoch), (idle.id, idle.epoch));
    assert!(found.topics.is_empty());
    assert!(client.call(0, &DescribeTransactionsRequest::default()).transaction_states.is_empty());
}
