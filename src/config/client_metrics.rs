//! The settings of subscriptions to client metrics (KIP-714).

use super::definition::{split_list, ConfigError, Kind};
use super::describe::{Described, Source, Synonym};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Bounds of `interval.ms`, in milliseconds.
const INTERVAL_MS: RangeInclusive<i64> = 100..=3_600_000;

/// What `match` can look at.
const SELECTORS: &[&str] = &[
    "client_id",
    "client_instance_id",
    "client_software_name",
    "client_software_version",
    "client_source_address",
    "client_source_port",
];

/// Name, kind, default, and what it is. By name.
#[rustfmt::skip]
const TABLE: &[(&str, Kind, &str, &str)] = &[
    ("interval.ms", Kind::Int, "300000", "How often a client pushes its metrics, in milliseconds."),
    ("match", Kind::List, "", "Which clients are meant: selector=regular expression, all of which must match."),
    ("metrics", Kind::List, "", "The prefixes of the names of the metrics that are wanted."),
];

/// Why a setting is refused: Kafka has two kinds of errors for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// `INVALID_REQUEST`.
    Request(String),
    /// `INVALID_CONFIG`.
    Config(ConfigError),
}

/// Whether the setting is a list.
pub fn is_list(name: &str) -> bool {
    TABLE.iter().any(|(known, kind, ..)| *known == name && *kind == Kind::List)
}

/// Judges one setting. Regular expressions are not compiled: no client is matched against them yet.
///
/// # Errors
/// There is no such setting, or the value is not permitted.
pub fn validate(name: &str, text: &str) -> Result<(), Refused> {
    match name {
        "metrics" => Ok(()),
        "match" => split_list(text).iter().try_for_each(|pattern| {
            let selector = pattern.split_once('=').map(|(selector, _)| selector.trim());
            match selector {
                Some(selector) if SELECTORS.contains(&selector) && pattern.matches('=').count() == 1 => Ok(()),
                _ => {
                    let why = format!("Illegal client matching pattern: {pattern}");
                    Err(Refused::Config(ConfigError::Rule(why)))
                }
            }
        }),
        "interval.ms" => match text.trim().parse::<i64>() {
            Ok(interval) if INTERVAL_MS.contains(&interval) => Ok(()),
            _ => Err(Refused::Request(format!(
                "Invalid value {text} for interval.ms, interval must be between 100 and 3600000 (1 hour)"
            ))),
        },
        _ => Err(Refused::Request(format!("Unknown client metrics configuration: {name}"))),
    }
}

/// Every setting of a subscription as DescribeConfigs shows it, by name. As in Kafka, a default has no synonym.
pub fn describe(overrides: &BTreeMap<String, String>) -> Vec<Described> {
    let described = TABLE.iter().map(|(name, kind, default, doc)| {
        let own = overrides.get(*name);
        let synonym =
            |own: &String| Synonym { name: (*name).into(), value: Some(own.clone()), source: Source::ClientMetrics };
        Described {
            name: (*name).into(),
            value: Some(own.cloned().unwrap_or_else(|| (*default).into())),
            source: own.map_or(Source::Default, |_| Source::ClientMetrics),
            synonyms: own.map(synonym).into_iter().collect(),
            kind: Some(*kind),
            doc,
            read_only: false,
            sensitive: false,
        }
    });
    described.collect()
}
