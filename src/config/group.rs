//! The settings of groups: names, defaults and bounds, which mostly come from the brokers' settings (4.12 of Kafka's
//! documentation calls them group configs).

use super::broker_table;
use super::definition::{parse, Check, ConfigError, Kind, Value};
use super::describe::{Described, Source, Synonym};
use super::values::BrokerValues;
use std::collections::BTreeMap;

/// One setting of a group.
struct GroupConfigDef {
    name: &'static str,
    /// Without a broker's setting behind it: kind, check and default.
    alone: Option<(Kind, Check, &'static str)>,
    doc: &'static str,
}

const fn of_broker(name: &'static str, doc: &'static str) -> GroupConfigDef {
    GroupConfigDef { name, alone: None, doc }
}

const fn alone(
    name: &'static str,
    kind: Kind,
    check: Check,
    default: &'static str,
    doc: &'static str,
) -> GroupConfigDef {
    GroupConfigDef { name, alone: Some((kind, check, default)), doc }
}

const ISOLATION_LEVELS: Check = Check::OneOf(&["read_committed", "read_uncommitted"]);

/// By name. Those that have a broker's setting behind them take kind and default from `group.` and their own name, and
/// bounds from the same with `min.` or `max.` before the last part.
#[rustfmt::skip]
const TABLE: &[GroupConfigDef] = &[
    of_broker("consumer.assignment.interval.ms", "The least time between two assignments of a consumer group, in milliseconds."),
    of_broker("consumer.heartbeat.interval.ms", "How often a member of a consumer group is told to send a heartbeat, in milliseconds."),
    of_broker("consumer.session.timeout.ms", "How long a member of a consumer group may be silent, in milliseconds."),
    of_broker("share.assignment.interval.ms", "The least time between two assignments of a share group, in milliseconds."),
    alone("share.auto.offset.reset", Kind::String, Check::Any, "latest", "Where a share group begins: latest, earliest, or by_duration: with a duration."),
    of_broker("share.delivery.count.limit", "How often a record is delivered to a share group at most."),
    of_broker("share.heartbeat.interval.ms", "How often a member of a share group is told to send a heartbeat, in milliseconds."),
    alone("share.isolation.level", Kind::String, ISOLATION_LEVELS, "read_uncommitted", "Whether a share group sees records of open transactions."),
    of_broker("share.partition.max.record.locks", "The most records of a partition that a share group has in hand."),
    of_broker("share.record.lock.duration.ms", "How long a record of a share group stays with who took it, in milliseconds."),
    alone("share.renew.acknowledge.enable", Kind::Boolean, Check::Any, "true", "Whether members of a share group may renew their hold on a record."),
    of_broker("share.session.timeout.ms", "How long a member of a share group may be silent, in milliseconds."),
    of_broker("streams.assignment.interval.ms", "The least time between two assignments of a streams group, in milliseconds."),
    of_broker("streams.heartbeat.interval.ms", "How often a member of a streams group is told to send a heartbeat, in milliseconds."),
    of_broker("streams.initial.rebalance.delay.ms", "How long a new streams group waits for more members, in milliseconds."),
    of_broker("streams.num.standby.replicas", "How many standby tasks a streams group has for each task."),
    of_broker("streams.session.timeout.ms", "How long a member of a streams group may be silent, in milliseconds."),
];

impl GroupConfigDef {
    /// Kind and check.
    fn form(&self) -> (Kind, Check) {
        match self.alone {
            Some((kind, check, _)) => (kind, check),
            None => {
                let def = broker_table::definition(&self.broker_name());
                def.map_or((Kind::String, Check::Any), |def| (def.kind, def.check))
            }
        }
    }

    fn broker_name(&self) -> String {
        format!("group.{}", self.name)
    }

    /// The name of the broker's setting that bounds this one: `consumer.session.timeout.ms` →
    /// `group.consumer.min.session.timeout.ms`.
    fn bound_name(&self, which: &str) -> String {
        match self.name.split_once('.') {
            Some((_, "num.standby.replicas")) => format!("group.streams.{which}.standby.replicas"),
            Some((family, rest)) => format!("group.{family}.{which}.{rest}"),
            None => String::new(),
        }
    }
}

/// Judges one setting of a group on a broker with these values.
///
/// # Errors
/// There is no such setting, or the value is not permitted.
pub fn validate(name: &str, text: &str, broker: &BrokerValues) -> Result<(), ConfigError> {
    let Some(def) = TABLE.iter().find(|def| def.name == name) else {
        return Err(ConfigError::Rule(format!("Unknown group config name: {name}")));
    };
    let (kind, check) = def.form();
    let Value::Integer(number) = parse(name, text, kind, check)? else { return Ok(()) };
    if def.alone.is_some() {
        return Ok(());
    }
    for (which, word) in [("min", "greater"), ("max", "less")] {
        let bound_name = def.bound_name(which);
        let Some(Value::Integer(bound)) = broker.value(&bound_name) else { continue };
        if (which == "min" && number < bound) || (which == "max" && number > bound) {
            return Err(ConfigError::Rule(format!("{name} must be {word} than or equal to {bound_name}")));
        }
    }
    Ok(())
}

/// The value that holds where a group has none of its own; `None` for a setting that there is not.
pub fn value_beneath(name: &str, broker: &BrokerValues) -> Option<String> {
    let def = TABLE.iter().find(|def| def.name == name)?;
    match def.alone {
        Some((_, _, default)) => Some(default.to_owned()),
        None => broker.value(&def.broker_name()).map(|value| value.text()),
    }
}

/// Every setting of a group as DescribeConfigs shows it, by name.
pub fn describe(overrides: &BTreeMap<String, String>, broker: &BrokerValues) -> Vec<Described> {
    TABLE.iter().map(|def| describe_one(def, overrides, broker)).collect()
}

fn describe_one(def: &GroupConfigDef, overrides: &BTreeMap<String, String>, broker: &BrokerValues) -> Described {
    let broker_name = def.broker_name();
    let mut synonyms = match def.alone {
        Some((_, _, default)) => {
            vec![Synonym { name: def.name.into(), value: Some(default.into()), source: Source::Default }]
        }
        None => broker.synonyms(&[&broker_name], &broker_name, false),
    };
    if let Some(own) = overrides.get(def.name) {
        synonyms.insert(0, Synonym { name: def.name.into(), value: Some(own.clone()), source: Source::Group });
    }
    let strongest = synonyms.first();
    Described {
        name: def.name.into(),
        value: strongest.and_then(|synonym| synonym.value.clone()),
        source: strongest.map_or(Source::Default, |synonym| synonym.source),
        synonyms,
        kind: Some(def.form().0),
        doc: def.doc,
        read_only: false,
        sensitive: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k1_every_setting_of_a_group_has_a_kind_and_a_default_of_its_own_kind() {
        let broker = BrokerValues::default();
        for def in TABLE {
            let (kind, check) = def.form();
            let default = value_beneath(def.name, &broker).unwrap();
            assert!(parse(def.name, &default, kind, check).is_ok(), "{}", def.name);
            assert_eq!(def.alone.is_none(), broker_table::definition(&def.broker_name()).is_some(), "{}", def.name);
        }
        assert!(TABLE.windows(2).all(|pair| pair[0].name < pair[1].name));
    }

    #[test]
    fn k2_a_groups_setting_stands_before_the_brokers() {
        let overrides = BTreeMap::from([("consumer.session.timeout.ms".to_owned(), "50000".to_owned())]);
        let described = describe(&overrides, &BrokerValues::default());
        let session = described.iter().find(|config| config.name == "consumer.session.timeout.ms").unwrap();
        let sources: Vec<_> = session.synonyms.iter().map(|synonym| (synonym.source, &*synonym.name)).collect();
        let own = (Source::Group, "consumer.session.timeout.ms");
        assert_eq!(sources, [own, (Source::Default, "group.consumer.session.timeout.ms")]);
        assert_eq!((session.value.as_deref(), session.source), (Some("50000"), Source::Group));
    }
}
