//! WriteShareGroupState (key 85). Versions 0–0.
//!
//! Keeps what has changed of share-partitions (KIP-932). Brokers ask it of each other.
//! Left out: version 1, in which the leader counts what will not be delivered again (KIP-1226); here leaders do not need
//! the wire for it.

use super::context::RequestContext;
use super::reply::Reply;
use super::share_state::{answer, named, told, Answered, Pending};
use super::Services;
use crate::record::internal::share_state::StateBatch;
use crate::share::state::request::Write;
use futures_util::FutureExt;
use kafka_protocol::messages::write_share_group_state_request::{PartitionData, StateBatch as WireBatch};
use kafka_protocol::messages::write_share_group_state_response::{PartitionResult, WriteStateResult};
use kafka_protocol::messages::{WriteShareGroupStateRequest, WriteShareGroupStateResponse};

/// Asks the coordinator of each share-partition.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: WriteShareGroupStateRequest) -> Reply {
    let ask = |topic_id, asked: &PartitionData| match named(services, &request.group_id, topic_id, asked.partition) {
        Err(error) => std::future::ready(Err(error)).boxed(),
        Ok((name, exists)) => {
            let ask = Write {
                name,
                exists,
                state_epoch: asked.state_epoch,
                leader_epoch: asked.leader_epoch,
                start_offset: asked.start_offset,
                delivery_complete_count: NOT_COUNTED,
                batches: asked.state_batches.iter().map(batch).collect(),
            };
            services.share_states.execute(ask).boxed()
        }
    };
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|asked| (asked.partition, ask(topic.topic_id, asked)));
        (topic.topic_id, partitions.collect())
    });
    let pending: Pending<()> = topics.collect();
    answer(context, pending, encoded)
}

fn encoded(answered: Answered<()>) -> WriteShareGroupStateResponse {
    let partition = |(partition, result): (i32, Result<(), _>)| {
        let (code, message) = told(&result);
        let answer = PartitionResult::default().with_partition(partition).with_error_code(code);
        answer.with_error_message(message)
    };
    let results = answered.into_iter().map(|(topic_id, partitions)| {
        let partitions = partitions.into_iter().map(partition).collect();
        WriteStateResult::default().with_topic_id(topic_id).with_partitions(partitions)
    });
    WriteShareGroupStateResponse::default().with_results(results.collect())
}

/// What version 0 does not say.
const NOT_COUNTED: i32 = -1;

fn batch(batch: &WireBatch) -> StateBatch {
    StateBatch {
        first_offset: batch.first_offset,
        last_offset: batch.last_offset,
        delivery_state: batch.delivery_state,
        delivery_count: batch.delivery_count,
    }
}
