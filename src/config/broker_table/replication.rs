//! Broker keys: replication between brokers.

use super::reasons::{REPLICATION, TIERED};
use super::{accepted, BrokerConfigDef, Scope};
use crate::config::definition::{Check, Kind};

#[rustfmt::skip]
pub(super) const TABLE: &[BrokerConfigDef] = &[
    accepted("follower.fetch.last.tiered.offset.enable", Kind::Boolean, Some("false"),
        Check::Any, Scope::ClusterWide, TIERED),
    accepted("num.replica.fetchers", Kind::Int, Some("1"), Check::AtLeast(1), Scope::ClusterWide,
        "How many connections a follower fetches over from each leader."),
    accepted("replica.fetch.backoff.ms", Kind::Int, Some("1000"), Check::AtLeast(0), Scope::ReadOnly,
        "How long a follower waits after a failed fetch, in milliseconds."),
    accepted("replica.fetch.max.bytes", Kind::Int, Some("1048576"), Check::AtLeast(0), Scope::ReadOnly,
        "The bytes that a follower asks for per partition."),
    accepted("replica.fetch.min.bytes", Kind::Int, Some("1"), Check::Any, Scope::ReadOnly,
        "The bytes that a follower waits for."),
    accepted("replica.fetch.response.max.bytes", Kind::Int, Some("10485760"), Check::AtLeast(0), Scope::ReadOnly,
        "The bytes that a follower asks for in one fetch."),
    accepted("replica.fetch.wait.max.ms", Kind::Int, Some("500"), Check::Any, Scope::ReadOnly,
        "How long a follower's fetch may wait, in milliseconds."),
    accepted("replica.high.watermark.checkpoint.interval.ms", Kind::Long, Some("5000"), Check::Any, Scope::ReadOnly,
        "How often high watermarks are written to disk, in milliseconds."),
    accepted("replica.lag.time.max.ms", Kind::Long, Some("30000"), Check::Any, Scope::ReadOnly,
        REPLICATION),
    accepted("replica.selector.class", Kind::String, None, Check::Any, Scope::ReadOnly, REPLICATION),
    accepted("replica.socket.receive.buffer.bytes", Kind::Int, Some("65536"), Check::Any, Scope::ReadOnly,
        REPLICATION),
    accepted("replica.socket.timeout.ms", Kind::Int, Some("30000"), Check::Any, Scope::ReadOnly,
        REPLICATION),
    accepted("replication.quota.window.num", Kind::Int, Some("11"), Check::AtLeast(1), Scope::ReadOnly,
        REPLICATION),
    accepted("replication.quota.window.size.seconds", Kind::Int, Some("1"), Check::AtLeast(1), Scope::ReadOnly,
        REPLICATION),
];
