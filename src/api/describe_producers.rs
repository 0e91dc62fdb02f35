//! DescribeProducers (key 61). Versions 0–0. What a partition remembers of its producers, open transactions among it
//! (KIP-664): by it `kafka-transactions.sh` finds transactions that hang.

use super::context::RequestContext;
use super::error::ErrorCode;
use super::reply::Reply;
use super::Services;
use crate::log::Producer;
use kafka_protocol::messages::describe_producers_response::{PartitionResponse, ProducerState, TopicResponse};
use kafka_protocol::messages::{DescribeProducersRequest, DescribeProducersResponse, ProducerId};

/// Describes the producers of each partition that this node leads.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: DescribeProducersRequest) -> Reply {
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partition_indexes.iter().map(|index| {
            let answer = PartitionResponse::default().with_partition_index(*index);
            match producers(services, &topic.name, *index) {
                Ok(producers) => answer.with_active_producers(producers),
                Err(error) => answer.with_error_code(error.code()),
            }
        });
        TopicResponse::default().with_name(topic.name.clone()).with_partitions(partitions.collect())
    });
    context.responder.ready(&DescribeProducersResponse::default().with_topics(topics.collect()))
}

fn producers(services: &Services, topic: &str, index: i32) -> Result<Vec<ProducerState>, ErrorCode> {
    let partition = services.replicas.partition(topic, index).map_err(|error| ErrorCode::from(&error))?;
    let producers = partition.log().producers().map_err(|_| ErrorCode::KafkaStorageError)?;
    Ok(producers.iter().map(|(id, producer)| described(*id, producer)).collect())
}

fn described(id: i64, producer: &Producer) -> ProducerState {
    ProducerState::default()
        .with_producer_id(ProducerId(id))
        .with_producer_epoch(producer.epoch.into())
        .with_last_sequence(producer.window.last().map_or(-1, |last| last.last_sequence))
        .with_last_timestamp(producer.last_timestamp)
        .with_coordinator_epoch(producer.coordinator_epoch)
        .with_current_txn_start_offset(producer.transaction_start.unwrap_or(-1))
}
