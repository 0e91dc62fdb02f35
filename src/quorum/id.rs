//! Names of voters: what raft calls a node, and how that follows from Kafka's node id.

use crate::ids::NodeId;
use std::fmt;

/// A voter: a node in one of its lives. A node that was wiped has forgotten its votes and must not come back under the
/// same name, so being added again gives it the next incarnation. Incarnation 0 is the static bootstrap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VoterId {
    /// `node.id`, at least 0.
    pub node_id: NodeId,
    /// How often the node was added again.
    pub incarnation: u32,
}

impl VoterId {
    /// The node in its first life.
    pub fn first(node_id: NodeId) -> Self {
        Self { node_id, incarnation: 0 }
    }

    /// The number that raft knows the voter by: `(incarnation << 32) | (node_id + 1)`. Never 0, which raft reads as
    /// "nobody", while `node.id=0` is common.
    pub fn raft_id(self) -> u64 {
        debug_assert!(self.node_id >= 0, "node ids start at 0");
        (u64::from(self.incarnation) << 32) | (u64::from(self.node_id as u32) + 1)
    }

    /// The voter behind a raft id; `None` for raft's "nobody" and for what no voter is called.
    pub fn from_raft_id(raft_id: u64) -> Option<Self> {
        let node_id = (raft_id & 0xFFFF_FFFF).checked_sub(1)?;
        Some(Self { node_id: i32::try_from(node_id).ok()?, incarnation: (raft_id >> 32) as u32 })
    }
}

impl fmt::Display for VoterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.incarnation {
            0 => write!(f, "{}", self.node_id),
            incarnation => write!(f, "{}#{incarnation}", self.node_id),
        }
    }
}

/// The node behind a raft id, `None` for raft's "nobody".
pub(super) fn node_of(raft_id: u64) -> Option<NodeId> {
    VoterId::from_raft_id(raft_id).map(|voter| voter.node_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raft_ids_are_never_zero_and_lead_back() {
        for (node_id, incarnation) in [(0, 0), (0, 1), (1, 0), (i32::MAX, u32::MAX)] {
            let voter = VoterId { node_id, incarnation };
            assert_ne!(voter.raft_id(), 0);
            assert_eq!(VoterId::from_raft_id(voter.raft_id()), Some(voter));
        }
        assert_eq!(VoterId::first(0).raft_id(), 1);
        assert_eq!(VoterId::from_raft_id(0), None);
        assert_eq!(VoterId::from_raft_id(1 << 32), None, "a low half of 0 names nobody");
        assert_eq!(VoterId::from_raft_id(0xFFFF_FFFF), None, "no node id is above i32::MAX");
    }
}
