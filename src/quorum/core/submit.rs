//! Requests for the active controller: judged at once, proposed in packs.

use super::{Core, Outputs, SubmitError, Ticket, NOBODY};
use crate::clock::Now;
use crate::quorum::machine::{Position, StateMachine};

impl<M: StateMachine> Core<M> {
    pub(super) fn submit(&mut self, now: Now, ticket: Ticket, request: &M::Request, out: &mut Outputs<M::Response>) {
        let Some(term) = self.desk.active_term() else {
            out.answers.push((ticket, Err(SubmitError::NotController { leader: self.leader() })));
            return;
        };
        // Nobody else appends while this node leads, so the place of the next entry is known.
        let at = Position { index: self.node.raft.raft_log.last_index() + 1, term };
        let decision = match self.machine.decide(now, at, request) {
            Ok(decision) => decision,
            Err(too_large) => {
                out.answers.push((ticket, Err(too_large.into())));
                return;
            }
        };
        if let Some(response) = self.desk.take(at, ticket, &decision.records, decision.response) {
            out.answers.push((ticket, Ok(response)));
        }
    }

    /// Judges what the machine asks of itself at this time.
    pub(super) fn submit_timed(&mut self, now: Now, out: &mut Outputs<M::Response>) {
        if self.desk.active_term().is_none() || !self.accepts_submissions() {
            return;
        }
        if let Some(request) = self.machine.timed_request(now) {
            self.submit(now, NOBODY, &request, out);
        }
    }

    /// Proposes the pack, if it is time. Only ever as the leader: raft would forward it to the leader otherwise, where nobody
    /// judged it.
    pub(super) fn propose_pack(&mut self, out: &mut Outputs<M::Response>) {
        let disk_is_busy = self.unpersisted.back().is_some_and(|last| last.write > self.written);
        let Some(at) = self.desk.pack_to_propose(disk_is_busy) else { return };
        debug_assert!(self.is_leader(), "follow_role has emptied the desk of whoever leads no more");
        let next = Position { index: self.node.raft.raft_log.last_index() + 1, term: self.node.raft.term };
        if at != next {
            // A change of voters went in between.
            self.desk.lose_place(self.leader(), out);
            self.machine.reset_scratch();
            return;
        }
        match self.node.propose(Vec::new(), self.desk.pack_bytes()) {
            Ok(()) => self.desk.proposed(),
            // The pack stays: raft's own bound is reached, or leadership is being handed over. Either ends.
            Err(error) => tracing::debug!("a proposal has to wait: {error}"),
        }
    }

    /// Proposes a change of voters; takes effect with the next event. Only tests change voters so far.
    #[cfg(test)]
    pub(in crate::quorum) fn propose_change(&mut self, change: raft::eraftpb::ConfChangeV2) -> raft::Result<()> {
        self.node.propose_conf_change(Vec::new(), change)
    }
}
