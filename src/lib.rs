//! Klamm: a Kafka-wire-protocol-compatible broker.

// L0 ground
pub mod clock;
pub mod config;
pub mod disk;
pub mod ids;
pub mod kv;
pub mod record;
pub mod rng;
pub mod telemetry;
pub mod wire;
// L1 state
pub mod controller;
pub mod log;
pub mod metadata;
// L2 rooms
pub mod coordinator;
pub mod group;
pub mod quorum;
pub mod replica;
// L3 talk
pub mod api;
pub mod server;
#[cfg(test)]
mod tidy;
