//! The house rules as tests: what may import what, how large files and functions grow, which calls stand in one place only.
//!
//! Each table below is the rule; to change a rule, change its table and say why in the commit.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms by layer, lowest first. A room may import any room of a lower layer.
const LAYERS: &[&[&str]] = &[
    &["clock", "config", "disk", "ids", "kv", "record", "rng", "telemetry", "wire"],
    &["controller", "log", "metadata", "quota", "shard"],
    &["coordinator", "group", "quorum", "replica", "share", "sharing", "txn"],
    &["api", "server"],
];

/// Edges within a layer, besides a room's own files.
const EDGES: &[(&str, &str)] = &[
    // The ground is handed to itself: files and names to whoever stores or sends them.
    ("config", "disk"),
    ("config", "ids"),
    ("config", "rng"),
    ("config", "record"),
    ("disk", "rng"),
    ("record", "clock"),
    ("record", "ids"),
    ("rng", "ids"),
    ("wire", "disk"),
    ("telemetry", "clock"),
    ("controller", "metadata"),
    ("quota", "metadata"),
    // A machine is told of each new image.
    ("shard", "metadata"),
    ("coordinator", "replica"),
    ("coordinator", "group"),
    ("coordinator", "txn"),
    ("coordinator", "quorum"),
    ("coordinator", "share"),
    ("replica", "quorum"),
    ("sharing", "coordinator"),
    ("sharing", "group"),
    ("sharing", "replica"),
    ("sharing", "share"),
    ("server", "api"),
];

/// Text that may stand only below the given paths (of `src/`, or files of it).
const ONLY_IN: &[(&str, &[&str])] = &[
    // The simulator's clients speak it.
    ("kafka_protocol", &["wire/", "api/", "sim/"]),
    ("rocksdb::", &["kv/"]),
    ("raft::", &["quorum/"]),
    // RocksDB reads its own files, and after it has refused its log, so does the door to it.
    ("std::fs", &["disk/", "config/", "kv/wal.rs", "tidy.rs"]),
    ("fs::File", &["disk/", "config/", "tidy.rs"]),
    ("SystemTime::now", &["clock.rs"]),
    // The simulator's clock is tokio's, whose time is paused.
    ("Instant::now", &["clock.rs", "sim/clock.rs"]),
    ("RandomState", &["rng.rs"]),
    ("thread_rng", &["rng.rs"]),
    ("TcpListener", &["server/net.rs"]),
    ("TcpStream", &["server/net.rs"]),
    ("unbounded_channel", &[]),
    ("mpsc::channel()", &[]),
    ("static mut", &[]),
    ("todo!(", &[]),
    ("unimplemented!(", &[]),
    ("dbg!(", &[]),
    ("#[ignore", &[]),
    ("log4rs", &[]),
];

/// Rooms that are plain synchronous Rust.
const WITHOUT_TOKIO: &[&str] = &["log", "metadata", "controller", "record", "shard", "group", "share", "txn"];

/// Most lines of a file that is not a test.
const FILE_LINES: usize = 1000;
/// Most lines of half the files.
const MEDIAN_FILE_LINES: usize = 250;
/// Most lines of a function, signature and braces included.
const FUNCTION_LINES: usize = 70;

/// Functions that are tables: one line per row, longer than [`FUNCTION_LINES`] for a reason.
const TABLES: &[(&str, &str)] = &[("wire/shape/probe.rs", "with_type_of"), ("api/mod.rs", "route")];

struct Source {
    path: String,
    /// Without the `#[cfg(test)]` module that ends it.
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            if path.extension().is_some_and(|extension| extension == "rs") && !is_test(&name) {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
                found.push(Source { path: name, code });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 20, "the walk found the tree");
    found
}

fn is_test(path: &str) -> bool {
    path == "tidy.rs" || path.contains("/tests/") || path.ends_with("tests.rs") || path.ends_with("_test.rs")
}

/// The code without comments, line by line, so that words in prose break no rule.
fn statements(code: &str) -> impl Iterator<Item = (usize, &str)> {
    code.lines().enumerate().filter_map(|(at, line)| {
        let line = line.trim();
        (!line.starts_with("//")).then_some((at + 1, line))
    })
}

fn room_of(path: &str) -> &str {
    path.split(['/', '.']).next().unwrap_or(path)
}

fn layer_of(room: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&room))
}

fn fail_with(what: &str, offences: &[String]) {
    assert!(offences.is_empty(), "{what}:\n  {}", offences.join("\n  "));
}

#[test]
fn rooms_import_along_the_allowed_edges_only() {
    let mut offences = Vec::new();
    for source in sources() {
        let room = room_of(&source.path);
        let Some(layer) = layer_of(room) else { continue };
        for (at, line) in statements(&source.code) {
            for target in line.split("crate::").skip(1) {
                let target: String = target.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let target = target.as_str();
                let allowed = target == room
                    || match layer_of(target) {
                        Some(theirs) if theirs < layer => true,
                        Some(theirs) if theirs == layer => EDGES.contains(&(room, target)),
                        Some(_) => false,
                        None => !matches!(target, "node" | "sim"),
                    };
                if !allowed {
                    offences.push(format!("{}:{at}: {room} must not import {target}", source.path));
                }
            }
        }
    }
    fail_with("edges outside the table", &offences);
}

#[test]
fn calls_stand_in_their_one_place() {
    let mut offences = Vec::new();
    for source in sources() {
        for (at, line) in statements(&source.code) {
            for (text, places) in ONLY_IN {
                if line.contains(text) && !places.iter().any(|place| source.path.starts_with(place)) {
                    offences.push(format!("{}:{at}: {text} belongs in {places:?}", source.path));
                }
            }
            if line.contains("tokio") && WITHOUT_TOKIO.contains(&room_of(&source.path)) {
                offences.push(format!("{}:{at}: this room is synchronous", source.path));
            }
        }
    }
    fail_with("calls out of place", &offences);
}

#[test]
fn nothing_unwraps_outside_tests() {
    let mut offences = Vec::new();
    for source in sources() {
        for (at, line) in statements(&source.code) {
            if line.contains(".unwrap()") {
                offences.push(format!("{}:{at}: say with expect why it cannot fail", source.path));
            }
            // The allocator is the one global that the language asks for.
            let is_allocator = line.starts_with("static ALLOCATOR");
            if !is_allocator && line.starts_with("static ")
                || line.starts_with("pub static ")
                || line.contains("thread_local!")
            {
                offences.push(format!("{}:{at}: state is handed in, not global", source.path));
            }
        }
    }
    fail_with("panics and globals", &offences);
}

#[test]
fn files_stay_small() {
    let mut lengths = BTreeMap::new();
    for source in sources() {
        lengths.insert(source.path, source.code.lines().count());
    }
    let large: Vec<String> =
        lengths.iter().filter(|(_, lines)| **lines > FILE_LINES).map(|f| format!("{f:?}")).collect();
    fail_with("files that have outgrown their room", &large);
    let mut sorted: Vec<usize> = lengths.into_values().collect();
    sorted.sort_unstable();
    let median = sorted[sorted.len() / 2];
    assert!(median <= MEDIAN_FILE_LINES, "half the files have more than {median} lines");
}

#[test]
fn functions_stay_small() {
    let mut functions = 0;
    let mut long = Vec::new();
    for source in sources() {
        let mut open: Option<(usize, String, String)> = None;
        for (at, line) in source.code.lines().enumerate() {
            let indent: String = line.chars().take_while(|c| *c == ' ').collect();
            let text = line.trim_start();
            if open.is_none() && is_function_head(text) && !text.ends_with(';') && !text.ends_with('}') {
                open = Some((at, indent, text.to_owned()));
            } else if let Some((from, outer, head)) = &open {
                if line == format!("{outer}}}") || line == format!("{outer};") {
                    functions += 1;
                    let lines = at - from + 1;
                    let name = head.split("fn ").nth(1).and_then(|rest| rest.split(['(', '<']).next()).unwrap_or(head);
                    let exempt = TABLES.iter().any(|(path, function)| *path == source.path && *function == name);
                    if lines > FUNCTION_LINES && !exempt {
                        long.push(format!("{}:{}: {name} has {lines} lines", source.path, from + 1));
                    }
                    open = None;
                }
            }
        }
    }
    assert!(functions > 100, "the reader found the functions: {functions}");
    fail_with("functions too long to see at once", &long);
}

fn is_function_head(text: &str) -> bool {
    let text =
        text.strip_prefix("pub").map_or(text, |rest| rest.trim_start_matches("(crate)").trim_start_matches("(super)"));
    let text = text.trim_start();
    ["fn ", "async fn ", "const fn ", "unsafe fn "].iter().any(|head| text.starts_with(head))
}

#[test]
fn every_handler_file_opens_with_its_versions() {
    let mut offences = Vec::new();
    for source in sources() {
        let is_handler = source.path.starts_with("api/") && source.code.contains("pub async fn handle(")
            || source.path.starts_with("api/") && source.code.contains("pub fn handle(");
        if is_handler && !source.code.lines().take(4).any(|line| line.contains("Versions ")) {
            offences.push(format!("{}: open with `//! Name (key N). Versions a–b. …`", source.path));
        }
    }
    fail_with("handler heads", &offences);
}

#[test]
fn the_code_map_names_every_room() {
    let map = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let prose: String = map.lines().filter(|line| line.starts_with("//!")).collect::<Vec<_>>().join("\n");
    let missing: Vec<String> = LAYERS
        .iter()
        .flat_map(|layer| layer.iter())
        .filter(|room| !prose.contains(&format!("`{room}")))
        .map(|room| (*room).to_owned())
        .collect();
    fail_with("rooms that lib.rs does not describe", &missing);
}

#[test]
fn the_project_stands_alone() {
    // Spelled in pieces, or this file would break its own rule.
    let words =
        [["../", "shared"].concat(), ["/work", "/"].concat(), ["design", ".md"].concat(), ["crates", ".io"].concat()];
    let mut offences = Vec::new();
    for source in sources() {
        for (at, line) in source.code.lines().enumerate() {
            if words.iter().any(|word| line.contains(word.as_str())) {
                offences.push(format!("{}:{}", source.path, at + 1));
            }
        }
    }
    fail_with("words of elsewhere", &offences);
}
