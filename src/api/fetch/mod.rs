//! Fetch (key 1). Versions 4–18.
//!
//! 5: log start offset. 7: sessions (KIP-227). 9: leader epochs (KIP-320). 11: racks (KIP-392). 12: diverging epochs (KIP-595).
//! 13: topic ids (KIP-516). 15: replica state (KIP-903). 16: leader hints (KIP-951).
//! Left out: followers' fetches and fetching from followers: this node is the only replica of what it holds.

mod answer;
mod request;
pub mod session;

use super::context::RequestContext;
use super::error::ErrorCode;
use super::reply::Reply;
use super::Services;
use crate::ids::Uuid;
use crate::metadata::image::MetadataImage;
use crate::replica::{wait_for_bytes, FetchError, FetchRead, FetchSpec, Isolation, Partition, Watched};
use answer::Answer;
use kafka_protocol::messages::FetchRequest;
use request::Opened;
use session::{Entry, PartitionKey};
use std::sync::Arc;

/// Answers with what is there, or parks the request until there is enough (F1).
pub fn handle(services: &Arc<Services>, context: &RequestContext<'_>, request: FetchRequest) -> Reply {
    let limits = Limits::of(services, &request);
    let answer = Answer::new(context, limits.isolation);
    let source = match request::open(services, request, context.version) {
        Opened::Refused(error) => return answer.refused(error),
        Opened::Source(source) => source,
    };
    let image = services.metadata.current();
    let attempt = source.with(|entries| Attempt::make(services, &image, entries, &limits));
    if limits.max_wait_ms <= 0 || attempt.is_ready(&limits) {
        return answer.send(&image, &source, attempt);
    }
    let services = services.clone();
    Reply::later(async move {
        let watched = attempt.watched(limits.isolation);
        drop(attempt);
        wait_for_bytes(watched, limits.min_bytes.unsigned_abs() as usize, limits.max_wait_ms.into()).await;
        let image = services.metadata.current();
        let attempt = source.with(|entries| Attempt::make(&services, &image, entries, &limits));
        answer.send(&image, &source, attempt)
    })
}

/// How much an answer may hold and how long it may take.
#[derive(Clone, Copy)]
struct Limits {
    max_wait_ms: i32,
    min_bytes: i32,
    max_bytes: i32,
    isolation: Isolation,
}

impl Limits {
    /// F2: the broker's bound counts as well, and no fetch waits for more than it may return.
    fn of(services: &Services, request: &FetchRequest) -> Self {
        let max_bytes = request.max_bytes.min(services.config.topics.fetch_max_bytes).max(0);
        Self {
            max_wait_ms: request.max_wait_ms,
            min_bytes: request.min_bytes.min(max_bytes).max(0),
            max_bytes,
            isolation: if request.isolation_level == 1 { Isolation::ReadCommitted } else { Isolation::ReadUncommitted },
        }
    }
}

/// Why a partition has no answer but an error.
enum Refusal {
    /// The topic cannot be found as it was named.
    Topic(ErrorCode),
    /// The partition says no.
    Partition(FetchError),
}

/// What one partition gave.
struct PartitionRead {
    key: PartitionKey,
    /// Found, unless the topic or the partition was not.
    partition: Option<Arc<Partition>>,
    fetch_offset: i64,
    result: Result<FetchRead, Refusal>,
}

/// One pass over the partitions.
struct Attempt {
    reads: Vec<PartitionRead>,
    bytes: i64,
    /// An error, or an epoch that diverges: to be told at once.
    urgent: bool,
}

impl Attempt {
    fn make<'a>(
        services: &Services,
        image: &MetadataImage,
        entries: impl Iterator<Item = &'a Entry>,
        limits: &Limits,
    ) -> Self {
        let mut attempt = Self { reads: Vec::new(), bytes: 0, urgent: false };
        for entry in entries {
            let found = find(services, image, &entry.key);
            let result = match &found {
                Ok(partition) => partition.read(&spec(entry, limits, attempt.bytes)).map_err(Refusal::Partition),
                Err(error) => Err(Refusal::Topic(*error)),
            };
            attempt.urgent |= result.as_ref().map_or(true, |read| read.diverging_epoch.is_some());
            attempt.bytes += result.as_ref().map_or(0, |read| read.length_bytes as i64);
            let (key, fetch_offset) = (entry.key.clone(), entry.wanted.fetch_offset);
            attempt.reads.push(PartitionRead { key, partition: found.ok(), fetch_offset, result });
        }
        attempt
    }

    fn is_ready(&self, limits: &Limits) -> bool {
        self.urgent || self.reads.is_empty() || self.bytes >= i64::from(limits.min_bytes)
    }

    /// The partitions to wait for, each with the offset from which its bytes count.
    fn watched(&self, isolation: Isolation) -> Vec<Watched> {
        let reads = self.reads.iter();
        reads
            .filter_map(|read| {
                let partition = read.partition.clone()?;
                Some(Watched { partition, from_offset: read.fetch_offset, isolation })
            })
            .collect()
    }
}

/// F3: the first partition with data may exceed every limit by one batch; the others share what is left.
fn spec(entry: &Entry, limits: &Limits, read_bytes: i64) -> FetchSpec {
    let left = (i64::from(limits.max_bytes) - read_bytes).max(0);
    FetchSpec {
        offset: entry.wanted.fetch_offset,
        max_bytes: i64::from(entry.wanted.max_bytes.max(0)).min(left) as usize,
        min_one_batch: read_bytes == 0,
        isolation: limits.isolation,
        current_leader_epoch: entry.wanted.current_leader_epoch,
        last_fetched_epoch: entry.wanted.last_fetched_epoch,
        cursor: entry.cursor,
    }
}

/// F8: the partition that a key names.
fn find(services: &Services, image: &MetadataImage, key: &PartitionKey) -> Result<Arc<Partition>, ErrorCode> {
    let topic = if key.topic_id.is_nil() {
        image.topic_by_name(&key.topic).ok_or(ErrorCode::UnknownTopicOrPartition)?
    } else {
        image.topic_by_id(&key.topic_id).ok_or(ErrorCode::UnknownTopicId)?
    };
    services.replicas.partition(&topic.name, key.partition).map_err(|error| ErrorCode::from(&error))
}
