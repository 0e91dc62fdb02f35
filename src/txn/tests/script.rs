//! Runs golden scripts. A command stands at the start of a line, what it brings about is indented below it.
//!
//! Commands: `version N` (the cluster's `transaction.version`), `init ID [PID:EPOCH]`, `add ID PID:EPOCH T-P…`,
//! `verify ID PID:EPOCH T-P…`, `commit|abort ID PID:EPOCH`, `describe ID`, `list`, `at MS` (fires timers), `hold` (markers
//! wait), `mark` (writes them), `marking` (writes them at once, the default), `outcome TOPIC=Written|Gone|Later|Fenced`,
//! `refuse`, `accept`, `restart`, `settings k=v`, `put ID PID:EPOCH` (an id with that producer, as a log may have it).
//! `v=2` makes a client one whose epochs grow. Where a producer id is needed the request is repeated with a fresh one.

use super::super::request::*;
use super::super::{Event, Marked, Reply, Settings, State, Text};
use super::bench::{Bench, EPOCH_MS};
use super::show;
use crate::clock::Now;
use crate::ids::TopicPartition;
use crate::shard::{Machine, Origin};
use std::collections::BTreeMap;

/// Runs a script; returns it with the output that it now has.
pub fn run(script: &str) -> String {
    let mut out = String::new();
    let mut bench = Bench::new(Settings::default());
    for line in script.lines().filter(|line| !line.starts_with("  ")) {
        out.push_str(line);
        out.push('\n');
        if !line.is_empty() && !line.starts_with('#') {
            for shown in Command::parse(line).run(&mut bench) {
                out.push_str(&format!("  {shown}\n"));
            }
        }
    }
    out
}

struct Command<'a> {
    name: &'a str,
    options: BTreeMap<&'a str, &'a str>,
    words: Vec<&'a str>,
}

impl<'a> Command<'a> {
    fn parse(line: &'a str) -> Self {
        let mut parts = line.split_whitespace();
        let name = parts.next().expect("a command");
        let (mut options, mut words) = (BTreeMap::new(), Vec::new());
        for part in parts {
            match part.split_once('=') {
                Some((key, value)) => drop(options.insert(key, value)),
                None => words.push(part),
            }
        }
        Self { name, options, words }
    }

    fn run(&self, bench: &mut Bench) -> Vec<String> {
        let mut out = match self.name {
            "at" => self.at(bench),
            "list" => self.list(bench),
            "mark" => mark(bench),
            "restart" => show::effects(&bench.restart()),
            "hold" | "marking" => {
                bench.marking = self.name == "marking";
                Vec::new()
            }
            "refuse" | "accept" => {
                bench.refusing = self.name == "refuse";
                Vec::new()
            }
            "version" => {
                bench.drive(Event::TransactionVersion(self.words[0].parse().expect("a level")));
                Vec::new()
            }
            "settings" => {
                self.settings(&mut bench.settings);
                *bench = Bench::new(bench.settings.clone());
                Vec::new()
            }
            "outcome" => {
                let outcomes = self.options.iter().map(|(topic, word)| ((*topic).to_owned(), marked(word)));
                bench.outcomes = outcomes.collect();
                Vec::new()
            }
            "put" => self.put(bench),
            _ => self.ask(bench),
        };
        while bench.marking && !bench.ordered.is_empty() {
            out.extend(mark(bench));
        }
        out
    }

    fn ask(&self, bench: &mut Bench) -> Vec<String> {
        let (mut reply, mut effects) = bench.ask(self.request(None));
        let mut out = Vec::new();
        if reply == Some(Reply::Producer(ProducerReply::NeedsProducerId)) {
            assert!(effects.records.is_empty(), "nothing has happened");
            let fresh = bench.fresh_producer_id();
            out.push(format!("needs a producer id: {fresh}"));
            (reply, effects) = bench.ask(self.request(Some(fresh)));
        }
        match reply {
            None => out.push("the log refuses: nothing happens".into()),
            Some(reply) => {
                out.extend(show::effects(&effects));
                out.push(format!("answer: {}", show::reply(&reply)));
            }
        }
        out
    }

    fn request(&self, fresh_producer_id: Option<i64>) -> Request {
        let transactional_id = self.id();
        match self.name {
            "init" => InitProducerId {
                transactional_id,
                timeout_ms: self.number("timeout", 60_000) as i32,
                expected: (self.words.len() > 1).then(|| self.producer()),
                fresh_producer_id,
            }
            .into(),
            "add" | "verify" => {
                let (producer_id, producer_epoch) = self.producer();
                let (verify_only, client_version) = (self.name == "verify", self.number("v", 0) as i16);
                let partitions = self.words[2..].iter().map(|word| partition(word)).collect();
                AddPartitionsToTxn {
                    transactional_id,
                    producer_id,
                    producer_epoch,
                    verify_only,
                    client_version,
                    partitions,
                }
                .into()
            }
            "commit" | "abort" => {
                let (producer_id, producer_epoch) = self.producer();
                let (commit, client_version) = (self.name == "commit", self.number("v", 0) as i16);
                EndTxn { transactional_id, producer_id, producer_epoch, commit, client_version, fresh_producer_id }
                    .into()
            }
            "describe" => DescribeTransaction { transactional_id }.into(),
            other => panic!("no command {other}"),
        }
    }

    fn at(&self, bench: &mut Bench) -> Vec<String> {
        let until_ms = self.words[0].parse().expect("milliseconds");
        assert!(until_ms >= bench.mono_ms, "time goes on");
        let mut out = Vec::new();
        while let Some(key) = bench.next_timer(until_ms) {
            out.push(format!("{} fires at {}", show::timer(&key), bench.mono_ms));
            let effects = bench.drive(Event::Timer(key));
            match bench.is_refused(&effects) {
                true => out.push("the log refuses: nothing happens".into()),
                false => out.extend(show::effects(&effects)),
            }
            if bench.marking {
                out.extend(mark(bench));
            }
        }
        bench.mono_ms = until_ms;
        out
    }

    fn list(&self, bench: &Bench) -> Vec<String> {
        let state = |name: &str| State::from_name(name).expect("a state");
        let filters = ListTransactions {
            states: self.options.get("states").map(|list| list.split(',').map(state).collect()),
            producer_ids: self.options.get("producer").map(|id| vec![id.parse().expect("an id")]).unwrap_or_default(),
            duration_ms: self.number("duration", -1),
        };
        let shown = |t: ListedTransaction| format!("{} {} {}", t.transactional_id, t.producer_id, t.state.name());
        bench.shard.list(&filters, bench.now()).into_iter().map(shown).collect()
    }

    fn put(&self, bench: &mut Bench) -> Vec<String> {
        let (producer_id, producer_epoch) = self.producer();
        let now = Now { wall_ms: EPOCH_MS + bench.mono_ms, mono_ms: bench.mono_ms };
        let value =
            super::super::Transaction { producer_epoch, ..super::super::Transaction::new(producer_id, 60_000, now) };
        let record = super::super::Record { transactional_id: self.id(), value: Some(value), version: 1 };
        bench.log.push(record.clone());
        bench.shard.replay(Origin::default(), record);
        Vec::new()
    }

    fn settings(&self, settings: &mut Settings) {
        settings.max_timeout_ms = self.number("max", settings.max_timeout_ms.into()) as i32;
        settings.expiration_ms = self.number("expiration", settings.expiration_ms);
        settings.expiration_interval_ms = self.number("check", settings.expiration_interval_ms);
        settings.timeout_interval_ms = self.number("step", settings.timeout_interval_ms);
    }

    fn id(&self) -> Text {
        let id = self.words.first().copied().unwrap_or_default();
        if id == "-" { "" } else { id }.into()
    }

    fn producer(&self) -> (i64, i16) {
        let (id, epoch) = self.words[1].split_once(':').expect("id:epoch");
        (id.parse().expect("a producer id"), epoch.parse().expect("an epoch"))
    }

    fn number(&self, key: &str, default: i64) -> i64 {
        self.options.get(key).map_or(default, |word| word.parse().expect("a number"))
    }
}

fn mark(bench: &mut Bench) -> Vec<String> {
    let mut out = Vec::new();
    for (_, event, effects) in bench.mark() {
        out.extend(show::outcome(&event));
        out.extend(show::effects(&effects));
    }
    out
}

fn marked(word: &str) -> Marked {
    match word {
        "Written" => Marked::Written,
        "Gone" => Marked::Gone,
        "Later" => Marked::Later,
        "Fenced" => Marked::Fenced,
        other => panic!("no outcome {other}"),
    }
}

fn partition(word: &str) -> TopicPartition {
    let (topic, partition) = word.rsplit_once('-').expect("topic-partition");
    TopicPartition::new(topic, partition.parse().expect("a partition"))
}
