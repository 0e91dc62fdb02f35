//! The group coordinator: the runtime over shards of groups.

use super::runtime::{Runtime, RuntimeSettings};
use crate::config::broker::BrokerConfig;
use crate::group::request::{Ask, Client, ListGroups, ListedGroup};
use crate::group::{Assignor, ConsumerSettings, Event, GroupConfig, GroupError, MigrationPolicy};
use crate::group::{Request, Settings, Shard, ShareGroupConfig, ShareSettings};
use crate::ids::Uuid;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

/// The groups that one broker coordinates.
pub type Groups = Runtime<Shard>;

impl RuntimeSettings<Settings> {
    /// What a broker's configuration says.
    pub fn of_groups(config: &BrokerConfig) -> Self {
        let groups = &config.groups;
        let machine = Settings {
            min_session_timeout_ms: groups.group_min_session_timeout_ms,
            max_session_timeout_ms: groups.group_max_session_timeout_ms,
            initial_rebalance_delay_ms: groups.group_initial_rebalance_delay_ms,
            max_size: groups.group_max_size,
            offsets_retention_ms: i64::from(groups.offsets_retention_minutes) * 60_000,
            offsets_retention_check_interval_ms: groups.offsets_retention_check_interval_ms,
            offset_metadata_max_bytes: usize::try_from(groups.offset_metadata_max_bytes).unwrap_or(0),
            consumer: consumer_settings(config),
            share: share_settings(config),
        };
        let topic = config.topic_config(&BTreeMap::new());
        let max_batch_bytes = topic.max_message_bytes.min(groups.offsets_topic_segment_bytes);
        Self {
            machine,
            partitions: groups.offsets_topic_num_partitions,
            max_batch_bytes: usize::try_from(max_batch_bytes).unwrap_or(0),
            max_parked_replies: config.klamm.parked_replies_max,
            commit_timeout_ms: i64::from(groups.offsets_commit_timeout_ms),
        }
    }
}

fn share_settings(config: &BrokerConfig) -> ShareSettings {
    let of = |[session_timeout_ms, heartbeat_interval_ms]: [i32; 2]| ShareGroupConfig {
        session_timeout_ms,
        heartbeat_interval_ms,
    };
    let shares = &config.shares;
    ShareSettings {
        defaults: of(shares.membership),
        min: of(shares.min_membership),
        max: of(shares.max_membership),
        max_size: shares.max_size,
        initialize_retry_ms: shares.initialize_retry_interval_ms,
    }
}

fn consumer_settings(config: &BrokerConfig) -> ConsumerSettings {
    let of = &config.groups.consumer;
    let bounds = |session_timeout_ms, heartbeat_interval_ms, assignment_interval_ms| GroupConfig {
        session_timeout_ms,
        heartbeat_interval_ms,
        assignment_interval_ms: i64::from(assignment_interval_ms),
    };
    ConsumerSettings {
        node_id: config.node_id,
        defaults: bounds(of.session_timeout_ms, of.heartbeat_interval_ms, of.assignment_interval_ms),
        min: bounds(of.min_session_timeout_ms, of.min_heartbeat_interval_ms, of.min_assignment_interval_ms),
        max: bounds(of.max_session_timeout_ms, of.max_heartbeat_interval_ms, of.max_assignment_interval_ms),
        max_size: of.max_size,
        assignors: of.assignors.iter().filter_map(|name| Assignor::named(name)).collect(),
        migration: MigrationPolicy::named(&of.migration_policy).unwrap_or_default(),
        regex_refresh_interval_ms: i64::from(of.regex_refresh_interval_ms),
    }
}

impl Groups {
    /// Asks the group's shard, on behalf of `client`. The step, and the append of its records, are done when this returns;
    /// the future is the wait for other members and for replication, and may be dropped. One that is already answered is
    /// ready at its first poll.
    pub fn execute<A: Ask<Shard>>(
        self: &Arc<Self>,
        client: Client,
        ask: A,
    ) -> impl Future<Output = Result<A::Reply, GroupError>> + Send + 'static {
        let begun = self.begin(ask, |caller, ask| {
            let request: Request = ask.into();
            let draws = match &request {
                Request::JoinGroup(join) => join.member_id.is_empty(),
                Request::ConsumerGroupHeartbeat(beat) => beat.member_id.is_empty(),
                _ => false,
            };
            let fresh_id = if draws { self.rng.uuid() } else { Uuid::nil() };
            Event::Request { caller, client, fresh_id, request }
        });
        self.answered::<A>(begun)
    }

    /// The groups of every shard here that pass the filter; shards that are not served are left out.
    pub fn list_groups(
        self: &Arc<Self>,
        request: ListGroups,
    ) -> impl Future<Output = Result<Vec<ListedGroup>, GroupError>> + Send + 'static {
        let this = Arc::clone(self);
        async move { this.survey(|shard| shard.list(&request)).await }
    }
}
