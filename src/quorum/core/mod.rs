//! The quorum's member as a synchronous state machine: events in, outputs out.
//!
//! [`Core::step`] takes one [`Event`] and fills [`Outputs`]: messages to send, writes for the write-ahead thread, answers. It
//! waits for nothing, reads no clock and starts no thread, so a test can run three of them from a seed.
//!
//! A panic inside (raft has about thirty: a log that lost its tail, a commit index beyond the log) means that this member can
//! no longer be trusted. Nothing here catches it; the driver turns it into the end of the process.

mod desk;
mod peers;
mod ready;
mod status;
mod submit;

use self::desk::Desk;
use self::peers::Peers;
use super::drain;
use super::id::{node_of, VoterId};
use super::machine::{MachineError, Position, StateMachine};
use super::settings::{self, Settings};
use super::status::LeaderView;
use super::store::wal::WalWrite;
use super::store::KvStore;
use crate::clock::Now;
use crate::kv::{KvError, SharedKv};
use crate::rng::Rng;
use raft::eraftpb::{ConfState, Message};
use raft::{Config, RawNode, StateRole};
use std::collections::VecDeque;

pub use self::desk::{Ticket, NOBODY};
pub use super::handle::SubmitError;

/// Something that happens to a member.
pub enum Event<Q> {
    /// One tick passed.
    Tick,
    /// A message from another voter.
    Peer(Box<Message>),
    /// A request for the active controller. The ticket, not [`NOBODY`], comes back with the answer.
    Submit(Ticket, Q),
    /// The writes up to this number are durable.
    Written(u64),
    /// The last message to this raft id could not be sent.
    Unreachable(u64),
    /// The snapshot to this raft id arrived, or did not.
    SnapshotSent(u64, bool),
}

/// What a member wants done. Writes must reach the write-ahead thread in the order given, across calls too.
pub struct Outputs<R> {
    /// To send now.
    pub messages: Vec<Message>,
    /// To make durable; [`Event::Written`] says that it is.
    pub writes: Vec<WalWrite>,
    /// To hand back.
    pub answers: Vec<(Ticket, Result<R, SubmitError>)>,
    /// Who leads, if that changed.
    pub view: Option<LeaderView>,
}

impl<R> Default for Outputs<R> {
    fn default() -> Self {
        Self { messages: Vec::new(), writes: Vec::new(), answers: Vec::new(), view: None }
    }
}

/// Why a member cannot go on. The process ends.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// The quorum's store failed.
    #[error("the metadata quorum's store failed: {0}")]
    Store(#[from] KvError),
    /// A committed entry or a snapshot makes no sense.
    #[error("the metadata log cannot be applied at index {index}: {error}")]
    Machine {
        /// Where.
        index: u64,
        /// Why.
        error: MachineError,
    },
    /// Raft refused its own storage or settings.
    #[error("raft: {0}")]
    Raft(#[from] raft::Error),
}

/// A `Ready` whose writes are not durable yet.
struct Unpersisted {
    number: u64,
    /// The write that must be durable.
    write: u64,
    /// To be sent then.
    messages: Vec<Message>,
    since_tick: u64,
}

/// A snapshot of this member's own machine, on its way to the disk.
struct SnapshotInFlight {
    write: u64,
    at: Position,
    conf_state: ConfState,
}

/// A member of the quorum.
pub struct Core<M: StateMachine> {
    node: RawNode<KvStore>,
    machine: M,
    settings: Settings,
    rng: Rng,
    /// Ticks of silence before this member campaigns, drawn anew for each (term, role).
    election_timeout_ticks: usize,
    drawn_for: (u64, StateRole),
    ticks: u64,
    /// The last entry in the machine.
    applied: Position,
    /// The voters as of `applied`.
    conf_state: ConfState,
    unpersisted: VecDeque<Unpersisted>,
    /// Writes up to here are durable.
    written: u64,
    /// The last write handed out that had to be synced.
    last_sync_write: u64,
    /// The write that installs a received snapshot. Until it is durable this member neither hears nor ticks: raft would find
    /// a log that starts beyond what it applied.
    installing: Option<u64>,
    snapshot_in_flight: Option<SnapshotInFlight>,
    bytes_since_snapshot: u64,
    desk: Desk<M::Response>,
    peers: Peers,
    view: LeaderView,
}

impl<M: StateMachine> Core<M> {
    /// Opens the store in `kv` (families [`FAMILIES`](super::store::FAMILIES)) and restores `machine` from its snapshot. The
    /// entries behind the snapshot are applied by [`start`](Self::start).
    ///
    /// # Errors
    /// The store failed or is corrupt, or the settings make no sense.
    pub fn open(settings: Settings, kv: SharedKv, mut machine: M, rng: Rng) -> Result<Self, Fatal> {
        let voters: Vec<u64> = settings.voters.iter().map(|voter| voter.raft_id()).collect();
        let store = KvStore::open(kv, &voters, settings.cached_entries_bytes)?;
        let mut applied = Position::default();
        if let Some(snapshot) = store.read_snapshot()? {
            applied = snapshot.at;
            machine
                .restore(applied, &snapshot.bytes)
                .map_err(|error| Fatal::Machine { index: applied.index, error })?;
            machine.publish();
        }
        machine.reset_scratch();
        let conf_state = store.conf_state().clone();
        let node = RawNode::new(&config(&settings, applied.index), store, &drain::logger())?;
        let drawn_for = (node.raft.term, node.raft.state);
        let mut core = Self {
            node,
            machine,
            settings,
            rng,
            election_timeout_ticks: 0,
            drawn_for,
            ticks: 0,
            applied,
            conf_state,
            unpersisted: VecDeque::new(),
            written: 0,
            last_sync_write: 0,
            installing: None,
            snapshot_in_flight: None,
            bytes_since_snapshot: 0,
            desk: Desk::default(),
            peers: Peers::default(),
            view: LeaderView::default(),
        };
        core.draw_election_timeout();
        Ok(core)
    }

    /// Applies what the log holds beyond the snapshot and, as the only voter, campaigns at once. Called once, first.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn start(&mut self, now: Now, out: &mut Outputs<M::Response>) -> Result<(), Fatal> {
        self.settle(now, out)?;
        if self.is_lone_voter() {
            self.node.campaign()?;
            self.settle(now, out)?;
        }
        out.view = Some(self.view.clone());
        Ok(())
    }

    /// Lets one event happen.
    ///
    /// # Errors
    /// This member cannot go on.
    pub fn step(&mut self, now: Now, event: Event<M::Request>, out: &mut Outputs<M::Response>) -> Result<(), Fatal> {
        match event {
            Event::Tick => {
                self.tick();
                // Raft may just have given up leading.
                self.follow_role(now, out);
                self.submit_timed(now, out);
            }
            Event::Peer(message) => self.receive(now, *message),
            Event::Submit(ticket, request) => self.submit(now, ticket, &request, out),
            Event::Written(number) => self.written(number, out)?,
            Event::Unreachable(raft_id) => self.node.report_unreachable(raft_id),
            Event::SnapshotSent(raft_id, arrived) => self.snapshot_sent(raft_id, arrived),
        }
        self.settle(now, out)
    }

    /// The machine, as far as committed entries are applied.
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// The last applied entry.
    pub fn applied(&self) -> Position {
        self.applied
    }

    /// Whether the write-ahead thread keeps up. If not, messages and submissions wait outside.
    pub fn keeps_up(&self) -> bool {
        let in_flight = self.node.store().last_write() - self.written;
        in_flight < settings::MAX_WRITES_IN_FLIGHT as u64
    }

    /// Whether there is room for a submission; if not it waits outside.
    pub fn accepts_submissions(&self) -> bool {
        !self.view.active || (self.keeps_up() && self.desk.has_room())
    }

    fn is_leader(&self) -> bool {
        self.node.raft.state == StateRole::Leader
    }

    fn is_lone_voter(&self) -> bool {
        self.conf_state.voters == [self.settings.me.raft_id()] && self.conf_state.voters_outgoing.is_empty()
    }

    fn leader(&self) -> Option<crate::ids::NodeId> {
        node_of(self.node.raft.leader_id)
    }

    fn tick(&mut self) {
        self.ticks += 1;
        if self.installing.is_some() {
            return;
        }
        if self.is_leader() && !self.is_lone_voter() && self.disk_is_stalled() {
            tracing::warn!(
                "Resigning as leader of the metadata quorum: a write to its log has not finished for {} ms",
                self.settings.election_ticks as u64 * self.settings.tick_ms
            );
            let term = self.node.raft.term;
            self.node.raft.become_follower(term, raft::INVALID_ID);
        }
        for raft_id in self.peers.overdue_snapshots(self.ticks, self.settings.snapshot_timeout_ticks) {
            self.snapshot_sent(raft_id, false);
        }
        // Raft draws a timeout of its own, from a generator that nobody can seed, whenever it changes roles.
        self.node.raft.set_randomized_election_timeout(self.election_timeout_ticks);
        self.node.tick();
        if self.node.raft.election_elapsed == 0 && !self.is_leader() {
            self.draw_election_timeout();
        }
    }

    /// Whether the oldest unfinished write is older than an election timeout: by now the other voters may do better. A lone voter has
    /// nobody to give way to and is not asked.
    fn disk_is_stalled(&self) -> bool {
        let patience = self.settings.election_ticks as u64;
        self.unpersisted.front().is_some_and(|oldest| self.ticks - oldest.since_tick >= patience)
    }

    fn draw_election_timeout(&mut self) {
        let ticks = self.settings.election_ticks;
        self.election_timeout_ticks = ticks + self.rng.below(ticks as u64) as usize;
        self.drawn_for = (self.node.raft.term, self.node.raft.state);
    }

    /// Follows raft's role: who was active and leads no more hands back what it cannot finish, and who leads with all of the
    /// log applied becomes active.
    fn follow_role(&mut self, now: Now, out: &mut Outputs<M::Response>) {
        let (term, state) = (self.node.raft.term, self.node.raft.state);
        if self.drawn_for != (term, state) {
            self.draw_election_timeout();
        }
        let leads = state == StateRole::Leader;
        if self.desk.term().is_some_and(|judged_in| !leads || judged_in != term) {
            self.desk.stand_down(self.leader(), out);
            self.machine.reset_scratch();
        }
        let last_index = self.node.raft.raft_log.last_index();
        if leads && self.desk.active_term().is_none() && self.applied == (Position { index: last_index, term }) {
            self.machine.reset_scratch();
            self.machine.became_active(now);
            self.desk.open(term);
        }
        let active = self.desk.active_term().is_some();
        let view = LeaderView { leader: self.leader(), epoch: term, active };
        if view != self.view {
            self.tell(&view);
            self.view = view.clone();
            out.view = Some(view);
        }
    }

    fn tell(&self, view: &LeaderView) {
        let me: VoterId = self.settings.me;
        match view.leader {
            Some(leader) if leader == me.node_id && view.active => {
                tracing::info!("Becoming active controller of epoch {} at index {}", view.epoch, self.applied.index);
            }
            Some(leader) if leader == me.node_id => {
                tracing::info!("Elected leader of the metadata quorum in epoch {}", view.epoch);
            }
            Some(leader) => tracing::info!("Following node {leader}, leader of epoch {}", view.epoch),
            None => tracing::info!("No leader is known in epoch {}", view.epoch),
        }
    }
}

fn config(settings: &Settings, applied: u64) -> Config {
    Config {
        id: settings.me.raft_id(),
        election_tick: settings.election_ticks,
        heartbeat_tick: settings.heartbeat_ticks,
        applied,
        max_size_per_msg: settings::MAX_MESSAGE_BYTES,
        max_inflight_msgs: settings::MAX_INFLIGHT_MESSAGES,
        check_quorum: true,
        pre_vote: true,
        max_uncommitted_size: settings::MAX_UNCOMMITTED_BYTES as u64,
        max_committed_size_per_ready: settings::MAX_APPLY_BYTES,
        ..Config::default()
    }
}
