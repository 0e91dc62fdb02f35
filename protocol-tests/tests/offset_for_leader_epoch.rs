//! OffsetForLeaderEpoch (key 23), versions 2–4.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic};
use kafka_protocol::messages::offset_for_leader_epoch_response::EpochEndOffset;
use kafka_protocol::messages::OffsetForLeaderEpochRequest;
use protocol_tests::{error, shared, topic_name, Broker, Client};

fn ask(client: &mut Client, version: i16, topic: &str, current: i32, epoch: i32) -> EpochEndOffset {
    let partition = OffsetForLeaderPartition::default().with_current_leader_epoch(current).with_leader_epoch(epoch);
    let topic = OffsetForLeaderTopic::default().with_topic(topic_name(topic)).with_partitions(vec![partition]);
    let mut request = OffsetForLeaderEpochRequest::default().with_topics(vec![topic]);
    request.replica_id = if version >= 3 { (-1).into() } else { (-2).into() };
    let response = client.call(version, &request);
    response.topics[0].partitions[0].clone()
}

#[test]
fn l4_every_version_answers_the_largest_epoch_and_its_end() {
    let mut client = shared().connect();
    let topic = client.create_topic("epoch-ends", 1, &[]);
    client.append(&topic, 0, &["a", "b"]);
    let epoch = client.describe_topic("epoch-ends").partitions[0].leader_epoch;
    for version in 2..=4 {
        let end = ask(&mut client, version, "epoch-ends", -1, epoch);
        assert_eq!((error(end.error_code), end.leader_epoch, end.end_offset), (None, epoch, 2), "version {version}");
        let unknown = ask(&mut client, version, "epoch-ends", -1, epoch + 1);
        assert_eq!((error(unknown.error_code), unknown.leader_epoch, unknown.end_offset), (None, -1, -1));
        let newer = ask(&mut client, version, "epoch-ends", epoch + 1, epoch);
        assert_eq!(error(newer.error_code), Some(ResponseError::UnknownLeaderEpoch));
        let absent = ask(&mut client, version, "nobody-made-this", -1, 0);
        assert_eq!(error(absent.error_code), Some(ResponseError::UnknownTopicOrPartition));
    }
}

#[test]
fn l4_epochs_of_before_a_kill_end_where_it_happened() {
    let mut broker = Broker::start();
    let mut client = broker.connect();
    let topic = client.create_topic("epoch-kill", 1, &[]);
    client.append(&topic, 0, &["a", "b"]);
    let before = client.describe_topic("epoch-kill").partitions[0].leader_epoch;
    broker.kill_and_restart();
    let mut client = broker.connect();
    client.append(&topic, 0, &["c"]);
    let after = client.describe_topic("epoch-kill").partitions[0].leader_epoch;
    let end = ask(&mut client, 4, "epoch-kill", -1, before);
    assert!(after > before);
    assert_eq!((end.leader_epoch, end.end_offset), (before, 2), "epochs {before} and {after}");
    assert_eq!(ask(&mut client, 4, "epoch-kill", -1, after).end_offset, 3);
}
