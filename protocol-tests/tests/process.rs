//! The process: how it starts, what it refuses, how it ends.

use protocol_tests::{error, Broker};
use std::io::{Read, Write};
use std::net::TcpStream;

#[test]
fn it_says_once_that_it_is_ready() {
    let mut broker = Broker::start();
    let mut client = broker.connect();
    // Groups are served from the first moment.
    let member = client.join_alone("ready");
    assert_eq!(client.heartbeat(&member), None);
    assert_eq!(broker.terminate().code(), Some(0), "{}", broker.complaints());
    let said = broker.said();
    let ready: Vec<_> = said.iter().filter(|line| line.contains("Kafka Server started")).collect();
    assert_eq!(ready.len(), 1, "{said:?}");
}

#[test]
fn a_directory_has_one_process() {
    let broker = Broker::start();
    let second = broker.start_another(&[]);
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(1), "{said}");
    assert!(said.contains("lock") && said.contains(broker.log_dir().to_str().unwrap()), "{said}");
    broker.assert_well();
}

#[test]
fn another_node_id_than_the_directorys_is_refused() {
    let mut broker = Broker::with(&["node.id=3"]);
    broker.terminate();
    let other = broker.start_another(&["node.id=4", "controller.quorum.voters=4@127.0.0.1:9093"]);
    let said = String::from_utf8_lossy(&other.stderr).into_owned();
    assert_eq!(other.status.code(), Some(1), "{said}");
    assert!(said.contains("node id 3") && said.contains("node id 4"), "{said}");
    // The directory is as it was.
    broker.restart();
    broker.assert_well();
}

#[test]
fn bad_values_name_the_key_and_the_value() {
    let mut broker = Broker::start();
    broker.terminate();
    for (key, value) in
        [("num.partitions", "many"), ("num.partitions", "0"), ("fetch.max.bytes", "-5"), ("process.roles", "cook")]
    {
        let refused = broker.start_another(&[&format!("{key}={value}")]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.contains(key) && said.contains(value), "{key}={value}: {said}");
    }
}

#[test]
fn k1_unknown_keys_warn_and_do_no_harm() {
    let broker = Broker::with(&["no.such.key=1"]);
    broker.assert_well();
    let told = broker.said().iter().any(|line| line.contains("WARN") && line.contains("no.such.key"));
    assert!(told || broker.complaints().contains("no.such.key"), "{:?}", broker.said());
}

fn get(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn health_and_metrics_are_told_over_http() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let broker = Broker::with(&[&format!("klamm.http.listener=127.0.0.1:{port}")]);
    assert!(get(port, "/healthz").starts_with("HTTP/1.1 200"));
    let mut client = broker.connect();
    let topic = client.create_topic("measured", 1, &[]);
    client.append(&topic, 0, &["a"]);
    let metrics = get(port, "/metrics");
    assert!(metrics.starts_with("HTTP/1.1 200"), "{metrics}");
    assert!(metrics.contains("klamm_topics 1"), "{metrics}");
    let produced = metrics.lines().any(|line| line.contains("\"Produce\"") && !line.starts_with('#'));
    assert!(produced, "requests are counted by API: {metrics}");
    assert!(get(port, "/nothing").starts_with("HTTP/1.1 404"));
}

#[test]
fn c9_the_index_can_be_lost() {
    let mut broker = Broker::start();
    let mut client = broker.connect();
    let topic = client.create_topic("index-lost", 2, &[("segment.bytes", "1048576")]);
    let (id, epoch) = client.init_producer_id();
    let mut expected = Vec::new();
    for sequence in 0..40 {
        let value = format!("{sequence}-{}", "x".repeat(60_000));
        let batch = protocol_tests::records::Batch::of(&[&value]).from_producer(id, epoch, sequence);
        assert_eq!(error(client.produce(&topic, 0, &batch).error_code), None);
        expected.push(value);
    }
    let member = client.join_alone("index-lost");
    assert_eq!(broker.terminate().code(), Some(0));
    std::fs::remove_dir_all(broker.log_dir().join(".klamm-index")).unwrap();
    broker.restart();
    let mut client = broker.connect();
    assert_eq!(client.values(&topic, 0), expected);
    // Times are found, sequences are known, groups are there.
    assert_eq!(client.list_offset(&topic, 0, 0).offset, 0);
    let again = protocol_tests::records::Batch::of(&[&expected[39]]).from_producer(id, epoch, 39);
    assert_eq!(client.produce(&topic, 0, &again).base_offset, 39);
    client.find_coordinator("index-lost");
    assert_eq!(client.heartbeat(&member), None);
}
