//! The share-partitions of a node: found by name, loaded when needed, their locks run, dropped when nobody reads them.

use super::error::ShareError;
use super::sessions::{SessionKey, Sessions, TopicIdPartition};
use super::settings::{GroupSettings, ShareGroupSettings};
use super::share::Share;
use crate::clock::Clock;
use crate::coordinator::ShareStates;
use crate::metadata::cache::MetadataCache;
use crate::replica::ReplicaManager;
use crate::shard::{TimerChange, Timers};
use crate::share::partition::{Acknowledgement, SharePartition};
use crate::share::ShareName;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// What ran out and could not be stored is tried again after this. Milliseconds.
const RETRY_MS: i64 = 500;
/// Share-partitions of a node; one beyond is refused. Share-partitions.
const MAX_SHARES: usize = 200_000;

/// What a manager works with.
pub struct ManagerParts {
    /// The partitions.
    pub replicas: Arc<ReplicaManager>,
    /// Where state is kept.
    pub states: Arc<ShareStates>,
    /// Groups' settings.
    pub metadata: Arc<MetadataCache>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// What the operator sets.
    pub settings: ShareGroupSettings,
}

/// The share-partitions whose partitions this node leads.
pub struct ShareManager {
    pub(super) parts: ManagerParts,
    /// Sessions of who reads here.
    pub sessions: Sessions,
    /// Guards the table only; a share has its own lock.
    table: Mutex<BTreeMap<ShareName, Arc<Share>>>,
    /// Guards when to look at which share's locks. Taken last.
    agenda: Mutex<Timers<ShareName>>,
    /// Woken when the agenda's first entry may have changed.
    sooner: Notify,
}

impl ShareManager {
    /// One that reads nothing yet. Locks run out only while [`ShareManager::run_locks`] runs.
    pub fn new(parts: ManagerParts) -> Arc<Self> {
        let sessions = Sessions::new(parts.settings.max_sessions);
        let (table, agenda) = (Mutex::default(), Mutex::default());
        Arc::new(Self { parts, sessions, table, agenda, sooner: Notify::new() })
    }

    /// What holds for a group.
    pub fn settings_of(&self, group: &str) -> GroupSettings {
        self.parts.settings.of_group(self.parts.metadata.current().group_config(group))
    }

    /// The share-partition, loaded.
    pub async fn share(&self, name: &ShareName) -> Result<Arc<Share>, ShareError> {
        let share = self.find(name)?;
        share.load(&self.parts.states, &self.settings_of(&name.group), &*self.parts.clock).await.inspect_err(
            |error| {
                if !matches!(error, ShareError::CoordinatorNotAvailable) {
                    tracing::warn!("Share-partition {name} cannot be loaded: {error}");
                }
                self.forget(&share);
            },
        )?;
        Ok(share)
    }

    fn find(&self, name: &ShareName) -> Result<Arc<Share>, ShareError> {
        let partition = self.parts.replicas.partition_by_id(&name.topic_id, name.partition)?;
        let leader_epoch = partition.leadership().leader_epoch;
        let mut table = self.table.lock();
        if let Some(share) = table.get(name) {
            if share.is_current() {
                return Ok(share.clone());
            }
        } else if table.len() >= MAX_SHARES {
            return Err(ShareError::CoordinatorNotAvailable);
        }
        let share = Arc::new(Share::new(name.clone(), partition, leader_epoch));
        table.insert(name.clone(), share.clone());
        Ok(share)
    }

    /// Drops a share-partition, unless another has taken its place.
    fn forget(&self, share: &Arc<Share>) {
        let mut table = self.table.lock();
        if table.get(&share.name).is_some_and(|held| Arc::ptr_eq(held, share)) {
            table.remove(&share.name);
        }
    }

    /// The share-partition, if it is in use.
    fn in_use(&self, name: &ShareName) -> Result<Arc<Share>, ShareError> {
        let share = self.table.lock().get(name).cloned().ok_or(ShareError::UnknownTopicOrPartition)?;
        match share.is_current() {
            true => Ok(share),
            false => Err(ShareError::NotLeaderOrFollower),
        }
    }

    /// Takes in what a member says of the records of a partition: judged when this returns; over when it is stored.
    pub fn acknowledge(
        self: &Arc<Self>,
        name: &ShareName,
        member: &str,
        acknowledgements: &[Acknowledgement],
    ) -> impl Future<Output = Result<(), ShareError>> + Send + 'static {
        let limits = self.settings_of(&name.group).limits;
        let begun = self.in_use(name).and_then(|share| {
            let now_ms = self.parts.clock.now().mono_ms;
            let judged = share.with(|state| {
                self.run_out(&share, state, now_ms);
                let said = state.acknowledge(member, acknowledgements, &limits, now_ms)?;
                self.look_again(&share, state);
                Ok::<_, ShareError>(said.map(|persist| tokio::spawn(self.store(&share, state, persist))))
            });
            judged.unwrap_or(Err(ShareError::UnknownTopicOrPartition))
        });
        async move {
            match begun? {
                None => Ok(()),
                Some(stored) => stored.await.unwrap_or(Err(ShareError::CoordinatorNotAvailable)),
            }
        }
    }

    /// Gives up what a member holds of a partition.
    fn release(self: &Arc<Self>, name: &ShareName, member: &str) -> impl Future<Output = ()> + Send + 'static {
        let limits = self.settings_of(&name.group).limits;
        let begun = self.in_use(name).ok().and_then(|share| {
            let released = share.with(|state| {
                let persist = state.release(member, &limits)?;
                Some(tokio::spawn(self.store(&share, state, persist)))
            });
            released.flatten()
        });
        async move {
            if let Some(stored) = begun {
                // What could not be stored has been logged, and its locks run on.
                let _ = stored.await;
            }
        }
    }

    /// Ends a member's session: what it holds is given up, and what nobody of the group reads here any more is dropped.
    /// To be run by a task of its own.
    pub fn end_session(
        self: &Arc<Self>,
        key: SessionKey,
        partitions: Vec<TopicIdPartition>,
    ) -> impl Future<Output = ()> + Send + 'static {
        let names =
            partitions.into_iter().map(|(topic_id, partition)| ShareName::new(key.group.clone(), topic_id, partition));
        let releases: Vec<_> = names.map(|name| self.release(&name, &key.member)).collect();
        let this = self.clone();
        async move {
            for release in releases {
                release.await;
            }
            if !this.sessions.has_any_of(&key.group) {
                let mut table = this.table.lock();
                table.retain(|name, _| name.group != key.group);
            }
        }
    }

    /// A connection is gone, and its sessions with it.
    pub fn connection_closed(self: &Arc<Self>, connection: u64) {
        for (key, partitions) in self.sessions.close_all_of(connection) {
            let ended = self.end_session(key, partitions);
            // Without a runtime the node has stopped, and a restart forgets locks anyway.
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                runtime.spawn(ended);
            }
        }
    }

    /// Begins to store; the future is to be spawned.
    fn store(
        self: &Arc<Self>,
        share: &Arc<Share>,
        state: &SharePartition,
        persist: crate::share::partition::Persist,
    ) -> impl Future<Output = Result<(), ShareError>> + Send + 'static {
        let stored = share.store(&self.parts.states, state.state_epoch, persist);
        let (this, share) = (self.clone(), share.clone());
        async move {
            let stored = stored.await;
            if stored.is_err() {
                // What was rolled back is locked as before, and what is owed is tried again.
                this.look_at(&share.name, this.parts.clock.now().mono_ms + RETRY_MS);
            }
            stored
        }
    }

    /// Takes back what has run out by now.
    pub(super) fn run_out(self: &Arc<Self>, share: &Arc<Share>, state: &mut SharePartition, now_ms: i64) {
        if state.next_deadline_ms().is_some_and(|deadline_ms| deadline_ms <= now_ms) {
            self.expire(share, state, now_ms);
        }
    }

    fn expire(self: &Arc<Self>, share: &Arc<Share>, state: &mut SharePartition, now_ms: i64) {
        let limits = self.settings_of(&share.name.group).limits;
        if let Some(persist) = state.expire(now_ms, &limits) {
            tokio::spawn(self.store(share, state, persist));
            share.announce();
        }
    }

    /// Sees to it that the share's locks are looked at when the next one runs out.
    pub(super) fn look_again(&self, share: &Share, state: &SharePartition) {
        if let Some(deadline_ms) = state.next_deadline_ms() {
            self.look_at(&share.name, deadline_ms);
        }
    }

    fn look_at(&self, name: &ShareName, mono_ms: i64) {
        self.agenda.lock().change(TimerChange::Arm(name.clone(), mono_ms));
        self.sooner.notify_one();
    }

    /// Lets locks run out, until cancelled. To be spawned once; sleeps while there is nothing to do.
    pub async fn run_locks(self: Arc<Self>, cancelled: CancellationToken) {
        loop {
            let now_ms = self.parts.clock.now().mono_ms;
            let due = self.agenda.lock().pop_due(now_ms);
            if let Some(name) = due {
                if let Ok(share) = self.in_use(&name) {
                    share.with(|state| {
                        self.expire(&share, state, now_ms);
                        self.look_again(&share, state);
                    });
                }
                tokio::task::yield_now().await;
                continue;
            }
            let next_ms = self.agenda.lock().next_deadline_ms();
            let asleep = async {
                match next_ms {
                    Some(at_ms) => {
                        tokio::time::sleep(Duration::from_millis((at_ms - now_ms).max(0).unsigned_abs())).await
                    }
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = cancelled.cancelled() => return,
                () = self.sooner.notified() => {}
                () = asleep => {}
            }
        }
    }
}
