//! Reads the typed configuration out of its text, subject by subject.

use super::broker::{
    CleanerSettings, ConsumerGroupSettings, GroupSettings, KlammSettings, LogSettings, NetworkSettings,
    ProduceValidation, QuorumSettings, QuotaKeys, Roles, TopicSettings, TransactionSettings, Voter,
};
use super::definition::{host_and_port, split_list, ConfigError, Value};
use super::values::BrokerValues;
use crate::ids::NodeId;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Reads typed values out of the text.
pub(super) struct Reader<'a>(pub(super) &'a BrokerValues);

impl Reader<'_> {
    pub(super) fn long(&self, name: &str) -> i64 {
        match self.0.value(name) {
            Some(Value::Integer(number)) => number,
            other => unreachable!("{name} is a number with a default in its table, not {other:?}"),
        }
    }

    pub(super) fn int(&self, name: &str) -> i32 {
        self.long(name) as i32
    }

    pub(super) fn short(&self, name: &str) -> i16 {
        self.long(name).clamp(i16::MIN.into(), i16::MAX.into()) as i16
    }

    pub(super) fn size(&self, name: &str) -> usize {
        usize::try_from(self.long(name)).unwrap_or(0)
    }

    fn real(&self, name: &str) -> f64 {
        match self.0.value(name) {
            Some(Value::Real(number)) => number,
            other => unreachable!("{name} is a number with a default in its table, not {other:?}"),
        }
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

impl Reader<'_> {
    pub(super) fn node_id(&self) -> Result<NodeId, ConfigError> {
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

    pub(super) fn roles(&self) -> Roles {
        let words = self.list("process.roles").unwrap_or_default();
        let has = |word: &str| words.iter().any(|w| w == word);
        Roles { broker: has("broker"), controller: has("controller") }
    }

    pub(super) fn log_dirs(&self) -> Vec<PathBuf> {
        let dirs = self.list("log.dirs").or_else(|| self.list("log.dir")).unwrap_or_default();
        dirs.into_iter().map(PathBuf::from).collect()
    }

    pub(super) fn log(&self, log_dirs: Vec<PathBuf>) -> LogSettings {
        LogSettings {
            log_dirs,
            retention_check_interval_ms: self.long("log.retention.check.interval.ms"),
            producer_id_expiration_ms: self.long("producer.id.expiration.ms"),
            producer_id_expiration_check_interval_ms: self.long("producer.id.expiration.check.interval.ms"),
            recovery_threads_per_data_dir: self.size("num.recovery.threads.per.data.dir"),
            cleaner: self.cleaner(),
        }
    }

    fn cleaner(&self) -> CleanerSettings {
        CleanerSettings {
            enable: self.boolean("log.cleaner.enable"),
            threads: self.size("log.cleaner.threads"),
            backoff_ms: self.long("log.cleaner.backoff.ms"),
            dedupe_buffer_size: u64::try_from(self.long("log.cleaner.dedupe.buffer.size")).unwrap_or(0),
            io_buffer_load_factor: self.real("log.cleaner.io.buffer.load.factor"),
            io_buffer_size: self.size("log.cleaner.io.buffer.size"),
            io_max_bytes_per_second: self.real("log.cleaner.io.max.bytes.per.second"),
        }
    }

    pub(super) fn topics(&self) -> TopicSettings {
        TopicSettings {
            auto_create_topics_enable: self.boolean("auto.create.topics.enable"),
            num_partitions: self.int("num.partitions"),
            default_replication_factor: self.short("default.replication.factor"),
            delete_topic_enable: self.boolean("delete.topic.enable"),
            fetch_max_bytes: self.int("fetch.max.bytes"),
            max_incremental_fetch_session_cache_slots: self.size("max.incremental.fetch.session.cache.slots"),
            max_request_partition_size_limit: self.int("max.request.partition.size.limit"),
        }
    }

    pub(super) fn network(&self) -> Result<NetworkSettings, ConfigError> {
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

    pub(super) fn quotas(&self) -> QuotaKeys {
        let unsigned = |name| self.int(name).unsigned_abs();
        QuotaKeys {
            window_num: unsigned("quota.window.num"),
            window_size_seconds: unsigned("quota.window.size.seconds"),
            controller_window_num: unsigned("controller.quota.window.num"),
            controller_window_size_seconds: unsigned("controller.quota.window.size.seconds"),
            max_connection_creation_rate: self.int("max.connection.creation.rate"),
        }
    }

    fn connection_overrides(&self) -> Result<BTreeMap<String, usize>, ConfigError> {
        const NAME: &str = "max.connections.per.ip.overrides";
        let text = self.text(NAME).unwrap_or_default();
        let mut overrides = BTreeMap::new();
        for part in split_list(&text) {
            let limit = part.rsplit_once(':').and_then(|(host, limit)| Some((host, limit.parse().ok()?)));
            let (host, limit) = limit.ok_or_else(|| {
                ConfigError::invalid(NAME, &text, "Expected host:limit pairs separated by commas".to_string())
            })?;
            overrides.insert(host.trim_start_matches('[').trim_end_matches(']').to_string(), limit);
        }
        Ok(overrides)
    }

    pub(super) fn groups(&self) -> GroupSettings {
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
            consumer_protocol_enable: self
                .list("group.coordinator.rebalance.protocols")
                .is_some_and(|protocols| protocols.iter().any(|protocol| protocol == "consumer")),
            consumer: self.consumer_groups(),
        }
    }

    fn consumer_groups(&self) -> ConsumerGroupSettings {
        ConsumerGroupSettings {
            session_timeout_ms: self.int("group.consumer.session.timeout.ms"),
            min_session_timeout_ms: self.int("group.consumer.min.session.timeout.ms"),
            max_session_timeout_ms: self.int("group.consumer.max.session.timeout.ms"),
            heartbeat_interval_ms: self.int("group.consumer.heartbeat.interval.ms"),
            min_heartbeat_interval_ms: self.int("group.consumer.min.heartbeat.interval.ms"),
            max_heartbeat_interval_ms: self.int("group.consumer.max.heartbeat.interval.ms"),
            assignment_interval_ms: self.int("group.consumer.assignment.interval.ms"),
            min_assignment_interval_ms: self.int("group.consumer.min.assignment.interval.ms"),
            max_assignment_interval_ms: self.int("group.consumer.max.assignment.interval.ms"),
            max_size: self.size("group.consumer.max.size"),
            assignors: self.list("group.consumer.assignors").unwrap_or_default(),
            migration_policy: self.text("group.consumer.migration.policy").unwrap_or_default(),
            regex_refresh_interval_ms: self.int("group.consumer.regex.refresh.interval.ms"),
        }
    }

    pub(super) fn transactions(&self) -> TransactionSettings {
        TransactionSettings {
            transaction_state_log_num_partitions: self.int("transaction.state.log.num.partitions"),
            transaction_state_log_replication_factor: self.short("transaction.state.log.replication.factor"),
            transaction_state_log_min_isr: self.int("transaction.state.log.min.isr"),
            transaction_state_log_segment_bytes: self.int("transaction.state.log.segment.bytes"),
            transaction_max_timeout_ms: self.int("transaction.max.timeout.ms"),
            transaction_abort_timed_out_transaction_cleanup_interval_ms: self
                .int("transaction.abort.timed.out.transaction.cleanup.interval.ms"),
            transactional_id_expiration_ms: self.int("transactional.id.expiration.ms"),
            transaction_remove_expired_transaction_cleanup_interval_ms: self
                .int("transaction.remove.expired.transaction.cleanup.interval.ms"),
            request_timeout_ms: self.int("request.timeout.ms"),
            add_partitions_to_txn_retry_backoff_ms: self.int("add.partitions.to.txn.retry.backoff.ms"),
            add_partitions_to_txn_retry_backoff_max_ms: self.int("add.partitions.to.txn.retry.backoff.max.ms"),
        }
    }

    pub(super) fn quorum(&self, log_dirs: &[PathBuf]) -> Result<QuorumSettings, ConfigError> {
        let endpoint = |text: &String| host_and_port(text);
        let voters = self.list("controller.quorum.voters").unwrap_or_default();
        let servers = self.list("controller.quorum.bootstrap.servers").unwrap_or_default();
        let named = self.text("metadata.log.dir").filter(|dir| !dir.is_empty()).map(PathBuf::from);
        let metadata_log_dir = named.or_else(|| log_dirs.first().cloned());
        Ok(QuorumSettings {
            voters: voters.iter().filter_map(|text| voter(text)).collect(),
            bootstrap_servers: servers.iter().filter_map(endpoint).collect(),
            election_timeout_ms: self.int("controller.quorum.election.timeout.ms"),
            metadata_log_dir: metadata_log_dir.ok_or_else(|| {
                ConfigError::Rule("At least one log directory must be defined via log.dirs or log.dir.".into())
            })?,
            max_record_bytes_between_snapshots: self.long("metadata.log.max.record.bytes.between.snapshots"),
            broker_session_timeout_ms: self.int("broker.session.timeout.ms"),
            broker_heartbeat_interval_ms: self.int("broker.heartbeat.interval.ms"),
        })
    }

    pub(super) fn klamm(&self) -> Result<KlammSettings, ConfigError> {
        const HTTP: &str = "klamm.http.listener";
        let http = self.text(HTTP).unwrap_or_default();
        let http_listener = match http.as_str() {
            "" => None,
            text => Some(host_and_port(text).ok_or_else(|| {
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
            requests_in_processing_max_bytes: self.size("klamm.requests.in.processing.max.bytes"),
            producer_ids_per_partition_max: self.size("klamm.producer.ids.per.partition.max"),
            parked_replies_max: self.size("klamm.parked.replies.max"),
        })
    }
}

fn voter(text: &str) -> Option<Voter> {
    let (id, address) = text.split_once('@')?;
    let (host, port) = host_and_port(address)?;
    Some(Voter { id: id.parse().ok()?, host, port })
}
