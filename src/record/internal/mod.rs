//! Codecs of what Kafka keeps inside records: the internal topics' keys and values, and the consumers' own protocol.
//!
//! Bytes are Kafka's own, field by field, so that its tools and lag monitors read them. A message starts with its version.
//! Bytes behind the last known field are ignored, as in Kafka: newer versions only add.

pub mod consumer_groups;
#[cfg(test)]
mod consumer_groups_tests;
pub mod consumer_protocol;
mod fields;
pub mod offsets;
pub mod share_groups;
#[cfg(test)]
mod share_groups_tests;
pub mod share_state;
#[cfg(test)]
mod share_state_tests;
#[cfg(test)]
mod tests;
pub mod transactions;

pub use fields::FieldError;
