//! The seam between connections and handlers: what a connection hands to the handlers, and what it gets back.

use crate::wire::Response;
use bytes::Bytes;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

/// What handles the requests of every connection.
pub trait Dispatch: Send + Sync + 'static {
    /// Stage one of a request: it runs strictly in order on its connection, and no later frame of that connection starts
    /// before it has returned. `frame` is one whole frame without its length prefix; a slice kept of it keeps all of it
    /// in memory. Dropping the future (the connection broke) must leave no half-done work behind.
    fn dispatch(&self, connection: &ConnectionContext, frame: Bytes) -> impl Future<Output = Reply> + Send;

    /// Whether requests of this API may start while earlier answers of the connection are still awaited
    /// ([`Reply::Later`]), and let later ones start while theirs is. All others start when nothing is awaited.
    fn overlaps(&self, api_key: i16) -> bool;
}

/// What stage one of a request came to.
pub enum Reply {
    /// The request gets no answer (Produce with acks 0).
    None,
    /// The answer, to be written when its turn comes.
    Ready(Response),
    /// The answer is awaited; it is written in the order in which the requests came. A future that resolves to another
    /// `Later` goes on waiting in its place.
    Later(Pin<Box<dyn Future<Output = Reply> + Send>>),
    /// The connection is closed once the answers due before have been written; the reason goes to the log.
    Close(String),
}

impl Reply {
    /// Awaits an answer.
    pub fn later(future: impl Future<Output = Reply> + Send + 'static) -> Self {
        Self::Later(Box::pin(future))
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Ready(response) => write!(f, "Ready({} bytes)", response.length()),
            Self::Later(_) => f.write_str("Later"),
            Self::Close(why) => write!(f, "Close({why})"),
        }
    }
}

/// What is known of a connection. Lives as long as it.
#[derive(Debug)]
pub struct ConnectionContext {
    /// Counts the node's connections, from 1.
    pub id: u64,
    /// The listener's name, as in `listeners`.
    pub listener: Arc<str>,
    /// The listener's security protocol (`PLAINTEXT` …).
    pub security_protocol: Arc<str>,
    /// The address that the client connected to.
    pub local: SocketAddr,
    /// The client's address.
    pub peer: SocketAddr,
    /// Who the client is, `User:ANONYMOUS` where nobody asked.
    pub principal: Arc<str>,
    /// What the client said of itself in ApiVersions 3 or later (KIP-511).
    pub client_software: OnceLock<ClientSoftware>,
}

/// A client's name and version (KIP-511).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSoftware {
    /// Such as `apache-kafka-java`.
    pub name: Box<str>,
    /// Such as `4.3.1`.
    pub version: Box<str>,
}
