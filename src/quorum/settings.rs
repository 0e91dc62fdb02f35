//! What a member of the quorum is told at its start, and the bounds of its queues.

use super::id::VoterId;

/// Raft messages in flight to one voter.
pub const MAX_INFLIGHT_MESSAGES: usize = 64;
/// Entries in one raft message, unless a single one is larger.
pub const MAX_MESSAGE_BYTES: u64 = 1 << 20;
/// Proposed and not yet committed records; one entry may be larger.
pub const MAX_UNCOMMITTED_BYTES: usize = 16 << 20;
/// Committed entries applied in one go.
pub const MAX_APPLY_BYTES: u64 = 8 << 20;
/// Records packed into one entry, unless a single decision is larger.
pub const MAX_PACK_BYTES: usize = 1 << 20;
/// Submissions answered by one entry.
pub const MAX_PACK_SUBMISSIONS: usize = 1024;
/// Submissions waiting for the driver.
pub const MAX_MAILBOX_SUBMISSIONS: usize = 1024;
/// Bytes of the submissions waiting for the driver.
pub const MAX_MAILBOX_BYTES: usize = 32 << 20;
/// Messages from other voters waiting for the driver; more are dropped, as a network would.
pub const MAX_MAILBOX_MESSAGES: usize = 256;
/// Questions about the quorum's state waiting for the driver.
pub const MAX_MAILBOX_QUESTIONS: usize = 64;
/// Writes handed to the write-ahead thread and not yet done; beyond it, no peer is heard and no submission taken.
pub const MAX_WRITES_IN_FLIGHT: usize = 256;
/// Observers whose progress is remembered; the one unheard longest makes room.
pub const MAX_OBSERVERS: usize = 1024;

/// One tick where there is nobody to elect or to be shown to, only sessions to be watched: an idle node sleeps.
const LONE_TICK_MS: u64 = 500;

/// What a member of the quorum is told at its start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// This node's own name.
    pub me: VoterId,
    /// The voters of the static bootstrap, this one among them. Read only while the store is empty.
    pub voters: Vec<VoterId>,
    /// One tick.
    pub tick_ms: u64,
    /// A follower that hears nothing from a leader for this many ticks, and up to as many again by chance, campaigns.
    pub election_ticks: usize,
    /// A leader shows itself every so many ticks; less than `election_ticks`.
    pub heartbeat_ticks: usize,
    /// Ticks after which a snapshot sent and never reported on counts as lost.
    pub snapshot_timeout_ticks: u64,
    /// Entries since the last snapshot at which the next one is made.
    pub snapshot_entries: u64,
    /// Bytes of records since the last snapshot at which the next one is made.
    pub snapshot_bytes: u64,
    /// Entries before a snapshot that stay in the log, so that a voter a little behind needs no snapshot.
    pub retained_entries: u64,
    /// Recent entries kept in memory. What is not yet on disk is kept beyond it.
    pub cached_entries_bytes: usize,
    /// How long a submission may wait for its answer.
    pub submit_timeout_ms: u64,
}

impl Settings {
    /// A quorum of `voters`, with Kafka's `controller.quorum.election.timeout.ms` of 1 s, a snapshot every 20 MiB
    /// (`metadata.log.max.record.bytes.between.snapshots`) and answers within 30 s.
    pub fn new(me: VoterId, voters: Vec<VoterId>) -> Self {
        Self {
            me,
            voters,
            tick_ms: 100,
            election_ticks: 10,
            heartbeat_ticks: 2,
            snapshot_timeout_ticks: 100,
            snapshot_entries: 50_000,
            snapshot_bytes: 20 << 20,
            retained_entries: 1_000,
            cached_entries_bytes: 4 << 20,
            submit_timeout_ms: 30_000,
        }
    }

    /// One node alone.
    pub fn lone(node_id: crate::ids::NodeId) -> Self {
        let me = VoterId::first(node_id);
        Self { tick_ms: LONE_TICK_MS, ..Self::new(me, vec![me]) }
    }
}
