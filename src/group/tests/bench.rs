//! A shard with a clock, timers and a log in memory: what the runtime does, in order, without waiting.

use super::super::request::{Client, Request};
use super::super::{Caller, Effects, Event, Origin, Record, Reply, Settings, Shard, Text, TimerChange, TimerKey};
use crate::clock::Now;
use crate::ids::Uuid;
use crate::metadata::configs::ConfigResource;
use crate::metadata::image::{MetadataImage, PartitionImage, ResourceType};
use crate::metadata::record::MetadataRecord;
use crate::shard::{Machine, Timers, TopicsChange};
use std::collections::BTreeSet;
use std::sync::Arc;

/// When the scripts' wall clock starts; far from 0, so that the two clocks are not mixed up unseen.
pub const EPOCH_MS: i64 = 1_700_000_000_000;

/// The bench.
pub struct Bench {
    pub shard: Shard,
    pub settings: Settings,
    pub timers: Timers<TimerKey>,
    pub log: Vec<(Origin, Entry)>,
    pub mono_ms: i64,
    /// Callers that have not been answered.
    pub waiting: BTreeSet<Caller>,
    /// The log refuses to append.
    pub refusing: bool,
    /// The cluster's metadata.
    pub image: MetadataImage,
    callers: u64,
    fresh_ids: u128,
}

/// What stands in the log.
#[derive(Clone)]
pub enum Entry {
    /// A record.
    Record(Record),
    /// The end of a transaction.
    Marker { producer_id: i64, committed: bool },
}

impl Bench {
    pub fn new(settings: Settings) -> Self {
        let shard = Shard::new(settings.clone());
        Self {
            shard,
            settings,
            timers: Timers::default(),
            log: Vec::new(),
            mono_ms: 0,
            waiting: BTreeSet::new(),
            refusing: false,
            image: MetadataImage::new(),
            callers: 0,
            fresh_ids: 0,
        }
    }

    pub fn now(&self) -> Now {
        Now { wall_ms: EPOCH_MS + self.mono_ms, mono_ms: self.mono_ms }
    }

    /// Asks; returns the caller's number and what happened.
    pub fn ask(&mut self, client: &str, request: impl Into<Request>) -> (Caller, Effects) {
        self.callers += 1;
        let caller = Caller(self.callers);
        self.waiting.insert(caller);
        let request = request.into();
        let draws = match &request {
            Request::JoinGroup(join) => join.member_id.is_empty(),
            Request::ConsumerGroupHeartbeat(beat) => beat.member_id.is_empty(),
            _ => false,
        };
        self.fresh_ids += u128::from(draws);
        let client = Client { id: client.into(), host: "/127.0.0.1".into() };
        let fresh_id = Uuid::from_u128(self.fresh_ids);
        let effects = self.drive(Event::Request { caller, client, fresh_id, request });
        (caller, effects)
    }

    /// One step, carried out unless it needs a log that refuses.
    pub fn drive(&mut self, event: Event) -> Effects {
        let effects = self.shard.step(self.now(), event.clone());
        if self.refusing && !effects.records.is_empty() {
            if let Event::Timer(key) = event {
                self.timers.change(TimerChange::Arm(key, self.mono_ms + 500));
            }
            return effects;
        }
        for record in &effects.records {
            let (key, value) = record.encode().expect("a test's texts are short");
            let decoded = Record::decode(&key, value.as_deref()).expect("just encoded").expect("a known kind");
            assert_eq!(&decoded, record, "bytes and back");
            self.append(effects.producer.map(|producer| producer.producer_id), decoded);
        }
        for soft in effects.soft.clone() {
            self.shard.apply(soft);
        }
        for change in effects.timers.clone() {
            self.timers.change(change);
        }
        for (caller, _) in &effects.replies {
            assert!(self.waiting.remove(caller), "{caller:?} is answered once");
        }
        self.assert_restart_agrees();
        effects
    }

    /// Writes a record, of a transaction or not.
    pub fn append(&mut self, producer_id: Option<i64>, record: Record) {
        let origin = Origin { log_offset: self.log.len() as i64, producer_id };
        self.log.push((origin, Entry::Record(record.clone())));
        self.shard.replay(origin, record);
    }

    /// Ends a transaction.
    pub fn end_transaction(&mut self, producer_id: i64, committed: bool) {
        let origin = Origin { log_offset: self.log.len() as i64, producer_id: Some(producer_id) };
        self.log.push((origin, Entry::Marker { producer_id, committed }));
        self.shard.replay_marker(producer_id, committed);
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
        for (origin, entry) in &self.log {
            match entry.clone() {
                Entry::Record(record) => shard.replay(*origin, record),
                Entry::Marker { producer_id, committed } => shard.replay_marker(producer_id, committed),
            }
        }
        shard
    }

    /// A restart: callers, timers and live state are gone.
    pub fn restart(&mut self) -> Effects {
        self.shard = self.replayed();
        self.timers = Timers::default();
        self.waiting.clear();
        self.drive(Event::Metadata(Arc::new(self.image.clone()), TopicsChange::ANY));
        self.drive(Event::Loaded)
    }

    /// Makes a topic, or gives it more partitions.
    pub fn put_topic(&mut self, name: &str, partitions: i32) -> Vec<Effects> {
        let before = self.image.topic_by_name(name).map(|topic| topic.partition_count());
        let topic_id = topic_id(name);
        let mut records = Vec::new();
        if before.is_none() {
            records.push(MetadataRecord::Topic { name: name.to_owned(), topic_id });
        }
        let state = PartitionImage::default();
        let new = before.unwrap_or(0)..partitions;
        records.extend(new.map(|partition| MetadataRecord::Partition { topic_id, partition, state: state.clone() }));
        self.change_metadata(&records, TopicsChange { added: before.is_none(), changed: true })
    }

    /// Deletes a topic.
    pub fn delete_topic(&mut self, name: &str) -> Vec<Effects> {
        let gone = MetadataRecord::RemoveTopic { topic_id: topic_id(name) };
        let mut effects = self.change_metadata(&[gone], TopicsChange { added: false, changed: true });
        effects.push(self.drive(Event::TopicsDeleted(vec![name.into()])));
        effects
    }

    /// Sets what holds for one group.
    pub fn set_group_config(&mut self, group: &str, key: &str, value: &str) {
        let resource = ConfigResource::new(ResourceType::Group, group);
        let set = MetadataRecord::Config { resource, key: key.into(), value: Some(value.into()) };
        self.change_metadata(&[set], TopicsChange::default());
    }

    fn change_metadata(&mut self, records: &[MetadataRecord], topics: TopicsChange) -> Vec<Effects> {
        self.image.begin_entry(self.image.applied().0 + 1, 0);
        for record in records {
            self.image.apply(record).expect("a record that fits");
        }
        vec![self.drive(Event::Metadata(Arc::new(self.image.clone()), topics))]
    }

    fn assert_restart_agrees(&self) {
        assert_eq!(self.shard.hard_state(), self.replayed().hard_state(), "a restart finds the same hard state");
    }
}

/// The answer to `caller` among effects.
pub fn reply_to(caller: Caller, effects: &Effects) -> Option<&Reply> {
    effects.replies.iter().find(|(who, _)| *who == caller).map(|(_, reply)| reply)
}

/// The id of a test's topic: its name, so that it can be shown.
pub fn topic_id(name: &str) -> Uuid {
    let mut bytes = [0; 16];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    Uuid::from_bytes(bytes)
}

/// The name of the topic with this id.
pub fn topic_name(id: &Uuid) -> String {
    String::from_utf8_lossy(id.as_bytes()).trim_end_matches('\0').to_owned()
}

/// A text.
pub fn text(text: &str) -> Text {
    text.into()
}
