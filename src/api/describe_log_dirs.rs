//! DescribeLogDirs (key 35). Versions 1–4.
//!
//! 3: a top-level error. 4: the room on each volume (KIP-827).
//! Left out: version 5 (cordoned directories), and future replicas: partitions do not move between directories yet.

use super::context::RequestContext;
use super::error::ErrorCode;
use super::reply::Reply;
use super::Services;
use kafka_protocol::messages::describe_log_dirs_response::{
    DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic,
};
use kafka_protocol::messages::{DescribeLogDirsRequest, DescribeLogDirsResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use std::collections::{BTreeMap, BTreeSet};

/// Answers with the size of each partition in each log directory.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: DescribeLogDirsRequest) -> Reply {
    let wanted: Option<BTreeSet<(&str, i32)>> = request.topics.as_ref().map(|topics| {
        topics.iter().flat_map(|topic| topic.partitions.iter().map(|index| (topic.topic.as_str(), *index))).collect()
    });
    let results = services.replicas.log_dirs().into_iter().map(|dir| {
        let mut topics: BTreeMap<String, Vec<DescribeLogDirsPartition>> = BTreeMap::new();
        for (partition, size_bytes, lag) in &dir.partitions {
            let name = (&*partition.topic, partition.partition);
            if wanted.as_ref().is_none_or(|wanted| wanted.contains(&name)) {
                let answer = DescribeLogDirsPartition::default()
                    .with_partition_index(partition.partition)
                    .with_partition_size(*size_bytes as i64)
                    .with_offset_lag(*lag)
                    .with_is_future_key(false);
                topics.entry(name.0.to_owned()).or_default().push(answer);
            }
        }
        let topics = topics.into_iter().map(|(name, partitions)| {
            DescribeLogDirsTopic::default()
                .with_name(TopicName(StrBytes::from_string(name)))
                .with_partitions(partitions)
        });
        let error = if dir.online { ErrorCode::None } else { ErrorCode::KafkaStorageError };
        let mut answer = DescribeLogDirsResult::default()
            .with_error_code(error.code())
            .with_log_dir(StrBytes::from_string(dir.path.display().to_string()))
            .with_topics(topics.collect());
        if context.version >= 4 {
            let (total, usable) =
                dir.space.map_or((-1, -1), |space| (space.total_bytes as i64, space.usable_bytes as i64));
            answer.total_bytes = total;
            answer.usable_bytes = usable;
        }
        answer
    });
    context.responder.ready(&DescribeLogDirsResponse::default().with_results(results.collect()))
}
