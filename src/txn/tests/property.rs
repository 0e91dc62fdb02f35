//! Random interleavings of two producers on one transactional id, old and new, with markers that fail, lost answers,
//! timeouts and restarts.
//!
//! The bench compares the shard with its restart after every step. Here, in addition: a partition's log as the markers
//! make it never sees an epoch go back, never two decisions for one transaction, and every transaction ends.

use super::super::request::*;
use super::super::{Deed, Event, Marked, Reply, Settings, State, Text};
use super::bench::Bench;
use crate::ids::TopicPartition;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// One producer, as far as it knows about itself.
#[derive(Clone, Default)]
struct Producer {
    id: i64,
    epoch: i16,
    grows: bool,
    is_open: bool,
    is_fenced: bool,
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Init(usize),
    Add(usize, i32),
    End { who: usize, commit: bool, lost: bool },
    Mark { fails: bool },
    Wait(i64),
    Restart,
    Refuse(bool),
}

fn act() -> impl Strategy<Value = Act> {
    let who = 0..2usize;
    prop_oneof![
        2 => who.clone().prop_map(Act::Init),
        8 => (who.clone(), 0..3i32).prop_map(|(who, partition)| Act::Add(who, partition)),
        6 => (who, any::<bool>(), any::<bool>()).prop_map(|(who, commit, lost)| Act::End { who, commit, lost }),
        8 => prop_oneof![3 => Just(false), 1 => Just(true)].prop_map(|fails| Act::Mark { fails }),
        2 => prop_oneof![Just(100i64), Just(11_000), Just(80_000)].prop_map(Act::Wait),
        1 => Just(Act::Restart),
        1 => any::<bool>().prop_map(Act::Refuse),
    ]
}

/// What the partitions have been told.
#[derive(Default)]
struct Markers {
    newest: BTreeMap<TopicPartition, (i64, i16)>,
    /// The decision for each id and epoch.
    decisions: BTreeMap<(i64, i16), bool>,
}

struct World {
    bench: Bench,
    producers: [Producer; 2],
    markers: Markers,
}

const ID: &str = "txn";

impl World {
    fn new(grows: bool, first_epoch: i16) -> Self {
        let mut bench = Bench::new(Settings::default());
        bench.drive(Event::TransactionVersion(if grows { 2 } else { 1 }));
        let producer = Producer { grows, is_fenced: true, ..Producer::default() };
        let mut world = Self { bench, producers: [producer.clone(), producer], markers: Markers::default() };
        world.init(0);
        // Brings the epoch near its end, as 32,000 transactions would.
        if first_epoch > 0 {
            let mut record = world.bench.log.last().cloned().expect("just initialized");
            record.value.as_mut().expect("no tombstone").producer_epoch = first_epoch;
            world.bench.log.push(record.clone());
            crate::shard::Machine::replay(&mut world.bench.shard, crate::shard::Origin::default(), record);
            world.producers[0].epoch = first_epoch;
        }
        world
    }

    fn ask(&mut self, request: impl Fn(Option<i64>) -> Request) -> Option<Reply> {
        let (reply, _) = self.bench.ask(request(None));
        if reply != Some(Reply::Producer(ProducerReply::NeedsProducerId)) {
            return reply;
        }
        let fresh = self.bench.fresh_producer_id();
        self.bench.ask(request(Some(fresh))).0
    }

    fn init(&mut self, who: usize) {
        let transactional_id = Text::from(ID);
        let reply = self.ask(|fresh_producer_id| {
            let transactional_id = transactional_id.clone();
            InitProducerId { transactional_id, timeout_ms: 60_000, expected: None, fresh_producer_id }.into()
        });
        if let Some(Reply::Producer(ProducerReply::Producer { producer_id, epoch })) = reply {
            let grows = self.producers[who].grows;
            self.producers[who] = Producer { id: producer_id, epoch, grows, is_open: false, is_fenced: false };
        }
    }

    fn add(&mut self, who: usize, partition: i32) {
        let producer = self.producers[who].clone();
        if producer.is_fenced {
            return;
        }
        let reply = self.ask(|_| {
            AddPartitionsToTxn {
                transactional_id: ID.into(),
                producer_id: producer.id,
                producer_epoch: producer.epoch,
                verify_only: false,
                client_version: if producer.grows { 2 } else { 0 },
                partitions: vec![TopicPartition::new("t", partition)],
            }
            .into()
        });
        let Some(Reply::AddPartitionsToTxn(reply)) = reply else { return };
        match reply.results[0].1 {
            None => self.producers[who].is_open = true,
            Some(super::super::TxnError::ConcurrentTransactions) => {}
            Some(_) => self.producers[who].is_fenced = true,
        }
    }

    /// Ends the transaction; an answer that is lost is asked for again.
    fn end(&mut self, who: usize, commit: bool, lost: bool) {
        let producer = self.producers[who].clone();
        if producer.is_fenced || !producer.is_open {
            return;
        }
        let request = |fresh_producer_id| -> Request {
            EndTxn {
                transactional_id: ID.into(),
                producer_id: producer.id,
                producer_epoch: producer.epoch,
                commit,
                client_version: if producer.grows { 2 } else { 0 },
                fresh_producer_id,
            }
            .into()
        };
        let mut reply = self.ask(request);
        if lost && reply.is_some() {
            self.mark(false);
            let again = self.ask(request);
            if let Some(Reply::Producer(ProducerReply::Producer { .. })) = reply {
                assert_eq!(again, reply, "a retry hears what the lost answer said");
            }
            reply = again;
        }
        match reply {
            Some(Reply::Producer(ProducerReply::Producer { producer_id, epoch })) => {
                let known = &mut self.producers[who];
                known.is_open = false;
                if known.grows {
                    assert_ne!((producer_id, epoch), (known.id, known.epoch), "each transaction has its own epoch");
                    (known.id, known.epoch) = (producer_id, epoch);
                }
            }
            Some(Reply::Producer(ProducerReply::Refused(super::super::TxnError::ConcurrentTransactions))) | None => {}
            Some(_) => self.producers[who].is_fenced = true,
        }
    }

    fn mark(&mut self, fails: bool) {
        self.bench.outcomes.clear();
        if fails {
            self.bench.outcomes.insert("t".into(), Marked::Later);
        }
        if self.bench.refusing {
            return;
        }
        for (deed, _, _) in self.bench.mark() {
            if !fails {
                self.note(&deed);
            }
        }
    }

    fn note(&mut self, deed: &Deed) {
        let Deed::WriteMarkers { producer_id, producer_epoch, commit, partitions, transaction_version, .. } = deed;
        let key = (*producer_id, *producer_epoch);
        if *transaction_version >= 2 {
            let before = self.markers.decisions.insert(key, *commit);
            assert!(before.is_none_or(|before| before == *commit), "one decision for {key:?}");
        }
        for partition in partitions {
            let newest = self.markers.newest.entry(partition.clone()).or_insert(key);
            assert!(*newest <= key, "{partition}: the marker of {key:?} comes after that of {newest:?}");
            *newest = key;
        }
    }

    fn wait(&mut self, ms: i64) {
        let until_ms = self.bench.mono_ms + ms;
        while let Some(key) = self.bench.next_timer(until_ms) {
            self.bench.drive(Event::Timer(key));
        }
        self.bench.mono_ms = until_ms;
    }

    fn state(&self) -> State {
        self.bench.shard.transactions[ID].stored.state
    }

    fn run(&mut self, act: Act) {
        match act {
            Act::Init(who) => self.init(who),
            Act::Add(who, partition) => self.add(who, partition),
            Act::End { who, commit, lost } => self.end(who, commit, lost),
            Act::Mark { fails } => self.mark(fails),
            Act::Wait(ms) => self.wait(ms),
            Act::Restart => drop(self.bench.restart()),
            Act::Refuse(refusing) => self.bench.refusing = refusing,
        }
        let live = self.producers.iter().filter(|producer| !producer.is_fenced);
        let stored = &self.bench.shard.transactions[ID].stored;
        for producer in live.filter(|producer| producer.id == stored.producer_id) {
            assert!(producer.epoch <= stored.producer_epoch, "nobody is ahead of the coordinator");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn d19_x8_x9_x10_x13_every_transaction_ends_once(
        grows in any::<bool>(),
        first_epoch in prop_oneof![3 => Just(0i16), 1 => 32_760..32_767i16],
        acts in prop::collection::vec(act(), 1..60),
    ) {
        let mut world = World::new(grows, first_epoch);
        acts.into_iter().for_each(|act| world.run(act));
        // Left alone, everything comes to rest: open transactions time out, and markers are written.
        world.bench.refusing = false;
        world.wait(75_000);
        for _ in 0..3 {
            world.wait(100);
            world.mark(false);
        }
        prop_assert!(world.state().is_idle(), "{:?}", world.state());
        // And a producer that comes then is served at once.
        world.producers[0].is_fenced = true;
        world.init(0);
        prop_assert!(!world.producers[0].is_fenced);
    }
}

/// Found by the property: a client that learned the epoch of a fence at the last epoch went on in it, and the repetition
/// of its next end was not known again.
#[test]
fn x8_x13_the_epoch_of_a_fence_behind_the_last_one_is_nobodys() {
    let mut world = World::new(true, 32_765);
    let abort = Act::End { who: 1, commit: false, lost: true };
    for act in [Act::Init(1), Act::Add(1, 0), Act::Wait(80_000), abort, Act::Add(1, 0), abort] {
        world.run(act);
    }
    assert!(world.producers[1].is_fenced);
    world.init(1);
    assert_eq!(world.producers[1].epoch, 0, "it goes on under a fresh id");
}
