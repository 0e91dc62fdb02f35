//! The HTTP port: `/metrics` for Prometheus and `/healthz` for whoever restarts what is ill.

use super::net::Accept;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{HeaderValue, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// HTTP connections at once, at most; further ones wait in the listening socket.
const HTTP_CONNECTIONS: usize = 64;
/// A client that takes longer for its request's head is closed, in milliseconds.
const HEAD_MS: u64 = 10_000;
/// Pause after a failed accept, in milliseconds.
const ACCEPT_PAUSE_MS: u64 = 100;
/// Prometheus' text format with OpenMetrics' end mark.
const METRICS_TYPE: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
const TEXT_TYPE: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// What the port tells.
pub struct Pages {
    /// The text of `/metrics`.
    pub metrics: Box<dyn Fn() -> String + Send + Sync>,
    /// Whether the node serves: 200 for `Ok`, 503 for `Err`, each with its text.
    pub health: Box<dyn Fn() -> Result<String, String> + Send + Sync>,
}

/// Serves until `stop`.
pub async fn serve<L: Accept>(listener: L, pages: Pages, stop: CancellationToken) {
    let pages = Arc::new(pages);
    let slots = Arc::new(Semaphore::new(HTTP_CONNECTIONS));
    let tasks = TaskTracker::new();
    loop {
        let next = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, listener.accept().await)
        };
        let Some((slot, accepted)) = stop.run_until_cancelled(next).await else { break };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!("Error accepting connection on the HTTP port: {error}");
                tokio::time::sleep(Duration::from_millis(ACCEPT_PAUSE_MS)).await;
                continue;
            }
        };
        let (pages, stop) = (Arc::clone(&pages), stop.clone());
        tasks.spawn(async move {
            let _slot = slot;
            let answer = service_fn(|request| {
                let response = page(&pages, &request);
                async { Ok::<_, Infallible>(response) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_millis(HEAD_MS))
                .serve_connection(TokioIo::new(stream), answer);
            if let Some(Err(error)) = stop.run_until_cancelled(connection).await {
                tracing::debug!("an HTTP connection broke: {error}");
            }
        });
    }
    tasks.close();
    tasks.wait().await;
}

fn page(pages: &Pages, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return text(StatusCode::METHOD_NOT_ALLOWED, TEXT_TYPE, "only GET\n".to_owned());
    }
    match request.uri().path() {
        "/metrics" => text(StatusCode::OK, METRICS_TYPE, (pages.metrics)()),
        "/healthz" => match (pages.health)() {
            Ok(words) => text(StatusCode::OK, TEXT_TYPE, words),
            Err(words) => text(StatusCode::SERVICE_UNAVAILABLE, TEXT_TYPE, words),
        },
        _ => text(StatusCode::NOT_FOUND, TEXT_TYPE, "/metrics and /healthz are here\n".to_owned()),
    }
}

fn text(status: StatusCode, content_type: HeaderValue, words: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(words)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}
