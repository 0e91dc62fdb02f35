//! Listeners: where the node listens, and what address it tells clients for each.
//!
//! Absent from here: sockets. `server/` binds what stands here.

use super::broker::Roles;
use super::definition::{split_list, ConfigError};
use super::reader::Reader;
use super::values::BrokerValues;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

/// How a listener is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecurityProtocol {
    /// Neither encrypted nor authenticated.
    Plaintext,
    /// TLS.
    Ssl,
    /// SASL without encryption.
    SaslPlaintext,
    /// SASL over TLS.
    SaslSsl,
}

impl SecurityProtocol {
    const ALL: [(SecurityProtocol, &'static str); 4] = [
        (SecurityProtocol::Plaintext, "PLAINTEXT"),
        (SecurityProtocol::Ssl, "SSL"),
        (SecurityProtocol::SaslPlaintext, "SASL_PLAINTEXT"),
        (SecurityProtocol::SaslSsl, "SASL_SSL"),
    ];

    /// Kafka's name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(protocol, _)| *protocol == self).map_or("", |(_, name)| name)
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(protocol, _)| *protocol)
    }
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// A name or an address, IPv6 without brackets; empty for every interface.
    pub host: String,
    /// The port; 0 lets the system choose.
    pub port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// One listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Its name, in capitals.
    pub name: String,
    /// Where to listen.
    pub bind: Address,
    /// What clients are told; its host is never empty nor the wildcard address.
    pub advertised: Address,
    /// How it is secured.
    pub protocol: SecurityProtocol,
    /// It is for the metadata quorum only, and clients are never told of it.
    pub controller: bool,
}

/// All listeners of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listeners {
    all: Vec<Listener>,
    inter_broker: Option<String>,
}

struct Endpoint {
    name: String,
    address: Address,
}

fn rule(text: String) -> ConfigError {
    ConfigError::Rule(text)
}

/// Reads `NAME://host:port`.
fn endpoint(key: &str, text: &str) -> Result<Endpoint, ConfigError> {
    let malformed = || rule(format!("Unable to parse {text} to a broker endpoint ({key}: expected NAME://host:port)"));
    let (name, rest) = text.split_once("://").ok_or_else(malformed)?;
    let permitted = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if name.is_empty() || !name.chars().all(permitted) {
        return Err(malformed());
    }
    let (host, port) = super::definition::host_and_port(rest).ok_or_else(malformed)?;
    Ok(Endpoint { name: name.to_ascii_uppercase(), address: Address { host, port } })
}

fn endpoints(key: &str, parts: &[String]) -> Result<Vec<Endpoint>, ConfigError> {
    parts.iter().map(|part| endpoint(key, part)).collect()
}

fn is_wildcard(host: &str) -> bool {
    host.is_empty() || host.parse::<IpAddr>().is_ok_and(|address| address.is_unspecified())
}

fn protocol_map(text: &str, controller_names: &[String]) -> Result<BTreeMap<String, SecurityProtocol>, ConfigError> {
    const KEY: &str = "listener.security.protocol.map";
    let mut map = BTreeMap::new();
    for part in split_list(text).iter().filter(|part| !part.is_empty()) {
        let pair = part.rsplit_once(':').map(|(name, protocol)| (name.trim(), protocol.trim()));
        let (name, protocol) = pair.ok_or_else(|| {
            ConfigError::invalid(KEY, text, "Expected NAME:PROTOCOL pairs separated by commas".to_string())
        })?;
        let known = SecurityProtocol::from_name(protocol).ok_or_else(|| {
            ConfigError::invalid(
                KEY,
                text,
                format!("No security protocol {protocol}: it is one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"),
            )
        })?;
        map.insert(name.to_ascii_uppercase(), known);
    }
    // As in Kafka: while nothing needs TLS or SASL, a controller listener that is not mapped is PLAINTEXT.
    if map.values().all(|protocol| *protocol == SecurityProtocol::Plaintext) || text == DEFAULT_PROTOCOL_MAP {
        for name in controller_names {
            map.entry(name.clone()).or_insert(SecurityProtocol::Plaintext);
        }
    }
    Ok(map)
}

const DEFAULT_PROTOCOL_MAP: &str = "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT";

impl Listeners {
    /// Reads the listeners out of the configuration.
    pub fn from_values(values: &BrokerValues, roles: Roles) -> Result<Self, ConfigError> {
        let from = Reader(values);
        let names = |key: &str| from.list(key).unwrap_or_default();
        let controller_names: Vec<String> =
            names("controller.listener.names").iter().map(|name| name.to_ascii_uppercase()).collect();
        let map_text = from.text("listener.security.protocol.map").unwrap_or_default();
        let protocols = protocol_map(&map_text, &controller_names)?;
        let bound = endpoints("listeners", &names("listeners"))?;
        let advertised = endpoints("advertised.listeners", &names("advertised.listeners"))?;
        let mut all: Vec<Listener> = Vec::with_capacity(bound.len());
        for one in &bound {
            let protocol = *protocols.get(&one.name).ok_or_else(|| {
                rule(format!(
                    "No security protocol defined for listener {} (listener.security.protocol.map={map_text})",
                    one.name
                ))
            })?;
            if all.iter().any(|other| other.name == one.name) {
                return Err(rule(format!("Each listener must have a different name, listeners: {}", one.name)));
            }
            if let Some(other) = all.iter().find(|other| clash(&other.bind, &one.address)) {
                return Err(rule(format!(
                    "Each listener must have a different port unless one is IPv4 and the other IPv6, listeners: \
                     {} and {} both have port {}",
                    other.name, one.name, one.address.port
                )));
            }
            let controller = controller_names.contains(&one.name);
            all.push(Listener {
                name: one.name.clone(),
                bind: one.address.clone(),
                advertised: advertised_address(one, &advertised, controller)?,
                protocol,
                controller,
            });
        }
        let listeners = Self { inter_broker: inter_broker(&from, &all)?, all };
        let alone =
            names("controller.quorum.voters").len() <= 1 && names("controller.quorum.bootstrap.servers").is_empty();
        listeners.judge(roles, &advertised, &controller_names, alone)?;
        Ok(listeners)
    }

    fn judge(
        &self,
        roles: Roles,
        advertised: &[Endpoint],
        controllers: &[String],
        alone: bool,
    ) -> Result<(), ConfigError> {
        for one in advertised {
            if !self.all.iter().any(|listener| listener.name == one.name) && !controllers.contains(&one.name) {
                return Err(rule(format!(
                    "advertised.listeners names {}, which listeners does not (listeners: {})",
                    one.name,
                    self.all.iter().map(|listener| listener.name.as_str()).collect::<Vec<_>>().join(", ")
                )));
            }
        }
        if roles.broker && self.clients().next().is_none() {
            return Err(rule(
                "There must be at least one listener that is not a controller's. Perhaps all listeners appear in \
                 controller.listener.names?"
                    .into(),
            ));
        }
        // A lone node's quorum has nobody to listen to: the listener may be left out.
        if roles.controller && !alone && self.controllers().next().is_none() {
            return Err(rule(
                "controller.listener.names must contain at least one value appearing in the 'listeners' \
                 configuration when running the KRaft controller role"
                    .into(),
            ));
        }
        Ok(())
    }

    /// Every listener, in the order in which they were given.
    pub fn all(&self) -> &[Listener] {
        &self.all
    }

    /// The listeners that clients may connect to.
    pub fn clients(&self) -> impl Iterator<Item = &Listener> {
        self.all.iter().filter(|listener| !listener.controller)
    }

    /// The listeners of the metadata quorum.
    pub fn controllers(&self) -> impl Iterator<Item = &Listener> {
        self.all.iter().filter(|listener| listener.controller)
    }

    /// The listener by which brokers reach one another; `None` on a controller.
    pub fn inter_broker(&self) -> Option<&Listener> {
        self.all.iter().find(|listener| Some(&listener.name) == self.inter_broker.as_ref())
    }

    /// The listener called `name`, in any case.
    pub fn by_name(&self, name: &str) -> Option<&Listener> {
        self.all.iter().find(|listener| listener.name.eq_ignore_ascii_case(name))
    }
}

fn clash(one: &Address, other: &Address) -> bool {
    let family = |address: &Address| address.host.parse::<IpAddr>().ok().map(|ip| ip.is_ipv4());
    let distinct_families = matches!((family(one), family(other)), (Some(a), Some(b)) if a != b);
    let distinct_hosts = !is_wildcard(&one.host) && !is_wildcard(&other.host) && one.host != other.host;
    one.port == other.port && one.port != 0 && !distinct_families && !distinct_hosts
}

/// What a listener tells clients: its entry in `advertised.listeners`, else its own address, else this host's name.
fn advertised_address(bound: &Endpoint, advertised: &[Endpoint], controller: bool) -> Result<Address, ConfigError> {
    let given = advertised.iter().find(|one| one.name == bound.name);
    let address = given.map_or(&bound.address, |one| &one.address);
    let port = address.port;
    if !is_wildcard(&address.host) {
        return Ok(Address { host: address.host.clone(), port });
    }
    // Kafka has the wildcard of a controller's listener stand for this host, and that of a client's be refused.
    if !address.host.is_empty() && !controller {
        return Err(rule(format!(
            "requirement failed: advertised.listeners cannot use the nonroutable meta-address {}. Use a routable IP \
             address.",
            address.host
        )));
    }
    Ok(Address { host: host_name(), port })
}

/// This machine's name, as Kafka's canonical host name; `localhost` where the system does not tell.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" | "(none)" => "localhost".into(),
        name => name.into(),
    }
}

fn inter_broker(from: &Reader<'_>, all: &[Listener]) -> Result<Option<String>, ConfigError> {
    let clients = || all.iter().filter(|listener| !listener.controller);
    if let Some(name) = from.text("inter.broker.listener.name").filter(|name| !name.is_empty()) {
        let found = clients().find(|listener| listener.name.eq_ignore_ascii_case(&name));
        return match found {
            Some(listener) => Ok(Some(listener.name.clone())),
            None if clients().next().is_none() => Ok(None),
            None => Err(rule(format!(
                "requirement failed: inter.broker.listener.name must be a listener name defined in \
                 advertised.listeners. The valid options based on currently configured listeners are {}",
                clients().map(|listener| listener.name.as_str()).collect::<Vec<_>>().join(",")
            ))),
        };
    }
    let protocol = from.text("security.inter.broker.protocol").unwrap_or_default();
    let by_protocol = clients().find(|listener| listener.name == protocol);
    // Kafka refuses to start when no listener bears the protocol's name. A lone node never speaks to another broker:
    // the first listener does.
    Ok(by_protocol.or_else(|| clients().next()).map(|listener| listener.name.clone()))
}
