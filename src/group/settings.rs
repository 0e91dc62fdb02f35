//! What the operator may set, and the bounds that nobody may.

use super::consumer::Assignor;
use crate::ids::NodeId;
use crate::metadata::image::MetadataImage;

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

/// Which way groups may go from one protocol to the other while they have members (`group.consumer.migration.policy`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MigrationPolicy {
    /// Both ways.
    #[default]
    Bidirectional,
    /// To the consumer protocol.
    Upgrade,
    /// To the classic protocol.
    Downgrade,
    /// None.
    Disabled,
}

impl MigrationPolicy {
    /// The policy of that name, in any case.
    pub fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "bidirectional" => Some(Self::Bidirectional),
            "upgrade" => Some(Self::Upgrade),
            "downgrade" => Some(Self::Downgrade),
            "disabled" => Some(Self::Disabled),
            _ => None,
        }
    }

    /// Whether a classic group with members may become a consumer group.
    pub fn allows_upgrade(self) -> bool {
        matches!(self, Self::Bidirectional | Self::Upgrade)
    }

    /// Whether a consumer group with members may become a classic group.
    pub fn allows_downgrade(self) -> bool {
        matches!(self, Self::Bidirectional | Self::Downgrade)
    }
}

/// What is set for all consumer groups and may be set for one.
#[allow(clippy::struct_field_names, reason = "the unit belongs in the name")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupConfig {
    /// `consumer.session.timeout.ms`.
    pub session_timeout_ms: i32,
    /// `consumer.heartbeat.interval.ms`.
    pub heartbeat_interval_ms: i32,
    /// `consumer.assignment.interval.ms`.
    pub assignment_interval_ms: i64,
}

/// The settings of consumer groups: `group.consumer.…`.
#[derive(Clone, Debug)]
pub struct ConsumerSettings {
    /// This broker, whose own dynamic settings count.
    pub node_id: NodeId,
    /// For groups that have no settings of their own.
    pub defaults: GroupConfig,
    /// The least that a group may set.
    pub min: GroupConfig,
    /// The most that a group may set.
    pub max: GroupConfig,
    /// `max.size`, members; at most [`MAX_GROUP_MEMBERS`] count.
    pub max_size: usize,
    /// `assignors`, the default first.
    pub assignors: Vec<Assignor>,
    /// `migration.policy`.
    pub migration: MigrationPolicy,
    /// `regex.refresh.interval.ms`.
    pub regex_refresh_interval_ms: i64,
}

impl Default for ConsumerSettings {
    fn default() -> Self {
        let of = |session_timeout_ms, heartbeat_interval_ms, assignment_interval_ms| GroupConfig {
            session_timeout_ms,
            heartbeat_interval_ms,
            assignment_interval_ms,
        };
        Self {
            node_id: 0,
            defaults: of(45_000, 5_000, 1_000),
            min: of(45_000, 5_000, 0),
            max: of(60_000, 15_000, 15_000),
            max_size: MAX_GROUP_MEMBERS,
            assignors: vec![Assignor::Uniform, Assignor::Range],
            migration: MigrationPolicy::Bidirectional,
            regex_refresh_interval_ms: 600_000,
        }
    }
}

impl ConsumerSettings {
    /// What holds for a group by its own settings, else by the broker's dynamic ones. What lies outside of the bounds is
    /// moved to the nearest.
    pub fn of_group(&self, image: &MetadataImage, group: &str) -> GroupConfig {
        let own = image.group_config(group);
        let set = |key: &str| own.get(key).and_then(|value| value.parse::<i32>().ok());
        let dynamic = |broker| image.broker_config(broker).get("group.consumer.assignment.interval.ms").cloned();
        let dynamic_ms = || dynamic(Some(self.node_id)).or_else(|| dynamic(None))?.parse::<i32>().ok();
        let (default, min, max) = (&self.defaults, &self.min, &self.max);
        let within = |key, default: i32, min: i32, max: i32| set(key).map_or(default, |ms| ms.clamp(min, max.max(min)));
        let interval_ms = set("consumer.assignment.interval.ms").or_else(dynamic_ms).map(i64::from);
        GroupConfig {
            session_timeout_ms: within(
                "consumer.session.timeout.ms",
                default.session_timeout_ms,
                min.session_timeout_ms,
                max.session_timeout_ms,
            ),
            heartbeat_interval_ms: within(
                "consumer.heartbeat.interval.ms",
                default.heartbeat_interval_ms,
                min.heartbeat_interval_ms,
                max.heartbeat_interval_ms,
            ),
            assignment_interval_ms: interval_ms.map_or(default.assignment_interval_ms, |ms| {
                ms.clamp(min.assignment_interval_ms, max.assignment_interval_ms.max(min.assignment_interval_ms))
            }),
        }
    }
}

/// What is set for all share groups and may be set for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShareGroupConfig {
    /// `share.session.timeout.ms`.
    pub session_timeout_ms: i32,
    /// `share.heartbeat.interval.ms`.
    pub heartbeat_interval_ms: i32,
}

/// The settings of share groups' membership: `group.share.…`.
#[derive(Clone, Debug)]
pub struct ShareSettings {
    /// For groups that have no settings of their own.
    pub defaults: ShareGroupConfig,
    /// The least that a group may set.
    pub min: ShareGroupConfig,
    /// The most that a group may set.
    pub max: ShareGroupConfig,
    /// `max.size`, members.
    pub max_size: usize,
    /// `initialize.retry.interval.ms`.
    pub initialize_retry_ms: i64,
}

impl Default for ShareSettings {
    fn default() -> Self {
        let of =
            |session_timeout_ms, heartbeat_interval_ms| ShareGroupConfig { session_timeout_ms, heartbeat_interval_ms };
        Self {
            defaults: of(45_000, 5_000),
            min: of(45_000, 5_000),
            max: of(60_000, 15_000),
            max_size: 200,
            initialize_retry_ms: 30_000,
        }
    }
}

impl ShareSettings {
    /// What holds for a group. What lies outside of the bounds is moved to the nearest.
    pub fn of_group(&self, image: &MetadataImage, group: &str) -> ShareGroupConfig {
        let own = image.group_config(group);
        let within = |key: &str, default: i32, min: i32, max: i32| {
            let set = own.get(key).and_then(|value| value.parse::<i32>().ok());
            set.map_or(default, |ms| ms.clamp(min, max.max(min)))
        };
        let (default, min, max) = (&self.defaults, &self.min, &self.max);
        ShareGroupConfig {
            session_timeout_ms: within(
                "share.session.timeout.ms",
                default.session_timeout_ms,
                min.session_timeout_ms,
                max.session_timeout_ms,
            ),
            heartbeat_interval_ms: within(
                "share.heartbeat.interval.ms",
                default.heartbeat_interval_ms,
                min.heartbeat_interval_ms,
                max.heartbeat_interval_ms,
            ),
        }
    }
}

/// The settings of groups and offsets.
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
    /// Consumer groups.
    pub consumer: ConsumerSettings,
    /// Share groups.
    pub share: ShareSettings,
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
            consumer: ConsumerSettings::default(),
            share: ShareSettings::default(),
        }
    }
}

impl Settings {
    /// How many members a group may have.
    pub fn effective_max_size(&self) -> usize {
        self.max_size.min(MAX_GROUP_MEMBERS)
    }
}
