//! A node as a process: runtimes, sockets, signals, and the lines that others wait for.

use super::{system, Node, NodeError, World};
use crate::config::listeners::Listener;
use crate::config::load::Loaded;
use crate::config::BrokerConfig;
use crate::metadata::configs::{ConfigResource, ResourceType};
use crate::quorum::FatalHook;
use crate::replica::ReplicaManager;
use crate::server::{http, net::Network, net::Tcp, Admission, ConnectionLimits, ListenAt, Parts, Server, Settings};
use crate::telemetry::Metrics;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{signal, SignalKind};
use tokio_util::sync::CancellationToken;

/// Threads of the control runtime: the quorum, heartbeats, timers, and loading of groups.
const CONTROL_THREADS: usize = 2;
/// How long a stop waits for tasks that do not end, in milliseconds.
const RUNTIME_STOP_MS: u64 = 2_000;

/// How often threads that find nothing to do give memory back after the start; each of the few does it more than once.
const GIVE_BACKS: usize = 16;

/// What a start has used and freed is of no use afterwards, and its allocator keeps it for each thread by itself.
struct Memory {
    /// How many more times a thread gives back before it sleeps.
    due: AtomicUsize,
    give_back: fn(),
}

impl Memory {
    fn started(&self) {
        (self.give_back)();
        self.due.store(GIVE_BACKS, Ordering::Relaxed);
    }

    fn before_sleep(&self) {
        let one_less = |due: usize| due.checked_sub(1);
        if self.due.load(Ordering::Relaxed) > 0
            && self.due.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok()
        {
            (self.give_back)();
        }
    }
}

/// Runs a node until SIGTERM or Ctrl-C, then stops it cleanly. `give_back_memory` lets the calling thread return to the
/// system what its allocator holds free.
///
/// # Errors
/// The node could not start, or a runtime or socket could not be had.
pub fn run(loaded: Loaded, world: World, give_back_memory: fn()) -> Result<(), NodeError> {
    let memory = Arc::new(Memory { due: AtomicUsize::new(0), give_back: give_back_memory });
    let control = runtime("klamm-control", CONTROL_THREADS, &memory)?;
    let threads = match loaded.config.klamm.data_threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    let data = runtime("klamm-data", threads, &memory)?;
    let result = control.block_on(serve(loaded, world, &data, &memory));
    let patience = Duration::from_millis(RUNTIME_STOP_MS);
    data.shutdown_timeout(patience);
    control.shutdown_timeout(patience);
    result
}

fn runtime(name: &str, threads: usize, memory: &Arc<Memory>) -> Result<Runtime, NodeError> {
    let memory = memory.clone();
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(threads).thread_name(name).on_thread_park(move || memory.before_sleep()).enable_all();
    builder.build().map_err(|error| system(name, error))
}

async fn serve(loaded: Loaded, world: World, data: &Runtime, memory: &Memory) -> Result<(), NodeError> {
    let config = loaded.config.clone();
    let stop = stop_signal()?;
    let metrics = Metrics::new();
    let node = tokio::select! {
        biased;
        () = stop.cancelled() => return Ok(()),
        node = Node::start(&loaded, &world, exit_on_fatal()) => node?,
    };
    node.expose(&metrics);
    let server = {
        let _inside = data.enter();
        let network = Tcp {
            send_buffer_bytes: config.network.socket_send_buffer_bytes,
            receive_buffer_bytes: config.network.socket_receive_buffer_bytes,
        };
        let parts = Parts {
            dispatch: node.api.clone(),
            settings: server_settings(&config),
            buffers: node.buffers.clone(),
            metrics: metrics.clone(),
            clock: world.clock.clone(),
            quotas: node.quotas.clone(),
        };
        Server::bind(&network, &listen_at(&config)?, parts).map_err(|error| {
            system(format!("Socket server failed to bind listener {} to {}", error.name, error.address), error.source)
        })?
    };
    for (name, address) in server.addresses().map_err(|error| system("listeners", error))? {
        tracing::info!("Awaiting socket connections on {address} (listener {name})");
    }
    follow_limits(&config, &node, server.admission());
    let cut = CancellationToken::new();
    let pages = http_pages(&config, &node, &metrics)?;
    let http = pages.map(|(listener, pages)| data.spawn(http::serve(listener, pages, cut.clone())));
    let serving = data.spawn(server.run(stop.clone()));
    announce(&config);
    memory.started();
    let lost = tokio::select! {
        biased;
        () = stop.cancelled() => false,
        () = directories_lost(&node.replicas) => true,
    };
    stop.cancel();
    tracing::info!("[KafkaServer id={}] shutting down", config.node_id);
    // A connection that panicked took its task along, not the node: there is nothing to learn from a join error.
    let _ = serving.await;
    cut.cancel();
    if let Some(http) = http {
        let _ = http.await;
    }
    node.stop().await;
    tracing::info!("[KafkaServer id={}] shut down completed", config.node_id);
    match lost {
        true => Err(NodeError::DirectoriesLost(config.log.log_dirs.clone())),
        false => Ok(()),
    }
}

/// Returns once no log directory works any more.
async fn directories_lost(replicas: &ReplicaManager) {
    while !replicas.online_dirs().is_empty() {
        replicas.dir_failed().await;
    }
    tracing::error!("Shutdown broker because all log dirs have failed");
}

/// Keeps the limits of connections as the metadata alters them (K3).
fn follow_limits(config: &BrokerConfig, node: &Node, admission: Arc<Admission>) {
    let (config, quotas) = (config.clone(), node.quotas.clone());
    let own = config.node_id.to_string();
    node.metadata.subscribe(Box::new(move |delta, image| {
        let is_ours = |resource: &ConfigResource| {
            resource.resource_type == ResourceType::Broker && (resource.name.is_empty() || *resource.name == *own)
        };
        if !delta.changed_configs().any(is_ours) {
            return;
        }
        let of = |broker| (**image.broker_config(broker)).clone();
        // What is not permitted was refused when it was set, or is of a newer version: the limits stay.
        if let Ok(altered) = config.altered(of(None), of(Some(config.node_id))) {
            let settings = server_settings(&altered);
            admission.set_limits(ConnectionLimits {
                max_connections: settings.max_connections,
                per_ip: settings.max_connections_per_ip,
                per_ip_overrides: settings.max_connections_per_ip_overrides,
            });
            quotas.set_max_connection_creation_rate(altered.quotas.max_connection_creation_rate);
        }
    }));
}

/// The bounds of connections. Addresses that cannot be read have been refused with the configuration.
fn server_settings(config: &BrokerConfig) -> Settings {
    let network = &config.network;
    let overrides = network.max_connections_per_ip_overrides.iter();
    Settings {
        socket_request_max_bytes: network.socket_request_max_bytes.max(0) as usize,
        queued_max_request_bytes: config.klamm.requests_in_processing_max_bytes,
        // Negative: never.
        connections_max_idle_ms: u64::try_from(network.connections_max_idle_ms).unwrap_or(u64::MAX),
        max_connections: network.max_connections,
        max_connections_per_ip: network.max_connections_per_ip,
        max_connections_per_ip_overrides: overrides.filter_map(|(ip, most)| Some((ip.parse().ok()?, *most))).collect(),
        socket_listen_backlog_size: network.socket_listen_backlog_size,
        ..Settings::default()
    }
}

/// The lines that orchestrators and test containers wait for, once groups can be served.
fn announce(config: &BrokerConfig) {
    let id = config.node_id;
    tracing::info!(
        "[BrokerLifecycleManager id={id}] The broker has been unfenced. Transitioning from RECOVERY to RUNNING."
    );
    tracing::info!("[KafkaRaftServer nodeId={id}] Kafka Server started");
    tracing::info!("[KafkaServer id={id}] started");
}

/// Cancelled by SIGTERM and by Ctrl-C.
fn stop_signal() -> Result<CancellationToken, NodeError> {
    let failed = |error| system("signals", error);
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let stop = CancellationToken::new();
    let token = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            biased;
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        token.cancel();
    });
    Ok(stop)
}

/// A member of the quorum that cannot go on must not be asked any more: the process ends, and its restart recovers.
fn exit_on_fatal() -> FatalHook {
    Arc::new(|why| {
        tracing::error!("the metadata quorum cannot go on: {why}");
        eprintln!("klamm: the metadata quorum cannot go on: {why}");
        std::process::exit(1);
    })
}

fn listen_at(config: &BrokerConfig) -> Result<Vec<ListenAt>, NodeError> {
    let at = |listener: &Listener| {
        Ok(ListenAt {
            name: listener.name.as_str().into(),
            security_protocol: listener.protocol.name().into(),
            address: resolve(&listener.bind.host, listener.bind.port)?,
        })
    };
    config.listeners.clients().map(at).collect()
}

/// The address behind a host name; the empty one means every address of this machine.
fn resolve(host: &str, port: u16) -> Result<SocketAddr, NodeError> {
    let host = if host.is_empty() { "0.0.0.0" } else { host };
    let failed = |error| system(format!("{host}:{port}"), error);
    let mut found = (host, port).to_socket_addrs().map_err(failed)?;
    found.next().ok_or_else(|| failed(io::ErrorKind::AddrNotAvailable.into()))
}

type HttpListener = <Tcp as Network>::Listener;

fn http_pages(
    config: &BrokerConfig,
    node: &Node,
    metrics: &Arc<Metrics>,
) -> Result<Option<(HttpListener, http::Pages)>, NodeError> {
    let Some((host, port)) = &config.klamm.http_listener else { return Ok(None) };
    let network = Tcp::default();
    let bound = network.bind(resolve(host, *port)?, config.network.socket_listen_backlog_size);
    let listener = match bound {
        Ok(listener) => listener,
        // Metrics are not worth a broker that does not start: a second node on the machine finds the port taken.
        Err(error) => {
            tracing::warn!("metrics are served nowhere: {host}:{port}: {error}; set klamm.http.listener");
            return Ok(None);
        }
    };
    let (metrics, health) = (metrics.clone(), node.health());
    Ok(Some((listener, http::Pages { metrics: Box::new(move || metrics.encode()), health: Box::new(health) })))
}
