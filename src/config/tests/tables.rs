//! The tables against themselves: order, defaults, and the keys that the typed configuration reads.

use crate::config::broker_table::{definition, definitions, Effect, SUBJECTS};
use crate::config::definition::parse;
use crate::config::topic_table;

#[test]
fn tables_are_sorted_and_disjoint() {
    let mut seen = std::collections::BTreeSet::new();
    for (subject, table) in SUBJECTS {
        assert!(table.windows(2).all(|pair| pair[0].name < pair[1].name), "{subject} is not sorted");
        for def in *table {
            assert!(seen.insert(def.name), "{} stands in two tables", def.name);
        }
    }
    assert!(topic_table::TABLE.windows(2).all(|pair| pair[0].name < pair[1].name));
}

#[test]
fn every_default_satisfies_its_own_check() {
    for def in definitions() {
        if let Some(text) = def.default {
            def.parse(text).unwrap();
        }
    }
    for def in topic_table::TABLE {
        parse(def.name, def.default, def.kind, def.check).unwrap();
    }
}

#[test]
fn every_synonym_is_a_honoured_or_known_broker_key() {
    for def in topic_table::TABLE {
        for synonym in def.broker_synonyms {
            assert!(definition(synonym.name).is_some(), "{} names {}", def.name, synonym.name);
        }
    }
}

/// What is called honoured is read by the typed configuration, and nothing else is.
#[test]
fn honoured_keys_are_those_that_are_read() {
    let sources = [
        include_str!("../reader.rs"),
        include_str!("../broker.rs"),
        include_str!("../shares.rs"),
        include_str!("../listeners.rs"),
        include_str!("../load.rs"),
    ];
    let synonyms: Vec<&str> =
        topic_table::TABLE.iter().flat_map(|def| def.broker_synonyms).map(|synonym| synonym.name).collect();
    for def in definitions() {
        let quoted = format!("\"{}\"", def.name);
        let read = sources.iter().any(|source| source.contains(&quoted)) || synonyms.contains(&def.name);
        match def.effect {
            Effect::Honoured => assert!(read, "{} is called honoured and nothing reads it", def.name),
            Effect::Accepted => assert!(
                !sources[..3].iter().any(|source| source.contains(&quoted)),
                "{} is read by the typed configuration and called without effect",
                def.name
            ),
        }
    }
}

/// Read by `config` itself.
const JUDGED_HERE: &[&str] = &["bootstrap_servers", "roles"];

/// A typed setting that no room reads would be a key that is called honoured and has no effect.
#[test]
fn typed_settings_have_readers() {
    let src = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut code) = (vec![src.clone()], String::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && path != src.join("config") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                code += &std::fs::read_to_string(path).unwrap();
            }
        }
    }
    let fields = [include_str!("../broker.rs"), include_str!("../shares.rs")]
        .into_iter()
        .flat_map(str::lines)
        .filter_map(|line| {
            let (name, _) = line.strip_prefix("    pub ")?.split_once(':')?;
            name.chars().all(|c| c.is_ascii_lowercase() || c == '_').then_some(name)
        });
    for field in fields.filter(|field| !JUDGED_HERE.contains(field)) {
        assert!(code.contains(&format!(".{field}")), "nothing reads {field}");
    }
}
