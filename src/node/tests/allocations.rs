//! What a request asks the allocator for, from its frame to its answer, counted on the thread that serves it.

use crate::api::reply::{ConnectionContext, Dispatch, Reply};
use crate::clock::SystemClock;
use crate::config::load::{load, Sources};
use crate::disk::real::RealDisk;
use crate::node::{open_rocks, Node, World};
use crate::record::build::BatchBuilder;
use crate::rng::Rng;
use crate::telemetry::LogLevels;
use crate::wire::shape::tests::allocator::calls;
use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    BrokerId, CreateTopicsRequest, CreateTopicsResponse, FetchRequest, FetchResponse, ProduceRequest, ProduceResponse,
    RequestHeader, ResponseHeader, TopicName,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use std::sync::{Arc, OnceLock};
use tokio::runtime::Runtime;

const TOPIC: &str = "t";
const PRODUCE_VERSION: i16 = 13;
const FETCH_VERSION: i16 = 18;
/// Requests before counting begins: tables and buffers have their size then.
const WARM_UP: usize = 100;
const COUNTED: usize = 1000;
/// Bytes of a batch's one record, so that the batch has 16 KiB.
const VALUE_BYTES: usize = 16 * 1024 - 80;

/// A node in a temporary directory, and a connection to it. Its own tasks run on the runtime's worker, requests on the
/// thread of the test: so that thread's counter is theirs alone.
struct Served {
    runtime: Runtime,
    node: Option<Node>,
    connection: ConnectionContext,
    topic_id: uuid::Uuid,
    correlation_id: i32,
    _directory: tempfile::TempDir,
}

impl Served {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let overrides = vec![format!("log.dirs={}", directory.path().join("data").display())];
        let loaded = load(&Sources { overrides, ..Sources::default() }).unwrap();
        let world = World {
            disk: RealDisk::new(),
            open_kv: open_rocks(),
            clock: SystemClock::new(),
            rng: Rng::from_seed(1),
            // A busy machine would look like a slow disk, and appends would go through the queue.
            threads: false,
            log_levels: Arc::new(LogLevels::unheard()),
        };
        let node = runtime.block_on(Node::start(&loaded, &world, Arc::new(|why| panic!("{why}")))).unwrap();
        let connection = ConnectionContext {
            id: 1,
            listener: "PLAINTEXT".into(),
            security_protocol: "PLAINTEXT".into(),
            local: ([127, 0, 0, 1], 9092).into(),
            peer: ([127, 0, 0, 1], 40_000).into(),
            principal: "User:ANONYMOUS".into(),
            client_software: OnceLock::new(),
            burst: Default::default(),
        };
        let (node, topic_id) = (Some(node), uuid::Uuid::nil());
        let mut served = Self { runtime, node, connection, topic_id, correlation_id: 0, _directory: directory };
        served.create_topic();
        served
    }

    fn create_topic(&mut self) {
        let topic = CreatableTopic::default()
            .with_name(TopicName(StrBytes::from_static_str(TOPIC)))
            .with_num_partitions(1)
            .with_replication_factor(1);
        let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(10_000);
        let answer: CreateTopicsResponse = self.call(7, &request);
        assert_eq!(answer.topics[0].error_code, 0);
        self.topic_id = answer.topics[0].topic_id;
    }

    /// A frame as a connection hands it on: a slice of a larger block.
    fn frame<R: Request>(&mut self, version: i16, request: &R) -> Bytes {
        self.correlation_id += 1;
        let header = RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_correlation_id(self.correlation_id)
            .with_client_id(Some(StrBytes::from_static_str("allocations")));
        let mut bytes = BytesMut::new();
        bytes.put_i32(0);
        header.encode(&mut bytes, R::header_version(version)).unwrap();
        request.encode(&mut bytes, version).unwrap();
        bytes.freeze().slice(4..)
    }

    /// The answer to a frame, and the calls that this thread has made for it, waiting included.
    fn serve(&self, frame: Bytes) -> (Reply, usize) {
        let api = &self.node.as_ref().expect("a running node").api;
        self.runtime.block_on(async {
            let before = calls();
            let mut reply = api.dispatch(&self.connection, frame).await;
            while let Reply::Later(answer) = reply {
                reply = answer.await;
            }
            (reply, calls() - before)
        })
    }

    fn call<R: Request, A: Decodable + HeaderVersion>(&mut self, version: i16, request: &R) -> A {
        let frame = self.frame(version, request);
        answer(&self.serve(frame).0, version)
    }

    fn fetch(&mut self, session_id: i32, session_epoch: i32, max_wait_ms: i32, topics: Vec<FetchTopic>) -> Bytes {
        let request = FetchRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_session_id(session_id)
            .with_session_epoch(session_epoch)
            .with_max_wait_ms(max_wait_ms)
            .with_min_bytes(1)
            .with_max_bytes(50 << 20)
            .with_topics(topics);
        self.frame(FETCH_VERSION, &request)
    }

    /// Opens a session at the end of the log; its id.
    fn open_session(&mut self) -> i32 {
        let partition =
            FetchPartition::default().with_partition(0).with_fetch_offset(0).with_partition_max_bytes(1 << 20);
        let topic = FetchTopic::default().with_topic_id(self.topic_id).with_partitions(vec![partition]);
        let frame = self.fetch(0, 0, 0, vec![topic]);
        let opened: FetchResponse = answer(&self.serve(frame).0, FETCH_VERSION);
        assert_eq!((opened.error_code, opened.responses[0].partitions[0].error_code), (0, 0));
        assert_ne!(opened.session_id, 0, "a session was made");
        opened.session_id
    }

    /// The calls of each of [`COUNTED`] empty fetches that wait for so long.
    fn empty_fetches(&mut self, max_wait_ms: i32) -> Vec<usize> {
        let session_id = self.open_session();
        let frames: Vec<Bytes> = (0..(WARM_UP + COUNTED) as i32)
            .map(|index| self.fetch(session_id, index + 1, max_wait_ms, Vec::new()))
            .collect();
        let counts = frames.into_iter().map(|frame| {
            let (reply, calls) = self.serve(frame);
            let empty: FetchResponse = answer(&reply, FETCH_VERSION);
            assert_eq!((empty.error_code, empty.session_id, empty.responses.len()), (0, session_id, 0));
            calls
        });
        counts.skip(WARM_UP).collect()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(node) = self.node.take() {
            self.runtime.block_on(node.stop());
        }
    }
}

fn answer<A: Decodable + HeaderVersion>(reply: &Reply, version: i16) -> A {
    let Reply::Ready(response) = reply else { panic!("{reply:?}") };
    let mut bytes = Bytes::from(response.to_vec().unwrap()).split_off(4);
    ResponseHeader::decode(&mut bytes, A::header_version(version)).unwrap();
    A::decode(&mut bytes, version).unwrap()
}

/// One idempotent batch of about 16 KiB, as a producer with the default batch.size sends it.
fn produce(topic_id: uuid::Uuid, sequence: i32) -> ProduceRequest {
    let mut batch = BatchBuilder::new().producer(7, 0, sequence);
    batch.append(1_700_000_000_000, None, Some(&[b'x'; VALUE_BYTES]), &[]);
    let records = batch.build().unwrap().bytes;
    let partition = PartitionProduceData::default().with_index(0).with_records(Some(records));
    let topic = TopicProduceData::default().with_topic_id(topic_id).with_partition_data(vec![partition]);
    ProduceRequest::default().with_acks(-1).with_timeout_ms(30_000).with_topic_data(vec![topic])
}

/// Calls by request: how many requests asked so often.
fn spread(counts: &[usize]) -> String {
    let mut spread = std::collections::BTreeMap::new();
    counts.iter().for_each(|calls| *spread.entry(*calls).or_insert(0) += 1);
    format!("{spread:?} (calls: requests)")
}

#[test]
fn a_produce_asks_the_allocator_four_times_at_most() {
    let mut served = Served::start();
    let topic_id = served.topic_id;
    let frames: Vec<Bytes> = (0..(WARM_UP + COUNTED) as i32)
        .map(|sequence| served.frame(PRODUCE_VERSION, &produce(topic_id, sequence)))
        .collect();
    let counts = frames.into_iter().map(|frame| {
        let (reply, calls) = served.serve(frame);
        let produced: ProduceResponse = answer(&reply, PRODUCE_VERSION);
        assert_eq!(produced.responses[0].partition_responses[0].error_code, 0);
        calls
    });
    let counts: Vec<usize> = counts.skip(WARM_UP).collect();
    let total: usize = counts.iter().sum();
    // Index and tables grow now and then; that is counted, too.
    assert!(total <= 4 * COUNTED, "{total} calls for {COUNTED} requests: {}", spread(&counts));
}

#[test]
fn an_empty_fetch_of_an_idle_session_asks_the_allocator_for_nothing() {
    let mut served = Served::start();
    for max_wait_ms in [0, 1] {
        let counts = served.empty_fetches(max_wait_ms);
        assert!(counts.iter().all(|calls| *calls == 0), "waiting {max_wait_ms} ms: {}", spread(&counts));
    }
}
