//! What DescribeConfigs tells of one key, in words; `api/` turns the words into Kafka's numbers (K1).

use super::definition::Kind;

/// Where a value comes from, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The topic's own (`DYNAMIC_TOPIC_CONFIG`, 1).
    Topic,
    /// The group's own (`DYNAMIC_GROUP_CONFIG`, 8).
    Group,
    /// The subscription's own (`DYNAMIC_CLIENT_METRICS_CONFIG`, 7).
    ClientMetrics,
    /// A logger's level (`DYNAMIC_BROKER_LOGGER_CONFIG`, 6).
    Logger,
    /// Altered for this broker (`DYNAMIC_BROKER_CONFIG`, 2).
    DynamicBroker,
    /// Altered for all brokers (`DYNAMIC_DEFAULT_BROKER_CONFIG`, 3).
    DynamicDefaultBroker,
    /// The properties file, the environment or the command line (`STATIC_BROKER_CONFIG`, 4).
    StaticBroker,
    /// Kafka's default (`DEFAULT_CONFIG`, 5).
    Default,
}

impl Source {
    /// Kafka's name, as its tools print it.
    pub fn name(self) -> &'static str {
        match self {
            Source::Topic => "DYNAMIC_TOPIC_CONFIG",
            Source::Group => "DYNAMIC_GROUP_CONFIG",
            Source::ClientMetrics => "DYNAMIC_CLIENT_METRICS_CONFIG",
            Source::Logger => "DYNAMIC_BROKER_LOGGER_CONFIG",
            Source::DynamicBroker => "DYNAMIC_BROKER_CONFIG",
            Source::DynamicDefaultBroker => "DYNAMIC_DEFAULT_BROKER_CONFIG",
            Source::StaticBroker => "STATIC_BROKER_CONFIG",
            Source::Default => "DEFAULT_CONFIG",
        }
    }
}

/// One place where a value for a key stands (K2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synonym {
    /// The key as it is called there.
    pub name: String,
    /// Its value; `None` for a secret.
    pub value: Option<String>,
    /// The place.
    pub source: Source,
}

/// One key with its value, origin and documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// The key.
    pub name: String,
    /// Its value; `None` for a secret, and where there is none.
    pub value: Option<String>,
    /// Where the value comes from.
    pub source: Source,
    /// Every place that holds a value, the strongest first.
    pub synonyms: Vec<Synonym>,
    /// The kind of value; `None` for a key that is not known.
    pub kind: Option<Kind>,
    /// What the key does.
    pub doc: &'static str,
    /// It cannot be altered while the broker runs.
    pub read_only: bool,
    /// Its value is never shown.
    pub sensitive: bool,
}
