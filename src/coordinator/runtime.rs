//! The runtime: from a group id to its shard, from events to appended records.

use super::agenda::Agenda;
use super::answer::{committed, finish, Answer, Begun};
use super::batches::pack;
use super::elections::Chores;
use super::journal::{Journal, JournalError};
use super::slot::{Active, Parked, Slot, State};
use crate::clock::Clock;
use crate::config::broker::BrokerConfig;
use crate::group::request::{Client, ListGroups, ListedGroup};
use crate::group::{Ask, Caller, Event, GroupError, Origin, Reply, Request, Settings, Text};
use crate::ids::Uuid;
use crate::rng::Rng;
use parking_lot::{Mutex, RwLock};
use std::collections::BTreeMap;
use std::future::Future;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::sync::Arc;
use tokio::sync::oneshot;

/// The topic that groups live in.
pub const CONSUMER_OFFSETS: &str = "__consumer_offsets";

/// What the operator sets.
#[derive(Clone, Debug)]
pub struct RuntimeSettings {
    /// The groups' settings.
    pub group: Settings,
    /// `offsets.topic.num.partitions`, until the topic itself says otherwise.
    pub partitions: i32,
    /// The largest batch that the topic takes, bytes (`max.message.bytes`).
    pub max_batch_bytes: usize,
    /// JoinGroups and SyncGroups that may be parked at a time in all shards (`klamm.parked.replies.max`).
    pub max_parked_replies: usize,
}

impl Default for RuntimeSettings {
    fn default() -> Self {
        Self { group: Settings::default(), partitions: 50, max_batch_bytes: 1_048_588, max_parked_replies: 100_000 }
    }
}

impl RuntimeSettings {
    /// What a broker's configuration says.
    pub fn from_config(config: &BrokerConfig) -> Self {
        let groups = &config.groups;
        let group = Settings {
            min_session_timeout_ms: groups.group_min_session_timeout_ms,
            max_session_timeout_ms: groups.group_max_session_timeout_ms,
            initial_rebalance_delay_ms: groups.group_initial_rebalance_delay_ms,
            max_size: groups.group_max_size,
            offsets_retention_ms: i64::from(groups.offsets_retention_minutes) * 60_000,
            offsets_retention_check_interval_ms: groups.offsets_retention_check_interval_ms,
            offset_metadata_max_bytes: usize::try_from(groups.offset_metadata_max_bytes).unwrap_or(0),
            offsets_commit_timeout_ms: i64::from(groups.offsets_commit_timeout_ms),
        };
        let topic = config.topic_config(&BTreeMap::new());
        let max_batch_bytes = topic.max_message_bytes.min(groups.offsets_topic_segment_bytes);
        Self {
            group,
            partitions: groups.offsets_topic_num_partitions,
            max_batch_bytes: usize::try_from(max_batch_bytes).unwrap_or(0),
            max_parked_replies: config.klamm.parked_replies_max,
        }
    }
}

/// The group coordinator of one broker.
pub struct Runtime {
    pub(super) journal: Arc<dyn Journal>,
    pub(super) settings: RuntimeSettings,
    pub(super) clock: Arc<dyn Clock>,
    rng: Rng,
    partitions: AtomicI32,
    /// Guards the table only; a slot has its own lock, and none is taken under this one but to replace a slot.
    pub(super) slots: RwLock<BTreeMap<i32, Arc<Slot>>>,
    pub(super) agenda: Agenda,
    /// How many callers are parked in all shards.
    parked: Arc<AtomicUsize>,
    /// Guards what the metadata asks for until the runtime's task takes it. Held for no longer than to put or take.
    pub(super) chores: Mutex<Chores>,
}

impl Runtime {
    /// A coordinator that leads nothing yet. Its timers run only while [`Runtime::run_timers`] does.
    pub fn new(journal: Arc<dyn Journal>, settings: RuntimeSettings, clock: Arc<dyn Clock>, rng: Rng) -> Arc<Self> {
        let partitions = AtomicI32::new(settings.partitions.max(1));
        Arc::new(Self {
            journal,
            settings,
            clock,
            rng,
            partitions,
            slots: RwLock::default(),
            agenda: Agenda::default(),
            parked: Arc::default(),
            chores: Mutex::default(),
        })
    }

    /// Which partition of the topic coordinates a group (G1).
    pub fn partition_for(&self, group_id: &str) -> i32 {
        // Java's Math.abs, but for its smallest number, for which Kafka takes 0.
        java_string_hash(group_id).checked_abs().unwrap_or(0) % self.partitions.load(Ordering::Relaxed)
    }

    /// Takes over how many partitions the topic really has; at least 1.
    pub fn set_partitions(&self, partitions: i32) {
        self.partitions.store(partitions.max(1), Ordering::Relaxed);
    }

    /// Asks the group's shard. The step, and the append of its records, are done when this returns; the future is the
    /// wait for other members and for replication, and may be dropped. One that is already answered is ready at its
    /// first poll.
    pub fn execute<A: Ask>(
        self: &Arc<Self>,
        client: Client,
        ask: A,
    ) -> impl Future<Output = Result<A::Reply, GroupError>> + Send + 'static {
        let begun = self.begin(client, ask);
        let journal = Arc::clone(&self.journal);
        let timeout_ms = self.settings.group.offsets_commit_timeout_ms;
        async move { finish::<A>(&*journal, timeout_ms, begun).await }
    }

    fn begin<A: Ask>(&self, client: Client, ask: A) -> Begun<A::Reply> {
        if let Some(refusal) = ask.refused_unseen(&self.settings.group) {
            return Begun::Ready(Ok(refusal));
        }
        let Some(slot) = self.slot(self.partition_for(ask.group_id())) else {
            return Begun::Ready(Err(GroupError::NotCoordinator));
        };
        let mut state = slot.state.lock();
        let active = match &mut *state {
            State::Active(active) => active,
            State::Loading => {
                return Begun::Ready(ask.while_loading().ok_or(GroupError::CoordinatorLoadInProgress));
            }
            State::Gone => return Begun::Ready(Err(GroupError::NotCoordinator)),
        };
        let request: Request = ask.into();
        let may_park = matches!(request, Request::JoinGroup(_) | Request::SyncGroup(_));
        if may_park && self.parked.load(Ordering::Relaxed) >= self.settings.max_parked_replies {
            return Begun::Ready(Err(GroupError::CoordinatorNotAvailable));
        }
        let caller = active.next_caller();
        let fresh_id = if matches!(request, Request::JoinGroup(_)) { self.rng.uuid() } else { Uuid::nil() };
        let event = Event::Request { caller, client, fresh_id, request };
        match self.drive(slot.partition, active, event) {
            Ok(replies) => {
                let own = self.hand_out(active, replies, caller);
                let offset = active.end_offset;
                if let Some(reply) = own {
                    drop(state);
                    return Begun::Answered(slot, Answer { reply, offset });
                }
                let (sender, receiver) = oneshot::channel();
                active.waiting.insert(caller, Parked::new(sender, &self.parked));
                drop(state);
                Begun::Parked(slot, receiver)
            }
            Err(error) => {
                self.refused(&slot, &mut state, &error);
                Begun::Ready(Err(error.as_group_error()))
            }
        }
    }

    /// The groups of every shard here that pass the filter; shards that are not served are left out.
    pub fn list_groups(
        self: &Arc<Self>,
        request: ListGroups,
    ) -> impl Future<Output = Result<Vec<ListedGroup>, GroupError>> + Send + 'static {
        let this = Arc::clone(self);
        async move {
            let mut listed = Vec::new();
            for slot in this.all_slots() {
                let (mut groups, offset) = match &*slot.state.lock() {
                    State::Active(active) => (active.shard.list(&request), active.end_offset),
                    State::Loading => return Err(GroupError::CoordinatorLoadInProgress),
                    State::Gone => continue,
                };
                let timeout_ms = this.settings.group.offsets_commit_timeout_ms;
                let too_late = GroupError::CoordinatorNotAvailable;
                match committed(&*this.journal, &slot, offset, timeout_ms, too_late).await {
                    Ok(()) => listed.append(&mut groups),
                    Err(GroupError::NotCoordinator) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(listed)
        }
    }

    /// Drops the offsets of topics that were deleted, in every shard here.
    pub fn topics_deleted(&self, topics: &[Text]) {
        for slot in self.all_slots() {
            let mut state = slot.state.lock();
            let State::Active(active) = &mut *state else { continue };
            if let Err(error) = self.drive(slot.partition, active, Event::TopicsDeleted(topics.to_vec())) {
                tracing::warn!("Offsets of deleted topics stay in __consumer_offsets-{}: {error}", slot.partition);
                self.refused(&slot, &mut state, &error);
            }
        }
    }

    /// One step: judge, append, replay, apply, arm. Returns the answers; if the log refuses, nothing has happened. A
    /// panic costs the shard, not the node: what it left behind is not trusted.
    pub(super) fn drive(
        &self,
        partition: i32,
        active: &mut Active,
        event: Event,
    ) -> Result<Vec<(Caller, Reply)>, JournalError> {
        let step = AssertUnwindSafe(|| self.drive_unguarded(partition, active, event));
        catch_unwind(step).unwrap_or_else(|_| Err(JournalError::Corrupt("a step panicked".into())))
    }

    fn drive_unguarded(
        &self,
        partition: i32,
        active: &mut Active,
        event: Event,
    ) -> Result<Vec<(Caller, Reply)>, JournalError> {
        let now = self.clock.now();
        let effects = active.shard.step(now, event);
        let packed = pack(effects.records, effects.divisible, self.settings.max_batch_bytes, now.wall_ms)?;
        for packed in packed {
            let end_offset = self.journal.append(partition, packed.batch, now)?;
            let base_offset = end_offset - packed.records.len() as i64;
            for (log_offset, record) in (base_offset..).zip(packed.records) {
                active.shard.replay(Origin { log_offset, producer_id: None }, record);
            }
            active.end_offset = end_offset;
        }
        for soft in effects.soft {
            active.shard.apply(soft);
        }
        let arms = !effects.timers.is_empty();
        for change in effects.timers {
            active.timers.change(change);
        }
        if arms {
            self.note_timers(partition, active);
        }
        Ok(effects.replies)
    }

    /// Hands answers to parked callers, and back what is for `own`.
    pub(super) fn hand_out(&self, active: &mut Active, replies: Vec<(Caller, Reply)>, own: Caller) -> Option<Reply> {
        let mut for_own = None;
        for (caller, reply) in replies {
            if caller == own {
                for_own = Some(reply);
            } else if let Some(parked) = active.waiting.remove(&caller) {
                parked.answer(Answer { reply, offset: active.end_offset });
            }
        }
        for_own
    }

    pub(super) fn refused(&self, slot: &Slot, state: &mut State, error: &JournalError) {
        if error.unloads() {
            tracing::error!("Unloading __consumer_offsets-{}: {error}", slot.partition);
            slot.end(state);
        }
    }

    pub(super) fn note_timers(&self, partition: i32, active: &Active) {
        if let Some(deadline_ms) = active.timers.next_deadline_ms() {
            self.agenda.note(partition, deadline_ms);
        }
    }

    /// Whether any timer is armed.
    #[cfg(test)]
    pub(super) fn has_timers(&self) -> bool {
        self.agenda.next_deadline_ms().is_some()
    }

    pub(super) fn slot(&self, partition: i32) -> Option<Arc<Slot>> {
        self.slots.read().get(&partition).cloned()
    }

    pub(super) fn all_slots(&self) -> Vec<Arc<Slot>> {
        self.slots.read().values().cloned().collect()
    }
}

/// Java's `String.hashCode`: over UTF-16 units, wrapping.
pub fn java_string_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}
