use super::consumer_protocol::{Assignment, Subscription, TopicPartitions};
use super::offsets::{GroupMetadataValue, Key, MemberMetadata, OffsetCommitValue};
use super::transactions::{self, TransactionValue};
use super::FieldError;
use crate::ids::uuid_from_text;
use crate::record::tests::kafkas;
use bytes::Bytes;
use proptest::prelude::*;

fn commit() -> OffsetCommitValue {
    OffsetCommitValue {
        offset: 4242,
        leader_epoch: 7,
        metadata: "mètadata".to_owned(),
        commit_timestamp_ms: 1_700_000_000_123,
        expire_timestamp_ms: -1,
        topic_id: uuid_from_text("AAECAwQFBgcICQoLDA0ODw").expect("a UUID"),
    }
}

#[test]
fn offset_commit_keys_are_kafkas() {
    let key = Key::OffsetCommit { group: "group-1".to_owned(), topic: "topic-é".to_owned(), partition: 3 };
    let golden = kafkas("offset_commit_key");
    assert_eq!(key.encode().expect("short"), golden);
    assert_eq!(Key::decode(&golden), Ok(key.clone()));
    let legacy = [&[0, 0], &golden[2..]].concat();
    assert_eq!(Key::decode(&legacy), Ok(key));
}

#[test]
fn group_keys_are_kafkas_and_newer_kinds_pass() {
    let key = Key::GroupMetadata { group: "group-1".to_owned() };
    assert_eq!(key.encode().expect("short"), kafkas("group_metadata_key"));
    assert_eq!(Key::decode(&kafkas("group_metadata_key")), Ok(key));
    assert_eq!(Key::decode(&kafkas("consumer_group_metadata_key")), Ok(Key::Unknown(3)));
    assert_eq!(Key::Unknown(3).encode(), Err(FieldError::Version(3)));
    assert_eq!(Key::decode(&[0]), Err(FieldError::CutOff));
    assert_eq!(Key::GroupMetadata { group: "g".repeat(40_000) }.encode(), Err(FieldError::TooLong(40_000)));
}

#[test]
fn offset_commits_are_written_as_kafka_does() {
    let nil = uuid_from_text("AAAAAAAAAAAAAAAAAAAAAA").expect("a UUID");
    let bare = OffsetCommitValue { leader_epoch: -1, metadata: String::new(), topic_id: nil, ..commit() };
    let expiring = OffsetCommitValue { expire_timestamp_ms: 1_700_000_999_999, topic_id: nil, ..commit() };
    let (default, expires) = ("offset_commit_value_default", "offset_commit_value_expiring");
    for (value, name) in [(commit(), default), (bare, "offset_commit_value_bare"), (expiring, expires)] {
        assert_eq!(value.encode().expect("short"), kafkas(name), "{name}");
    }
}

#[test]
fn offset_commits_of_every_version() {
    let all = OffsetCommitValue { expire_timestamp_ms: 1_700_000_999_999, ..commit() };
    for version in 0..=4 {
        let golden = kafkas(&format!("offset_commit_value_v{version}"));
        assert_eq!(all.encode_version(version).expect("short"), golden, "version {version}");
        let mut expected = all.clone();
        if version < 3 {
            expected.leader_epoch = -1;
        }
        if version != 1 {
            expected.expire_timestamp_ms = -1;
        }
        if version < 4 {
            expected.topic_id = crate::ids::Uuid::nil();
        }
        assert_eq!(OffsetCommitValue::decode(&golden), Ok(expected), "version {version}");
    }
    assert_eq!(all.encode_version(5), Err(FieldError::Version(5)));
    assert_eq!(OffsetCommitValue::decode(&[0, 5]), Err(FieldError::Version(5)));
}

#[test]
fn tagged_fields_that_are_not_known_are_passed_over() {
    let mut bytes = commit().encode_version(4).expect("short");
    let tags = bytes.len() - 19;
    assert_eq!(bytes[tags], 1);
    bytes[tags] = 2;
    bytes.extend([9, 3, 0xff, 0xff, 0xff]);
    assert_eq!(OffsetCommitValue::decode(&bytes), Ok(commit()));
    bytes.pop();
    assert_eq!(OffsetCommitValue::decode(&bytes), Err(FieldError::CutOff));
}

fn group() -> GroupMetadataValue {
    let one = MemberMetadata {
        member_id: "member-1".to_owned(),
        group_instance_id: Some("instance".to_owned()),
        client_id: "client".to_owned(),
        client_host: "/127.0.0.1".to_owned(),
        rebalance_timeout_ms: 300_000,
        session_timeout_ms: 45_000,
        subscription: Bytes::from_static(&[1, 2, 3]),
        assignment: Bytes::from_static(&[4]),
    };
    let two = MemberMetadata {
        member_id: "member-2".to_owned(),
        group_instance_id: None,
        client_id: String::new(),
        client_host: "/10.0.0.9".to_owned(),
        rebalance_timeout_ms: 1,
        session_timeout_ms: 2,
        subscription: Bytes::new(),
        assignment: Bytes::from_static(&[0; 200]),
    };
    GroupMetadataValue {
        protocol_type: "consumer".to_owned(),
        generation: 5,
        protocol: Some("range".to_owned()),
        leader: Some("member-1".to_owned()),
        current_state_timestamp_ms: 1_700_000_000_456,
        members: vec![one, two],
    }
}

#[test]
fn groups_of_every_version() {
    assert_eq!(group().encode().expect("short"), kafkas("group_metadata_value_v3"), "what Kafka writes");
    for version in 0..=4 {
        let golden = kafkas(&format!("group_metadata_value_v{version}"));
        assert_eq!(group().encode_version(version).expect("short"), golden, "version {version}");
        let mut expected = group();
        if version < 2 {
            expected.current_state_timestamp_ms = -1;
        }
        for member in &mut expected.members {
            if version < 3 {
                member.group_instance_id = None;
            }
            if version < 1 {
                member.rebalance_timeout_ms = -1;
            }
        }
        assert_eq!(GroupMetadataValue::decode(&golden), Ok(expected), "version {version}");
    }
    let empty = GroupMetadataValue { generation: 6, current_state_timestamp_ms: -1, ..GroupMetadataValue::default() };
    assert_eq!(empty.encode().expect("short"), kafkas("group_metadata_value_empty"));
    assert_eq!(GroupMetadataValue::decode(&kafkas("group_metadata_value_empty")), Ok(empty));
}

fn of_topic(topic: &str, partitions: &[i32]) -> TopicPartitions {
    TopicPartitions { topic: topic.to_owned(), partitions: partitions.to_vec() }
}

#[test]
fn subscriptions_of_every_version() {
    let all = Subscription {
        topics: vec!["a".to_owned(), "b".to_owned()],
        user_data: Some(Bytes::from_static(&[9, 8])),
        owned_partitions: vec![of_topic("a", &[0, 2]), of_topic("b", &[])],
        generation_id: 11,
        rack_id: Some("rack-1".to_owned()),
    };
    for version in 0..=3 {
        let golden = kafkas(&format!("subscription_v{version}"));
        assert_eq!(all.encode(version).expect("short"), golden, "version {version}");
        let mut expected = all.clone();
        if version < 1 {
            expected.owned_partitions.clear();
        }
        if version < 2 {
            expected.generation_id = -1;
        }
        if version < 3 {
            expected.rack_id = None;
        }
        assert_eq!(Subscription::decode(&golden), Ok(expected), "version {version}");
        let bare = kafkas(&format!("subscription_bare_v{version}"));
        assert_eq!(Subscription::default().encode(version).expect("short"), bare);
        assert_eq!(Subscription::decode(&bare), Ok(Subscription::default()));
    }
    let newer = [&[0, 9], &kafkas("subscription_v3")[2..], &[1, 2, 3]].concat();
    assert_eq!(Subscription::decode(&newer), Ok(all), "newer versions only add");
    assert_eq!(Subscription::decode(&[0xff, 0xff]), Err(FieldError::Version(-1)));
}

#[test]
fn assignments_of_every_version() {
    for version in 0..=3 {
        let golden = kafkas(&format!("assignment_v{version}"));
        let user_data = (version > 0).then(|| Bytes::from_static(&[7]));
        let assignment = Assignment { partitions: vec![of_topic("a", &[0, 2])], user_data };
        assert_eq!(assignment.encode(version).expect("short"), golden);
        assert_eq!(Assignment::decode(&golden), Ok(assignment));
    }
    assert_eq!(Assignment::default().encode(4), Err(FieldError::Version(4)));
}

#[test]
fn counts_reserve_nothing_that_is_not_there() {
    let lying = [0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 1, b'a'];
    assert_eq!(Assignment::decode(&lying), Err(FieldError::CutOff));
    assert_eq!(Subscription::decode(&lying), Err(FieldError::CutOff));
    assert_eq!(Subscription::decode(&[0, 0, 0xff, 0xff, 0xff, 0xff]), Err(FieldError::Null));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(version in 0i16..5, rest in proptest::collection::vec(any::<u8>(), 0..100)) {
        let bytes = [&version.to_be_bytes()[..], &rest].concat();
        let _ = Key::decode(&bytes);
        let _ = OffsetCommitValue::decode(&bytes);
        let _ = GroupMetadataValue::decode(&bytes);
        let _ = Subscription::decode(&bytes);
        let _ = Assignment::decode(&bytes);
    }
}

fn transaction() -> TransactionValue {
    let topic = |topic: &str, partitions: &[i32]| transactions::TopicPartitions {
        topic: topic.to_owned(),
        partitions: partitions.to_vec(),
    };
    TransactionValue {
        producer_id: 66,
        previous_producer_id: 65,
        next_producer_id: 67,
        producer_epoch: 3,
        next_producer_epoch: -1,
        timeout_ms: 60_000,
        status: 1,
        partitions: Some(vec![topic("a", &[0, 2]), topic("topic-é", &[7])]),
        last_update_timestamp_ms: 1_700_000_000_123,
        start_timestamp_ms: 1_700_000_000_001,
        client_transaction_version: 2,
    }
}

#[test]
fn x2_transactions_of_every_version_are_kafkas() {
    assert_eq!(transactions::encode_key("txn-é").expect("short"), kafkas("transaction_key"));
    assert_eq!(transactions::decode_key(&kafkas("transaction_key")), Ok(Some("txn-é".to_owned())));
    assert_eq!(transactions::decode_key(&[0, 9, 1]), Ok(None), "a newer kind passes");
    let full = transaction();
    let next_epoch = TransactionValue { next_producer_epoch: 5, ..full.clone() };
    let old = TransactionValue {
        previous_producer_id: -1,
        next_producer_id: -1,
        client_transaction_version: 0,
        ..full.clone()
    };
    let empty =
        TransactionValue { producer_epoch: 0, status: 0, partitions: None, start_timestamp_ms: -1, ..old.clone() };
    for (name, version, value) in [
        ("transaction_value_v0", 0, &old),
        ("transaction_value_v1", 1, &full),
        ("transaction_value_v1_next_epoch", 1, &next_epoch),
        ("transaction_value_empty_v0", 0, &empty),
        ("transaction_value_empty_v1", 1, &empty),
    ] {
        let golden = kafkas(name);
        assert_eq!(value.encode(version).expect("short"), golden, "{name}");
        assert_eq!(TransactionValue::decode(&golden), Ok((value.clone(), version)), "{name}");
        for cut in 0..golden.len() {
            assert!(TransactionValue::decode(&golden[..cut]).is_err(), "{name} cut at {cut}");
        }
    }
    assert_eq!(full.encode(2), Err(FieldError::Version(2)));
}
