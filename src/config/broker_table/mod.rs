//! The broker keys, split by subject: Apache Kafka 4.3's whole table with its kinds, defaults, bounds and dynamic
//! scopes, and Klamm's own keys.
//!
//! Absent from here: what a key does to the broker. [`super::broker`] reads those that are honoured.

mod groups;
pub mod klamm;
mod log;
mod node;
mod reasons;
mod remote;
mod replication;
mod security;
mod topics;
mod transactions;

use super::definition::{parse, Check, ConfigError, Kind, Value};

/// Whether a key can be altered while the broker runs, and for whom (K3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Only by a restart.
    ReadOnly,
    /// For one broker at a time.
    PerBroker,
    /// For one broker or for all.
    ClusterWide,
}

/// Whether a key changes what Klamm does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It does what its documentation says.
    Honoured,
    /// It is accepted and shown, and does nothing.
    Accepted,
}

/// One broker key.
#[derive(Clone, Copy, Debug)]
pub struct BrokerConfigDef {
    /// Kafka's name.
    pub name: &'static str,
    /// The kind of its value.
    pub kind: Kind,
    /// Kafka's default as text, `None` where there is none.
    pub default: Option<&'static str>,
    /// What its value must satisfy.
    pub check: Check,
    /// Who may alter it at run time.
    pub scope: Scope,
    /// Whether Klamm acts on it.
    pub effect: Effect,
    /// What it does, or why it does nothing.
    pub doc: &'static str,
    /// Kafka hides it unless it is set.
    pub internal: bool,
}

impl BrokerConfigDef {
    const fn internal(self) -> Self {
        Self { internal: true, ..self }
    }

    /// Reads a value of this key.
    pub fn parse(&self, text: &str) -> Result<Value, ConfigError> {
        parse(self.name, text, self.kind, self.check)
    }

    /// The default as a value; `None` where there is none.
    pub fn default_value(&self) -> Option<Value> {
        self.default.and_then(|text| self.parse(text).ok())
    }
}

const fn honoured(
    name: &'static str,
    kind: Kind,
    default: Option<&'static str>,
    check: Check,
    scope: Scope,
    doc: &'static str,
) -> BrokerConfigDef {
    BrokerConfigDef { name, kind, default, check, scope, effect: Effect::Honoured, doc, internal: false }
}

const fn accepted(
    name: &'static str,
    kind: Kind,
    default: Option<&'static str>,
    check: Check,
    scope: Scope,
    doc: &'static str,
) -> BrokerConfigDef {
    BrokerConfigDef { name, kind, default, check, scope, effect: Effect::Accepted, doc, internal: false }
}

/// The tables with the subject that each is about, in the order in which the documented properties file shows them.
pub const SUBJECTS: &[(&str, &[BrokerConfigDef])] = &[
    ("The node, its listeners and the metadata quorum", node::TABLE),
    ("Logs: directories, segments, retention, flushing, compaction", log::TABLE),
    ("Topics, requests and connections", topics::TABLE),
    ("Replication between brokers", replication::TABLE),
    ("Groups and their offsets", groups::TABLE),
    ("Transactions and share groups", transactions::TABLE),
    ("Tiered storage", remote::TABLE),
    ("Authentication, authorization and encryption", security::TABLE),
    ("Klamm's own", klamm::TABLE),
];

/// Every key, subject by subject.
pub fn definitions() -> impl Iterator<Item = &'static BrokerConfigDef> {
    SUBJECTS.iter().flat_map(|(_, table)| table.iter())
}

/// The key called `name`.
pub fn definition(name: &str) -> Option<&'static BrokerConfigDef> {
    SUBJECTS.iter().find_map(|(_, table)| table.binary_search_by(|def| def.name.cmp(name)).ok().map(|at| &table[at]))
}
