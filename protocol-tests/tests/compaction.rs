//! Compaction over the wire: old values go, offsets stay, and what is left can be read and written to.

use protocol_tests::records::{Batch, Record, Stored, GZIP, ZSTD};
use protocol_tests::topics::{produce_request, Topic};
use protocol_tests::transactions::{end_request, transactional_id};
use protocol_tests::{error, eventually, Broker, Client};

/// A segment for each batch whose time is a second later, and cleaning as soon as there is anything to clean.
const COMPACTED: [(&str, &str); 3] =
    [("cleanup.policy", "compact"), ("segment.ms", "500"), ("min.cleanable.dirty.ratio", "0.001")];
const SECOND_MS: i64 = 1_000;

fn broker() -> Broker {
    Broker::with(&["log.cleaner.backoff.ms=20", "log.message.timestamp.after.max.ms=9223372036854775807"])
}

/// Records of one batch, by the second from now on in which it was made: markers have the broker's time.
fn batch(second: i64, records: &[(&str, Option<&str>)]) -> Batch {
    let owned = |(key, value): &(&str, Option<&str>)| -> Record {
        (Some(key.as_bytes().to_vec()), value.map(|value| value.as_bytes().to_vec()))
    };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock");
    let base_timestamp = now.as_millis() as i64 + second * SECOND_MS;
    Batch { records: records.iter().map(owned).collect(), base_timestamp, ..Batch::default() }
}

fn put(client: &mut Client, topic: &Topic, batch: &Batch) -> i64 {
    let result = client.produce(topic, 0, batch);
    assert_eq!(error(result.error_code), None);
    result.base_offset
}

/// Base offset, last offset and number of records of each batch.
fn shape(batches: &[Stored]) -> Vec<(i64, i64, i32)> {
    let of = |batch: &Stored| (batch.base_offset, batch.base_offset + i64::from(batch.last_offset_delta), batch.count);
    batches.iter().map(of).collect()
}

fn until(client: &mut Client, topic: &Topic, what: &str, expected: &[(i64, i64, i32)]) -> Vec<Stored> {
    let mut last = Vec::new();
    eventually(what, || {
        let batches = client.read_from(topic, 0, 0);
        let found = shape(&batches);
        if found != last {
            println!("{found:?}");
            last.clone_from(&found);
        }
        (found == expected).then_some(batches)
    })
}

#[test]
fn c4_c5_old_values_go_and_offsets_stay() {
    let mut broker = broker();
    let mut client = broker.connect();
    let mut configs = COMPACTED.to_vec();
    configs.push(("delete.retention.ms", "1000"));
    let topic = client.create_topic("compacted", 1, &configs);
    put(&mut client, &topic, &batch(1, &[("a", Some("1")), ("b", Some("1")), ("c", Some("1"))]));
    put(&mut client, &topic, &batch(2, &[("a", Some("2")), ("d", Some("2"))]).with_attributes(GZIP));
    put(&mut client, &topic, &batch(3, &[("b", None), ("a", Some("3"))]));
    put(&mut client, &topic, &batch(4, &[("e", Some("4"))]).with_attributes(ZSTD));
    put(&mut client, &topic, &batch(5, &[("end", Some("5"))]));
    let cleaned = [(0, 2, 1), (3, 4, 1), (5, 6, 2), (7, 7, 1), (8, 8, 1)];
    let batches = until(&mut client, &topic, "the old values are gone", &cleaned);
    assert_eq!(batches[0].values(), ["1"], "the value of c");
    assert_eq!(batches[2].values(), ["", "3"]);
    assert_eq!(batches[2].attributes & 0x40, 0x40, "its tombstone has a delete horizon");
    // From the middle of what is gone as well.
    assert_eq!(client.fetch(&topic, 0, 1).high_watermark, 9);
    assert_eq!(shape(&client.read_from(&topic, 0, 4)), cleaned[1..]);
    broker.kill_and_restart();
    let mut client = broker.connect();
    assert_eq!(shape(&client.read_from(&topic, 0, 0)), cleaned);
    // The tombstone goes once its time is over and something else makes the log dirty.
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    assert_eq!(put(&mut client, &topic, &batch(6, &[("c", Some("6"))])), 9);
    put(&mut client, &topic, &batch(7, &[("end", Some("7"))]));
    until(
        &mut client,
        &topic,
        "the tombstone is gone",
        &[(3, 4, 1), (5, 6, 1), (7, 7, 1), (8, 8, 1), (9, 9, 1), (10, 10, 1)],
    );
    broker.assert_well();
}

#[test]
fn c7_a_producer_goes_on_after_its_last_batch_was_emptied() {
    let mut broker = broker();
    let mut client = broker.connect();
    let topic = client.create_topic("compacted-producers", 1, &COMPACTED);
    let (id, epoch) = client.init_producer_id();
    put(&mut client, &topic, &batch(1, &[("a", Some("1")), ("b", Some("1"))]).from_producer(id, epoch, 0));
    put(&mut client, &topic, &batch(20, &[("a", Some("3")), ("b", Some("3"))]));
    put(&mut client, &topic, &batch(40, &[("end", Some("4"))]));
    let cleaned = [(0, 1, 0), (2, 3, 2), (4, 4, 1)];
    until(&mut client, &topic, "the old values are gone", &cleaned);
    broker.kill_and_restart();
    let mut client = broker.connect();
    let again = batch(41, &[("a", Some("5"))]).from_producer(id, epoch, 2);
    assert_eq!(put(&mut client, &topic, &again), 5, "the next sequence");
    assert_eq!(put(&mut client, &topic, &again), 5, "is known again");
    broker.assert_well();
}

#[test]
fn c6_c7_aborted_records_go_and_their_marker_stays_with_the_last_batch() {
    let mut broker = broker();
    let mut client = broker.connect();
    let topic = client.create_topic("compacted-transactions", 1, &COMPACTED);
    let (id, epoch) = client.init_producer_id();
    put(&mut client, &topic, &batch(1, &[("a", Some("1")), ("b", Some("1"))]).from_producer(id, epoch, 0));
    let producer = client.init_transactions("compacting");
    let transactional = |second, key: &str, sequence| {
        let batch = batch(second, &[(key, Some("t"))]).from_producer(producer.id, producer.epoch, sequence);
        batch.with_attributes(0x10)
    };
    assert_eq!(client.add_partition_to_txn(&producer, &topic.name, 0), None);
    let request = produce_request(9, -1, &[(&topic, 0, Some(transactional(2, "a", 0).encode()))]);
    let request = request.with_transactional_id(Some(transactional_id(&producer.transactional_id)));
    assert_eq!(error(client.call(9, &request).responses[0].partition_responses[0].error_code), None);
    assert_eq!(error(client.call(3, &end_request(&producer, false)).error_code), None);
    eventually("the marker of the abort", || (client.list_offset(&topic, 0, -1).offset == 4).then_some(()));
    put(&mut client, &topic, &batch(20, &[("a", Some("3")), ("b", Some("3"))]));
    put(&mut client, &topic, &batch(40, &[("end", Some("4"))]));
    // Both producers' last batches are left empty, and the marker stays with the empty batch of its transaction.
    let cleaned = [(0, 1, 0), (2, 2, 0), (3, 3, 1), (4, 5, 2), (6, 6, 1)];
    until(&mut client, &topic, "the aborted record is gone", &cleaned);
    broker.kill_and_restart();
    let mut client = broker.connect();
    let again = batch(41, &[("a", Some("5"))]).from_producer(id, epoch, 2);
    assert_eq!(put(&mut client, &topic, &again), 7, "the next sequence");
    assert_eq!(put(&mut client, &topic, &again), 7, "is known again");
    broker.assert_well();
}

#[test]
fn c3_c4_a_topic_that_is_not_compacted_keeps_everything() {
    let broker = broker();
    let mut client = broker.connect();
    let kept = client.create_topic("kept", 1, &[("segment.ms", "500"), ("min.cleanable.dirty.ratio", "0.001")]);
    let topic = client.create_topic("cleaned-beside", 1, &COMPACTED);
    for second in 1..6 {
        for topic in [&kept, &topic] {
            put(&mut client, topic, &batch(second, &[("a", Some("v"))]));
        }
    }
    until(&mut client, &topic, "one is cleaned", &[(3, 3, 1), (4, 4, 1)]);
    assert_eq!(client.read_from(&kept, 0, 0).len(), 5);
}
