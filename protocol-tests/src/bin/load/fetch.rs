//! Reading a topic from its start to its end, as consumers do that keep one request on its way.

use crate::broker::Use;
use crate::options::Options;
use kafka_protocol::messages::fetch_request::FetchPartition;
use kafka_protocol::messages::FetchRequest;
use protocol_tests::topics::{fetch_topic, Topic};
use protocol_tests::{frame, Client};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

const VERSION: i16 = 13;
const GIB: f64 = (1 << 30) as f64;
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of an answer of version 13 before the records of its one partition, up to their length.
const BEFORE_RECORDS: usize = 4 + 1 + 4 + 2 + 4 + 1 + 16 + 1 + 4 + 2 + 8 + 8 + 8;

pub fn run(options: &Options) {
    let address: SocketAddr = options.need("broker");
    let pid = options.get("pid", 0);
    let connections: usize = options.get("connections", 1);
    let max_bytes: i32 = options.get("max-bytes", 1 << 20);
    let name: String = options.need("topic");
    let described = Client::connect(address).describe_topic(&name);
    assert_eq!(described.error_code, 0, "the topic {name} exists");
    let topic = Topic { name, id: described.topic_id };
    let partitions = described.partitions.len();
    let before = Use::of(pid);
    let began = Instant::now();
    let threads: Vec<_> = (0..connections)
        .map(|at| {
            let topic = topic.clone();
            std::thread::spawn(move || {
                let mine =
                    (0..partitions).filter(|partition| connections >= partitions || partition % connections == at);
                mine.map(|partition| read(address, &topic, partition as i32, max_bytes)).fold((0, 0), add)
            })
        })
        .collect();
    let (bytes, requests) = threads.into_iter().map(|thread| thread.join().expect("no read failed")).fold((0, 0), add);
    let taken = began.elapsed();
    let used = Use::of(pid).since(before);
    println!(
        "fetch topic={} connections={connections} max_bytes={max_bytes} bytes={bytes} requests={requests} seconds={:.3} \
         mib_s={:.1} cpu_s={:.2} user_s={:.2} system_s={:.2} cpu_s_gib={:.3} us_request={:.2} rss_mib={:.1}",
        topic.name,
        taken.as_secs_f64(),
        bytes as f64 / 1048576.0 / taken.as_secs_f64(),
        used.cpu_s(),
        used.user_s,
        used.system_s,
        used.cpu_s() / (bytes as f64 / GIB),
        used.cpu_s() * 1e6 / requests as f64,
        used.resident_kib as f64 / 1024.0,
    );
}

fn add(a: (u64, u64), b: (u64, u64)) -> (u64, u64) {
    (a.0 + b.0, a.1 + b.1)
}

/// Record bytes read, and requests.
fn read(address: SocketAddr, topic: &Topic, partition: i32, max_bytes: i32) -> (u64, u64) {
    let mut stream = TcpStream::connect(address).expect("the broker listens");
    stream.set_nodelay(true).expect("no delay");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    let (mut bytes, mut requests, mut offset) = (0, 0, 0);
    let mut answer = Vec::new();
    loop {
        let wanted = FetchPartition::default()
            .with_partition(partition)
            .with_fetch_offset(offset)
            .with_partition_max_bytes(max_bytes);
        let request = FetchRequest::default()
            .with_max_wait_ms(0)
            .with_min_bytes(1)
            .with_max_bytes(50 << 20)
            .with_topics(vec![fetch_topic(VERSION, topic, vec![wanted])]);
        stream.write_all(&frame(VERSION, requests as i32, "load", &request)).expect("the broker takes a request");
        let mut prefix = [0; 4];
        stream.read_exact(&mut prefix).expect("an answer");
        answer.resize(u32::from_be_bytes(prefix) as usize, 0);
        stream.read_exact(&mut answer).expect("a whole answer");
        requests += 1;
        let Some((next, length)) = last_offset(&answer) else { return (bytes, requests) };
        offset = next;
        bytes += length;
    }
}

/// The offset behind the last whole batch of an answer, and the record bytes up to it; `None` without one.
fn last_offset(answer: &[u8]) -> Option<(i64, u64)> {
    let code = i16::from_be_bytes(answer[BEFORE_RECORDS - 26..BEFORE_RECORDS - 24].try_into().expect("two bytes"));
    assert_eq!(code, 0, "a fetched partition's error");
    let mut at = BEFORE_RECORDS;
    // Aborted transactions: none, or null.
    at += 1;
    // The preferred replica.
    at += 4;
    let (mut length, mut shift) = (0u64, 0);
    loop {
        let byte = answer[at];
        at += 1;
        length |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            break;
        }
    }
    let records = &answer[at..at + (length.saturating_sub(1)) as usize];
    let (mut start, mut found) = (0, None);
    while let Some(head) = records.get(start..start + 27) {
        let field = |at: usize| u32::from_be_bytes(head[at..at + 4].try_into().expect("four bytes"));
        let base = i64::from_be_bytes(head[..8].try_into().expect("eight bytes"));
        let size = 12 + field(8) as usize;
        if start + size > records.len() {
            break;
        }
        start += size;
        found = Some((base + i64::from(field(23)) + 1, start as u64));
    }
    found
}
