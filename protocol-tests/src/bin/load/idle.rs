//! What connections cost that do nothing.

use crate::broker::Use;
use crate::options::Options;
use protocol_tests::Client;
use std::net::SocketAddr;
use std::time::Duration;

/// For the broker to let go of what serving the first request took.
const SETTLE: Duration = Duration::from_secs(1);

pub fn run(options: &Options) {
    let address: SocketAddr = options.need("broker");
    let pid = options.need("pid");
    let connections: usize = options.get("connections", 1000);
    // What the first ones take once and for all is not theirs.
    let first: Vec<Client> = (0..50).map(|_| greeted(address)).collect();
    std::thread::sleep(SETTLE);
    let before = Use::of(pid);
    let more: Vec<Client> = (0..connections).map(|_| greeted(address)).collect();
    std::thread::sleep(SETTLE);
    let after = Use::of(pid);
    let grown = after.resident_kib as f64 - before.resident_kib as f64;
    println!(
        "idle connections={connections} resident_mib={:.1} bytes_connection={:.0}",
        after.resident_kib as f64 / 1024.0,
        grown * 1024.0 / connections as f64
    );
    drop((first, more));
}

fn greeted(address: SocketAddr) -> Client {
    let mut client = Client::connect(address);
    client.api_versions();
    client
}
