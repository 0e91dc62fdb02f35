//! What a produce costs in system calls: strace counts those of the broker.

use protocol_tests::records::Batch;
use protocol_tests::topics::Topic;
use protocol_tests::{Broker, Client};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};

const PRODUCES: usize = 10_000;
/// A record's bytes, so that its batch has about 16 KiB, Java's default batch.size.
const VALUE_BYTES: usize = 16 * 1024 - 80;
/// Calls that move bytes in or out of a file or a socket.
const TRACED: &str = "read,readv,pread64,preadv,preadv2,recvfrom,recvmsg,\
     write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,sendfile,fallocate,ftruncate,fsync,fdatasync";

/// strace, attached to all threads of a process.
struct Trace {
    strace: Child,
    said: BufReader<ChildStderr>,
    log: tempfile::NamedTempFile,
}

impl Trace {
    /// `None` where there is no strace, or it may not attach.
    fn attach(pid: u32) -> Option<Self> {
        let log = tempfile::NamedTempFile::new().expect("a temporary file");
        let mut strace = Command::new("strace")
            // -yy tells what a descriptor is: a path, or the two ends of a socket.
            .args(["-f", "-yy", "-s", "0", "-e", "signal=none", "-e", &format!("trace={TRACED}")])
            .arg("-o")
            .arg(log.path())
            .args(["-p", &pid.to_string()])
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .ok()?;
        let mut said = BufReader::new(strace.stderr.take().expect("it was piped"));
        let mut line = String::new();
        said.read_line(&mut line).expect("strace speaks");
        if line.contains("attached") {
            return Some(Self { strace, said, log });
        }
        eprintln!("strace does not attach: {line}");
        let _ = strace.wait();
        None
    }

    /// Detaches; the lines of the calls.
    fn finish(mut self) -> Vec<String> {
        let id = self.strace.id().to_string();
        Command::new("kill").args(["-INT", &id]).status().expect("kill runs");
        let mut rest = String::new();
        self.said.read_to_string(&mut rest).expect("strace's last words");
        self.strace.wait().expect("it ended");
        let text = std::fs::read_to_string(self.log.path()).expect("strace's log");
        text.lines().map(str::to_owned).collect()
    }
}

/// Calls whose name begins with one of `names`, on descriptors that `on` describes. One that another thread interrupted
/// is written in two lines, of which the first counts.
fn count(calls: &[String], names: &[&str], on: &str) -> usize {
    let begun = calls.iter().filter_map(|line| line.split_once(' ').map(|(_, call)| call.trim_start()));
    let named = begun.filter_map(|call| call.split_once('('));
    named
        .filter(|(name, _)| names.contains(name))
        .filter(|(_, arguments)| {
            let descriptor = arguments.split([',', ')']).next().unwrap_or_default();
            descriptor.contains(on)
        })
        .count()
}

fn produce(client: &mut Client, topic: &Topic, sequence: i32) {
    let batch = Batch::of_size(VALUE_BYTES).from_producer(1, 0, sequence);
    assert_eq!(client.produce(topic, 0, &batch).error_code, 0);
}

#[test]
fn a_produce_costs_one_write_to_a_file_and_two_calls_on_the_socket() {
    let broker = Broker::start();
    let mut client = broker.connect();
    let topic = client.create_topic("t", 1, &[]);
    produce(&mut client, &topic, 0);
    let Some(trace) = Trace::attach(broker.pid()) else {
        eprintln!("\nSKIPPED: system calls are not counted, for strace is missing (make setup-compat installs it)\n");
        return;
    };
    for sequence in 1..=PRODUCES as i32 {
        produce(&mut client, &topic, sequence);
    }
    let calls = trace.finish();
    let log_dir = broker.log_dir().display().to_string();
    let writes = count(&calls, &["write", "writev", "pwrite64", "pwritev", "pwritev2"], &log_dir);
    let received = count(&calls, &["read", "readv", "recvfrom", "recvmsg"], "<TCP:");
    let sent = count(&calls, &["write", "writev", "sendto", "sendmsg", "sendfile"], "<TCP:");
    let of = |calls: usize| calls as f64 / PRODUCES as f64;
    println!(
        "a produce: {:.3} writes to files, {:.3} reads and {:.3} writes of the socket",
        of(writes),
        of(received),
        of(sent)
    );
    assert!(writes >= PRODUCES && sent >= PRODUCES, "strace saw the broker work: {writes} writes, {sent} answers");
    assert!(of(writes) <= 1.2, "{writes} write calls on files for {PRODUCES} batches");
    assert!(of(received + sent) <= 2.0, "{received} reads and {sent} writes on the socket for {PRODUCES} batches");
}
