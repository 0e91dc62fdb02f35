//! AddPartitionsToTxn (key 24). Versions 0–5; from 4 on for brokers only.
//!
//! 2: PRODUCER_FENCED (KIP-588). 4: many transactions at once, and only to verify (KIP-890). 5: TRANSACTION_ABORTABLE.

use super::context::RequestContext;
use super::error::ErrorCode;
use super::reply::Reply;
use super::transactions::{code, id};
use super::Services;
use crate::ids::TopicPartition;
use crate::metadata::image::MetadataImage;
use crate::txn::request::{AddPartitionsToTxn, AddPartitionsToTxnReply};
use crate::txn::TxnError;
use futures_util::future::join_all;
use kafka_protocol::messages::add_partitions_to_txn_request::{AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction};
use kafka_protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnResult, AddPartitionsToTxnTopicResult,
};
use kafka_protocol::messages::{AddPartitionsToTxnRequest, AddPartitionsToTxnResponse};
use std::future::Future;

/// The first version that knows PRODUCER_FENCED.
const FENCED_FROM: i16 = 2;
/// The first version that knows TRANSACTION_ABORTABLE.
const ABORTABLE_FROM: i16 = 5;
/// The first version for brokers.
const BATCHED_FROM: i16 = 4;

/// Adds partitions to transactions, or says whether they are in them.
pub async fn handle(services: &Services, context: &RequestContext<'_>, request: AddPartitionsToTxnRequest) -> Reply {
    let version = context.version;
    if version < BATCHED_FROM {
        let transaction = AddPartitionsToTxnTransaction::default()
            .with_transactional_id(request.v3_and_below_transactional_id)
            .with_producer_id(request.v3_and_below_producer_id)
            .with_producer_epoch(request.v3_and_below_producer_epoch)
            .with_topics(request.v3_and_below_topics);
        let results = add(services, version, &transaction).await;
        return context
            .responder
            .ready(&AddPartitionsToTxnResponse::default().with_results_by_topic_v3_and_below(results));
    }
    let all = request.transactions.iter().map(|transaction| async move {
        AddPartitionsToTxnResult::default()
            .with_transactional_id(transaction.transactional_id.clone())
            .with_topic_results(add(services, version, transaction).await)
    });
    let results = join_all(all).await;
    context.responder.ready(&AddPartitionsToTxnResponse::default().with_results_by_transaction(results))
}

fn add(
    services: &Services,
    version: i16,
    transaction: &AddPartitionsToTxnTransaction,
) -> impl Future<Output = Vec<AddPartitionsToTxnTopicResult>> {
    let image = services.metadata.current();
    let topics = transaction.topics.clone();
    let missing = topics.iter().any(|topic| topic.partitions.iter().any(|index| !exists(&image, topic, *index)));
    // One that is missing fails all: nothing is asked of the coordinator then (X5).
    let asked = (!missing).then(|| {
        services.transactions.execute(AddPartitionsToTxn {
            transactional_id: id(&transaction.transactional_id),
            producer_id: transaction.producer_id.0,
            producer_epoch: transaction.producer_epoch,
            verify_only: transaction.verify_only,
            client_version: if version >= BATCHED_FROM { 2 } else { 0 },
            partitions: topics.iter().flat_map(places).collect(),
        })
    });
    async move {
        let answer = match asked {
            Some(asked) => Some(asked.await),
            None => None,
        };
        answers(&topics, |topic, index| match &answer {
            None if exists(&image, topic, index) => ErrorCode::OperationNotAttempted.code(),
            None => ErrorCode::UnknownTopicOrPartition.code(),
            Some(answer) => error_code(answer, topic, index, version),
        })
    }
}

fn places(topic: &AddPartitionsToTxnTopic) -> impl Iterator<Item = TopicPartition> + '_ {
    let name = std::sync::Arc::<str>::from(topic.name.as_str());
    topic.partitions.iter().map(move |index| TopicPartition::new(name.clone(), *index))
}

fn exists(image: &MetadataImage, topic: &AddPartitionsToTxnTopic, index: i32) -> bool {
    image.partition(&topic.name, index).is_some()
}

/// What became of one partition.
fn error_code(
    answer: &Result<AddPartitionsToTxnReply, TxnError>,
    topic: &AddPartitionsToTxnTopic,
    index: i32,
    version: i16,
) -> i16 {
    let error = match answer {
        Err(error) => Some(*error),
        Ok(reply) => {
            let is_it = |place: &TopicPartition| place.partition == index && *place.topic == **topic.name;
            let found = reply.results.iter().find(|(place, _)| is_it(place));
            found.map_or(Some(TxnError::UnknownServerError), |(_, error)| *error)
        }
    };
    match error {
        Some(TxnError::TransactionAbortable) if version < ABORTABLE_FROM => ErrorCode::InvalidTxnState.code(),
        error => code(error, version, FENCED_FROM),
    }
}

/// Topics and partitions in the request's order.
fn answers(
    topics: &[AddPartitionsToTxnTopic],
    error_code: impl Fn(&AddPartitionsToTxnTopic, i32) -> i16,
) -> Vec<AddPartitionsToTxnTopicResult> {
    let each = |topic: &AddPartitionsToTxnTopic| {
        let partitions = topic.partitions.iter().map(|index| {
            AddPartitionsToTxnPartitionResult::default()
                .with_partition_index(*index)
                .with_partition_error_code(error_code(topic, *index))
        });
        AddPartitionsToTxnTopicResult::default()
            .with_name(topic.name.clone())
            .with_results_by_partition(partitions.collect())
    };
    topics.iter().map(each).collect()
}
