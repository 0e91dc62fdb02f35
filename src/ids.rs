//! Names of things that every room shares: nodes, topics, partitions, verifications, and Kafka's text form of a UUID.
//!
//! Absent from here: anything with behaviour. What a topic *is* stands in `metadata/`.

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::Engine as _;
use std::fmt;
use std::sync::Arc;

pub use uuid::Uuid;

/// `node.id`: at least 0. `-1` stands for "none" on the wire.
pub type NodeId = i32;

/// One partition of one topic, by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition's index, from 0.
    pub partition: i32,
}

impl TopicPartition {
    /// Names partition `partition` of `topic`.
    pub fn new(topic: impl Into<Arc<str>>, partition: i32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

impl fmt::Display for TopicPartition {
    /// Kafka's form, also the name of the partition's folder: `topic-0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// Names one verification, by one log, that a transaction is open; never given out twice in the life of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verification(pub u64);

/// Kafka's text form of a UUID: 22 characters of URL-safe base64 without padding.
pub fn uuid_to_text(id: &Uuid) -> String {
    URL_SAFE_NO_PAD.encode(id.as_bytes())
}

/// Reads Kafka's text form of a UUID; `None` if it is not 16 bytes of URL-safe base64.
pub fn uuid_from_text(text: &str) -> Option<Uuid> {
    let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
    Uuid::from_slice(&bytes).ok()
}
