//! What a shard keeps in `__consumer_offsets`: state as records, and records as Kafka's bytes.

use super::consumer::ConsumerRecord;
use super::share::ShareRecord;
use super::Text;
use crate::ids::Uuid;
use bytes::Bytes;
use std::sync::Arc;

/// A member as stored with its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMember {
    /// The member's id.
    pub id: Text,
    /// Its instance id, if static.
    pub instance_id: Option<Text>,
    /// Its client id.
    pub client_id: Text,
    /// Its address as Java prints it.
    pub client_host: Text,
    /// How long the group waits for it to rejoin, ms.
    pub rebalance_timeout_ms: i32,
    /// How long it may be silent, ms.
    pub session_timeout_ms: i32,
    /// Its metadata for the chosen protocol.
    pub subscription: Bytes,
    /// Its assignment.
    pub assignment: Bytes,
}

/// A group as stored: at the end of a rebalance, when it becomes empty, and when a static member returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredGroup {
    /// None for groups that only hold offsets.
    pub protocol_type: Option<Text>,
    /// The chosen protocol; none without members.
    pub protocol_name: Option<Text>,
    /// The generation.
    pub generation: i32,
    /// The leader's id; none without members.
    pub leader: Option<Text>,
    /// When the group came to this state, ms since the epoch.
    pub state_since_ms: Option<i64>,
    /// Its members, by id.
    pub members: Arc<[StoredMember]>,
}

impl StoredGroup {
    /// A group without members, generation 0.
    pub fn empty(state_since_ms: Option<i64>) -> Self {
        Self {
            protocol_type: None,
            protocol_name: None,
            generation: 0,
            leader: None,
            state_since_ms,
            members: Arc::new([]),
        }
    }
}

/// A committed offset as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedOffset {
    /// The next offset to read.
    pub offset: i64,
    /// The leader epoch of the last record read; −1 for none.
    pub leader_epoch: i32,
    /// What the client added.
    pub metadata: Box<str>,
    /// When it was committed, ms since the epoch.
    pub commit_timestamp_ms: i64,
    /// When it expires, if its client (version 4 or older) said so; ms since the epoch.
    pub expire_timestamp_ms: Option<i64>,
    /// The topic's id; zero if unknown.
    pub topic_id: Uuid,
}

/// One record of a shard. Without a value it is a tombstone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A classic group.
    Group {
        /// Its id.
        group: Text,
        /// What it is; none if it was deleted.
        value: Option<StoredGroup>,
    },
    /// Of a consumer group.
    Consumer {
        /// Its id.
        group: Text,
        /// What is said of it.
        record: ConsumerRecord,
    },
    /// Of a share group.
    Share {
        /// Its id.
        group: Text,
        /// What is said of it.
        record: ShareRecord,
    },
    /// An offset.
    Offset {
        /// Whose.
        group: Text,
        /// Of which topic.
        topic: Text,
        /// And partition.
        partition: i32,
        /// What it is; none if it was deleted or has expired.
        value: Option<CommittedOffset>,
    },
}
