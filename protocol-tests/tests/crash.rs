//! kill -9 with requests in flight: nothing that was acknowledged is missing, nothing is changed, doubled or out of order.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::ProduceRequest;
use protocol_tests::groups::commit_request;
use protocol_tests::records::{Batch, GZIP};
use protocol_tests::topics::{produce_request, Topic};
use protocol_tests::{error, Broker, Client};
use std::time::Duration;

/// As many as Java's and librdkafka's producers have in flight.
const IN_FLIGHT: usize = 5;

/// An idempotent producer of one partition that sends again what was not answered.
struct Producer {
    topic: Topic,
    partition: i32,
    id: i64,
    epoch: i16,
    acknowledged: usize,
}

impl Producer {
    fn value(&self, number: usize) -> String {
        format!("{}-{number}-{}", self.partition, "x".repeat(number % 7 * 1000))
    }

    fn send(&self, client: &mut Client, number: usize) {
        let batch = Batch::of(&[&self.value(number)]).from_producer(self.id, self.epoch, number as i32);
        client.send(9, &produce_request(9, -1, &[(&self.topic, self.partition, Some(batch.encode()))]));
    }

    fn receive(&mut self, client: &mut Client) {
        let (_, response) = client.receive::<ProduceRequest>(9);
        let result = &response.responses[0].partition_responses[0];
        assert_eq!(error(result.error_code), None, "{:?}", result.error_message);
        assert_eq!(result.base_offset, self.acknowledged as i64, "each value at its own offset, sent once or twice");
        self.acknowledged += 1;
    }
}

#[test]
fn i6_i8_d11_d22_d23_kills_under_load_neither_lose_nor_double() {
    let mut broker = Broker::start();
    let mut client = broker.connect();
    let topic = client.create_topic("killed", 2, &[("segment.bytes", "1048576")]);
    let mut producers: Vec<Producer> = (0..2)
        .map(|partition| {
            let (id, epoch) = client.init_producer_id();
            Producer { topic: topic.clone(), partition, id, epoch, acknowledged: 0 }
        })
        .collect();
    for round in 0..8 {
        let mut clients: Vec<Client> = producers.iter().map(|_| broker.connect()).collect();
        for step in 0..20 + 7 * round {
            for (producer, client) in producers.iter_mut().zip(&mut clients) {
                if step == 0 {
                    // Those behind the last answer: written before the kill or not.
                    (0..IN_FLIGHT).for_each(|ahead| producer.send(client, producer.acknowledged + ahead));
                }
                producer.receive(client);
                producer.send(client, producer.acknowledged + IN_FLIGHT - 1);
            }
        }
        broker.kill_and_restart();
    }
    let mut client = broker.connect();
    for producer in &producers {
        let values = client.values(&topic, producer.partition);
        assert!(values.len() >= producer.acknowledged && values.len() <= producer.acknowledged + IN_FLIGHT);
        let expected: Vec<String> = (0..values.len()).map(|number| producer.value(number)).collect();
        assert!(values == expected, "partition {} holds other values", producer.partition);
    }
    broker.assert_well();
}

#[test]
fn g11_kills_lose_no_acknowledged_offset() {
    let mut broker = Broker::start();
    let mut client = broker.connect();
    client.create_topic("commits-killed", 1, &[]);
    let mut acknowledged = 0;
    for _ in 0..4 {
        let mut client = broker.connect();
        client.find_coordinator("commits");
        let found = client.committed("commits", "commits-killed", 0);
        assert!(acknowledged == 0 || found >= acknowledged, "{found} after {acknowledged}");
        for _ in 0..30 {
            acknowledged += 1;
            let response = client.call(8, &commit_request("commits", "commits-killed", 0, acknowledged));
            assert_eq!(error(response.topics[0].partitions[0].error_code), None);
        }
        for ahead in 1..=3 {
            client.send(8, &commit_request("commits", "commits-killed", 0, acknowledged + ahead));
        }
        broker.kill_and_restart();
    }
}

#[test]
fn c9_every_codec_and_a_restart_in_each_segment() {
    let mut broker = Broker::start();
    let mut client = broker.connect();
    let topics: Vec<Topic> = ["producer", "gzip", "snappy", "lz4", "zstd", "uncompressed"]
        .iter()
        .map(|codec| {
            client.create_topic(
                &format!("codec-{codec}"),
                1,
                &[("compression.type", codec), ("segment.bytes", "1048576")],
            )
        })
        .collect();
    let mut stored = Vec::new();
    for round in 0..3 {
        let mut client = broker.connect();
        for topic in &topics {
            for _ in 0..4 {
                let batch = Batch::of(&["some words", "and some more"]).with_attributes(GZIP);
                assert_eq!(error(client.produce(topic, 0, &batch).error_code), None);
            }
        }
        stored = topics.iter().map(|topic| client.read_from(topic, 0, 0)).collect();
        assert!(stored.iter().all(|batches| batches.len() == 4 * (round + 1)));
        broker.kill_and_restart();
    }
    let mut client = broker.connect();
    let after: Vec<_> = topics.iter().map(|topic| client.read_from(topic, 0, 0)).collect();
    // Byte for byte, the leader epochs of their time among them.
    assert_eq!(after, stored);
}

/// Number 25 of the faults, as far as one node goes: it was frozen for longer than its own session and its group members'
/// sessions. What it answers afterwards is true, and it leads again.
#[test]
fn d25_a_node_frozen_past_its_session_goes_on_without_a_loss() {
    let settings =
        ["broker.session.timeout.ms=1000", "broker.heartbeat.interval.ms=200", "group.min.session.timeout.ms=100"];
    let mut broker = Broker::with(&settings);
    let mut client = broker.connect();
    let topic = client.create_topic("frozen", 1, &[]);
    let member = client.join_alone("frozen");
    let (id, epoch) = client.init_producer_id();
    let mut producer = Producer { topic: topic.clone(), partition: 0, id, epoch, acknowledged: 0 };
    for _ in 0..3 {
        let mut pipelined = broker.connect();
        (0..IN_FLIGHT).for_each(|ahead| producer.send(&mut pipelined, producer.acknowledged + ahead));
        broker.freeze_for(Duration::from_millis(2500));
        (0..IN_FLIGHT).for_each(|_| producer.receive(&mut pipelined));
    }
    let values = client.values(&topic, 0);
    let expected: Vec<String> = (0..3 * IN_FLIGHT).map(|number| producer.value(number)).collect();
    assert!(values == expected, "{} values", values.len());
    // Whether its members outlived the pause is the clock's to say; each is told, and may join again.
    let beat = client.heartbeat(&member);
    assert!(matches!(beat, None | Some(ResponseError::UnknownMemberId)), "{beat:?}");
    client.create_topic("thawed", 1, &[]);
    broker.assert_well();
}
