//! Settings judged by the tables of `config/`: topics (K4), brokers (K3), and the few keys of groups and subscriptions.

use super::settings::ConfigRules;
use super::Refusal;
use crate::config::broker_table;
use crate::config::definition::{parse, Check, Kind, Value};
use crate::config::values::{judge_alteration, listener_key, BrokerValues};
use crate::config::{topic, topic_table, ConfigError};
use crate::metadata::configs::{ConfigResource, Overrides, ResourceType};

/// The keys of groups that have a broker key of the same name behind `group.`, from which kind and default come; bounds
/// that the brokers set stand under the key with `min.` or `max.` before its last part.
const GROUP_KEYS: &[&str] = &[
    "consumer.assignment.interval.ms",
    "consumer.heartbeat.interval.ms",
    "consumer.session.timeout.ms",
    "share.assignment.interval.ms",
    "share.delivery.count.limit",
    "share.heartbeat.interval.ms",
    "share.partition.max.record.locks",
    "share.record.lock.duration.ms",
    "share.session.timeout.ms",
    "streams.assignment.interval.ms",
    "streams.heartbeat.interval.ms",
    "streams.initial.rebalance.delay.ms",
    "streams.num.standby.replicas",
    "streams.session.timeout.ms",
];

/// The keys of groups that no broker key stands behind.
const GROUP_ONLY_KEYS: &[(&str, Kind, Check, &str)] = &[
    ("share.auto.offset.reset", Kind::String, Check::Any, "latest"),
    ("share.isolation.level", Kind::String, Check::OneOf(&["read_committed", "read_uncommitted"]), "read_uncommitted"),
    ("share.renew.acknowledge.enable", Kind::Boolean, Check::Any, "true"),
];

/// Bounds of `interval.ms` of a subscription to client metrics, in milliseconds.
const METRICS_INTERVAL_MS: std::ops::RangeInclusive<i64> = 100..=3_600_000;

/// Judges by the tables, and by the values that this node was started with.
pub struct TableRules {
    broker: BrokerValues,
}

impl TableRules {
    /// Rules that take what lies beneath a resource's own settings from `broker`.
    pub fn new(broker: BrokerValues) -> Self {
        Self { broker }
    }

    fn judge_group(&self, key: &str, value: &str) -> Result<(), Refusal> {
        let invalid = |error: ConfigError| Refusal::InvalidConfig(error.to_string());
        if let Some((_, kind, check, _)) = GROUP_ONLY_KEYS.iter().find(|(name, ..)| *name == key) {
            return parse(key, value, *kind, *check).map(|_| ()).map_err(invalid);
        }
        let behind = format!("group.{key}");
        let def = broker_table::definition(&behind).filter(|_| GROUP_KEYS.contains(&key));
        let Some(def) = def else {
            return Err(Refusal::InvalidConfig(format!("Unknown group config name: {key}")));
        };
        let Value::Integer(number) = parse(key, value, def.kind, def.check).map_err(invalid)? else {
            return Ok(());
        };
        for (which, word) in [("min", "greater"), ("max", "less")] {
            let bound_key = bound_key(key, which);
            let Some(Value::Integer(bound)) = self.broker.value(&bound_key) else { continue };
            if (which == "min" && number < bound) || (which == "max" && number > bound) {
                return Err(Refusal::InvalidConfig(format!("{key} must be {word} than or equal to {bound_key}")));
            }
        }
        Ok(())
    }
}

/// `consumer.session.timeout.ms` → `group.consumer.min.session.timeout.ms`.
fn bound_key(key: &str, which: &str) -> String {
    match key.split_once('.') {
        Some((_, "num.standby.replicas")) => format!("group.streams.{which}.standby.replicas"),
        Some((family, rest)) => format!("group.{family}.{which}.{rest}"),
        None => String::new(),
    }
}

fn judge_client_metrics(key: &str, value: &str) -> Result<(), Refusal> {
    let invalid = |why: String| Err(Refusal::InvalidRequest(why));
    match key {
        "metrics" | "match" => Ok(()),
        "interval.ms" => match value.trim().parse::<i64>() {
            Ok(interval) if METRICS_INTERVAL_MS.contains(&interval) => Ok(()),
            _ => invalid(format!(
                "Invalid value {value} for interval.ms, interval must be between 100 and 3600000 (1 hour)"
            )),
        },
        _ => invalid(format!("Unknown client metrics configuration: {key}")),
    }
}

impl ConfigRules for TableRules {
    fn validate(
        &self,
        resource: &ConfigResource,
        after: &Overrides,
        changed: &[(String, Option<String>)],
    ) -> Result<(), Refusal> {
        match resource.resource_type {
            ResourceType::Topic => {
                topic::validate_all(after).map_err(|error| Refusal::InvalidConfig(error.to_string()))
            }
            // Kafka answers INVALID_REQUEST here, not INVALID_CONFIG.
            ResourceType::Broker => changed.iter().try_for_each(|(key, value)| {
                judge_alteration(key, value.as_deref(), !resource.name.is_empty())
                    .map_err(|error| Refusal::InvalidRequest(error.to_string()))
            }),
            ResourceType::Group => after.iter().try_for_each(|(key, value)| self.judge_group(key, value)),
            ResourceType::ClientMetrics => after.iter().try_for_each(|(key, value)| judge_client_metrics(key, value)),
        }
    }

    fn is_list(&self, resource_type: ResourceType, key: &str) -> bool {
        let kind = match resource_type {
            ResourceType::Topic => topic_table::definition(key).map(|def| def.kind),
            ResourceType::Broker => broker_table::definition(listener_key(key).unwrap_or(key)).map(|def| def.kind),
            ResourceType::ClientMetrics if matches!(key, "metrics" | "match") => Some(Kind::List),
            ResourceType::ClientMetrics | ResourceType::Group => None,
        };
        kind == Some(Kind::List)
    }

    fn value_beneath(&self, resource_type: ResourceType, key: &str) -> Option<String> {
        match resource_type {
            ResourceType::Topic => {
                let all = topic::describe(&Overrides::new(), &self.broker);
                all.into_iter().find(|described| described.name == key)?.value
            }
            ResourceType::Broker => self.broker.value(key).map(|value| value.text()),
            ResourceType::Group => match GROUP_ONLY_KEYS.iter().find(|(name, ..)| *name == key) {
                Some((_, _, _, default)) => Some((*default).to_owned()),
                None => self.broker.value(&format!("group.{key}")).map(|value| value.text()),
            },
            ResourceType::ClientMetrics => None,
        }
    }
}
