//! The other members: what may come from them, and when they were last heard.

use super::Core;
use crate::clock::Now;
use crate::ids::NodeId;
use crate::quorum::machine::StateMachine;
use crate::quorum::settings;
use raft::eraftpb::{Message, MessageType};
use raft::SnapshotStatus;
use std::collections::BTreeMap;

/// When a voter was heard, as this node saw it while it led.
#[derive(Clone, Copy, Default)]
pub(super) struct VoterTimes {
    pub(super) heard_ms: Option<i64>,
    pub(super) caught_up_ms: Option<i64>,
}

/// What is known of an observer.
#[derive(Clone, Copy)]
pub(super) struct ObserverProgress {
    pub(super) applied_index: u64,
    pub(super) heard_ms: i64,
    pub(super) caught_up_ms: Option<i64>,
}

#[derive(Default)]
pub(super) struct Peers {
    /// By raft id.
    pub(super) voters: BTreeMap<u64, VoterTimes>,
    pub(super) observers: BTreeMap<NodeId, ObserverProgress>,
    /// The tick at which a snapshot was last sent, by raft id, until something is known of it.
    snapshots: BTreeMap<u64, u64>,
}

impl Peers {
    pub(super) fn snapshot_sent(&mut self, raft_id: u64, tick: u64) {
        self.snapshots.insert(raft_id, tick);
    }

    pub(super) fn overdue_snapshots(&self, tick: u64, timeout_ticks: u64) -> Vec<u64> {
        let overdue = |sent: &u64| tick - sent >= timeout_ticks;
        self.snapshots.iter().filter(|(_, sent)| overdue(sent)).map(|(raft_id, _)| *raft_id).collect()
    }
}

impl<M: StateMachine> Core<M> {
    pub(super) fn receive(&mut self, now: Now, message: Message) {
        if self.installing.is_some() {
            return;
        }
        if let Err(reason) = self.check(&message) {
            tracing::warn!("Refusing a message of the metadata quorum from raft id {}: {reason}", message.from);
            return;
        }
        let from = message.from;
        let is_answer =
            matches!(message.get_msg_type(), MessageType::MsgAppendResponse | MessageType::MsgHeartbeatResponse);
        if let Err(error) = self.node.step(message) {
            tracing::debug!("raft ignores a message from raft id {from}: {error}");
            return;
        }
        if is_answer && self.is_leader() {
            self.heard(now, from);
        }
    }

    /// Refuses what no voter sends: raft takes such messages for local ones, forwards them, or panics.
    fn check(&self, message: &Message) -> Result<(), &'static str> {
        if message.to != self.settings.me.raft_id() {
            return Err("it is for another life of this node, or another node");
        }
        if message.from == raft::INVALID_ID || message.from == message.to {
            return Err("it names no sender");
        }
        if message.term == 0 {
            return Err("it has no term");
        }
        let forwarded = [
            MessageType::MsgPropose,
            MessageType::MsgReadIndex,
            MessageType::MsgReadIndexResp,
            MessageType::MsgTransferLeader,
        ];
        if forwarded.contains(&message.get_msg_type()) {
            return Err("requests go to the active controller, not through raft");
        }
        let consecutive = (message.index.wrapping_add(1)..).zip(&message.entries).all(|(at, entry)| entry.index == at);
        if !consecutive {
            return Err("its entries are not consecutive");
        }
        Ok(())
    }

    fn heard(&mut self, now: Now, from: u64) {
        let last_index = self.node.raft.raft_log.last_index();
        let Some(progress) = self.node.raft.prs().get(from) else { return };
        let times = self.peers.voters.entry(from).or_default();
        times.heard_ms = Some(now.wall_ms);
        if progress.matched >= last_index {
            times.caught_up_ms = Some(now.wall_ms);
        }
        if progress.pending_snapshot == 0 || progress.matched >= progress.pending_snapshot {
            self.peers.snapshots.remove(&from);
        }
    }

    /// What became of a snapshot sent to a voter. Until raft knows, it sends that voter nothing.
    pub(super) fn snapshot_sent(&mut self, raft_id: u64, arrived: bool) {
        self.peers.snapshots.remove(&raft_id);
        let status = if arrived { SnapshotStatus::Finish } else { SnapshotStatus::Failure };
        self.node.report_snapshot(raft_id, status);
    }

    /// An observer has applied everything up to `applied_index`.
    pub fn observed(&mut self, now: Now, observer: NodeId, applied_index: u64) {
        let observers = &mut self.peers.observers;
        if !observers.contains_key(&observer) && observers.len() >= settings::MAX_OBSERVERS {
            let unheard = observers.iter().min_by_key(|(_, progress)| progress.heard_ms).map(|(id, _)| *id);
            unheard.and_then(|id| observers.remove(&id));
        }
        let caught_up = applied_index >= self.node.raft.raft_log.committed;
        let before = observers.get(&observer).and_then(|progress| progress.caught_up_ms);
        let caught_up_ms = if caught_up { Some(now.wall_ms) } else { before };
        observers.insert(observer, ObserverProgress { applied_index, heard_ms: now.wall_ms, caught_up_ms });
    }
}
