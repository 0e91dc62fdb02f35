//! Topic settings: judged as Kafka judges them, resolved against the broker's values, and described as Kafka's tools
//! expect (K1, K2).
//!
//! A topic's own value is strongest; then the broker keys behind the setting, in the order of its synonyms; then
//! Kafka's default.

use super::definition::{parse, ConfigError, Value};
use super::describe::{Described, Source, Synonym};
use super::topic_table::{definition, TopicConfigDef};
use super::values::BrokerValues;
use std::collections::BTreeMap;

pub use super::topic_table::{BrokerSynonym, TopicConfigDef as Definition, TABLE};

/// What compression a topic's batches are stored with (`compression.type` and its levels).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompressionType {
    /// As the producer sent them.
    Producer,
    /// Not compressed.
    Uncompressed,
    /// gzip at this level; -1 is the library's default.
    Gzip(i32),
    /// snappy.
    Snappy,
    /// LZ4 at this level.
    Lz4(i32),
    /// zstd at this level.
    Zstd(i32),
}

/// `cleanup.policy`. Neither means: keep for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CleanupPolicy {
    /// Drop what is past retention.
    pub delete: bool,
    /// Keep the last record of each key.
    pub compact: bool,
}

/// A topic's settings, resolved. Milliseconds and bytes as the names say; -1 stands for "no limit" where Kafka uses it.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)] // the fields are the settings of the table, whose documentation stands there
pub struct TopicConfig {
    pub cleanup_policy: CleanupPolicy,
    pub compression_type: CompressionType,
    pub delete_retention_ms: i64,
    pub file_delete_delay_ms: i64,
    pub flush_before_ack: bool,
    pub flush_messages: i64,
    pub flush_ms: i64,
    pub follower_replication_throttled_replicas: Vec<String>,
    pub index_interval_bytes: i32,
    pub leader_replication_throttled_replicas: Vec<String>,
    pub local_retention_bytes: i64,
    pub local_retention_ms: i64,
    pub max_compaction_lag_ms: i64,
    pub max_message_bytes: i32,
    pub message_timestamp_after_max_ms: i64,
    pub message_timestamp_before_max_ms: i64,
    pub log_append_time: bool,
    pub min_cleanable_dirty_ratio: f64,
    pub min_compaction_lag_ms: i64,
    pub min_insync_replicas: i32,
    pub preallocate: bool,
    pub remote_storage_enable: bool,
    pub retention_bytes: i64,
    pub retention_ms: i64,
    pub segment_bytes: i32,
    pub segment_index_bytes: i32,
    pub segment_jitter_ms: i64,
    pub segment_ms: i64,
    pub unclean_leader_election_enable: bool,
}

/// Judges one value of one setting.
pub fn validate(name: &str, value: &str) -> Result<(), ConfigError> {
    let def = definition(name).ok_or_else(|| ConfigError::UnknownTopicConfig(name.to_string()))?;
    parse(def.name, value, def.kind, def.check).map(|_| ())
}

/// Judges all of a topic's own values, also against one another. Names are judged before values, as in Kafka.
pub fn validate_all(overrides: &BTreeMap<String, String>) -> Result<(), ConfigError> {
    if let Some(unknown) = overrides.keys().find(|name| definition(name).is_none()) {
        return Err(ConfigError::UnknownTopicConfig(unknown.clone()));
    }
    for (name, value) in overrides {
        validate(name, value)?;
    }
    let lag = |name: &str| match definition(name) {
        Some(def) => parse(name, overrides.get(name).map_or(def.default, |text| text), def.kind, def.check),
        None => Ok(Value::Integer(0)),
    };
    if let (Value::Integer(least), Value::Integer(most)) =
        (lag("min.compaction.lag.ms")?, lag("max.compaction.lag.ms")?)
    {
        if least > most {
            return Err(ConfigError::Rule(format!(
                "conflict topic config setting min.compaction.lag.ms ({least}) > max.compaction.lag.ms ({most})"
            )));
        }
    }
    Ok(())
}

/// A setting's value: the topic's, else the broker's, else Kafka's default. A stored value that is not permitted (it
/// cannot have passed [`validate`]) counts as absent.
fn resolve(def: &TopicConfigDef, overrides: &BTreeMap<String, String>, broker: &BrokerValues) -> Value {
    let own = overrides.get(def.name).and_then(|text| parse(def.name, text, def.kind, def.check).ok());
    own.or_else(|| from_broker(def, broker)).unwrap_or_else(|| {
        parse(def.name, def.default, def.kind, def.check).expect("defaults satisfy their own checks: a test says so")
    })
}

fn from_broker(def: &TopicConfigDef, broker: &BrokerValues) -> Option<Value> {
    def.broker_synonyms.iter().find_map(|synonym| match broker.value(synonym.name)? {
        // Negative times mean "no limit" in every unit.
        Value::Integer(number) if synonym.factor > 1 && number < 0 => Some(Value::Integer(-1)),
        Value::Integer(number) => Some(Value::Integer(number.saturating_mul(synonym.factor))),
        other => Some(other),
    })
}

struct Resolver<'a> {
    overrides: &'a BTreeMap<String, String>,
    broker: &'a BrokerValues,
}

impl Resolver<'_> {
    fn value(&self, name: &str) -> Value {
        resolve(definition(name).expect("only names of the table are asked for"), self.overrides, self.broker)
    }

    fn long(&self, name: &str) -> i64 {
        match self.value(name) {
            Value::Integer(number) => number,
            other => unreachable!("{name} is a number in the table, not {other:?}"),
        }
    }

    fn int(&self, name: &str) -> i32 {
        self.long(name) as i32
    }

    fn boolean(&self, name: &str) -> bool {
        self.value(name) == Value::Boolean(true)
    }

    fn list(&self, name: &str) -> Vec<String> {
        match self.value(name) {
            Value::List(values) => values,
            other => unreachable!("{name} is a list in the table, not {other:?}"),
        }
    }

    fn compression(&self) -> CompressionType {
        match self.value("compression.type").text().as_str() {
            "uncompressed" => CompressionType::Uncompressed,
            "gzip" => CompressionType::Gzip(self.int("compression.gzip.level")),
            "snappy" => CompressionType::Snappy,
            "lz4" => CompressionType::Lz4(self.int("compression.lz4.level")),
            "zstd" => CompressionType::Zstd(self.int("compression.zstd.level")),
            _ => CompressionType::Producer,
        }
    }

    fn cleanup_policy(&self) -> CleanupPolicy {
        let words = self.list("cleanup.policy");
        let has = |word: &str| words.iter().any(|w| w == word);
        CleanupPolicy { delete: has("delete"), compact: has("compact") }
    }
}

impl TopicConfig {
    /// Resolves a topic's settings from its own values and the broker's.
    pub fn from_values(overrides: &BTreeMap<String, String>, broker: &BrokerValues) -> Self {
        let from = Resolver { overrides, broker };
        TopicConfig {
            cleanup_policy: from.cleanup_policy(),
            compression_type: from.compression(),
            delete_retention_ms: from.long("delete.retention.ms"),
            file_delete_delay_ms: from.long("file.delete.delay.ms"),
            flush_before_ack: from.boolean("flush.before.ack"),
            flush_messages: from.long("flush.messages"),
            flush_ms: from.long("flush.ms"),
            follower_replication_throttled_replicas: from.list("follower.replication.throttled.replicas"),
            index_interval_bytes: from.int("index.interval.bytes"),
            leader_replication_throttled_replicas: from.list("leader.replication.throttled.replicas"),
            local_retention_bytes: from.long("local.retention.bytes"),
            local_retention_ms: from.long("local.retention.ms"),
            max_compaction_lag_ms: from.long("max.compaction.lag.ms"),
            max_message_bytes: from.int("max.message.bytes"),
            message_timestamp_after_max_ms: from.long("message.timestamp.after.max.ms"),
            message_timestamp_before_max_ms: from.long("message.timestamp.before.max.ms"),
            log_append_time: from.value("message.timestamp.type").text() == "LogAppendTime",
            min_cleanable_dirty_ratio: match from.value("min.cleanable.dirty.ratio") {
                Value::Real(ratio) => ratio,
                other => unreachable!("a ratio in the table, not {other:?}"),
            },
            min_compaction_lag_ms: from.long("min.compaction.lag.ms"),
            min_insync_replicas: from.int("min.insync.replicas"),
            preallocate: from.boolean("preallocate"),
            remote_storage_enable: from.boolean("remote.storage.enable"),
            retention_bytes: from.long("retention.bytes"),
            retention_ms: from.long("retention.ms"),
            segment_bytes: from.int("segment.bytes"),
            segment_index_bytes: from.int("segment.index.bytes"),
            segment_jitter_ms: from.long("segment.jitter.ms"),
            segment_ms: from.long("segment.ms"),
            unclean_leader_election_enable: from.boolean("unclean.leader.election.enable"),
        }
    }
}

/// Every setting of a topic as DescribeConfigs shows it, by name.
pub fn describe(overrides: &BTreeMap<String, String>, broker: &BrokerValues) -> Vec<Described> {
    TABLE.iter().map(|def| describe_one(def, overrides, broker)).collect()
}

fn describe_one(def: &TopicConfigDef, overrides: &BTreeMap<String, String>, broker: &BrokerValues) -> Described {
    let value = resolve(def, overrides, broker).text();
    let names: Vec<&str> = def.broker_synonyms.iter().map(|synonym| synonym.name).collect();
    let mut synonyms = broker.synonyms(&names, names.first().unwrap_or(&""), false);
    if overrides.contains_key(def.name) {
        synonyms.insert(0, Synonym { name: def.name.into(), value: Some(value.clone()), source: Source::Topic });
    }
    Described {
        name: def.name.into(),
        value: Some(value),
        source: synonyms.first().map_or(Source::Default, |strongest| strongest.source),
        synonyms,
        kind: Some(def.kind),
        doc: def.doc,
        read_only: false,
        sensitive: false,
    }
}
