//! The broker's configuration, typed: every key that Klamm honours, read once from its text.
//!
//! The fields carry the names of their keys; what a key does stands in its table ([`super::broker_table`]).

use super::definition::ConfigError;
use super::listeners::Listeners;
use super::reader::Reader;
use super::shares::ShareSettings;
use super::topic::TopicConfig;
use super::values::BrokerValues;
use crate::ids::NodeId;
use std::collections::BTreeMap;
use std::path::PathBuf;

pub use super::broker_table::{definition, definitions, BrokerConfigDef, Effect, Scope};

/// What a node is (`process.roles`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles {
    /// It keeps partitions and serves clients.
    pub broker: bool,
    /// It is a voter of the metadata quorum.
    pub controller: bool,
}

/// A voter of the metadata quorum (`controller.quorum.voters`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voter {
    /// Its `node.id`.
    pub id: NodeId,
    /// Where its controller listener is reached.
    pub host: String,
    /// The port there.
    pub port: u16,
}

/// How Produce validates compressed batches (`klamm.produce.validation`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProduceValidation {
    /// Decompress and check record by record, as Kafka does.
    Records,
    /// Trust the batch header.
    Header,
}

/// The configuration of a node.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // the fields are the keys of the tables, whose documentation stands there
pub struct BrokerConfig {
    pub node_id: NodeId,
    pub roles: Roles,
    pub broker_rack: Option<String>,
    pub listeners: Listeners,
    pub log: LogSettings,
    pub topics: TopicSettings,
    pub network: NetworkSettings,
    pub quotas: QuotaKeys,
    pub groups: GroupSettings,
    pub transactions: TransactionSettings,
    pub shares: ShareSettings,
    pub quorum: QuorumSettings,
    pub klamm: KlammSettings,
    /// Every value as text with its origin, for DescribeConfigs and for topic settings.
    pub values: BrokerValues,
}

/// Keys of the log room that hold for the whole node; the rest are topic settings.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct LogSettings {
    pub log_dirs: Vec<PathBuf>,
    pub retention_check_interval_ms: i64,
    pub producer_id_expiration_ms: i64,
    pub producer_id_expiration_check_interval_ms: i64,
    pub recovery_threads_per_data_dir: usize,
    pub cleaner: CleanerSettings,
}

/// Keys of the log cleaner, without `log.cleaner.`.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct CleanerSettings {
    pub enable: bool,
    pub threads: usize,
    pub backoff_ms: i64,
    pub dedupe_buffer_size: u64,
    pub io_buffer_load_factor: f64,
    pub io_buffer_size: usize,
    pub io_max_bytes_per_second: f64,
}

/// Keys about topics and requests.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct TopicSettings {
    pub auto_create_topics_enable: bool,
    pub num_partitions: i32,
    pub default_replication_factor: i16,
    pub delete_topic_enable: bool,
    pub fetch_max_bytes: i32,
    pub max_incremental_fetch_session_cache_slots: usize,
    pub max_request_partition_size_limit: i32,
}

/// Keys about sockets and connections. Buffer sizes are `None` where the system's default is asked for (-1).
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct NetworkSettings {
    pub socket_request_max_bytes: i32,
    pub socket_listen_backlog_size: u32,
    pub socket_send_buffer_bytes: Option<u32>,
    pub socket_receive_buffer_bytes: Option<u32>,
    pub connections_max_idle_ms: i64,
    pub max_connections: usize,
    pub max_connections_per_ip: usize,
    /// Host or address to limit.
    pub max_connections_per_ip_overrides: BTreeMap<String, usize>,
}

/// Keys about quotas.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct QuotaKeys {
    pub window_num: u32,
    pub window_size_seconds: u32,
    pub controller_window_num: u32,
    pub controller_window_size_seconds: u32,
    pub max_connection_creation_rate: i32,
}

/// Keys about groups and their offsets.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct GroupSettings {
    pub offsets_topic_num_partitions: i32,
    pub offsets_topic_replication_factor: i16,
    pub offsets_topic_segment_bytes: i32,
    pub offsets_retention_minutes: i32,
    pub offsets_retention_check_interval_ms: i64,
    pub offsets_commit_timeout_ms: i32,
    pub offset_metadata_max_bytes: i32,
    pub group_min_session_timeout_ms: i32,
    pub group_max_session_timeout_ms: i32,
    pub group_initial_rebalance_delay_ms: i32,
    pub group_max_size: usize,
    /// Whether `group.coordinator.rebalance.protocols` has `consumer`.
    pub consumer_protocol_enable: bool,
    pub consumer: ConsumerGroupSettings,
}

/// Keys about consumer groups: `group.consumer.…`.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct ConsumerGroupSettings {
    pub session_timeout_ms: i32,
    pub min_session_timeout_ms: i32,
    pub max_session_timeout_ms: i32,
    pub heartbeat_interval_ms: i32,
    pub min_heartbeat_interval_ms: i32,
    pub max_heartbeat_interval_ms: i32,
    pub assignment_interval_ms: i32,
    pub min_assignment_interval_ms: i32,
    pub max_assignment_interval_ms: i32,
    pub max_size: usize,
    pub assignors: Vec<String>,
    pub migration_policy: String,
    pub regex_refresh_interval_ms: i32,
}

/// Keys about transactions.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct TransactionSettings {
    pub transaction_state_log_num_partitions: i32,
    pub transaction_state_log_replication_factor: i16,
    pub transaction_state_log_min_isr: i32,
    pub transaction_state_log_segment_bytes: i32,
    pub transaction_max_timeout_ms: i32,
    pub transaction_abort_timed_out_transaction_cleanup_interval_ms: i32,
    pub transactional_id_expiration_ms: i32,
    pub transaction_remove_expired_transaction_cleanup_interval_ms: i32,
    pub request_timeout_ms: i32,
    pub add_partitions_to_txn_retry_backoff_ms: i32,
    pub add_partitions_to_txn_retry_backoff_max_ms: i32,
}

/// Keys about the metadata quorum and the brokers' registration.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct QuorumSettings {
    /// Empty where the quorum is found by `bootstrap_servers`.
    pub voters: Vec<Voter>,
    /// Host and port.
    pub bootstrap_servers: Vec<(String, u16)>,
    pub election_timeout_ms: i32,
    pub metadata_log_dir: PathBuf,
    pub max_record_bytes_between_snapshots: i64,
    pub broker_session_timeout_ms: i32,
    pub broker_heartbeat_interval_ms: i32,
}

/// Klamm's own keys.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct KlammSettings {
    pub produce_validation: ProduceValidation,
    /// Host and port; `None` serves no HTTP.
    pub http_listener: Option<(String, u16)>,
    pub log_filter: String,
    /// 0 is one per processor.
    pub data_threads: usize,
    pub tail_cache_bytes: usize,
    pub open_segment_files_max: usize,
    pub requests_in_processing_max_bytes: usize,
    pub producer_ids_per_partition_max: usize,
    pub parked_replies_max: usize,
}

/// The server-side assignors by their names, and by Kafka's classes.
const ASSIGNORS: [&str; 4] = [
    "uniform",
    "range",
    "org.apache.kafka.coordinator.group.assignor.UniformAssignor",
    "org.apache.kafka.coordinator.group.assignor.RangeAssignor",
];

impl BrokerConfig {
    /// Reads the typed configuration out of values that are complete (see `load`), judging what hangs together.
    pub fn from_values(values: BrokerValues) -> Result<Self, ConfigError> {
        values.judge()?;
        let from = Reader(&values);
        let roles = from.roles();
        let log_dirs = from.log_dirs();
        let config = BrokerConfig {
            node_id: from.node_id()?,
            roles,
            broker_rack: from.text("broker.rack").filter(|rack| !rack.is_empty()),
            listeners: Listeners::from_values(&values, roles)?,
            log: from.log(log_dirs.clone()),
            topics: from.topics(),
            network: from.network()?,
            quotas: from.quotas(),
            groups: from.groups(),
            transactions: from.transactions(),
            shares: ShareSettings::read(&from),
            quorum: from.quorum(&log_dirs)?,
            klamm: from.klamm()?,
            values,
        };
        config.judge()?;
        Ok(config)
    }

    /// The same node after alterations at run time; what is read-only keeps its value. See [`BrokerValues::altered`].
    pub fn altered(
        &self,
        all_brokers: BTreeMap<String, String>,
        this_broker: BTreeMap<String, String>,
    ) -> Result<Self, ConfigError> {
        Self::from_values(self.values.altered(all_brokers, this_broker))
    }

    /// A topic's settings on this broker, from the topic's own values.
    pub fn topic_config(&self, overrides: &BTreeMap<String, String>) -> TopicConfig {
        TopicConfig::from_values(overrides, &self.values)
    }

    /// Whether this node is the whole cluster: both roles, and no other voter.
    pub fn is_lone_node(&self) -> bool {
        let others = self.quorum.voters.iter().any(|voter| voter.id != self.node_id);
        self.roles.broker && self.roles.controller && !others && self.quorum.bootstrap_servers.len() <= 1
    }

    fn judge(&self) -> Result<(), ConfigError> {
        let rule = |holds: bool, text: &str| match holds {
            true => Ok(()),
            false => Err(ConfigError::Rule(format!("requirement failed: {text}"))),
        };
        let retention_ms = self.topic_config(&BTreeMap::new()).retention_ms;
        rule(
            retention_ms >= 1 || retention_ms == -1,
            &format!("log.retention.ms={retention_ms} must be unlimited (-1) or, equal or greater than 1"),
        )?;
        rule(
            self.groups.group_min_session_timeout_ms <= self.groups.group_max_session_timeout_ms,
            &format!(
                "group.max.session.timeout.ms={} must be greater than or equals to group.min.session.timeout.ms={}",
                self.groups.group_max_session_timeout_ms, self.groups.group_min_session_timeout_ms
            ),
        )?;
        self.judge_consumer_groups()?;
        rule(
            self.quorum.broker_heartbeat_interval_ms <= self.quorum.broker_session_timeout_ms / 2,
            &format!(
                "broker.heartbeat.interval.ms={} must be at most half of broker.session.timeout.ms={}",
                self.quorum.broker_heartbeat_interval_ms, self.quorum.broker_session_timeout_ms
            ),
        )?;
        let voter = self.quorum.voters.iter().find(|voter| voter.id == self.node_id);
        rule(
            !self.roles.controller || self.quorum.voters.is_empty() || voter.is_some(),
            &format!(
                "If process.roles contains the 'controller' role, the node id {} must be included in the set of \
                 voters controller.quorum.voters={:?}",
                self.node_id,
                self.quorum.voters.iter().map(|voter| voter.id).collect::<Vec<_>>()
            ),
        )?;
        rule(
            self.roles.controller || voter.is_none(),
            &format!(
                "If process.roles contains just the 'broker' role, the node id {} must not be included in the set of \
                 voters controller.quorum.voters={:?}",
                self.node_id,
                self.quorum.voters.iter().map(|voter| voter.id).collect::<Vec<_>>()
            ),
        )
    }

    /// Bounds that must hold each other, in Kafka's words.
    fn judge_consumer_groups(&self) -> Result<(), ConfigError> {
        let of = &self.groups.consumer;
        let bounds = [
            ("session.timeout", of.min_session_timeout_ms, of.session_timeout_ms, of.max_session_timeout_ms),
            (
                "heartbeat.interval",
                of.min_heartbeat_interval_ms,
                of.heartbeat_interval_ms,
                of.max_heartbeat_interval_ms,
            ),
            (
                "assignment.interval",
                of.min_assignment_interval_ms,
                of.assignment_interval_ms,
                of.max_assignment_interval_ms,
            ),
        ];
        let refuse = |text: String| Err(ConfigError::Rule(format!("requirement failed: {text}")));
        for (name, min, value, max) in bounds {
            let key = |bound: &str| format!("group.consumer.{bound}{name}.ms");
            if max < min {
                return refuse(format!("{} must be greater than or equal to {}", key("max."), key("min.")));
            }
            if value < min {
                return refuse(format!("{} must be greater than or equal to {}", key(""), key("min.")));
            }
            if value > max {
                return refuse(format!("{} must be less than or equal to {}", key(""), key("max.")));
            }
        }
        if let Some(name) = of.assignors.iter().find(|name| !ASSIGNORS.contains(&name.as_str())) {
            let why = format!("Class {name} cannot be found");
            return Err(ConfigError::invalid("group.consumer.assignors", name, why));
        }
        match of.heartbeat_interval_ms < of.session_timeout_ms {
            true => Ok(()),
            false => refuse(
                "group.consumer.heartbeat.interval.ms must be less than group.consumer.session.timeout.ms".into(),
            ),
        }
    }
}
