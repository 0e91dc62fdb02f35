//! The broker's configuration, typed: every key that Klamm honours, read once from its text.
//!
//! The fields carry the names of their keys; what a key does stands in its table ([`super::broker_table`]).

use super::definition::{ConfigError, Value};
use super::listeners::Listeners;
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
    pub groups: GroupSettings,
    pub quorum: QuorumSettings,
    pub replication: ReplicationSettings,
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
    pub flush_offset_checkpoint_interval_ms: i64,
    pub producer_id_expiration_ms: i64,
    pub producer_id_expiration_check_interval_ms: i64,
    pub recovery_threads_per_data_dir: usize,
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
    pub request_timeout_ms: i32,
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
    /// The words of `group.coordinator.rebalance.protocols`.
    pub rebalance_protocols: Vec<String>,
    pub transaction_max_timeout_ms: i32,
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
    pub fetch_timeout_ms: i32,
    pub request_timeout_ms: i32,
    pub metadata_log_dir: PathBuf,
    pub max_record_bytes_between_snapshots: i64,
    pub max_snapshot_interval_ms: i64,
    pub broker_session_timeout_ms: i32,
    pub broker_heartbeat_interval_ms: i32,
}

/// Keys about replication.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct ReplicationSettings {
    pub replica_lag_time_max_ms: i64,
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
    pub connection_max_requests: usize,
    pub requests_in_processing_max_bytes: usize,
    pub responses_in_flight_max_bytes: usize,
    pub producer_ids_per_partition_max: usize,
    pub parked_replies_max: usize,
    pub quorum_uncommitted_max_bytes: usize,
}

/// Reads typed values out of the text.
pub(super) struct Reader<'a>(pub(super) &'a BrokerValues);

impl Reader<'_> {
    fn long(&self, name: &str) -> i64 {
        match self.0.value(name) {
            Some(Value::Integer(number)) => number,
            other => unreachable!("{name} is a number with a default in its table, not {other:?}"),
        }
    }

    fn int(&self, name: &str) -> i32 {
        self.long(name) as i32
    }

    fn short(&self, name: &str) -> i16 {
        self.long(name).clamp(i16::MIN.into(), i16::MAX.into()) as i16
    }

    fn size(&self, name: &str) -> usize {
        usize::try_from(self.long(name)).unwrap_or(0)
    }

    fn boolean(&self, name: &str) -> bool {
        self.0.value(name) == Some(Value::Boolean(true))
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.0.value(name).map(|value| value.text())
    }

    pub(super) fn list(&self, name: &str) -> Option<Vec<String>> {
        match self.0.value(name) {
            Some(Value::List(values)) => Some(values),
            _ => None,
        }
    }

    fn socket_buffer(&self, name: &str) -> Option<u32> {
        u32::try_from(self.long(name)).ok()
    }
}

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
            groups: from.groups(),
            quorum: from.quorum(&log_dirs)?,
            replication: ReplicationSettings { replica_lag_time_max_ms: from.long("replica.lag.time.max.ms") },
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
        let topic = self.topic_config(&BTreeMap::new());
        rule(
            topic.retention_ms >= 1 || topic.retention_ms == -1,
            "log.retention.ms must be unlimited (-1) or, equal or greater than 1",
        )?;
        rule(
            self.groups.group_min_session_timeout_ms <= self.groups.group_max_session_timeout_ms,
            "group.max.session.timeout.ms must be greater than or equals to group.min.session.timeout.ms",
        )?;
        rule(
            self.quorum.broker_heartbeat_interval_ms <= self.quorum.broker_session_timeout_ms / 2,
            "broker.heartbeat.interval.ms must be at most half of broker.session.timeout.ms",
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
}

impl Reader<'_> {
    fn node_id(&self) -> Result<NodeId, ConfigError> {
        let of = |name: &str| match self.0.given(name) {
            Some(text) => super::broker_table::definition(name).map(|def| def.parse(text)).transpose(),
            None => Ok(None),
        };
        let number = |value: Option<Value>| match value {
            Some(Value::Integer(number)) => Some(number as NodeId),
            _ => None,
        };
        match (number(of("node.id")?), number(of("broker.id")?).filter(|id| *id >= 0)) {
            (Some(node), Some(broker)) if node != broker => Err(ConfigError::Rule(format!(
                "You must set `node.id` to the same value as `broker.id`. node.id={node}, broker.id={broker}"
            ))),
            (Some(id), _) | (None, Some(id)) => Ok(id),
            (None, None) => {
                Err(ConfigError::Rule("Missing required configuration \"node.id\" which has no default value.".into()))
            }
        }
    }

    fn roles(&self) -> Roles {
        let words = self.list("process.roles").unwrap_or_default();
        let has = |word: &str| words.iter().any(|w| w == word);
        Roles { broker: has("broker"), controller: has("controller") }
    }

    fn log_dirs(&self) -> Vec<PathBuf> {
        let dirs = self.list("log.dirs").or_else(|| self.list("log.dir")).unwrap_or_default();
        dirs.into_iter().map(PathBuf::from).collect()
    }

    fn log(&self, log_dirs: Vec<PathBuf>) -> LogSettings {
        LogSettings {
            log_dirs,
            retention_check_interval_ms: self.long("log.retention.check.interval.ms"),
            flush_offset_checkpoint_interval_ms: self.long("log.flush.offset.checkpoint.interval.ms"),
            producer_id_expiration_ms: self.long("producer.id.expiration.ms"),
            producer_id_expiration_check_interval_ms: self.long("producer.id.expiration.check.interval.ms"),
            recovery_threads_per_data_dir: self.size("num.recovery.threads.per.data.dir"),
        }
    }

    fn topics(&self) -> TopicSettings {
        TopicSettings {
            auto_create_topics_enable: self.boolean("auto.create.topics.enable"),
            num_partitions: self.int("num.partitions"),
            default_replication_factor: self.short("default.replication.factor"),
            delete_topic_enable: self.boolean("delete.topic.enable"),
            fetch_max_bytes: self.int("fetch.max.bytes"),
            max_incremental_fetch_session_cache_slots: self.size("max.incremental.fetch.session.cache.slots"),
            max_request_partition_size_limit: self.int("max.request.partition.size.limit"),
            request_timeout_ms: self.int("request.timeout.ms"),
        }
    }

    fn network(&self) -> Result<NetworkSettings, ConfigError> {
        Ok(NetworkSettings {
            socket_request_max_bytes: self.int("socket.request.max.bytes"),
            socket_listen_backlog_size: self.int("socket.listen.backlog.size").unsigned_abs(),
            socket_send_buffer_bytes: self.socket_buffer("socket.send.buffer.bytes"),
            socket_receive_buffer_bytes: self.socket_buffer("socket.receive.buffer.bytes"),
            connections_max_idle_ms: self.long("connections.max.idle.ms"),
            max_connections: self.size("max.connections"),
            max_connections_per_ip: self.size("max.connections.per.ip"),
            max_connections_per_ip_overrides: self.connection_overrides()?,
        })
    }

    fn connection_overrides(&self) -> Result<BTreeMap<String, usize>, ConfigError> {
        const NAME: &str = "max.connections.per.ip.overrides";
        let text = self.text(NAME).unwrap_or_default();
        let mut overrides = BTreeMap::new();
        for part in super::definition::split_list(&text) {
            let limit = part.rsplit_once(':').and_then(|(host, limit)| Some((host, limit.parse().ok()?)));
            let (host, limit) = limit.ok_or_else(|| {
                ConfigError::invalid(NAME, &text, "Expected host:limit pairs separated by commas".to_string())
            })?;
            overrides.insert(host.trim_start_matches('[').trim_end_matches(']').to_string(), limit);
        }
        Ok(overrides)
    }

    fn groups(&self) -> GroupSettings {
        GroupSettings {
            offsets_topic_num_partitions: self.int("offsets.topic.num.partitions"),
            offsets_topic_replication_factor: self.short("offsets.topic.replication.factor"),
            offsets_topic_segment_bytes: self.int("offsets.topic.segment.bytes"),
            offsets_retention_minutes: self.int("offsets.retention.minutes"),
            offsets_retention_check_interval_ms: self.long("offsets.retention.check.interval.ms"),
            offsets_commit_timeout_ms: self.int("offsets.commit.timeout.ms"),
            offset_metadata_max_bytes: self.int("offset.metadata.max.bytes"),
            group_min_session_timeout_ms: self.int("group.min.session.timeout.ms"),
            group_max_session_timeout_ms: self.int("group.max.session.timeout.ms"),
            group_initial_rebalance_delay_ms: self.int("group.initial.rebalance.delay.ms"),
            group_max_size: self.size("group.max.size"),
            rebalance_protocols: self.list("group.coordinator.rebalance.protocols").unwrap_or_default(),
            transaction_max_timeout_ms: self.int("transaction.max.timeout.ms"),
        }
    }

    fn quorum(&self, log_dirs: &[PathBuf]) -> Result<QuorumSettings, ConfigError> {
        let endpoint = |text: &String| super::definition::host_and_port(text);
        let voters = self.list("controller.quorum.voters").unwrap_or_default();
        let servers = self.list("controller.quorum.bootstrap.servers").unwrap_or_default();
        let named = self.text("metadata.log.dir").filter(|dir| !dir.is_empty()).map(PathBuf::from);
        let metadata_log_dir = named.or_else(|| log_dirs.first().cloned());
        Ok(QuorumSettings {
            voters: voters.iter().filter_map(|text| voter(text)).collect(),
            bootstrap_servers: servers.iter().filter_map(endpoint).collect(),
            election_timeout_ms: self.int("controller.quorum.election.timeout.ms"),
            fetch_timeout_ms: self.int("controller.quorum.fetch.timeout.ms"),
            request_timeout_ms: self.int("controller.quorum.request.timeout.ms"),
            metadata_log_dir: metadata_log_dir.ok_or_else(|| {
                ConfigError::Rule("At least one log directory must be defined via log.dirs or log.dir.".into())
            })?,
            max_record_bytes_between_snapshots: self.long("metadata.log.max.record.bytes.between.snapshots"),
            max_snapshot_interval_ms: self.long("metadata.log.max.snapshot.interval.ms"),
            broker_session_timeout_ms: self.int("broker.session.timeout.ms"),
            broker_heartbeat_interval_ms: self.int("broker.heartbeat.interval.ms"),
        })
    }

    fn klamm(&self) -> Result<KlammSettings, ConfigError> {
        const HTTP: &str = "klamm.http.listener";
        let http = self.text(HTTP).unwrap_or_default();
        let http_listener = match http.as_str() {
            "" => None,
            text => Some(super::definition::host_and_port(text).ok_or_else(|| {
                ConfigError::invalid(HTTP, text, "Expected host:port, or nothing to serve no HTTP".to_string())
            })?),
        };
        Ok(KlammSettings {
            produce_validation: match self.text("klamm.produce.validation").as_deref() {
                Some("header") => ProduceValidation::Header,
                _ => ProduceValidation::Records,
            },
            http_listener,
            log_filter: self.text("klamm.log.filter").unwrap_or_default(),
            data_threads: self.size("klamm.data.threads"),
            tail_cache_bytes: self.size("klamm.tail.cache.bytes"),
            open_segment_files_max: self.size("klamm.open.segment.files.max"),
            connection_max_requests: self.size("klamm.connection.max.requests"),
            requests_in_processing_max_bytes: self.size("klamm.requests.in.processing.max.bytes"),
            responses_in_flight_max_bytes: self.size("klamm.responses.in.flight.max.bytes"),
            producer_ids_per_partition_max: self.size("klamm.producer.ids.per.partition.max"),
            parked_replies_max: self.size("klamm.parked.replies.max"),
            quorum_uncommitted_max_bytes: self.size("klamm.quorum.uncommitted.max.bytes"),
        })
    }
}

fn voter(text: &str) -> Option<Voter> {
    let (id, address) = text.split_once('@')?;
    let (host, port) = super::definition::host_and_port(address)?;
    Some(Voter { id: id.parse().ok()?, host, port })
}
