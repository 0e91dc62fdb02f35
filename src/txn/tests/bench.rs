//! A shard with a clock, timers and a log in memory: what the runtime does, in order, without waiting.

use super::super::request::Request;
use super::super::shard::refused_unseen;
use super::super::{Caller, Deed, Effects, Event, Marked, Record, Reply, Settings, Shard, TimerChange, TimerKey};
use crate::clock::Now;
use crate::ids::TopicPartition;
use crate::shard::{Machine, Origin, Timers};
use std::collections::BTreeMap;

/// When the scripts' wall clock starts; far from 0, so that the two clocks are not mixed up unseen.
pub const EPOCH_MS: i64 = 1_700_000_000_000;

/// The bench.
pub struct Bench {
    pub shard: Shard,
    pub settings: Settings,
    pub timers: Timers<TimerKey>,
    pub log: Vec<Record>,
    pub mono_ms: i64,
    /// The log refuses to append.
    pub refusing: bool,
    /// Markers that have been ordered and not been written.
    pub ordered: Vec<Deed>,
    /// What comes of a marker to a partition of these topics.
    pub outcomes: BTreeMap<String, Marked>,
    /// Markers are written as soon as they are ordered.
    pub marking: bool,
    callers: u64,
    next_producer_id: i64,
}

impl Bench {
    pub fn new(settings: Settings) -> Self {
        Self {
            shard: Shard::new(settings.clone()),
            settings,
            timers: Timers::default(),
            log: Vec::new(),
            mono_ms: 0,
            refusing: false,
            ordered: Vec::new(),
            outcomes: BTreeMap::new(),
            marking: true,
            callers: 0,
            next_producer_id: 1000,
        }
    }

    pub fn now(&self) -> Now {
        Now { wall_ms: EPOCH_MS + self.mono_ms, mono_ms: self.mono_ms }
    }

    /// A producer id that nobody has had.
    pub fn fresh_producer_id(&mut self) -> i64 {
        self.next_producer_id += 1;
        self.next_producer_id - 1
    }

    /// Asks; returns the answer, none if the log refuses, and what happened.
    pub fn ask(&mut self, request: impl Into<Request>) -> (Option<Reply>, Effects) {
        let request = request.into();
        if let Some(refused) = refused_unseen(&request, &self.settings) {
            return (Some(refused), Effects::default());
        }
        self.callers += 1;
        let caller = Caller(self.callers);
        let mut effects = self.drive(Event::Request { caller, request });
        if self.is_refused(&effects) {
            return (None, effects);
        }
        let (who, reply) = effects.replies.pop().expect("every request is answered at once");
        assert_eq!((who, effects.replies.len()), (caller, 0));
        (Some(reply), effects)
    }

    pub fn is_refused(&self, effects: &Effects) -> bool {
        self.refusing && !effects.records.is_empty()
    }

    /// One step, carried out unless it needs a log that refuses.
    pub fn drive(&mut self, event: Event) -> Effects {
        let effects = self.shard.step(self.now(), event.clone());
        if self.is_refused(&effects) {
            match event {
                Event::Timer(key) => self.timers.change(TimerChange::Arm(key, self.mono_ms + 500)),
                // The runtime hands it in again.
                Event::Marked { .. } => panic!("scripts accept before they mark"),
                _ => {}
            }
            return effects;
        }
        for record in &effects.records {
            let (key, value) = record.encode().expect("a test's texts are short");
            let decoded = Record::decode(&key, value.as_deref()).expect("just encoded").expect("a known kind");
            if record.version > 0 {
                assert_eq!(decoded.value, record.value, "bytes and back");
            }
            self.log.push(decoded.clone());
            self.shard.replay(Origin::default(), decoded);
        }
        for soft in effects.soft.clone() {
            self.shard.apply(soft);
        }
        for change in effects.timers.clone() {
            self.timers.change(change);
        }
        self.ordered.append(&mut effects.deeds.clone());
        self.assert_restart_agrees();
        effects
    }

    /// Writes what was ordered; returns what came of it, order by order.
    pub fn mark(&mut self) -> Vec<(Deed, Event, Effects)> {
        let mut done = Vec::new();
        for deed in std::mem::take(&mut self.ordered) {
            let event = self.perform(&deed);
            let effects = self.drive(event.clone());
            done.push((deed, event, effects));
        }
        done
    }

    fn perform(&self, deed: &Deed) -> Event {
        let Deed::WriteMarkers { transactional_id, producer_id, producer_epoch, partitions, .. } = deed.clone();
        let outcome = |partition: TopicPartition| {
            let outcome = self.outcomes.get(&*partition.topic).copied().unwrap_or(Marked::Written);
            (partition, outcome)
        };
        let outcomes = partitions.into_iter().map(outcome).collect();
        Event::Marked { transactional_id, producer_id, producer_epoch, outcomes }
    }

    /// The next timer that runs down by `until_ms`, with the clock moved to it.
    pub fn next_timer(&mut self, until_ms: i64) -> Option<TimerKey> {
        let deadline_ms = self.timers.next_deadline_ms()?;
        let key = self.timers.pop_due(until_ms)?;
        self.mono_ms = self.mono_ms.max(deadline_ms);
        Some(key)
    }

    /// What a restart would make of the log.
    pub fn replayed(&self) -> Shard {
        let mut shard = Shard::new(self.settings.clone());
        for record in &self.log {
            shard.replay(Origin::default(), record.clone());
        }
        shard
    }

    /// A restart: timers, orders and live state are gone, but the cluster's version is told again.
    pub fn restart(&mut self) -> Effects {
        let level = self.shard.transaction_version;
        self.shard = self.replayed();
        self.timers = Timers::default();
        self.ordered.clear();
        self.drive(Event::TransactionVersion(level));
        self.drive(Event::Loaded)
    }

    fn assert_restart_agrees(&self) {
        assert_eq!(self.shard.hard_state(), self.replayed().hard_state(), "a restart finds the same hard state");
    }
}
