//! What configurations come out of files, environments and command lines.

use crate::config::advice::{advertised_address_warning, internal_topics};
use crate::config::broker::definitions;
use crate::config::broker::Roles;
use crate::config::listeners::Address;
use crate::config::load::{load, LoadError, Loaded, Sources};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::PathBuf;

fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

fn from_environment(pairs: &[(&str, &str)]) -> Result<Loaded, LoadError> {
    load(&Sources { environment: environment(pairs), ..Sources::default() })
}

fn from_file(text: &str, pairs: &[(&str, &str)], overrides: &[&str]) -> Result<Loaded, LoadError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("server.properties");
    std::fs::write(&path, text).unwrap();
    load(&Sources {
        defaults: None,
        properties: Some(path),
        environment: environment(pairs),
        overrides: overrides.iter().map(|text| text.to_string()).collect(),
    })
}

fn addresses(loaded: &Loaded) -> Vec<(String, String, String)> {
    let listeners = loaded.config.listeners.all().iter();
    listeners.map(|one| (one.name.clone(), one.bind.to_string(), one.advertised.to_string())).collect()
}

fn triple(name: &str, bind: &str, advertised: &str) -> (String, String, String) {
    (name.into(), bind.into(), advertised.into())
}

#[test]
fn nothing_said_is_one_node_for_this_machine() {
    let loaded = load(&Sources::default()).unwrap();
    let config = &loaded.config;
    assert_eq!(loaded.warnings, Vec::<String>::new());
    assert_eq!((config.node_id, config.roles), (1, Roles { broker: true, controller: true }));
    assert_eq!(config.log.log_dirs, [PathBuf::from("./data")]);
    assert_eq!(config.quorum.metadata_log_dir, PathBuf::from("./data"));
    assert_eq!(config.quorum.voters.len(), 1);
    assert_eq!(config.groups.group_initial_rebalance_delay_ms, 3000);
    assert!(config.is_lone_node());
    let expected = [
        triple("PLAINTEXT", "localhost:9092", "localhost:9092"),
        triple("CONTROLLER", "localhost:9093", "localhost:9093"),
    ];
    assert_eq!(addresses(&loaded), expected);
    assert_eq!(config.listeners.clients().count(), 1);
    assert_eq!(config.listeners.inter_broker().unwrap().name, "PLAINTEXT");
}

#[test]
fn the_later_layer_holds() {
    let file = "num.partitions=2\ndefault.replication.factor=2\nmin.insync.replicas=2\nnum.partitions=3\n";
    let variables = [("KAFKA_DEFAULT_REPLICATION_FACTOR", "4"), ("KAFKA_MIN_INSYNC_REPLICAS", "4")];
    let loaded = from_file(file, &variables, &["min.insync.replicas=5", "min.insync.replicas = 6"]).unwrap();
    assert_eq!(loaded.config.topics.num_partitions, 3);
    assert_eq!(loaded.config.topics.default_replication_factor, 4);
    assert_eq!(loaded.config.topic_config(&BTreeMap::new()).min_insync_replicas, 6);
}

#[test]
fn node_id_zero_works_and_must_agree_with_broker_id() {
    assert_eq!(from_environment(&[("KAFKA_NODE_ID", "0")]).unwrap().config.node_id, 0);
    assert_eq!(from_environment(&[("KAFKA_BROKER_ID", "0")]).unwrap().config.node_id, 0);
    assert_eq!(from_environment(&[("KAFKA_BROKER_ID", "7"), ("KAFKA_NODE_ID", "7")]).unwrap().config.node_id, 7);
    let error = from_environment(&[("KAFKA_BROKER_ID", "7"), ("KAFKA_NODE_ID", "8")]).unwrap_err().to_string();
    assert!(error.contains("node.id=8") && error.contains("broker.id=7"), "{error}");
    let loaded = from_environment(&[("KAFKA_BROKER_ID", "7")]).unwrap();
    assert_eq!(loaded.config.quorum.voters[0].id, 7, "the lone node votes for itself");
}

#[test]
fn a_bad_value_names_key_value_range_and_origin() {
    let error = from_environment(&[("KAFKA_NUM_PARTITIONS", "0")]).unwrap_err().to_string();
    assert_eq!(
        error,
        "Invalid value 0 for configuration num.partitions: Value must be at least 1 (allowed: INT, at least 1) [from \
         environment variable KAFKA_NUM_PARTITIONS]"
    );
    let error = from_file("num.partitions=many", &[], &[]).unwrap_err().to_string();
    assert!(error.starts_with("Invalid value many for configuration num.partitions: Not a number of type INT"));
    assert!(error.contains("server.properties"), "{error}");
    assert!(from_file("", &[], &["nonsense"]).unwrap_err().to_string().contains("expected key=value"));
}

#[test]
fn unknown_keys_warn_once_each_and_are_not_fatal() {
    let variables = [("KAFKA_CONFLUENT_METRICS_ENABLE", "false"), ("KAFKA_HEAP_OPTS", "-Xmx1G"), ("HOME", "/root")];
    let loaded = from_file("my.key=1\nmy.key=2\nlistener.name.plaintext.sasl.jaas.config=x", &variables, &[]).unwrap();
    assert_eq!(loaded.warnings.len(), 2, "{:?}", loaded.warnings);
    assert!(loaded.warnings[0].contains("confluent.metrics.enable"));
    assert!(loaded.warnings[1].contains("my.key"));
}

#[test]
fn the_images_usual_environment_is_honoured() {
    let loaded = from_environment(&[
        ("CLUSTER_ID", "5L6g3nShT-eMCtK--X86sw"),
        ("KAFKA_NODE_ID", "1"),
        ("KAFKA_PROCESS_ROLES", "broker,controller"),
        ("KAFKA_LISTENERS", "PLAINTEXT://broker:29092,CONTROLLER://broker:29093,PLAINTEXT_HOST://0.0.0.0:9092,"),
        ("KAFKA_ADVERTISED_LISTENERS", "PLAINTEXT://broker:29092,PLAINTEXT_HOST://localhost:9092,"),
        ("KAFKA_LISTENER_SECURITY_PROTOCOL_MAP", "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PLAINTEXT_HOST:PLAINTEXT"),
        ("KAFKA_INTER_BROKER_LISTENER_NAME", "PLAINTEXT"),
        ("KAFKA_CONTROLLER_LISTENER_NAMES", "CONTROLLER"),
        ("KAFKA_CONTROLLER_QUORUM_VOTERS", "1@broker:29093"),
        ("KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR", "1"),
        ("KAFKA_LOG_FLUSH_INTERVAL_MESSAGES", "9223372036854775807"),
        ("KAFKA_LOG_DIRS", "/tmp/kraft-combined-logs"),
    ])
    .unwrap();
    let expected = [
        triple("PLAINTEXT", "broker:29092", "broker:29092"),
        triple("CONTROLLER", "broker:29093", "broker:29093"),
        triple("PLAINTEXT_HOST", "0.0.0.0:9092", "localhost:9092"),
    ];
    assert_eq!(addresses(&loaded), expected);
    assert_eq!(loaded.cluster_id.as_deref(), Some("5L6g3nShT-eMCtK--X86sw"));
    assert_eq!(loaded.warnings, Vec::<String>::new());
    let clients: Vec<&str> = loaded.config.listeners.clients().map(|listener| listener.name.as_str()).collect();
    assert_eq!(clients, ["PLAINTEXT", "PLAINTEXT_HOST"], "CONTROLLER is hidden");
}

#[test]
fn a_controller_entry_among_the_advertised_ones_is_tolerated() {
    let loaded = from_environment(&[
        ("KAFKA_LISTENERS", "PLAINTEXT://:9092,CONTROLLER://:9093"),
        ("KAFKA_ADVERTISED_LISTENERS", "PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093"),
    ])
    .unwrap();
    assert_eq!(loaded.config.listeners.clients().count(), 1);
    assert_eq!(loaded.config.listeners.by_name("controller").unwrap().advertised.port, 9093);
}

#[test]
fn some_keys_leave_the_other_defaults_standing() {
    let loaded = from_environment(&[("KAFKA_NUM_PARTITIONS", "3")]).unwrap();
    assert_eq!(loaded.config.topics.num_partitions, 3);
    assert_eq!(addresses(&loaded).len(), 2);
    assert_eq!(loaded.config.node_id, 1);
    assert_eq!(loaded.config.log.log_dirs, [PathBuf::from("/tmp/kafka-logs")], "Kafka's own, for a node configured");
}

#[test]
fn listeners_that_are_not_given_are_the_advertised_ones_everywhere() {
    let advertised = ("KAFKA_ADVERTISED_LISTENERS", "PLAINTEXT://example.org:19092");
    assert_eq!(
        addresses(&from_environment(&[advertised, ("KAFKA_LISTENERS", "")]).unwrap()),
        [triple("PLAINTEXT", "0.0.0.0:19092", "example.org:19092")]
    );
}

#[test]
fn zookeeper_composes_start_as_one_combined_node() {
    let loaded = from_environment(&[
        ("KAFKA_BROKER_ID", "1"),
        ("KAFKA_ZOOKEEPER_CONNECT", "localhost:2181"),
        ("KAFKA_LISTENERS", "PLAINTEXT://0.0.0.0:9093,BROKER://0.0.0.0:9092"),
        ("KAFKA_ADVERTISED_LISTENERS", "PLAINTEXT://localhost:32768,BROKER://172.17.0.2:9092,"),
        ("KAFKA_LISTENER_SECURITY_PROTOCOL_MAP", "BROKER:PLAINTEXT,PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"),
        ("KAFKA_INTER_BROKER_LISTENER_NAME", "BROKER"),
    ])
    .unwrap();
    assert_eq!(loaded.config.roles, Roles { broker: true, controller: true });
    assert!(loaded.config.is_lone_node());
    assert_eq!(loaded.config.listeners.inter_broker().unwrap().name, "BROKER");
    assert_eq!(loaded.warnings.len(), 2, "ZooKeeper, and the replication factor of 3: {:?}", loaded.warnings);
}

#[test]
fn listeners_without_host_and_ipv6_ones_are_understood() {
    let loaded = from_environment(&[
        ("KAFKA_LISTENERS", "PLAINTEXT://:9092,SIX://[::1]:9094,MY-OWN_1://10.0.0.5:9095"),
        ("KAFKA_LISTENER_SECURITY_PROTOCOL_MAP", "PLAINTEXT:PLAINTEXT,SIX:PLAINTEXT,my-own_1:plaintext"),
    ])
    .unwrap();
    let binds: Vec<Address> = loaded.config.listeners.all().iter().map(|one| one.bind.clone()).collect();
    let address = |host: &str, port| Address { host: host.into(), port };
    assert_eq!(binds, [address("", 9092), address("::1", 9094), address("10.0.0.5", 9095)]);
    let first = &loaded.config.listeners.all()[0];
    assert!(!first.advertised.host.is_empty(), "the host's own name is advertised");
    assert_eq!(loaded.config.listeners.all()[1].advertised.to_string(), "[::1]:9094");
}

#[test]
fn the_wildcard_address_is_not_advertised() {
    for variables in [
        [("KAFKA_LISTENERS", "PLAINTEXT://0.0.0.0:9092"), ("KAFKA_ADVERTISED_LISTENERS", "PLAINTEXT://0.0.0.0:9092")],
        [("KAFKA_LISTENERS", "PLAINTEXT://0.0.0.0:9092"), ("KAFKA_ADVERTISED_LISTENERS", "")],
        [("KAFKA_LISTENERS", "PLAINTEXT://[::]:9092"), ("KAFKA_ADVERTISED_LISTENERS", "")],
    ] {
        let error = from_environment(&variables).unwrap_err().to_string();
        assert!(error.contains("advertised.listeners cannot use the nonroutable meta-address"), "{error}");
    }
}

#[test]
fn contradictory_listeners_are_refused_with_their_key() {
    let cases = [
        (vec![("KAFKA_LISTENERS", "PLAINTEXT")], "Unable to parse PLAINTEXT to a broker endpoint"),
        (vec![("KAFKA_LISTENERS", "PLAINTEXT://a:b")], "Unable to parse"),
        (vec![("KAFKA_LISTENERS", "A://:9092")], "No security protocol defined for listener A"),
        (vec![("KAFKA_LISTENERS", "PLAINTEXT://:1,PLAINTEXT://:2")], "must have a different name"),
        (vec![("KAFKA_LISTENERS", "PLAINTEXT://:9092,CONTROLLER://:9092")], "must have a different port"),
        (
            vec![("KAFKA_LISTENERS", "PLAINTEXT://:9092"), ("KAFKA_ADVERTISED_LISTENERS", "SSL://x:9093")],
            "advertised.listeners names SSL",
        ),
        (vec![("KAFKA_LISTENERS", "CONTROLLER://:9093")], "at least one listener that is not a controller's"),
        (vec![("KAFKA_LISTENERS", "SASL_SSL://:9092")], "asks for SASL_SSL, which Klamm does not serve yet"),
        (vec![("KAFKA_INTER_BROKER_LISTENER_NAME", "X"), ("KAFKA_LISTENERS", "PLAINTEXT://:9092")], "valid options"),
    ];
    for (variables, expected) in cases {
        let error = from_environment(&variables).unwrap_err().to_string();
        assert!(error.contains(expected), "{variables:?}: {error}");
    }
}

#[test]
fn an_authorizer_that_is_not_enforced_stops_the_start() {
    let authorizer = ("KAFKA_AUTHORIZER_CLASS_NAME", "org.apache.kafka.metadata.authorizer.StandardAuthorizer");
    assert!(from_environment(&[authorizer]).unwrap_err().to_string().contains("authorizer.class.name"));
    assert!(from_environment(&[authorizer, ("KAFKA_ALLOW_EVERYONE_IF_NO_ACL_FOUND", "true")]).is_ok());
}

#[test]
fn internal_topics_get_one_replica_on_a_lone_node_with_a_warning() {
    let lone = from_file("listeners=PLAINTEXT://localhost:9092\nnode.id=1\n", &[], &[]).unwrap();
    let topics = internal_topics(&lone.config);
    assert_eq!(topics.offsets_replication_factor, 1);
    assert_eq!(topics.warnings, lone.warnings);
    assert!(lone.warnings[0].contains("offsets.topic.replication.factor is 3"), "{:?}", lone.warnings);
    let voters =
        "controller.quorum.voters=1@a:9093,2@b:9093,3@c:9093\nlisteners=PLAINTEXT://a:9092,CONTROLLER://a:9093";
    let cluster = from_file(voters, &[], &[]).unwrap();
    assert_eq!(internal_topics(&cluster.config).offsets_replication_factor, 3);
    assert!(cluster.warnings.is_empty());
}

#[test]
fn quorum_and_roles_must_agree() {
    let base = "listeners=PLAINTEXT://a:9092,CONTROLLER://a:9093\ncontroller.quorum.voters=1@a:9093,2@b:9093\n";
    let error = from_file(&format!("{base}node.id=3"), &[], &[]).unwrap_err().to_string();
    assert!(error.contains("the node id 3 must be included in the set of voters"), "{error}");
    let broker = "process.roles=broker\nlisteners=PLAINTEXT://a:9092\ncontroller.quorum.voters=1@a:9093\n";
    assert!(from_file(&format!("{broker}node.id=2"), &[], &[]).is_ok());
    assert!(from_file(&format!("{broker}node.id=1"), &[], &[]).is_err());
    assert!(from_file("controller.quorum.voters=1-a:9093", &[], &[]).is_err());
}

#[test]
fn retention_takes_the_finest_unit_that_is_given() {
    let retention =
        |text: &str| from_file(text, &[], &[]).map(|l| l.config.topic_config(&BTreeMap::new()).retention_ms);
    assert_eq!(retention("").unwrap(), 604_800_000);
    assert_eq!(retention("log.retention.hours=2").unwrap(), 7_200_000);
    assert_eq!(retention("log.retention.hours=2\nlog.retention.minutes=3").unwrap(), 180_000);
    assert_eq!(retention("log.retention.hours=2\nlog.retention.minutes=3\nlog.retention.ms=4").unwrap(), 4);
    assert_eq!(retention("log.retention.hours=-1").unwrap(), -1);
    assert!(retention("log.retention.ms=0").unwrap_err().to_string().contains("log.retention.ms=0 must be unlimited"));
}

#[test]
fn a_client_that_came_by_another_address_is_reported() {
    let loaded = load(&Sources::default()).unwrap();
    let listener = &loaded.config.listeners.all()[0];
    let warning = advertised_address_warning(listener, "10.0.0.5".parse().unwrap()).unwrap();
    assert!(warning.contains("advertised.listeners") && warning.contains("localhost:9092"), "{warning}");
    assert_eq!(advertised_address_warning(listener, "127.0.0.1".parse().unwrap()), None);
    assert_eq!(advertised_address_warning(listener, "::1".parse().unwrap()), None);
    assert_eq!(advertised_address_warning(listener, "::ffff:127.0.0.1".parse().unwrap()), None);
    let mut named = listener.clone();
    named.advertised.host = "broker.example.org".into();
    assert_eq!(advertised_address_warning(&named, "10.0.0.5".parse().unwrap()), None);
    named.advertised.host = "10.0.0.6".into();
    assert!(advertised_address_warning(&named, "10.0.0.5".parse().unwrap()).is_some());
}

#[test]
fn the_images_defaults_hold_where_neither_file_nor_environment_speaks() {
    let image = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config/container/server.properties");
    let start = |pairs: &[(&str, &str)]| {
        load(&Sources { defaults: Some(image.clone()), environment: environment(pairs), ..Sources::default() }).unwrap()
    };
    let silent = start(&[]);
    let expected = [triple("PLAINTEXT", ":9092", "localhost:9092")];
    assert_eq!(addresses(&silent)[..1], expected);
    assert_eq!(silent.config.log.log_dirs, [PathBuf::from("/tmp/kraft-combined-logs")]);
    assert_eq!(silent.warnings, Vec::<String>::new());
    let some = start(&[("KAFKA_NUM_PARTITIONS", "3")]);
    assert_eq!(addresses(&some)[..1], expected, "merged, not dropped");
    assert_eq!(some.config.log.log_dirs, [PathBuf::from("/tmp/kafka-logs")], "as in the image of Kafka");
    assert_eq!(some.warnings, Vec::<String>::new());
    let other = start(&[("KAFKA_NODE_ID", "3"), ("KAFKA_LISTENERS", "PLAINTEXT://a:1,CONTROLLER://0.0.0.0:2")]);
    assert_eq!((other.config.quorum.voters[0].id, other.config.quorum.voters[0].port), (3, 2));
    let controller = other.config.listeners.by_name("CONTROLLER").unwrap();
    assert_ne!(controller.advertised.host, "0.0.0.0", "a controller's wildcard stands for this host");
}

/// The environment of `compose.yaml`, read from it.
#[test]
fn the_compose_file_starts() {
    let compose = include_str!("../../../compose.yaml");
    let variables: Vec<(&str, &str)> = compose
        .lines()
        .skip_while(|line| line.trim() != "environment:")
        .skip(1)
        .map(|line| line.trim().split_once(": ").unwrap())
        .map(|(name, value)| (name, value.trim_matches('\'')))
        .collect();
    let loaded = from_environment(&variables).unwrap();
    assert_eq!(loaded.warnings, Vec::<String>::new());
    assert_eq!(loaded.cluster_id.as_deref(), Some("4L6g3nShT-eMCtK--X86sw"));
    assert_eq!(loaded.config.listeners.clients().count(), 2);
    assert_eq!(loaded.config.listeners.inter_broker().unwrap().advertised.to_string(), "broker:19092");
}

proptest! {
    #[test]
    fn no_value_of_any_key_panics(
        keys in proptest::collection::vec(any::<proptest::sample::Index>(), 1..6),
        values in proptest::collection::vec(
            prop_oneof!["\\PC{0,12}", "[A-Z]{1,4}://[a-z:.\\[\\]0-9]{0,12}:[0-9]{0,6}", "-?[0-9]{0,20}", "[a-z,:@ ]{0,12}"],
            6,
        ),
    ) {
        let names: Vec<&str> = definitions().map(|def| def.name).collect();
        let overrides: Vec<String> =
            keys.iter().zip(values).map(|(key, value)| format!("{}={value}", key.get(&names))).collect();
        if let Ok(loaded) = load(&Sources { overrides, ..Sources::default() }) {
            prop_assert!(!loaded.config.log.log_dirs.is_empty());
            let _ = loaded.config.values.describe();
        }
    }
}
