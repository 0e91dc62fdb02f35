//! Settings judged by the tables of `config/`: topics (K4), brokers (K3), and the few keys of groups and subscriptions.

use super::settings::ConfigRules;
use super::Refusal;
use crate::config::broker_table;
use crate::config::definition::Kind;
use crate::config::values::{judge_alteration, listener_key, BrokerValues};
use crate::config::{client_metrics, group, topic, topic_table};
use crate::metadata::configs::{ConfigResource, Overrides, ResourceType};

/// Judges by the tables, and by the values that this node was started with.
pub struct TableRules {
    broker: BrokerValues,
}

impl TableRules {
    /// Rules that take what lies beneath a resource's own settings from `broker`.
    pub fn new(broker: BrokerValues) -> Self {
        Self { broker }
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
            ResourceType::Group => after.iter().try_for_each(|(key, value)| {
                group::validate(key, value, &self.broker).map_err(|error| Refusal::InvalidConfig(error.to_string()))
            }),
            ResourceType::ClientMetrics => after.iter().try_for_each(|(key, value)| {
                client_metrics::validate(key, value).map_err(|refused| match refused {
                    client_metrics::Refused::Request(why) => Refusal::InvalidRequest(why),
                    client_metrics::Refused::Config(error) => Refusal::InvalidConfig(error.to_string()),
                })
            }),
        }
    }

    fn is_list(&self, resource_type: ResourceType, key: &str) -> bool {
        let kind = match resource_type {
            ResourceType::Topic => topic_table::definition(key).map(|def| def.kind),
            ResourceType::Broker => broker_table::definition(listener_key(key).unwrap_or(key)).map(|def| def.kind),
            ResourceType::ClientMetrics if client_metrics::is_list(key) => Some(Kind::List),
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
            ResourceType::Group => group::value_beneath(key, &self.broker),
            ResourceType::ClientMetrics => None,
        }
    }
}
