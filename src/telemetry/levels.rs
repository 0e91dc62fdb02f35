//! The levels of the loggers, which may be changed while the node runs (KIP-412).
//!
//! A logger is a room, under the name that its lines carry (`klamm.replica`), or `root` for all others. Absent from
//! here: what is logged. A release build has no `TRACE` lines at all, and shows what `DEBUG` shows.

use parking_lot::Mutex;
use std::collections::BTreeMap;

/// The logger of all that have no level of their own.
pub const ROOT: &str = "root";

/// The code map, whose rooms are the loggers.
const CODE_MAP: &str = include_str!("../lib.rs");

/// Every room's logger, by name.
fn rooms() -> impl Iterator<Item = String> {
    let rooms = CODE_MAP.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    rooms.map(|room| format!("klamm.{room}"))
}

/// A level by log4j's name, the loudest last. There are no fatal lines: a logger at `FATAL` says nothing.
const LEVELS: &[(&str, &str)] =
    &[("FATAL", "off"), ("ERROR", "error"), ("WARN", "warn"), ("INFO", "info"), ("DEBUG", "debug"), ("TRACE", "trace")];

/// The names of the levels, as Kafka lists them in its refusals.
pub const LEVEL_NAMES: &str = "DEBUG, ERROR, FATAL, INFO, TRACE, WARN";

/// Takes a filter in the syntax of `klamm.log.filter`.
type Apply = Box<dyn Fn(&str) + Send + Sync>;

/// The levels of this process's loggers.
pub struct LogLevels {
    /// The filter that the node was started with.
    started: String,
    apply: Apply,
    /// Guards what was set since.
    set: Mutex<BTreeMap<String, &'static str>>,
}

impl LogLevels {
    /// Levels as `filter` has them; `apply` makes a new filter hold.
    pub(super) fn new(filter: &str, apply: Apply) -> Self {
        Self { started: filter.to_owned(), apply, set: Mutex::default() }
    }

    /// Levels that nobody listens to: for a node whose lines go elsewhere.
    pub fn unheard() -> Self {
        Self::new("info", Box::new(|_| {}))
    }

    /// Every logger with log4j's name of its level, by name.
    pub fn all(&self) -> Vec<(String, &'static str)> {
        let set = self.set.lock();
        let own = |name: &str| set.get(name).copied().or_else(|| self.started_own(name));
        let root = own(ROOT).unwrap_or("INFO");
        let rooms = rooms().map(|name| {
            let level = own(&name).unwrap_or(root);
            (name, level)
        });
        let mut all: Vec<_> = rooms.chain([(ROOT.to_owned(), root)]).collect();
        all.sort_unstable();
        all
    }

    /// Whether there is a logger of that name.
    pub fn has(&self, name: &str) -> bool {
        name == ROOT || rooms().any(|known| known == name)
    }

    /// Whether there is a level of that name.
    pub fn is_level(name: &str) -> bool {
        LEVELS.iter().any(|(level, _)| *level == name)
    }

    /// Sets a logger's level, or makes it again what it was at the start (`None`). Unknown names change nothing.
    pub fn set(&self, name: &str, level: Option<&str>) {
        if !self.has(name) {
            return;
        }
        let mut set = self.set.lock();
        match level.map(|level| LEVELS.iter().find(|(known, _)| *known == level)) {
            Some(Some((level, _))) => set.insert(name.to_owned(), level),
            Some(None) => return,
            None => set.remove(name),
        };
        // Of directives for the same target the last holds.
        let mut filter = self.started.clone();
        for (name, level) in set.iter() {
            let word = LEVELS.iter().find(|(known, _)| known == level).map_or("info", |(_, word)| word);
            filter.push_str(&match name.as_str() {
                ROOT => format!(",{word}"),
                room => format!(",{}={word}", room.replace('.', "::")),
            });
        }
        (self.apply)(&filter);
    }

    /// The level that the node was started with, by log4j's name.
    fn started_own(&self, name: &str) -> Option<&'static str> {
        let target = name.replace('.', "::");
        let directives = self.started.split(',').map(str::trim);
        let words = directives.filter_map(|directive| match directive.split_once('=') {
            Some((own, word)) => (own == target).then_some(word),
            None => (name == ROOT).then_some(directive),
        });
        let named = |word: &str| LEVELS.iter().find(|(_, known)| word.eq_ignore_ascii_case(known));
        words.filter_map(named).next_back().map(|(level, _)| *level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn k1_levels_are_set_and_taken_back() {
        let heard = Arc::new(Mutex::new(String::new()));
        let hears = heard.clone();
        let levels =
            LogLevels::new("klamm::log=debug,warn", Box::new(move |filter| filter.clone_into(&mut hears.lock())));
        let level = |name: &str| levels.all().into_iter().find(|(known, _)| *known == name).map(|(_, level)| level);
        assert_eq!((level("klamm.log"), level("klamm.api"), level(ROOT)), (Some("DEBUG"), Some("WARN"), Some("WARN")));
        levels.set("klamm.api", Some("TRACE"));
        levels.set(ROOT, Some("ERROR"));
        assert_eq!(*heard.lock(), "klamm::log=debug,warn,klamm::api=trace,error");
        assert_eq!((level("klamm.api"), level("klamm.server")), (Some("TRACE"), Some("ERROR")));
        levels.set("klamm.api", None);
        levels.set("klamm.log", Some("LOUD"));
        levels.set("no.such.logger", Some("DEBUG"));
        assert_eq!(
            (level("klamm.api"), level("klamm.log"), level("no.such.logger")),
            (Some("ERROR"), Some("DEBUG"), None)
        );
    }

    #[test]
    fn every_room_has_a_logger() {
        let all = LogLevels::unheard().all();
        for name in ["klamm.api", "klamm.replica", "klamm.server", ROOT] {
            assert!(all.iter().any(|(known, _)| known == name), "{name}");
        }
    }
}
