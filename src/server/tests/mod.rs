//! Connections over real sockets, with handlers that do what the client id tells them to.

mod limits;
mod order;
mod reading;
mod slow_reader;

use super::net::Tcp;
use super::{ListenAt, Parts, Server, Settings};
use crate::api::reply::{ConnectionContext, Dispatch, Reply};
use crate::clock::SystemClock;
use crate::disk::real::RealDisk;
use crate::disk::{Disk, FileRange, Open};
use crate::telemetry::Metrics;
use crate::wire::shape::tests::allocator::calls;
use crate::wire::{frame, response, Buffers, Piece, Scatter};
use bytes::Bytes;
use kafka_protocol::messages::fetch_response::{FetchResponse, FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::HeartbeatResponse;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io::IoSlice;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// Heartbeat: overlaps in the tests.
const OVERLAPPING: i16 = 12;
/// ListGroups: does not.
const EXCLUSIVE: i16 = 16;

/// Handlers for tests. The client id says what to do.
struct Script {
    buffers: Buffers,
    /// Correlation ids in the order in which stage one was entered.
    started: Mutex<Vec<i32>>,
    /// Lets the awaited answer of this correlation id go.
    gates: Mutex<BTreeMap<i32, oneshot::Sender<()>>>,
    file: Mutex<Option<FileRange>>,
    /// Allocator calls of the thread that entered stage one last.
    allocator_calls: AtomicUsize,
}

fn heartbeat(buffers: &Buffers, correlation_id: i32) -> Reply {
    let body = HeartbeatResponse::default();
    Reply::Ready(response::encode(Scatter::new(buffers), correlation_id, 0, &body).unwrap())
}

impl Script {
    /// A Fetch answer with these pieces as its records.
    fn fetched(&self, correlation_id: i32, pieces: Vec<Piece>) -> Reply {
        let mut scatter = Scatter::new(&self.buffers);
        let records = scatter.place(pieces);
        let partition = PartitionData::default().with_records(Some(records));
        let topic = FetchableTopicResponse::default().with_partitions(vec![partition]);
        let body = FetchResponse::default().with_responses(vec![topic]);
        Reply::Ready(response::encode(scatter, correlation_id, 11, &body).unwrap())
    }

    fn gate(&self, correlation_id: i32) -> oneshot::Receiver<()> {
        let (open, gate) = oneshot::channel();
        self.gates.lock().insert(correlation_id, open);
        gate
    }

    fn open(&self, correlation_id: i32) {
        self.gates.lock().remove(&correlation_id).expect("a gate").send(()).expect("somebody waits");
    }

    async fn until_started(&self, correlation_id: i32) {
        while !self.started.lock().contains(&correlation_id) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

impl Dispatch for Script {
    async fn dispatch(&self, _connection: &ConnectionContext, frame: Bytes) -> Reply {
        let header = match frame::header(&frame) {
            Ok(header) => header,
            Err(error) => return Reply::Close(error.to_string()),
        };
        let id = header.correlation_id;
        self.allocator_calls.store(calls(), Ordering::Relaxed);
        self.started.lock().push(id);
        match header.client_id.unwrap_or("") {
            "none" => Reply::None,
            "close" => Reply::Close("asked to".to_owned()),
            "panic" => panic!("asked to"),
            "wait" => {
                let _ = self.gate(id).await;
                heartbeat(&self.buffers, id)
            }
            "later" => {
                let (gate, buffers) = (self.gate(id), self.buffers.clone());
                Reply::later(async move {
                    let _ = gate.await;
                    heartbeat(&buffers, id)
                })
            }
            "later close" => {
                let gate = self.gate(id);
                Reply::later(async move {
                    let _ = gate.await;
                    Reply::Close("asked to".to_owned())
                })
            }
            "file" => {
                let range = self.file.lock().clone().expect("a file");
                self.fetched(id, vec![Piece::File(range)])
            }
            "big" => self.fetched(id, vec![Bytes::from(vec![1; 512 * 1024]).into()]),
            "mixed" => {
                let range = self.file.lock().clone().expect("a file");
                let half = FileRange { length: 1000, ..range.clone() };
                let bytes = Bytes::from_static(b"between");
                self.fetched(id, vec![Piece::File(half.clone()), bytes.into(), Piece::File(half)])
            }
            _ => heartbeat(&self.buffers, id),
        }
    }

    fn overlaps(&self, api_key: i16) -> bool {
        api_key == OVERLAPPING
    }
}

/// A served address.
struct World {
    script: Arc<Script>,
    metrics: Arc<Metrics>,
    address: SocketAddr,
    stop: CancellationToken,
    server: tokio::task::JoinHandle<()>,
    _folder: tempfile::TempDir,
}

impl World {
    async fn start(settings: Settings) -> Self {
        let buffers = Buffers::new().unwrap();
        let script = Arc::new(Script {
            buffers: buffers.clone(),
            started: Mutex::default(),
            gates: Mutex::default(),
            file: Mutex::default(),
            allocator_calls: AtomicUsize::new(0),
        });
        let metrics = Metrics::new();
        let at = ListenAt {
            name: "PLAINTEXT".into(),
            security_protocol: "PLAINTEXT".into(),
            address: "127.0.0.1:0".parse().unwrap(),
        };
        let parts = Parts {
            quotas: crate::quota::ClientQuotas::new(crate::quota::QuotaSettings::default()),
            dispatch: Arc::clone(&script),
            settings,
            buffers,
            metrics: Arc::clone(&metrics),
            clock: SystemClock::new(),
        };
        let server = Server::bind(&Tcp::default(), &[at], parts).unwrap();
        let address = server.addresses().unwrap()[0].1;
        let stop = CancellationToken::new();
        let server = tokio::spawn(server.run(stop.clone()));
        Self { script, metrics, address, stop, server, _folder: tempfile::tempdir().unwrap() }
    }

    /// Puts a file of so many bytes behind "file" and "mixed"; its bytes.
    fn file(&self, length: usize) -> Vec<u8> {
        let content: Vec<u8> = (0..length as u64).map(|at| (at ^ (at >> 8) ^ (at >> 16)) as u8).collect();
        let file = RealDisk::new().open(&self._folder.path().join("0.log"), Open::Write).unwrap();
        file.append_vectored(0, &[IoSlice::new(&content)]).unwrap();
        *self.script.file.lock() = Some(FileRange { file, position: 0, length: length as u64 });
        content
    }

    async fn connect(&self) -> Client {
        Client { stream: TcpStream::connect(self.address).await.unwrap() }
    }

    async fn stop(self) {
        self.stop.cancel();
        self.server.await.unwrap();
    }
}

struct Client {
    stream: TcpStream,
}

/// A request of version 0 without a body.
fn request(api_key: i16, correlation_id: i32, client_id: &str) -> Vec<u8> {
    request_with(api_key, correlation_id, client_id, 0)
}

/// The same with a body of zeros.
fn request_with(api_key: i16, correlation_id: i32, client_id: &str, body: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&((10 + client_id.len() + body) as i32).to_be_bytes());
    bytes.extend_from_slice(&api_key.to_be_bytes());
    bytes.extend_from_slice(&0i16.to_be_bytes());
    bytes.extend_from_slice(&correlation_id.to_be_bytes());
    bytes.extend_from_slice(&(client_id.len() as i16).to_be_bytes());
    bytes.extend_from_slice(client_id.as_bytes());
    bytes.resize(bytes.len() + body, 0);
    bytes
}

impl Client {
    async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// The next answer, without its length prefix.
    async fn answer(&mut self) -> Vec<u8> {
        let read = async {
            let length = self.stream.read_i32().await.unwrap();
            let mut bytes = vec![0; length as usize];
            self.stream.read_exact(&mut bytes).await.unwrap();
            bytes
        };
        tokio::time::timeout(Duration::from_secs(20), read).await.expect("an answer in time")
    }

    /// The correlation id of the next answer.
    async fn correlation_id(&mut self) -> i32 {
        i32::from_be_bytes(*self.answer().await.first_chunk().unwrap())
    }

    /// Whether nothing comes for a while.
    async fn is_silent(&mut self) -> bool {
        let mut byte = [0];
        tokio::time::timeout(Duration::from_millis(50), self.stream.peek(&mut byte)).await.is_err()
    }

    /// Waits until the server has closed; whether it did without sending anything more.
    async fn is_closed(&mut self) -> bool {
        let mut byte = [0];
        let read = tokio::time::timeout(Duration::from_secs(20), self.stream.read(&mut byte)).await;
        // A server that closes with input unread resets the connection.
        matches!(read, Ok(Ok(0) | Err(_)))
    }
}
