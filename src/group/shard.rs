//! The shard: groups by id, the door for events, and the two doors by which it changes.

use super::ask::Ask;
use super::classic::{ClassicGroup, State};
use super::effects::{Event, Soft, TimerKey};
use super::error::GroupError;
use super::offsets::{Offsets, PendingOffsets};
use super::records::{Record, StoredGroup};
use super::request::{ListGroups, ListedGroup, Reply, Request};
use super::settings::{Settings, MAX_SHARD_GROUPS};
use super::{Caller, Effects, Origin, Text, TimerChange};
use crate::clock::Now;
use crate::record::internal::FieldError;
use crate::shard::Machine;
use std::collections::BTreeMap;
use std::convert::Infallible;

/// One group, hard and live.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// Hard: what the last record says; none if only offsets were ever stored.
    stored: Option<StoredGroup>,
    /// Hard: the committed offsets.
    pub(super) offsets: Offsets,
    /// Live: none while it is just what `stored` says.
    live: Option<Box<ClassicGroup>>,
}

/// The groups of one partition of `__consumer_offsets`.
#[derive(Debug)]
pub struct Shard {
    pub(super) settings: Settings,
    pub(super) groups: BTreeMap<Text, Entry>,
    /// Hard: what open transactions would commit.
    pub(super) pending: PendingOffsets,
    /// Live: a round of expiry is due.
    expiry_armed: bool,
}

impl Machine for Shard {
    const TOPIC: &'static str = "__consumer_offsets";

    type Settings = Settings;
    type Event = Event;
    type Request = Request;
    type Reply = Reply;
    type Record = Record;
    type Soft = Soft;
    type TimerKey = TimerKey;
    type Error = GroupError;
    /// A group asks for nothing outside of itself.
    type Deed = Infallible;

    fn new(settings: Settings) -> Self {
        Self { settings, groups: BTreeMap::new(), pending: PendingOffsets::default(), expiry_armed: false }
    }

    fn step(&self, now: Now, event: Event) -> Effects {
        let mut turn = Turn { shard: self, now, out: Effects::default() };
        match event {
            Event::Request { caller, client, fresh_id, request } => {
                if let Some(reply) = refused_unseen(&request, &self.settings) {
                    turn.out.replies.push((caller, reply));
                    return turn.out;
                }
                match request {
                    Request::JoinGroup(request) => turn.join_group(caller, &client, fresh_id, &request),
                    Request::SyncGroup(request) => turn.sync_group(caller, &request),
                    Request::Heartbeat(request) => turn.heartbeat(caller, &request),
                    Request::LeaveGroup(request) => turn.leave_group(caller, request),
                    Request::OffsetCommit(request) => turn.commit_offsets(caller, &request),
                    Request::TxnOffsetCommit(request) => turn.commit_offsets_in_transaction(caller, &request),
                    Request::OffsetFetch(request) => turn.reply(caller, self.fetch_offsets(&request)),
                    Request::OffsetDelete(request) => turn.delete_offsets(caller, &request),
                    Request::DescribeGroup(request) => turn.reply(caller, self.describe(&request)),
                    Request::DeleteGroup(request) => turn.delete_group(caller, &request),
                }
            }
            Event::Timer(TimerKey::Expiry) => turn.expire_offsets(),
            Event::Timer(TimerKey::Join { group }) => turn.join_timer(&group),
            Event::Timer(TimerKey::Sync { group }) => turn.sync_timer(&group),
            Event::Timer(TimerKey::Session { group, member }) => turn.session_timer(&group, &member),
            Event::Loaded => turn.loaded(),
            Event::TopicsDeleted(topics) => turn.topics_deleted(&topics),
        }
        turn.out
    }

    fn replay(&mut self, origin: Origin, record: Record) {
        match record {
            Record::Group { group, value: Some(value) } => {
                let entry = self.groups.entry(group).or_default();
                entry.stored = Some(value);
                entry.live = None;
            }
            Record::Group { group, value: None } => {
                // Offsets left behind by a log cut short go with their group, as no client could delete them.
                self.groups.remove(&group);
            }
            Record::Offset { group, topic, partition, value: Some(value) } => {
                let entry = self.groups.entry(group.clone()).or_default();
                match origin.producer_id {
                    None => entry.offsets.put(topic, partition, value, origin.log_offset),
                    Some(producer_id) => self.pending.put(producer_id, group, topic, partition, value, origin),
                }
            }
            Record::Offset { group, topic, partition, value: None } => {
                if let Some(entry) = self.groups.get_mut(&group) {
                    entry.offsets.remove(&topic, partition);
                }
                self.pending.remove(&group, &topic, partition);
            }
        }
    }

    /// Its offsets count from now on, or never.
    fn replay_marker(&mut self, producer_id: i64, committed: bool) {
        for (group, offsets) in self.pending.end(producer_id) {
            if committed {
                self.groups.entry(group).or_default().offsets.merge(offsets);
            }
        }
    }

    fn apply(&mut self, soft: Soft) {
        match soft {
            Soft::ExpiryArmed(armed) => self.expiry_armed = armed,
            Soft::Live(live) => {
                let entry = self.groups.get_mut(&live.id);
                debug_assert!(entry.is_some(), "a group lives only if a record made it");
                let Some(entry) = entry else { return };
                debug_assert!(entry.agrees(&live), "{live:?} is not what the log says: {:?}", entry.stored);
                if entry.live.as_ref().is_none_or(|before| before.state != live.state) {
                    tell(&live);
                }
                let at_rest = live.state == State::Empty && live.pending_joins.is_empty();
                entry.live = (!at_rest).then_some(live);
            }
        }
    }

    fn encode(record: &Record) -> Result<(Vec<u8>, Option<Vec<u8>>), FieldError> {
        record.encode()
    }

    fn decode(key: &[u8], value: Option<&[u8]>) -> Result<Option<Record>, FieldError> {
        Record::decode(key, value)
    }

    fn contents(&self) -> String {
        format!("{} groups", self.groups.len())
    }

    fn on_timer(key: TimerKey) -> Event {
        Event::Timer(key)
    }

    fn on_loaded() -> Event {
        Event::Loaded
    }

    fn on_topics_deleted(topics: &[Text]) -> Option<Event> {
        Some(Event::TopicsDeleted(topics.to_vec()))
    }
}

impl Shard {
    /// The groups that pass a filter.
    pub fn list(&self, request: &ListGroups) -> Vec<ListedGroup> {
        super::describe::list(self, request)
    }

    /// A copy of a group to work on.
    pub(super) fn group(&self, id: &str) -> Option<ClassicGroup> {
        let (id, entry) = self.groups.get_key_value(id)?;
        Some(entry.group(id))
    }

    /// The hard state as text, for tests that compare a shard with its restart.
    #[cfg(test)]
    pub(super) fn hard_state(&self) -> String {
        let entries = self.groups.iter().map(|(id, entry)| (id, &entry.stored, &entry.offsets));
        format!("{:#?} {:#?}", entries.collect::<Vec<_>>(), self.pending)
    }
}

impl Entry {
    /// A copy of the group as it now is.
    pub(super) fn group(&self, id: &Text) -> ClassicGroup {
        match (&self.live, &self.stored) {
            (Some(live), _) => (**live).clone(),
            (None, Some(stored)) => ClassicGroup::from_stored(id.clone(), stored),
            (None, None) => ClassicGroup::from_stored(id.clone(), &StoredGroup::empty(None)),
        }
    }

    /// At rest, live state is what a restart would make of the records.
    fn agrees(&self, live: &ClassicGroup) -> bool {
        match live.state {
            State::PreparingRebalance | State::CompletingRebalance => true,
            State::Stable => self.stored.as_ref() == Some(&live.to_stored()),
            State::Empty => self.stored.as_ref().map_or(0, |stored| stored.generation) == live.generation,
        }
    }
}

/// A line for the operator where a group changes its state, in Kafka's words.
fn tell(group: &ClassicGroup) {
    let (id, generation, members) = (&group.id, group.generation, group.members.len());
    match group.state {
        State::Empty => tracing::debug!("Group {id} with generation {generation} is now empty."),
        State::PreparingRebalance => {
            tracing::info!(
                "Preparing to rebalance group {id} in state PreparingRebalance with old generation {generation}."
            );
        }
        State::CompletingRebalance => {
            tracing::info!("Stabilized group {id} generation {generation} with {members} members.");
        }
        State::Stable => tracing::info!("Group {id} is stable in generation {generation} with {members} members."),
    }
}

/// What Kafka answers to some requests before it looks for the group.
fn refused_unseen(request: &Request, settings: &Settings) -> Option<Reply> {
    match request {
        Request::JoinGroup(request) => request.refused_unseen(settings).map(Reply::from),
        Request::SyncGroup(request) => request.refused_unseen(settings).map(Reply::from),
        Request::Heartbeat(request) => request.refused_unseen(settings).map(Reply::from),
        Request::LeaveGroup(request) => request.refused_unseen(settings).map(Reply::from),
        Request::OffsetDelete(request) => request.refused_unseen(settings).map(Reply::from),
        _ => None,
    }
}

/// One step in the making: reads the shard, gathers effects.
pub(super) struct Turn<'a> {
    pub(super) shard: &'a Shard,
    pub(super) now: Now,
    pub(super) out: Effects,
}

impl Turn<'_> {
    /// Answers a caller.
    pub(super) fn reply(&mut self, caller: Caller, reply: impl Into<Reply>) {
        self.out.replies.push((caller, reply.into()));
    }

    /// Arms a timer `delay_ms` from now.
    pub(super) fn arm(&mut self, key: TimerKey, delay_ms: i64) {
        self.out.timers.push(TimerChange::Arm(key, self.now.mono_ms.saturating_add(delay_ms)));
    }

    /// Cancels a timer.
    pub(super) fn cancel(&mut self, key: TimerKey) {
        self.out.timers.push(TimerChange::Cancel(key));
    }

    /// Makes `group` the live state.
    pub(super) fn keep(&mut self, group: ClassicGroup) {
        self.out.soft.push(Soft::Live(Box::new(group)));
    }

    /// Stores the group as it now is.
    pub(super) fn store(&mut self, group: &ClassicGroup) {
        self.out.records.push(Record::Group { group: group.id.clone(), value: Some(group.to_stored()) });
    }

    /// To be called where a group is made: refuses too many, and sees to the rounds of expiry.
    pub(super) fn admit_group(&mut self) -> Result<(), GroupError> {
        if self.shard.groups.len() >= MAX_SHARD_GROUPS {
            return Err(GroupError::CoordinatorNotAvailable);
        }
        if !self.shard.expiry_armed {
            self.arm_expiry(self.shard.settings.offsets_retention_check_interval_ms);
        }
        Ok(())
    }

    /// Arms the next round of expiry.
    pub(super) fn arm_expiry(&mut self, delay_ms: i64) {
        self.arm(TimerKey::Expiry, delay_ms);
        self.out.soft.push(Soft::ExpiryArmed(true));
    }

    /// After a load: every member gets a full session, and a group over its size is rebalanced.
    fn loaded(&mut self) {
        let shard = self.shard;
        for (id, entry) in &shard.groups {
            if entry.stored.as_ref().is_none_or(|stored| stored.members.is_empty()) {
                continue;
            }
            let mut group = entry.group(id);
            for member in group.members.iter() {
                self.arm_session(id, &member.id, member.session_timeout_ms);
            }
            if group.members.len() > shard.settings.effective_max_size() {
                self.prepare_rebalance(&mut group);
            }
            // So that not every heartbeat makes the group anew from its record.
            self.keep(group);
        }
        if !shard.groups.is_empty() {
            self.arm_expiry(shard.settings.offsets_retention_check_interval_ms);
        }
    }
}
