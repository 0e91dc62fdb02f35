//! Metrics registry and tracing set-up.
