//! What all requests share: frames, order, bounds, and what happens to bytes that are no request.
//!
//! Whatever comes, the process lives, its memory stays bounded, and other connections go on.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::*;
use protocol_tests::records::Batch;
use protocol_tests::samples::samples;
use protocol_tests::topics::{fetch_request, metadata_request, produce_request, Topic};
use protocol_tests::{error, eventually, frame, shared, text, Broker, Client};
use std::time::{Duration, Instant};

/// What a broker may grow by while it is told lies: far below any number that the lies name.
const GROWTH_BYTES: u64 = 96 * 1024 * 1024;

/// A frame around these bytes.
fn framed(bytes: &[u8]) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_i32(bytes.len() as i32);
    frame.put_slice(bytes);
    frame.freeze()
}

/// A header of version 1, and a body.
fn request(key: i16, version: i16, body: &[u8]) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_i16(key);
    bytes.put_i16(version);
    bytes.put_i32(1);
    bytes.put_i16(-1);
    bytes.put_slice(body);
    framed(&bytes)
}

/// The broker closes the connection that these bytes came by.
fn assert_closed(what: &str, bytes: &[u8]) {
    let mut client = shared().connect();
    // It may be closed before all has been written.
    let _ = client.write(bytes);
    match client.receive_frame() {
        Ok(answer) => panic!("{what}: an answer of {} bytes where a close was due", answer.len()),
        Err(error) => assert!(
            matches!(error.kind(), std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::ConnectionReset),
            "{what}: {error}"
        ),
    }
}

/// Sends bytes and nothing more, and waits until the broker is through with them: answers them or not, but closes.
fn send_and_finish(broker: &Broker, bytes: &[u8]) {
    let mut client = broker.connect();
    let _ = client.write(bytes);
    client.finish();
    while client.receive_frame().is_ok() {}
}

#[test]
fn a9_frames_too_short_for_a_header_close() {
    let mut bystander = shared().connect();
    for length in [0, -1, i32::MIN, -2_000_000_000] {
        assert_closed(&format!("a length of {length}"), &length.to_be_bytes());
    }
    for length in 1..10 {
        let whole = request(ApiKey::ApiVersions as i16, 0, b"");
        assert_closed(&format!("a header of {length} bytes"), &framed(&whole[4..4 + length]));
    }
    bystander.api_versions();
    shared().assert_well();
}

#[test]
fn a9_headers_that_do_not_fit_close() {
    let header = |client_id_length: i16, client_id: &[u8]| {
        let mut bytes = BytesMut::new();
        bytes.put_i16(ApiKey::ApiVersions as i16);
        bytes.put_i16(0);
        bytes.put_i32(1);
        bytes.put_i16(client_id_length);
        bytes.put_slice(client_id);
        framed(&bytes)
    };
    assert_closed("a negative client id", &header(-2, b""));
    assert_closed("a client id beyond the frame", &header(10, b"short"));
    assert_closed("a client id far beyond the frame", &header(i16::MAX, b""));
    assert_closed("a client id that is no text", &header(2, b"\xff\xfe"));
    // Tagged fields: a count without fields, a size beyond the frame, a varint without end.
    for tags in
        [&b"\x01"[..], b"\x01\x00\xff\xff\xff\xff\x0f", b"\xff\xff\xff\xff\xff\xff\xff", b"\xff\xff\xff\xff\x0f"]
    {
        assert_closed("tagged fields", &request(ApiKey::ApiVersions as i16, 3, tags));
    }
    shared().assert_well();
}

#[test]
fn a9_unknown_keys_close() {
    // Among them what Kafka has, but this node does not or not on this listener.
    for key in [-1, i16::MIN, 4, 5, 6, 7, 17, 36, 52, 53, 56, 58, 62, 63, 67, 68, 71, 72, 78, 95, 1000, i16::MAX] {
        assert_closed(&format!("key {key}"), &request(key, 0, &[0; 64]));
    }
    shared().assert_well();
}

#[test]
fn a9_unserved_versions_close() {
    let served = shared().connect().api_versions().api_keys;
    for api in served.iter().filter(|api| api.api_key != ApiKey::ApiVersions as i16) {
        let versions = [api.max_version + 1, i16::MAX, -1, i16::MIN];
        let below = (api.min_version > 0).then(|| api.min_version - 1);
        for version in versions.into_iter().chain(below) {
            assert_closed(&format!("key {} version {version}", api.api_key), &request(api.api_key, version, &[0; 64]));
        }
    }
    // Advertised, for librdkafka's sake, and not served.
    for version in 0..3 {
        assert_closed("an old Produce", &request(0, version, b"\0\x01\0\0\x75\x30\0\0\0\0"));
    }
    shared().assert_well();
}

#[test]
fn every_api_served_has_a_sample() {
    let served: Vec<i16> = shared().connect().api_versions().api_keys.iter().map(|api| api.api_key).collect();
    let mut sampled: Vec<i16> = samples().iter().map(|(key, _, _)| *key).collect();
    sampled.sort();
    sampled.dedup();
    assert_eq!(sampled, served);
}

#[test]
fn every_sample_is_answered() {
    for (key, version, bytes) in samples() {
        let mut client = shared().connect();
        client.write(&bytes).unwrap();
        let answer = client.receive_frame().unwrap_or_else(|error| panic!("key {key} version {version}: {error}"));
        assert_eq!(answer[..4], [0, 0, 0, 1], "key {key} version {version}");
    }
}

#[test]
fn a9_requests_cut_anywhere_close() {
    for (key, version, bytes) in samples() {
        // The header has its own test: 10 bytes, the client id, and a tag count where the version is flexible.
        let header = 4 + 10 + "sample".len();
        for end in header..bytes.len() {
            let cut = framed(&bytes[4..end]);
            let mut client = shared().connect();
            client.write(&cut).unwrap();
            match client.receive_frame() {
                Err(_) => {}
                // A request without a body has nothing that could be cut, and records are judged by themselves.
                Ok(_) => panic!("key {key} version {version} was answered when cut to {end} of {} bytes", bytes.len()),
            }
        }
    }
    shared().assert_well();
}

#[test]
fn a9_bytes_behind_a_request_are_not_looked_at() {
    // As in Kafka: a client may say more than the broker knows of.
    for (key, version, bytes) in samples() {
        let longer = framed(&[&bytes[4..], &b"more than was asked for"[..]].concat());
        let mut client = shared().connect();
        client.write(&longer).unwrap();
        let answer = client.receive_frame();
        assert!(answer.is_ok(), "key {key} version {version}");
        client.api_versions();
    }
}

#[test]
fn a9_d36_lengths_and_counts_that_lie_take_no_memory() {
    let broker = Broker::start();
    broker.connect().find_coordinator("warm");
    for (_, _, bytes) in samples() {
        send_and_finish(&broker, &bytes);
    }
    let before = broker.resident_bytes();
    for (_, _, bytes) in samples() {
        let body = 4 + 10 + "sample".len();
        for at in body..bytes.len() {
            // A count or length of 32 bits, of 16 bits, and as a varint.
            for lie in [
                &i32::MAX.to_be_bytes()[..],
                &i32::MIN.to_be_bytes(),
                &[0x7f, 0xff],
                &[0x80, 0x00],
                b"\xff\xff\xff\xff\x07",
            ] {
                let mut lying = bytes[4..].to_vec();
                let from = at - 4;
                let to = (from + lie.len()).min(lying.len());
                lying[from..to].copy_from_slice(&lie[..to - from]);
                send_and_finish(&broker, &framed(&lying));
            }
        }
    }
    let grown = broker.resident_bytes().saturating_sub(before);
    assert!(grown < GROWTH_BYTES, "grown by {} KiB", grown / 1024);
    broker.assert_well();
}

#[test]
fn a9_d36_an_array_of_two_thousand_million_closes_at_once() {
    let mut nothing = Vec::new();
    // Metadata 0–8 begins with its array of topics, in 32 bits; from 9 on in a varint of one more.
    for version in 0..=8 {
        nothing.push(request(3, version, &i32::MAX.to_be_bytes()));
    }
    nothing.push(request(3, 9, b"\0\xff\xff\xff\xff\x07"));
    // DescribeGroups, DeleteGroups, CreateTopics, DeleteTopics, DescribeLogDirs: likewise.
    for (key, version) in [(15, 0), (42, 0), (19, 2), (20, 1), (35, 1), (37, 0), (32, 1), (33, 0), (44, 0), (21, 0)] {
        nothing.push(request(key, version, &i32::MAX.to_be_bytes()));
    }
    for bytes in nothing {
        assert_closed("a count without elements", &bytes);
    }
    // As many elements as bytes: a million empty names in a frame of 2 MB are still refused or answered, in bounds.
    let before = shared().resident_bytes();
    let mut names = BytesMut::new();
    names.put_i32(1_000_000);
    names.put_bytes(0, 2_000_000);
    send_and_finish(shared(), &request(20, 1, &names));
    assert!(shared().resident_bytes().saturating_sub(before) < GROWTH_BYTES);
    shared().assert_well();
}

#[test]
fn a10_frames_over_the_limit_close_before_they_arrive() {
    // Kafka's default is 100 MiB.
    assert_closed("a frame of 100 MiB and a byte", &(100 * 1024 * 1024 + 1_i32).to_be_bytes());
    assert_closed("a frame of 2 GiB", &i32::MAX.to_be_bytes());
    let broker = Broker::with(&["socket.request.max.bytes=100000"]);
    let topic = broker.connect().create_topic("frames", 1, &[]);
    let produce = |bytes| {
        let records = Batch::of_size(bytes).encode();
        frame(9, 1, "limits", &produce_request(9, -1, &[(&topic, 0, Some(records))]))
    };
    let overhead = produce(50_000).len() - 4 - 50_000;
    let mut client = broker.connect();
    client.write(&produce(100_000 - overhead)).unwrap();
    assert!(client.receive_frame().is_ok(), "a frame as long as allowed");
    let mut client = broker.connect();
    let _ = client.write(&produce(100_001 - overhead));
    client.expect_close();
    broker.assert_well();
}

#[test]
fn a10_announced_frames_take_memory_as_they_arrive() {
    let broker = Broker::start();
    broker.connect().api_versions();
    let before = broker.resident_bytes();
    let mut clients: Vec<Client> = (0..50).map(|_| broker.connect()).collect();
    for client in &mut clients {
        // 64 MiB of Produce are announced, and its header comes.
        let mut start = BytesMut::new();
        start.put_i32(64 * 1024 * 1024);
        start.put_slice(&request(0, 9, b"")[4..]);
        client.write(&start).unwrap();
    }
    // The others are served meanwhile: an answer shows that what was written before has been seen, or will be bounded.
    let mut other = broker.connect();
    for _ in 0..20 {
        other.api_versions();
    }
    let grown = broker.resident_bytes().saturating_sub(before);
    assert!(grown < GROWTH_BYTES, "grown by {} KiB", grown / 1024);
}

#[test]
fn a10_answers_come_in_the_order_of_requests() {
    let mut client = shared().connect();
    let topic = client.create_topic("order", 1, &[]);
    client.find_coordinator("order");
    let mut expected = Vec::new();
    let mut bytes = BytesMut::new();
    for round in 0..25 {
        let ids = round * 4..round * 4 + 4;
        expected.extend(ids.clone());
        let [parked, append, names, versions] = ids.collect::<Vec<i32>>().try_into().unwrap();
        // Parked until the append behind it is done, or until its wait is over.
        let fetch = fetch_request(12, &[(&topic, 0, i64::from(round))]).with_max_wait_ms(100).with_min_bytes(1);
        bytes.put_slice(&frame(12, parked, "order", &fetch));
        let records = Some(Batch::of(&["a"]).encode());
        bytes.put_slice(&frame(9, append, "order", &produce_request(9, -1, &[(&topic, 0, records)])));
        bytes.put_slice(&frame(12, names, "order", &metadata_request(12, &["order"])));
        bytes.put_slice(&frame(0, versions, "order", &ApiVersionsRequest::default()));
    }
    client.write(&bytes).unwrap();
    let answered: Vec<i32> = expected.iter().map(|_| client.receive_frame().unwrap().get_i32()).collect();
    assert_eq!(answered, expected);
}

#[test]
fn a10_a_thousand_requests_before_the_first_answer_is_read() {
    let mut client = shared().connect();
    let mut bytes = BytesMut::new();
    for id in 0..1000 {
        bytes.put_slice(&frame(12, id, "many", &metadata_request(12, &["nobody-made-this"])));
    }
    client.write(&bytes).unwrap();
    for id in 0..1000 {
        assert_eq!(client.receive_frame().unwrap().get_i32(), id);
    }
}

#[test]
fn a10_requests_come_in_pieces() {
    let mut client = shared().connect();
    let whole =
        [frame(12, 1, "pieces", &metadata_request(12, &["a"])), frame(12, 2, "pieces", &metadata_request(12, &["b"]))];
    for byte in whole.concat() {
        client.write(&[byte]).unwrap();
    }
    assert_eq!(client.receive_frame().unwrap().get_i32(), 1);
    assert_eq!(client.receive_frame().unwrap().get_i32(), 2);
}

#[test]
fn a10_d36_who_does_not_read_its_answers_takes_no_memory() {
    let broker = Broker::start();
    let mut client = broker.connect();
    let topic = client.create_topic("unread", 1, &[("max.message.bytes", "1000000")]);
    for _ in 0..20 {
        client.produce(&topic, 0, &Batch::of_size(900_000));
    }
    let before = broker.resident_bytes();
    let mut request = fetch_request(12, &[(&topic, 0, 0)]);
    request.topics[0].partitions[0].partition_max_bytes = i32::MAX;
    let mut greedy: Vec<Client> = (0..10).map(|_| broker.connect()).collect();
    for client in &mut greedy {
        // 18 MB each, forty times, and not a byte of it read.
        for _ in 0..40 {
            client.send(12, &request);
        }
    }
    for _ in 0..20 {
        broker.connect().api_versions();
    }
    let grown = broker.resident_bytes().saturating_sub(before);
    assert!(grown < GROWTH_BYTES, "grown by {} KiB", grown / 1024);
    // It is all there for who reads after all.
    let (_, response) = greedy[0].receive::<FetchRequest>(12);
    assert!(response.responses[0].partitions[0].records.as_ref().unwrap().len() > 17_000_000);
}

#[test]
fn a9_one_bad_connection_disturbs_no_other() {
    let mut good = shared().connect();
    let topic = good.create_topic("undisturbed", 1, &[]);
    let mut parked = shared().connect();
    parked.send(12, &fetch_request(12, &[(&topic, 0, 0)]).with_max_wait_ms(600_000).with_min_bytes(1));
    for number in 0..50 {
        let mut bad = shared().connect();
        let _ = bad.write(&request(3, 9, b"\0\xff\xff\xff\xff\x07"));
        if number == 25 {
            good.append(&topic, 0, &["news"]);
        }
        bad.expect_close();
    }
    let (_, response) = parked.receive::<FetchRequest>(12);
    assert_eq!(error(response.responses[0].partitions[0].error_code), None);
}

#[test]
fn a9_what_came_before_a_bad_request_is_answered() {
    let mut client = shared().connect();
    let good = frame(12, 41, "first", &metadata_request(12, &["nobody-made-this"]));
    client.write(&[&good[..], &request(9999, 0, b"")].concat()).unwrap();
    assert_eq!(client.receive_frame().unwrap().get_i32(), 41);
    client.expect_close();
}

#[test]
fn tagged_fields_that_nobody_knows_are_skipped() {
    let mut client = shared().connect();
    let tags = std::collections::BTreeMap::from([(77, Bytes::from_static(b"future")), (9000, Bytes::new())]);
    let mut request = metadata_request(12, &["nobody-made-this"]).with_unknown_tagged_fields(tags.clone());
    request.topics.as_mut().unwrap()[0].unknown_tagged_fields = tags;
    assert_eq!(client.call(12, &request).topics.len(), 1);
}

#[test]
fn a13_idle_connections_are_closed_and_waiting_ones_are_not() {
    let broker = Broker::with(&["connections.max.idle.ms=700"]);
    let mut idle = broker.connect();
    idle.api_versions();
    let topic = idle.create_topic("idle", 1, &[]);
    let mut waiting = broker.connect();
    waiting.send(12, &fetch_request(12, &[(&topic, 0, 0)]).with_max_wait_ms(2_500).with_min_bytes(1));
    let started = Instant::now();
    idle.expect_close();
    assert!(started.elapsed() >= Duration::from_millis(600), "{:?}", started.elapsed());
    // It awaited an answer all the time.
    waiting.receive::<FetchRequest>(12);
    assert!(started.elapsed() >= Duration::from_millis(2_000), "{:?}", started.elapsed());
}

#[test]
fn a13_connections_are_limited_by_address() {
    let broker = Broker::with(&["max.connections.per.ip=2"]);
    let mut first = broker.connect();
    let mut second = broker.connect();
    first.api_versions();
    second.api_versions();
    broker.connect().expect_close();
    drop(first);
    // The place is free once the broker has seen the end.
    eventually("a place", || {
        let mut third = broker.connect();
        let _ = third.write(&frame(0, 5, "third", &ApiVersionsRequest::default()));
        third.receive_frame().ok()
    });
    second.api_versions();
}

#[test]
fn a13_connections_over_the_limit_wait() {
    let broker = Broker::with(&["max.connections=2"]);
    let mut first = broker.connect();
    let mut second = broker.connect();
    first.api_versions();
    second.api_versions();
    // The third is taken by the system, and served when there is a place.
    let mut third = broker.connect();
    third.write(&frame(0, 5, "third", &ApiVersionsRequest::default())).unwrap();
    second.api_versions();
    drop(first);
    assert_eq!(third.receive_frame().unwrap().get_i32(), 5);
}

#[test]
fn a_clean_stop_answers_what_is_due_and_keeps_everything() {
    let mut broker = Broker::start();
    let mut client = broker.connect();
    let topic = client.create_topic("stopped", 1, &[]);
    client.append(&topic, 0, &["a", "b"]);
    let status = broker.terminate();
    assert_eq!(status.code(), Some(0), "{}", broker.complaints());
    client.expect_close();
    broker.restart();
    let mut client = broker.connect();
    let again = Topic { name: "stopped".to_owned(), id: client.describe_topic("stopped").topic_id };
    assert_eq!((again.id, client.values(&again, 0)), (topic.id, vec!["a".to_owned(), "b".to_owned()]));
    assert!(client.call(1, &DescribeClusterRequest::default()).cluster_id != text(""));
}
