//! The topic settings: Apache Kafka's own, in its names and defaults, and `flush.before.ack`, which is Klamm's.

use super::definition::{Check, Kind};

/// A broker key that gives a topic setting its value where the topic has none of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokerSynonym {
    /// The broker key.
    pub name: &'static str,
    /// What one of its units is worth in units of the topic setting: 3,600,000 for hours against milliseconds.
    pub factor: i64,
}

/// One topic setting.
#[derive(Clone, Copy, Debug)]
pub struct TopicConfigDef {
    /// Kafka's name.
    pub name: &'static str,
    /// The kind of its value.
    pub kind: Kind,
    /// Kafka's default, as text.
    pub default: &'static str,
    /// What its value must satisfy.
    pub check: Check,
    /// The broker keys behind it, the strongest first (K2).
    pub broker_synonyms: &'static [BrokerSynonym],
    /// What it does.
    pub doc: &'static str,
}

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const LONG_MAX: &str = "9223372036854775807";

/// The words of `compression.type`.
pub const COMPRESSION_TYPES: &[&str] = &["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"];
/// The words of `cleanup.policy`.
pub const CLEANUP_POLICIES: &[&str] = &["compact", "delete"];
/// The words of `message.timestamp.type`.
pub const TIMESTAMP_TYPES: &[&str] = &["CreateTime", "LogAppendTime"];

const fn same(name: &'static str) -> BrokerSynonym {
    BrokerSynonym { name, factor: 1 }
}

const fn hours(name: &'static str) -> BrokerSynonym {
    BrokerSynonym { name, factor: HOUR_MS }
}

const fn minutes(name: &'static str) -> BrokerSynonym {
    BrokerSynonym { name, factor: MINUTE_MS }
}

const fn def(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    check: Check,
    broker_synonyms: &'static [BrokerSynonym],
    doc: &'static str,
) -> TopicConfigDef {
    TopicConfigDef { name, kind, default, check, broker_synonyms, doc }
}

/// Every topic setting, by name.
#[rustfmt::skip]
pub const TABLE: &[TopicConfigDef] = &[
    def("cleanup.policy", Kind::List, "delete", Check::ListOf(CLEANUP_POLICIES, true), &[same("log.cleanup.policy")],
        "What happens to old segments: `delete` drops those past the retention time or size, `compact` keeps the last \
         record of each key, both do both, and an empty list keeps everything."),
    def("compression.gzip.level", Kind::Int, "-1", Check::BetweenOr(1, 9, -1), &[same("compression.gzip.level")],
        "The level when compression.type is gzip; -1 is the library's own default."),
    def("compression.lz4.level", Kind::Int, "9", Check::Between(1, 17), &[same("compression.lz4.level")],
        "The level when compression.type is lz4."),
    def("compression.type", Kind::String, "producer", Check::OneOf(COMPRESSION_TYPES), &[same("compression.type")],
        "How batches are stored: `producer` keeps the producer's codec, any other value recompresses to that codec."),
    def("compression.zstd.level", Kind::Int, "3", Check::Between(-131_072, 22), &[same("compression.zstd.level")],
        "The level when compression.type is zstd."),
    def("delete.retention.ms", Kind::Long, "86400000", Check::AtLeast(0), &[same("log.cleaner.delete.retention.ms")],
        "How long a tombstone stays in a compacted topic, in milliseconds."),
    def("file.delete.delay.ms", Kind::Long, "60000", Check::AtLeast(0), &[same("log.segment.delete.delay.ms")],
        "How long a deleted segment's file stays on disk, in milliseconds."),
    def("flush.before.ack", Kind::Boolean, "false", Check::Any, &[],
        "Klamm's own: a replica counts towards the high watermark with its flushed offset, so that nothing is \
         acknowledged (acks=all) or read that a power cut could take back."),
    def("flush.messages", Kind::Long, LONG_MAX, Check::AtLeast(1), &[same("log.flush.interval.messages")],
        "After how many records the log is flushed to disk."),
    def("flush.ms", Kind::Long, LONG_MAX, Check::AtLeast(0),
        &[same("log.flush.interval.ms"), same("log.flush.scheduler.interval.ms")],
        "After how many milliseconds the log is flushed to disk."),
    def("follower.replication.throttled.replicas", Kind::List, "", Check::ThrottledReplicas, &[],
        "Followers whose replication is throttled, as partition:broker, or `*` for all."),
    def("index.interval.bytes", Kind::Int, "4096", Check::AtLeast(0), &[same("log.index.interval.bytes")],
        "How many bytes of records lie between two entries of the offset index."),
    def("leader.replication.throttled.replicas", Kind::List, "", Check::ThrottledReplicas, &[],
        "Leaders whose replication is throttled, as partition:broker, or `*` for all."),
    def("local.retention.bytes", Kind::Long, "-2", Check::AtLeast(-2), &[same("log.local.retention.bytes")],
        "The most bytes of a tiered partition that stay on local disk; -2 means retention.bytes."),
    def("local.retention.ms", Kind::Long, "-2", Check::AtLeast(-2), &[same("log.local.retention.ms")],
        "How long a tiered segment stays on local disk, in milliseconds; -2 means retention.ms."),
    def("max.compaction.lag.ms", Kind::Long, LONG_MAX, Check::AtLeast(1), &[same("log.cleaner.max.compaction.lag.ms")],
        "The longest time that a record stays uncompacted, in milliseconds."),
    def("max.message.bytes", Kind::Int, "1048588", Check::AtLeast(0), &[same("message.max.bytes")],
        "The largest record batch that is accepted, in bytes, as compressed."),
    def("message.timestamp.after.max.ms", Kind::Long, "3600000", Check::AtLeast(0),
        &[same("log.message.timestamp.after.max.ms")],
        "How far a record's timestamp may lie after the broker's clock, in milliseconds."),
    def("message.timestamp.before.max.ms", Kind::Long, LONG_MAX, Check::AtLeast(0),
        &[same("log.message.timestamp.before.max.ms")],
        "How far a record's timestamp may lie before the broker's clock, in milliseconds."),
    def("message.timestamp.type", Kind::String, "CreateTime", Check::OneOf(TIMESTAMP_TYPES),
        &[same("log.message.timestamp.type")],
        "Whether records keep the producer's timestamps or get the broker's on append."),
    def("min.cleanable.dirty.ratio", Kind::Double, "0.5", Check::Real(0.0, 1.0),
        &[same("log.cleaner.min.cleanable.ratio")],
        "The share of uncompacted bytes from which a compacted log is cleaned."),
    def("min.compaction.lag.ms", Kind::Long, "0", Check::AtLeast(0), &[same("log.cleaner.min.compaction.lag.ms")],
        "How long a record stays uncompacted at least, in milliseconds."),
    def("min.insync.replicas", Kind::Int, "1", Check::AtLeast(1), &[same("min.insync.replicas")],
        "How many replicas must be in sync for a write with acks=all; never more than the topic has."),
    def("preallocate", Kind::Boolean, "false", Check::Any, &[same("log.preallocate")],
        "Whether a new segment's file is given its full size at once."),
    def("remote.log.copy.disable", Kind::Boolean, "false", Check::Any, &[],
        "Whether a tiered topic stops copying segments to object storage."),
    def("remote.log.delete.on.disable", Kind::Boolean, "false", Check::Any, &[],
        "Whether switching tiering off deletes what lies in object storage."),
    def("remote.storage.enable", Kind::Boolean, "false", Check::Any, &[],
        "Whether closed segments move to object storage."),
    def("retention.bytes", Kind::Long, "-1", Check::Any, &[same("log.retention.bytes")],
        "The most bytes that a partition keeps under the policy `delete`; -1 is no limit."),
    def("retention.ms", Kind::Long, "604800000", Check::AtLeast(-1),
        &[same("log.retention.ms"), minutes("log.retention.minutes"), hours("log.retention.hours")],
        "How long records are kept under the policy `delete`, in milliseconds; -1 is no limit."),
    def("segment.bytes", Kind::Int, "1073741824", Check::AtLeast(1_048_576), &[same("log.segment.bytes")],
        "The size at which a segment is closed, in bytes. Retention works on whole segments."),
    def("segment.index.bytes", Kind::Int, "10485760", Check::AtLeast(4), &[same("log.index.size.max.bytes")],
        "The size that the offset index of one segment may reach before the segment is closed, in bytes."),
    def("segment.jitter.ms", Kind::Long, "0", Check::AtLeast(0),
        &[same("log.roll.jitter.ms"), hours("log.roll.jitter.hours")],
        "The most by which segment.ms is shortened at random, in milliseconds, so that segments do not close together."),
    def("segment.ms", Kind::Long, "604800000", Check::AtLeast(1), &[same("log.roll.ms"), hours("log.roll.hours")],
        "The age at which a segment is closed, in milliseconds of record time."),
    def("unclean.leader.election.enable", Kind::Boolean, "false", Check::Any, &[same("unclean.leader.election.enable")],
        "Whether a replica that is not in sync may become leader when no other is left, losing records."),
];

/// The setting called `name`.
pub fn definition(name: &str) -> Option<&'static TopicConfigDef> {
    TABLE.binary_search_by(|def| def.name.cmp(name)).ok().map(|at| &TABLE[at])
}
