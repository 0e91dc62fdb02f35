//! Listeners, connections, the order of requests, bounds, HTTP.
//!
//! Absent from here: what a request means (`api/`), and what bytes stand for (`wire/`).

mod admission;
mod answers;
mod connection;
pub mod http;
mod input;
mod listener;
pub mod net;
pub mod settings;
mod stream;

pub use settings::Settings;

use crate::api::reply::Dispatch;
use crate::clock::Clock;
use crate::quota::ClientQuotas;
use crate::telemetry::Metrics;
use crate::wire::Buffers;
pub use admission::{Admission, ConnectionLimits};
use connection::Shared;
use input::FrameMemory;
use listener::{Listening, Reception};
use net::{Accept, Network};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Where to listen.
#[derive(Clone, Debug)]
pub struct ListenAt {
    /// The listener's name.
    pub name: Arc<str>,
    /// Its security protocol.
    pub security_protocol: Arc<str>,
    /// Address and port; port 0 lets the system choose.
    pub address: SocketAddr,
}

/// A listener that could not be bound.
#[derive(Debug, thiserror::Error)]
#[error("Socket server failed to bind listener {name} to {address}: {source}")]
pub struct BindError {
    /// The listener's name.
    pub name: Arc<str>,
    /// Where it was to listen.
    pub address: SocketAddr,
    /// What the system said.
    pub source: io::Error,
}

/// What a server is made of.
pub struct Parts<D> {
    /// Handles the requests.
    pub dispatch: Arc<D>,
    /// The bounds.
    pub settings: Settings,
    /// The node's buffers, shared with whoever encodes answers.
    pub buffers: Buffers,
    /// Counts connections, bytes, requests.
    pub metrics: Arc<Metrics>,
    /// Tells how long requests take and connections idle.
    pub clock: Arc<dyn Clock>,
    /// How fast connections may come.
    pub quotas: Arc<ClientQuotas>,
}

/// The listeners of a node, bound but not yet accepting.
pub struct Server<D, N: Network> {
    reception: Arc<Reception<D>>,
    listening: Vec<Listening<N::Listener>>,
}

impl<D: Dispatch, N: Network> Server<D, N> {
    /// Binds every listener. Needs tokio's runtime around it.
    pub fn bind(network: &N, listeners: &[ListenAt], parts: Parts<D>) -> Result<Self, BindError> {
        let backlog = parts.settings.socket_listen_backlog_size;
        let listening = listeners.iter().map(|at| {
            let socket = network.bind(at.address, backlog).map_err(|source| BindError {
                name: Arc::clone(&at.name),
                address: at.address,
                source,
            })?;
            let (name, security_protocol) = (Arc::clone(&at.name), Arc::clone(&at.security_protocol));
            Ok(Listening { name, security_protocol, socket })
        });
        let listening = listening.collect::<Result<_, _>>()?;
        let admission = Admission::new(&parts.settings);
        let frame_memory = FrameMemory::new(parts.settings.queued_max_request_bytes);
        let Parts { dispatch, settings, buffers, metrics, clock, quotas } = parts;
        let drain = CancellationToken::new();
        let shared = Arc::new(Shared { dispatch, settings, buffers, frame_memory, metrics, clock, drain });
        let reception = Arc::new(Reception {
            shared,
            admission,
            quotas,
            tasks: TaskTracker::new(),
            cut: CancellationToken::new(),
            accepted: AtomicU64::new(0),
        });
        Ok(Self { reception, listening })
    }

    /// Where the limits of connections may be changed.
    pub fn admission(&self) -> Arc<Admission> {
        Arc::clone(&self.reception.admission)
    }

    /// The listeners' names with the addresses they listen on.
    pub fn addresses(&self) -> io::Result<Vec<(Arc<str>, SocketAddr)>> {
        self.listening.iter().map(|at| Ok((Arc::clone(&at.name), at.socket.local_address()?))).collect()
    }

    /// Accepts and serves until `stop`. Then no request is started any more, what is due is answered for at most
    /// `drain_ms`, and every connection is closed.
    pub async fn run(self, stop: CancellationToken) {
        let Self { reception, listening } = self;
        let tasks = reception.tasks.clone();
        for at in listening {
            tasks.spawn(Arc::clone(&reception).run(at));
        }
        stop.cancelled().await;
        reception.shared.drain.cancel();
        tasks.close();
        let drain = Duration::from_millis(reception.shared.settings.drain_ms);
        if tokio::time::timeout(drain, tasks.wait()).await.is_err() {
            reception.cut.cancel();
            tasks.wait().await;
        }
    }
}

#[cfg(test)]
mod tests;
