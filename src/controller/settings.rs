//! What the controller is told about the world when it is made.

use super::config_rules::TableRules;
use super::Refusal;
use crate::config::BrokerConfig;
use crate::ids::NodeId;
use crate::metadata::configs::{ConfigResource, Overrides, ResourceType};
use std::sync::Arc;

/// Judges settings. The tables of keys stand elsewhere.
pub trait ConfigRules: Send + Sync {
    /// Judges what `changed` (a key, and its new value or `None` for a removal) makes of `resource`, whose settings
    /// would then be `after`.
    ///
    /// # Errors
    /// Why the settings cannot stand.
    fn validate(
        &self,
        resource: &ConfigResource,
        after: &Overrides,
        changed: &[(String, Option<String>)],
    ) -> Result<(), Refusal>;

    /// Whether the key's value is a list, which can be appended to and subtracted from.
    fn is_list(&self, resource_type: ResourceType, key: &str) -> bool;

    /// The value that holds where a resource has none of its own; `None` if there is none or the key is unknown.
    fn value_beneath(&self, resource_type: ResourceType, key: &str) -> Option<String>;
}

/// The feature of which level 1 lets transactions be stored in a newer format, and 2 gives each an epoch (KIP-890).
pub const TRANSACTION_VERSION: &str = "transaction.version";

/// A feature that this version supports, and the level it has in a new cluster (KIP-584).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureSetting {
    /// The feature.
    pub name: String,
    /// The lowest level that this version can run at.
    pub min_level: i16,
    /// The highest.
    pub max_level: i16,
    /// The level finalized when a cluster is made; 0 leaves it out.
    pub bootstrap_level: i16,
}

impl FeatureSetting {
    /// Names a feature and its levels.
    pub fn new(name: &str, min_level: i16, max_level: i16, bootstrap_level: i16) -> Self {
        Self { name: name.to_owned(), min_level, max_level, bootstrap_level }
    }

    /// What this version can run: clients believe finalized levels, so nothing stands here that is not built.
    /// `metadata.version` 30 is 4.3-IV0, the newest that the stock 4.3 tools have a name for.
    pub fn built() -> Vec<Self> {
        vec![
            Self::new("group.version", 0, 1, 1),
            Self::new("kraft.version", 0, 0, 0),
            Self::new("metadata.version", 30, 30, 30),
            Self::new("share.version", 0, 1, 1),
            Self::new(TRANSACTION_VERSION, 0, 2, 2),
        ]
    }
}

/// What the controller goes by. All values come from the broker's configuration.
#[derive(Clone)]
pub struct ControllerSettings {
    /// This node. A broker that registers under it runs in this very process.
    pub node_id: NodeId,
    /// `num.partitions`: for topics created with -1.
    pub num_partitions: i32,
    /// `default.replication.factor`: for topics created with -1.
    pub default_replication_factor: i16,
    /// `delete.topic.enable`.
    pub delete_topic_enable: bool,
    /// `broker.session.timeout.ms`: a broker silent for this long is fenced.
    pub broker_session_timeout_ms: i64,
    /// The features that this version supports.
    pub features: Vec<FeatureSetting>,
    /// Judges settings.
    pub config_rules: Arc<dyn ConfigRules>,
}

impl ControllerSettings {
    /// What a node's configuration says, with the features that are built and the rules of the configuration's tables.
    pub fn from_config(config: &BrokerConfig) -> Self {
        Self {
            node_id: config.node_id,
            num_partitions: config.topics.num_partitions,
            default_replication_factor: config.topics.default_replication_factor,
            delete_topic_enable: config.topics.delete_topic_enable,
            broker_session_timeout_ms: i64::from(config.quorum.broker_session_timeout_ms),
            features: FeatureSetting::built(),
            config_rules: Arc::new(TableRules::new(config.values.clone())),
        }
    }
}
