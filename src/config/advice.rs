//! What an operator should be told about a configuration that works and is not what was asked for.

use super::broker::BrokerConfig;
use super::listeners::Listener;
use std::net::IpAddr;

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
    // A socket for both families shows IPv4 clients as ::ffff:a.b.c.d.
    let came_to = came_to.to_canonical();
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
