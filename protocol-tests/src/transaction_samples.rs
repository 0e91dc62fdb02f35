//! Samples of the requests about transactions, as in [`crate::samples`]; the transactions that they name are not there.

use crate::samples::{sample, NOWHERE};
use crate::{group_id, text, topic_name};
use bytes::Bytes;
use kafka_protocol::messages::*;

/// Key, version and frame of each, in its oldest and newest version and in those where its encoding changes.
pub(crate) fn samples() -> Vec<(i16, i16, Bytes)> {
    let id = || TransactionalId(text(NOWHERE));
    let mut samples = Vec::new();
    for version in [0, 2, 3, 4, 5] {
        let topic = add_partitions_to_txn_request::AddPartitionsToTxnTopic::default()
            .with_name(topic_name(NOWHERE))
            .with_partitions(vec![0]);
        let transaction = add_partitions_to_txn_request::AddPartitionsToTxnTransaction::default()
            .with_transactional_id(id())
            .with_topics(vec![topic.clone()]);
        let request = AddPartitionsToTxnRequest::default();
        samples.push(match version >= 4 {
            true => sample(version, &request.with_transactions(vec![transaction])),
            false => {
                sample(version, &request.with_v3_and_below_transactional_id(id()).with_v3_and_below_topics(vec![topic]))
            }
        });
    }
    for version in [0, 3, 4] {
        let request = AddOffsetsToTxnRequest::default().with_transactional_id(id()).with_group_id(group_id(NOWHERE));
        samples.push(sample(version, &request));
    }
    for version in [0, 3, 5] {
        samples.push(sample(version, &EndTxnRequest::default().with_transactional_id(id())));
    }
    let topic = write_txn_markers_request::WritableTxnMarkerTopic::default()
        .with_name(topic_name(NOWHERE))
        .with_partition_indexes(vec![0]);
    let marker = write_txn_markers_request::WritableTxnMarker::default().with_topics(vec![topic]);
    samples.push(sample(1, &WriteTxnMarkersRequest::default().with_markers(vec![marker])));
    for version in [0, 2, 3, 5] {
        let partition = txn_offset_commit_request::TxnOffsetCommitRequestPartition::default();
        let topic = txn_offset_commit_request::TxnOffsetCommitRequestTopic::default()
            .with_name(topic_name(NOWHERE))
            .with_partitions(vec![partition]);
        let request = TxnOffsetCommitRequest::default()
            .with_transactional_id(id())
            .with_group_id(group_id(NOWHERE))
            .with_topics(vec![topic]);
        samples.push(sample(version, &request));
    }
    let topic = describe_producers_request::TopicRequest::default()
        .with_name(topic_name(NOWHERE))
        .with_partition_indexes(vec![0]);
    samples.push(sample(0, &DescribeProducersRequest::default().with_topics(vec![topic])));
    samples.push(sample(0, &DescribeTransactionsRequest::default().with_transactional_ids(vec![id()])));
    for version in [0, 1, 2] {
        let mut request = ListTransactionsRequest::default()
            .with_state_filters(vec![text("Ongoing")])
            .with_producer_id_filters(vec![ProducerId(4711)]);
        if version >= 2 {
            request.transactional_id_pattern = Some(text(NOWHERE));
        }
        samples.push(sample(version, &request));
    }
    samples
}
