//! ReadShareGroupStateSummary (key 87). Versions 0–0.
//!
//! How far groups have come with share-partitions (KIP-932). Brokers ask it of each other.
//! Left out: version 1, which counts what will not be delivered again (KIP-1226).

use super::context::RequestContext;
use super::reply::Reply;
use super::share_state::{answer, named, told, Answered, Pending};
use super::Services;
use crate::share::state::request::{Summarize, Summary};
use futures_util::FutureExt;
use kafka_protocol::messages::read_share_group_state_summary_request::PartitionData;
use kafka_protocol::messages::read_share_group_state_summary_response::{PartitionResult, ReadStateSummaryResult};
use kafka_protocol::messages::{ReadShareGroupStateSummaryRequest, ReadShareGroupStateSummaryResponse};

/// Asks the coordinator of each share-partition.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: ReadShareGroupStateSummaryRequest) -> Reply {
    let ask = |topic_id, asked: &PartitionData| match named(services, &request.group_id, topic_id, asked.partition) {
        Err(error) => std::future::ready(Err(error)).boxed(),
        Ok((name, exists)) => {
            let ask = Summarize { name, exists, leader_epoch: asked.leader_epoch };
            services.share_states.execute(ask).boxed()
        }
    };
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|asked| (asked.partition, ask(topic.topic_id, asked)));
        (topic.topic_id, partitions.collect())
    });
    let pending: Pending<Summary> = topics.collect();
    answer(context, pending, encoded)
}

fn encoded(answered: Answered<Summary>) -> ReadShareGroupStateSummaryResponse {
    let partition = |(partition, result): (i32, Result<Summary, _>)| {
        let (code, message) = told(&result);
        let answer = PartitionResult::default().with_partition(partition).with_error_code(code);
        match result {
            Err(_) => answer.with_error_message(message),
            Ok(summary) => answer
                .with_state_epoch(summary.state_epoch)
                .with_leader_epoch(summary.leader_epoch)
                .with_start_offset(summary.start_offset),
        }
    };
    let results = answered.into_iter().map(|(topic_id, partitions)| {
        let partitions = partitions.into_iter().map(partition).collect();
        ReadStateSummaryResult::default().with_topic_id(topic_id).with_partitions(partitions)
    });
    ReadShareGroupStateSummaryResponse::default().with_results(results.collect())
}
