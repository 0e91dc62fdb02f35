//! What holds where the operator says nothing, without contradicting what the operator does say.

use super::definition::split_list;
use super::load::{Given, ENVIRONMENT, OVERRIDE};

/// Keys that only make sense together: given one, the defaults of the others are not wanted.
const TOGETHER: &[&[&str]] = &[
    &["listeners", "advertised.listeners", "inter.broker.listener.name", "security.inter.broker.protocol"],
    &["node.id", "broker.id"],
    &["log.dirs", "log.dir"],
    &["controller.quorum.voters", "controller.quorum.bootstrap.servers"],
];

/// Keys that the default voter follows from.
const VOTES: &[&str] = &["node.id", "broker.id", "listeners", "advertised.listeners", "controller.listener.names"];

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
pub(super) fn complete(given: &mut Given, defaults: Vec<(String, String)>) {
    // A properties file or an environment that says anything at all configures the node; --override alone does not.
    let configured = given.values().any(|(_, origin)| origin != OVERRIDE);
    let names: Vec<String> = given.keys().cloned().collect();
    let has = |name: &str| names.iter().any(|given| given == name);
    let shape_given = TOPOLOGY.iter().any(|name| has(name));
    for (key, value) in defaults {
        let contradicted =
            TOGETHER.iter().any(|group| group.contains(&key.as_str()) && group.iter().any(|name| has(name)));
        // The default voter is the default node at its default listener.
        let other_voter = key == "controller.quorum.voters" && VOTES.iter().any(|name| has(name));
        let internal_topic = key.ends_with(".replication.factor") || key.ends_with(".min.isr");
        // As in Kafka, a node that is configured but for its directory uses Kafka's own default.
        let directory = key == "log.dirs" && configured;
        let unwanted = contradicted || other_voter || directory || (internal_topic && shape_given);
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
