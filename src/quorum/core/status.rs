//! The quorum's state in KRaft's words, and committed records for observers.

use super::{Core, Fatal};
use crate::clock::Now;
use crate::quorum::id::node_of;
use crate::quorum::machine::{Position, StateMachine};
use crate::quorum::observer::{CommittedEntry, Pull};
use crate::quorum::status::{offset, LeaderView, QuorumStatus, ReplicaState, NO_TIMESTAMP};
use raft::eraftpb::EntryType;
use raft::{GetEntriesContext, Storage as _};

impl<M: StateMachine> Core<M> {
    /// Who leads.
    pub fn view(&self) -> &LeaderView {
        &self.view
    }

    /// The quorum's state. Only the leader knows how far the others are: on another node the voters have no progress and there are
    /// no observers.
    pub fn status(&self, now: Now) -> QuorumStatus {
        let log = &self.node.raft.raft_log;
        let voters = self.conf_state.voters.iter().filter_map(|raft_id| self.voter_state(now, *raft_id)).collect();
        let observer_state = |(node_id, progress): (&i32, &super::peers::ObserverProgress)| ReplicaState {
            node_id: *node_id,
            log_end_offset: offset(progress.applied_index),
            last_fetch_timestamp_ms: progress.heard_ms,
            last_caught_up_timestamp_ms: progress.caught_up_ms.unwrap_or(NO_TIMESTAMP),
        };
        let observers =
            if self.is_leader() { self.peers.observers.iter().map(observer_state).collect() } else { Vec::new() };
        QuorumStatus {
            leader_id: self.leader(),
            leader_epoch: i32::try_from(self.node.raft.term).unwrap_or(i32::MAX),
            high_watermark: offset(log.committed),
            applied_offset: offset(self.applied.index),
            active: self.view.active,
            voters,
            observers,
        }
    }

    fn voter_state(&self, now: Now, raft_id: u64) -> Option<ReplicaState> {
        let node_id = node_of(raft_id)?;
        if raft_id == self.settings.me.raft_id() {
            return Some(ReplicaState {
                node_id,
                log_end_offset: offset(self.node.raft.raft_log.last_index()),
                last_fetch_timestamp_ms: now.wall_ms,
                last_caught_up_timestamp_ms: now.wall_ms,
            });
        }
        let progress = self.node.raft.prs().get(raft_id).filter(|_| self.is_leader());
        let times = progress.and_then(|_| self.peers.voters.get(&raft_id)).copied().unwrap_or_default();
        Some(ReplicaState {
            node_id,
            log_end_offset: progress.map_or(0, |progress| offset(progress.matched)),
            last_fetch_timestamp_ms: times.heard_ms.unwrap_or(NO_TIMESTAMP),
            last_caught_up_timestamp_ms: times.caught_up_ms.unwrap_or(NO_TIMESTAMP),
        })
    }

    /// Committed entries from `from_index` on, about `max_bytes` of them and at least one if there is one; or the snapshot, if
    /// the log does not reach back that far.
    ///
    /// # Errors
    /// The store failed, or an entry in it cannot be read.
    pub fn pull(&self, from_index: u64, max_bytes: u64) -> Result<Pull, Fatal> {
        let store = self.node.store();
        let high_watermark = self.applied.index;
        // A received snapshot is in the machine before it is on the disk.
        let readable = self.applied.index.min(store.last_index()?);
        if from_index > readable {
            return Ok(Pull::Entries { entries: Vec::new(), high_watermark });
        }
        if from_index < store.first_index()? {
            let snapshot = store.read_snapshot()?.filter(|snapshot| snapshot.at.index >= from_index);
            return Ok(match snapshot {
                Some(snapshot) => Pull::Snapshot { at: snapshot.at, bytes: snapshot.bytes, high_watermark },
                None => Pull::Entries { entries: Vec::new(), high_watermark },
            });
        }
        let read = store.entries(from_index, readable + 1, max_bytes, GetEntriesContext::empty(false))?;
        let mut entries = Vec::with_capacity(read.len());
        for entry in read {
            let at = Position { index: entry.index, term: entry.term };
            let records = if entry.get_entry_type() == EntryType::EntryNormal {
                let decisions = super::desk::unpack(&entry.data);
                decisions
                    .map_err(|error| Fatal::Machine { index: at.index, error })?
                    .into_iter()
                    .map(<[u8]>::to_vec)
                    .collect()
            } else {
                Vec::new()
            };
            entries.push(CommittedEntry { at, records });
        }
        Ok(Pull::Entries { entries, high_watermark })
    }
}
