//! DeleteRecords (key 21). Versions 0–2.
//!
//! Moves log starts up (KIP-107). With one replica there is no follower to wait for.

use super::context::RequestContext;
use super::error::ErrorCode;
use super::reply::Reply;
use super::Services;
use kafka_protocol::messages::delete_records_response::{DeleteRecordsPartitionResult, DeleteRecordsTopicResult};
use kafka_protocol::messages::{DeleteRecordsRequest, DeleteRecordsResponse};

/// Deletes what lies before the given offsets.
pub async fn handle(services: &Services, context: &RequestContext<'_>, request: DeleteRecordsRequest) -> Reply {
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in &request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for asked in &topic.partitions {
            let answer = DeleteRecordsPartitionResult::default().with_partition_index(asked.partition_index);
            partitions.push(match delete(services, &topic.name, asked.partition_index, asked.offset).await {
                Ok(low_watermark) => answer.with_low_watermark(low_watermark),
                Err(error) => answer.with_low_watermark(-1).with_error_code(error.code()),
            });
        }
        topics.push(DeleteRecordsTopicResult::default().with_name(topic.name.clone()).with_partitions(partitions));
    }
    context.responder.ready(&DeleteRecordsResponse::default().with_topics(topics))
}

async fn delete(services: &Services, topic: &str, index: i32, offset: i64) -> Result<i64, ErrorCode> {
    if services.metadata.current().topic_by_name(topic).is_some_and(|topic| topic.is_internal()) {
        return Err(ErrorCode::InvalidTopicException);
    }
    let partition = services.replicas.partition(topic, index).map_err(|error| ErrorCode::from(&error))?;
    partition.delete_records(offset).await.map_err(|error| ErrorCode::from(&error))
}
