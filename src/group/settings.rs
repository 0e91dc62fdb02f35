//! What the operator may set, and the bounds that nobody may.

/// A group's members never exceed this, whatever `group.max.size` says: its record could not be stored. Members.
pub const MAX_GROUP_MEMBERS: usize = 10_000;
/// Dynamic members of one group that were given an id and have not come back with it. Members.
pub const MAX_PENDING_MEMBERS: usize = 10_000;
/// All protocols of one member together: more could never be stored in one record. Bytes.
pub const MAX_MEMBER_METADATA_BYTES: usize = 1 << 20;
/// All protocols of all members of one group together. Bytes.
pub const MAX_GROUP_METADATA_BYTES: usize = 64 << 20;
/// Groups in one shard; a group beyond it is refused. Groups.
pub const MAX_SHARD_GROUPS: usize = 1_000_000;
/// Tombstones written by one round of the offsets' expiry; what is left goes in a next round. Records.
pub const MAX_EXPIRED_PER_ROUND: usize = 4_000;
/// A new member whose JoinGroup stays parked this long is dropped, as in Kafka. Milliseconds.
pub const NEW_MEMBER_JOIN_TIMEOUT_MS: i32 = 5 * 60 * 1000;

/// The settings of classic groups and offsets.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `group.min.session.timeout.ms`.
    pub min_session_timeout_ms: i32,
    /// `group.max.session.timeout.ms`.
    pub max_session_timeout_ms: i32,
    /// `group.initial.rebalance.delay.ms`.
    pub initial_rebalance_delay_ms: i32,
    /// `group.max.size`, members; at most [`MAX_GROUP_MEMBERS`] count.
    pub max_size: usize,
    /// `offsets.retention.minutes`, in milliseconds.
    pub offsets_retention_ms: i64,
    /// `offsets.retention.check.interval.ms`.
    pub offsets_retention_check_interval_ms: i64,
    /// `offset.metadata.max.bytes`; Kafka counts UTF-16 units, and so do we.
    pub offset_metadata_max_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            min_session_timeout_ms: 6_000,
            max_session_timeout_ms: 1_800_000,
            initial_rebalance_delay_ms: 3_000,
            max_size: MAX_GROUP_MEMBERS,
            offsets_retention_ms: 7 * 24 * 3_600_000,
            offsets_retention_check_interval_ms: 600_000,
            offset_metadata_max_bytes: 4_096,
        }
    }
}

impl Settings {
    /// How many members a group may have.
    pub fn effective_max_size(&self) -> usize {
        self.max_size.min(MAX_GROUP_MEMBERS)
    }
}
