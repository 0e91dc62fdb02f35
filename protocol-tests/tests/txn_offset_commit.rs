//! TxnOffsetCommit (key 28), versions 0–5, and OffsetFetch's stable offsets.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::TxnOffsetCommitRequest;
use protocol_tests::transactions::{transactional_id, txn_offset_commit_request, TransactionalProducer};
use protocol_tests::{error, group_id, shared, text, topic_name, Broker, Client};
use std::collections::BTreeMap;

fn start(client: &mut Client, name: &str) -> TransactionalProducer {
    client.create_topic(name, 2, &[]);
    client.find_coordinator(name);
    client.init_transactions(name)
}

#[test]
fn x15_g13_offsets_count_with_the_commit_marker_and_not_before() {
    let mut client = shared().connect();
    let name = "txn-commit";
    let mut producer = start(&mut client, name);
    for version in 0..=5 {
        let offset = 10 + i64::from(version);
        let before = client.committed(name, name, 0);
        if version < 5 {
            let refused = client.txn_offset_commit(version, &producer, name, (name, 0), offset);
            let why = if version < 4 { ResponseError::InvalidTxnState } else { ResponseError::TransactionAbortable };
            assert_eq!(refused, Some(why), "version {version}: the group's partition is not in the transaction");
            assert_eq!(client.add_offsets_to_txn(3, &producer, name), None);
        }
        assert_eq!(client.txn_offset_commit(version, &producer, name, (name, 0), offset), None, "version {version}");
        assert_eq!(client.committed(name, name, 0), before);
        assert_eq!(client.stable_offset(name, name, 0), Err(ResponseError::UnstableOffsetCommit));
        assert_eq!(client.stable_offset(name, name, 1), Ok(-1), "nothing is pending there");
        producer = client.end_txn(&producer, true).expect("it commits");
        client.await_transaction(name, "CompleteCommit");
        assert_eq!(client.stable_offset(name, name, 0), Ok(offset), "version {version}");
    }
    assert_eq!(client.txn_offset_commit(5, &producer, name, (name, 0), 99), None);
    client.end_txn(&producer, false).expect("it aborts");
    client.await_transaction(name, "CompleteAbort");
    assert_eq!(client.stable_offset(name, name, 0), Ok(15));
}

#[test]
fn d16_x15_an_older_instance_commits_nothing() {
    let mut client = shared().connect();
    let name = "txn-commit-zombie";
    let zombie = start(&mut client, name);
    assert_eq!(client.txn_offset_commit(5, &zombie, name, (name, 0), 1), None);
    client.init_transactions(name);
    let fenced = client.txn_offset_commit(5, &zombie, name, (name, 0), 2);
    assert_eq!(fenced, Some(ResponseError::InvalidProducerEpoch));
    let fenced = client.txn_offset_commit(3, &zombie, name, (name, 0), 3);
    assert_eq!(fenced, Some(ResponseError::InvalidProducerEpoch));
    assert_eq!(client.stable_offset(name, name, 0), Ok(-1));
}

#[test]
fn x15_member_and_generation_are_judged_where_they_are_given() {
    let mut client = shared().connect();
    let name = "txn-commit-member";
    let producer = start(&mut client, name);
    let member = client.join_alone(name);
    client.sync(&member, &[(&member.id, b"all")]);
    for (generation, id, expected) in [
        (member.generation, &*member.id, None),
        (member.generation + 1, &*member.id, Some(ResponseError::IllegalGeneration)),
        (member.generation, "nobody", Some(ResponseError::UnknownMemberId)),
        (-1, "", None),
    ] {
        let request = txn_offset_commit_request(&producer, name, (name, 0), 7)
            .with_generation_id(generation)
            .with_member_id(text(id));
        let response = client.call(5, &request);
        assert_eq!(error(response.topics[0].partitions[0].error_code), expected, "{generation} {id}");
    }
    client.end_txn(&producer, true).expect("it commits");
    client.await_transaction(name, "CompleteCommit");
    assert_eq!(client.stable_offset(name, name, 0), Ok(7));
}

#[test]
fn x15_each_partition_answers_for_itself() {
    let mut client = shared().connect();
    let name = "txn-commit-many";
    let producer = start(&mut client, name);
    let mut request = txn_offset_commit_request(&producer, name, ("txn-commit-unknown", 0), 1);
    let mut of_topic = txn_offset_commit_request(&producer, name, (name, 1), 2).topics.remove(0);
    of_topic.partitions.extend(txn_offset_commit_request(&producer, name, (name, 9), 3).topics.remove(0).partitions);
    request.topics.push(of_topic);
    let errors = |client: &mut Client, request: &TxnOffsetCommitRequest| -> BTreeMap<i32, Option<ResponseError>> {
        let response = client.call(5, request);
        let partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
        partitions.map(|partition| (partition.partition_index, error(partition.error_code))).collect()
    };
    // Partition 0 is of no topic, 9 is not of the topic.
    let unknown = Some(ResponseError::UnknownTopicOrPartition);
    assert_eq!(errors(&mut client, &request), [(0, unknown), (1, None), (9, unknown)].into());
    // A refusal of the whole does not hide what does not exist.
    let nobody = Some(ResponseError::InvalidProducerIdMapping);
    let other = request.clone().with_transactional_id(transactional_id("txn-commit-nobody"));
    // The transaction is open on the group's partition already: only a group elsewhere asks its coordinator.
    let other = other.with_group_id(group_id("txn-commit-elsewhere-7"));
    let found = errors(&mut client, &other);
    assert!(found[&1] == nobody || found[&1].is_none(), "{found:?}");
    assert_eq!((found[&0], found[&9]), (unknown, unknown));
    let invalid = Some(ResponseError::InvalidGroupId);
    let nameless = request.clone().with_group_id(group_id(""));
    assert_eq!(errors(&mut client, &nameless), [(0, unknown), (1, invalid), (9, unknown)].into());
    let none = request.clone().with_topics(vec![request.topics[0].clone().with_name(topic_name("txn-commit-none"))]);
    assert_eq!(errors(&mut client, &none), [(0, unknown)].into());
    client.end_txn(&producer, false).expect("it aborts");
}

/// Offsets and records of a transaction both count, or neither, whatever crashed.
#[test]
fn d20_x15_a_crash_keeps_offsets_and_records_together() {
    let mut broker = Broker::start();
    let name = "txn-commit-crash";
    let mut client = broker.connect();
    let topic = client.create_topic(name, 2, &[]);
    client.find_coordinator(name);
    for (round, commit) in [(1, true), (2, false)] {
        let producer = client.init_transactions(name);
        let value = format!("{round}");
        assert_eq!(error(client.produce_in_txn(12, &producer, (&topic, 0), 0, &[&value]).error_code), None);
        assert_eq!(client.txn_offset_commit(5, &producer, name, (name, 0), round), None);
        broker.kill_and_restart();
        client = broker.connect();
        client.find_coordinator(name);
        client.find_transaction_coordinator(name);
        assert_eq!(client.stable_offset(name, name, 0), Err(ResponseError::UnstableOffsetCommit), "round {round}");
        client.end_txn(&producer, commit).expect("it ends");
        // Killed at once: markers are written after the restart, if they were not before.
        broker.kill_and_restart();
        client = broker.connect();
        client.find_coordinator(name);
        client.find_transaction_coordinator(name);
        client.await_transaction(name, if commit { "CompleteCommit" } else { "CompleteAbort" });
        assert_eq!(client.stable_offset(name, name, 0), Ok(1), "round {round}");
        assert_eq!(client.committed_values(&topic, 0, 0), ["1"], "round {round}");
    }
}

/// Member epochs are newer than these versions: what is stale there has an illegal generation here.
#[test]
fn x15_members_with_epochs_are_judged_by_them() {
    let mut client = shared().connect();
    let name = "txn-commit-epochs";
    let producer = start(&mut client, name);
    let joined = client.join_consumers(name, "m", &[name]);
    for (epoch, member, expected) in [
        (joined.member_epoch, "m", None),
        (joined.member_epoch + 1, "m", Some(ResponseError::IllegalGeneration)),
        (joined.member_epoch, "n", Some(ResponseError::UnknownMemberId)),
        (-1, "", None),
    ] {
        let request = txn_offset_commit_request(&producer, name, (name, 0), 7)
            .with_generation_id(epoch)
            .with_member_id(text(member));
        for version in [5, 3] {
            let response = client.call(version, &request);
            assert_eq!(error(response.topics[0].partitions[0].error_code), expected, "{epoch} {member} in {version}");
        }
    }
    client.end_txn(&producer, true).expect("it commits");
}
