//! The runtime: from a key to its shard, from events to appended records.

use super::agenda::Agenda;
use super::answer::{committed, finish, Answer, Begun};
use super::batches::pack;
use super::deeds::{Doer, Ordered};
use super::elections::Chores;
use super::journal::{Journal, JournalError};
use super::markers::{MarkerError, TxnMarker};
use super::slot::{Active, Parked, Slot, State};
use crate::clock::{Clock, Now};
use crate::metadata::image::MetadataImage;
use crate::rng::Rng;
use crate::shard::{Ask, Caller, Machine, Origin, Text, Trouble};
use parking_lot::{Mutex, RwLock};
use std::collections::BTreeMap;
use std::future::Future;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::sync::Arc;
use tokio::sync::oneshot;

/// What the operator sets.
#[derive(Clone, Debug)]
pub struct RuntimeSettings<S> {
    /// The shards' settings.
    pub machine: S,
    /// How many partitions the topic will have, until it says so itself.
    pub partitions: i32,
    /// The largest batch that the topic takes, bytes (`max.message.bytes`).
    pub max_batch_bytes: usize,
    /// Callers that may be parked at a time in all shards (`klamm.parked.replies.max`).
    pub max_parked_replies: usize,
    /// How long an answer waits to be committed, ms.
    pub commit_timeout_ms: i64,
}

/// What a runtime works with.
pub struct RuntimeParts<M: Machine> {
    /// The topic's partitions.
    pub journal: Arc<dyn Journal>,
    /// Does what the shards order.
    pub doer: Arc<dyn Doer<M>>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub rng: Rng,
}

/// One coordinator of one broker.
pub struct Runtime<M: Machine> {
    pub(super) journal: Arc<dyn Journal>,
    pub(super) doer: Arc<dyn Doer<M>>,
    pub(super) settings: RuntimeSettings<M::Settings>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) rng: Rng,
    partitions: AtomicI32,
    /// Guards the table only; a slot has its own lock, and none is taken under this one but to replace a slot.
    pub(super) slots: RwLock<BTreeMap<i32, Arc<Slot<M>>>>,
    pub(super) agenda: Agenda,
    /// How many callers are parked in all shards.
    parked: Arc<AtomicUsize>,
    /// Guards the newest metadata. Held for no longer than to put or take.
    pub(super) image: Mutex<Arc<MetadataImage>>,
    /// Guards what metadata and shards ask for until the runtime's task takes it. Held for no longer than to put or take.
    pub(super) chores: Mutex<Chores<M>>,
    /// Guards what every shard is to hear when it is loaded. Taken last, and never held across anything else.
    standing: Mutex<Option<M::Event>>,
}

impl<M: Machine> Runtime<M> {
    /// A coordinator that leads nothing yet. Its timers run, and deeds are done, only while [`Runtime::run_timers`] does.
    pub fn new(parts: RuntimeParts<M>, settings: RuntimeSettings<M::Settings>) -> Arc<Self> {
        let RuntimeParts { journal, doer, clock, rng } = parts;
        let partitions = AtomicI32::new(settings.partitions.max(1));
        Arc::new(Self {
            journal,
            doer,
            settings,
            clock,
            rng,
            partitions,
            slots: RwLock::default(),
            agenda: Agenda::default(),
            parked: Arc::default(),
            image: Mutex::default(),
            chores: Mutex::default(),
            standing: Mutex::default(),
        })
    }

    /// Which partition of the topic coordinates a group or a transactional id (G1, X1).
    pub fn partition_for(&self, key: &str) -> i32 {
        // Java's Math.abs, but for its smallest number, for which Kafka takes 0.
        java_string_hash(key).checked_abs().unwrap_or(0) % self.partitions.load(Ordering::Relaxed)
    }

    /// Takes over how many partitions the topic really has; at least 1.
    pub fn set_partitions(&self, partitions: i32) {
        self.partitions.store(partitions.max(1), Ordering::Relaxed);
    }

    /// The wait for the answer to what [`Runtime::begin`] began.
    pub(super) fn answered<A: Ask<M>>(
        self: &Arc<Self>,
        begun: Begun<M, A::Reply>,
    ) -> impl Future<Output = Result<A::Reply, M::Error>> + Send + 'static {
        let journal = Arc::clone(&self.journal);
        let timeout_ms = self.settings.commit_timeout_ms;
        async move { finish::<M, A>(&*journal, timeout_ms, begun).await }
    }

    /// Asks a key's shard. The step, and the append of its records, are done when this returns; what is left is the wait
    /// for others and for replication.
    pub(super) fn begin<A: Ask<M>>(&self, ask: A, event: impl FnOnce(Caller, A) -> M::Event) -> Begun<M, A::Reply> {
        if let Some(refusal) = ask.refused_unseen(&self.settings.machine) {
            return Begun::Ready(Ok(refusal));
        }
        let Some(slot) = self.slot(self.partition_for(ask.key())) else {
            return Begun::Ready(Err(Trouble::NotCoordinator.into()));
        };
        let mut state = slot.state.lock();
        let active = match &mut *state {
            State::Active(active) => active,
            State::Loading => {
                return Begun::Ready(ask.while_loading().ok_or_else(|| Trouble::LoadInProgress.into()));
            }
            State::Gone => return Begun::Ready(Err(Trouble::NotCoordinator.into())),
        };
        if ask.may_park() && self.parked.load(Ordering::Relaxed) >= self.settings.max_parked_replies {
            return Begun::Ready(Err(Trouble::NotAvailable.into()));
        }
        let caller = active.next_caller();
        match self.drive(&slot, active, event(caller, ask)) {
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
                Begun::Ready(Err(error.trouble().into()))
            }
        }
    }

    /// What every shard here shows; shards that are not served are left out.
    pub(super) async fn survey<T>(&self, look: impl Fn(&M) -> Vec<T>) -> Result<Vec<T>, M::Error> {
        let mut seen = Vec::new();
        for slot in self.all_slots() {
            let (mut some, offset) = match &*slot.state.lock() {
                State::Active(active) => (look(&active.shard), active.end_offset),
                State::Loading => return Err(Trouble::LoadInProgress.into()),
                State::Gone => continue,
            };
            let too_late = Trouble::NotAvailable.into();
            match committed(&*self.journal, &slot, offset, self.settings.commit_timeout_ms, too_late).await {
                Ok(()) => seen.append(&mut some),
                Err(_) if slot.gone.is_cancelled() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(seen)
    }

    /// Tells every shard something about the cluster: those here now, and from now on each as soon as it has loaded.
    pub fn announce(&self, event: M::Event) {
        *self.standing.lock() = Some(event.clone());
        for slot in self.all_slots() {
            self.tell(&slot, event.clone());
        }
    }

    /// What a shard is to hear first.
    pub(super) fn standing(&self) -> Option<M::Event> {
        self.standing.lock().clone()
    }

    /// Tells every shard here that topics are gone, if that concerns it.
    pub fn topics_deleted(&self, topics: &[Text]) {
        self.tell_all("deleted topics", || M::on_topics_deleted(topics));
    }

    /// Hands every shard here an event, if it concerns shards of this kind.
    pub(super) fn tell_all(&self, what: &str, event: impl Fn() -> Option<M::Event>) {
        for slot in self.all_slots() {
            let Some(event) = event() else { return };
            let mut state = slot.state.lock();
            let State::Active(active) = &mut *state else { continue };
            if let Err(error) = self.drive(&slot, active, event) {
                tracing::warn!("{}-{} cannot take account of {what}: {error}", M::TOPIC, slot.partition);
                self.refused(&slot, &mut state, &error);
            }
        }
    }

    /// Ends a transaction in the log of a partition that is led here, as its one writer, and in its shard. The marker is
    /// written when this returns; the future is the wait for replication.
    pub fn write_marker(
        self: &Arc<Self>,
        partition: i32,
        marker: TxnMarker,
        now: Now,
    ) -> impl Future<Output = Result<(), MarkerError>> + Send + 'static {
        let begun = self.begin_marker(partition, &marker, now);
        let this = Arc::clone(self);
        async move {
            let (slot, offset) = begun?;
            let timeout_ms = this.settings.commit_timeout_ms;
            let waited = committed(&*this.journal, &slot, offset, timeout_ms, Trouble::NotAvailable.into()).await;
            waited.map_err(|_| if slot.gone.is_cancelled() { MarkerError::NotLeader } else { MarkerError::TimedOut })
        }
    }

    fn begin_marker(&self, partition: i32, marker: &TxnMarker, now: Now) -> Result<(Arc<Slot<M>>, i64), MarkerError> {
        let slot = self.slot(partition).ok_or(MarkerError::NotLeader)?;
        let mut state = slot.state.lock();
        let State::Active(active) = &mut *state else { return Err(MarkerError::NotLeader) };
        let append = AssertUnwindSafe(|| {
            let end_offset = self.journal.append_marker(partition, marker, now)?;
            active.shard.replay_marker(marker.producer_id, marker.commit);
            active.end_offset = end_offset;
            Ok(end_offset)
        });
        let appended = catch_unwind(append).unwrap_or_else(|_| Err(MarkerError::Storage("a marker panicked".into())));
        if let Err(MarkerError::Storage(why)) = &appended {
            self.refused(&slot, &mut state, &JournalError::Storage(why.clone()));
        }
        let end_offset = appended?;
        drop(state);
        Ok((slot, end_offset))
    }

    /// One step: judge, append, replay, apply, arm. Returns the answers; if the log refuses, nothing has happened. A
    /// panic costs the shard, not the node: what it left behind is not trusted.
    pub(super) fn drive(
        &self,
        slot: &Arc<Slot<M>>,
        active: &mut Active<M>,
        event: M::Event,
    ) -> Result<Vec<(Caller, M::Reply)>, JournalError> {
        let step = AssertUnwindSafe(|| self.drive_unguarded(slot, active, event));
        catch_unwind(step).unwrap_or_else(|_| Err(JournalError::Corrupt("a step panicked".into())))
    }

    fn drive_unguarded(
        &self,
        slot: &Arc<Slot<M>>,
        active: &mut Active<M>,
        event: M::Event,
    ) -> Result<Vec<(Caller, M::Reply)>, JournalError> {
        let now = self.clock.now();
        let partition = slot.partition;
        let effects = active.shard.step(now, event);
        let producer_id = effects.producer.map(|producer| producer.producer_id);
        let verification = effects.producer.and_then(|producer| producer.verification);
        let max_bytes = self.settings.max_batch_bytes;
        let packed = pack::<M>(effects.records, effects.producer, effects.divisible, max_bytes, now.wall_ms)?;
        for packed in packed {
            let end_offset = self.journal.append(partition, packed.batch, verification, now)?;
            let base_offset = end_offset - packed.records.len() as i64;
            for (log_offset, record) in (base_offset..).zip(packed.records) {
                active.shard.replay(Origin { log_offset, producer_id }, record);
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
        if !effects.deeds.is_empty() {
            let offset = active.end_offset;
            let ordered = effects.deeds.into_iter().map(|deed| Ordered { slot: slot.clone(), offset, deed });
            self.chores.lock().deeds.extend(ordered);
            self.agenda.changed.notify_one();
        }
        Ok(effects.replies)
    }

    /// Hands answers to parked callers, and back what is for `own`.
    pub(super) fn hand_out(
        &self,
        active: &mut Active<M>,
        replies: Vec<(Caller, M::Reply)>,
        own: Caller,
    ) -> Option<M::Reply> {
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

    pub(super) fn refused(&self, slot: &Slot<M>, state: &mut State<M>, error: &JournalError) {
        if error.unloads() {
            tracing::error!("Unloading {}-{}: {error}", M::TOPIC, slot.partition);
            slot.end(state);
        }
    }

    pub(super) fn note_timers(&self, partition: i32, active: &Active<M>) {
        if let Some(deadline_ms) = active.timers.next_deadline_ms() {
            self.agenda.note(partition, deadline_ms);
        }
    }

    /// Whether any timer is armed.
    #[cfg(test)]
    pub(super) fn has_timers(&self) -> bool {
        self.agenda.next_deadline_ms().is_some()
    }

    pub(super) fn slot(&self, partition: i32) -> Option<Arc<Slot<M>>> {
        self.slots.read().get(&partition).cloned()
    }

    pub(super) fn all_slots(&self) -> Vec<Arc<Slot<M>>> {
        self.slots.read().values().cloned().collect()
    }
}

/// Java's `String.hashCode`: over UTF-16 units, wrapping.
pub fn java_string_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}
