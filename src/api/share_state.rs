//! What the APIs of share-group state have in common: names, the metadata's word on them, and one answer a partition.

use super::context::RequestContext;
use super::error::ErrorCode;
use super::reply::Reply;
use super::Services;
use crate::ids::Uuid;
use crate::shard::Text;
use crate::share::state::ShareStateError;
use crate::share::ShareName;
use futures_util::future::BoxFuture;
use kafka_protocol::protocol::{Encodable, HeaderVersion, StrBytes};

/// The answers to come of each topic's partitions.
pub(super) type Pending<T> = Vec<(Uuid, Vec<(i32, BoxFuture<'static, Result<T, ShareStateError>>)>)>;
/// The answers of each topic's partitions.
pub(super) type Answered<T> = Vec<(Uuid, Vec<(i32, Result<T, ShareStateError>)>)>;

/// A share-partition as a request names it, and whether the metadata knows it. Kafka refuses an empty group.
pub(super) fn named(
    services: &Services,
    group: &StrBytes,
    topic_id: Uuid,
    partition: i32,
) -> Result<(ShareName, bool), ShareStateError> {
    if group.is_empty() {
        return Err(ShareStateError::InvalidRequest("Group id must be specified and non-empty."));
    }
    let image = services.metadata.current();
    let exists = image.topic_by_id(&topic_id).is_some_and(|topic| topic.partition(partition).is_some());
    Ok((ShareName::new(Text::from(group.as_str()), topic_id, partition), exists))
}

/// Answers once every partition's answer is there. All have been asked before.
pub(super) fn answer<T, M>(
    context: &RequestContext<'_>,
    pending: Pending<T>,
    encode: impl FnOnce(Answered<T>) -> M + Send + 'static,
) -> Reply
where
    T: Send + 'static,
    M: Encodable + HeaderVersion,
{
    let responder = context.responder.clone();
    Reply::later(async move {
        let mut answered = Vec::with_capacity(pending.len());
        for (topic_id, partitions) in pending {
            let mut results = Vec::with_capacity(partitions.len());
            for (partition, result) in partitions {
                results.push((partition, result.await));
            }
            answered.push((topic_id, results));
        }
        responder.ready(&encode(answered))
    })
}

/// An error's number and words; none for success.
pub(super) fn told<T>(result: &Result<T, ShareStateError>) -> (i16, Option<StrBytes>) {
    match result {
        Ok(_) => (ErrorCode::None.code(), None),
        Err(error) => (ErrorCode::from(*error).code(), Some(StrBytes::from_string(error.to_string()))),
    }
}
