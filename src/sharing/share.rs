//! One share-partition on the leader of its partition: loaded once, then used under its lock.

use super::error::ShareError;
use super::settings::{GroupSettings, Reset};
use crate::clock::Clock;
use crate::coordinator::ShareStates;
use crate::replica::{Isolation, ListSpec, Partition};
use crate::share::partition::{Persist, SharePartition};
use crate::share::state::request::{Read, Write};
use crate::share::ShareName;
use parking_lot::Mutex;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use tokio::sync::{watch, OnceCell};

/// A partition as one group reads it, under one leader epoch.
pub struct Share {
    /// Its name.
    pub name: ShareName,
    /// The partition.
    pub partition: Arc<Partition>,
    /// The epoch in which this node leads the partition.
    pub leader_epoch: i32,
    /// Guards how records stand; held over a read of the log's index, never over a wait. None until it is loaded.
    state: OnceCell<Mutex<SharePartition>>,
    /// Another has taken over, or the state was set up anew: whoever comes next loads it afresh.
    fenced: AtomicBool,
    /// Counts the moments in which records may have become available, or room for new ones.
    changed: watch::Sender<u64>,
}

impl Share {
    pub(super) fn new(name: ShareName, partition: Arc<Partition>, leader_epoch: i32) -> Self {
        let changed = watch::channel(0).0;
        Self { name, partition, leader_epoch, state: OnceCell::new(), fenced: AtomicBool::new(false), changed }
    }

    /// Whether it may be used: this node still leads, and nobody has taken over.
    pub(super) fn is_current(&self) -> bool {
        let leadership = self.partition.leadership();
        leadership.is_leader && leadership.leader_epoch == self.leader_epoch && !self.fenced.load(Ordering::Acquire)
    }

    /// Not to be used any more.
    pub(super) fn fence(&self) {
        self.fenced.store(true, Ordering::Release);
        self.announce();
    }

    /// Sees what happens to it from now on.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    pub(super) fn announce(&self) {
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Works on how records stand; nothing if it is not loaded.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut SharePartition) -> T) -> Option<T> {
        self.state.get().map(|state| work(&mut state.lock()))
    }

    /// Loads it if nobody has: whoever comes meanwhile waits for the same.
    pub(super) async fn load(
        &self,
        states: &Arc<ShareStates>,
        settings: &GroupSettings,
        clock: &dyn Clock,
    ) -> Result<(), ShareError> {
        let load = || async {
            let read = Read { name: self.name.clone(), exists: true, leader_epoch: self.leader_epoch };
            let mut known = states.execute(read).await?;
            if known.start_offset < 0 {
                known.start_offset = self.first_start(settings, clock)?;
                // Kept at once, or a restart before the first acknowledgement would start elsewhere (Kafka's may).
                let write = self.write(known.state_epoch, known.start_offset, 0, Vec::new());
                states.execute(write).await?;
            }
            let log_start_offset = self.partition.log().log_start_offset();
            let mut share = SharePartition::new(known, self.leader_epoch);
            share.log_starts_at(log_start_offset);
            Ok::<_, ShareError>(Mutex::new(share))
        };
        self.state.get_or_try_init(load).await.map(|_| ())
    }

    /// Where a group starts that has never read the partition.
    fn first_start(&self, settings: &GroupSettings, clock: &dyn Clock) -> Result<i64, ShareError> {
        let find = |spec| {
            let found = self.partition.list_offset(spec, Isolation::ReadUncommitted, self.leader_epoch);
            found.map(|found| found.offset).map_err(|_| ShareError::CoordinatorNotAvailable)
        };
        match settings.reset {
            Reset::Latest => find(ListSpec::Latest),
            Reset::Earliest => find(ListSpec::Earliest),
            Reset::ByDuration(ago_ms) => match find(ListSpec::At(clock.now().wall_ms.saturating_sub(ago_ms).max(0)))? {
                // Nothing is as young as that.
                -1 => find(ListSpec::Latest),
                offset => Ok(offset),
            },
        }
    }

    fn write(
        &self,
        state_epoch: i32,
        start_offset: i64,
        delivery_complete_count: i32,
        batches: Vec<crate::record::internal::share_state::StateBatch>,
    ) -> Write {
        Write {
            name: self.name.clone(),
            exists: true,
            state_epoch,
            leader_epoch: self.leader_epoch,
            start_offset,
            delivery_complete_count,
            batches,
        }
    }

    /// Has what changed stored. It is handed in when this returns, in the order of these calls; to be called under the
    /// lock. The future is to be awaited to the end, by a task of its own: it commits, or takes back.
    pub(super) fn store(
        self: &Arc<Self>,
        states: &Arc<ShareStates>,
        state_epoch: i32,
        persist: Persist,
    ) -> impl Future<Output = Result<(), ShareError>> + Send + 'static {
        let Persist { transition, start_offset, delivery_complete_count, batches } = persist;
        let owed = if transition.is_none() { batches.clone() } else { Vec::new() };
        let stored = states.execute(self.write(state_epoch, start_offset, delivery_complete_count, batches));
        let this = self.clone();
        async move {
            let stored = stored.await.map_err(ShareError::from);
            this.with(|share| match (&stored, transition) {
                (Ok(()), Some(transition)) => share.commit(transition),
                (Ok(()), None) => {}
                (Err(_), Some(transition)) => share.roll_back(transition),
                (Err(_), None) => share.owe(owed),
            });
            match &stored {
                Err(ShareError::NotLeaderOrFollower | ShareError::UnknownTopicOrPartition) => this.fence(),
                Err(error) => {
                    tracing::warn!("The state of share-partition {} could not be stored: {error}", this.name);
                    this.announce();
                }
                Ok(()) => this.announce(),
            }
            stored
        }
    }
}
