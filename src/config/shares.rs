//! Keys about share groups, typed: the coordinator of their state, and what is delivered.

use super::reader::Reader;

/// Keys of the share coordinator, `share.coordinator.…`, and of share groups, `group.share.…`.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // the fields are the keys of the tables, whose documentation stands there
pub struct ShareSettings {
    pub state_topic_num_partitions: i32,
    pub state_topic_replication_factor: i16,
    pub state_topic_min_isr: i32,
    pub state_topic_segment_bytes: i32,
    pub state_topic_prune_interval_ms: u64,
    pub snapshot_update_records_per_snapshot: u32,
    pub cold_partition_snapshot_interval_ms: i64,
    pub write_timeout_ms: i64,
    /// Lock duration in ms, delivery count, record locks of a partition.
    pub limits: [i64; 3],
    /// The least that a group may set.
    pub min_limits: [i64; 3],
    /// The most that a group may set.
    pub max_limits: [i64; 3],
    pub max_share_sessions: usize,
    /// Session timeout and heartbeat interval of members, ms.
    pub membership: [i32; 2],
    /// The least that a group may set.
    pub min_membership: [i32; 2],
    /// The most that a group may set.
    pub max_membership: [i32; 2],
    pub max_size: usize,
    pub initialize_retry_interval_ms: i64,
}

impl ShareSettings {
    pub(super) fn read(from: &Reader<'_>) -> Self {
        Self {
            state_topic_num_partitions: from.int("share.coordinator.state.topic.num.partitions"),
            state_topic_replication_factor: from.short("share.coordinator.state.topic.replication.factor"),
            state_topic_min_isr: from.int("share.coordinator.state.topic.min.isr"),
            state_topic_segment_bytes: from.int("share.coordinator.state.topic.segment.bytes"),
            state_topic_prune_interval_ms: from.long("share.coordinator.state.topic.prune.interval.ms").unsigned_abs(),
            snapshot_update_records_per_snapshot: from
                .int("share.coordinator.snapshot.update.records.per.snapshot")
                .unsigned_abs(),
            cold_partition_snapshot_interval_ms: from.long("share.coordinator.cold.partition.snapshot.interval.ms"),
            write_timeout_ms: from.long("share.coordinator.write.timeout.ms"),
            limits: [
                from.long("group.share.record.lock.duration.ms"),
                from.long("group.share.delivery.count.limit"),
                from.long("group.share.partition.max.record.locks"),
            ],
            min_limits: [
                from.long("group.share.min.record.lock.duration.ms"),
                from.long("group.share.min.delivery.count.limit"),
                from.long("group.share.min.partition.max.record.locks"),
            ],
            max_limits: [
                from.long("group.share.max.record.lock.duration.ms"),
                from.long("group.share.max.delivery.count.limit"),
                from.long("group.share.max.partition.max.record.locks"),
            ],
            max_share_sessions: from.size("group.share.max.share.sessions"),
            membership: [from.int("group.share.session.timeout.ms"), from.int("group.share.heartbeat.interval.ms")],
            min_membership: [
                from.int("group.share.min.session.timeout.ms"),
                from.int("group.share.min.heartbeat.interval.ms"),
            ],
            max_membership: [
                from.int("group.share.max.session.timeout.ms"),
                from.int("group.share.max.heartbeat.interval.ms"),
            ],
            max_size: from.size("group.share.max.size"),
            initialize_retry_interval_ms: from.long("group.share.initialize.retry.interval.ms"),
        }
    }
}
