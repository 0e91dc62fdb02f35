//! The shard: groups by id, the door for events, and the two doors by which it changes.

use super::ask::Ask;
use super::classic::{ClassicGroup, State};
use super::consumer::{ConsumerGroup, Refusal};
use super::effects::{Event, Soft, TimerKey};
use super::error::GroupError;
use super::offsets::{Offsets, PendingOffsets};
use super::records::{Record, StoredGroup};
use super::request::{
    Client, CommitTopic, ConsumerGroupHeartbeatReply, JoinGroupReply, ListGroups, ListedGroup, Reply, Request,
};
use super::settings::{GroupConfig, Settings, MAX_SHARD_GROUPS};
use super::share::ShareGroup;
use super::{Caller, Effects, Origin, Text, TimerChange};
use crate::clock::Now;
use crate::ids::Uuid;
use crate::metadata::image::MetadataImage;
use crate::record::internal::FieldError;
use crate::shard::{Machine, TopicsChange};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

/// One group, hard and live.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// Hard: what the last record of a classic group says; none if only offsets were ever stored.
    stored: Option<StoredGroup>,
    /// Hard: set if it is a consumer group.
    pub(super) consumer: Option<Box<ConsumerGroup>>,
    /// Hard: set if it is a share group.
    pub(super) share: Option<Box<ShareGroup>>,
    /// Live: when the share coordinator was last asked to set partitions up, ms of the monotonic clock.
    pub(super) share_asked_ms: Option<i64>,
    /// Hard: the committed offsets.
    pub(super) offsets: Offsets,
    /// Live: none while it is just what `stored` says.
    live: Option<Box<ClassicGroup>>,
    /// Live: up to which change of topics a consumer group's epoch takes account of them.
    pub(super) topics_checked_at: Option<i64>,
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
    /// Live: the cluster's metadata.
    pub(super) image: Arc<MetadataImage>,
    /// Live: at which offset of the metadata a topic was last made, deleted or enlarged.
    pub(super) topics_changed_at: i64,
    /// Live: at which offset of the metadata a topic was last made.
    pub(super) topics_added_at: i64,
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
        Self {
            settings,
            groups: BTreeMap::new(),
            pending: PendingOffsets::default(),
            expiry_armed: false,
            image: Arc::default(),
            topics_changed_at: -1,
            topics_added_at: -1,
        }
    }

    fn step(&self, now: Now, event: Event) -> Effects {
        let mut turn = Turn { shard: self, now, out: Effects::default() };
        match event {
            Event::Request { caller, client, fresh_id, request } => {
                if let Some(reply) = refused_unseen(&request, &self.settings) {
                    turn.out.replies.push((caller, reply));
                } else {
                    turn.request(caller, &client, fresh_id, request);
                }
            }
            Event::Timer(key) => turn.timer(&key),
            Event::Loaded => turn.loaded(),
            Event::TopicsDeleted(topics) => turn.topics_deleted(&topics),
            Event::Metadata(image, topics) => turn.out.soft.push(Soft::Metadata(image, topics)),
        }
        turn.out
    }

    fn replay(&mut self, origin: Origin, record: Record) {
        match record {
            Record::Group { group, value: Some(value) } => {
                let entry = self.groups.entry(group).or_default();
                entry.stored = Some(value);
                (entry.live, entry.consumer) = (None, None);
            }
            Record::Group { group, value: None } => {
                // Offsets stay: a group that goes to the other protocol keeps them.
                self.change_entry(&group, |entry| (entry.stored, entry.live) = (None, None));
            }
            Record::Consumer { group, record } => {
                if !record.is_tombstone() {
                    let entry = self.groups.entry(group.clone()).or_default();
                    (entry.stored, entry.live) = (None, None);
                }
                self.change_entry(&group, |entry| ConsumerGroup::replay(&mut entry.consumer, record));
            }
            Record::Share { group, record } => {
                if !record.is_tombstone() {
                    self.groups.entry(group.clone()).or_default();
                }
                self.change_entry(&group, |entry| ShareGroup::replay(&mut entry.share, record));
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
            Soft::Metadata(image, topics) => {
                let offset = image.applied().0;
                if topics.changed {
                    self.topics_changed_at = offset;
                }
                if topics.added {
                    self.topics_added_at = offset;
                }
                self.image = image;
            }
            Soft::ShareAsked { group, at_ms } => {
                if let Some(entry) = self.groups.get_mut(&group) {
                    entry.share_asked_ms = Some(at_ms);
                }
            }
            Soft::TopicsChecked { group, at } => {
                if let Some(entry) = self.groups.get_mut(&group) {
                    entry.topics_checked_at = Some(at);
                }
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

    fn on_metadata(image: &Arc<MetadataImage>, topics: TopicsChange) -> Option<Event> {
        Some(Event::Metadata(image.clone(), topics))
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

    /// A copy of a classic group to work on.
    pub(super) fn group(&self, id: &str) -> Option<ClassicGroup> {
        let (id, entry) = self.groups.get_key_value(id)?;
        (entry.consumer.is_none() && entry.share.is_none()).then(|| entry.group(id))
    }

    /// Whether a share group has this id.
    pub(super) fn is_share_group(&self, id: &str) -> bool {
        self.groups.get(id).is_some_and(|entry| entry.share.is_some())
    }

    /// A consumer group.
    pub(super) fn consumer_group(&self, id: &str) -> Option<&ConsumerGroup> {
        self.groups.get(id)?.consumer.as_deref()
    }

    /// The id of a topic of a commit, as the metadata has it now.
    pub(super) fn topic_id(&self, topic: &CommitTopic) -> Uuid {
        self.image.topic_by_name(&topic.name).map_or(topic.topic_id, |topic| topic.id)
    }

    /// What is set for a consumer group.
    pub(super) fn group_settings(&self, id: &str) -> GroupConfig {
        self.settings.consumer.of_group(&self.image, id)
    }

    /// Changes what is known under an id, and forgets the id if nothing is left.
    fn change_entry(&mut self, id: &Text, change: impl FnOnce(&mut Entry)) {
        let Some(entry) = self.groups.get_mut(id) else { return };
        change(entry);
        let is_group = entry.stored.is_some() || entry.consumer.is_some() || entry.share.is_some();
        if !is_group && entry.offsets.is_empty() {
            self.groups.remove(id);
        }
    }

    /// The hard state as text, for tests that compare a shard with its restart.
    #[cfg(test)]
    pub(super) fn hard_state(&self) -> String {
        let entries =
            self.groups.iter().map(|(id, entry)| (id, &entry.stored, &entry.consumer, &entry.share, &entry.offsets));
        format!("{:#?} {:#?}", entries.collect::<Vec<_>>(), self.pending)
    }
}

impl Entry {
    /// A copy of the group as it now is, a classic one.
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
        Request::ConsumerGroupHeartbeat(request) => request.refused_unseen(settings).map(Reply::from),
        Request::ShareGroupHeartbeat(request) => request.refused_unseen(settings).map(Reply::from),
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
    /// What a share group answers to who takes it for another kind, where that could make one of it.
    fn refused_by_share_group(&self, request: &Request) -> Option<Reply> {
        let (id, reply): (&Text, Reply) = match request {
            Request::JoinGroup(join) => {
                let member = join.member_id.clone();
                (&join.group_id, JoinGroupReply::refused(GroupError::InconsistentGroupProtocol, member).into())
            }
            Request::ConsumerGroupHeartbeat(beat) => {
                let refusal = Refusal::not_found(format!("Group {} is not a consumer group.", beat.group_id));
                (&beat.group_id, ConsumerGroupHeartbeatReply::refused(refusal).into())
            }
            _ => return None,
        };
        self.shard.is_share_group(id).then_some(reply)
    }

    fn request(&mut self, caller: Caller, client: &Client, fresh_id: Uuid, request: Request) {
        let shard = self.shard;
        if let Some(reply) = self.refused_by_share_group(&request) {
            return self.reply(caller, reply);
        }
        match request {
            Request::JoinGroup(request) => self.join_group(caller, client, fresh_id, &request),
            Request::SyncGroup(request) => self.sync_group(caller, &request),
            Request::Heartbeat(request) => self.heartbeat(caller, &request),
            Request::LeaveGroup(request) => self.leave_group(caller, request),
            Request::OffsetCommit(request) => self.commit_offsets(caller, &request),
            Request::TxnOffsetCommit(request) => self.commit_offsets_in_transaction(caller, &request),
            Request::OffsetFetch(request) => self.reply(caller, shard.fetch_offsets(&request)),
            Request::OffsetDelete(request) => self.delete_offsets(caller, &request),
            Request::DescribeGroup(request) => self.reply(caller, shard.describe(&request)),
            Request::DeleteGroup(request) => self.delete_group(caller, &request),
            Request::ConsumerGroupHeartbeat(request) => self.consumer_heartbeat(caller, client, fresh_id, &request),
            Request::ConsumerGroupDescribe(request) => self.reply(caller, shard.describe_consumer_group(&request)),
            Request::ShareGroupHeartbeat(request) => self.share_heartbeat(caller, client, &request),
            Request::ShareGroupInitialized(request) => self.share_initialized(caller, &request),
            Request::ShareGroupDescribe(request) => self.reply(caller, shard.describe_share_group(&request)),
            Request::ShareGroupPartitions(request) => self.reply(caller, shard.share_partitions(&request)),
            Request::ShareGroupAlter(request) => self.share_alter(caller, &request),
            Request::ShareGroupForget(request) => self.share_forget(caller, &request),
        }
    }

    fn timer(&mut self, key: &TimerKey) {
        match key {
            TimerKey::Expiry => self.expire_offsets(),
            TimerKey::Join { group } => self.join_timer(group),
            TimerKey::Sync { group } => self.sync_timer(group),
            TimerKey::Session { group, member } if self.shard.consumer_group(group).is_some() => {
                self.fence_timer(group, member, "the member session expired");
            }
            TimerKey::Session { group, member } if self.shard.is_share_group(group) => {
                self.share_session_timer(group, member)
            }
            TimerKey::Session { group, member } => self.session_timer(group, member),
            TimerKey::Assign { group } => self.assign_timer(group),
            TimerKey::Revoke { group, member } => self.revoke_timer(group, member),
            TimerKey::Rejoin { group, member } => {
                self.fence_timer(group, member, "the classic member failed to join within the rebalance timeout");
            }
            TimerKey::Resync { group, member } => {
                self.fence_timer(group, member, "the member failed to sync within timeout");
            }
        }
    }

    /// Answers a caller.
    pub(super) fn reply(&mut self, caller: Caller, reply: impl Into<Reply>) {
        self.out.replies.push((caller, reply.into()));
    }

    /// Arms a timer `delay_ms` from now.
    pub(super) fn arm(&mut self, key: TimerKey, delay_ms: i64) {
        self.out.timers.push(TimerChange::Arm(key, self.now.mono_ms.saturating_add(delay_ms)));
    }

    /// Arms a timer `delay_ms` from now, unless it is armed already.
    pub(super) fn arm_if_idle(&mut self, key: TimerKey, delay_ms: i64) {
        self.out.timers.push(TimerChange::ArmIfIdle(key, self.now.mono_ms.saturating_add(delay_ms)));
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
            if let Some(group) = &entry.consumer {
                self.watch_members(id, group);
                continue;
            }
            if let Some(group) = &entry.share {
                self.watch_share_members(id, group);
                continue;
            }
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
