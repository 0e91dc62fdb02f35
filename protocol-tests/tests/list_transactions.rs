//! ListTransactions (key 66), versions 0–2.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{ListTransactionsRequest, ProducerId};
use protocol_tests::{error, text, Broker};
use std::time::Duration;

#[test]
fn x2_every_version_and_filter() {
    let broker = Broker::start();
    let mut client = broker.connect();
    let topic = client.create_topic("list", 1, &[]).name;
    let idle = client.init_transactions("app-idle");
    let open = client.init_transactions("app-open");
    assert_eq!(client.partitions_in_txn(5, &open, false, (&topic, &[0])), [None]);
    let ended = client.init_transactions("other-ended");
    assert_eq!(client.partitions_in_txn(5, &ended, false, (&topic, &[0])), [None]);
    client.end_txn(&ended, true).expect("it ends");
    client.await_transaction("other-ended", "CompleteCommit");
    let (a, b, c) = (("app-idle", "Empty"), ("app-open", "Ongoing"), ("other-ended", "CompleteCommit"));

    let mut list = |version: i16, request: ListTransactionsRequest, expected: &[(&str, &str)]| {
        let found = client.list_transactions(version, &request);
        let found: Vec<_> = found.iter().map(|(id, state)| (&**id, &**state)).collect();
        assert_eq!(found, expected, "version {version}: {request:?}");
    };
    let all = ListTransactionsRequest::default;
    for version in 0..=2 {
        list(version, all(), &[a, b, c]);
        list(version, all().with_state_filters(vec![text("Ongoing"), text("Empty")]), &[a, b]);
        list(version, all().with_producer_id_filters(vec![ProducerId(idle.id)]), &[a]);
        let neither =
            all().with_producer_id_filters(vec![ProducerId(idle.id)]).with_state_filters(vec![text("Ongoing")]);
        list(version, neither, &[]);
    }
    std::thread::sleep(Duration::from_millis(20));
    for version in 1..=2 {
        let ongoing = all().with_state_filters(vec![text("Ongoing")]);
        list(version, ongoing.clone().with_duration_filter(10), &[b]);
        list(version, ongoing.with_duration_filter(3_600_000), &[]);
    }
    let pattern = |pattern| all().with_transactional_id_pattern(pattern);
    list(2, pattern(Some(text("app-.*"))), &[a, b]);
    list(2, pattern(Some(text("app"))), &[]);
    list(2, pattern(Some(text(""))), &[a, b, c]);
    list(2, pattern(None), &[a, b, c]);

    let unknown = all().with_state_filters(vec![text("Ongoing"), text("Undecided"), text("Dead")]);
    let response = client.call(2, &unknown);
    assert_eq!(error(response.error_code), None);
    assert_eq!(response.unknown_state_filters, [text("Undecided")]);
    assert_eq!(response.transaction_states.len(), 1);
    let response = client.call(2, &pattern(Some(text("("))));
    assert_eq!(error(response.error_code), Some(ResponseError::InvalidRegularExpression));
}

#[test]
fn x2_without_any_transactional_id_nothing_is_listed() {
    let broker = Broker::start();
    let mut client = broker.connect();
    for version in 0..=2 {
        assert!(client.list_transactions(version, &ListTransactionsRequest::default()).is_empty());
    }
}
