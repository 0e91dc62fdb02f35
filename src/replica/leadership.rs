//! Who leads a partition, and how far its records are replicated.

use crate::ids::NodeId;
use crate::metadata::image::{PartitionImage, NO_LEADER};
use std::collections::{BTreeMap, VecDeque};

/// Most byte marks that a partition keeps above its high watermark. Beyond, every other one is dropped: waiters then
/// count coarsely, never too much.
const MAX_MARKS: usize = 4096;

/// A partition's leadership as this node knows it. Immutable: a change makes a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leadership {
    /// Whether this node leads.
    pub is_leader: bool,
    /// The leader; -1 if there is none.
    pub leader: NodeId,
    /// Grows with every change of leader.
    pub leader_epoch: i32,
    /// Grows with every change of the partition.
    pub partition_epoch: i32,
    /// All replicas; the first is the preferred leader.
    pub replicas: Vec<NodeId>,
    /// Replicas in sync, the leader among them.
    pub isr: Vec<NodeId>,
    /// Where the leader's epoch starts: the log's end when this node began to lead. 0 elsewhere.
    pub epoch_start_offset: i64,
}

impl Leadership {
    /// Before the metadata has said anything.
    pub(super) fn none() -> Self {
        Self {
            is_leader: false,
            leader: NO_LEADER,
            leader_epoch: -1,
            partition_epoch: -1,
            replicas: Vec::new(),
            isr: Vec::new(),
            epoch_start_offset: 0,
        }
    }

    /// What `image` says, for `node_id`, with a log that ends at `log_end_offset`.
    pub(super) fn after(&self, image: &PartitionImage, node_id: NodeId, log_end_offset: i64) -> Self {
        let is_leader = image.leader == node_id;
        let goes_on = is_leader && self.is_leader && self.leader_epoch == image.leader_epoch;
        Self {
            is_leader,
            leader: image.leader,
            leader_epoch: image.leader_epoch,
            partition_epoch: image.partition_epoch,
            replicas: image.replicas.clone(),
            isr: image.isr.clone(),
            epoch_start_offset: match (goes_on, is_leader) {
                (true, _) => self.epoch_start_offset,
                (false, true) => log_end_offset,
                (false, false) => 0,
            },
        }
    }

    /// How many replicas must be in sync for acks=all: `min_insync_replicas`, at most all of them (P12).
    pub(super) fn effective_min_isr(&self, min_insync_replicas: usize) -> usize {
        min_insync_replicas.min(self.replicas.len())
    }

    /// Whether enough replicas are in sync.
    pub(super) fn has_min_isr(&self, min_insync_replicas: usize) -> bool {
        self.isr.len() >= self.effective_min_isr(min_insync_replicas)
    }
}

/// What a follower told with its last fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FollowerFetch {
    /// Offset after the last record that counts there: the end of its log, or with `flush.before.ack` what is flushed.
    pub log_end_offset: i64,
    /// First offset of its log.
    pub log_start_offset: i64,
    /// `mono_ms` of the fetch.
    pub fetched_ms: i64,
}

/// Bytes appended up to an offset.
#[derive(Clone, Copy)]
struct Mark {
    end_offset: i64,
    bytes: u64,
}

/// What a partition's tiny progress lock guards.
pub(super) struct Progress {
    pub high_watermark: i64,
    pub followers: BTreeMap<NodeId, FollowerFetch>,
    /// Bytes appended since the partition was opened.
    appended_bytes: u64,
    /// Bytes at the last mark that was dropped.
    passed_bytes: u64,
    /// Ends of appends that a reader may not see yet, ascending.
    marks: VecDeque<Mark>,
}

impl Progress {
    pub fn at(high_watermark: i64) -> Self {
        Self { high_watermark, followers: BTreeMap::new(), appended_bytes: 0, passed_bytes: 0, marks: VecDeque::new() }
    }

    /// Notes an append that ends at `end_offset`.
    pub fn appended(&mut self, end_offset: i64, bytes: u64) {
        self.appended_bytes += bytes;
        if self.marks.len() >= MAX_MARKS {
            let mut odd = false;
            self.marks.retain(|_| {
                odd = !odd;
                !odd
            });
        }
        self.marks.push_back(Mark { end_offset, bytes: self.appended_bytes });
    }

    /// Bytes appended below `offset` since the partition was opened; only differences mean something.
    pub fn bytes_at(&self, offset: i64) -> u64 {
        let after = self.marks.partition_point(|mark| mark.end_offset <= offset);
        match after.checked_sub(1) {
            Some(at) => self.marks[at].bytes,
            None => self.passed_bytes,
        }
    }

    /// Drops the marks at or below `offset`, which every reader may see.
    pub fn pass(&mut self, offset: i64) {
        while let Some(mark) = self.marks.front().filter(|mark| mark.end_offset <= offset) {
            self.passed_bytes = mark.bytes;
            self.marks.pop_front();
        }
    }

    /// How far the replicas in sync all are; `None` while they are too few, or one has not fetched yet (E2).
    pub fn replicated_to(
        &self,
        leadership: &Leadership,
        node_id: NodeId,
        own_offset: i64,
        min_isr: usize,
    ) -> Option<i64> {
        if !leadership.is_leader || !leadership.has_min_isr(min_isr) {
            return None;
        }
        let mut least = own_offset;
        for replica in leadership.isr.iter().filter(|replica| **replica != node_id) {
            least = least.min(self.followers.get(replica)?.log_end_offset);
        }
        Some(least)
    }
}
