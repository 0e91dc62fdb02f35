//! What the node tells people: metrics for a scrape, and log lines in Kafka's pattern.
//!
//! Absent from here: who serves the scrape (`server/http.rs`), and any decision taken from a metric.

pub mod levels;
mod lines;
mod metrics;

pub use levels::LogLevels;
pub use lines::init_tracing;
pub use metrics::{Metrics, Scrape};
