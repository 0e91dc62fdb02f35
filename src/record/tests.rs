use super::build::{end_transaction, BatchBuilder, BuildError, Marker};
use super::compress::Codec;
use super::header::{BatchHeader, TimestampType};
use super::records::{RecordError, RecordIter};
use super::{batches, crc, record_bytes, BatchError};
use proptest::prelude::*;

pub(super) type Owned = (i64, Option<Vec<u8>>, Option<Vec<u8>>, Vec<(Vec<u8>, Option<Vec<u8>>)>);

pub(super) fn owned_records() -> impl Strategy<Value = Vec<Owned>> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..20);
    let nullable = move || proptest::option::of(bytes());
    let headers = proptest::collection::vec((bytes(), nullable()), 0..4);
    proptest::collection::vec((0i64..1_700_000_000_000, nullable(), nullable(), headers), 1..20)
}

pub(super) fn builder(records: &[Owned]) -> BatchBuilder {
    let mut builder = BatchBuilder::new();
    for (timestamp_ms, key, value, headers) in records {
        let headers: Vec<_> = headers.iter().map(|(key, value)| (&key[..], value.as_deref())).collect();
        builder.append(*timestamp_ms, key.as_deref(), value.as_deref(), &headers);
    }
    builder
}

pub(super) fn read_back(batch: &[u8]) -> Vec<Owned> {
    let header = BatchHeader::parse(batch).expect("a batch");
    let records = record_bytes(&header, batch, 1 << 20).expect("decompresses");
    let read = RecordIter::new(&records, header.record_count).map(|record| {
        let record = record.expect("a record");
        let headers = record.headers.iter().map(|header| {
            let (key, value) = header.expect("a header");
            (key.to_vec(), value.map(<[u8]>::to_vec))
        });
        let timestamp_ms = header.base_timestamp + record.timestamp_delta;
        (timestamp_ms, record.key.map(<[u8]>::to_vec), record.value.map(<[u8]>::to_vec), headers.collect())
    });
    read.collect()
}

/// What Kafka's own classes wrote, by name.
pub(super) fn kafkas(name: &str) -> Vec<u8> {
    let lines = include_str!("testdata/kafka-4.3.1-messages.txt").lines();
    let mut named = lines.filter_map(|line| line.split_once(' ')).filter(|(found, _)| *found == name);
    let (_, hex) = named.next().expect("a line of that name");
    unhex(hex)
}

pub(super) fn unhex(hex: &str) -> Vec<u8> {
    let digits = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex");
    (0..hex.len()).step_by(2).map(digits).collect()
}

#[test]
fn p4_header_reads_what_it_writes_and_knows_its_bits() {
    let header = BatchHeader {
        base_offset: 1 << 40,
        batch_length: 49,
        leader_epoch: 3,
        magic: 2,
        crc: 0xdead_beef,
        attributes: 0b111_1100,
        last_offset_delta: 9,
        base_timestamp: 4,
        max_timestamp: 5,
        producer_id: 6,
        producer_epoch: 7,
        base_sequence: i32::MAX - 4,
        record_count: 10,
    };
    assert_eq!(BatchHeader::parse(&header.to_bytes()), Ok(header));
    assert_eq!((header.size_bytes(), header.last_offset(), header.next_offset()), (61, (1 << 40) + 9, (1 << 40) + 10));
    assert_eq!(header.last_sequence(), 4, "after i32::MAX comes 0");
    assert_eq!(BatchHeader { base_sequence: -1, ..header }.last_sequence(), -1);
    assert_eq!(header.codec(), Ok(Codec::Zstd));
    assert_eq!(BatchHeader { attributes: 5, ..header }.codec(), Err(BatchError::Codec(5)));
    assert_eq!(header.timestamp_type(), TimestampType::LogAppendTime);
    assert!(header.is_transactional() && header.is_control() && header.has_delete_horizon());
}

#[test]
fn p5_headers_that_cannot_be_are_refused() {
    let mut head = builder(&[(0, None, None, vec![])]).build().expect("small").bytes.to_vec();
    let truncated = BatchError::Truncated { needed_bytes: 61, available_bytes: 60 };
    assert_eq!(BatchHeader::parse(&head[..60]), Err(truncated));
    head[16] = 1;
    assert_eq!(BatchHeader::parse(&head), Err(BatchError::Magic(1)));
    head[16] = 2;
    for length in [48, 0, -1, i32::MIN] {
        head[8..12].copy_from_slice(&length.to_be_bytes());
        assert_eq!(BatchHeader::parse(&head), Err(BatchError::Length(length)));
    }
}

#[test]
fn p3_batches_are_told_apart_and_a_cut_one_ends_them() {
    let one = builder(&[(0, None, Some(b"one".to_vec()), vec![])]).build().expect("small").bytes;
    let two = builder(&[(0, None, Some(b"number two".to_vec()), vec![])]).build().expect("small").bytes;
    let mut bytes = [&one[..], &two[..]].concat();
    let places: Vec<_> = batches(&bytes).map(|found| found.expect("whole").1).collect();
    assert_eq!(places, [0..one.len(), one.len()..bytes.len()]);
    bytes.pop();
    let found: Vec<_> = batches(&bytes).collect();
    assert!(found[0].is_ok() && found.len() == 2);
    let truncated = BatchError::Truncated { needed_bytes: two.len(), available_bytes: two.len() - 1 };
    assert_eq!(found[1], Err(truncated));
    assert_eq!(batches(&[]).count(), 0);
}

#[test]
fn p9_duplicate_header_keys_survive_in_order() {
    let headers = vec![(b"k".to_vec(), Some(b"1".to_vec())), (b"k".to_vec(), None), (b"k".to_vec(), Some(vec![]))];
    let records = [(7, Some(vec![]), None, headers)];
    assert_eq!(read_back(&builder(&records).build().expect("small").bytes), records);
}

#[test]
fn empty_batches_are_not_built() {
    assert!(matches!(BatchBuilder::new().build(), Err(BuildError::Empty)));
}

#[test]
fn markers_are_transactional_control_batches() {
    let marker = end_transaction(Marker::Commit, 42, 3, 7, 1000).expect("small");
    let header = marker.header;
    assert!(header.is_control() && header.is_transactional());
    assert_eq!((header.producer_id, header.producer_epoch, header.base_sequence), (42, 3, -1));
    let read = read_back(&marker.bytes);
    assert_eq!(read, [(1000, Some(vec![0, 0, 0, 1]), Some(vec![0, 0, 0, 0, 0, 7]), vec![])]);
    for (marker, name) in [(Marker::Commit, "commit_marker"), (Marker::Abort, "abort_marker")] {
        let built = end_transaction(marker, 42, 3, 7, 1_700_000_000_000).expect("small");
        assert_eq!(built.bytes, kafkas(name), "{name}");
    }
}

#[test]
fn p4_counts_and_lengths_that_lie_end_the_records() {
    let batch = builder(&[(0, None, Some(vec![1, 2, 3]), vec![])]).build().expect("small").bytes;
    let records = &batch[61..];
    fn last(bytes: &[u8], count: i32) -> Result<super::records::RecordView<'_>, RecordError> {
        RecordIter::new(bytes, count).last().expect("an item")
    }
    assert_eq!(last(records, 0), Err(RecordError::Trailing));
    assert_eq!(last(records, 2), Err(RecordError::Malformed));
    assert_eq!(last(records, -1), Err(RecordError::Count(-1)));
    assert_eq!(last(&[4, 0, 0], 1), Err(RecordError::Malformed));
    assert_eq!(last(&[0], 1), Err(RecordError::Fields(0)));
    assert_eq!(last(&[1], 1), Err(RecordError::Length(-1)));
    assert_eq!(last(&[12, 0, 0, 0, 1, 1, 20], 1), Err(RecordError::HeaderCount(10)));
}

proptest! {
    #[test]
    fn p9_builders_batches_read_back_in_every_codec(records in owned_records()) {
        for codec in Codec::ALL {
            let built = builder(&records).compression(codec, codec.default_level()).build().expect("small");
            prop_assert_eq!(BatchHeader::parse(&built.bytes), Ok(built.header));
            prop_assert!(crc::verify(&built.bytes));
            prop_assert_eq!(built.header.size_bytes(), built.bytes.len());
            prop_assert_eq!(built.header.max_timestamp, records.iter().map(|record| record.0).max().unwrap_or(-1));
            prop_assert_eq!(read_back(&built.bytes), records.clone());
            let stored = [&built.prefix(100, 5)[..], &built.bytes[16..]].concat();
            prop_assert!(crc::verify(&stored), "the prefix is outside the CRC");
            let header = BatchHeader::parse(&stored).expect("still a batch");
            prop_assert_eq!((header.base_offset, header.leader_epoch), (100, 5));
        }
    }

    #[test]
    fn p5_arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), count in any::<i32>()) {
        for (header, place) in batches(&bytes).flatten() {
            let _ = record_bytes(&header, &bytes[place], 1 << 16);
        }
        for record in RecordIter::new(&bytes, count).flatten() {
            prop_assert!(record.headers.iter().count() <= bytes.len());
        }
    }
}
