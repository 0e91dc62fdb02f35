//! Raft's log lines, which come through slog, as tracing events.

use slog::{Drain, Key, Level, OwnedKVList, Record, Serializer, KV};
use std::fmt::{self, Write as _};

/// A slog drain into tracing. What raft calls information is told on every election and every message out of turn: it
/// becomes `debug`, and its `debug` becomes `trace`. The driver itself tells what an operator wants to know.
struct TracingDrain;

/// A logger for raft.
pub(super) fn logger() -> slog::Logger {
    slog::Logger::root(TracingDrain, slog::o!())
}

/// ` key=value` for each pair.
struct Pairs(String);

impl Serializer for Pairs {
    fn emit_arguments(&mut self, key: Key, value: &fmt::Arguments<'_>) -> slog::Result {
        write!(self.0, " {key}={value}").map_err(|_| slog::Error::Fmt(fmt::Error))
    }
}

fn pairs(record: &Record<'_>, values: &OwnedKVList) -> Result<String, slog::Error> {
    let mut pairs = Pairs(String::new());
    values.serialize(record, &mut pairs)?;
    record.kv().serialize(record, &mut pairs)?;
    Ok(pairs.0)
}

impl Drain for TracingDrain {
    type Ok = ();
    type Err = slog::Never;

    fn log(&self, record: &Record<'_>, values: &OwnedKVList) -> Result<(), slog::Never> {
        macro_rules! tell {
            ($level:ident) => {
                if tracing::enabled!(target: "raft", tracing::Level::$level) {
                    let pairs = pairs(record, values).unwrap_or_default();
                    tracing::event!(target: "raft", tracing::Level::$level, "{}{}", record.msg(), pairs);
                }
            };
        }
        match record.level() {
            Level::Critical | Level::Error => tell!(ERROR),
            Level::Warning => tell!(WARN),
            Level::Info => tell!(DEBUG),
            Level::Debug | Level::Trace => tell!(TRACE),
        }
        Ok(())
    }

    fn is_enabled(&self, level: Level) -> bool {
        match level {
            Level::Critical | Level::Error => tracing::enabled!(target: "raft", tracing::Level::ERROR),
            Level::Warning => tracing::enabled!(target: "raft", tracing::Level::WARN),
            Level::Info => tracing::enabled!(target: "raft", tracing::Level::DEBUG),
            Level::Debug | Level::Trace => tracing::enabled!(target: "raft", tracing::Level::TRACE),
        }
    }
}
