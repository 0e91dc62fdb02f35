//! WriteTxnMarkers (key 27). Versions 1–1. For brokers: a transaction coordinator ends transactions on this broker.
//!
//! 1: flexible. Left out: version 2, which says the transaction.version (KIP-1228): markers of version 1 are judged as of
//! transaction.version 1.

use super::context::RequestContext;
use super::error::ErrorCode;
use super::reply::Reply;
use super::Services;
use crate::coordinator::{MarkerOutcomes, MarkerWriter, TxnMarker};
use crate::ids::TopicPartition;
use futures_util::future::join_all;
use kafka_protocol::messages::write_txn_markers_request::WritableTxnMarker;
use kafka_protocol::messages::write_txn_markers_response::{
    WritableTxnMarkerPartitionResult, WritableTxnMarkerResult, WritableTxnMarkerTopicResult,
};
use kafka_protocol::messages::{WriteTxnMarkersRequest, WriteTxnMarkersResponse};
use std::sync::Arc;

/// Writes each marker to its partitions, and answers when they are replicated.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: WriteTxnMarkersRequest) -> Reply {
    let writes: Vec<_> = request.markers.iter().map(|marker| write(services, marker)).collect();
    let responder = context.responder.clone();
    Reply::later(async move {
        let outcomes = join_all(writes).await;
        let markers = request.markers.iter().zip(outcomes).map(|(marker, outcomes)| answer(marker, &outcomes));
        responder.ready(&WriteTxnMarkersResponse::default().with_markers(markers.collect()))
    })
}

fn write(
    services: &Services,
    marker: &WritableTxnMarker,
) -> impl std::future::Future<Output = MarkerOutcomes> + Send + 'static {
    let topics = marker.topics.iter();
    let places = topics.flat_map(|topic| {
        let name: Arc<str> = topic.name.as_str().into();
        topic.partition_indexes.iter().map(move |partition| TopicPartition::new(name.clone(), *partition))
    });
    let marker = TxnMarker {
        producer_id: *marker.producer_id,
        producer_epoch: marker.producer_epoch,
        coordinator_epoch: marker.coordinator_epoch,
        commit: marker.transaction_result,
        transaction_version: 1,
    };
    services.markers.write(marker, places.collect())
}

/// Partitions in the request's order, which is that of the outcomes.
fn answer(marker: &WritableTxnMarker, outcomes: &MarkerOutcomes) -> WritableTxnMarkerResult {
    let mut outcomes = outcomes.iter();
    let topics = marker.topics.iter().map(|topic| {
        let partitions = topic.partition_indexes.iter().map(|partition| {
            let error = outcomes.next().and_then(|(_, outcome)| outcome.as_ref().err());
            WritableTxnMarkerPartitionResult::default()
                .with_partition_index(*partition)
                .with_error_code(error.map_or(ErrorCode::None, ErrorCode::from).code())
        });
        WritableTxnMarkerTopicResult::default().with_name(topic.name.clone()).with_partitions(partitions.collect())
    });
    WritableTxnMarkerResult::default().with_producer_id(marker.producer_id).with_topics(topics.collect())
}
