//! A shard with a clock, timers and a log in memory: what the runtime does, in order, without waiting.

use super::super::request::{Reply, Request};
use super::super::{Effects, Event, Record, Settings, StateShard};
use crate::clock::Now;
use crate::shard::{Caller, Machine, Origin, Timers};
use crate::share::ShareName;

/// When the wall clock starts.
pub const EPOCH_MS: i64 = 1_700_000_000_000;

pub struct Bench {
    pub shard: StateShard,
    pub settings: Settings,
    pub log: Vec<Record>,
    pub mono_ms: i64,
    timers: Timers<ShareName>,
}

impl Bench {
    pub fn new(updates_per_snapshot: u32) -> Self {
        let settings = Settings { updates_per_snapshot, cold_snapshot_interval_ms: 300_000 };
        let shard = StateShard::new(settings.clone());
        Self { shard, settings, log: Vec::new(), mono_ms: 0, timers: Timers::default() }
    }

    /// One step, carried out: the answer, if it was asked, and the records.
    pub fn drive(&mut self, event: Event) -> (Option<Reply>, Vec<Record>) {
        let now = Now { wall_ms: EPOCH_MS + self.mono_ms, mono_ms: self.mono_ms };
        let effects: Effects = self.shard.step(now, event);
        for record in &effects.records {
            let (key, value) = StateShard::encode(record).expect("a test's names are short");
            let decoded = StateShard::decode(&key, value.as_deref()).expect("just encoded").expect("a known kind");
            assert_eq!(&decoded, record, "bytes and back");
            let origin = Origin { log_offset: self.log.len() as i64, producer_id: None };
            self.shard.replay(origin, decoded.clone());
            self.log.push(decoded);
        }
        effects.timers.into_iter().for_each(|change| self.timers.change(change));
        (effects.replies.into_iter().next().map(|(_, reply)| reply), effects.records)
    }

    pub fn ask(&mut self, request: impl Into<Request>) -> (Reply, Vec<Record>) {
        let (reply, records) = self.drive(Event::Request { caller: Caller(1), request: request.into() });
        (reply.expect("an answer"), records)
    }

    /// Runs the timers that run down until then.
    pub fn at(&mut self, mono_ms: i64) -> Vec<Record> {
        let mut written = Vec::new();
        while let Some(deadline_ms) = self.timers.next_deadline_ms().filter(|deadline| *deadline <= mono_ms) {
            let Some(name) = self.timers.pop_due(mono_ms) else { break };
            self.mono_ms = self.mono_ms.max(deadline_ms);
            written.extend(self.drive(StateShard::on_timer(name)).1);
        }
        self.mono_ms = mono_ms;
        written
    }

    /// What the log makes of a shard if it starts at `from`.
    pub fn replayed_from(&self, from: i64) -> StateShard {
        let mut shard = StateShard::new(self.settings.clone());
        for (log_offset, record) in self.log.iter().enumerate().map(|(at, record)| (at as i64, record)) {
            if log_offset >= from {
                shard.replay(Origin { log_offset, producer_id: None }, record.clone());
            }
        }
        shard
    }

    /// A restart of the broker.
    pub fn restart(&mut self) {
        self.shard = self.replayed_from(0);
        self.timers = Timers::default();
        self.drive(StateShard::on_loaded());
    }
}
