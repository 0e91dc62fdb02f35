//! Transactional ids and the transactions of their producers.

use crate::groups::offset_fetch_request;
use crate::records::{batches, Batch};
use crate::topics::{fetch_request, produce_request, Topic};
use crate::{error, eventually, group_id, text, topic_name, Client};
use bytes::Bytes;
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::add_partitions_to_txn_request::{AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction};
use kafka_protocol::messages::describe_transactions_response::TransactionState;
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::produce_response::PartitionProduceResponse;
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddPartitionsToTxnRequest, DescribeTransactionsRequest, EndTxnRequest,
    FindCoordinatorRequest, InitProducerIdRequest, ListTransactionsRequest, ListTransactionsResponse, ProduceRequest,
    ProducerId, TransactionalId, TxnOffsetCommitRequest,
};
use std::collections::BTreeSet;

/// Bits of a batch's attributes.
pub const TRANSACTIONAL: i16 = 0x10;
pub const CONTROL: i16 = 0x20;

/// The time-out of transactions that say no other, in ms.
pub const TRANSACTION_TIMEOUT_MS: i32 = 60_000;

/// A producer with a transactional id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionalProducer {
    pub transactional_id: String,
    pub id: i64,
    pub epoch: i16,
}

impl TransactionalProducer {
    /// The same with another epoch.
    pub fn at(&self, epoch: i16) -> Self {
        Self { epoch, ..self.clone() }
    }
}

/// A transactional id as requests name it.
pub fn transactional_id(id: &str) -> TransactionalId {
    TransactionalId(text(id))
}

/// A first InitProducerId.
pub fn init_request(id: &str) -> InitProducerIdRequest {
    InitProducerIdRequest::default()
        .with_transactional_id(Some(transactional_id(id)))
        .with_transaction_timeout_ms(TRANSACTION_TIMEOUT_MS)
}

/// An EndTxn.
pub fn end_request(producer: &TransactionalProducer, commit: bool) -> EndTxnRequest {
    EndTxnRequest::default()
        .with_transactional_id(transactional_id(&producer.transactional_id))
        .with_producer_id(ProducerId(producer.id))
        .with_producer_epoch(producer.epoch)
        .with_committed(commit)
}

/// One topic of an AddPartitionsToTxn.
pub fn partitions_to_add(topic: &str, partitions: &[i32]) -> AddPartitionsToTxnTopic {
    AddPartitionsToTxnTopic::default().with_name(topic_name(topic)).with_partitions(partitions.to_vec())
}

/// A Produce of these partitions in a transaction.
pub fn produce_in_txn_request(
    version: i16,
    producer: &TransactionalProducer,
    partitions: &[(&Topic, i32, Option<Bytes>)],
) -> ProduceRequest {
    let id = Some(transactional_id(&producer.transactional_id));
    produce_request(version, -1, partitions).with_transactional_id(id)
}

/// A batch of a transaction.
pub fn batch_in_txn(producer: &TransactionalProducer, sequence: i32, values: &[&str]) -> Batch {
    Batch::of(values).from_producer(producer.id, producer.epoch, sequence).with_attributes(TRANSACTIONAL)
}

/// A TxnOffsetCommit of one partition that names no member.
pub fn txn_offset_commit_request(
    producer: &TransactionalProducer,
    group: &str,
    (topic, partition): (&str, i32),
    offset: i64,
) -> TxnOffsetCommitRequest {
    let partition = TxnOffsetCommitRequestPartition::default()
        .with_partition_index(partition)
        .with_committed_offset(offset)
        .with_committed_metadata(Some(text("")));
    let topic = TxnOffsetCommitRequestTopic::default().with_name(topic_name(topic)).with_partitions(vec![partition]);
    TxnOffsetCommitRequest::default()
        .with_transactional_id(transactional_id(&producer.transactional_id))
        .with_group_id(group_id(group))
        .with_producer_id(ProducerId(producer.id))
        .with_producer_epoch(producer.epoch)
        .with_topics(vec![topic])
}

impl Client {
    /// Writes values to one partition in a transaction, in version `version`; what became of them.
    pub fn produce_in_txn(
        &mut self,
        version: i16,
        producer: &TransactionalProducer,
        (topic, partition): (&Topic, i32),
        sequence: i32,
        values: &[&str],
    ) -> PartitionProduceResponse {
        let batch = batch_in_txn(producer, sequence, values).encode();
        let request = produce_in_txn_request(version, producer, &[(topic, partition, Some(batch))]);
        let mut response = self.call(version, &request);
        let mut of_topic = response.responses.remove(0);
        of_topic.partition_responses.remove(0)
    }

    /// Commits one offset in a transaction.
    pub fn txn_offset_commit(
        &mut self,
        version: i16,
        producer: &TransactionalProducer,
        group: &str,
        place: (&str, i32),
        offset: i64,
    ) -> Option<ResponseError> {
        let response = self.call(version, &txn_offset_commit_request(producer, group, place, offset));
        let topic = &response.topics[0];
        assert_eq!((&*topic.name.0, topic.partitions[0].partition_index), place);
        error(topic.partitions[0].error_code)
    }

    /// A group's committed offset, or that a transaction is about to change it.
    pub fn stable_offset(&mut self, group: &str, topic: &str, partition: i32) -> Result<i64, ResponseError> {
        let request = offset_fetch_request(group, topic, partition).with_require_stable(true);
        let response = self.call(8, &request);
        let found = &response.groups[0].topics[0].partitions[0];
        assert_eq!(error(response.groups[0].error_code), None);
        error(found.error_code).map_or(Ok(found.committed_offset), Err)
    }

    /// Reads one partition once, committed records only.
    pub fn fetch_committed(&mut self, topic: &Topic, partition: i32, offset: i64) -> PartitionData {
        let request = fetch_request(12, &[(topic, partition, offset)]).with_isolation_level(1);
        let mut response = self.call(12, &request);
        assert_eq!(error(response.error_code), None);
        let mut of_topic = response.responses.remove(0);
        of_topic.partitions.remove(0)
    }

    /// What a consumer of committed records makes of a partition from `offset` to its last stable offset.
    pub fn committed_values(&mut self, topic: &Topic, partition: i32, mut offset: i64) -> Vec<String> {
        let mut values = Vec::new();
        loop {
            let fetched = self.fetch_committed(topic, partition, offset);
            assert_eq!(error(fetched.error_code), None);
            let mut to_come = fetched.aborted_transactions.expect("a committed reader hears of aborted transactions");
            let mut ignored = BTreeSet::new();
            let found = batches(&fetched.records.unwrap_or_default());
            if found.is_empty() {
                assert_eq!(offset, fetched.last_stable_offset, "an empty answer before the end");
                return values;
            }
            for batch in found {
                let last_offset = batch.base_offset + i64::from(batch.last_offset_delta);
                to_come.retain(|aborted| {
                    let begins = aborted.first_offset <= last_offset;
                    if begins {
                        ignored.insert(aborted.producer_id.0);
                    }
                    !begins
                });
                if batch.attributes & CONTROL != 0 {
                    ignored.remove(&batch.producer_id);
                } else if batch.attributes & TRANSACTIONAL == 0 || !ignored.contains(&batch.producer_id) {
                    values.extend(batch.values());
                }
                offset = last_offset + 1;
            }
        }
    }

    /// Asks for the transactional id's coordinator until there is one that serves it.
    pub fn find_transaction_coordinator(&mut self, id: &str) {
        let request = FindCoordinatorRequest::default().with_key_type(1).with_coordinator_keys(vec![text(id)]);
        eventually("a coordinator", || {
            let found = error(self.call(4, &request).coordinators[0].error_code);
            assert!(matches!(found, None | Some(ResponseError::CoordinatorNotAvailable)), "{found:?}");
            found.is_none().then_some(())
        });
        eventually("a coordinator that has loaded", || {
            let found = error(self.describe_transaction(id).error_code);
            let waits = [Some(ResponseError::CoordinatorLoadInProgress), Some(ResponseError::NotCoordinator)];
            (!waits.contains(&found)).then_some(())
        });
    }

    /// Gets a producer id for a transactional id; waits while an earlier transaction ends.
    pub fn init_transactions(&mut self, id: &str) -> TransactionalProducer {
        self.find_transaction_coordinator(id);
        eventually("a producer id", || {
            let response = self.call(5, &init_request(id));
            let why = error(response.error_code);
            assert!(matches!(why, None | Some(ResponseError::ConcurrentTransactions)), "{why:?}");
            why.is_none().then(|| TransactionalProducer {
                transactional_id: id.to_owned(),
                id: response.producer_id.0,
                epoch: response.producer_epoch,
            })
        })
    }

    /// Adds one partition as clients of old do.
    pub fn add_partition_to_txn(
        &mut self,
        producer: &TransactionalProducer,
        topic: &str,
        partition: i32,
    ) -> Option<ResponseError> {
        let request = AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(transactional_id(&producer.transactional_id))
            .with_v3_and_below_producer_id(ProducerId(producer.id))
            .with_v3_and_below_producer_epoch(producer.epoch)
            .with_v3_and_below_topics(vec![partitions_to_add(topic, &[partition])]);
        let response = self.call(3, &request);
        error(response.results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code)
    }

    /// Asks, as a broker does, to add partitions, or only whether they are there; what is said of each.
    pub fn partitions_in_txn(
        &mut self,
        version: i16,
        producer: &TransactionalProducer,
        verify_only: bool,
        (topic, partitions): (&str, &[i32]),
    ) -> Vec<Option<ResponseError>> {
        let transaction = AddPartitionsToTxnTransaction::default()
            .with_transactional_id(transactional_id(&producer.transactional_id))
            .with_producer_id(ProducerId(producer.id))
            .with_producer_epoch(producer.epoch)
            .with_verify_only(verify_only)
            .with_topics(vec![partitions_to_add(topic, partitions)]);
        let response = self.call(version, &AddPartitionsToTxnRequest::default().with_transactions(vec![transaction]));
        assert_eq!((error(response.error_code), response.results_by_transaction.len()), (None, 1));
        let topics = &response.results_by_transaction[0].topic_results;
        assert_eq!((topics.len(), &*topics[0].name.0), (1, topic));
        topics[0].results_by_partition.iter().map(|result| error(result.partition_error_code)).collect()
    }

    /// Adds the partition of a group's offsets.
    pub fn add_offsets_to_txn(
        &mut self,
        version: i16,
        producer: &TransactionalProducer,
        group: &str,
    ) -> Option<ResponseError> {
        let request = AddOffsetsToTxnRequest::default()
            .with_transactional_id(transactional_id(&producer.transactional_id))
            .with_producer_id(ProducerId(producer.id))
            .with_producer_epoch(producer.epoch)
            .with_group_id(group_id(group));
        error(self.call(version, &request).error_code)
    }

    /// Ends a transaction as clients do whose epochs grow; waits while another ends. The producer from then on.
    pub fn end_txn(
        &mut self,
        producer: &TransactionalProducer,
        commit: bool,
    ) -> Result<TransactionalProducer, ResponseError> {
        eventually("the end", || {
            let response = self.call(5, &end_request(producer, commit));
            match error(response.error_code) {
                Some(ResponseError::ConcurrentTransactions) => None,
                Some(why) => Some(Err(why)),
                None => {
                    let (id, epoch) = (response.producer_id.0, response.producer_epoch);
                    Some(Ok(TransactionalProducer { id, epoch, ..producer.clone() }))
                }
            }
        })
    }

    /// One transactional id.
    pub fn describe_transaction(&mut self, id: &str) -> TransactionState {
        let request = DescribeTransactionsRequest::default().with_transactional_ids(vec![transactional_id(id)]);
        let mut response = self.call(0, &request);
        assert_eq!(response.transaction_states.len(), 1);
        let state = response.transaction_states.remove(0);
        assert_eq!(&*state.transactional_id.0, id);
        state
    }

    /// Waits until an id's transaction is in a state.
    pub fn await_transaction(&mut self, id: &str, state: &str) -> TransactionState {
        eventually(state, || {
            let found = self.describe_transaction(id);
            (&*found.transaction_state == state).then_some(found)
        })
    }

    /// The ids that pass the filters, with their states, sorted.
    pub fn list_transactions(&mut self, version: i16, request: &ListTransactionsRequest) -> Vec<(String, String)> {
        let response: ListTransactionsResponse = self.call(version, request);
        assert_eq!(error(response.error_code), None);
        let found = response.transaction_states.iter();
        let mut found: Vec<_> =
            found.map(|one| (one.transactional_id.to_string(), one.transaction_state.to_string())).collect();
        found.sort();
        found
    }
}
