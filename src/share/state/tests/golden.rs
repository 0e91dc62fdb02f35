//! One golden script a rule. `KLAMM_REWRITE_GOLDEN=1` rewrites the outputs in `testdata/`.
//!
//! A command stands at the start of a line, what it brings about is indented below it. Commands: `init G P state=N
//! start=N`, `read G P leader=N`, `write G P state=N leader=N start=N complete=N FIRST-LAST:STATE:COUNT…`, `delete G P`,
//! `summary G P leader=N`, `at MS`, `restart`, `redundant`. `gone=yes` is a partition that the metadata does not know.

use super::super::request::{Delete, Initialize, Read, Request, Summarize, Write};
use super::super::Record;
use super::bench::{Bench, EPOCH_MS};
use crate::ids::Uuid;
use crate::record::internal::share_state::StateBatch;
use crate::share::ShareName;
use std::collections::BTreeMap;

fn check(name: &str, written: &str) {
    let now = run(written);
    if std::env::var_os("KLAMM_REWRITE_GOLDEN").is_some() {
        let path = format!("{}/src/share/state/testdata/{name}.txt", env!("CARGO_MANIFEST_DIR"));
        std::fs::write(path, now).expect("testdata is writable");
    } else {
        assert!(now == written, "{name}.txt differs; KLAMM_REWRITE_GOLDEN=1 rewrites it. Now:\n{now}");
    }
}

macro_rules! golden {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            check(stringify!($name), include_str!(concat!("../testdata/", stringify!($name), ".txt")));
        })*
    };
}

golden! {
    s2_s5_fencing
    s5_snapshots_and_updates
    s5_cold_snapshots_and_redundancy
}

fn run(script: &str) -> String {
    let mut out = String::new();
    let mut bench = Bench::new(3);
    for line in script.lines().filter(|line| !line.starts_with("  ")) {
        out.push_str(&format!("{line}\n"));
        if !line.is_empty() && !line.starts_with('#') {
            for shown in command(line, &mut bench) {
                out.push_str(&format!("  {shown}\n"));
            }
        }
    }
    out
}

fn command(line: &str, bench: &mut Bench) -> Vec<String> {
    let mut parts = line.split_whitespace();
    let name = parts.next().expect("a command");
    let (mut options, mut words) = (BTreeMap::new(), Vec::new());
    for part in parts {
        match part.split_once('=') {
            Some((key, value)) => drop(options.insert(key, value)),
            None => words.push(part),
        }
    }
    match name {
        "at" => return bench.at(words[0].parse().expect("ms")).iter().map(show).collect(),
        "restart" => {
            bench.restart();
            return Vec::new();
        }
        "redundant" => return vec![format!("below {}", bench.shard.redundant_below())],
        _ => {}
    }
    let number = |key: &str| options.get(key).map_or(-1, |value| value.parse::<i64>().expect("a number"));
    let (reply, records) = bench.ask(request(name, &words, &number, !options.contains_key("gone")));
    let mut shown: Vec<String> = records.iter().map(show).collect();
    shown.push(format!("answer: {reply:?}"));
    shown
}

fn request(name: &str, words: &[&str], number: &dyn Fn(&str) -> i64, exists: bool) -> Request {
    let partition = words[1].parse().expect("a partition");
    let share = ShareName::new(words[0].into(), Uuid::from_u128(7), partition);
    let (state_epoch, leader_epoch) = (number("state") as i32, number("leader") as i32);
    let start_offset = number("start");
    match name {
        "init" => Initialize { name: share, exists, state_epoch, start_offset }.into(),
        "read" => Read { name: share, exists, leader_epoch }.into(),
        "delete" => Delete { name: share, exists }.into(),
        "summary" => Summarize { name: share, exists, leader_epoch }.into(),
        "write" => Write {
            name: share,
            exists,
            state_epoch,
            leader_epoch,
            start_offset,
            delivery_complete_count: number("complete") as i32,
            batches: words[2..].iter().map(|word| batch(word)).collect(),
        }
        .into(),
        other => panic!("no command {other}"),
    }
}

/// `FIRST-LAST:STATE:COUNT`.
fn batch(word: &str) -> StateBatch {
    let numbers: Vec<i64> = word.split(['-', ':']).map(|part| part.parse().expect("a number")).collect();
    StateBatch {
        first_offset: numbers[0],
        last_offset: numbers[1],
        delivery_state: numbers[2] as i8,
        delivery_count: numbers[3] as i16,
    }
}

fn show(record: &Record) -> String {
    let batches = |batches: &[StateBatch]| {
        let shown = batches.iter().map(|batch| {
            let StateBatch { first_offset, last_offset, delivery_state, delivery_count } = batch;
            format!(" {first_offset}-{last_offset}:{delivery_state}:{delivery_count}")
        });
        shown.collect::<String>()
    };
    match record {
        Record::Snapshot(name, None) => format!("log tombstone {}-{}", name.group, name.partition),
        Record::Snapshot(name, Some(value)) => format!(
            "log snapshot {}-{} #{} state={} leader={} start={} complete={} created={} written={}{}",
            name.group,
            name.partition,
            value.snapshot_epoch,
            value.state_epoch,
            value.leader_epoch,
            value.start_offset,
            value.delivery_complete_count,
            value.create_timestamp_ms - EPOCH_MS,
            value.write_timestamp_ms - EPOCH_MS,
            batches(&value.batches),
        ),
        Record::Update(name, value) => format!(
            "log update {}-{} #{} leader={} start={} complete={}{}",
            name.group,
            name.partition,
            value.snapshot_epoch,
            value.leader_epoch,
            value.start_offset,
            value.delivery_complete_count,
            batches(&value.batches),
        ),
    }
}
