//! DescribeTransactions (key 65). Versions 0–0.

use super::context::RequestContext;
use super::error::ErrorCode;
use super::reply::Reply;
use super::transactions::id;
use super::Services;
use crate::txn::request::{DescribeTransaction, DescribeTransactionReply, DescribedTransaction};
use futures_util::future::join_all;
use kafka_protocol::messages::describe_transactions_response::{TopicData, TransactionState};
use kafka_protocol::messages::{
    DescribeTransactionsRequest, DescribeTransactionsResponse, ProducerId, TopicName, TransactionalId,
};
use kafka_protocol::protocol::StrBytes;

/// Shows transactional ids as they now are, each on its own.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: DescribeTransactionsRequest) -> Reply {
    let ids = request.transactional_ids;
    let asked: Vec<_> = ids
        .iter()
        .map(|transactional_id| DescribeTransaction { transactional_id: id(transactional_id) })
        .map(|ask| services.transactions.execute(ask))
        .collect();
    let responder = context.responder.clone();
    Reply::later(async move {
        let answers = join_all(asked).await;
        let states = ids.into_iter().zip(answers).map(|(id, answer)| state(id, answer.and_then(|reply| reply)));
        responder.ready(&DescribeTransactionsResponse::default().with_transaction_states(states.collect()))
    })
}

fn state(id: TransactionalId, found: DescribeTransactionReply) -> TransactionState {
    let answer = TransactionState::default().with_transactional_id(id);
    match found {
        // Kafka leaves its numbers at their defaults, which are 0.
        Err(error) => answer.with_error_code(ErrorCode::from(error).code()),
        Ok(found) => answer
            .with_transaction_state(StrBytes::from_static_str(found.state.name()))
            .with_transaction_timeout_ms(found.timeout_ms)
            .with_transaction_start_time_ms(found.start_timestamp_ms)
            .with_producer_id(ProducerId(found.producer_id))
            .with_producer_epoch(found.producer_epoch)
            .with_topics(topics(&found)),
    }
}

/// The partitions by topic; they come sorted.
fn topics(found: &DescribedTransaction) -> Vec<TopicData> {
    let by_topic = found.partitions.chunk_by(|a, b| a.topic == b.topic);
    let topic = |partitions: &[crate::ids::TopicPartition]| {
        let name = TopicName(StrBytes::from_string(partitions[0].topic.to_string()));
        TopicData::default().with_topic(name).with_partitions(partitions.iter().map(|p| p.partition).collect())
    };
    by_topic.map(topic).collect()
}
