//! Fetch (key 1). Versions 4–18.
//!
//! 5: log start offset. 7: sessions (KIP-227). 9: leader epochs (KIP-320). 11: racks (KIP-392). 12: diverging epochs (KIP-595).
//! 13: topic ids (KIP-516). 15: replica state (KIP-903). 16: leader hints (KIP-951).
//! Left out: followers' fetches and fetching from followers: this node is the only replica of what it holds.

mod answer;
mod quota;
mod request;
pub mod session;

use super::context::RequestContext;
use super::error::ErrorCode;
use super::reply::Reply;
use super::Services;
use crate::ids::Uuid;
use crate::metadata::image::MetadataImage;
use crate::replica::{FetchError, FetchRead, FetchSpec, Isolation, Partition, Watched};
use answer::Answer;
use kafka_protocol::messages::FetchRequest;
use quota::FetchQuota;
use request::{Opened, Source};
use session::{Entry, PartitionKey, Told, NOTHING};
use smallvec::SmallVec;
use std::sync::Arc;

/// Partitions of one parked fetch that need no memory of their own.
const FEW_PARTITIONS: usize = 8;

/// Answers with what is there, or parks the request until there is enough (F1).
pub fn handle(services: &Arc<Services>, context: &RequestContext<'_>, request: FetchRequest) -> Reply {
    let mut limits = Limits::of(services, &request);
    let quota = FetchQuota::of(services, context);
    if let Some(quota) = &quota {
        limits.max_bytes = limits.max_bytes.min(quota.most_at_once);
        limits.min_bytes = limits.min_bytes.min(limits.max_bytes);
    }
    let answer = Answer::new(context, limits.isolation, quota);
    let source = match request::open(services, request, context.version) {
        Opened::Refused(error) => return answer.refused(error),
        Opened::Source(source) => source,
    };
    let image = services.metadata.current();
    let attempt = Attempt::make(services, &image, &source, &limits);
    if limits.max_wait_ms <= 0 || attempt.is_ready(&limits) {
        return answer.send(&image, &source, attempt);
    }
    drop(attempt);
    let services = services.clone();
    let memory = source.memory();
    Reply::later_in(&memory, async move {
        let watched = watch(&services, &services.metadata.current(), &source, limits.isolation);
        let mut waiter = source.take_waiter();
        waiter.wait(watched, limits.min_bytes.unsigned_abs() as usize, limits.max_wait_ms.into()).await;
        source.give_waiter_back(waiter);
        let image = services.metadata.current();
        let attempt = Attempt::make(&services, &image, &source, &limits);
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
    result: Result<FetchRead, Refusal>,
}

impl PartitionRead {
    /// An error, or an epoch that diverges: to be told at once.
    fn is_urgent(&self) -> bool {
        self.result.as_ref().map_or(true, |read| read.diverging_epoch.is_some())
    }

    fn length_bytes(&self) -> usize {
        self.result.as_ref().map_or(0, |read| read.length_bytes)
    }

    /// What the fetcher knows of the partition once it has been told of this; after an error it must be told again.
    fn told(&self) -> Told {
        match &self.result {
            Ok(read) => Told { high_watermark: read.high_watermark, log_start_offset: read.log_start_offset },
            Err(_) => NOTHING,
        }
    }
}

/// One pass over the partitions.
struct Attempt {
    /// What there is to tell: of an incremental session what has changed (F10), and so nothing while it idles.
    reads: Vec<PartitionRead>,
    /// Partitions passed over, told or not.
    partitions: usize,
    bytes: i64,
    urgent: bool,
}

impl Attempt {
    fn make(services: &Services, image: &MetadataImage, source: &Source, limits: &Limits) -> Self {
        let mut attempt = Self { reads: Vec::new(), partitions: 0, bytes: 0, urgent: false };
        let incremental = matches!(source, Source::Incremental(_));
        source.with(|entries| {
            for entry in entries {
                let result = match find(services, image, &entry.key) {
                    Ok(partition) => partition.read(&spec(entry, limits, attempt.bytes)).map_err(Refusal::Partition),
                    Err(error) => Err(Refusal::Topic(error)),
                };
                let read = PartitionRead { key: entry.key.clone(), result };
                attempt.partitions += 1;
                attempt.urgent |= read.is_urgent();
                attempt.bytes += read.length_bytes() as i64;
                let is_known = incremental && read.length_bytes() == 0 && read.told() == entry.told;
                if read.is_urgent() || !is_known {
                    attempt.reads.push(read);
                }
            }
        });
        attempt
    }

    fn is_ready(&self, limits: &Limits) -> bool {
        self.urgent || self.partitions == 0 || self.bytes >= i64::from(limits.min_bytes)
    }
}

/// The partitions to wait for, each with the offset from which its bytes count.
fn watch(
    services: &Services,
    image: &MetadataImage,
    source: &Source,
    isolation: Isolation,
) -> SmallVec<[Watched; FEW_PARTITIONS]> {
    source.with(|entries| {
        let found = entries.filter_map(|entry| {
            let partition = find(services, image, &entry.key).ok()?;
            Some(Watched { partition, from_offset: entry.wanted.fetch_offset, isolation })
        });
        found.collect()
    })
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
