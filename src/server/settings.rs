//! The bounds of connections. Names are Kafka's where Kafka has the setting.

use crate::wire::frame::REQUEST_MAX_BYTES;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Requests of one connection whose answers are not written yet, at most.
pub const PENDING_REQUESTS: usize = 64;
/// Bytes in memory of one connection's answers that wait to be written, in bytes: at this, no request is started.
pub const PENDING_ANSWER_BYTES: u64 = 1024 * 1024;
/// A frame larger than a read block must bring this many bytes in each [`LARGE_FRAME_CHECK_MS`], or its connection is
/// closed: it holds memory that others wait for.
pub const LARGE_FRAME_PROGRESS_BYTES: usize = 64 * 1024;
/// How often the progress of a large frame is looked at, in milliseconds.
pub const LARGE_FRAME_CHECK_MS: u64 = 30_000;

/// What bounds a node's connections.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `socket.request.max.bytes`: a longer request closes its connection (A10).
    pub socket_request_max_bytes: usize,
    /// Bytes of frames larger than a read block that the whole node holds at once (`queued.max.request.bytes`; Kafka's
    /// default of -1 stands for no bound, which Klamm does not offer). A frame above it is let in alone.
    pub queued_max_request_bytes: usize,
    /// `connections.max.idle.ms`: after so long without a byte either way, with nothing awaited, a connection is closed (A13).
    pub connections_max_idle_ms: u64,
    /// `max.connections`: at this many, no further connection is accepted until one ends (A13).
    pub max_connections: usize,
    /// `max.connections.per.ip`: further connections of an address are closed as they come (A13).
    pub max_connections_per_ip: usize,
    /// `max.connections.per.ip.overrides`, by address.
    pub max_connections_per_ip_overrides: BTreeMap<IpAddr, usize>,
    /// `socket.listen.backlog.size`.
    pub socket_listen_backlog_size: u32,
    /// How long a stopping node waits for awaited answers, in milliseconds; after that connections are cut.
    pub drain_ms: u64,
}

impl Default for Settings {
    /// Kafka's defaults.
    fn default() -> Self {
        Self {
            socket_request_max_bytes: REQUEST_MAX_BYTES,
            queued_max_request_bytes: 512 * 1024 * 1024,
            connections_max_idle_ms: 600_000,
            max_connections: i32::MAX as usize,
            max_connections_per_ip: i32::MAX as usize,
            max_connections_per_ip_overrides: BTreeMap::new(),
            socket_listen_backlog_size: 50,
            drain_ms: 5_000,
        }
    }
}
