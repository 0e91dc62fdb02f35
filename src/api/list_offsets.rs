//! ListOffsets (key 2). Versions 1–10.
//!
//! 2: isolation levels (KIP-98). 4: leader epochs (KIP-320). 7: the largest timestamp (KIP-734). 8: the local log start
//! (KIP-405). 9: the last tiered offset (KIP-1005). 10: a timeout for tiered look-ups (KIP-1075), of which there are none.
//! Left out: version 11 (the first offset not yet tiered).

use super::context::RequestContext;
use super::error::ErrorCode;
use super::reply::Reply;
use super::Services;
use crate::replica::{Isolation, ListSpec, ListedOffset};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse};
use kafka_protocol::messages::{ListOffsetsRequest, ListOffsetsResponse};
use std::collections::BTreeSet;

/// Finds offsets by time or by their special names.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: ListOffsetsRequest) -> Reply {
    let twice = repeated(&request.topics);
    let committed = context.version >= 2 && request.isolation_level == 1;
    let isolation = if committed { Isolation::ReadCommitted } else { Isolation::ReadUncommitted };
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            let result = if twice.contains(&(topic.name.as_str(), partition.partition_index)) {
                Err(ErrorCode::InvalidRequest)
            } else {
                find(services, &topic.name, partition, isolation, context.version)
            };
            encoded(partition.partition_index, result, context.version)
        });
        ListOffsetsTopicResponse::default().with_name(topic.name.clone()).with_partitions(partitions.collect())
    });
    context.responder.ready(&ListOffsetsResponse::default().with_topics(topics.collect()))
}

/// L1: partitions that are asked for more than once.
fn repeated(topics: &[ListOffsetsTopic]) -> BTreeSet<(&str, i32)> {
    let mut seen = BTreeSet::new();
    let all = topics.iter().flat_map(|topic| topic.partitions.iter().map(|p| (topic.name.as_str(), p.partition_index)));
    all.filter(|partition| !seen.insert(*partition)).collect()
}

/// L1: what a timestamp asks for, in a version that has it.
fn query(timestamp: i64, version: i16) -> Option<ListSpec> {
    let spec = ListSpec::from_timestamp(timestamp)?;
    let since = match spec {
        ListSpec::Latest | ListSpec::Earliest | ListSpec::At(_) => 1,
        ListSpec::MaxTimestamp => 7,
        ListSpec::EarliestLocal => 8,
        ListSpec::LatestTiered => 9,
        ListSpec::EarliestPendingUpload => 11,
    };
    (version >= since).then_some(spec)
}

fn find(
    services: &Services,
    topic: &str,
    asked: &ListOffsetsPartition,
    isolation: Isolation,
    version: i16,
) -> Result<ListedOffset, ErrorCode> {
    let query = query(asked.timestamp, version).ok_or(ErrorCode::UnsupportedVersion)?;
    let partition =
        services.replicas.partition(topic, asked.partition_index).map_err(|error| ErrorCode::from(&error))?;
    let epoch = if version >= 4 { asked.current_leader_epoch } else { -1 };
    partition.list_offset(query, isolation, epoch).map_err(|error| ErrorCode::from(&error))
}

fn encoded(index: i32, result: Result<ListedOffset, ErrorCode>, version: i16) -> ListOffsetsPartitionResponse {
    let mut answer = ListOffsetsPartitionResponse::default().with_partition_index(index);
    match result {
        Ok(found) => {
            answer.timestamp = found.timestamp;
            answer.offset = found.offset;
            if version >= 4 {
                answer.leader_epoch = found.leader_epoch;
            }
        }
        Err(error) => {
            answer.error_code = error.code();
            answer.timestamp = -1;
            answer.offset = -1;
        }
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l1_special_timestamps_need_their_version() {
        for (timestamp, since) in [(-1, 1), (-2, 1), (-3, 7), (-4, 8), (-5, 9), (0, 1), (5, 1)] {
            assert!(query(timestamp, since).is_some(), "{timestamp} in {since}");
            assert!(query(timestamp, since - 1).is_none(), "{timestamp} before {since}");
        }
        assert!(query(-6, 10).is_none() && query(i64::MIN, 10).is_none());
    }
}
