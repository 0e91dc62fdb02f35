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

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;
    use std::io::Write;
    use std::sync::Arc;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn raft_speaks_one_level_lower_and_keeps_its_values() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_ansi(false)
            .without_time()
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let logger = logger().new(slog::o!("raft_id" => 7));
            slog::info!(logger, "became leader at term {term}", term = 3; "votes" => 2);
            slog::warn!(logger, "stepped down");
            slog::debug!(logger, "nobody hears this");
        });
        let text = String::from_utf8(lines.0.lock().clone()).unwrap();
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(lines[0].starts_with("DEBUG raft: became leader at term 3 raft_id=7"), "{text}");
        assert!(lines[0].contains(" votes=2") && lines[1] == "WARN raft: stepped down raft_id=7", "{text}");
    }
}
