use super::*;
use crate::record::build::{seal, BatchBuilder};
use crate::record::header::TimestampType;
use crate::record::records::RecordIter;
use crate::record::tests::{builder, owned_records, read_back};
use crate::record::varint::put_signed;
use proptest::prelude::*;

const NOW: Now = Now { wall_ms: 1_700_000_000_000, mono_ms: 5 };
const HOUR_MS: i64 = 3_600_000;

fn rules() -> ProduceRules {
    ProduceRules::default()
}

fn by_broker() -> ProduceRules {
    ProduceRules { timestamp_type: TimestampType::LogAppendTime, ..rules() }
}

fn stored_in(codec: Codec) -> ProduceRules {
    let compression = match codec {
        Codec::None => TopicCompression::Uncompressed,
        codec => TopicCompression::Codec { codec, level: codec.default_level() },
    };
    ProduceRules { compression, ..rules() }
}

/// Three records, the second one the youngest.
fn three() -> BatchBuilder {
    let mut builder = BatchBuilder::new();
    builder.append(NOW.wall_ms - 5, Some(b"a"), Some(b"one"), &[]);
    builder.append(NOW.wall_ms + 5, Some(b"b"), Some(b"two"), &[(b"h", None)]);
    builder.append(NOW.wall_ms - 9, Some(b"c"), None, &[]);
    builder
}

fn bytes_of(builder: BatchBuilder) -> Bytes {
    builder.build().expect("small").bytes
}

/// The batch with its header changed and its CRC made good again.
fn edited(batch: &Bytes, edit: impl FnOnce(&mut BatchHeader)) -> Bytes {
    let mut header = BatchHeader::parse(batch).expect("a batch");
    edit(&mut header);
    let mut copy = batch.to_vec();
    seal(header, &mut copy).expect("small");
    Bytes::from(copy)
}

/// The batch with other record bytes under the same header.
fn with_records(batch: &Bytes, codec: Codec, records: &[u8]) -> Bytes {
    let mut copy = batch[..HEADER_BYTES].to_vec();
    copy.extend(crate::record::compress::compress(codec, codec.default_level(), records).expect("memory takes all"));
    edited(&Bytes::from(copy), |header| header.attributes = codec.id())
}

fn refusal(batch: Bytes, rules: &ProduceRules) -> BatchRefused {
    validate(batch, rules, NOW).expect_err("must be refused")
}

#[track_caller]
fn assert_invalid(batch: Bytes, rules: &ProduceRules, words: &str) {
    match refusal(batch, rules) {
        BatchRefused::InvalidRecord { message, record_errors } if message.contains(words) => {
            assert!(record_errors.is_empty(), "{record_errors:?}")
        }
        other => panic!("{other:?} instead of an invalid record: {words}"),
    }
}

#[test]
fn p3_exactly_one_whole_batch_of_magic_2() {
    let one = bytes_of(three());
    assert_invalid(Bytes::new(), &rules(), "at least one");
    assert_invalid(one.slice(..one.len() - 1), &rules(), "at least one");
    assert_invalid(Bytes::from([&one[..], &one[..]].concat()), &rules(), "exactly one");
    let mut old = one.to_vec();
    old[MAGIC_AT] = 1;
    assert_invalid(Bytes::from(old.clone()), &rules(), "magic version 2");
    old[MAGIC_AT] = 3;
    assert_eq!(refusal(Bytes::from(old), &rules()), BatchRefused::Corrupt);
}

#[test]
fn p3_a_cut_second_batch_is_dropped() {
    let one = bytes_of(three());
    let valid = validate(Bytes::from([&one[..], &one[..30]].concat()), &rules(), NOW).expect("one whole batch");
    assert_eq!(valid.bytes, one);
}

#[test]
fn p3_zstd_waits_for_version_7() {
    let batch = bytes_of(three().compression(Codec::Zstd, 3));
    let old = ProduceRules { zstd_allowed: false, ..rules() };
    assert_eq!(refusal(batch.clone(), &old), BatchRefused::UnsupportedCompression);
    assert!(validate(batch, &rules(), NOW).is_ok());
    assert!(validate(bytes_of(three().compression(Codec::Lz4, 9)), &old, NOW).is_ok());
}

#[test]
fn p3_codec_ids_without_a_meaning_are_unsupported() {
    for id in 5..8 {
        let batch = edited(&bytes_of(three()), |header| header.attributes = id);
        assert_eq!(refusal(batch, &rules()), BatchRefused::UnsupportedCompression);
    }
}

#[test]
fn p4_base_offset_must_be_0() {
    let batch = edited(&bytes_of(three()), |header| header.base_offset = 7);
    assert_invalid(batch.clone(), &rules(), "should be 0, but it is 7");
    let coordinator = ProduceRules { origin: Origin::Coordinator, ..rules() };
    assert_eq!(validate(batch, &coordinator, NOW).expect("its own business").header.base_offset, 0);
}

#[test]
fn p4_count_must_match_offsets_and_be_positive() {
    let batch = bytes_of(three());
    for (count, last) in [(0, -1), (-1, -2), (3, 3), (3, 1), (i32::MIN, i32::MAX), (i32::MAX, 2)] {
        let lying = edited(&batch, |header| (header.record_count, header.last_offset_delta) = (count, last));
        assert_invalid(lying, &rules(), "ount");
    }
}

#[test]
fn p4_records_must_be_as_many_as_counted() {
    let batch = bytes_of(three());
    for (count, words) in [(2, "remain behind"), (4, "cut off")] {
        let lying = edited(&batch, |header| (header.record_count, header.last_offset_delta) = (count, count - 1));
        assert_invalid(lying, &rules(), words);
    }
}

#[test]
fn p4_control_batches_are_not_for_clients() {
    let batch = bytes_of(three().control());
    assert_invalid(batch.clone(), &rules(), "not allowed to write control records");
    let coordinator = ProduceRules { origin: Origin::Coordinator, ..stored_in(Codec::Lz4) };
    assert_eq!(validate(batch.clone(), &coordinator, NOW).expect("allowed").bytes, batch, "and stay uncompressed");
}

#[test]
fn p4_a_producer_id_needs_a_sequence() {
    assert_invalid(bytes_of(three().producer(5, 0, -1)), &rules(), "Invalid sequence number -1");
    assert!(validate(bytes_of(three().producer(5, 0, 0)), &rules(), NOW).is_ok());
    assert!(validate(bytes_of(three().producer(-1, -1, -1)), &rules(), NOW).is_ok());
}

#[test]
fn p5_every_single_bit_flip_behind_the_leader_epoch_is_noticed() {
    for codec in Codec::ALL {
        let batch = bytes_of(three().compression(codec, codec.default_level()));
        for bit in MAGIC_AT * 8..batch.len() * 8 {
            let mut flipped = batch.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let refused = refusal(Bytes::from(flipped), &rules());
            let is_magic = bit / 8 == MAGIC_AT && matches!(refused, BatchRefused::InvalidRecord { .. });
            assert!(refused == BatchRefused::Corrupt || is_magic, "{codec:?} bit {bit}: {refused:?}");
        }
    }
}

#[test]
fn p5_lengths_below_a_header_are_corrupt() {
    for length in [-1, 0, 13, 14, 48] {
        let mut batch = bytes_of(three()).to_vec();
        batch[8..12].copy_from_slice(&i32::to_be_bytes(length));
        assert_eq!(refusal(Bytes::from(batch), &rules()), BatchRefused::Corrupt, "{length}");
    }
}

#[test]
fn p5_a_broken_stream_under_a_good_crc_is_an_invalid_record() {
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let plain = bytes_of(three());
        let batch = edited(&plain, |header| header.attributes = codec.id());
        assert!(matches!(refusal(batch, &rules()), BatchRefused::InvalidRecord { .. }), "{codec:?}");
    }
}

#[test]
fn p6_size_as_sent_and_as_compressed_anew() {
    let batch = bytes_of(three());
    let size = batch.len();
    let limited = |limit, codec| ProduceRules { max_message_bytes: limit, ..stored_in(codec) };
    let small = size as i32 - 1;
    let refused = refusal(batch.clone(), &limited(small, Codec::Lz4));
    assert_eq!(refused, BatchRefused::TooLarge { size_bytes: size, limit_bytes: small }, "before it is compressed");
    assert!(validate(batch, &limited(size as i32, Codec::None), NOW).is_ok());

    let mut zeros = BatchBuilder::new();
    zeros.append(NOW.wall_ms, Some(b"k"), Some(&[0; 10_000]), &[]);
    let compressed = bytes_of(zeros.compression(Codec::Zstd, 3));
    assert!(compressed.len() < 1000);
    let refused = refusal(compressed.clone(), &limited(1000, Codec::None));
    assert!(matches!(refused, BatchRefused::TooLarge { size_bytes: 1001.., limit_bytes: 1000 }), "{refused:?}");
    assert!(validate(compressed, &limited(20_000, Codec::None), NOW).is_ok());
}

#[test]
fn p6_a_batch_fits_in_a_segment() {
    let batch = bytes_of(three());
    let size = batch.len() as i32;
    let segments_of = |segment_bytes| ProduceRules { segment_bytes, ..rules() };
    assert_eq!(refusal(batch.clone(), &segments_of(size - 1)), BatchRefused::RecordListTooLarge);
    assert!(validate(batch, &segments_of(size), NOW).is_ok());
}

#[test]
fn p6_a_bomb_is_refused_without_being_held() {
    use std::io::Write;
    let mut encoder = crate::record::compress::Encoder::new(Codec::Zstd, 3, Vec::new()).expect("memory takes all");
    let mut head = Vec::new();
    put_signed(&mut head, i64::from(i32::MAX));
    head.extend([0, 0, 0]);
    put_signed(&mut head, i64::from(i32::MAX) - 100);
    encoder.write_all(&head).expect("memory takes all");
    let zeros = vec![0; 1 << 20];
    for _ in 0..1025 {
        encoder.write_all(&zeros).expect("memory takes all");
    }
    let records = encoder.finish().expect("memory takes all");
    let mut bomb = bytes_of(three())[..HEADER_BYTES].to_vec();
    bomb.extend(records);
    let bomb = edited(&Bytes::from(bomb), |header| {
        (header.attributes, header.record_count, header.last_offset_delta) = (Codec::Zstd.id(), 1, 0)
    });
    assert!(bomb.len() < 1 << 18, "{} bytes", bomb.len());
    let refused = refusal(bomb.clone(), &rules());
    assert!(matches!(refused, BatchRefused::TooLarge { limit_bytes: MAX_DECOMPRESSED_BYTES, .. }), "{refused:?}");
    assert!(matches!(refusal(bomb, &stored_in(Codec::Lz4)), BatchRefused::TooLarge { .. }));
}

#[test]
fn p7_compacted_topics_name_every_record_without_a_key() {
    let compacted = ProduceRules { compacted: true, ..rules() };
    for codec in Codec::ALL {
        let mut builder = three().compression(codec, codec.default_level());
        builder.append(NOW.wall_ms, None, Some(b"x"), &[]).append(NOW.wall_ms, Some(b""), None, &[]);
        builder.append(NOW.wall_ms, None, None, &[]);
        let batch = bytes_of(builder);
        assert!(validate(batch.clone(), &rules(), NOW).is_ok());
        let BatchRefused::InvalidRecord { message, record_errors } = refusal(batch, &compacted) else {
            panic!("not an invalid record")
        };
        assert_eq!(record_errors.iter().map(|error| error.0).collect::<Vec<_>>(), [3, 5]);
        assert!(record_errors[0].1.starts_with("Compacted topic cannot accept message without key"));
        assert!(message.starts_with("One or more records have been rejected due to 2 record errors in total"));
        assert!(validate(bytes_of(three()), &compacted, NOW).is_ok());
    }
}

#[test]
fn p7_refusals_name_a_bounded_number_of_records() {
    let mut builder = BatchBuilder::new();
    for _ in 0..MAX_RECORD_ERRORS + 10 {
        builder.append(NOW.wall_ms, None, None, &[]);
    }
    let compacted = ProduceRules { compacted: true, ..rules() };
    let BatchRefused::InvalidRecord { message, record_errors } = refusal(bytes_of(builder), &compacted) else {
        panic!("not an invalid record")
    };
    assert_eq!(record_errors.len(), MAX_RECORD_ERRORS);
    assert!(message.contains("1010 record errors"));
}

#[test]
fn p8_create_time_lies_in_the_topics_window() {
    let window = ProduceRules { timestamp_before_max_ms: HOUR_MS, timestamp_after_max_ms: HOUR_MS, ..rules() };
    let at = |timestamp_ms, codec: Codec| {
        let mut builder = BatchBuilder::new().compression(codec, codec.default_level());
        builder.append(NOW.wall_ms, None, None, &[]).append(timestamp_ms, None, None, &[]);
        bytes_of(builder)
    };
    for (codec, validation) in
        [(Codec::None, Validation::Records), (Codec::Gzip, Validation::Records), (Codec::Zstd, Validation::Header)]
    {
        let window = ProduceRules { validation, ..window.clone() };
        for good in [NOW.wall_ms - HOUR_MS, NOW.wall_ms + HOUR_MS, -1] {
            assert!(validate(at(good, codec), &window, NOW).is_ok(), "{good} {codec:?}");
        }
        let BatchRefused::InvalidTimestamp { record_errors, .. } =
            refusal(at(NOW.wall_ms + HOUR_MS + 1, codec), &window)
        else {
            panic!("not an invalid timestamp")
        };
        assert_eq!(record_errors[0].0, 1);
        assert!(record_errors[0].1.contains("should be within [1699996400000, 1700003600000]"), "{record_errors:?}");
    }
    for bad in [NOW.wall_ms - HOUR_MS - 1, 0, i64::MAX, i64::MIN] {
        assert!(matches!(refusal(at(bad, Codec::None), &window), BatchRefused::InvalidTimestamp { .. }), "{bad}");
    }
    assert!(validate(at(0, Codec::None), &rules(), NOW).is_ok(), "by default the past is not bounded");
}

#[test]
fn p8_producers_do_not_claim_the_brokers_time() {
    let claiming = |timestamp_ms| {
        let mut builder = BatchBuilder::new().timestamp_type(TimestampType::LogAppendTime);
        builder.append(timestamp_ms, Some(b"k"), None, &[]);
        bytes_of(builder)
    };
    let is_timestamp = |refused| matches!(refused, BatchRefused::InvalidTimestamp { .. });
    assert!(is_timestamp(refusal(claiming(NOW.wall_ms), &by_broker())));
    assert!(is_timestamp(refusal(claiming(-1), &rules())));
    let valid = validate(claiming(NOW.wall_ms), &rules(), NOW).expect("Kafka takes it as the producer's time");
    assert_eq!(valid.header.timestamp_type(), TimestampType::CreateTime);
    assert!(crc::verify(&valid.bytes));
}

#[test]
fn p8_the_broker_stamps_its_own_time() {
    for codec in Codec::ALL {
        for validation in [Validation::Records, Validation::Header] {
            let batch = bytes_of(three().compression(codec, codec.default_level()));
            let valid = validate(batch.clone(), &ProduceRules { validation, ..by_broker() }, NOW).expect("good");
            assert_eq!(valid.append_time_ms, NOW.wall_ms);
            assert_eq!(valid.offset_delta_of_max_timestamp, 0);
            let header = BatchHeader::parse(&valid.bytes).expect("a batch");
            assert_eq!(header, valid.header);
            assert_eq!(header.timestamp_type(), TimestampType::LogAppendTime);
            assert_eq!(header.max_timestamp, NOW.wall_ms);
            assert!(crc::verify(&valid.bytes));
            assert_eq!(valid.bytes[HEADER_BYTES..], batch[HEADER_BYTES..]);
        }
    }
}

#[test]
fn p9_what_needs_no_change_is_not_copied() {
    let pool = ScratchPool::new();
    for codec in Codec::ALL {
        for validation in [Validation::Records, Validation::Header] {
            let batch = bytes_of(three().compression(codec, codec.default_level()));
            let rules = ProduceRules { validation, ..rules() };
            let valid = validate_with(&pool, batch.clone(), &rules, NOW).expect("good");
            assert_eq!(valid.bytes.as_ptr(), batch.as_ptr());
            assert_eq!(valid.append_time_ms, -1);
            let read = codec == Codec::None || validation == Validation::Records;
            assert_eq!(valid.offset_delta_of_max_timestamp, if read { 1 } else { 2 });
        }
    }
}

#[test]
fn p9_a_lying_max_timestamp_is_put_right() {
    let batch = edited(&bytes_of(three()), |header| header.max_timestamp = 12);
    let valid = validate(batch, &rules(), NOW).expect("good");
    assert_eq!(valid.header.max_timestamp, NOW.wall_ms + 5);
    assert_eq!(BatchHeader::parse(&valid.bytes), Ok(valid.header));
    assert!(crc::verify(&valid.bytes));
}

#[test]
fn p9_offsets_inside_are_put_right() {
    let batch = bytes_of(three());
    let mut records = batch[HEADER_BYTES..].to_vec();
    let second = records[0] as usize / 2 + 1;
    assert_eq!(records[second + 3], 2, "the second record's offset delta, 1 in zigzag");
    records[second + 3] = 20;
    for codec in Codec::ALL {
        let twisted = with_records(&batch, codec, &records);
        let twisted = edited(&twisted, |header| header.max_timestamp = NOW.wall_ms + 5);
        let valid = validate(twisted.clone(), &rules(), NOW).expect("rebuilt");
        assert_eq!(read_back(&valid.bytes), read_back(&batch));
        assert_eq!(valid.header.codec(), Ok(codec));
        assert!(crc::verify(&valid.bytes));
        let deltas = record_deltas(&valid);
        assert_eq!(deltas, [0, 1, 2]);
        let trusting = ProduceRules { validation: Validation::Header, ..rules() };
        let trusted = validate(twisted.clone(), &trusting, NOW).expect("good").bytes == twisted;
        assert_eq!(trusted, codec != Codec::None);
    }
}

fn record_deltas(valid: &ValidBatch) -> Vec<i32> {
    let records = crate::record::record_bytes(&valid.header, &valid.bytes, 1 << 20).expect("decompresses");
    RecordIter::new(&records, valid.header.record_count).map(|record| record.expect("a record").offset_delta).collect()
}

proptest! {
    #[test]
    fn p9_every_codec_becomes_every_other(records in owned_records()) {
        for source in Codec::ALL {
            for target in Codec::ALL {
                let built = builder(&records).producer(9, 1, 5).compression(source, source.default_level());
                let batch = bytes_of(built);
                let valid = validate(batch.clone(), &stored_in(target), NOW).expect("good");
                prop_assert_eq!(valid.header.codec(), Ok(target));
                prop_assert_eq!(BatchHeader::parse(&valid.bytes), Ok(valid.header));
                prop_assert!(crc::verify(&valid.bytes));
                prop_assert_eq!(read_back(&valid.bytes), records.clone());
                prop_assert_eq!((valid.header.producer_id, valid.header.base_sequence), (9, 5));
                prop_assert_eq!(source == target, valid.bytes.as_ptr() == batch.as_ptr());
            }
        }
    }

    #[test]
    fn p5_arbitrary_records_under_a_good_crc_never_panic(
        records in proptest::collection::vec(any::<u8>(), 0..200),
        attributes in any::<i16>(),
        count in prop_oneof![1i32..10, any::<i32>()],
    ) {
        let mut batch = bytes_of(three())[..HEADER_BYTES].to_vec();
        batch.extend(records);
        let batch = edited(&Bytes::from(batch), |header| {
            header.attributes = attributes;
            header.record_count = count;
            header.last_offset_delta = count.wrapping_sub(1);
        });
        for rules in [rules(), by_broker(), stored_in(Codec::Lz4)] {
            if let Ok(valid) = validate(batch.clone(), &rules, NOW) {
                prop_assert!(crc::verify(&valid.bytes));
                prop_assert_eq!(record_deltas(&valid).len(), count as usize, "a reader finds what the walk found");
            }
        }
    }

    #[test]
    fn p5_arbitrary_bytes_never_panic_here(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(validate(Bytes::from(bytes), &rules(), NOW).is_err());
    }
}
