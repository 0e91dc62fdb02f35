use super::*;
use crate::disk::sim::SimDisk;
use crate::disk::{Disk, FileRange, Open};
use crate::wire::shape::tests::allocator::asked_by;
use crate::wire::Buffers;
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{ApiVersionsResponse, FetchResponse, ProduceResponse};
use std::io::IoSlice;
use std::path::Path;

fn fetched(records: Vec<Bytes>) -> FetchResponse {
    let partitions = records.into_iter().map(|bytes| PartitionData::default().with_records(Some(bytes))).collect();
    FetchResponse::default().with_responses(vec![FetchableTopicResponse::default().with_partitions(partitions)])
}

fn file(content: &[u8]) -> FileRange {
    let disk = SimDisk::new(crate::rng::Rng::from_seed(1));
    let file = disk.open(Path::new("/0.log"), Open::Write).unwrap();
    file.append_vectored(0, &[IoSlice::new(content)]).unwrap();
    FileRange { file, position: 1, length: content.len() as u64 - 1 }
}

/// As the codec alone would frame it, with header 1.
fn plainly<M: Encodable>(body: &M, version: i16) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    body.encode(&mut bytes, version).unwrap();
    [&(bytes.len() as u32 + 5).to_be_bytes()[..], &9i32.to_be_bytes(), &[0], &bytes].concat()
}

#[test]
fn f15_placed_pieces_stand_where_the_body_names_them() {
    let buffers = Buffers::new().unwrap();
    let mut scatter = Scatter::new(&buffers);
    let first = scatter.place(vec![Bytes::from_static(b"one").into(), file(b"-two").into()]);
    let none = scatter.place(vec![]);
    let second = scatter.place(vec![file(b"-three").into()]);
    let response = encode(scatter, 9, 16, &fetched(vec![first, none, second])).unwrap();
    let want = fetched(vec![Bytes::from_static(b"onetwo"), Bytes::new(), Bytes::from_static(b"three")]);
    assert_eq!(response.to_vec().unwrap(), plainly(&want, 16));
    assert_eq!(response.length(), plainly(&want, 16).len() as u64);
    assert_eq!(response.memory_bytes(), response.length() - 8);
    assert_eq!(response.segments(), 7);
}

#[test]
fn pieces_follow_the_body_not_the_order_of_placing() {
    let buffers = Buffers::new().unwrap();
    let mut scatter = Scatter::new(&buffers);
    let first = scatter.place(vec![Bytes::from_static(b"one").into()]);
    let second = scatter.place(vec![Bytes::from_static(b"two").into()]);
    let response = encode(scatter, 9, 16, &fetched(vec![second, first])).unwrap();
    let want = fetched(vec![Bytes::from_static(b"two"), Bytes::from_static(b"one")]);
    assert_eq!(response.to_vec().unwrap(), plainly(&want, 16));
}

#[test]
fn placeholders_that_do_not_fit_are_refused_not_sent_as_zeros() {
    let buffers = Buffers::new().unwrap();
    let mut foreign = Scatter::new(&buffers);
    let records = foreign.place(vec![Bytes::from_static(b"records").into()]);
    let refused = encode(Scatter::new(&buffers), 9, 16, &fetched(vec![records.clone()]));
    assert!(matches!(refused, Err(EncodeError::TooLarge)), "of another answer");
    let refused = encode(foreign, 9, 16, &fetched(vec![records.slice(1..)]));
    assert!(matches!(refused, Err(EncodeError::TooLarge)), "cut");
    let mut huge = Scatter::new(&buffers);
    let range = FileRange { length: 2_000_000_000, ..file(b"-") };
    let records = vec![huge.place(vec![range.clone().into()]), huge.place(vec![range.into()])];
    assert!(matches!(encode(huge, 9, 16, &fetched(records)), Err(EncodeError::TooLarge)), "beyond a frame");
}

#[test]
fn placing_two_gigabytes_takes_no_memory() {
    let buffers = Buffers::new().unwrap();
    let range = FileRange { length: 2_000_000_000, ..file(b"-") };
    let (response, bytes, _) = asked_by(|| {
        let mut scatter = Scatter::new(&buffers);
        let records = scatter.place(vec![range.into()]);
        encode(scatter, 9, 16, &fetched(vec![records])).unwrap()
    });
    assert!(bytes < 4096, "{bytes} bytes");
    assert!(response.length() > 2_000_000_000 && response.memory_bytes() < 200);
}

#[test]
fn a2_the_answer_to_api_versions_has_no_tagged_header() {
    let buffers = Buffers::new().unwrap();
    for version in 0..=4 {
        let response = encode(Scatter::new(&buffers), 9, version, &ApiVersionsResponse::default()).unwrap();
        let bytes = response.to_vec().unwrap();
        // Length, correlation id, and then at once the error code.
        assert_eq!(&bytes[4..10], [0, 0, 0, 9, 0, 0], "version {version}");
        assert_eq!(bytes.len() - 4, u32::from_be_bytes(*bytes.first_chunk().unwrap()) as usize);
    }
}

#[test]
fn fields_that_a_version_lacks_fail_the_answer() {
    let buffers = Buffers::new().unwrap();
    let partition = PartitionData::default().with_preferred_read_replica(3.into());
    let topic = FetchableTopicResponse::default().with_partitions(vec![partition]);
    let body = FetchResponse::default().with_responses(vec![topic]);
    assert!(matches!(encode(Scatter::new(&buffers), 9, 4, &body), Err(EncodeError::Message(_))));
}

#[test]
fn small_answers_ask_the_allocator_for_nothing() {
    let buffers = Buffers::new().unwrap();
    let body = ProduceResponse::default().with_responses(vec![
        TopicProduceResponse::default().with_partition_responses(vec![PartitionProduceResponse::default()])
    ]);
    drop(encode(Scatter::new(&buffers), 9, 9, &body).unwrap());
    let (response, _, calls) = asked_by(|| encode(Scatter::new(&buffers), 9, 9, &body).unwrap());
    assert_eq!(calls, 0, "the buffer of the answer before is used again");
    assert_eq!(response.to_vec().unwrap(), plainly(&body, 9));
}
