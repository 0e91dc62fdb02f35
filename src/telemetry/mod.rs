//! What the node tells people: metrics for a scrape, and log lines in Kafka's pattern.
//!
//! Absent from here: who serves the scrape (`server/http.rs`), and any decision taken from a metric.

mod lines;
mod metrics;

pub use lines::init_tracing;
pub use metrics::{Metrics, Scrape};
