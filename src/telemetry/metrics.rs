//! The node's metrics. What is counted per request is an atomic; what is known per partition is computed at the scrape.

use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

/// Upper bounds of the latency histogram, in seconds.
const LATENCY_BOUNDS_SECONDS: [f64; 12] = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ApiLabel {
    api: &'static str,
}

/// Writes lines in Prometheus' text format at each scrape.
pub type Scrape = Box<dyn Fn(&mut String) + Send + Sync>;

/// The registry. Handed to the rooms that count.
pub struct Metrics {
    registry: Registry,
    requests: Family<ApiLabel, Histogram>,
    failed_requests: Family<ApiLabel, Counter>,
    /// Open client connections.
    pub connections: Gauge,
    /// Connections accepted since the start.
    pub connections_accepted: Counter,
    /// Connections closed because of what the client sent or because a bound was reached.
    pub connections_refused: Counter,
    /// Bytes received in requests.
    pub received_bytes: Counter,
    /// Bytes sent in answers.
    pub sent_bytes: Counter,
    /// Requests whose handler panicked: each is a bug, and none ends the process.
    pub handler_panics: Counter,
    /// Guards the list of what is computed at a scrape.
    scrapes: Mutex<Vec<Scrape>>,
}

impl Metrics {
    /// A registry with everything at 0.
    pub fn new() -> Arc<Self> {
        let mut registry = Registry::with_prefix("klamm");
        let requests = Family::<ApiLabel, Histogram>::new_with_constructor(|| Histogram::new(LATENCY_BOUNDS_SECONDS));
        let failed_requests = Family::default();
        let connections = Gauge::default();
        let [connections_accepted, connections_refused, received_bytes, sent_bytes, handler_panics] =
            std::array::from_fn(|_| Counter::default());
        registry.register_with_unit(
            "request_latency",
            "From a whole frame to its answer in the send queue",
            Unit::Seconds,
            requests.clone(),
        );
        registry.register("failed_requests", "Requests that closed their connection", failed_requests.clone());
        registry.register("connections", "Open client connections", connections.clone());
        registry.register("connections_accepted", "Connections accepted", connections_accepted.clone());
        registry.register(
            "connections_refused",
            "Connections closed by a bound or for what came",
            connections_refused.clone(),
        );
        registry.register_with_unit("received", "Bytes of requests", Unit::Bytes, received_bytes.clone());
        registry.register_with_unit("sent", "Bytes of answers", Unit::Bytes, sent_bytes.clone());
        registry.register("handler_panics", "Requests whose handler panicked", handler_panics.clone());
        Arc::new(Self {
            registry,
            requests,
            failed_requests,
            connections,
            connections_accepted,
            connections_refused,
            received_bytes,
            sent_bytes,
            handler_panics,
            scrapes: Mutex::new(Vec::new()),
        })
    }

    /// Counts a request of the API with Kafka's name `api`.
    pub fn request(&self, api: &'static str, latency: Duration, failed: bool) {
        let label = ApiLabel { api };
        self.requests.get_or_create(&label).observe(latency.as_secs_f64());
        if failed {
            self.failed_requests.get_or_create(&label).inc();
        }
    }

    /// Adds lines that are computed at each scrape.
    pub fn register_scrape(&self, scrape: Scrape) {
        self.scrapes.lock().push(scrape);
    }

    /// Everything in Prometheus' text format.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        for scrape in self.scrapes.lock().iter() {
            scrape(&mut text);
        }
        let mut registered = String::new();
        if let Err(error) = prometheus_client::encoding::text::encode(&mut registered, &self.registry) {
            tracing::error!("the metrics cannot be written: {error}");
        }
        // The registry's text closes with the format's end mark, so it comes last.
        let _ = text.write_str(&registered);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scrape_holds_what_was_counted_and_what_is_computed() {
        let metrics = Metrics::new();
        metrics.request("Produce", Duration::from_millis(2), true);
        metrics.register_scrape(Box::new(|text| text.push_str("klamm_partitions 3\n")));
        let text = metrics.encode();
        assert!(text.contains(r#"klamm_request_latency_seconds_bucket{le="0.003",api="Produce"} 1"#), "{text}");
        assert!(text.contains(r#"klamm_failed_requests_total{api="Produce"} 1"#));
        assert!(text.starts_with("klamm_partitions 3\n") && text.ends_with("# EOF\n"));
    }
}
