//! A network in memory, faulty as told, repeatable from a seed.

use super::{Envelope, Inbox, Transport};
use crate::clock::Clock;
use crate::rng::Rng;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What the network does to messages. Different delays reorder them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Of 1,000 messages, how many are lost.
    pub dropped_per_mille: u64,
    /// Of 1,000 messages, how many arrive twice.
    pub repeated_per_mille: u64,
    /// A message takes at least this long.
    pub min_delay_ms: i64,
    /// A message takes at most this long.
    pub max_delay_ms: i64,
}

/// Something that happens at the end of a way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// A message arrives at `envelope.to`.
    Arrived(Envelope),
    /// The sender learns that its snapshot arrived, or was lost.
    SnapshotReport {
        /// Who sent it.
        from: u64,
        /// To whom.
        to: u64,
        /// Whether it arrived.
        arrived: bool,
    },
}

/// The messages under way.
pub struct MemoryNetwork {
    rng: Rng,
    faults: Faults,
    /// By when they are due, then by when they were sent.
    under_way: BTreeMap<(i64, u64), Delivery>,
    sent: u64,
    /// Pairs that do not hear each other, smaller id first.
    cut: BTreeSet<(u64, u64)>,
}

impl MemoryNetwork {
    /// An empty network.
    pub fn new(rng: Rng, faults: Faults) -> Self {
        Self { rng, faults, under_way: BTreeMap::new(), sent: 0, cut: BTreeSet::new() }
    }

    /// Changes what happens to messages sent from now on.
    pub fn set_faults(&mut self, faults: Faults) {
        self.faults = faults;
    }

    /// Cuts the way between two nodes, both directions; what is under way between them is lost.
    pub fn cut(&mut self, one: u64, other: u64) {
        self.cut.insert((one.min(other), one.max(other)));
    }

    /// Restores every way.
    pub fn heal(&mut self) {
        self.cut.clear();
    }

    /// Everything to and from `node` that is under way is lost: it crashed.
    pub fn forget(&mut self, node: u64) {
        self.under_way.retain(|_, delivery| match delivery {
            Delivery::Arrived(envelope) => envelope.to != node && envelope.from != node,
            Delivery::SnapshotReport { from, .. } => *from != node,
        });
    }

    fn is_cut(&self, one: u64, other: u64) -> bool {
        self.cut.contains(&(one.min(other), one.max(other)))
    }

    /// Sends `envelope` at `now_ms`.
    pub fn send(&mut self, now_ms: i64, envelope: Envelope) {
        let lost = self.rng.below(1000) < self.faults.dropped_per_mille || self.is_cut(envelope.from, envelope.to);
        let repeated = self.rng.below(1000) < self.faults.repeated_per_mille;
        if lost {
            self.report(now_ms, &envelope, false);
            return;
        }
        if repeated {
            self.enqueue(now_ms, Delivery::Arrived(envelope.clone()));
        }
        self.enqueue(now_ms, Delivery::Arrived(envelope));
    }

    fn enqueue(&mut self, now_ms: i64, delivery: Delivery) {
        let spread = (self.faults.max_delay_ms - self.faults.min_delay_ms).max(0) as u64;
        let delay_ms = self.faults.min_delay_ms + self.rng.below(spread + 1) as i64;
        self.sent += 1;
        self.under_way.insert((now_ms + delay_ms, self.sent), delivery);
    }

    fn report(&mut self, now_ms: i64, envelope: &Envelope, arrived: bool) {
        if envelope.is_snapshot {
            let report = Delivery::SnapshotReport { from: envelope.from, to: envelope.to, arrived };
            self.enqueue(now_ms, report);
        }
    }

    /// The next delivery that is due at `now_ms`.
    pub fn next_due(&mut self, now_ms: i64) -> Option<Delivery> {
        loop {
            let first = self.under_way.first_entry().filter(|first| first.key().0 <= now_ms)?;
            let delivery = first.remove();
            let Delivery::Arrived(envelope) = &delivery else { return Some(delivery) };
            let arrived = !self.is_cut(envelope.from, envelope.to);
            self.report(now_ms, &envelope.clone(), arrived);
            if arrived {
                return Some(delivery);
            }
        }
    }
}

/// The network between drivers in one process. Somebody must [`pump`](Self::pump) it.
pub struct MemoryTransport {
    /// Guards what is under way; held for the length of one call.
    network: Mutex<MemoryNetwork>,
    inboxes: BTreeMap<u64, Inbox>,
    clock: Arc<dyn Clock>,
}

impl MemoryTransport {
    /// Connects the members whose inboxes are given, by raft id.
    pub fn new(network: MemoryNetwork, inboxes: BTreeMap<u64, Inbox>, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { network: Mutex::new(network), inboxes, clock })
    }

    /// Hands over everything that is due. What an inbox does not take is lost.
    pub fn pump(&self) {
        let now_ms = self.clock.now().mono_ms;
        loop {
            let due = self.network.lock().next_due(now_ms);
            match due {
                Some(Delivery::Arrived(envelope)) => {
                    if let Some(inbox) = self.inboxes.get(&envelope.to) {
                        let _ = inbox.deliver(&envelope.bytes);
                    }
                }
                Some(Delivery::SnapshotReport { from, to, arrived }) => {
                    if let Some(inbox) = self.inboxes.get(&from) {
                        inbox.snapshot_sent(to, arrived);
                    }
                }
                None => return,
            }
        }
    }

    /// Changes the network: cuts and heals.
    pub fn change(&self, change: impl FnOnce(&mut MemoryNetwork)) {
        change(&mut self.network.lock());
    }
}

impl Transport for MemoryTransport {
    fn send(&self, envelope: Envelope) {
        self.network.lock().send(self.clock.now().mono_ms, envelope);
    }
}
