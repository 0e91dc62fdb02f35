//! DeleteRecords (key 21), versions 0–2.

use kafka_protocol::error::ResponseError;
use protocol_tests::{error, shared, Broker};

#[test]
fn l5_every_version_moves_the_log_start() {
    let mut client = shared().connect();
    let topic = client.create_topic("delete-records", 1, &[]);
    client.append(&topic, 0, &["a", "b", "c", "d", "e"]);
    for version in 0..=2 {
        let offset = i64::from(version) + 1;
        let result = client.delete_records(version, "delete-records", 0, offset);
        assert_eq!((error(result.error_code), result.low_watermark), (None, offset), "version {version}");
        assert_eq!(client.list_offset(&topic, 0, -2).offset, offset);
        // Again, or less: nothing happens.
        let result = client.delete_records(version, "delete-records", 0, 1);
        assert_eq!((error(result.error_code), result.low_watermark), (None, offset));
    }
    let all = client.delete_records(2, "delete-records", 0, -1);
    assert_eq!((error(all.error_code), all.low_watermark), (None, 5));
    assert_eq!(client.append(&topic, 0, &["f"]), 5);
}

#[test]
fn l5_refusals_delete_nothing() {
    let mut client = shared().connect();
    let topic = client.create_topic("delete-refused", 1, &[]);
    client.append(&topic, 0, &["a", "b"]);
    for offset in [3, i64::MAX, -2, i64::MIN] {
        let result = client.delete_records(2, "delete-refused", 0, offset);
        assert_eq!((error(result.error_code), result.low_watermark), (Some(ResponseError::OffsetOutOfRange), -1));
    }
    assert_eq!(client.list_offset(&topic, 0, -2).offset, 0);
    for (name, index) in [("nobody-made-this", 0), ("delete-refused", 1)] {
        let result = client.delete_records(2, name, index, 0);
        assert_eq!(error(result.error_code), Some(ResponseError::UnknownTopicOrPartition), "{name} {index}");
    }
    client.create_topic("delete-compacted", 1, &[("cleanup.policy", "compact")]);
    let result = client.delete_records(2, "delete-compacted", 0, 0);
    assert_eq!(error(result.error_code), Some(ResponseError::PolicyViolation));
    client.create_topic("delete-both", 1, &[("cleanup.policy", "compact,delete")]);
    assert_eq!(error(client.delete_records(2, "delete-both", 0, -1).error_code), None);
}

#[test]
fn l5_what_was_deleted_stays_deleted_after_a_kill() {
    let mut broker = Broker::start();
    let mut client = broker.connect();
    let topic = client.create_topic("delete-killed", 1, &[]);
    client.append(&topic, 0, &["a", "b", "c"]);
    assert_eq!(client.delete_records(2, "delete-killed", 0, 2).low_watermark, 2);
    broker.kill_and_restart();
    let mut client = broker.connect();
    assert_eq!(client.list_offset(&topic, 0, -2).offset, 2);
    assert_eq!(client.list_offset(&topic, 0, -1).offset, 3);
}
