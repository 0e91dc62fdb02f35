//! A light load generator: requests are encoded once and sent again and again, so that the broker's cost shows and not the
//! client's. Says what each request cost the broker in CPU and in context switches, and how long answers took.
//!
//! ```text
//! load produce --broker 127.0.0.1:9092 --pid PID [--topic T] [--partitions 1] [--connections 1] [--in-flight 5]
//!              [--record-bytes 1024] [--batch-bytes 16384] [--acks -1] [--mib 512] [--rate 0] [--idempotent] [--codec zstd]
//! load fetch   --broker 127.0.0.1:9092 --pid PID --topic T [--connections 1] [--max-bytes 1048576]
//! load idle    --broker 127.0.0.1:9092 --pid PID [--connections 1000]
//! load probe   --port 25900 --directory DIR      the machine's own limit: receives, sums, appends, answers; then
//! load produce --broker 127.0.0.1:25900 --pid PROBE --raw …
//! ```
//! `--rate` is requests a second over all connections: they leave when they are due, whatever became of the earlier ones,
//! and latency counts from when they were due, so that a stall is not hidden by the requests that it delayed. Without it
//! each connection keeps `--in-flight` requests on their way.
//!
//! Absent: what a real client does besides. Figures of the stock tools stand beside these in the bench.

mod broker;
mod closed;
mod fetch;
mod histogram;
mod idle;
mod open;
mod options;
mod probe;
mod produce;
mod work;

use options::Options;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next().unwrap_or_default();
    let options = Options::parse(arguments);
    match command.as_str() {
        "produce" => produce::run(&options),
        "fetch" => fetch::run(&options),
        "idle" => idle::run(&options),
        "probe" => probe::run(&options),
        other => panic!("{other:?} is none of produce, fetch, idle, probe"),
    }
}
