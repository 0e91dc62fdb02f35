//! Against what Kafka's own classes write.

use super::consumer_groups::*;
use super::FieldError;
use crate::ids::{uuid_from_text, Uuid};
use crate::record::tests::kafkas;
use bytes::Bytes;
use proptest::prelude::*;

fn ids() -> [Uuid; 2] {
    ["AAECAwQFBgcICQoLDA0ODw", "EBESExQVFhcYGRobHB0eHw"].map(|text| uuid_from_text(text).expect("a UUID"))
}

#[test]
fn consumer_group_keys_are_kafkas() {
    let group = || "group-1".to_owned();
    let member = || "member-é".to_owned();
    let keys = [
        ("metadata", Key::GroupMetadata { group: group() }),
        ("partition_metadata", Key::PartitionMetadata { group: group() }),
        ("member_metadata", Key::MemberMetadata { group: group(), member: member() }),
        ("target_assignment_metadata", Key::TargetAssignmentMetadata { group: group() }),
        ("target_assignment_member", Key::TargetAssignmentMember { group: group(), member: member() }),
        ("current_member_assignment", Key::CurrentMemberAssignment { group: group(), member: member() }),
        ("regular_expression", Key::RegularExpression { group: group(), regex: "t.*".to_owned() }),
    ];
    for (name, key) in keys {
        let golden = kafkas(&format!("consumer_group_{name}_key"));
        assert_eq!(key.encode().expect("short"), golden, "{name}");
        assert_eq!(Key::decode(&golden), Ok(Some(key)), "{name}");
    }
    assert_eq!(Key::decode(&kafkas("group_metadata_key")), Ok(None));
    assert_eq!(Key::decode(&[0, 5, 0, 1, b'g']), Err(FieldError::CutOff));
}

#[test]
fn epochs_are_kafkas() {
    let group = GroupMetadataValue { epoch: 7, metadata_hash: 0x0123_4567_89ab_cdef };
    let bare = GroupMetadataValue { epoch: 7, metadata_hash: 0 };
    for (name, value) in [("", group), ("_bare", bare)] {
        let golden = kafkas(&format!("consumer_group_metadata_value{name}"));
        assert_eq!(value.encode(), golden);
        assert_eq!(GroupMetadataValue::decode(&golden), Ok(value));
    }
    let target = TargetAssignmentMetadataValue { assignment_epoch: 7, assignment_timestamp_ms: 1_700_000_000_123 };
    let bare = TargetAssignmentMetadataValue { assignment_epoch: 7, assignment_timestamp_ms: 0 };
    for (name, value) in [("", target), ("_bare", bare)] {
        let golden = kafkas(&format!("consumer_group_target_assignment_metadata_value{name}"));
        assert_eq!(value.encode(), golden);
        assert_eq!(TargetAssignmentMetadataValue::decode(&golden), Ok(value));
    }
    assert_eq!(GroupMetadataValue::decode(&[0, 1, 0, 0, 0, 0, 0]), Err(FieldError::Version(1)));
}

#[test]
fn members_are_kafkas() {
    let modern = MemberMetadataValue {
        instance_id: Some("i1".to_owned()),
        rack_id: Some("r1".to_owned()),
        client_id: "c".to_owned(),
        client_host: "/127.0.0.1".to_owned(),
        subscribed_topic_names: vec!["bar".to_owned(), "foo".to_owned()],
        subscribed_topic_regex: Some("t.*".to_owned()),
        rebalance_timeout_ms: 45_000,
        server_assignor: Some("uniform".to_owned()),
        classic: None,
    };
    let protocols = vec![("range".to_owned(), Bytes::from_static(&[1, 2, 3])), ("rr".to_owned(), Bytes::new())];
    let classic = MemberMetadataValue {
        client_id: "c".to_owned(),
        client_host: "/127.0.0.1".to_owned(),
        subscribed_topic_names: vec!["foo".to_owned()],
        rebalance_timeout_ms: 300_000,
        classic: Some(ClassicMemberMetadata { session_timeout_ms: 10_000, supported_protocols: protocols }),
        ..MemberMetadataValue::default()
    };
    for (name, value) in [("", modern), ("_classic", classic)] {
        let golden = kafkas(&format!("consumer_group_member_metadata_value{name}"));
        assert_eq!(value.encode().expect("short"), golden);
        assert_eq!(MemberMetadataValue::decode(&golden), Ok(value));
    }
}

#[test]
fn assignments_are_kafkas() {
    let [one, two] = ids();
    let topic = |topic_id, partitions: &[i32]| TargetTopic { topic_id, partitions: partitions.to_vec() };
    let target = TargetAssignmentMemberValue { topics: vec![topic(one, &[0, 1, 5]), topic(two, &[2])] };
    let golden = kafkas("consumer_group_target_assignment_member_value");
    assert_eq!(target.encode().expect("short"), golden);
    assert_eq!(TargetAssignmentMemberValue::decode(&golden), Ok(target));

    let topic = |topic_id, partitions: &[i32], epochs: Option<&[i32]>| CurrentTopic {
        topic_id,
        partitions: partitions.to_vec(),
        assignment_epochs: epochs.map(<[i32]>::to_vec),
    };
    let current = CurrentMemberAssignmentValue {
        member_epoch: 7,
        previous_member_epoch: 6,
        state: 2,
        assigned: vec![topic(one, &[0, 1], Some(&[3, 300]))],
        pending_revocation: vec![topic(two, &[2], Some(&[5]))],
    };
    let old = CurrentMemberAssignmentValue {
        state: 0,
        assigned: vec![topic(one, &[0, 1], None)],
        pending_revocation: Vec::new(),
        ..current.clone()
    };
    for (name, value) in [("", current), ("_old", old)] {
        let golden = kafkas(&format!("consumer_group_current_member_assignment_value{name}"));
        assert_eq!(value.encode().expect("short"), golden);
        assert_eq!(CurrentMemberAssignmentValue::decode(&golden), Ok(value));
    }
}

#[test]
fn regular_expressions_are_kafkas() {
    let topics = vec!["t1".to_owned(), "t2".to_owned()];
    let value = RegularExpressionValue { topics, version: 12, timestamp_ms: 1_700_000_000_123 };
    let golden = kafkas("consumer_group_regular_expression_value");
    assert_eq!(value.encode().expect("short"), golden);
    assert_eq!(RegularExpressionValue::decode(&golden), Ok(value));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(version in 0i16..17, rest in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = Key::decode(&[&version.to_be_bytes()[..], &rest].concat());
        let value = [&[0, 0][..], &rest].concat();
        let _ = GroupMetadataValue::decode(&value);
        let _ = MemberMetadataValue::decode(&value);
        let _ = TargetAssignmentMetadataValue::decode(&value);
        let _ = TargetAssignmentMemberValue::decode(&value);
        let _ = CurrentMemberAssignmentValue::decode(&value);
        let _ = RegularExpressionValue::decode(&value);
    }
}
