//! The tables, the judgements and DescribeConfigs against what Apache Kafka 4.3.1 itself gives. The files under
//! `testdata/kafka-4.3.1-*` were written by Kafka's own classes and by its `kafka-configs.sh`.

use crate::config::broker_table::{definition, definitions, Scope};
use crate::config::definition::{parse, ConfigError};
use crate::config::describe::Described;
use crate::config::topic::{self, describe, validate_all};
use crate::config::topic_table;
use crate::config::values::{describe_all_brokers, judge_alteration, BrokerValues};
use std::collections::BTreeMap;

fn rows(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect())
}

fn text_map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

#[test]
fn k1_the_tables_are_kafkas() {
    let (mut topics, mut brokers) = (0, 0);
    for row in rows(include_str!("../testdata/kafka-4.3.1-keys.tsv")) {
        let [level, name, kind, default, scope, internal] = row[..] else { panic!("{row:?}") };
        if level == "topic" {
            let def = topic_table::definition(name).unwrap_or_else(|| panic!("{name} is missing"));
            assert_eq!((def.kind.name(), def.default), (kind, default), "{name}");
            topics += 1;
            continue;
        }
        let def = definition(name).unwrap_or_else(|| panic!("{name} is missing"));
        let ours = match def.scope {
            Scope::ReadOnly => "read-only",
            Scope::PerBroker => "per-broker",
            Scope::ClusterWide => "cluster-wide",
        };
        let expected = (kind, default, scope, internal == "internal");
        assert_eq!((def.kind.name(), def.default.unwrap_or("-"), ours, def.internal), expected, "{name}");
        brokers += 1;
    }
    assert_eq!(topic_table::TABLE.len(), topics + 1, "flush.before.ack is the only topic setting of Klamm's own");
    let own = definitions().filter(|def| def.name.starts_with("klamm.")).count();
    assert_eq!(definitions().count(), brokers + own);
}

#[test]
fn k4_k5_values_are_judged_as_kafka_judges_them() {
    let mut judged = 0;
    for row in rows(include_str!("../testdata/kafka-4.3.1-values.tsv")) {
        let [name, value, verdict, expected] = row[..] else { panic!("{row:?}") };
        let (kind, check) = match (topic_table::definition(name), definition(name)) {
            (Some(def), _) => (def.kind, def.check),
            (None, Some(def)) => (def.kind, def.check),
            _ => panic!("{name} is missing"),
        };
        let (ours, text) = match parse(name, value, kind, check) {
            Ok(value) => ("ok", value.text()),
            Err(error) => ("refused", error.to_string()),
        };
        assert_eq!((ours, text.as_str()), (verdict, expected), "{name}={value:?}");
        judged += 1;
    }
    assert!(judged > 900);
}

#[test]
fn k4_a_topics_values_are_judged_together() {
    let judge = |pairs: &[(&str, &str)]| validate_all(&text_map(pairs)).map_err(|error| error.to_string());
    assert_eq!(judge(&[("nosuch", "1")]), Err("Unknown topic config name: nosuch".into()));
    assert_eq!(judge(&[("a.b", "1"), ("retention.ms", "x")]), Err("Unknown topic config name: a.b".into()));
    assert_eq!(
        judge(&[("min.compaction.lag.ms", "5"), ("max.compaction.lag.ms", "4")]),
        Err("conflict topic config setting min.compaction.lag.ms (5) > max.compaction.lag.ms (4)".into())
    );
    assert_eq!(judge(&[("flush.before.ack", "true"), ("cleanup.policy", "")]), Ok(()));
    assert_eq!(topic::validate("segment.bytes", "1048576"), Ok(()));
    assert!(matches!(topic::validate("message.format.version", "3.0"), Err(ConfigError::UnknownTopicConfig(_))));
}

/// The line of `kafka-configs.sh --describe`.
fn line(described: &Described) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "null".into());
    let synonyms: Vec<String> = described
        .synonyms
        .iter()
        .map(|synonym| format!("{}:{}={}", synonym.source.name(), synonym.name, text(&synonym.value)))
        .collect();
    format!(
        "  {}={} sensitive={} synonyms={{{}}}",
        described.name,
        text(&described.value),
        described.sensitive,
        synonyms.join(", ")
    )
}

fn assert_described(described: &[Described], kafkas: &str, own: &[&str]) {
    let ours: Vec<String> =
        described.iter().filter(|one| !own.iter().any(|own| one.name.starts_with(own))).map(line).collect();
    let expected: Vec<&str> = kafkas.lines().skip(1).collect();
    for (ours, expected) in ours.iter().zip(&expected) {
        assert_eq!(ours, expected);
    }
    assert_eq!(ours.len(), expected.len());
}

/// The properties of the broker that the recorded descriptions come from.
const RECORDED: &str = "process.roles=broker,controller
node.id=1
broker.id=1
listeners=PLAINTEXT://127.0.0.1:19792,CONTROLLER://127.0.0.1:19793
advertised.listeners=PLAINTEXT://127.0.0.1:19792
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
controller.quorum.voters=1@127.0.0.1:19793
log.dirs=/tmp/cfg/kafka/data
offsets.topic.replication.factor=1
log.retention.hours=100
log.segment.bytes=536870912
num.io.threads=2
ssl.keystore.password=secret
my.unknown.key=abc
log.cleanup.policy=compact,delete
";

fn recorded() -> BrokerValues {
    let pairs = crate::config::properties::parse_properties(RECORDED.as_bytes()).unwrap();
    BrokerValues::new(pairs.into_iter().collect())
}

#[test]
fn k2_a_topic_is_described_as_kafka_describes_it() {
    let all_brokers = text_map(&[("min.insync.replicas", "1")]);
    let before = recorded().altered(all_brokers.clone(), BTreeMap::new());
    let kafkas = include_str!("../testdata/kafka-4.3.1-describe-topic-1.txt");
    assert_described(&describe(&BTreeMap::new(), &before), kafkas, &["flush.before.ack"]);

    let all_brokers =
        text_map(&[("log.cleaner.threads", "3"), ("message.max.bytes", "3000"), ("min.insync.replicas", "1")]);
    let this_broker = text_map(&[("log.segment.bytes", "2097152"), ("log.cleaner.threads", "2")]);
    let after = recorded().altered(all_brokers, this_broker);
    let overrides = text_map(&[("retention.ms", "1000"), ("max.message.bytes", "2000")]);
    let kafkas = include_str!("../testdata/kafka-4.3.1-describe-topic-2.txt");
    assert_described(&describe(&overrides, &after), kafkas, &["flush.before.ack"]);
}

#[test]
fn k2_k3_a_broker_is_described_as_kafka_describes_it() {
    let all_brokers =
        text_map(&[("log.cleaner.threads", "3"), ("message.max.bytes", "3000"), ("min.insync.replicas", "1")]);
    let this_broker = text_map(&[("log.segment.bytes", "2097152"), ("log.cleaner.threads", "2")]);
    let values = recorded().altered(all_brokers.clone(), this_broker);
    assert_described(&values.describe(), include_str!("../testdata/kafka-4.3.1-describe-broker.txt"), &["klamm."]);
    let kafkas = include_str!("../testdata/kafka-4.3.1-describe-default.txt");
    assert_described(&describe_all_brokers(&all_brokers), kafkas, &[]);
}

#[test]
fn k3_only_dynamic_keys_can_be_altered_each_in_its_scope() {
    let judge = |name, value, one| judge_alteration(name, Some(value), one).map_err(|error| error.to_string());
    assert!(judge("node.id", "2", true).unwrap_err().contains("Cannot update these configs dynamically"));
    assert!(judge("ssl.keystore.location", "/x", false).unwrap_err().contains("broker id must be specified"));
    assert_eq!(judge("ssl.keystore.location", "/x", true), Ok(()));
    assert!(judge("listeners", "PLAINTEXT://:1", true).unwrap_err().contains("takes a restart"));
    assert_eq!(judge("log.retention.ms", "5", false), Ok(()));
    assert_eq!(judge_alteration("log.retention.ms", None, false), Ok(()));
    assert!(judge("log.retention.ms", "x", false).unwrap_err().starts_with("Invalid value x for configuration"));
    assert!(judge("listener.name.plaintext.ssl.keystore.location", "/x", false).is_err());
    assert_eq!(judge("listener.name.plaintext.ssl.keystore.location", "/x", true), Ok(()));
    assert_eq!(judge("some.plugin.key", "x", true), Ok(()));
}
