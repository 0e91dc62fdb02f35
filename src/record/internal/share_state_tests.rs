use super::share_state::{Key, SharePartitionName, SnapshotValue, StateBatch, UpdateValue};
use super::FieldError;
use crate::ids::uuid_from_text;
use crate::record::tests::kafkas;

fn name() -> SharePartitionName {
    let topic_id = uuid_from_text("AAECAwQFBgcICQoLDA0ODw").expect("a UUID");
    SharePartitionName { group: "group-1".to_owned(), topic_id, partition: 3 }
}

fn batch(first_offset: i64, last_offset: i64, delivery_state: i8, delivery_count: i16) -> StateBatch {
    StateBatch { first_offset, last_offset, delivery_state, delivery_count }
}

#[test]
fn s5_keys_are_kafkas_and_newer_kinds_pass() {
    for (key, golden) in [(Key::Snapshot(name()), "share_snapshot_key"), (Key::Update(name()), "share_update_key")] {
        assert_eq!(key.encode().expect("short"), kafkas(golden));
        assert_eq!(Key::decode(&kafkas(golden)), Ok(key));
    }
    assert_eq!(Key::decode(&[0, 2, 0]), Ok(Key::Unknown(2)));
    assert_eq!(Key::Unknown(2).encode(), Err(FieldError::Version(2)));
}

#[test]
fn s5_snapshots_are_kafkas() {
    let bare = SnapshotValue {
        snapshot_epoch: 1,
        state_epoch: 2,
        leader_epoch: 3,
        start_offset: 40,
        delivery_complete_count: -1,
        create_timestamp_ms: 1_700_000_000_123,
        write_timestamp_ms: 1_700_000_000_456,
        batches: vec![batch(40, 49, 0, 1), batch(50, 50, 4, 5)],
    };
    let counted = SnapshotValue { delivery_complete_count: 1, ..bare.clone() };
    for (value, golden) in [(bare, "share_snapshot_value"), (counted, "share_snapshot_value_counted")] {
        assert_eq!(value.encode().expect("short"), kafkas(golden));
        assert_eq!(SnapshotValue::decode(&kafkas(golden)), Ok(value));
    }
    assert_eq!(SnapshotValue::decode(&[0, 1]), Err(FieldError::Version(1)));
}

#[test]
fn s5_updates_are_kafkas() {
    let bare = UpdateValue {
        snapshot_epoch: 1,
        leader_epoch: 3,
        start_offset: -1,
        delivery_complete_count: -1,
        batches: vec![batch(40, 49, 2, 2)],
    };
    let counted = UpdateValue { delivery_complete_count: 11, ..bare.clone() };
    for (value, golden) in [(bare, "share_update_value"), (counted, "share_update_value_counted")] {
        assert_eq!(value.encode().expect("short"), kafkas(golden));
        assert_eq!(UpdateValue::decode(&kafkas(golden)), Ok(value));
    }
}
