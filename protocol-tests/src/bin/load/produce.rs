//! Writing batches.

use crate::broker::Use;
use crate::histogram::Histogram;
use crate::options::Options;
use crate::work::{Budget, Prepared, Sender};
use crate::{closed, open};
use bytes::{BufMut, Bytes, BytesMut};
use protocol_tests::records::{Batch, HEADER_BYTES, ZSTD};
use protocol_tests::topics::{produce_request, Topic};
use protocol_tests::{eventually, frame, Client};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use uuid::Uuid;

const VERSION: i16 = 13;
const MIB: f64 = (1 << 20) as f64;
/// Bytes of a record besides its value, about.
const RECORD_OVERHEAD: usize = 9;

struct Plan {
    connections: usize,
    partitions: i32,
    in_flight: usize,
    acks: i16,
    record_bytes: usize,
    requests: i64,
    /// Requests a second over all connections; 0 for a closed loop.
    rate: f64,
}

pub fn run(options: &Options) {
    let address: SocketAddr = options.need("broker");
    let pid = options.get("pid", 0);
    let record_bytes = options.get("record-bytes", 1024);
    let batch_bytes: usize = options.get("batch-bytes", 16_384);
    let records = ((batch_bytes - HEADER_BYTES) / (record_bytes + RECORD_OVERHEAD)).max(1);
    let batch = batch_of(records, record_bytes, &options.get("codec", "none".to_owned()));
    let size = batch.encode().len();
    let mib: f64 = options.get("mib", 512.0);
    let plan = Plan {
        connections: options.get("connections", 1),
        partitions: options.get("partitions", 1),
        in_flight: options.get("in-flight", 5),
        acks: options.get("acks", -1),
        record_bytes,
        requests: ((mib * MIB) / (records * record_bytes) as f64).ceil() as i64,
        rate: options.get("rate", 0.0),
    };
    assert!(plan.acks != 0, "acks 0 has no answers to count");
    let raw = options.has("raw");
    let name = options.get("topic", format!("load-{}-{}", record_bytes, std::process::id()));
    let topic = match raw {
        true => Topic { name, id: Uuid::from_u128(1) },
        false => topic(address, &name, plan.partitions),
    };
    let idempotent = options.has("idempotent") && !raw;
    let senders: Vec<Sender> =
        (0..plan.connections).map(|_| sender(address, &plan, &topic, &batch, idempotent)).collect();
    let before = Use::of(pid);
    let began = Instant::now();
    let histogram = drive(senders, &plan);
    let taken = began.elapsed();
    let used = Use::of(pid).since(before);
    report(&plan, records, size, &histogram, taken, &used);
}

fn topic(address: SocketAddr, name: &str, partitions: i32) -> Topic {
    let mut client = Client::connect(address);
    let known = client.describe_topic(name);
    match known.error_code {
        0 => Topic { name: name.to_owned(), id: known.topic_id },
        _ => {
            let topic = client.create_topic(name, partitions, &[]);
            // A broker may answer before it leads what it has made.
            for partition in 0..partitions {
                eventually("a leader", || (client.list_offset(&topic, partition, -1).error_code == 0).then_some(()));
            }
            topic
        }
    }
}

/// Values that no codec shrinks to nothing and none leaves as they are.
fn batch_of(records: usize, record_bytes: usize, codec: &str) -> Batch {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut value = || {
        (0..record_bytes)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                b'a' + (state % 26) as u8
            })
            .collect::<Vec<u8>>()
    };
    let records = (0..records).map(|_| (None, Some(value()))).collect();
    let attributes = match codec {
        "none" => 0,
        "zstd" => ZSTD,
        other => panic!("no codec {other:?} here"),
    };
    Batch { records, attributes, ..Batch::default() }
}

fn sender(address: SocketAddr, plan: &Plan, topic: &Topic, batch: &Batch, idempotent: bool) -> Sender {
    let producer = idempotent.then(|| Client::connect(address).init_producer_id());
    let batch = match producer {
        Some((id, epoch)) => batch.clone().from_producer(id, epoch, 0),
        None => batch.clone(),
    };
    let bytes = batch.encode();
    let prepared = (0..plan.partitions).map(|partition| {
        let request = produce_request(VERSION, plan.acks, &[(topic, partition, Some(bytes.clone()))]);
        Prepared {
            frame: frame(VERSION, 0, "load", &request).to_vec(),
            batch_bytes: bytes.len(),
            records: batch.records.len() as i32,
            sequence: producer.map(|_| 0),
        }
    });
    Sender::new(TcpStream::connect(address).expect("the broker listens"), prepared.collect())
}

fn drive(senders: Vec<Sender>, plan: &Plan) -> Histogram {
    let budget = Budget::new(plan.requests);
    let interval = Duration::from_secs_f64(plan.connections as f64 / plan.rate.max(1e-9));
    let threads: Vec<_> = senders
        .into_iter()
        .enumerate()
        .map(|(at, sender)| {
            let (budget, in_flight, is_open) = (budget.clone(), plan.in_flight, plan.rate > 0.0);
            let delay = interval.mul_f64(if is_open { at as f64 / plan.connections as f64 } else { 0.0 });
            std::thread::spawn(move || match is_open {
                true => open::run(sender, interval, delay, &budget),
                false => closed::run(sender, in_flight, &budget),
            })
        })
        .collect();
    let mut all = Histogram::default();
    for thread in threads {
        all.add(&thread.join().expect("no request failed"));
    }
    all
}

fn report(plan: &Plan, records: usize, size: usize, histogram: &Histogram, taken: Duration, used: &Use) {
    let requests = histogram.count() as f64;
    let gib = requests * (records * plan.record_bytes) as f64 / MIB / 1024.0;
    let per_request_us = used.cpu_s() * 1e6 / requests;
    println!(
        "produce record_bytes={} batch_bytes={size} records={records} connections={} partitions={} in_flight={} acks={} \
         rate={} requests={requests} seconds={:.3} mib_s={:.1} cpu_s={:.2} user_s={:.2} system_s={:.2} cpu_s_gib={:.3} \
         us_request={per_request_us:.2} switches_request={:.2} rss_mib={:.1} p50_us={:.0} p90_us={:.0} p99_us={:.0} \
         p999_us={:.0} max_us={:.0}",
        plan.record_bytes,
        plan.connections,
        plan.partitions,
        plan.in_flight,
        plan.acks,
        plan.rate,
        taken.as_secs_f64(),
        gib * 1024.0 / taken.as_secs_f64(),
        used.cpu_s(),
        used.user_s,
        used.system_s,
        used.cpu_s() / gib,
        used.switches as f64 / requests,
        used.resident_kib as f64 / 1024.0,
        histogram.percentile_us(0.5),
        histogram.percentile_us(0.9),
        histogram.percentile_us(0.99),
        histogram.percentile_us(0.999),
        histogram.percentile_us(1.0),
    );
}

/// An answer such as a broker's to a Produce of version 13 of one partition: for the probe.
pub fn answer(correlation_id: [u8; 4]) -> Bytes {
    const BODY_BYTES: usize = 55;
    let mut answer = BytesMut::new();
    answer.put_u32(4 + BODY_BYTES as u32);
    answer.put_slice(&correlation_id);
    answer.put_bytes(0, BODY_BYTES);
    answer.freeze()
}
