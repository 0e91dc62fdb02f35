//! Markers that end transactions, and what a partition remembers of producers.

use crate::topics::Topic;
use crate::{error, topic_name, Client};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::describe_producers_response::ProducerState;
use kafka_protocol::messages::write_txn_markers_request::{WritableTxnMarker, WritableTxnMarkerTopic};
use kafka_protocol::messages::{DescribeProducersRequest, ProducerId, WriteTxnMarkersRequest};

/// A marker of a coordinator of an epoch.
#[derive(Clone, Copy, Debug)]
pub struct Marker {
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub coordinator_epoch: i32,
    pub commit: bool,
}

impl Marker {
    /// As WriteTxnMarkers asks for it.
    pub fn to(&self, topic: &str, partitions: &[i32]) -> WritableTxnMarker {
        let topic =
            WritableTxnMarkerTopic::default().with_name(topic_name(topic)).with_partition_indexes(partitions.to_vec());
        WritableTxnMarker::default()
            .with_producer_id(ProducerId(self.producer_id))
            .with_producer_epoch(self.producer_epoch)
            .with_coordinator_epoch(self.coordinator_epoch)
            .with_transaction_result(self.commit)
            .with_topics(vec![topic])
    }
}

impl Client {
    /// Writes a marker to one partition.
    pub fn write_marker(&mut self, marker: Marker, topic: &str, partition: i32) -> Option<ResponseError> {
        let request = WriteTxnMarkersRequest::default().with_markers(vec![marker.to(topic, &[partition])]);
        let response = self.call(1, &request);
        assert_eq!(response.markers[0].producer_id.0, marker.producer_id);
        assert_eq!(&*response.markers[0].topics[0].name.0, topic);
        let partitions = &response.markers[0].topics[0].partitions;
        assert_eq!((partitions.len(), partitions[0].partition_index), (1, partition));
        error(partitions[0].error_code)
    }

    /// The producers of one partition.
    pub fn producers(&mut self, topic: &Topic, partition: i32) -> Vec<ProducerState> {
        let topic = TopicRequest::default().with_name(topic_name(&topic.name)).with_partition_indexes(vec![partition]);
        let mut response = self.call(0, &DescribeProducersRequest::default().with_topics(vec![topic]));
        let mut of_topic = response.topics.remove(0);
        let of_partition = of_topic.partitions.remove(0);
        assert_eq!((of_partition.partition_index, error(of_partition.error_code)), (partition, None));
        of_partition.active_producers
    }
}
