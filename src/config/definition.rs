//! What a configuration key is: its kind, default, permitted values and documentation; and how its text is read, in
//! Apache Kafka's terms and with Kafka's own messages, because tools print them and users search for them.

use thiserror::Error;

pub(crate) use super::check::host_and_port;
pub use super::check::Check;

/// The kind of a configuration value (`ConfigDef.Type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`, in any case.
    Boolean,
    /// Text, trimmed.
    String,
    /// 32 bits, signed.
    Int,
    /// 16 bits, signed.
    Short,
    /// 64 bits, signed.
    Long,
    /// A 64-bit floating-point number.
    Double,
    /// Text, separated by commas.
    List,
    /// The name of a Java class. Klamm knows some by name and runs none.
    Class,
    /// A secret: never shown.
    Password,
}

impl Kind {
    /// Kafka's name of the kind.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Boolean => "BOOLEAN",
            Kind::String => "STRING",
            Kind::Int => "INT",
            Kind::Short => "SHORT",
            Kind::Long => "LONG",
            Kind::Double => "DOUBLE",
            Kind::List => "LIST",
            Kind::Class => "CLASS",
            Kind::Password => "PASSWORD",
        }
    }
}

/// Why a configuration is refused. The texts are Kafka's.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ConfigError {
    /// A value that its key does not permit.
    #[error("Invalid value {value} for configuration {name}: {message}")]
    Invalid {
        /// The key.
        name: String,
        /// The value, as far as it was understood.
        value: String,
        /// What is wrong with it.
        message: String,
    },
    /// A topic setting that does not exist.
    #[error("Unknown topic config name: {0}")]
    UnknownTopicConfig(String),
    /// Values that contradict one another, or a list that is wrong as a whole.
    #[error("{0}")]
    Rule(String),
}

impl ConfigError {
    pub(crate) fn invalid(name: &str, value: impl Into<String>, message: impl Into<String>) -> Self {
        ConfigError::Invalid { name: name.into(), value: value.into(), message: message.into() }
    }
}

/// A value as its key's kind reads it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A [`Kind::Boolean`].
    Boolean(bool),
    /// An [`Kind::Int`], [`Kind::Short`] or [`Kind::Long`] within its range.
    Integer(i64),
    /// A [`Kind::Double`].
    Real(f64),
    /// A [`Kind::String`], [`Kind::Class`] or [`Kind::Password`].
    Text(String),
    /// A [`Kind::List`].
    List(Vec<String>),
}

impl Value {
    /// Kafka's text form (`ConfigDef.convertToString`), without hiding secrets.
    pub fn text(&self) -> String {
        match self {
            Value::Boolean(value) => value.to_string(),
            Value::Integer(value) => value.to_string(),
            Value::Real(value) => java_double(*value),
            Value::Text(value) => value.clone(),
            Value::List(values) => values.join(","),
        }
    }
}

/// Characters that Java's `String.trim` removes.
fn java_trim(text: &str) -> &str {
    text.trim_matches(|c: char| c <= ' ')
}

/// A double as Java's `Double.toString` writes it.
fn java_double(value: f64) -> String {
    let magnitude = value.abs();
    if value.is_nan() {
        "NaN".into()
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity" } else { "-Infinity" }.into()
    } else if magnitude == 0.0 || (1e-3..1e7).contains(&magnitude) {
        format!("{value:?}")
    } else {
        let text = format!("{value:E}");
        let (mantissa, exponent) = text.split_once('E').unwrap_or((&text, "0"));
        let point = if mantissa.contains('.') { "" } else { ".0" };
        format!("{mantissa}{point}E{exponent}")
    }
}

/// A double as Java's `Double.parseDouble` reads it, hexadecimal forms excepted.
fn parse_java_double(text: &str) -> Option<f64> {
    match text.trim_start_matches(['+', '-']) {
        "NaN" => return Some(f64::NAN),
        "Infinity" => return Some(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY }),
        _ => {}
    }
    let digits = text.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(text);
    if !digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '+' | '-' | 'e' | 'E')) {
        return None;
    }
    digits.parse().ok()
}

/// Splits a list at its commas, dropping blanks around each part; blank text is the empty list.
pub(crate) fn split_list(text: &str) -> Vec<String> {
    let text = java_trim(text);
    if text.is_empty() {
        return Vec::new();
    }
    text.split(',').map(|part| part.trim().to_string()).collect()
}

/// Reads `text` as the value of `name`, whose kind and check are given.
pub fn parse(name: &str, text: &str, kind: Kind, check: Check) -> Result<Value, ConfigError> {
    let trimmed = java_trim(text);
    let not_a_number = || ConfigError::invalid(name, text, format!("Not a number of type {}", kind.name()));
    let integer = |low: i64, high: i64| -> Result<Value, ConfigError> {
        let number: i64 = trimmed.parse().map_err(|_| not_a_number())?;
        if (low..=high).contains(&number) {
            Ok(Value::Integer(number))
        } else {
            Err(not_a_number())
        }
    };
    let value = match kind {
        Kind::Boolean if trimmed.eq_ignore_ascii_case("true") => Value::Boolean(true),
        Kind::Boolean if trimmed.eq_ignore_ascii_case("false") => Value::Boolean(false),
        Kind::Boolean => {
            return Err(ConfigError::invalid(name, text, "Expected value to be either true or false"));
        }
        Kind::Int => integer(i32::MIN.into(), i32::MAX.into())?,
        Kind::Short => integer(i16::MIN.into(), i16::MAX.into())?,
        Kind::Long => integer(i64::MIN, i64::MAX)?,
        Kind::Double => Value::Real(parse_java_double(trimmed).ok_or_else(not_a_number)?),
        Kind::String | Kind::Class => Value::Text(trimmed.to_string()),
        Kind::Password => Value::Text(text.to_string()),
        Kind::List => Value::List(split_list(text)),
    };
    check.apply(name, value)
}
