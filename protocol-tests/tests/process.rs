//! The process: what it refuses to start with, how it stops, and what a directory is worth without its index.

use protocol_tests::{refusal, Broker};

fn with(mut settings: Vec<String>, more: &[&str]) -> Vec<String> {
    settings.extend(more.iter().map(|text| (*text).to_owned()));
    settings
}

/// It exits 1, and says each of these words.
#[track_caller]
fn assert_refused((code, said): (Option<i32>, String), words: &[&str]) {
    assert_eq!(code, Some(1), "{said}");
    for word in words {
        assert!(said.contains(word), "no {word} in: {said}");
    }
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn bad_values_are_named_with_what_is_allowed() {
    let directory = tempfile::tempdir().unwrap();
    let cases: &[(&str, &[&str])] = &[
        ("num.partitions=0", &["num.partitions", "Invalid value 0", "at least 1"]),
        ("log.segment.bytes=big", &["log.segment.bytes", "big", "INT"]),
        ("compression.type=lz5", &["compression.type", "lz5", "lz4"]),
        ("log.retention.ms=-5", &["log.retention.ms=-5", "-1"]),
        ("listeners=nowhere", &["listeners", "nowhere", "NAME://host:port"]),
    ];
    for (setting, words) in cases {
        assert_refused(refusal(directory.path(), &[(*setting).to_owned()], &[]), words);
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "nothing is formatted");
}

#[test]
fn a_directory_is_one_process_s() {
    let broker = Broker::start();
    let directory = tempfile::tempdir().unwrap();
    assert_refused(refusal(directory.path(), &broker.twin(), &[]), &[".lock", &broker.log_dir().to_string_lossy()]);
    broker.assert_well();
}

#[test]
fn a_taken_port_is_named() {
    let broker = Broker::start();
    let directory = tempfile::tempdir().unwrap();
    let address = broker.address();
    let listeners = format!("listeners=PLAINTEXT://{address},CONTROLLER://127.0.0.1:0");
    let log_dirs = format!("log.dirs={}", directory.path().join("data").display());
    let settings = with(broker.twin(), &[&listeners, &log_dirs]);
    assert_refused(refusal(directory.path(), &settings, &[]), &["PLAINTEXT", &address.to_string(), "in use"]);
}

#[test]
fn a_directory_of_another_cluster_or_node_names_both() {
    let mut broker = Broker::start();
    broker.terminate();
    let directory = tempfile::tempdir().unwrap();
    let written = std::fs::read_to_string(broker.log_dir().join("meta.properties")).unwrap();
    let ours = written.lines().find_map(|line| line.strip_prefix("cluster.id=")).unwrap();
    let theirs = "5L6g3nShT-eMCtK--X86sw";
    assert_refused(refusal(directory.path(), &broker.twin(), &[("CLUSTER_ID", theirs)]), &[ours, theirs]);
    let settings = with(broker.twin(), &["node.id=7", "controller.quorum.voters=7@127.0.0.1:1"]);
    assert_refused(refusal(directory.path(), &settings, &[]), &["node id 1", "node id 7"]);
}

/// Starting would be an empty cluster over old partitions, and a topic made anew would replace their records.
#[test]
fn metadata_that_lies_elsewhere_or_nowhere_is_no_empty_cluster() {
    let mut broker = Broker::start();
    broker.connect().create_topic("kept", 1, &[]);
    broker.kill();
    let directory = tempfile::tempdir().unwrap();
    let (data, fresh) = (broker.log_dir(), directory.path().join("fresh"));
    let reordered = format!("log.dirs={},{}", fresh.display(), data.display());
    let settings = with(broker.twin(), &[&reordered]);
    assert_refused(refusal(directory.path(), &settings, &[]), &[&data.to_string_lossy(), &fresh.to_string_lossy()]);
    std::fs::remove_dir_all(data.join(".klamm-metadata")).unwrap();
    assert_refused(refusal(directory.path(), &broker.twin(), &[]), &["kept-0"]);
}

#[test]
fn a_terminated_broker_exits_0_and_keeps_what_it_has() {
    let mut broker = Broker::start();
    let mut client = broker.connect();
    let topic = client.create_topic("stays", 1, &[]);
    client.append(&topic, 0, &["a", "b"]);
    assert_eq!(broker.terminate().code(), Some(0));
    assert!(broker.log_dir().join(".kafka_cleanshutdown").exists());
    broker.restart();
    assert_eq!(broker.connect().values(&topic, 0), ["a", "b"]);
    broker.assert_well();
}

#[test]
fn c9_a_deleted_index_loses_nothing() {
    let mut broker = Broker::start();
    let mut client = broker.connect();
    let topic = client.create_topic("indexed", 1, &[("segment.bytes", "1048576")]);
    let large = "x".repeat(300_000);
    for _ in 0..8 {
        client.append(&topic, 0, &[&large, "small"]);
    }
    let asked = |client: &mut protocol_tests::Client| {
        let offsets = [-1, -2, -3, 0].map(|timestamp| {
            let found = client.list_offset(&topic, 0, timestamp);
            (found.error_code, found.timestamp, found.offset)
        });
        (client.values(&topic, 0), offsets)
    };
    let before = asked(&mut client);
    assert_eq!(before.0.len(), 16);
    for killed in [true, false] {
        if killed {
            broker.kill();
        } else {
            broker.terminate();
        }
        std::fs::remove_dir_all(broker.log_dir().join(".klamm-index")).unwrap();
        broker.restart();
        let after = asked(&mut broker.connect());
        assert_eq!(after.1, before.1, "killed: {killed}");
        assert!(after.0 == before.0, "records differ; killed: {killed}");
    }
    broker.assert_well();
}
