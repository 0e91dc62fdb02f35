//! The loggers of this broker as a resource that can be described and altered (KIP-412): kept by this process alone, and
//! forgotten at its end.

use super::controller_calls::Refused;
use super::error::ErrorCode;
use super::Services;
use crate::config::definition::Kind;
use crate::config::describe::{Described, Source};
use crate::controller::request::{ConfigChange, ConfigOperation};
use crate::telemetry::levels::{LogLevels, LEVEL_NAMES, ROOT};
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeSet;

/// K1: the type of the resource.
pub(super) const BROKER_LOGGER: i8 = 8;

fn refuse<T>(error: ErrorCode, why: String) -> Result<T, Refused> {
    Err((error, Some(StrBytes::from_string(why))))
}

/// Refuses a broker that is not this one: nobody else knows its loggers.
fn check_name(services: &Services, name: &str) -> Result<(), Refused> {
    let invalid = |why: String| refuse(ErrorCode::InvalidRequest, why);
    let own = services.config.node_id;
    match name.parse::<i32>() {
        _ if name.is_empty() => invalid("Broker id must not be empty".to_owned()),
        Err(_) => invalid(format!("Broker id must be an integer, but it is: {name}")),
        Ok(id) if id != own => invalid(format!("Unexpected broker id, expected {own} but received {name}")),
        Ok(_) => Ok(()),
    }
}

/// Every logger with its level.
pub(super) fn described(services: &Services, name: &str) -> Result<Vec<Described>, Refused> {
    check_name(services, name)?;
    let all = services.log_levels.all().into_iter();
    let described = all.map(|(logger, level)| Described {
        name: logger,
        value: Some(level.to_owned()),
        source: Source::Logger,
        synonyms: Vec::new(),
        kind: Some(Kind::String),
        doc: "",
        read_only: false,
        sensitive: false,
    });
    Ok(described.collect())
}

/// Sets levels and takes them back: all of the changes or none.
pub(super) fn alter(
    services: &Services,
    name: &str,
    changes: &[ConfigChange],
    validate_only: bool,
) -> Result<(), Refused> {
    check_name(services, name)?;
    let mut seen = BTreeSet::new();
    if changes.iter().any(|change| !seen.insert(&change.key)) {
        return refuse(ErrorCode::InvalidRequest, "Error due to duplicate config keys".to_owned());
    }
    changes.iter().try_for_each(|change| judge(services, change))?;
    if !validate_only {
        for change in changes {
            let level = change.value.as_deref().filter(|_| change.operation == ConfigOperation::Set);
            services.log_levels.set(&change.key, level);
        }
    }
    Ok(())
}

fn judge(services: &Services, change: &ConfigChange) -> Result<(), Refused> {
    let (logger, level) = (&change.key, change.value.as_deref().unwrap_or_default());
    let invalid = |why: String| refuse(ErrorCode::InvalidConfig, why);
    if matches!(change.operation, ConfigOperation::Append | ConfigOperation::Subtract) {
        let word = format!("{:?}", change.operation).to_uppercase();
        let why = format!("{word} operation is not allowed for the BROKER_LOGGER resource");
        return refuse(ErrorCode::InvalidRequest, why);
    }
    if !services.log_levels.has(logger) {
        return invalid(format!("Logger {logger} does not exist!"));
    }
    match change.operation {
        ConfigOperation::Set if !LogLevels::is_level(level) => invalid(format!(
            "Cannot set the log level of {logger} to {level} as it is not a supported log level. Valid log levels are \
             {LEVEL_NAMES}"
        )),
        ConfigOperation::Delete if logger == ROOT => {
            let why = "Removing the log level of the root logger is not allowed".to_owned();
            refuse(ErrorCode::InvalidRequest, why)
        }
        _ => Ok(()),
    }
}
