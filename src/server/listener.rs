//! Accepts connections and runs each as a task of its own.

use super::admission::{Admission, Admitted, Slot};
use super::connection::{Connection, Ended, Shared};
use super::net::{Accept, ByteStream};
use crate::api::reply::{ConnectionContext, Dispatch};
use crate::quota::ClientQuotas;
use crate::telemetry::Metrics;
use futures_util::FutureExt;
use std::any::Any;
use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Pause after an accept that failed for want of something (descriptors above all), in milliseconds: until something is
/// given back, the next one fails, too.
const ACCEPT_PAUSE_MS: u64 = 100;

/// What the listeners of a node share.
pub(super) struct Reception<D> {
    pub(super) shared: Arc<Shared<D>>,
    pub(super) admission: Arc<Admission>,
    pub(super) quotas: Arc<ClientQuotas>,
    pub(super) tasks: TaskTracker,
    /// Ends connections at once, whatever is due.
    pub(super) cut: CancellationToken,
    /// Connections accepted so far.
    pub(super) accepted: AtomicU64,
}

/// A listening socket with its names.
pub(super) struct Listening<L> {
    pub(super) name: Arc<str>,
    pub(super) security_protocol: Arc<str>,
    pub(super) socket: L,
}

/// Counts an open connection until dropped.
struct Open {
    metrics: Arc<Metrics>,
    _admitted: Admitted,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.metrics.connections.dec();
    }
}

impl<D: Dispatch> Reception<D> {
    /// Accepts until the node drains.
    pub(super) async fn run<L: Accept>(self: Arc<Self>, listening: Listening<L>) {
        let drain = self.shared.drain.clone();
        let anonymous: Arc<str> = Arc::from("User:ANONYMOUS");
        // `max.connection.creation.rate`: how long the next connection waits in the backlog.
        let mut pause_ms = 0;
        loop {
            let next = async {
                let slot = self.admission.slot().await;
                if pause_ms > 0 {
                    tokio::time::sleep(Duration::from_millis(pause_ms)).await;
                }
                Ok::<_, io::Error>((slot, listening.socket.accept().await?))
            };
            let Some(accepted) = drain.run_until_cancelled(next).await else { return };
            let (slot, (stream, peer)) = match accepted {
                Ok(accepted) => accepted,
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(error) => {
                    tracing::warn!("Error accepting connection on listener {}: {error}", listening.name);
                    tokio::time::sleep(Duration::from_millis(ACCEPT_PAUSE_MS)).await;
                    continue;
                }
            };
            self.shared.metrics.connections_accepted.inc();
            let now = self.shared.clock.now();
            pause_ms = self.quotas.any_connection(now).into();
            let throttle_ms = self.quotas.connection(peer.ip(), now);
            if throttle_ms > 0 {
                self.close_later(stream, slot, throttle_ms);
                continue;
            }
            let Some(admitted) = self.admission.admit(peer.ip(), slot) else {
                self.shared.metrics.connections_refused.inc();
                tracing::info!("Rejected connection from {}, address already has the configured maximum", peer.ip());
                continue;
            };
            let Ok(local) = stream.local_address() else { continue };
            let context = ConnectionContext {
                id: self.accepted.fetch_add(1, Ordering::Relaxed) + 1,
                listener: Arc::clone(&listening.name),
                security_protocol: Arc::clone(&listening.security_protocol),
                local,
                peer,
                principal: Arc::clone(&anonymous),
                client_software: OnceLock::new(),
                burst: Default::default(),
            };
            self.serve(context, stream, admitted);
        }
    }

    /// Holds a connection that came too soon, and closes it then: its client would else come again at once. It counts as
    /// open meanwhile, so that these are bounded, too.
    fn close_later<S: ByteStream>(&self, stream: S, slot: Slot, throttle_ms: u32) {
        self.shared.metrics.connections_refused.inc();
        let drain = self.shared.drain.clone();
        self.tasks.spawn(async move {
            drain.run_until_cancelled(tokio::time::sleep(Duration::from_millis(throttle_ms.into()))).await;
            drop((stream, slot));
        });
    }

    fn serve<S: ByteStream>(&self, context: ConnectionContext, stream: S, admitted: Admitted) {
        let metrics = Arc::clone(&self.shared.metrics);
        metrics.connections.inc();
        let open = Open { metrics, _admitted: admitted };
        let (id, peer, cut) = (context.id, context.peer, self.cut.clone());
        let connection = Connection::new(Arc::clone(&self.shared), context, stream);
        let closing = Closing { shared: Arc::clone(&self.shared), id };
        self.tasks.spawn(async move {
            let _closing = closing;
            // A panic takes this connection with it, and nothing else: whatever a handler had locked is freed by unwinding.
            let serving = AssertUnwindSafe(connection.run()).catch_unwind();
            match cut.run_until_cancelled(serving).await {
                Some(Ok(ended)) => report(id, peer, ended, &open.metrics),
                Some(Err(panic)) => {
                    open.metrics.handler_panics.inc();
                    tracing::error!("Connection {id} from {peer} closed: a handler panicked: {}", message(&*panic));
                }
                None => tracing::info!("Connection {id} from {peer} cut with answers due: the node stops"),
            }
        });
    }
}

/// Says that a connection is over when its task ends, in whichever way.
struct Closing<D: Dispatch> {
    shared: Arc<Shared<D>>,
    id: u64,
}

impl<D: Dispatch> Drop for Closing<D> {
    fn drop(&mut self) {
        self.shared.dispatch.closed(self.id);
    }
}

fn report(id: u64, peer: SocketAddr, ended: Ended, metrics: &Metrics) {
    match ended {
        Ended::Refused(why) => {
            metrics.connections_refused.inc();
            tracing::info!("Connection {id} from {peer} closed: {why}");
        }
        Ended::Broken(error) => tracing::debug!("Connection {id} from {peer} broke: {error}"),
        Ended::ByClient | Ended::Drained | Ended::Idle => tracing::debug!("Connection {id} from {peer}: {ended:?}"),
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
