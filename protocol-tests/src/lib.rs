//! Black-box tests over TCP: a real `klamm` process, and a client that says exactly what a test wants said.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc;
use std::time::Duration;

pub mod records;

/// How long a broker may take to be ready, and an answer to come.
const PATIENCE: Duration = Duration::from_secs(30);
/// Below the range from which clients get their own ports: a client that polls a port there can connect to itself.
const FIRST_PORT: u16 = 12_000;
const LAST_PORT: u16 = 31_000;

/// A broker process with a directory of its own, killed when dropped.
pub struct Broker {
    child: Child,
    address: SocketAddr,
    directory: tempfile::TempDir,
    overrides: Vec<String>,
}

impl Broker {
    /// A broker with Kafka's defaults, but for a rebalance delay that tests need not wait for.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// A broker with these settings besides (`key=value`).
    pub fn with(overrides: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
        let (child, address) = spawn(directory.path(), &overrides);
        Self { child, address, directory, overrides }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its log directory.
    pub fn log_dir(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// A new connection.
    pub fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// kill -9, and a new process on the same directory.
    pub fn kill_and_restart(&mut self) {
        self.child.kill().expect("the broker was running");
        self.child.wait().expect("it ended");
        (self.child, self.address) = spawn(self.directory.path(), &self.overrides);
    }

    /// SIGTERM; how it ended.
    pub fn terminate(&mut self) -> std::process::ExitStatus {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().expect("kill runs");
        self.child.wait().expect("it ended")
    }

    /// A new process on the directory of one that has ended.
    pub fn restart(&mut self) {
        (self.child, self.address) = spawn(self.directory.path(), &self.overrides);
    }

    /// The process's resident memory in bytes.
    pub fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("a live process");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a line of it");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number") * 1024
    }

    /// Whether the process lives.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("a child can be asked").is_none()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // It may have ended already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary under test: `KLAMM_BIN`, or the one that cargo built beside these tests.
fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("KLAMM_BIN") {
        return path.into();
    }
    let tests = std::env::current_exe().expect("a test knows its own path");
    let profile = tests.parent().and_then(Path::parent).expect("tests lie in target/<profile>/deps");
    profile.join("klamm")
}

fn spawn(directory: &Path, overrides: &[String]) -> (Child, SocketAddr) {
    let (port, controller_port) = (free_port(), free_port());
    let mut settings = vec![
        format!("listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}"),
        format!("advertised.listeners=PLAINTEXT://127.0.0.1:{port}"),
        "controller.listener.names=CONTROLLER".to_owned(),
        format!("log.dirs={}", directory.join("data").display()),
        "group.initial.rebalance.delay.ms=0".to_owned(),
        "offsets.topic.num.partitions=4".to_owned(),
        "klamm.http.listener=".to_owned(),
    ];
    settings.extend(overrides.iter().cloned());
    let mut command = Command::new(binary());
    for setting in &settings {
        command.args(["--override", setting]);
    }
    let mut child = command
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("klamm starts; cargo build --workspace makes it");
    let stdout = child.stdout.take().expect("it was piped");
    let (ready, wait) = mpsc::channel();
    // Reads on after the ready line, or the broker would stop at a full pipe.
    std::thread::spawn(move || {
        let mut seen = Vec::new();
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if line.contains("Kafka Server started") {
                let _ = ready.send(());
            }
            seen.push(line);
        }
        seen
    });
    wait.recv_timeout(PATIENCE).expect("the broker says that it has started");
    (child, SocketAddr::from(([127, 0, 0, 1], port)))
}

/// A port that nobody listens on. Several test processes draw at the same time, so each starts elsewhere.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let span = LAST_PORT - FIRST_PORT;
    let start = (std::process::id() as u16).wrapping_mul(61) % span;
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed) % span;
        let port = FIRST_PORT + (start + step) % span;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// One connection. Requests are numbered from 1.
pub struct Client {
    stream: TcpStream,
    correlation_id: i32,
    /// Sent with every request.
    pub client_id: String,
}

impl Client {
    /// Connects.
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the broker listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        stream.set_nodelay(true).expect("no delay");
        Self { stream, correlation_id: 0, client_id: "protocol-tests".to_owned() }
    }

    /// Sends a request of `version` and reads its answer.
    pub fn call<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        let id = self.send(version, request);
        let (answered, response) = self.receive::<R>(version);
        assert_eq!(answered, id, "answers come in order");
        response
    }

    /// Sends a request without waiting; its correlation id.
    pub fn send<R: Request>(&mut self, version: i16, request: &R) -> i32 {
        self.correlation_id += 1;
        let frame = frame(version, self.correlation_id, &self.client_id, request);
        self.stream.write_all(&frame).expect("the connection takes a request");
        self.correlation_id
    }

    /// Reads the answer to a request of `R` in `version`: its correlation id and body. Nothing may be left over.
    pub fn receive<R: Request>(&mut self, version: i16) -> (i32, R::Response) {
        let mut body = self.receive_frame().expect("an answer");
        let header_version = <R::Response as HeaderVersion>::header_version(version);
        let header = ResponseHeader::decode(&mut body, header_version).expect("an answer's header");
        let response = R::Response::decode(&mut body, version).expect("an answer's body");
        assert!(!body.has_remaining(), "{} bytes behind the answer", body.remaining());
        (header.correlation_id, response)
    }

    /// Writes bytes as they are.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Reads one frame, without its length.
    pub fn receive_frame(&mut self) -> io::Result<Bytes> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length)?;
        let mut frame = vec![0; i32::from_be_bytes(length) as usize];
        self.stream.read_exact(&mut frame)?;
        Ok(frame.into())
    }

    /// Waits until the broker closes the connection; an answer instead fails the test.
    pub fn expect_close(&mut self) {
        match self.receive_frame() {
            Ok(frame) => panic!("an answer of {} bytes where a close was due", frame.len()),
            Err(error) => assert!(
                matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset),
                "{error}"
            ),
        }
    }
}

/// A whole request frame.
pub fn frame<R: Request>(version: i16, correlation_id: i32, client_id: &str, request: &R) -> Bytes {
    let header = RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_correlation_id(correlation_id)
        .with_client_id(Some(StrBytes::from_string(client_id.to_owned())));
    let mut bytes = BytesMut::new();
    bytes.put_i32(0);
    header.encode(&mut bytes, R::header_version(version)).expect("a request's header");
    request.encode(&mut bytes, version).expect("a request's body");
    let length = bytes.len() as i32 - 4;
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    bytes.freeze()
}
