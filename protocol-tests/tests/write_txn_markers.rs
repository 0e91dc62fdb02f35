//! WriteTxnMarkers (key 27), version 1.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::WriteTxnMarkersRequest;
use protocol_tests::markers::Marker;
use protocol_tests::records::Batch;
use protocol_tests::{error, shared};

const MARKER: Marker = Marker { producer_id: 4000, producer_epoch: 3, coordinator_epoch: 5, commit: true };
/// Transactional and control.
const MARKER_ATTRIBUTES: i16 = 0x30;

#[test]
fn x10_a_marker_is_a_control_batch_with_the_coordinator_s_epoch() {
    let mut client = shared().connect();
    let topic = client.create_topic("markers-stored", 1, &[]);
    for commit in [true, false] {
        assert_eq!(client.write_marker(Marker { commit, ..MARKER }, &topic.name, 0), None);
    }
    let stored = client.read_from(&topic, 0, 0);
    assert_eq!(stored.len(), 2);
    for (marker, kind) in stored.iter().zip([1, 0]) {
        assert_eq!((marker.attributes, marker.count, marker.base_sequence), (MARKER_ATTRIBUTES, 1, -1));
        assert_eq!((marker.producer_id, marker.producer_epoch), (4000, 3));
        // Key and value with their lengths as varints, and no headers.
        let record = [8, 0, 0, 0, kind, 12, 0, 0, 0, 0, 0, 5, 0];
        assert!(marker.bytes.ends_with(&record), "{marker:?}");
    }
}

#[test]
fn x10_older_producers_and_coordinators_are_fenced() {
    let mut client = shared().connect();
    let topic = client.create_topic("markers-fenced", 1, &[]);
    let write = |client: &mut protocol_tests::Client, marker| client.write_marker(marker, &topic.name, 0);
    assert_eq!(write(&mut client, MARKER), None);
    let older = Marker { producer_epoch: 2, coordinator_epoch: 4, ..MARKER };
    assert_eq!(write(&mut client, older), Some(ResponseError::InvalidProducerEpoch));
    let older = Marker { coordinator_epoch: 4, ..MARKER };
    assert_eq!(write(&mut client, older), Some(ResponseError::TransactionCoordinatorFenced));
    assert_eq!(client.list_offset(&topic, 0, -1).offset, 1, "nothing of them was written");
    assert_eq!(write(&mut client, MARKER), None, "the same epochs as before");
    // Data of an epoch that a marker has ended is refused.
    let late = client.produce(&topic, 0, &Batch::of(&["late"]).from_producer(4000, 2, 0));
    assert_eq!(error(late.error_code), Some(ResponseError::InvalidProducerEpoch));
}

#[test]
fn x10_each_partition_answers_for_itself() {
    let mut client = shared().connect();
    let topic = client.create_topic("markers-many", 2, &[]);
    let other = Marker { producer_id: 4001, ..MARKER };
    let markers =
        vec![MARKER.to(&topic.name, &[1, 7, 0]), other.to("markers-nowhere", &[0]), other.to(&topic.name, &[])];
    let response = client.call(1, &WriteTxnMarkersRequest::default().with_markers(markers));
    let answers: Vec<_> = response
        .markers
        .iter()
        .map(|marker| {
            let partitions = marker.topics[0].partitions.iter();
            let each = partitions.map(|partition| (partition.partition_index, error(partition.error_code)));
            (marker.producer_id.0, marker.topics[0].name.to_string(), each.collect::<Vec<_>>())
        })
        .collect();
    let unknown = Some(ResponseError::UnknownTopicOrPartition);
    let expected = [
        (4000, topic.name.clone(), vec![(1, None), (7, unknown), (0, None)]),
        (4001, "markers-nowhere".to_owned(), vec![(0, unknown)]),
        (4001, topic.name.clone(), vec![]),
    ];
    assert_eq!(answers, expected);
}

#[test]
fn x10_x15_the_groups_partitions_take_markers_from_their_coordinator() {
    let mut client = shared().connect();
    client.find_coordinator("markers-group");
    assert_eq!(client.write_marker(MARKER, "__consumer_offsets", 0), None);
    let older = Marker { coordinator_epoch: 4, ..MARKER };
    let fenced = client.write_marker(older, "__consumer_offsets", 0);
    assert_eq!(fenced, Some(ResponseError::TransactionCoordinatorFenced));
    // The coordinator goes on.
    client.find_coordinator("markers-group");
    assert_eq!(client.committed("markers-group", "t", 0), -1);
}
