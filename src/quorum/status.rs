//! The quorum's state in KRaft's words, as DescribeQuorum (key 55, KIP-595, KIP-836) tells it.

use crate::ids::NodeId;

/// A time that is not known.
pub const NO_TIMESTAMP: i64 = -1;

/// Who leads the quorum, as one member sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeaderView {
    /// The leader, if one is known.
    pub leader: Option<NodeId>,
    /// Raft's term: KRaft's leader epoch.
    pub epoch: u64,
    /// Whether this node is the active controller: it leads and has applied an entry of its own epoch.
    pub active: bool,
}

/// How far a voter or an observer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplicaState {
    /// The node.
    pub node_id: NodeId,
    /// The offset after its last entry: entries count from raft index 1, so that is the last index. 0 if unknown.
    pub log_end_offset: i64,
    /// When it was last heard, in wall-clock milliseconds, or [`NO_TIMESTAMP`].
    pub last_fetch_timestamp_ms: i64,
    /// When it last had all of the leader's log, in wall-clock milliseconds, or [`NO_TIMESTAMP`].
    pub last_caught_up_timestamp_ms: i64,
}

/// The quorum's state as one member sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuorumStatus {
    /// The leader, if one is known.
    pub leader_id: Option<NodeId>,
    /// The leader's epoch.
    pub leader_epoch: i32,
    /// The offset after the last committed entry.
    pub high_watermark: i64,
    /// The offset after the last entry that this member applied.
    pub applied_offset: i64,
    /// Whether this member is the active controller. If not, the progress of others is not known here.
    pub active: bool,
    /// The voters, by id.
    pub voters: Vec<ReplicaState>,
    /// The observers heard of, by id.
    pub observers: Vec<ReplicaState>,
}

/// The offset after the entry at `index`, as Kafka counts.
pub(super) fn offset(index: u64) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}
