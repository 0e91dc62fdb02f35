//! What a value must satisfy beyond its kind: bounds, words, lists. The refusals are Kafka's, word for word.

use super::definition::{ConfigError, Value};

/// What a value must satisfy beyond its kind. Bounds are inclusive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Check {
    /// Nothing more.
    Any,
    /// A number of at least this.
    AtLeast(i64),
    /// A number between these.
    Between(i64, i64),
    /// A floating-point number between these.
    Real(f64, f64),
    /// A number between these two, or the third.
    BetweenOr(i64, i64, i64),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// One of these words, in any case.
    OneOfAnyCase(&'static [&'static str]),
    /// Text of at least one character.
    NonEmpty,
    /// A list of these words; duplicates are dropped (KIP-1161). The flag permits the empty list.
    ListOf(&'static [&'static str], bool),
    /// A list of any words, none of them empty; duplicates are dropped. The flag permits the empty list.
    Distinct(bool),
    /// A list of endpoints as `host:port`.
    Endpoints,
    /// A list of quorum voters as `id@host:port`.
    Voters,
    /// `*`, or a list of replicas as `partition:broker`.
    ThrottledReplicas,
}

impl Check {
    /// Accepts or refuses a value; lists come back without duplicates where the check drops them.
    pub(super) fn apply(self, name: &str, value: Value) -> Result<Value, ConfigError> {
        let refuse = |message: String| Err(ConfigError::invalid(name, value.text(), message));
        match (self, &value) {
            (Check::AtLeast(least), Value::Integer(number)) if *number < least => {
                refuse(format!("Value must be at least {least}"))
            }
            (Check::Between(least, _), Value::Integer(number)) if *number < least => {
                refuse(format!("Value must be at least {least}"))
            }
            (Check::Between(_, most), Value::Integer(number)) if *number > most => {
                refuse(format!("Value must be no more than {most}"))
            }
            (Check::Real(least, _), Value::Real(number)) if *number < least => {
                refuse(format!("Value must be at least {least}"))
            }
            (Check::Real(_, most), Value::Real(number)) if *number > most => {
                refuse(format!("Value must be no more than {most}"))
            }
            (Check::BetweenOr(least, most, or), Value::Integer(number))
                if !(least..=most).contains(number) && *number != or =>
            {
                refuse(format!("Value must be between {least} and {most} or equal to {or}"))
            }
            (Check::OneOf(words), Value::Text(text)) if !words.contains(&text.as_str()) => {
                refuse(format!("String must be one of: {}", words.join(", ")))
            }
            (Check::OneOfAnyCase(words), Value::Text(text)) if !words.iter().any(|w| w.eq_ignore_ascii_case(text)) => {
                refuse(format!("String must be one of (case insensitive): {}", words.join(", ")))
            }
            (Check::NonEmpty, Value::Text(text)) if text.is_empty() => refuse("String must be non-empty".into()),
            (
                Check::ListOf(..) | Check::Distinct(_) | Check::Endpoints | Check::Voters | Check::ThrottledReplicas,
                Value::List(_),
            ) => self.apply_to_list(name, value),
            _ => Ok(value),
        }
    }

    fn apply_to_list(self, name: &str, value: Value) -> Result<Value, ConfigError> {
        let Value::List(values) = value else { return Ok(value) };
        match self {
            Check::ThrottledReplicas => throttled_replicas(name, values),
            Check::Endpoints | Check::Voters if values.is_empty() => Ok(Value::List(values)),
            Check::Voters => match values.iter().find(|voter| !is_voter(voter)) {
                None => Ok(Value::List(values)),
                Some(_) => Err(ConfigError::Rule(format!(
                    "Invalid configuration value for {name}. Each entry should be in the form `{{id}}@{{host}}:{{port}}`."
                ))),
            },
            Check::Endpoints => match values.iter().find(|endpoint| host_and_port(endpoint).is_none()) {
                None => Ok(Value::List(values)),
                Some(bad) => Err(ConfigError::Rule(format!("Invalid url in {name}: {bad}"))),
            },
            Check::ListOf(words, empty_allowed) => {
                let values = distinct(name, values, empty_allowed, &format!("[{}]", words.join(", ")))?;
                match values.iter().find(|value| !words.contains(&value.as_str())) {
                    None => Ok(Value::List(values)),
                    Some(bad) => Err(ConfigError::invalid(
                        name,
                        bad.clone(),
                        format!("String must be one of: {}", words.join(", ")),
                    )),
                }
            }
            Check::Distinct(empty_allowed) => {
                distinct(name, values, empty_allowed, "any non-empty value").map(Value::List)
            }
            _ => Ok(Value::List(values)),
        }
    }

    /// The permitted values in words, for messages and for the documented properties file; empty where all are.
    pub fn allowed(self) -> String {
        match self {
            Check::Any => String::new(),
            Check::AtLeast(least) => format!("at least {least}"),
            Check::Between(least, most) => format!("{least} to {most}"),
            Check::Real(least, most) => format!("{least} to {most}"),
            Check::BetweenOr(least, most, or) => format!("{least} to {most}, or {or}"),
            Check::OneOf(words) => format!("one of {}", words.join(", ")),
            Check::OneOfAnyCase(words) => format!("one of {} (in any case)", words.join(", ")),
            Check::NonEmpty => "not empty".into(),
            Check::ListOf(words, true) => format!("any of {}, or empty", words.join(", ")),
            Check::ListOf(words, false) => format!("at least one of {}", words.join(", ")),
            Check::Distinct(_) => "no empty elements".into(),
            Check::Endpoints => "of host:port".into(),
            Check::Voters => "of id@host:port".into(),
            Check::ThrottledReplicas => "* or a list of partition:broker".into(),
        }
    }
}

fn distinct(name: &str, values: Vec<String>, empty_allowed: bool, permitted: &str) -> Result<Vec<String>, ConfigError> {
    if values.is_empty() && !empty_allowed {
        return Err(ConfigError::Rule(format!(
            "Configuration '{name}' must not be empty. Valid values include: {permitted}"
        )));
    }
    if values.iter().any(String::is_empty) {
        return Err(ConfigError::Rule(format!("Configuration '{name}' values must not be empty.")));
    }
    Ok(without_duplicates(values))
}

fn throttled_replicas(name: &str, values: Vec<String>) -> Result<Value, ConfigError> {
    let is_replica = |value: &String| {
        let mut parts = value.split(':');
        let number = |part: Option<&str>| {
            part.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
        };
        number(parts.next()) && number(parts.next()) && parts.next().is_none()
    };
    // Java's split drops trailing empty parts, so a lone comma is no replica at all, which Kafka accepts.
    let all_empty = values.iter().all(String::is_empty);
    if all_empty || values == ["*"] || values.iter().all(is_replica) {
        return Ok(Value::List(values));
    }
    Err(ConfigError::invalid(
        name,
        format!("[{}]", values.join(", ")),
        format!(
            "{name} must be the literal '*' or a list of replicas in the following format: \
             [partitionId]:[brokerId],[partitionId]:[brokerId],..."
        ),
    ))
}

/// Splits `host:port`; an IPv6 host stands in brackets, which are removed.
pub(crate) fn host_and_port(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse().ok()?;
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']')?,
        None if host.contains(':') => return None,
        None => host,
    };
    Some((host.to_string(), port))
}

fn is_voter(text: &str) -> bool {
    text.split_once('@').is_some_and(|(id, address)| id.parse::<i32>().is_ok() && host_and_port(address).is_some())
}

fn without_duplicates(values: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::with_capacity(values.len());
    for value in values {
        if !kept.contains(&value) {
            kept.push(value);
        }
    }
    kept
}
