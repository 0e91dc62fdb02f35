//! When each broker was last heard of: soft state of the active controller.

use crate::clock::Now;
use crate::ids::NodeId;
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug)]
struct Session {
    broker_epoch: i64,
    heard_ms: i64,
    metadata_offset: i64,
    /// Where the entry stands that moved leaderships away from a broker that leaves in order.
    shut_down_at: Option<i64>,
}

/// The brokers' sessions. At most one a registered broker.
#[derive(Debug)]
pub struct Sessions {
    timeout_ms: i64,
    by_broker: BTreeMap<NodeId, Session>,
}

impl Sessions {
    /// Sessions that run out `timeout_ms` after the last sign of life.
    pub fn new(timeout_ms: i64) -> Self {
        Self { timeout_ms, by_broker: BTreeMap::new() }
    }

    /// A broker was heard of. Another epoch is another session.
    pub(super) fn touch(&mut self, broker: NodeId, broker_epoch: i64, now: Now) {
        let fresh = Session { broker_epoch, heard_ms: now.mono_ms, metadata_offset: -1, shut_down_at: None };
        let session = self.by_broker.entry(broker).or_insert(fresh);
        if session.broker_epoch != broker_epoch {
            *session = fresh;
        }
        session.heard_ms = now.mono_ms;
    }

    /// A broker has applied the records up to `offset`.
    pub(super) fn applied(&mut self, broker: NodeId, offset: i64) {
        if let Some(session) = self.by_broker.get_mut(&broker) {
            session.metadata_offset = offset;
        }
    }

    /// The offset that the broker last said it had applied; -1 if it has not said.
    pub(super) fn applied_by(&self, broker: NodeId) -> i64 {
        self.by_broker.get(&broker).map_or(-1, |session| session.metadata_offset)
    }

    /// Remembers that the entry at `offset` moved the broker's leaderships away.
    pub(super) fn shutting_down(&mut self, broker: NodeId, offset: i64) {
        if let Some(session) = self.by_broker.get_mut(&broker) {
            session.shut_down_at.get_or_insert(offset);
        }
    }

    /// Where that entry stands; `None` if this controller has not seen it.
    pub(super) fn shut_down_at(&self, broker: NodeId) -> Option<i64> {
        self.by_broker.get(&broker)?.shut_down_at
    }

    /// Whether the broker's session lasts still.
    pub(super) fn is_valid(&self, broker: NodeId, broker_epoch: i64, now: Now) -> bool {
        let lasts = |session: &Session| now.mono_ms - session.heard_ms < self.timeout_ms;
        self.by_broker.get(&broker).is_some_and(|session| session.broker_epoch == broker_epoch && lasts(session))
    }

    /// The controller could hear nobody for `away_ms`: that silence is not the brokers'.
    pub(super) fn extend(&mut self, away_ms: i64) {
        for session in self.by_broker.values_mut() {
            session.heard_ms = session.heard_ms.saturating_add(away_ms);
        }
    }

    /// Forgets the sessions that have run out, those of fenced brokers among them.
    pub(super) fn expire(&mut self, now: Now) {
        self.by_broker.retain(|_, session| now.mono_ms - session.heard_ms < self.timeout_ms);
    }

    /// Forgets a broker.
    pub(super) fn remove(&mut self, broker: NodeId) {
        self.by_broker.remove(&broker);
    }

    /// When, in milliseconds of the monotonic clock, the next session runs out; `None` without sessions.
    pub fn next_expiry_ms(&self) -> Option<i64> {
        self.by_broker.values().map(|session| session.heard_ms.saturating_add(self.timeout_ms)).min()
    }
}
