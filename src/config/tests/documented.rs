//! `config/server.properties`: every key that Klamm honours, written from the tables.

use crate::config::broker_table::{BrokerConfigDef, Effect, Scope, SUBJECTS};
use crate::config::load::{load, Sources};
use std::path::PathBuf;

const WIDTH: usize = 118;

const HEADER: &str = "\
# Every key that Klamm honours, with its default. Names, defaults and bounds are Apache Kafka's, but for klamm.* keys.
# Kafka's other keys are accepted and shown by kafka-configs.sh, and do nothing; unknown ones are warned about.
#
# This file is written from the tables in src/config/broker_table by a test; to change it, change them and run
#   KLAMM_REWRITE_GOLDEN=1 cargo test --lib config::tests::documented
#
# Topic settings (kafka-configs.sh --entity-type topics) are stronger than the keys here. One of them is Klamm's own:
# flush.before.ack=true acknowledges a write (acks=all) only when it is flushed to disk.

# One node that is broker and controller. What is commented out below is the default.
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
controller.quorum.voters=1@localhost:9093
log.dirs=./data
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
";

fn wrap(text: &str, out: &mut String) {
    let mut line = String::from("#");
    for word in text.split_whitespace() {
        if line.len() + 1 + word.len() > WIDTH {
            out.push_str(&line);
            out.push('\n');
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    out.push_str(&line);
    out.push('\n');
}

fn entry(def: &BrokerConfigDef, out: &mut String) {
    out.push('\n');
    wrap(def.doc, out);
    let allowed = def.check.allowed();
    let kind = def.kind.name().to_lowercase();
    let altered = match def.scope {
        Scope::ReadOnly | Scope::PerBroker => "by a restart",
        Scope::ClusterWide => "while running",
    };
    let allowed = if allowed.is_empty() { kind } else { format!("{kind}, {allowed}") };
    wrap(&format!("({allowed}; altered {altered}.)"), out);
    out.push_str(&format!("#{}={}\n", def.name, def.default.unwrap_or("")));
}

fn documented() -> String {
    let mut text = String::from(HEADER);
    for (subject, table) in SUBJECTS {
        let honoured: Vec<_> = table.iter().filter(|def| def.effect == Effect::Honoured && !def.internal).collect();
        if !honoured.is_empty() {
            text.push_str(&format!("\n\n# ---- {subject} ----\n"));
            honoured.iter().for_each(|def| entry(def, &mut text));
        }
    }
    text
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config/server.properties")
}

#[test]
fn the_documented_file_is_written_from_the_tables() {
    let expected = documented();
    if std::env::var_os("KLAMM_REWRITE_GOLDEN").is_some() {
        std::fs::create_dir_all(path().parent().unwrap()).unwrap();
        std::fs::write(path(), &expected).unwrap();
    }
    let actual = std::fs::read_to_string(path()).unwrap();
    assert!(actual == expected, "config/server.properties is stale: KLAMM_REWRITE_GOLDEN=1 rewrites it");
}

/// Uncommenting every default must change nothing and warn of nothing, so each line is a value that can be used.
#[test]
fn every_documented_line_can_be_uncommented() {
    let uncommented: String = documented()
        .lines()
        .map(|line| {
            line.strip_prefix('#').filter(|rest| !rest.starts_with([' ', '#']) && !rest.is_empty()).unwrap_or(line)
        })
        .filter(|line| !line.ends_with('=') && !line.starts_with("broker.id="))
        .map(|line| format!("{line}\n"))
        .collect();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("server.properties");
    // The defaults come first: what the head of the file says must hold over them.
    let (head, rest): (Vec<&str>, Vec<&str>) = {
        let lines: Vec<&str> = uncommented.lines().collect();
        let active = HEADER.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>();
        lines.iter().partition(|line| active.contains(line))
    };
    std::fs::write(&file, rest.into_iter().chain(head).map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    let loaded = load(&Sources { properties: Some(file), ..Sources::default() }).unwrap();
    assert_eq!(loaded.warnings, Vec::<String>::new());
    let plain = load(&Sources { properties: Some(path()), ..Sources::default() }).unwrap();
    assert_eq!(plain.warnings, Vec::<String>::new());
    assert_eq!(format!("{:?}", plain.config.log), format!("{:?}", loaded.config.log));
    assert_eq!(format!("{:?}", plain.config.groups), format!("{:?}", loaded.config.groups));
    assert_eq!(format!("{:?}", plain.config.klamm), format!("{:?}", loaded.config.klamm));
}
