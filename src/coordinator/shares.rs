//! The share coordinator: the runtime over shards of share-group state, and what deletes of their logs what says nothing.

use super::runtime::{Runtime, RuntimeSettings};
use super::slot::State;
use crate::config::broker::BrokerConfig;
use crate::replica::ReplicaManager;
use crate::shard::{Ask, Machine};
use crate::share::state::{Event, Settings, ShareStateError, StateShard};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The share-group state that one broker coordinates.
pub type ShareStates = Runtime<StateShard>;

impl RuntimeSettings<Settings> {
    /// What a broker's configuration says.
    pub fn of_share_states(config: &BrokerConfig) -> Self {
        let shares = &config.shares;
        let machine = Settings {
            updates_per_snapshot: shares.snapshot_update_records_per_snapshot,
            cold_snapshot_interval_ms: shares.cold_partition_snapshot_interval_ms,
        };
        let max_message_bytes = config.topic_config(&BTreeMap::new()).max_message_bytes;
        Self {
            machine,
            partitions: shares.state_topic_num_partitions,
            max_batch_bytes: usize::try_from(max_message_bytes.min(shares.state_topic_segment_bytes)).unwrap_or(0),
            max_parked_replies: config.klamm.parked_replies_max,
            commit_timeout_ms: shares.write_timeout_ms,
        }
    }
}

impl ShareStates {
    /// Asks the share-partition's shard. The step, and the append of its records, are done when this returns, so that what
    /// is asked in an order is kept in it; the future is the wait for replication, and may be dropped.
    pub fn execute<A, T>(self: &Arc<Self>, ask: A) -> impl Future<Output = Result<T, ShareStateError>> + Send + 'static
    where
        A: Ask<StateShard, Reply = Result<T, ShareStateError>>,
        T: Send + 'static,
    {
        let begun = self.begin(ask, |caller, ask| Event::Request { caller, request: ask.into() });
        let answered = self.answered::<A>(begun);
        async move { answered.await? }
    }

    /// Deletes every `share.coordinator.state.topic.prune.interval.ms` what lies before the oldest snapshot that counts,
    /// until cancelled. To be spawned once.
    pub async fn run_pruning(
        self: Arc<Self>,
        replicas: Arc<ReplicaManager>,
        interval_ms: u64,
        cancelled: CancellationToken,
    ) {
        loop {
            tokio::select! {
                biased;
                () = cancelled.cancelled() => return,
                () = tokio::time::sleep(Duration::from_millis(interval_ms)) => {}
            }
            self.prune(&replicas).await;
        }
    }

    /// One round of pruning.
    pub async fn prune(&self, replicas: &ReplicaManager) {
        for slot in self.all_slots() {
            let redundant = match &*slot.state.lock() {
                State::Active(active) => active.shard.redundant_below(),
                State::Loading | State::Gone => continue,
            };
            let Ok(partition) = replicas.partition(StateShard::TOPIC, slot.partition) else { continue };
            // A snapshot that is not committed may be lost, and what it replaces with it.
            let below = redundant.min(partition.high_watermark());
            if below <= partition.log().log_start_offset() {
                continue;
            }
            if let Err(error) = partition.delete_records(below).await {
                tracing::warn!("{}-{} is not pruned below {below}: {error}", StateShard::TOPIC, slot.partition);
            }
        }
    }
}
