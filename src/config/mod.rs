//! Configuration: defaults < server.properties < environment < command line, and the topic configs as one table.
//!
//! Every key is one row of a table with its kind, default, bounds and documentation; what a broker was started with is
//! kept as text with its origin ([`values`]), and read once into typed structs ([`broker`], [`topic`]).

pub mod advice;
pub mod broker;
pub mod broker_table;
pub mod check;
pub mod cli;
pub mod client_metrics;
mod defaults;
pub mod definition;
pub mod describe;
pub mod environment;
pub mod group;
pub mod listeners;
pub mod load;
pub mod meta_properties;
pub mod properties;
mod reader;
pub mod shares;
pub mod storage;
pub mod topic;
pub mod topic_table;
pub mod values;

pub use broker::BrokerConfig;
pub use definition::ConfigError;
pub use load::{load, LoadError, Loaded, Sources};
pub use topic::TopicConfig;

#[cfg(test)]
mod tests;
