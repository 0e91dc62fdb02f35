//! Layers: the defaults, then `server.properties`, then the environment, then the command line. The later one holds.
//!
//! figment layers the text and remembers where each value comes from; nothing else is asked of it, because its own
//! typing would take a password of digits for a number, and dots in keys for nesting.

use super::broker::BrokerConfig;
use super::definition::{split_list, ConfigError};
use super::environment::{properties_of, CLUSTER_ID};
use super::listeners::Listener;
use super::properties::parse_properties;
use super::values::BrokerValues;
use figment::value::magic::Tagged;
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};
use std::collections::BTreeMap;
use std::net::IpAddr;
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
type Given = BTreeMap<String, (String, String)>;

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
        figment = figment.merge(Layer { name: "--override".into(), pairs: vec![pair] });
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

const ENVIRONMENT: &str = "environment variable";
const LISTENER_LISTS: &[&str] = &["listeners", "advertised.listeners"];

/// Keys that only make sense together: given one, the defaults of the others are not wanted.
const TOGETHER: &[&[&str]] = &[
    &["listeners", "advertised.listeners", "inter.broker.listener.name", "security.inter.broker.protocol"],
    &["node.id", "broker.id"],
    &["log.dirs", "log.dir"],
    &["controller.quorum.voters", "controller.quorum.bootstrap.servers"],
];

/// Keys that say what the cluster looks like. While none is given, the node is alone and its internal topics have one
/// replica.
const TOPOLOGY: &[&str] = &[
    "process.roles",
    "listeners",
    "advertised.listeners",
    "controller.quorum.voters",
    "controller.quorum.bootstrap.servers",
];

/// Adds the defaults to what was given, leaving out what would contradict it.
fn complete(given: &mut Given, defaults: Vec<(String, String)>, by_hand: bool) {
    let names: Vec<String> = given.keys().cloned().collect();
    let has = |name: &str| names.iter().any(|given| given == name);
    let shape_given = TOPOLOGY.iter().any(|name| has(name));
    for (key, value) in defaults {
        let contradicted =
            TOGETHER.iter().any(|group| group.contains(&key.as_str()) && group.iter().any(|name| has(name)));
        let internal_topic = key.ends_with(".replication.factor") || key.ends_with(".min.isr");
        // As in Kafka, a node that is configured but for its directory uses Kafka's.
        let directory = key == "log.dirs" && !by_hand;
        let unwanted = contradicted || directory || (internal_topic && shape_given);
        if !has(&key) && !unwanted {
            given.insert(key, (value, "defaults".into()));
        }
    }
    listen_where_advertised(given);
    stand_alone(given);
    // Kafka shows the node's id under both of its names.
    for (name, other) in [("node.id", "broker.id"), ("broker.id", "node.id")] {
        if let (None, Some(id)) = (given.get(other), given.get(name).cloned()) {
            given.insert(other.into(), id);
        }
    }
}

/// By the rule of Kafka's image: listeners that are not given are the advertised ones on every interface. It holds for
/// the environment alone, as there; Kafka itself listens on its default port then.
fn listen_where_advertised(given: &mut Given) {
    if given.contains_key("listeners") {
        return;
    }
    let advertised = given.get("advertised.listeners").filter(|(_, origin)| origin.starts_with(ENVIRONMENT));
    let Some((advertised, _)) = advertised.cloned() else { return };
    let everywhere = |endpoint: String| match (endpoint.find("://"), endpoint.rfind(':')) {
        (Some(scheme), Some(port)) if port > scheme => {
            format!("{}://0.0.0.0{}", &endpoint[..scheme], &endpoint[port..])
        }
        _ => endpoint,
    };
    let listeners: Vec<String> = split_list(&advertised).into_iter().map(everywhere).collect();
    given.insert("listeners".into(), (listeners.join(","), "advertised.listeners".into()));
}

/// A controller whose quorum is not given is the only one: it votes for itself.
fn stand_alone(given: &mut Given) {
    let text = |given: &Given, key: &str| given.get(key).map(|(text, _)| text.trim().to_string()).unwrap_or_default();
    let quorum = ["controller.quorum.voters", "controller.quorum.bootstrap.servers"];
    if quorum.iter().any(|key| !text(given, key).is_empty()) || !text(given, "process.roles").contains("controller") {
        return;
    }
    let id =
        [text(given, "node.id"), text(given, "broker.id")].into_iter().find(|id| !id.is_empty()).unwrap_or_default();
    let controller = split_list(&text(given, "controller.listener.names")).into_iter().next().unwrap_or_default();
    let listeners = split_list(&text(given, "listeners"));
    let own = listeners.iter().find(|endpoint| endpoint.starts_with(&format!("{controller}://")));
    let port = own.and_then(|endpoint| endpoint.rsplit(':').next()?.parse::<u16>().ok()).unwrap_or(9093);
    given.insert("controller.quorum.voters".into(), (format!("{id}@localhost:{port}"), "defaults".into()));
}

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
    let by_hand = sources.properties.is_none() && given.values().all(|(_, origin)| !origin.starts_with(ENVIRONMENT));
    complete(&mut given, defaults, by_hand || sources.defaults.is_some());
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

/// Replication factors of the internal topics on this node, and what to say about them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InternalTopics {
    /// Of `__consumer_offsets`.
    pub offsets_replication_factor: i16,
    /// What was lowered; empty where nothing was.
    pub warnings: Vec<String>,
}

/// Lowers the internal topics' replication factors on a lone node, where Kafka would wait for other brokers for ever.
pub fn internal_topics(config: &BrokerConfig) -> InternalTopics {
    let asked = config.groups.offsets_topic_replication_factor;
    if !config.is_lone_node() || asked <= 1 {
        return InternalTopics { offsets_replication_factor: asked, warnings: Vec::new() };
    }
    let warning = format!(
        "offsets.topic.replication.factor is {asked} and this node is the whole cluster: __consumer_offsets gets 1 \
         replica. Set it to 1 to silence this warning, or add brokers"
    );
    InternalTopics { offsets_replication_factor: 1, warnings: vec![warning] }
}

/// What to tell the operator when a client came in by an address that is not the one that its listener tells clients
/// to use, so that its next connection will fail or go elsewhere; `None` where nothing is wrong. `came_to` is the
/// local address of the accepted connection. The caller limits how often this is logged.
pub fn advertised_address_warning(listener: &Listener, came_to: IpAddr) -> Option<String> {
    let told = &listener.advertised;
    let told_is_local = told.host == "localhost" || told.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let misled = match told.host.parse::<IpAddr>() {
        Ok(address) => address != came_to && !(address.is_loopback() && came_to.is_loopback()),
        // A name may stand for any address; only one for this machine alone is known to be wrong.
        Err(_) => told_is_local && !came_to.is_loopback(),
    };
    misled.then(|| {
        format!(
            "A client connected to {came_to} on listener {} and is told to use {told}. If it cannot reach that \
             address, set advertised.listeners to one that it can",
            listener.name
        )
    })
}
