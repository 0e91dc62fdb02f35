//! Share groups' rooms: the coordinator of their state, and what is delivered to them.

use super::World;
use crate::config::BrokerConfig;
use crate::coordinator::{
    Idle, PartitionJournal, Runtime, RuntimeParts, RuntimeSettings, ShareStates, SHARE_GROUP_STATE,
};
use crate::metadata::cache::MetadataCache;
use crate::replica::ReplicaManager;
use crate::sharing::{ManagerParts, ShareGroupSettings, ShareManager};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The share coordinator.
pub(super) fn start_states(config: &BrokerConfig, world: &World, replicas: &Arc<ReplicaManager>) -> Arc<ShareStates> {
    let parts = RuntimeParts {
        journal: Arc::new(PartitionJournal::new(replicas.clone(), SHARE_GROUP_STATE)),
        doer: Arc::new(Idle),
        clock: world.clock.clone(),
        rng: world.rng.fork(),
    };
    Runtime::new(parts, RuntimeSettings::of_share_states(config))
}

/// What delivers.
pub(super) fn start_manager(
    config: &BrokerConfig,
    world: &World,
    replicas: &Arc<ReplicaManager>,
    states: &Arc<ShareStates>,
    metadata: &Arc<MetadataCache>,
) -> Arc<ShareManager> {
    ShareManager::new(ManagerParts {
        replicas: replicas.clone(),
        states: states.clone(),
        metadata: metadata.clone(),
        clock: world.clock.clone(),
        settings: ShareGroupSettings::of(&config.shares),
    })
}

/// Runs their timers, and prunes the coordinator's topic.
pub(super) fn run(
    config: &BrokerConfig,
    states: &Arc<ShareStates>,
    shares: &Arc<ShareManager>,
    replicas: &Arc<ReplicaManager>,
    cancelled: &CancellationToken,
) {
    tokio::spawn(states.clone().run_timers(cancelled.clone()));
    tokio::spawn(shares.clone().run_locks(cancelled.clone()));
    let interval_ms = config.shares.state_topic_prune_interval_ms;
    tokio::spawn(states.clone().run_pruning(replicas.clone(), interval_ms, cancelled.clone()));
}
