//! DeleteShareGroupState (key 86). Versions 0–0.
//!
//! Forgets share-partitions (KIP-932). Brokers ask it of each other.

use super::context::RequestContext;
use super::reply::Reply;
use super::share_state::{answer, named, told, Answered, Pending};
use super::Services;
use crate::share::state::request::Delete;
use futures_util::FutureExt;
use kafka_protocol::messages::delete_share_group_state_request::PartitionData;
use kafka_protocol::messages::delete_share_group_state_response::{DeleteStateResult, PartitionResult};
use kafka_protocol::messages::{DeleteShareGroupStateRequest, DeleteShareGroupStateResponse};

/// Asks the coordinator of each share-partition.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: DeleteShareGroupStateRequest) -> Reply {
    let ask = |topic_id, asked: &PartitionData| match named(services, &request.group_id, topic_id, asked.partition) {
        Err(error) => std::future::ready(Err(error)).boxed(),
        Ok((name, exists)) => {
            let ask = Delete { name, exists };
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

fn encoded(answered: Answered<()>) -> DeleteShareGroupStateResponse {
    let partition = |(partition, result): (i32, Result<(), _>)| {
        let (code, message) = told(&result);
        let answer = PartitionResult::default().with_partition(partition).with_error_code(code);
        answer.with_error_message(message)
    };
    let results = answered.into_iter().map(|(topic_id, partitions)| {
        let partitions = partitions.into_iter().map(partition).collect();
        DeleteStateResult::default().with_topic_id(topic_id).with_partitions(partitions)
    });
    DeleteShareGroupStateResponse::default().with_results(results.collect())
}
