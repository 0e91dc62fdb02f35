//! What handlers work with: the node's rooms, and the head of the request at hand.

use super::reply::{ConnectionContext, Reply};
use crate::wire::{response, Buffers, Scatter};
use bytes::Bytes;
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, StrBytes};

/// One request, decoded up to its body.
pub struct RequestContext<'a> {
    /// Where it came in.
    pub connection: &'a ConnectionContext,
    /// Which version of it, one that this node serves.
    pub version: i16,
    /// The client's own name for itself; empty where it gave none.
    pub client_id: StrBytes,
    /// The whole frame's length.
    pub request_bytes: usize,
    /// Makes the answer.
    pub responder: Responder,
}

/// Encodes a request's answer; outlives the request where the answer comes later.
#[derive(Clone)]
pub struct Responder {
    /// The request's version, which is its answer's.
    pub version: i16,
    correlation_id: i32,
    buffers: Buffers,
}

impl Responder {
    /// For the request with this version and correlation id.
    pub fn new(version: i16, correlation_id: i32, buffers: Buffers) -> Self {
        Self { version, correlation_id, buffers }
    }

    /// An answer without record bytes.
    pub fn ready<M: Encodable + HeaderVersion>(&self, body: &M) -> Reply {
        self.ready_with(self.scatter(), body)
    }

    /// A place for record bytes that an answer carries by reference.
    pub fn scatter(&self) -> Scatter {
        Scatter::new(&self.buffers)
    }

    /// An answer whose record bytes were placed in `scatter`. One that cannot be encoded closes the connection, since
    /// the client would wait for it in vain.
    pub fn ready_with<M: Encodable + HeaderVersion>(&self, scatter: Scatter, body: &M) -> Reply {
        match response::encode(scatter, self.correlation_id, self.version, body) {
            Ok(response) => Reply::Ready(response),
            Err(error) => Reply::Close(format!("the answer could not be encoded: {error}")),
        }
    }
}

/// Decodes a body that `wire::shape` has let pass.
///
/// # Errors
/// The reason why the connection is closed (A9).
pub fn decode<M: Decodable>(body: &mut Bytes, version: i16) -> Result<M, String> {
    M::decode(body, version).map_err(|error| format!("the request cannot be read: {error}"))
}

/// The bits of the operations that a principal may do, as Metadata and the describing APIs answer them (KIP-430).
pub mod operations {
    /// Create, alter, describe, cluster action, describe and alter configs, idempotent write.
    pub const CLUSTER: i32 = 1 << 5 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12;
    /// Read, write, create, delete, alter, describe, describe and alter configs.
    pub const TOPIC: i32 = 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 10 | 1 << 11;
    /// Read, delete, describe, describe and alter configs.
    pub const GROUP: i32 = 1 << 3 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 11;
}
