//! A broker process with a directory of its own.

use crate::{Client, PATIENCE};
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{mpsc, Arc, Mutex};

/// Below the range from which clients get their own ports: a client that polls a port there can connect to itself.
const FIRST_PORT: u16 = 12_000;
const LAST_PORT: u16 = 31_000;
/// What the broker says to stderr, below its directory.
const STDERR: &str = "stderr.log";

/// A broker process with a directory of its own; both end when it is dropped, and when the test process ends.
pub struct Broker {
    process: Process,
    directory: tempfile::TempDir,
    overrides: Vec<String>,
}

impl Broker {
    /// A broker with Kafka's defaults, but for fewer offsets partitions and no rebalance delay that tests would wait for.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// A broker with these settings besides (`key=value`).
    pub fn with(overrides: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
        let process = Process::spawn(directory.path(), &overrides);
        Self { process, directory, overrides }
    }

    /// A broker whose settings name its listeners themselves; one of them is at `address`.
    pub fn at(address: SocketAddr, overrides: &[&str]) -> Self {
        let mut broker = Self::with(overrides);
        broker.process.address = address;
        broker
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.process.address
    }

    /// Its log directory.
    pub fn log_dir(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// A new connection.
    pub fn connect(&self) -> Client {
        Client::connect(self.address())
    }

    /// kill -9, and a new process on the same directory.
    pub fn kill_and_restart(&mut self) {
        self.process.kill();
        self.restart();
    }

    /// SIGTERM; how it ended.
    pub fn terminate(&mut self) -> std::process::ExitStatus {
        let id = self.process.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().expect("kill runs");
        self.process.child.wait().expect("it ended")
    }

    /// A new process on the directory of one that has ended.
    pub fn restart(&mut self) {
        self.process = Process::spawn(self.directory.path(), &self.overrides);
    }

    /// The same where the process may also refuse to start: then its exit code, and what it said.
    pub fn try_restart(&mut self) -> Result<(), (Option<i32>, String)> {
        self.process = Process::try_spawn(self.directory.path(), &self.overrides)?;
        Ok(())
    }

    /// Whether its process ends by itself within a second or two.
    pub fn is_ending(&mut self) -> bool {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(2);
        let mut ended = || self.process.child.try_wait().expect("it is this process's child").is_some();
        while std::time::Instant::now() < deadline {
            if ended() {
                return true;
            }
            std::thread::sleep(crate::LOOK_AGAIN);
        }
        false
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.child.id()
    }

    /// Another process on the same directory with these settings besides, which ends by itself; what it said.
    pub fn start_another(&self, overrides: &[&str]) -> Output {
        let mut all = self.overrides.clone();
        all.extend(overrides.iter().map(|text| (*text).to_owned()));
        command(self.directory.path(), free_port(), free_port(), &all).output().expect("klamm starts")
    }

    /// All that it has said to stdout since it was started.
    pub fn said(&self) -> Vec<String> {
        self.process.said.lock().expect("nobody panics with it").clone()
    }

    /// The process's resident memory in bytes.
    pub fn resident_bytes(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.process.child.id())).expect("a live process");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a line of it");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number") * 1024
    }

    /// Settings of another process that would have the same directory, at ports of its own.
    pub fn twin(&self) -> Vec<String> {
        settings(self.directory.path(), free_port())
    }

    /// kill -9, and no new process.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Stops its threads for a while, as a debugger or a frozen machine does, and lets them go on.
    pub fn freeze_for(&mut self, pause: std::time::Duration) {
        let id = self.process.child.id().to_string();
        let signal = |name: &str| Command::new("kill").args([name, &id]).status().expect("kill runs");
        signal("-STOP");
        std::thread::sleep(pause);
        signal("-CONT");
    }

    /// All that it has said to stderr.
    pub fn complaints(&self) -> String {
        complaints(self.directory.path())
    }

    /// That it answers, and has not panicked so far.
    pub fn assert_well(&self) {
        self.connect().api_versions();
        let said = self.complaints();
        assert!(!said.contains("panicked at"), "the broker panicked:\n{said}");
    }
}

fn complaints(directory: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(directory.join(STDERR)).unwrap_or_default()).into_owned()
}

struct Process {
    child: Child,
    address: SocketAddr,
    /// The lines of its stdout.
    said: Arc<Mutex<Vec<String>>>,
    /// Ends the broker and its directory when the test process ends without dropping it, as a static never is.
    watchman: Child,
}

impl Process {
    fn spawn(directory: &Path, overrides: &[String]) -> Self {
        Self::try_spawn(directory, overrides)
            .unwrap_or_else(|(code, said)| panic!("the broker does not start; exit code {code:?}:\n{said}"))
    }

    fn try_spawn(directory: &Path, overrides: &[String]) -> Result<Self, (Option<i32>, String)> {
        let (port, controller_port) = (free_port(), free_port());
        let mut command = command(directory, port, controller_port, overrides);
        let stderr = std::fs::OpenOptions::new().create(true).append(true).open(directory.join(STDERR));
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(stderr.expect("a file for what it complains of"))
            .spawn()
            .expect("klamm starts; cargo build --workspace makes it");
        let watchman = watch(child.id(), directory);
        let stdout = child.stdout.take().expect("it was piped");
        let (ready, wait) = mpsc::channel();
        let said = Arc::new(Mutex::new(Vec::new()));
        let lines = said.clone();
        // Reads on after the ready line, or the broker would stop at a full pipe.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let is_ready = line.contains("Kafka Server started");
                lines.lock().expect("nobody panics with it").push(line);
                if is_ready {
                    let _ = ready.send(());
                }
            }
        });
        let mut process = Self { child, address: SocketAddr::from(([127, 0, 0, 1], port)), said, watchman };
        match wait.recv_timeout(PATIENCE) {
            Ok(()) => Ok(process),
            Err(mpsc::RecvTimeoutError::Timeout) => Err((None, complaints(directory))),
            // Its stdout has ended before it was ready.
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                let ended = process.child.wait().expect("it is this process's child");
                Err((ended.code(), complaints(directory)))
            }
        }
    }

    fn kill(&mut self) {
        // It may have ended already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = self.watchman.kill();
        let _ = self.watchman.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// How a broker is started on `directory`.
fn command(directory: &Path, port: u16, controller_port: u16, overrides: &[String]) -> Command {
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
    command.current_dir(directory).stdin(Stdio::null());
    command
}

fn settings(directory: &Path, port: u16) -> Vec<String> {
    let controller_port = free_port();
    vec![
        format!("listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}"),
        format!("advertised.listeners=PLAINTEXT://127.0.0.1:{port}"),
        "controller.listener.names=CONTROLLER".to_owned(),
        format!("log.dirs={}", directory.join("data").display()),
        "group.initial.rebalance.delay.ms=0".to_owned(),
        "offsets.topic.num.partitions=4".to_owned(),
        "klamm.http.listener=".to_owned(),
    ]
}

/// A shell whose stdin closes with this process, however it ends.
fn watch(broker: u32, directory: &Path) -> Child {
    Command::new("sh")
        .args(["-c", "read _; kill -9 \"$1\" 2>/dev/null; rm -rf \"$2\"", "watch", &broker.to_string()])
        .arg(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell")
}

/// Runs `klamm` with these settings to its own end, in `directory`: its exit code, and what it said to stderr.
pub fn refusal(directory: &Path, settings: &[String], environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = Command::new(binary());
    command.current_dir(directory).envs(environment.iter().copied()).stdin(Stdio::null());
    for setting in settings {
        command.args(["--override", setting]);
    }
    let ended = command.output().expect("klamm starts; cargo build --workspace makes it");
    (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned())
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
