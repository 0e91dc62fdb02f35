//! OffsetCommit (key 8), versions 2–9.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::{JoinGroupRequest, OffsetCommitRequest};
use protocol_tests::groups::{commit_request, join_request, Member};
use protocol_tests::{error, group_id, shared, text, topic_name, Broker, Client};

const VERSIONS: std::ops::RangeInclusive<i16> = 2..=9;

/// How the only partition of a commit was answered.
fn commit(client: &mut Client, version: i16, request: &OffsetCommitRequest) -> Option<ResponseError> {
    let response = client.call(version, request);
    assert_eq!((response.throttle_time_ms, response.topics.len(), response.topics[0].partitions.len()), (0, 1, 1));
    error(response.topics[0].partitions[0].error_code)
}

fn by(request: OffsetCommitRequest, member: &Member) -> OffsetCommitRequest {
    request.with_member_id(text(&member.id)).with_generation_id_or_member_epoch(member.generation)
}

#[test]
fn g11_every_version_commits() {
    let mut client = shared().connect();
    let topic = client.create_topic("commit-versions", 1, &[]);
    let member = client.join_alone("commit-members");
    for version in VERSIONS {
        let offset = i64::from(version) * 10;
        let simple = commit_request("commit-simple", &topic.name, 0, offset);
        assert_eq!(commit(&mut client, version, &simple), None, "version {version}");
        assert_eq!(client.committed("commit-simple", "commit-versions", 0), offset);
        let request = by(commit_request("commit-members", &topic.name, 0, offset + 1), &member);
        assert_eq!(commit(&mut client, version, &request), None, "version {version}");
        assert_eq!(client.committed("commit-members", "commit-versions", 0), offset + 1);
    }
}

#[test]
fn g11_only_members_of_the_generation_commit_to_a_group_that_has_members() {
    let mut client = shared().connect();
    let topic = client.create_topic("commit-refused", 1, &[]);
    let member = client.join_alone("commit-generation");
    for version in VERSIONS {
        let request = || commit_request("commit-generation", &topic.name, 0, 5);
        assert_eq!(commit(&mut client, version, &request()), Some(ResponseError::UnknownMemberId), "version {version}");
        let unknown = Member { id: "nobody".to_owned(), ..member.clone() };
        assert_eq!(commit(&mut client, version, &by(request(), &unknown)), Some(ResponseError::UnknownMemberId));
        for generation in [member.generation - 1, member.generation + 1] {
            let why = commit(&mut client, version, &by(request(), &Member { generation, ..member.clone() }));
            // Version 9 knows member epochs as well, but a classic member's is still a generation.
            assert_eq!(why, Some(ResponseError::IllegalGeneration), "version {version}");
        }
    }
    assert_eq!(client.committed("commit-generation", "commit-refused", 0), -1);
}

#[test]
fn g11_between_join_and_sync_nobody_commits() {
    let (mut first, mut second) = (shared().connect(), shared().connect());
    let topic = first.create_topic("commit-rebalancing", 1, &[]);
    let alone = first.join_alone("commit-rebalance");
    let id = second.member_id("commit-rebalance");
    second.send(9, &join_request("commit-rebalance", &id));
    first.await_rebalance(&alone);
    let led = first.join("commit-rebalance", &alone.id);
    second.receive::<JoinGroupRequest>(9);
    let member = Member { generation: led.generation_id, ..alone };
    for version in VERSIONS {
        let request = by(commit_request("commit-rebalance", &topic.name, 0, 1), &member);
        assert_eq!(commit(&mut first, version, &request), Some(ResponseError::RebalanceInProgress));
    }
}

#[test]
fn g11_metadata_is_bounded() {
    let mut client = shared().connect();
    client.create_topic("commit-metadata", 1, &[]);
    client.find_coordinator("commit-words");
    for (bytes, why) in [(4096, None), (4097, Some(ResponseError::OffsetMetadataTooLarge))] {
        let mut request = commit_request("commit-words", "commit-metadata", 0, bytes as i64);
        request.topics[0].partitions[0].committed_metadata = Some(text(&"m".repeat(bytes)));
        assert_eq!(commit(&mut client, 8, &request), why, "{bytes}");
    }
    assert_eq!(client.committed("commit-words", "commit-metadata", 0), 4096);
}

#[test]
fn g12_commits_to_missing_groups() {
    let mut client = shared().connect();
    let topic = client.create_topic("commit-missing", 1, &[]);
    client.find_coordinator("commit-nothing-here");
    let member = Member { group: String::new(), id: "somebody".to_owned(), generation: 3 };
    for version in VERSIONS {
        let request = by(commit_request("commit-nothing-here", &topic.name, 0, 1), &member);
        let why = if version >= 9 { ResponseError::GroupIdNotFound } else { ResponseError::IllegalGeneration };
        assert_eq!(commit(&mut client, version, &request), Some(why), "version {version}");
    }
}

#[test]
fn g11_partitions_that_do_not_exist_answer_for_themselves() {
    let mut client = shared().connect();
    client.create_topic("commit-some", 2, &[]);
    client.find_coordinator("commit-partly");
    let partition =
        |index| OffsetCommitRequestPartition::default().with_partition_index(index).with_committed_offset(9);
    let topic = |name, indexes: &[i32]| {
        let partitions = indexes.iter().map(|index| partition(*index)).collect();
        OffsetCommitRequestTopic::default().with_name(topic_name(name)).with_partitions(partitions)
    };
    let topics = vec![topic("nobody-made-this", &[0]), topic("commit-some", &[1, 7, 0, -1])];
    let request = OffsetCommitRequest::default().with_group_id(group_id("commit-partly")).with_topics(topics);
    for version in 2..=9 {
        let response = client.call(version, &request);
        let answers: Vec<_> = response
            .topics
            .iter()
            .flat_map(|topic| topic.partitions.iter().map(|one| (one.partition_index, error(one.error_code))))
            .collect();
        let unknown = Some(ResponseError::UnknownTopicOrPartition);
        assert_eq!(answers, [(0, unknown), (1, None), (7, unknown), (0, None), (-1, unknown)], "version {version}");
    }
}

#[test]
fn g11_what_was_committed_is_there_after_a_kill() {
    let mut broker = Broker::start();
    let mut client = broker.connect();
    let topic = client.create_topic("commit-killed", 1, &[]);
    client.find_coordinator("commit-survives");
    for offset in 1..=50 {
        assert_eq!(commit(&mut client, 9, &commit_request("commit-survives", &topic.name, 0, offset)), None);
    }
    broker.kill_and_restart();
    let mut client = broker.connect();
    client.find_coordinator("commit-survives");
    assert_eq!(client.committed("commit-survives", "commit-killed", 0), 50);
}
