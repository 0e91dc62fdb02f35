use super::share_groups::*;
use super::FieldError;
use crate::ids::{uuid_from_text, Uuid};
use crate::record::tests::kafkas;

fn id() -> Uuid {
    uuid_from_text("AAECAwQFBgcICQoLDA0ODw").expect("a UUID")
}

fn assigned(partitions: &[i32]) -> Vec<AssignedTopic> {
    vec![AssignedTopic { topic_id: id(), partitions: partitions.to_vec() }]
}

#[test]
fn s6_keys_of_share_groups_are_kafkas() {
    let (group, member) = ("group-1".to_owned(), "member-é".to_owned());
    let of_member = || (group.clone(), member.clone());
    let keys = [
        ("member_metadata", {
            let (group, member) = of_member();
            Key::MemberMetadata { group, member }
        }),
        ("metadata", Key::GroupMetadata { group: group.clone() }),
        ("target_assignment_metadata", Key::TargetAssignmentMetadata { group: group.clone() }),
        ("target_assignment_member", {
            let (group, member) = of_member();
            Key::TargetAssignmentMember { group, member }
        }),
        ("current_member_assignment", {
            let (group, member) = of_member();
            Key::CurrentMemberAssignment { group, member }
        }),
        ("state_partition_metadata", Key::StatePartitionMetadata { group: group.clone() }),
    ];
    for (name, key) in keys {
        let golden = kafkas(&format!("share_group_{name}_key"));
        assert_eq!(key.encode().expect("short"), golden, "{name}");
        assert_eq!(Key::decode(&golden), Ok(Some(key)), "{name}");
    }
    assert_eq!(Key::decode(&[0, 9]), Ok(None));
}

#[test]
fn s6_values_of_share_groups_are_kafkas() {
    let member = MemberMetadataValue {
        rack_id: Some("r1".to_owned()),
        client_id: "c".to_owned(),
        client_host: "/127.0.0.1".to_owned(),
        subscribed_topic_names: vec!["bar".to_owned(), "foo".to_owned()],
    };
    let golden = kafkas("share_group_member_metadata_value");
    assert_eq!((member.encode().expect("short"), MemberMetadataValue::decode(&golden)), (golden, Ok(member)));
    let epoch = GroupMetadataValue { epoch: 7, metadata_hash: 0x0123_4567_89ab_cdef };
    let golden = kafkas("share_group_metadata_value");
    assert_eq!((epoch.encode(), GroupMetadataValue::decode(&golden)), (golden, Ok(epoch)));
    for (name, assignment_timestamp_ms) in [("value", 1_700_000_000_123), ("value_bare", 0)] {
        let target = TargetAssignmentMetadataValue { assignment_epoch: 7, assignment_timestamp_ms };
        let golden = kafkas(&format!("share_group_target_assignment_metadata_{name}"));
        assert_eq!((target.encode(), TargetAssignmentMetadataValue::decode(&golden)), (golden, Ok(target)));
    }
    let target = AssignedTopics(assigned(&[0, 1, 5]));
    let golden = kafkas("share_group_target_assignment_member_value");
    assert_eq!((target.encode().expect("short"), AssignedTopics::decode(&golden)), (golden, Ok(target)));
    let current = CurrentMemberAssignmentValue {
        member_epoch: 7,
        previous_member_epoch: 6,
        state: 0,
        assigned: assigned(&[0, 1]),
    };
    let golden = kafkas("share_group_current_member_assignment_value");
    let decoded = CurrentMemberAssignmentValue::decode(&golden);
    assert_eq!((current.encode().expect("short"), decoded), (golden, Ok(current)));
}

#[test]
fn s6_which_partitions_have_state_is_kafkas() {
    let topic = |name: &str, partitions: &[i32]| StateTopic {
        topic_id: id(),
        name: name.to_owned(),
        partitions: partitions.to_vec(),
    };
    let state = StatePartitionMetadataValue {
        initializing: vec![topic("t", &[2])],
        initialized: vec![topic("t", &[0, 1])],
        deleting: vec![topic("u", &[])],
    };
    let golden = kafkas("share_group_state_partition_metadata_value");
    assert_eq!((state.encode().expect("short"), StatePartitionMetadataValue::decode(&golden)), (golden, Ok(state)));
    assert_eq!(StatePartitionMetadataValue::decode(&[0, 1]), Err(FieldError::Version(1)));
}
