//! The seam between connections and handlers: what a connection hands to the handlers, and what it gets back.

use crate::replica::Burst;
use crate::wire::Response;
use bytes::Bytes;
use parking_lot::Mutex;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{ready, Context, Poll};
use tokio_util::sync::ReusableBoxFuture;

/// What handles the requests of every connection.
pub trait Dispatch: Send + Sync + 'static {
    /// Stage one of a request: it runs strictly in order on its connection, and no later frame of that connection starts
    /// before it has returned. `frame` is one whole frame without its length prefix; a slice kept of it keeps all of it
    /// in memory. Dropping the future (the connection broke) must leave no half-done work behind.
    fn dispatch(&self, connection: &ConnectionContext, frame: Bytes) -> impl Future<Output = Reply> + Send;

    /// Whether requests of this API may start while earlier answers of the connection are still awaited
    /// ([`Reply::Later`]), and let later ones start while theirs is. All others start when nothing is awaited.
    fn overlaps(&self, api_key: i16) -> bool;

    /// A connection is over, however it ended: what was tied to it goes.
    fn closed(&self, _connection: u64) {}
}

/// What stage one of a request came to.
pub enum Reply {
    /// The request gets no answer (Produce with acks 0).
    None,
    /// The answer, to be written when its turn comes.
    Ready(Response),
    /// The answer is awaited; it is written in the order in which the requests came. A future that resolves to another
    /// `Later` goes on waiting in its place.
    Later(Later),
    /// What is within, and no further request is read for so many milliseconds (Q2, KIP-219). Never one within another.
    Throttled(Box<Reply>, u32),
    /// The connection is closed once the answers due before have been written; the reason goes to the log.
    Close(String),
}

impl Reply {
    /// Awaits an answer.
    pub fn later(future: impl Future<Output = Reply> + Send + 'static) -> Self {
        Self::Later(Later { future: Some(ReusableBoxFuture::new(future)), home: None })
    }

    /// Awaits an answer in the memory of an earlier one, where that is over and of the same kind.
    pub fn later_in(memory: &Arc<LaterMemory>, future: impl Future<Output = Reply> + Send + 'static) -> Self {
        let future = match memory.kept.lock().take() {
            Some(mut kept) => {
                kept.set(future);
                kept
            }
            None => ReusableBoxFuture::new(future),
        };
        Self::Later(Later { future: Some(future), home: Some(memory.clone()) })
    }
}

/// An answer to come.
pub struct Later {
    /// None once it is over.
    future: Option<ReusableBoxFuture<'static, Reply>>,
    /// Where its memory goes then. That of an answer which nobody awaits any more goes to the allocator.
    home: Option<Arc<LaterMemory>>,
}

/// The memory of an answer that is over, for the next one.
#[derive(Default)]
pub struct LaterMemory {
    /// Guards the memory that no answer is in.
    kept: Mutex<Option<ReusableBoxFuture<'static, Reply>>>,
}

impl Future for Later {
    type Output = Reply;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Reply> {
        let future = self.future.as_mut().expect("an answer is awaited until it is there");
        let reply = ready!(future.poll(cx));
        let over = self.future.take();
        if let Some(home) = self.home.take() {
            *home.kept.lock() = over;
        }
        Poll::Ready(reply)
    }
}

impl fmt::Debug for LaterMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LaterMemory")
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Ready(response) => write!(f, "Ready({} bytes)", response.length()),
            Self::Later(_) => f.write_str("Later"),
            Self::Throttled(reply, ms) => write!(f, "Throttled({reply:?}, {ms} ms)"),
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
    /// Appends of requests that came in one go.
    pub burst: Burst,
}

/// A client's name and version (KIP-511).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSoftware {
    /// Such as `apache-kafka-java`.
    pub name: Box<str>,
    /// Such as `4.3.1`.
    pub version: Box<str>,
}
