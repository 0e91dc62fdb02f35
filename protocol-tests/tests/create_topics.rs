//! CreateTopics (key 19), versions 2–7.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::create_topics_request::{CreatableReplicaAssignment, CreatableTopic};
use kafka_protocol::messages::create_topics_response::CreatableTopicResult;
use kafka_protocol::messages::{BrokerId, CreateTopicsRequest};
use protocol_tests::topics::{creatable, metadata_request};
use protocol_tests::{error, shared, text, Broker, Client};
use uuid::Uuid;

fn create(
    client: &mut Client,
    version: i16,
    topics: Vec<CreatableTopic>,
    validate_only: bool,
) -> Vec<CreatableTopicResult> {
    let request =
        CreateTopicsRequest::default().with_topics(topics).with_timeout_ms(30_000).with_validate_only(validate_only);
    client.call(version, &request).topics
}

fn exists(client: &mut Client, name: &str) -> bool {
    error(client.describe_topic(name).error_code).is_none()
}

#[test]
fn m11_every_version_creates_a_topic_that_is_there_at_once() {
    let mut client = shared().connect();
    for version in 2..=7 {
        let name = format!("create-{version}");
        let results = create(&mut client, version, vec![creatable(&name, 3, &[("retention.ms", "1234567")])], false);
        let result = &results[0];
        assert_eq!((error(result.error_code), result.name.as_str()), (None, &*name), "{:?}", result.error_message);
        let described = client.describe_topic(&name);
        assert_eq!((error(described.error_code), described.partitions.len()), (None, 3), "version {version}");
        assert!(described.partitions.iter().all(|partition| error(partition.error_code).is_none()));
        if version >= 5 {
            assert_eq!((result.num_partitions, result.replication_factor), (3, 1));
            let configs = result.configs.as_ref().expect("the settings");
            let retention = configs.iter().find(|config| &*config.name == "retention.ms").unwrap();
            assert_eq!((retention.value.as_deref(), retention.config_source), (Some("1234567"), 1));
            let segment = configs.iter().find(|config| &*config.name == "segment.bytes").unwrap();
            assert_eq!((segment.value.as_deref(), segment.config_source), (Some("1073741824"), 5));
        }
        if version >= 7 {
            assert_eq!(result.topic_id, described.topic_id);
            assert!(!result.topic_id.is_nil());
        }
    }
}

#[test]
fn m11_minus_one_stands_for_the_brokers_default() {
    let broker = Broker::with(&["num.partitions=5"]);
    let mut client = broker.connect();
    let topic = creatable("create-default", -1, &[]).with_replication_factor(-1);
    let results = create(&mut client, 7, vec![topic], false);
    assert_eq!((error(results[0].error_code), results[0].num_partitions, results[0].replication_factor), (None, 5, 1));
}

#[test]
fn m11_assignments_are_taken_as_they_are() {
    let mut client = shared().connect();
    let node = client.call(12, &metadata_request(12, &[])).brokers[0].node_id;
    let assign = |indexes: &[i32], broker: BrokerId| {
        let one = |index: &i32| {
            CreatableReplicaAssignment::default().with_partition_index(*index).with_broker_ids(vec![broker])
        };
        creatable("create-assigned", -1, &[])
            .with_replication_factor(-1)
            .with_assignments(indexes.iter().map(one).collect())
    };
    let refused = ResponseError::InvalidReplicaAssignment;
    for (what, topic) in [
        ("a gap", assign(&[0, 2], node)),
        ("not from 0", assign(&[1], node)),
        ("an unknown broker", assign(&[0], BrokerId(node.0 + 1000))),
        ("twice the same broker", {
            let mut topic = assign(&[0], node);
            topic.assignments[0].broker_ids.push(node);
            topic
        }),
    ] {
        let results = create(&mut client, 7, vec![topic], false);
        assert_eq!(error(results[0].error_code), Some(refused), "{what}: {:?}", results[0].error_message);
    }
    assert!(!exists(&mut client, "create-assigned"));
    let results = create(&mut client, 7, vec![assign(&[0, 1, 2], node)], false);
    assert_eq!((error(results[0].error_code), results[0].num_partitions), (None, 3));
}

#[test]
fn m11_each_refusal_has_its_own_error_and_leaves_no_trace() {
    let mut client = shared().connect();
    client.create_topic("create-exists", 1, &[]);
    client.create_topic("create.dotted_name", 1, &[]);
    let sized_and_assigned = creatable("create-bad", 1, &[])
        .with_assignments(vec![CreatableReplicaAssignment::default().with_broker_ids(vec![BrokerId(1)])]);
    let long = "x".repeat(250);
    let cases = [
        (creatable("create-exists", 1, &[]), ResponseError::TopicAlreadyExists),
        (creatable("create-bad", 0, &[]), ResponseError::InvalidPartitions),
        (creatable("create-bad", -2, &[]), ResponseError::InvalidPartitions),
        (creatable("create-bad", i32::MIN, &[]), ResponseError::InvalidPartitions),
        (creatable("create-bad", 1, &[]).with_replication_factor(2), ResponseError::InvalidReplicationFactor),
        (creatable("create-bad", 1, &[]).with_replication_factor(0), ResponseError::InvalidReplicationFactor),
        (creatable("create-bad", 1, &[]).with_replication_factor(-2), ResponseError::InvalidReplicationFactor),
        (sized_and_assigned, ResponseError::InvalidRequest),
        (creatable("create-bad", 1, &[("no.such.key", "1")]), ResponseError::InvalidConfig),
        (creatable("create-bad", 1, &[("retention.ms", "soon")]), ResponseError::InvalidConfig),
        (creatable("create-bad", 1, &[("segment.bytes", "1")]), ResponseError::InvalidConfig),
        (creatable("create-bad", 1, &[("cleanup.policy", "shred")]), ResponseError::InvalidConfig),
        (creatable("", 1, &[]), ResponseError::InvalidTopicException),
        (creatable(".", 1, &[]), ResponseError::InvalidTopicException),
        (creatable("..", 1, &[]), ResponseError::InvalidTopicException),
        (creatable("a b", 1, &[]), ResponseError::InvalidTopicException),
        (creatable("a/b", 1, &[]), ResponseError::InvalidTopicException),
        (creatable(&long, 1, &[]), ResponseError::InvalidTopicException),
        (creatable("create_dotted.name", 1, &[]), ResponseError::InvalidTopicException),
        (creatable("create-bad", 10_001, &[]), ResponseError::PolicyViolation),
        (creatable("create-bad", i32::MAX, &[]), ResponseError::PolicyViolation),
    ];
    for (topic, why) in cases {
        for validate_only in [true, false] {
            let (name, partitions) = (topic.name.clone(), topic.num_partitions);
            let results = create(&mut client, 7, vec![topic.clone()], validate_only);
            let result = &results[0];
            assert_eq!(error(result.error_code), Some(why), "{name:?} × {partitions}: {:?}", result.error_message);
            assert_eq!((&result.name, result.topic_id), (&name, Uuid::nil()));
            assert!(result.error_message.is_some());
        }
    }
    assert!(!exists(&mut client, "create-bad"));
}

#[test]
fn m11_duplicates_in_a_request_are_refused_and_others_made() {
    let mut client = shared().connect();
    let topics = ["create-twice", "create-once", "create-twice"].map(|name| creatable(name, 1, &[])).to_vec();
    let results = create(&mut client, 7, topics, false);
    let mut seen: Vec<_> = results.iter().map(|result| (result.name.as_str(), error(result.error_code))).collect();
    seen.sort_by_key(|(name, _)| *name);
    seen.dedup();
    assert_eq!(seen, [("create-once", None), ("create-twice", Some(ResponseError::InvalidRequest))]);
    assert!(exists(&mut client, "create-once") && !exists(&mut client, "create-twice"));
}

#[test]
fn m11_validate_only_changes_nothing() {
    let mut client = shared().connect();
    for version in 2..=7 {
        let results = create(&mut client, version, vec![creatable("create-validated", 2, &[])], true);
        assert_eq!(error(results[0].error_code), None, "version {version}: {:?}", results[0].error_message);
        if version >= 5 {
            assert_eq!((results[0].num_partitions, results[0].replication_factor), (2, 1));
        }
    }
    assert!(!exists(&mut client, "create-validated"));
}

#[test]
fn m11_topics_and_settings_survive_a_kill() {
    let mut broker = Broker::start();
    let mut client = broker.connect();
    let made = client.create_topic("create-killed", 3, &[("retention.ms", "999000")]);
    broker.kill_and_restart();
    let mut client = broker.connect();
    let found = client.describe_topic("create-killed");
    assert_eq!((found.topic_id, found.partitions.len()), (made.id, 3));
    let results = create(&mut client, 7, vec![creatable("create-killed", 3, &[])], false);
    assert_eq!(error(results[0].error_code), Some(ResponseError::TopicAlreadyExists));
    let resource = kafka_protocol::messages::describe_configs_request::DescribeConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(text("create-killed"))
        .with_configuration_keys(Some(vec![text("retention.ms")]));
    let request = kafka_protocol::messages::DescribeConfigsRequest::default().with_resources(vec![resource]);
    let described = client.call(4, &request);
    assert_eq!(described.results[0].configs[0].value.as_deref(), Some("999000"));
}
