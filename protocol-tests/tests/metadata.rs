//! Metadata (key 3), versions 0–13.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{MetadataRequest, MetadataResponse};
use protocol_tests::topics::metadata_request;
use protocol_tests::{error, eventually, shared, topic_name, Broker};
use uuid::Uuid;

const VERSIONS: std::ops::RangeInclusive<i16> = 0..=13;
/// What stands where no operations were asked for.
const NOT_ASKED: i32 = i32::MIN;

fn names(response: &MetadataResponse) -> Vec<&str> {
    response.topics.iter().map(|topic| topic.name.as_ref().map_or("", |name| name.as_str())).collect()
}

#[test]
fn m1_every_version_names_the_broker_the_cluster_and_the_controller() {
    let broker = shared();
    let mut client = broker.connect();
    let made = client.create_topic("metadata-versions", 3, &[]);
    for version in VERSIONS {
        let response = client.call(version, &metadata_request(version, &["metadata-versions"]));
        assert_eq!((response.throttle_time_ms, error(response.error_code)), (0, None));
        let node = &response.brokers[0];
        assert_eq!(response.brokers.len(), 1);
        assert_eq!((&*node.host, node.port), ("127.0.0.1", i32::from(broker.address().port())));
        if version >= 1 {
            assert_eq!((response.controller_id, &node.rack), (node.node_id, &None));
        }
        if version >= 2 {
            let id = response.cluster_id.expect("a cluster id");
            assert_eq!(id.len(), 22);
            assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'), "{id:?}");
        }
        let topic = &response.topics[0];
        assert_eq!((error(topic.error_code), topic.is_internal), (None, false));
        assert_eq!(topic.name.as_ref().unwrap().as_str(), "metadata-versions");
        assert_eq!(topic.topic_id, if version >= 10 { made.id } else { Uuid::nil() });
        let indexes: Vec<i32> = topic.partitions.iter().map(|partition| partition.partition_index).collect();
        assert_eq!(indexes, [0, 1, 2]);
        for partition in &topic.partitions {
            assert_eq!((error(partition.error_code), partition.leader_id), (None, node.node_id));
            assert_eq!((&partition.replica_nodes, &partition.isr_nodes), (&vec![node.node_id], &vec![node.node_id]));
            assert!(partition.offline_replicas.is_empty());
            assert!(version < 7 || partition.leader_epoch >= 0);
        }
    }
}

#[test]
fn m2_null_is_all_and_empty_is_none_but_in_version_0() {
    let mut client = shared().connect();
    client.create_topic("metadata-all-1", 1, &[]);
    client.create_topic("metadata-all-2", 1, &[]);
    for version in VERSIONS {
        let none = client.call(version, &metadata_request(version, &[]));
        let all = match version {
            0 => none,
            _ => {
                assert_eq!(names(&none), Vec::<&str>::new(), "version {version}");
                assert_eq!(none.brokers.len(), 1);
                client.call(version, &metadata_request(version, &[]).with_topics(None))
            }
        };
        let all = names(&all);
        assert!(all.contains(&"metadata-all-1") && all.contains(&"metadata-all-2"), "version {version}: {all:?}");
    }
}

#[test]
fn m3_unknown_and_illegal_names() {
    let mut client = shared().connect();
    let long = "x".repeat(250);
    for version in VERSIONS.skip(4) {
        let response =
            client.call(version, &metadata_request(version, &["nobody-made-this", "", ".", "..", &long, "a b", "ä"]));
        let errors: Vec<_> = response.topics.iter().map(|topic| error(topic.error_code)).collect();
        let illegal = Some(ResponseError::InvalidTopicException);
        let expected =
            [Some(ResponseError::UnknownTopicOrPartition), illegal, illegal, illegal, illegal, illegal, illegal];
        assert_eq!(errors, expected, "version {version}");
        assert_eq!(names(&response)[0], "nobody-made-this");
        assert!(response.topics.iter().all(|topic| topic.partitions.is_empty()));
    }
    assert_eq!(client.describe_topic(&"x".repeat(249)).error_code, ResponseError::UnknownTopicOrPartition.code());
}

#[test]
fn m4_auto_creation_is_requested_and_answered_as_unknown() {
    let mut client = shared().connect();
    for version in VERSIONS {
        let name = format!("metadata-auto-{version}");
        let ask = metadata_request(version, &[&name]).with_allow_auto_topic_creation(true);
        let first = client.call(version, &ask);
        assert_eq!(
            error(first.topics[0].error_code),
            Some(ResponseError::UnknownTopicOrPartition),
            "version {version}"
        );
        let found = eventually("the topic", || {
            let again = client.call(version, &ask);
            let why = error(again.topics[0].error_code);
            let may = [None, Some(ResponseError::UnknownTopicOrPartition), Some(ResponseError::LeaderNotAvailable)];
            assert!(may.contains(&why), "version {version}: {why:?}");
            (why.is_none()).then(|| again.topics[0].clone())
        });
        assert_eq!(found.partitions.len(), 1, "num.partitions");
    }
}

#[test]
fn m4_no_auto_creation_unless_all_agree() {
    let mut client = shared().connect();
    for version in VERSIONS.skip(4) {
        client.call(version, &metadata_request(version, &["metadata-not-wanted"]));
    }
    // A later creation is a proof that the first requests have had their effect, if they had one.
    client.create_topic("metadata-wanted", 1, &[]);
    let all = client.call(12, &metadata_request(12, &[]).with_topics(None));
    assert!(!names(&all).contains(&"metadata-not-wanted"));
    let broker = Broker::with(&["auto.create.topics.enable=false"]);
    let mut client = broker.connect();
    let ask = metadata_request(12, &["metadata-forbidden"]).with_allow_auto_topic_creation(true);
    assert_eq!(error(client.call(12, &ask).topics[0].error_code), Some(ResponseError::UnknownTopicOrPartition));
    client.create_topic("metadata-wanted", 1, &[]);
    let all = client.call(12, &metadata_request(12, &[]).with_topics(None));
    assert_eq!(names(&all), ["metadata-wanted"]);
}

fn by_id(ids: &[Uuid]) -> MetadataRequest {
    let topics = ids.iter().map(|id| MetadataRequestTopic::default().with_topic_id(*id).with_name(None));
    MetadataRequest::default().with_topics(Some(topics.collect())).with_allow_auto_topic_creation(false)
}

#[test]
fn m5_topics_by_id() {
    let mut client = shared().connect();
    let topic = client.create_topic("metadata-ids", 2, &[]);
    let unknown = Uuid::from_u128(0xdead_beef);
    for version in [12, 13] {
        let response = client.call(version, &by_id(&[topic.id, unknown]));
        let found = &response.topics[0];
        assert_eq!((error(found.error_code), found.partitions.len()), (None, 2), "version {version}");
        assert_eq!(found.name.as_ref().unwrap().as_str(), "metadata-ids");
        let absent = &response.topics[1];
        assert_eq!(error(absent.error_code), Some(ResponseError::UnknownTopicId));
        assert_eq!((&absent.name, absent.topic_id), (&None, unknown));
    }
}

#[test]
fn m5_ids_and_names_do_not_mix_and_ids_need_version_12() {
    let mut client = shared().connect();
    let topic = client.create_topic("metadata-mixed", 1, &[]);
    for version in [10, 11] {
        let named =
            MetadataRequestTopic::default().with_topic_id(topic.id).with_name(Some(topic_name("metadata-mixed")));
        let request = MetadataRequest::default().with_topics(Some(vec![named]));
        let response = client.call(version, &request);
        assert!(response.topics.iter().all(|topic| error(topic.error_code) == Some(ResponseError::InvalidRequest)));
        assert!(!response.topics.is_empty(), "version {version}");
    }
    for version in [12, 13] {
        let mut request = by_id(&[topic.id]);
        let by_name = MetadataRequestTopic::default().with_name(Some(topic_name("metadata-mixed")));
        request.topics.as_mut().unwrap().push(by_name);
        let response = client.call(version, &request);
        assert_eq!(response.topics.len(), 2);
        assert!(response.topics.iter().all(|topic| error(topic.error_code) == Some(ResponseError::InvalidRequest)));
    }
}

#[test]
fn m8_internal_topics_say_so() {
    let mut client = shared().connect();
    client.find_coordinator("metadata-internal");
    for version in VERSIONS.skip(1) {
        let response = client.call(version, &metadata_request(version, &["__consumer_offsets"]));
        assert_eq!((error(response.topics[0].error_code), response.topics[0].is_internal), (None, true));
        assert_eq!(response.topics[0].partitions.len(), 4);
    }
    let all = client.call(12, &metadata_request(12, &[]).with_topics(None));
    let internal =
        all.topics.iter().find(|topic| topic.name.as_ref().is_some_and(|name| name.as_str() == "__consumer_offsets"));
    assert!(internal.is_some_and(|topic| topic.is_internal));
}

#[test]
fn m9_operations_are_told_when_asked_for() {
    let mut client = shared().connect();
    client.create_topic("metadata-operations", 1, &[]);
    for version in 8..=13 {
        let quiet = client.call(version, &metadata_request(version, &["metadata-operations"]));
        assert_eq!(quiet.topics[0].topic_authorized_operations, NOT_ASKED, "version {version}");
        assert!(version > 10 || quiet.cluster_authorized_operations == NOT_ASKED);
        let mut request =
            metadata_request(version, &["metadata-operations"]).with_include_topic_authorized_operations(true);
        request.include_cluster_authorized_operations = version <= 10;
        let told = client.call(version, &request);
        // READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS.
        assert_eq!(told.topics[0].topic_authorized_operations, 0b1101_1111_1000, "version {version}");
        if version <= 10 {
            // CREATE, ALTER, DESCRIBE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE.
            assert_eq!(told.cluster_authorized_operations, 0b1_1111_1010_0000);
        }
    }
}

#[test]
fn each_listener_is_answered_with_its_own_address() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let inner = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let controller = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let broker = Broker::at(
        ([127, 0, 0, 1], port).into(),
        &[
            &format!(
                "listeners=OUTER://127.0.0.1:{port},INNER://127.0.0.1:{inner},CONTROLLER://127.0.0.1:{controller}"
            ),
            "advertised.listeners=OUTER://outer.example:1234,INNER://inner.example:4321",
            "listener.security.protocol.map=OUTER:PLAINTEXT,INNER:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name=INNER",
        ],
    );
    for (port, host, advertised) in [(port, "outer.example", 1234), (inner, "inner.example", 4321)] {
        let mut client = protocol_tests::Client::connect(([127, 0, 0, 1], port).into());
        let response = client.call(12, &metadata_request(12, &[]));
        assert_eq!((&*response.brokers[0].host, response.brokers[0].port), (host, advertised));
    }
    drop(broker);
}
