//! Layers: the defaults, then `server.properties`, then the environment, then the command line. The later one holds.
//!
//! figment layers the text and remembers where each value comes from; nothing else is asked of it, because its own
//! typing would take a password of digits for a number, and dots in keys for nesting.

pub use super::advice::{advertised_address_warning, internal_topics, InternalTopics};
use super::broker::BrokerConfig;
use super::defaults::complete;
use super::definition::{split_list, ConfigError};
use super::environment::{properties_of, CLUSTER_ID};
use super::properties::parse_properties;
use super::values::BrokerValues;
use figment::value::magic::Tagged;
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};
use std::collections::BTreeMap;
use std::path::PathBuf;
use thiserror::Error;

/// What a node starts with when nothing is said.
pub const DEFAULT_PROPERTIES: &str = include_str!("default.properties");

/// Where a configuration comes from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Properties that hold where nothing else says otherwise, instead of [`DEFAULT_PROPERTIES`].
    pub defaults: Option<PathBuf>,
    /// `server.properties`.
    pub properties: Option<PathBuf>,
    /// The process's environment; only `KAFKA_*` and `CLUSTER_ID` are looked at.
    pub environment: BTreeMap<String, String>,
    /// `--override key=value`, in order.
    pub overrides: Vec<String>,
}

/// A configuration that was read whole.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: BrokerConfig,
    /// The cluster's id, where the environment gives one.
    pub cluster_id: Option<String>,
    /// What the operator should know, each once.
    pub warnings: Vec<String>,
}

/// Why a configuration cannot be used. The message names the key, the value and what is permitted.
#[derive(Debug, Error)]
pub enum LoadError {
    /// A file cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A file or variable is no properties text.
    #[error("{0}")]
    Malformed(String),
    /// A value is not permitted.
    #[error("{error}{allowed}{origin}")]
    Refused {
        /// Kafka's words.
        error: ConfigError,
        /// What is permitted, in brackets; may be empty.
        allowed: String,
        /// Where the value comes from, in brackets; may be empty.
        origin: String,
    },
}

/// One layer of text for figment.
struct Layer {
    name: String,
    pairs: Vec<(String, String)>,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name.clone())
    }

    fn data(&self) -> figment::Result<Map<Profile, Dict>> {
        let dict: Dict = self.pairs.iter().cloned().map(|(key, value)| (key, Value::from(value))).collect();
        Ok(Profile::Default.collect(dict))
    }
}

/// Text by key, each with the name of its layer.
pub(super) type Given = BTreeMap<String, (String, String)>;

fn read(path: &PathBuf) -> Result<Vec<(String, String)>, LoadError> {
    let bytes = std::fs::read(path).map_err(|error| LoadError::Unreadable { path: path.clone(), error })?;
    parse_properties(&bytes).map_err(|why| LoadError::Malformed(format!("{}: {why}", path.display())))
}

/// Merges what the operator gave: file, environment, command line.
fn merge(sources: &Sources) -> Result<Given, LoadError> {
    let mut figment = Figment::new();
    if let Some(path) = &sources.properties {
        figment = figment.merge(Layer { name: path.display().to_string(), pairs: read(path)? });
    }
    for (key, value, variable) in properties_of(&sources.environment).map_err(LoadError::Malformed)? {
        // An empty list of listeners is what a compose file writes for "not set".
        if value.is_empty() && LISTENER_LISTS.contains(&key.as_str()) {
            continue;
        }
        figment = figment.merge(Layer { name: format!("{ENVIRONMENT} {variable}"), pairs: vec![(key, value)] });
    }
    for text in &sources.overrides {
        let pair = text.split_once('=').map(|(key, value)| (key.trim().to_string(), value.to_string()));
        let pair = pair
            .filter(|(key, _)| !key.is_empty())
            .ok_or_else(|| LoadError::Malformed(format!("--override {text}: expected key=value")))?;
        figment = figment.merge(Layer { name: OVERRIDE.into(), pairs: vec![pair] });
    }
    let merged: BTreeMap<String, Tagged<String>> =
        figment.extract().map_err(|error| LoadError::Malformed(error.to_string()))?;
    let origin =
        |tagged: &Tagged<String>| figment.get_metadata(tagged.tag()).map_or(String::new(), |m| m.name.to_string());
    Ok(merged
        .into_iter()
        .map(|(key, tagged)| {
            let origin = origin(&tagged);
            (key, (tagged.into_inner(), origin))
        })
        .collect())
}

/// How the origin of a value from the environment begins.
pub(super) const ENVIRONMENT: &str = "environment variable";
/// The origin of a value from the command line.
pub(super) const OVERRIDE: &str = "--override";
const LISTENER_LISTS: &[&str] = &["listeners", "advertised.listeners"];

/// Drops empty elements of listener lists: environment variables often end in a comma, where Kafka 4.3 refuses to
/// start.
fn without_empty_listeners(given: &mut Given) {
    for key in LISTENER_LISTS {
        if let Some((text, _)) = given.get_mut(*key) {
            let parts: Vec<String> = split_list(text).into_iter().filter(|part| !part.is_empty()).collect();
            *text = parts.join(",");
        }
    }
}

/// Reads and judges a whole configuration.
pub fn load(sources: &Sources) -> Result<Loaded, LoadError> {
    let mut given = merge(sources)?;
    let defaults = match &sources.defaults {
        Some(path) => read(path)?,
        None => parse_properties(DEFAULT_PROPERTIES.as_bytes()).map_err(LoadError::Malformed)?,
    };
    complete(&mut given, defaults);
    without_empty_listeners(&mut given);
    let values = BrokerValues::new(given.iter().map(|(key, (text, _))| (key.clone(), text.clone())).collect());
    let mut warnings: Vec<String> = values.unknown().map(|name| unknown_key(name, &given)).collect();
    let config = BrokerConfig::from_values(values).map_err(|error| refused(error, &given))?;
    refuse_what_is_not_enforced(&config)?;
    warnings.extend(internal_topics(&config).warnings);
    let cluster_id = sources.environment.get(CLUSTER_ID).map(|id| id.trim().to_string()).filter(|id| !id.is_empty());
    Ok(Loaded { config, cluster_id, warnings })
}

fn unknown_key(name: &str, given: &Given) -> String {
    let origin = given.get(name).map_or("", |(_, origin)| origin);
    match name {
        "zookeeper.connect" => format!(
            "zookeeper.connect ({origin}) is ignored: Klamm keeps the cluster's metadata itself and needs no ZooKeeper"
        ),
        _ => format!("Unknown configuration {name} ({origin}) is ignored"),
    }
}

fn refused(error: ConfigError, given: &Given) -> LoadError {
    let name = match &error {
        ConfigError::Invalid { name, .. } => Some(name.as_str()),
        _ => None,
    };
    let def = name.and_then(super::broker_table::definition);
    let allowed = def.map_or(String::new(), |def| match def.check.allowed() {
        words if words.is_empty() => format!(" (allowed: {})", def.kind.name()),
        words => format!(" (allowed: {}, {words})", def.kind.name()),
    });
    let origin = name.and_then(|name| given.get(name)).map_or(String::new(), |(_, origin)| format!(" [from {origin}]"));
    LoadError::Refused { error, allowed, origin }
}

/// Refuses to start where a setting asks for protection that this broker does not give.
fn refuse_what_is_not_enforced(config: &BrokerConfig) -> Result<(), LoadError> {
    use super::listeners::SecurityProtocol::Plaintext;
    let refuse = |text: String| {
        Err(LoadError::Refused { error: ConfigError::Rule(text), allowed: String::new(), origin: String::new() })
    };
    if let Some(listener) = config.listeners.all().iter().find(|listener| listener.protocol != Plaintext) {
        return refuse(format!(
            "listener {} asks for {}, which Klamm does not serve yet: only PLAINTEXT listeners can start",
            listener.name,
            listener.protocol.name()
        ));
    }
    let given = |name: &str| config.values.given(name).unwrap_or_default().trim().to_string();
    if !given("authorizer.class.name").is_empty() && given("allow.everyone.if.no.acl.found") != "true" {
        return refuse(
            "authorizer.class.name is set, and Klamm does not enforce ACLs yet: unset it, or say \
             allow.everyone.if.no.acl.found=true to run without"
                .into(),
        );
    }
    Ok(())
}
