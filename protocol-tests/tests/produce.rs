//! Produce (key 0), versions 3–13.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::produce_response::PartitionProduceResponse;
use kafka_protocol::messages::{ProduceRequest, TransactionalId};
use protocol_tests::records::{batches, Batch, GZIP, TIMESTAMP, ZSTD};
use protocol_tests::topics::{produce_request, Topic, IDS_FROM};
use protocol_tests::{error, eventually, shared, text, Broker, Client};
use std::time::{SystemTime, UNIX_EPOCH};

const VERSIONS: std::ops::RangeInclusive<i16> = 3..=13;

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

fn assert_refused(response: &PartitionProduceResponse, why: ResponseError) {
    assert_eq!(error(response.error_code), Some(why), "{:?}", response.error_message);
    assert_eq!((response.base_offset, response.log_append_time_ms), (-1, -1), "{why:?}");
}

/// Each batch alone is refused so, and nothing is written.
fn assert_all_refused(client: &mut Client, topic: &Topic, batches: &[(&str, Batch)], why: ResponseError) {
    for (what, batch) in batches {
        let response = client.produce(topic, 0, batch);
        assert_eq!(error(response.error_code), Some(why), "{what}: {:?}", response.error_message);
    }
    assert_eq!(client.list_offset(topic, 0, -1).offset, 0, "something was written");
}

#[test]
fn p14_every_version_appends_at_the_next_offset() {
    let mut client = shared().connect();
    let topic = client.create_topic("produce-versions", 1, &[]);
    let mut expected = 0;
    for version in VERSIONS {
        for acks in [-1, 1] {
            let records = Batch::of(&["a", "b"]).encode();
            let response = client.call(version, &produce_request(version, acks, &[(&topic, 0, Some(records))]));
            assert_eq!((response.throttle_time_ms, response.responses.len()), (0, 1));
            let of_topic = &response.responses[0];
            if version >= IDS_FROM {
                assert_eq!(of_topic.topic_id, topic.id);
            } else {
                assert_eq!(&*of_topic.name.0, "produce-versions");
            }
            let partition = &of_topic.partition_responses[0];
            assert_eq!((error(partition.error_code), partition.index), (None, 0), "version {version}");
            assert_eq!((partition.base_offset, partition.log_append_time_ms), (expected, -1), "version {version}");
            if version >= 5 {
                assert_eq!(partition.log_start_offset, 0);
            }
            assert!(partition.record_errors.is_empty() && partition.error_message.is_none());
            expected += 2;
        }
    }
    assert_eq!(client.values(&topic, 0).len(), expected as usize);
}

#[test]
fn p1_other_acks_are_invalid_required_acks() {
    let mut client = shared().connect();
    let topic = client.create_topic("produce-acks", 1, &[]);
    for (version, acks) in [(3, 2), (9, -2), (13, i16::MAX), (13, i16::MIN)] {
        let records = Some(Batch::of(&["a"]).encode());
        let response = client.call(version, &produce_request(version, acks, &[(&topic, 0, records)]));
        let partition = &response.responses[0].partition_responses[0];
        assert_refused(partition, ResponseError::InvalidRequiredAcks);
    }
    assert_eq!(client.list_offset(&topic, 0, -1).offset, 0);
}

#[test]
fn p2_acks_zero_gets_no_answer() {
    let mut client = shared().connect();
    let topic = client.create_topic("produce-silent", 1, &[]);
    for version in VERSIONS {
        client.send(version, &produce_request(version, 0, &[(&topic, 0, Some(Batch::of(&["a"]).encode()))]));
    }
    // The next answer is the next request's.
    client.api_versions();
    let mut other = shared().connect();
    let expected = VERSIONS.count() as i64;
    eventually("what was sent without acks", || (other.list_offset(&topic, 0, -1).offset == expected).then_some(()));
}

#[test]
fn p2_an_error_with_acks_zero_closes_the_connection() {
    let broker = shared();
    let topic = broker.connect().create_topic("produce-silent-errors", 1, &[]);
    let mut bad_crc = Batch::of(&["a"]).encode().to_vec();
    bad_crc[65] ^= 1;
    let failing = [
        produce_request(9, 0, &[(&Topic::unknown("nobody-made-this"), 0, Some(Batch::of(&["a"]).encode()))]),
        produce_request(9, 0, &[(&topic, 7, Some(Batch::of(&["a"]).encode()))]),
        produce_request(9, 0, &[(&topic, 0, None)]),
        produce_request(9, 0, &[(&topic, 0, Some(bad_crc.into()))]),
    ];
    for request in failing {
        let mut client = broker.connect();
        client.send(9, &request);
        client.expect_close();
    }
    // One that goes well beside one that does not: closed as well, and written.
    let mut client = broker.connect();
    let unknown = Topic::unknown("nobody-made-this");
    let records = || Some(Batch::of(&["a"]).encode());
    client.send(9, &produce_request(9, 0, &[(&topic, 0, records()), (&unknown, 0, records())]));
    client.expect_close();
    assert_eq!(broker.connect().list_offset(&topic, 0, -1).offset, 1);
}

#[test]
fn p3_anything_but_one_batch_of_magic_2_is_an_invalid_record() {
    let mut client = shared().connect();
    let topic = client.create_topic("produce-one-batch", 1, &[]);
    let one = Batch::of(&["a"]).encode();
    let two = [one.clone(), one.clone()].concat();
    let old = |magic| Batch { magic, ..Batch::of(&["a"]) }.encode();
    let payloads = [None, Some(Vec::new()), Some(two), Some(old(0).to_vec()), Some(old(1).to_vec())];
    for version in [3, 8, 9, 13] {
        for (case, records) in payloads.iter().enumerate() {
            let request = produce_request(version, -1, &[(&topic, 0, records.clone().map(Into::into))]);
            let response = client.call(version, &request);
            let partition = &response.responses[0].partition_responses[0];
            assert_eq!(error(partition.error_code), Some(ResponseError::InvalidRecord), "{version}, case {case}");
        }
    }
    assert_eq!(client.list_offset(&topic, 0, -1).offset, 0);
}

#[test]
fn p3_zstd_needs_version_7() {
    let mut client = shared().connect();
    let topic = client.create_topic("produce-zstd", 1, &[]);
    let batch = Batch::of(&["a", "b"]).with_attributes(ZSTD).encode();
    for version in 3..=6 {
        let response = client.produce_bytes(version, &topic, 0, batch.clone());
        assert_refused(&response, ResponseError::UnsupportedCompressionType);
    }
    assert_eq!(error(client.produce_bytes(7, &topic, 0, batch).error_code), None);
    assert_eq!(client.list_offset(&topic, 0, -1).offset, 2);
}

#[test]
fn p4_d24_fields_that_are_not_the_producers_are_invalid_records() {
    let mut client = shared().connect();
    let topic = client.create_topic("produce-fields", 1, &[]);
    let batch = || Batch::of(&["a", "b"]);
    let cases = [
        ("base offset 1", Batch { base_offset: 1, ..batch() }),
        ("a count below the last delta", Batch { claimed_count: Some(1), claimed_last_delta: Some(1), ..batch() }),
        ("a last delta above the count", Batch { claimed_last_delta: Some(2), ..batch() }),
        ("a count above the records", Batch { claimed_count: Some(3), ..batch() }),
        ("no records", Batch::of(&[])),
        ("a negative count", Batch { claimed_count: Some(-1), ..batch() }),
        ("a control batch", batch().with_attributes(0x20)),
        ("no sequence", batch().from_producer(7, 0, -1)),
    ];
    assert_all_refused(&mut client, &topic, &cases, ResponseError::InvalidRecord);
}

#[test]
fn p5_a_wrong_checksum_or_size_is_corrupt() {
    let mut client = shared().connect();
    let topic = client.create_topic("produce-corrupt", 1, &[]);
    let good = Batch::of(&["a", "b"]).encode();
    // Whatever the checksum covers.
    for at in [17, 20, 24, 40, 60, 62, good.len() - 1] {
        let mut bytes = good.to_vec();
        bytes[at] ^= 0x40;
        assert_refused(&client.produce_bytes(9, &topic, 0, bytes.into()), ResponseError::CorruptMessage);
    }
    let mut short = good.to_vec();
    short[8..12].copy_from_slice(&20i32.to_be_bytes());
    assert_refused(&client.produce_bytes(9, &topic, 0, short.into()), ResponseError::CorruptMessage);
    assert_eq!(client.list_offset(&topic, 0, -1).offset, 0);
    // Afterwards all is well.
    assert_eq!(client.append(&topic, 0, &["a"]), 0);
}

#[test]
fn p6_batches_over_the_topics_limit_are_too_large() {
    let mut client = shared().connect();
    let topic = client.create_topic("produce-large", 1, &[("max.message.bytes", "1000")]);
    let overhead = Batch::of_size(900).encode().len() - 900;
    let fits = Batch::of_size(1000 - overhead);
    assert_eq!(fits.encode().len(), 1000);
    assert_refused(&client.produce(&topic, 0, &Batch::of_size(1001 - overhead)), ResponseError::MessageTooLarge);
    assert_eq!(error(client.produce(&topic, 0, &fits).error_code), None);
    // Kafka's default is 1 MiB and the header of a message.
    let default = client.create_topic("produce-large-default", 1, &[]);
    let overhead = Batch::of_size(1_048_000).encode().len() - 1_048_000;
    let large = Batch::of_size(1_048_589 - overhead);
    assert_refused(&client.produce(&default, 0, &large), ResponseError::MessageTooLarge);
    assert_eq!(error(client.produce(&default, 0, &Batch::of_size(1_048_588 - overhead)).error_code), None);
}

#[test]
fn p6_batches_over_a_segment_are_record_lists_too_large() {
    let mut client = shared().connect();
    let configs = [("max.message.bytes", "3000000"), ("segment.bytes", "1048576")];
    let topic = client.create_topic("produce-segment", 1, &configs);
    let response = client.produce(&topic, 0, &Batch::of_size(1_048_576));
    assert_refused(&response, ResponseError::RecordListTooLarge);
}

#[test]
fn p7_a_null_key_in_a_compacted_topic_is_an_invalid_record() {
    let mut client = shared().connect();
    let topic = client.create_topic("produce-compacted", 1, &[("cleanup.policy", "compact")]);
    let batch = Batch::of(&["a", "b", "c", "d"]).keyed(&[Some("k"), None, Some("k"), None]);
    for version in VERSIONS {
        let response = client.produce_bytes(version, &topic, 0, batch.encode());
        assert_refused(&response, ResponseError::InvalidRecord);
        if version >= 8 {
            let indexes: Vec<i32> = response.record_errors.iter().map(|record| record.batch_index).collect();
            assert_eq!(indexes, [1, 3]);
            assert!(response.error_message.is_some());
        }
    }
    let keyed = Batch::of(&["a", "b"]).keyed(&[Some("k"), Some("")]);
    assert_eq!(client.produce(&topic, 0, &keyed).base_offset, 0);
}

#[test]
fn p8_timestamps_outside_the_window_are_invalid() {
    let mut client = shared().connect();
    let now = now_ms();
    let hour = 3_600_000;
    let topic = client.create_topic("produce-times", 1, &[]);
    // By default the past is open and the future an hour long.
    assert_eq!(error(client.produce(&topic, 0, &Batch::of(&["a"]).at(&[1])).error_code), None);
    assert_eq!(error(client.produce(&topic, 0, &Batch::of(&["a"]).at(&[now + hour / 2])).error_code), None);
    let future = Batch::of(&["a", "b"]).at(&[now, now + 2 * hour]);
    let refused = client.produce(&topic, 0, &future);
    assert_refused(&refused, ResponseError::InvalidTimestamp);
    assert_eq!(refused.record_errors.iter().map(|record| record.batch_index).collect::<Vec<_>>(), [1]);
    let strict = [("message.timestamp.before.max.ms", "60000"), ("message.timestamp.after.max.ms", "60000")];
    let topic = client.create_topic("produce-times-strict", 1, &strict);
    for timestamp in [now - hour, now + hour] {
        let refused = client.produce(&topic, 0, &Batch::of(&["a"]).at(&[timestamp]));
        assert_refused(&refused, ResponseError::InvalidTimestamp);
    }
    assert_eq!(error(client.produce(&topic, 0, &Batch::of(&["a"]).at(&[now])).error_code), None);
}

#[test]
fn p8_log_append_time_stamps_the_batch() {
    let mut client = shared().connect();
    let topic = client.create_topic("produce-append-time", 1, &[("message.timestamp.type", "LogAppendTime")]);
    let before = now_ms();
    let response = client.produce(&topic, 0, &Batch::of(&["a", "b"]).at(&[1, 2]));
    let after = now_ms();
    assert_eq!(error(response.error_code), None);
    assert!((before..=after).contains(&response.log_append_time_ms), "{}", response.log_append_time_ms);
    let stored = client.read_from(&topic, 0, 0);
    assert_eq!((stored[0].max_timestamp, stored[0].attributes), (response.log_append_time_ms, 8));
    assert_eq!(client.list_offset(&topic, 0, before).offset, 0);
    // A producer that claims the broker's stamp is refused.
    let claimed = Batch::of(&["a"]).with_attributes(8);
    assert_refused(&client.produce(&topic, 0, &claimed), ResponseError::InvalidTimestamp);
}

#[test]
fn p9_bytes_stay_unless_the_topic_has_a_codec() {
    let mut client = shared().connect();
    let topic = client.create_topic("produce-codec-kept", 1, &[]);
    for attributes in [0, GZIP, ZSTD] {
        let sent = Batch::of(&["aaaa", "bbbb"]).with_attributes(attributes).encode();
        let response = client.produce_bytes(9, &topic, 0, sent.clone());
        assert_eq!(error(response.error_code), None);
        let fetched = client.fetch(&topic, 0, response.base_offset);
        let stored = batches(&fetched.records.unwrap());
        // Base offset and leader epoch are the broker's; the checksum and all it covers are the producer's.
        assert_eq!(stored[0].bytes[8..12], sent[8..12]);
        assert_eq!(stored[0].bytes[16..], sent[16..]);
    }
    for (codec, attributes) in [("gzip", 1), ("snappy", 2), ("lz4", 3), ("zstd", 4), ("uncompressed", 0)] {
        let name = format!("produce-codec-{codec}");
        let topic = client.create_topic(&name, 1, &[("compression.type", codec)]);
        let sent = Batch::of(&["aaaa", "bbbb"]).with_attributes(if codec == "zstd" { GZIP } else { ZSTD });
        assert_eq!(error(client.produce(&topic, 0, &sent).error_code), None, "{codec}");
        let stored = client.read_from(&topic, 0, 0);
        assert_eq!((stored[0].attributes, stored[0].count), (attributes, 2), "{codec}");
        assert_eq!(stored[0].max_timestamp, TIMESTAMP);
    }
}

#[test]
fn p10_unknown_topics_by_name_and_by_id() {
    let mut client = shared().connect();
    let unknown = Topic::unknown("nobody-made-this");
    for version in VERSIONS {
        let response = client.produce_bytes(version, &unknown, 0, Batch::of(&["a"]).encode());
        let why =
            if version >= IDS_FROM { ResponseError::UnknownTopicId } else { ResponseError::UnknownTopicOrPartition };
        assert_refused(&response, why);
    }
    let topic = client.create_topic("produce-partitions", 2, &[]);
    for index in [2, -1, i32::MAX, i32::MIN] {
        let response = client.produce(&topic, index, &Batch::of(&["a"]));
        assert_refused(&response, ResponseError::UnknownTopicOrPartition);
        assert_eq!(response.index, index);
    }
}

#[test]
fn p12_one_replica_needs_no_more_than_itself() {
    // The lesser of min.insync.replicas and the replicas there are.
    let mut client = shared().connect();
    let topic = client.create_topic("produce-min-insync", 1, &[("min.insync.replicas", "2")]);
    assert_eq!(client.append(&topic, 0, &["a"]), 0);
}

#[test]
fn p13_internal_topics_take_the_admin_clients_writes_only() {
    let mut client = shared().connect();
    client.find_coordinator("produce-internal");
    let internal =
        Topic { name: "__consumer_offsets".to_owned(), id: client.describe_topic("__consumer_offsets").topic_id };
    for version in [3, 9, 13] {
        let response = client.produce_bytes(version, &internal, 0, Batch::of(&["a"]).encode());
        assert_refused(&response, ResponseError::InvalidTopicException);
    }
}

#[test]
fn p13_the_admin_client_may_write_to_internal_topics() {
    let broker = Broker::start();
    let mut client = broker.connect();
    client.find_coordinator("produce-admin");
    let id = client.describe_topic("__consumer_offsets").topic_id;
    let internal = Topic { name: "__consumer_offsets".to_owned(), id };
    // The deletion of an offset that was never committed: group, topic and partition in the key, and no value.
    let mut key = vec![0, 1];
    for text in ["g", "t"] {
        key.extend([0, text.len() as u8]);
        key.extend(text.as_bytes());
    }
    key.extend([0; 4]);
    let batch = Batch { records: vec![(Some(key), None)], ..Batch::default() };
    client.client_id = "__admin_client".to_owned();
    assert_eq!(error(client.produce(&internal, 0, &batch).error_code), None);
}

#[test]
fn p15_each_partition_has_its_own_result() {
    let mut client = shared().connect();
    let topic = client.create_topic("produce-each", 3, &[]);
    let unknown = Topic::unknown("nobody-made-this");
    let good = || Some(Batch::of(&["a"]).encode());
    let mut bad = Batch::of(&["a"]).encode().to_vec();
    bad[65] ^= 1;
    let partitions = [
        (&topic, 0, good()),
        (&topic, 1, Some(bad.into())),
        (&unknown, 0, good()),
        (&topic, 2, None),
        (&topic, 2, good()),
    ];
    for version in [9, 13] {
        let response = client.call(version, &produce_request(version, -1, &partitions));
        let errors: Vec<_> =
            response.responses.iter().map(|topic| error(topic.partition_responses[0].error_code)).collect();
        let unknown =
            if version >= IDS_FROM { ResponseError::UnknownTopicId } else { ResponseError::UnknownTopicOrPartition };
        let [corrupt, invalid] = [ResponseError::CorruptMessage, ResponseError::InvalidRecord];
        assert_eq!(errors[..4], [None, Some(corrupt), Some(unknown), Some(invalid)], "version {version}");
    }
}

#[test]
fn p16_of_two_faults_the_first_check_names_one() {
    let mut client = shared().connect();
    let topic = client.create_topic("produce-order", 1, &[("max.message.bytes", "500")]);
    client.produce(&topic, 0, &Batch::of(&["a"]).from_producer(900_077, 0, 0));
    let unknown = Topic::unknown("nobody-made-this");
    let magic_1 = Batch { magic: 1, ..Batch::of(&["a"]) }.encode();
    let large = Batch { base_offset: 1, ..Batch::of_size(600) };
    let mut bad_crc = large.encode().to_vec();
    bad_crc[70] ^= 1;
    let mut large_and_corrupt = Batch::of_size(600).encode().to_vec();
    large_and_corrupt[70] ^= 1;
    let out_of_time = Batch::of(&["a"]).at(&[i64::MAX / 2]);
    let mut corrupt_and_late = out_of_time.encode().to_vec();
    corrupt_and_late[65] ^= 1;
    let cases = [
        ("existence before magic", &unknown, -1, magic_1.clone(), ResponseError::UnknownTopicOrPartition),
        ("magic before acks", &topic, 7, magic_1, ResponseError::InvalidRecord),
        ("acks before the checksum", &topic, 7, corrupt_and_late.clone().into(), ResponseError::InvalidRequiredAcks),
        ("base offset before size", &topic, -1, large.encode(), ResponseError::InvalidRecord),
        ("base offset before the checksum", &topic, -1, bad_crc.into(), ResponseError::InvalidRecord),
        ("size before the checksum", &topic, -1, large_and_corrupt.into(), ResponseError::MessageTooLarge),
        ("the checksum before timestamps", &topic, -1, corrupt_and_late.into(), ResponseError::CorruptMessage),
        (
            "timestamps before the producer",
            &topic,
            -1,
            out_of_time.from_producer(900_077, 0, 5).encode(),
            ResponseError::InvalidTimestamp,
        ),
    ];
    for (what, topic, acks, bytes, why) in cases {
        let response = client.call(9, &produce_request(9, acks, &[(topic, 0, Some(bytes))]));
        let partition = &response.responses[0].partition_responses[0];
        assert_eq!(error(partition.error_code), Some(why), "{what}: {:?}", partition.error_message);
    }
    assert_eq!(client.list_offset(&topic, 0, -1).offset, 1);
}

#[test]
fn transactional_data_is_refused_and_not_written() {
    let mut client = shared().connect();
    let topic = client.create_topic("produce-transactional", 1, &[]);
    let batch = Batch::of(&["a"]).from_producer(7, 0, 0).with_attributes(0x10).encode();
    let request: ProduceRequest = produce_request(9, -1, &[(&topic, 0, Some(batch))])
        .with_transactional_id(Some(TransactionalId(text("transaction"))));
    let response = client.call(9, &request);
    assert!(error(response.responses[0].partition_responses[0].error_code).is_some());
    assert_eq!(client.list_offset(&topic, 0, -1).offset, 0);
}

#[test]
fn i1_the_last_five_batches_are_known_again() {
    let mut client = shared().connect();
    let topic = client.create_topic("produce-duplicates", 1, &[]);
    let (id, epoch) = client.init_producer_id();
    let batch = |sequence| Batch::of(&["a", "b"]).from_producer(id, epoch, sequence);
    for number in 0..6 {
        let response = client.produce(&topic, 0, &batch(2 * number));
        assert_eq!((error(response.error_code), response.base_offset), (None, i64::from(2 * number)));
    }
    for number in 1..6 {
        let response = client.produce(&topic, 0, &batch(2 * number));
        assert_eq!((error(response.error_code), response.base_offset), (None, i64::from(2 * number)), "a duplicate");
    }
    let response = client.produce(&topic, 0, &batch(0));
    assert_refused(&response, ResponseError::OutOfOrderSequenceNumber);
    assert_eq!(client.list_offset(&topic, 0, -1).offset, 12, "duplicates are not written");
}

#[test]
fn i2_the_next_sequence_follows_and_wraps() {
    let mut client = shared().connect();
    let topic = client.create_topic("produce-sequence", 2, &[]);
    let (id, epoch) = client.init_producer_id();
    let batch = |sequence| Batch::of(&["a", "b"]).from_producer(id, epoch, sequence);
    assert_eq!(client.produce(&topic, 0, &batch(0)).base_offset, 0);
    for sequence in [1, 3, 100, i32::MAX] {
        let response = client.produce(&topic, 0, &batch(sequence));
        assert_refused(&response, ResponseError::OutOfOrderSequenceNumber);
    }
    assert_eq!(client.produce(&topic, 0, &batch(2)).base_offset, 2);
    // The last sequence of this batch is 0: it wraps within.
    assert_eq!(client.produce(&topic, 1, &batch(i32::MAX)).base_offset, 0);
    assert_eq!(client.produce(&topic, 1, &batch(1)).base_offset, 2);
    assert_eq!(client.produce(&topic, 1, &batch(i32::MAX)).base_offset, 0, "a duplicate");
}

#[test]
fn i3_older_epochs_are_fenced_and_newer_ones_start_at_zero() {
    let mut client = shared().connect();
    let topic = client.create_topic("produce-epochs", 1, &[]);
    let (id, _) = client.init_producer_id();
    let batch = |epoch, sequence| Batch::of(&["a"]).from_producer(id, epoch, sequence);
    assert_eq!(client.produce(&topic, 0, &batch(3, 0)).base_offset, 0);
    assert_refused(&client.produce(&topic, 0, &batch(2, 1)), ResponseError::InvalidProducerEpoch);
    assert_refused(&client.produce(&topic, 0, &batch(2, 0)), ResponseError::InvalidProducerEpoch);
    assert_refused(&client.produce(&topic, 0, &batch(4, 1)), ResponseError::OutOfOrderSequenceNumber);
    assert_eq!(client.produce(&topic, 0, &batch(4, 0)).base_offset, 1);
    assert_refused(&client.produce(&topic, 0, &batch(3, 1)), ResponseError::InvalidProducerEpoch);
}

#[test]
fn i4_an_unknown_producer_starts_anywhere() {
    let mut client = shared().connect();
    let topic = client.create_topic("produce-anywhere", 1, &[]);
    for (id, epoch, sequence) in [(900_001, 0, 0), (900_002, 7, 12_345), (900_003, i16::MAX, i32::MAX)] {
        let response = client.produce(&topic, 0, &Batch::of(&["a"]).from_producer(id, epoch, sequence));
        assert_eq!(error(response.error_code), None, "{id}");
    }
}

#[test]
fn i8_five_batches_in_flight_stay_in_order() {
    let mut client = shared().connect();
    let topic = client.create_topic("produce-in-flight", 1, &[]);
    let (id, epoch) = client.init_producer_id();
    let batch = |sequence| Some(Batch::of(&["a"]).from_producer(id, epoch, sequence).encode());
    for round in 0..20 {
        let sequences = 5 * round..5 * round + 5;
        let sent: Vec<i32> = sequences
            .clone()
            .map(|sequence| client.send(9, &produce_request(9, -1, &[(&topic, 0, batch(sequence))])))
            .collect();
        for (correlation_id, sequence) in sent.into_iter().zip(sequences) {
            let (answered, response) = client.receive::<ProduceRequest>(9);
            let partition = &response.responses[0].partition_responses[0];
            assert_eq!(answered, correlation_id);
            assert_eq!((error(partition.error_code), partition.base_offset), (None, i64::from(sequence)));
        }
    }
}

#[test]
fn i6_sequences_are_known_after_a_kill() {
    let mut broker = Broker::start();
    let mut client = broker.connect();
    let topic = client.create_topic("produce-killed", 1, &[]);
    let (id, epoch) = client.init_producer_id();
    let batch = |sequence| Batch::of(&["a"]).from_producer(id, epoch, sequence);
    for sequence in 0..7 {
        assert_eq!(client.produce(&topic, 0, &batch(sequence)).base_offset, i64::from(sequence));
    }
    broker.kill_and_restart();
    let mut client = broker.connect();
    // The answer to the last was lost, say, and it is sent again; then the next follows.
    for sequence in [6, 3] {
        let response = client.produce(&topic, 0, &batch(sequence));
        assert_eq!((error(response.error_code), response.base_offset), (None, i64::from(sequence)), "a duplicate");
    }
    assert_refused(&client.produce(&topic, 0, &batch(8)), ResponseError::OutOfOrderSequenceNumber);
    assert_eq!(client.produce(&topic, 0, &batch(7)).base_offset, 7);
    assert_eq!(client.values(&topic, 0).len(), 8);
    let (fresh, _) = client.init_producer_id();
    assert_ne!(fresh, id, "an id is never given twice");
}

#[test]
fn p14_what_was_acknowledged_is_there_after_a_kill() {
    let mut broker = Broker::start();
    let mut client = broker.connect();
    let topic = client.create_topic("produce-survives", 3, &[("segment.bytes", "1048576")]);
    let mut expected = vec![Vec::new(); 3];
    for number in 0..300 {
        let partition = number % 3;
        let value = format!("{number}-{}", "x".repeat(20_000));
        client.append(&topic, partition as i32, &[&value]);
        expected[partition].push(value);
    }
    // In flight when it dies: there or not, but never in part, and never before what was acknowledged.
    for _ in 0..20 {
        client.send(9, &produce_request(9, -1, &[(&topic, 0, Some(Batch::of(&["in flight"]).encode()))]));
    }
    broker.kill_and_restart();
    let mut client = broker.connect();
    for (partition, expected) in expected.iter().enumerate() {
        let values = client.values(&topic, partition as i32);
        assert_eq!(values[..expected.len()], expected[..], "partition {partition}");
        assert!(values[expected.len()..].iter().all(|value| value == "in flight"));
        assert_eq!(client.append(&topic, partition as i32, &["next"]), values.len() as i64);
    }
    assert_eq!(client.describe_topic("produce-survives").topic_id, topic.id);
}
