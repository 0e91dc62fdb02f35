//! A broker's configuration as text, layer upon layer, with the origin of each value.
//!
//! Three layers: what was altered for this broker, what was altered for all brokers, and what the node was started
//! with. Below them lie Kafka's defaults.

use super::broker_table::{definition, definitions, BrokerConfigDef, Effect, Scope};
use super::definition::{parse, ConfigError, Kind, Value};
use super::describe::{Described, Source, Synonym};
use std::collections::BTreeMap;

/// Keys that Kafka reads as one, the strongest first.
const FAMILIES: &[&[&str]] = &[
    &["log.roll.ms", "log.roll.hours"],
    &["log.roll.jitter.ms", "log.roll.jitter.hours"],
    &["log.flush.interval.ms", "log.flush.scheduler.interval.ms"],
    &["log.retention.ms", "log.retention.minutes", "log.retention.hours"],
];

/// A broker's values as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrokerValues {
    fixed: BTreeMap<String, String>,
    all_brokers: BTreeMap<String, String>,
    this_broker: BTreeMap<String, String>,
}

impl BrokerValues {
    /// Values that a node was started with. They must have passed [`BrokerValues::judge`].
    pub fn new(fixed: BTreeMap<String, String>) -> Self {
        Self { fixed, ..Self::default() }
    }

    /// The same node after alterations: `all_brokers` holds for every broker of the cluster, `this_broker` is
    /// stronger. Values that are not permitted are ignored on reading.
    pub fn altered(&self, all_brokers: BTreeMap<String, String>, this_broker: BTreeMap<String, String>) -> Self {
        Self { fixed: self.fixed.clone(), all_brokers, this_broker }
    }

    /// Judges every known key's value; the first fault ends it. Unknown keys are not judged.
    pub fn judge(&self) -> Result<(), ConfigError> {
        for layer in [&self.fixed, &self.all_brokers, &self.this_broker] {
            for (name, text) in layer {
                if let Some(def) = definition(name) {
                    def.parse(text)?;
                }
            }
        }
        Ok(())
    }

    /// Keys of the start-up layer that no table knows, `listener.name.…` excepted, whose keys are made of names.
    pub fn unknown(&self) -> impl Iterator<Item = &str> {
        self.fixed.keys().map(String::as_str).filter(|name| definition(name).is_none() && listener_key(name).is_none())
    }

    /// What the node was started with.
    pub fn fixed(&self) -> &BTreeMap<String, String> {
        &self.fixed
    }

    fn layers(&self) -> [(&BTreeMap<String, String>, Source); 3] {
        [
            (&self.this_broker, Source::DynamicBroker),
            (&self.all_brokers, Source::DynamicDefaultBroker),
            (&self.fixed, Source::StaticBroker),
        ]
    }

    /// The strongest text given for `name`, without its default.
    pub fn given(&self, name: &str) -> Option<&str> {
        self.layers().iter().find_map(|(layer, _)| layer.get(name)).map(String::as_str)
    }

    /// The value of `name`: the strongest permitted one that was given, else its default. `None` where it has none.
    pub fn value(&self, name: &str) -> Option<Value> {
        let def = definition(name)?;
        let given = self.layers().iter().find_map(|(layer, _)| def.parse(layer.get(name)?).ok());
        given.or_else(|| def.default_value())
    }

    /// Every place that holds a value for one of `names`, the strongest first; `secret` hides the values.
    ///
    /// As in Kafka, what stands before the first entry called `shown` is left out: a topic whose retention comes from
    /// `log.retention.hours` alone shows no synonym.
    pub fn synonyms(&self, names: &[&str], shown: &str, secret: bool) -> Vec<Synonym> {
        let hide = |value: String| if secret { None } else { Some(value) };
        let mut found = Vec::new();
        for (layer, source) in self.layers() {
            for name in names {
                if let Some(text) = layer.get(*name) {
                    found.push(Synonym { name: (*name).into(), value: hide(text.clone()), source });
                }
            }
        }
        for name in names {
            if let Some(default) = definition(name).and_then(|def| def.default_value()) {
                found.push(Synonym { name: (*name).into(), value: hide(default.text()), source: Source::Default });
            }
        }
        let start = found.iter().position(|synonym| synonym.name == shown).unwrap_or(found.len());
        found.split_off(start)
    }

    /// Every key of this broker as DescribeConfigs shows it, by name: the known ones that are not internal, and
    /// whatever else it was started with, as secrets.
    pub fn describe(&self) -> Vec<Described> {
        let mut described: BTreeMap<&str, Described> = BTreeMap::new();
        for def in definitions().filter(|def| !def.internal || self.given(def.name).is_some()) {
            described.insert(def.name, self.describe_known(def));
        }
        for name in self.fixed.keys().filter(|name| definition(name).is_none()) {
            described.insert(name, self.describe_unknown(name));
        }
        described.into_values().collect()
    }

    fn describe_known(&self, def: &BrokerConfigDef) -> Described {
        let secret = def.kind == Kind::Password;
        let alone = [def.name];
        let names = FAMILIES.iter().find(|family| family.contains(&def.name)).map_or(&alone[..], |family| *family);
        let synonyms = self.synonyms(names, def.name, secret);
        let value = self.value(def.name).map(|value| value.text());
        Described {
            name: def.name.into(),
            value: if secret { None } else { value },
            source: synonyms.first().map_or(Source::Default, |strongest| strongest.source),
            synonyms,
            kind: Some(def.kind),
            doc: def.doc,
            read_only: def.scope == Scope::ReadOnly,
            sensitive: secret,
        }
    }

    fn describe_unknown(&self, name: &str) -> Described {
        let synonym = Synonym { name: name.into(), value: None, source: Source::StaticBroker };
        Described {
            name: name.into(),
            value: None,
            source: Source::StaticBroker,
            synonyms: vec![synonym],
            kind: None,
            doc: "",
            read_only: true,
            sensitive: true,
        }
    }
}

/// The cluster-wide alterations as DescribeConfigs shows them for the broker with the empty name (K3).
pub fn describe_all_brokers(all_brokers: &BTreeMap<String, String>) -> Vec<Described> {
    let values = BrokerValues { all_brokers: all_brokers.clone(), ..BrokerValues::default() };
    all_brokers
        .keys()
        .filter_map(|name| definition(name))
        .map(|def| {
            let mut described = values.describe_known(def);
            described.synonyms.retain(|synonym| synonym.source == Source::DynamicDefaultBroker);
            described
        })
        .collect()
}

/// Judges an alteration of a broker key: known, alterable in that scope, and permitted (K3). `for_one_broker` is false
/// for the cluster-wide default.
pub fn judge_alteration(name: &str, text: Option<&str>, for_one_broker: bool) -> Result<(), ConfigError> {
    let key = listener_key(name).unwrap_or(name);
    let Some(def) = definition(key) else {
        // Kafka keeps keys that it does not know: plug-ins may.
        return Ok(());
    };
    let for_listener = key != name;
    match def.scope {
        Scope::ReadOnly => Err(ConfigError::Rule(format!("Cannot update these configs dynamically: Set({name})"))),
        // Kafka moves its listeners while it runs; Klamm does not, and says so rather than do nothing.
        Scope::PerBroker if def.effect == Effect::Honoured => {
            Err(ConfigError::Rule(format!("{name} cannot be altered while Klamm runs: it takes a restart")))
        }
        _ if !for_one_broker && (def.scope == Scope::PerBroker || for_listener) => Err(ConfigError::Rule(format!(
            "Cannot update these configs at default cluster level, broker id must be specified: Set({name})"
        ))),
        _ => match text {
            Some(text) => parse(name, text, def.kind, def.check).map(|_| ()),
            None => Ok(()),
        },
    }
}

/// The key behind `listener.name.<listener>.[<mechanism>.]key`, `None` for other keys.
pub fn listener_key(name: &str) -> Option<&str> {
    let rest = name.strip_prefix("listener.name.")?;
    let (_, key) = rest.split_once('.')?;
    if definition(key).is_some() {
        return Some(key);
    }
    Some(key.split_once('.').map_or(key, |(_, rest)| if definition(rest).is_some() { rest } else { key }))
}
