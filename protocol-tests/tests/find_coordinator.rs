//! FindCoordinator (key 10), versions 0–6.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::FindCoordinatorRequest;
use protocol_tests::{error, eventually, shared, text, Broker};

#[test]
fn g1_the_first_question_makes_the_topic() {
    let broker = Broker::with(&["offsets.topic.num.partitions=3"]);
    let mut client = broker.connect();
    let request = FindCoordinatorRequest::default().with_key(text("g"));
    eventually("a coordinator", || {
        let response = client.call(3, &request);
        let why = error(response.error_code);
        assert!(matches!(why, None | Some(ResponseError::CoordinatorNotAvailable)), "{why:?}");
        why.is_none().then_some(())
    });
    let topic = client.describe_topic("__consumer_offsets");
    assert_eq!((error(topic.error_code), topic.partitions.len(), topic.is_internal), (None, 3, true));
}

#[test]
fn g1_every_version_names_the_broker() {
    let broker = shared();
    let mut client = broker.connect();
    client.find_coordinator("g");
    let port = i32::from(broker.address().port());
    for version in 0..=3 {
        let response = client.call(version, &FindCoordinatorRequest::default().with_key(text("g")));
        assert_eq!((error(response.error_code), &*response.host, response.port), (None, "127.0.0.1", port));
    }
    for version in 4..=6 {
        let keys = ["g", "another", "ключ", ""];
        let request = FindCoordinatorRequest::default().with_coordinator_keys(keys.map(text).to_vec());
        let response = client.call(version, &request);
        let found: Vec<_> = response.coordinators.iter().map(|one| &*one.key).collect();
        assert_eq!(found, keys, "version {version}");
        for coordinator in &response.coordinators[..3] {
            assert_eq!((error(coordinator.error_code), &*coordinator.host), (None, "127.0.0.1"));
            assert_eq!(coordinator.port, port);
        }
    }
}

#[test]
fn g1_other_kinds_of_coordinators() {
    let mut client = shared().connect();
    for (version, kind, why) in [(1, 7, ResponseError::InvalidRequest), (3, -1, ResponseError::InvalidRequest)] {
        let request = FindCoordinatorRequest::default().with_key_type(kind);
        let request = match version >= 4 {
            true => request.with_coordinator_keys(vec![text("k")]),
            false => request.with_key(text("k")),
        };
        let response = client.call(version, &request);
        let code = response.coordinators.first().map_or(response.error_code, |one| one.error_code);
        assert_eq!(error(code), Some(why), "version {version}, kind {kind}");
    }
}

#[test]
fn x1_the_first_question_makes_the_topic_of_transactions() {
    let broker = Broker::with(&["transaction.state.log.num.partitions=3"]);
    let mut client = broker.connect();
    client.find_transaction_coordinator("t");
    let topic = client.describe_topic("__transaction_state");
    assert_eq!((error(topic.error_code), topic.partitions.len(), topic.is_internal), (None, 3, true));
    let port = i32::from(broker.address().port());
    for version in 1..=3 {
        let request = FindCoordinatorRequest::default().with_key(text("t")).with_key_type(1);
        let response = client.call(version, &request);
        assert_eq!((error(response.error_code), response.port), (None, port), "version {version}");
    }
    for version in 4..=6 {
        let keys = vec![text("t"), text("another")];
        let request = FindCoordinatorRequest::default().with_key_type(1).with_coordinator_keys(keys);
        let response = client.call(version, &request);
        let found: Vec<_> = response.coordinators.iter().map(|one| (error(one.error_code), one.port)).collect();
        assert_eq!(found, [(None, port), (None, port)], "version {version}");
    }
}

#[test]
fn s5_a_share_partition_has_a_coordinator() {
    let broker = shared();
    let mut client = broker.connect();
    let topic = client.create_topic("find-share-coordinator", 1, &[]);
    client.find_share_coordinator("g", &topic);
    let described = client.describe_topic("__share_group_state");
    assert_eq!((described.partitions.len(), described.is_internal), (50, true));
    let keys = ["g", "g:0", ":AAECAwQFBgcICQoLDA0ODw:0", "g:AAECAwQFBgcICQoLDA0ODw:x"].map(text).to_vec();
    let request = FindCoordinatorRequest::default().with_key_type(2).with_coordinator_keys(keys);
    for coordinator in client.call(6, &request).coordinators {
        assert_eq!(error(coordinator.error_code), Some(ResponseError::InvalidRequest), "{}", coordinator.key);
    }
}
