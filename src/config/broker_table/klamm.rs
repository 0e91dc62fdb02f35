//! Broker keys that Kafka does not have: validation, observability, and the bounds of Klamm's queues and caches.

use super::{honoured, BrokerConfigDef, Scope};
use crate::config::definition::{Check, Kind};

/// How Produce validates compressed batches.
pub const PRODUCE_VALIDATIONS: &[&str] = &["records", "header"];

#[rustfmt::skip]
pub(super) const TABLE: &[BrokerConfigDef] = &[
    honoured("klamm.data.threads", Kind::Int, Some("0"), Check::Between(0, 1_024), Scope::ReadOnly,
        "The threads that serve connections; 0 is one per processor."),
    honoured("klamm.http.listener", Kind::String, Some("127.0.0.1:9404"), Check::Any, Scope::ReadOnly,
        "Where /metrics and /healthz are served, as host:port; empty serves them nowhere. They need no password, so \
         only this machine reaches them unless another address is given."),
    honoured("klamm.log.filter", Kind::String, Some("info"), Check::Any, Scope::ReadOnly,
        "What is logged: a level, or target=level pairs separated by commas."),
    honoured("klamm.open.segment.files.max", Kind::Int, Some("1024"), Check::Between(16, 1_048_576), Scope::ReadOnly,
        "The most segment files that stay open at a time."),
    honoured("klamm.parked.replies.max", Kind::Int, Some("100000"), Check::AtLeast(1), Scope::ReadOnly,
        "The most replies that wait for replication, bytes or group members at a time."),
    honoured("klamm.produce.validation", Kind::String, Some("records"), Check::OneOf(PRODUCE_VALIDATIONS), Scope::ReadOnly,
        "Whether compressed batches are decompressed and checked record by record, as Kafka does (`records`), or their \
         header is trusted (`header`)."),
    honoured("klamm.producer.ids.per.partition.max", Kind::Int, Some("10000"), Check::AtLeast(1), Scope::ReadOnly,
        "The most idempotent producers whose sequence state a partition remembers; the longest idle goes first."),
    honoured("klamm.requests.in.processing.max.bytes", Kind::Long, Some("268435456"), Check::AtLeast(1_048_576), Scope::ReadOnly,
        "The most bytes of large requests that are in memory at a time; further ones wait."),
    honoured("klamm.tail.cache.bytes", Kind::Long, Some("67108864"), Check::AtLeast(0), Scope::ReadOnly,
        "The most bytes of lately appended batches that are kept in memory for consumers at the end of their logs."),
];
