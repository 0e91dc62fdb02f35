//! The node in a world that crashes: one process after the other on one machine, clients around it, all from one seed.
//!
//! A seed decides what clients do and when, what the network loses, when the disk is full, slow or fails, when the process
//! is killed or the power cut, between two operations of the disk or in the middle of one, and how much of what was not
//! synced survives. The [`oracle`] knows what must be true nevertheless. There is one thread and no real clock, so a seed
//! run twice does the same.
//!
//! Absent from here: sockets and threads, which the process outside has, and more than one node.

pub mod audit;
pub mod batch;
pub mod client;
pub mod clock;
pub mod groups;
pub mod ledger;
pub mod life;
pub mod machine;
pub mod oracle;
pub mod trace;
pub mod workload;

use self::life::{Ending, Place, Script};
use self::machine::Machine;
use self::oracle::Oracle;
use self::trace::Trace;
use self::workload::{Scene, Workload};
use crate::config::{load, Loaded, Sources};
use crate::rng::Rng;
use std::cell::RefCell;
use std::rc::Rc;

/// How long the last life may take to bring everything to its end, in milliseconds.
const CLOSING_MS: u64 = 120_000;
/// Lives before the last one, at least.
const LIVES: u64 = 2;

/// What a run came to. Broken rules panic instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The hash of everything that happened.
    pub trace: u64,
    /// How many things that were.
    pub events: u64,
    /// Processes.
    pub lives: u64,
    /// Records acknowledged or read.
    pub records: u64,
    /// Transactions that ended as their producers were told.
    pub transactions: u64,
    /// Cleanings of compacted logs that came to their ends.
    pub cleanings: u64,
}

/// Runs one seed; prints every event if `loud`.
///
/// # Panics
/// A rule is broken: the message says which, and how to see it again.
pub fn run(seed: u64, loud: bool) -> Outcome {
    let rng = Rng::from_seed(seed);
    let machine = Machine::new(rng.fork());
    let trace = Rc::new(Trace::new(seed, loud));
    let loaded = configuration(&rng);
    let oracle = RefCell::new(Oracle::default());
    let mut workload = Workload::draw(&rng, &mut oracle.borrow_mut());
    let lives = LIVES + rng.below(4);
    let mut lossy = false;
    for _ in 0..lives {
        let script = Script::draw(&rng);
        let place = Place { machine: &machine, loaded: &loaded, rng: rng.fork(), trace: trace.clone() };
        let mut audited = false;
        let loses = place.run(&script, async |life| {
            let scene = Scene { life, oracle: &oracle, closing: false };
            workload.begin(scene, lossy).await;
            audited = true;
            workload.run(scene).await;
        });
        // Before the audit nothing of an earlier loss was settled.
        lossy = loses || (lossy && !audited);
        if script.ending == Ending::Stop {
            oracle.borrow_mut().note_clean_stop();
        }
        if rng.below(5) == 0 {
            trace.note(0, "world", "the index databases are deleted");
            machine.delete_indexes();
        }
    }
    let place = Place { machine: &machine, loaded: &loaded, rng: rng.fork(), trace: trace.clone() };
    let mut done = false;
    place.run(&Script::quiet(CLOSING_MS), async |life| {
        let scene = Scene { life, oracle: &oracle, closing: true };
        workload.begin(scene, lossy).await;
        workload.run(scene).await;
        workload.begin(scene, false).await;
        workload.settle(scene).await;
        done = true;
    });
    if !done {
        trace.broken("clients do not come to an end although nothing is wrong any more");
    }
    let operations = machine.disk.operations();
    trace.note(0, "world", &format!("{operations:?}"));
    let records = oracle.borrow().seen;
    let (transactions, cleanings) = (workload.transactions(), workload.cleanings());
    Outcome { trace: trace.hash(), events: trace.events(), lives: lives + 1, records, transactions, cleanings }
}

fn configuration(rng: &Rng) -> Loaded {
    let pairs = [
        ("node.id", "1".to_owned()),
        ("log.dirs", "/data".to_owned()),
        ("offsets.topic.num.partitions", "2".to_owned()),
        ("transaction.state.log.num.partitions", "2".to_owned()),
        ("transaction.abort.timed.out.transaction.cleanup.interval.ms", "1000".to_owned()),
        ("group.initial.rebalance.delay.ms", rng.below(300).to_string()),
        ("group.min.session.timeout.ms", "1000".to_owned()),
        ("auto.create.topics.enable", "false".to_owned()),
        ("log.retention.check.interval.ms", "1000".to_owned()),
        // Internal topics are compacted as well, under their coordinators.
        ("log.roll.ms", [600, 604_800_000][rng.below(2) as usize].to_string()),
        ("log.cleaner.backoff.ms", rng.below(400).to_string()),
        ("log.cleaner.min.cleanable.ratio", "0.1".to_owned()),
        ("log.cleaner.dedupe.buffer.size", [24 * 20, 1 << 20][rng.below(2) as usize].to_string()),
        ("log.flush.offset.checkpoint.interval.ms", "2000".to_owned()),
        // Clocks jump, and a retry keeps the time of its first try.
        ("log.message.timestamp.after.max.ms", i64::MAX.to_string()),
        ("klamm.tail.cache.bytes", [0, 100_000, 64 << 20][rng.below(3) as usize].to_string()),
        ("klamm.open.segment.files.max", "16".to_owned()),
    ];
    let overrides = pairs.into_iter().map(|(key, value)| format!("{key}={value}")).collect();
    let loaded = load(&Sources { overrides, ..Sources::default() });
    loaded.unwrap_or_else(|error| panic!("the simulation's configuration is refused: {error}"))
}

#[cfg(test)]
fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn one_seed() {
    let seed = number("KLAMM_SIM_SEED").unwrap_or(1);
    let loud = std::env::var("KLAMM_SIM_LOUD").is_ok();
    if loud {
        crate::telemetry::init_tracing("debug", crate::clock::SystemClock::new());
    }
    let outcome = run(seed, loud);
    println!("seed {seed}: trace {:016x}, {outcome:?}", outcome.trace);
}

#[test]
fn d8_d9_d10_d11_d13_d14_d16_d18_d19_d20_d21_d22_d23_d26_d28_d30_d34_seeds() {
    let count = number("KLAMM_SIM_SEEDS").unwrap_or(50);
    let (mut records, mut transactions, mut cleanings) = (0, 0, 0);
    for seed in 0..count {
        let outcome = run(seed, false);
        println!("seed {seed}: trace {:016x}, {outcome:?}", outcome.trace);
        records += outcome.records;
        transactions += outcome.transactions;
        cleanings += outcome.cleanings;
    }
    assert!(cleanings > 10 * count, "the seeds clean compacted logs: {cleanings}");
    assert!(transactions > 10 * count, "the seeds end transactions: {transactions}");
    assert!(records > 100 * count, "the seeds do something: {records} records");
}

#[test]
fn same_seed_same_trace() {
    for seed in [1, 2, 3] {
        assert_eq!(run(seed, false), run(seed, false), "seed {seed}");
    }
}
