//! ReadShareGroupState (key 84). Versions 0–0.
//!
//! All there is to know of share-partitions, for the leader of each: older leaders are fenced from then on (KIP-932).
//! Brokers ask it of each other.

use super::context::RequestContext;
use super::reply::Reply;
use super::share_state::{answer, named, told, Answered, Pending};
use super::Services;
use crate::record::internal::share_state::StateBatch;
use crate::share::state::request::{Known, Read};
use futures_util::FutureExt;
use kafka_protocol::messages::read_share_group_state_request::PartitionData;
use kafka_protocol::messages::read_share_group_state_response::StateBatch as WireBatch;
use kafka_protocol::messages::read_share_group_state_response::{PartitionResult, ReadStateResult};
use kafka_protocol::messages::{ReadShareGroupStateRequest, ReadShareGroupStateResponse};

/// Asks the coordinator of each share-partition.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: ReadShareGroupStateRequest) -> Reply {
    let ask = |topic_id, asked: &PartitionData| match named(services, &request.group_id, topic_id, asked.partition) {
        Err(error) => std::future::ready(Err(error)).boxed(),
        Ok((name, exists)) => {
            let ask = Read { name, exists, leader_epoch: asked.leader_epoch };
            services.share_states.execute(ask).boxed()
        }
    };
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|asked| (asked.partition, ask(topic.topic_id, asked)));
        (topic.topic_id, partitions.collect())
    });
    let pending: Pending<Known> = topics.collect();
    answer(context, pending, encoded)
}

fn encoded(answered: Answered<Known>) -> ReadShareGroupStateResponse {
    let partition = |(partition, result): (i32, Result<Known, _>)| {
        let (code, message) = told(&result);
        let answer = PartitionResult::default().with_partition(partition).with_error_code(code);
        match result {
            Err(_) => answer.with_error_message(message),
            Ok(known) => answer
                .with_state_epoch(known.state_epoch)
                .with_start_offset(known.start_offset)
                .with_state_batches(known.batches.iter().map(batch).collect()),
        }
    };
    let results = answered.into_iter().map(|(topic_id, partitions)| {
        let partitions = partitions.into_iter().map(partition).collect();
        ReadStateResult::default().with_topic_id(topic_id).with_partitions(partitions)
    });
    ReadShareGroupStateResponse::default().with_results(results.collect())
}

fn batch(batch: &StateBatch) -> WireBatch {
    WireBatch::default()
        .with_first_offset(batch.first_offset)
        .with_last_offset(batch.last_offset)
        .with_delivery_state(batch.delivery_state)
        .with_delivery_count(batch.delivery_count)
}
