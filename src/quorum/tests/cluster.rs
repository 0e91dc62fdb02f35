//! Three voters on one thread, from a seed: a faulty network, disks that stall and lose what was not synced, crashes. The cluster
//! checks its own oracle at every step.

use super::list_machine::{Add, Added, ListMachine};
use crate::clock::Now;
use crate::kv::memory::{Crash, MemoryKv};
use crate::quorum::core::{Core, Event, Outputs, SubmitError, Ticket};
use crate::quorum::settings::Settings;
use crate::quorum::store::wal::{write_all, WalWrite};
use crate::quorum::store::FAMILIES;
use crate::quorum::transport::memory::{Delivery, Faults, MemoryNetwork};
use crate::quorum::transport::{decode, encode};
use crate::quorum::VoterId;
use crate::rng::Rng;
use raft::eraftpb::MessageType;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

pub const VOTERS: usize = 3;
/// Time moves in steps of this.
const STEP_MS: i64 = 10;
const TICK_MS: i64 = 100;

pub type Answer = Result<Added, SubmitError>;

pub struct Node {
    pub kv: Arc<MemoryKv>,
    /// `None` while it is down.
    pub core: Option<Core<ListMachine>>,
    writes: VecDeque<WalWrite>,
    /// Nothing is written before.
    disk_stalls_until_ms: i64,
    epoch_seen: u64,
    applied_seen: u64,
}

pub struct Cluster {
    pub nodes: Vec<Node>,
    pub network: MemoryNetwork,
    pub rng: Rng,
    pub now_ms: i64,
    settings: Settings,
    /// Every word that some node has applied, in order: what nobody may lose or see otherwise.
    pub truth: Vec<String>,
    leaders: BTreeMap<u64, usize>,
    asked: BTreeMap<Ticket, String>,
    pub answers: BTreeMap<Ticket, Answer>,
    next_ticket: Ticket,
    /// What happened, to compare two runs.
    pub trace: Vec<String>,
    pub snapshots_sent: usize,
}

pub fn raft_id(node: usize) -> u64 {
    VoterId::first(node as i32).raft_id()
}

fn node_of(raft_id: u64) -> usize {
    VoterId::from_raft_id(raft_id).unwrap().node_id as usize
}

pub const CALM: Faults = Faults { dropped_per_mille: 0, repeated_per_mille: 0, min_delay_ms: 1, max_delay_ms: 5 };

impl Cluster {
    pub fn new(seed: u64) -> Self {
        let rng = Rng::from_seed(seed);
        let voters = (0..VOTERS as i32).map(VoterId::first).collect();
        let mut settings = Settings::new(VoterId::first(0), voters);
        settings.snapshot_entries = 8;
        settings.retained_entries = 2;
        settings.cached_entries_bytes = 200;
        settings.snapshot_timeout_ticks = 20;
        let network = MemoryNetwork::new(rng.fork(), CALM);
        let mut cluster = Self {
            nodes: Vec::new(),
            network,
            rng,
            now_ms: 0,
            settings,
            truth: Vec::new(),
            leaders: BTreeMap::new(),
            asked: BTreeMap::new(),
            answers: BTreeMap::new(),
            next_ticket: 1,
            trace: Vec::new(),
            snapshots_sent: 0,
        };
        for node in 0..VOTERS {
            let kv = MemoryKv::new(FAMILIES.len());
            let writes = VecDeque::new();
            cluster.nodes.push(Node {
                kv,
                core: None,
                writes,
                disk_stalls_until_ms: 0,
                epoch_seen: 0,
                applied_seen: 0,
            });
            cluster.restart(node);
        }
        cluster
    }

    fn now(&self) -> Now {
        Now { wall_ms: 1_000_000 + self.now_ms, mono_ms: self.now_ms }
    }

    pub fn core(&self, node: usize) -> &Core<ListMachine> {
        self.nodes[node].core.as_ref().expect("the node is up")
    }

    /// The node that is active in the highest epoch.
    pub fn active(&self) -> Option<usize> {
        let up = |node: &usize| self.nodes[*node].core.is_some();
        let active = (0..VOTERS).filter(up).filter(|node| self.core(*node).view().active);
        active.max_by_key(|node| self.core(*node).view().epoch)
    }

    /// Loses memory, what is under way, and what the disk had not synced; perhaps some writes were just done unheard.
    pub fn crash(&mut self, node: usize, crash: Crash) {
        self.trace.push(format!("{} crash {node} {crash:?}", self.now_ms));
        let done = self.rng.below(self.nodes[node].writes.len() as u64 + 1) as usize;
        let victim = &mut self.nodes[node];
        write_all(&*victim.kv, victim.writes.drain(..done).collect()).unwrap();
        victim.writes.clear();
        victim.kv.crash(crash);
        victim.core = None;
        self.network.forget(raft_id(node));
    }

    pub fn restart(&mut self, node: usize) {
        let settings = Settings { me: VoterId::first(node as i32), ..self.settings.clone() };
        let (kv, rng) = (self.nodes[node].kv.clone(), self.rng.fork());
        let mut core = Core::open(settings, kv, ListMachine::default(), rng).unwrap();
        let mut out = Outputs::default();
        core.start(self.now(), &mut out).unwrap();
        self.nodes[node].core = Some(core);
        // An epoch heard of and not yet synced may be forgotten with the power.
        (self.nodes[node].epoch_seen, self.nodes[node].applied_seen) = (0, 0);
        self.carry_out(node, out);
    }

    pub fn stall_disk(&mut self, node: usize, for_ms: i64) {
        self.nodes[node].disk_stalls_until_ms = self.now_ms + for_ms;
    }

    pub fn isolate(&mut self, node: usize) {
        (0..VOTERS).filter(|other| *other != node).for_each(|other| self.network.cut(raft_id(node), raft_id(other)));
    }

    pub fn submit(&mut self, node: usize, word: &str) -> Ticket {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.asked.insert(ticket, word.to_owned());
        self.event(node, Event::Submit(ticket, Add(word.to_owned())));
        ticket
    }

    pub fn event(&mut self, node: usize, event: Event<Add>) {
        let now = self.now();
        let Some(core) = &mut self.nodes[node].core else { return };
        let mut out = Outputs::default();
        core.step(now, event, &mut out).unwrap();
        self.carry_out(node, out);
    }

    fn carry_out(&mut self, node: usize, out: Outputs<Added>) {
        self.check(node);
        for message in &out.messages {
            assert_ne!(message.get_msg_type(), MessageType::MsgPropose, "nothing is forwarded");
            self.snapshots_sent += usize::from(message.get_msg_type() == MessageType::MsgSnapshot);
            self.network.send(self.now_ms, encode(message));
        }
        self.nodes[node].writes.extend(out.writes);
        for (ticket, answer) in out.answers {
            self.trace.push(format!("{} {node} answers {ticket}: {answer:?}", self.now_ms));
            if answer.is_ok() {
                assert!(self.truth.contains(&self.asked[&ticket]), "{ticket} was answered before it was applied");
            }
            assert!(self.answers.insert(ticket, answer).is_none(), "{ticket} was answered twice");
        }
        if let Some(view) = out.view {
            self.trace.push(format!("{} {node} sees {view:?}", self.now_ms));
        }
    }

    /// The oracle.
    fn check(&mut self, node: usize) {
        let core = self.nodes[node].core.as_ref().unwrap();
        let words = &core.machine().words;
        assert_eq!(*words, core.machine().published, "what is applied is published");
        let common = words.len().min(self.truth.len());
        assert_eq!(words[..common], self.truth[..common], "node {node} applied something else");
        self.truth.extend_from_slice(&words[common..]);
        let (view, applied) = (core.view().clone(), core.applied().index);
        if view.leader == Some(node as i32) {
            let leader = *self.leaders.entry(view.epoch).or_insert(node);
            assert_eq!(leader, node, "epoch {} has two leaders", view.epoch);
        }
        let seen = &mut self.nodes[node];
        assert!(
            view.epoch >= seen.epoch_seen,
            "node {node} went back from epoch {} to {}",
            seen.epoch_seen,
            view.epoch
        );
        assert!(applied >= seen.applied_seen, "node {node} took back what it had applied");
        (seen.epoch_seen, seen.applied_seen) = (view.epoch, applied);
    }

    fn write_some(&mut self, node: usize) {
        let waiting = self.nodes[node].writes.len() as u64;
        if waiting == 0 || self.now_ms < self.nodes[node].disk_stalls_until_ms || self.nodes[node].core.is_none() {
            return;
        }
        let count = 1 + self.rng.below(waiting) as usize;
        let disk = &mut self.nodes[node];
        let last = write_all(&*disk.kv, disk.writes.drain(..count).collect()).unwrap().unwrap();
        self.event(node, Event::Written(last));
    }

    /// Lets one step of time pass.
    pub fn step(&mut self) {
        self.now_ms += STEP_MS;
        while let Some(delivery) = self.network.next_due(self.now_ms) {
            match delivery {
                Delivery::Arrived(envelope) => {
                    let message = decode(&envelope.bytes).unwrap();
                    self.event(node_of(envelope.to), Event::Peer(Box::new(message)));
                }
                Delivery::SnapshotReport { from, to, arrived } => {
                    self.event(node_of(from), Event::SnapshotSent(to, arrived));
                }
            }
        }
        for node in 0..VOTERS {
            self.write_some(node);
            // The nodes do not tick in step with each other.
            if (self.now_ms + 30 * node as i64) % TICK_MS == 0 {
                self.event(node, Event::Tick);
            }
        }
    }

    pub fn run_ms(&mut self, ms: i64) {
        let end_ms = self.now_ms + ms;
        while self.now_ms < end_ms {
            self.step();
        }
    }

    /// Steps until `done` holds; fails after `limit_ms`.
    pub fn run_until(&mut self, limit_ms: i64, what: &str, done: impl Fn(&Self) -> bool) {
        let end_ms = self.now_ms + limit_ms;
        while !done(self) {
            assert!(self.now_ms < end_ms, "not within {limit_ms} ms: {what}");
            self.step();
        }
    }

    /// Heals everything and waits until all nodes hold the same words and somebody is active.
    pub fn converge(&mut self) {
        self.network.heal();
        self.network.set_faults(CALM);
        for node in 0..VOTERS {
            self.nodes[node].disk_stalls_until_ms = 0;
            if self.nodes[node].core.is_none() {
                self.restart(node);
            }
        }
        self.run_until(20_000, "an active controller", |cluster| cluster.active().is_some());
        let active = self.active().unwrap();
        let last = self.submit(active, &format!("converged at {}", self.now_ms));
        self.run_until(20_000, "the last word everywhere", |cluster| {
            cluster.answers.contains_key(&last)
                && (0..VOTERS).all(|node| cluster.core(node).machine().words == cluster.truth)
        });
        assert!(matches!(self.answers[&last], Ok(Added::At(_))), "{:?}", self.answers[&last]);
        self.judge_answers();
    }

    /// No answer was wrong: what was confirmed is there, what was refused is not.
    pub fn judge_answers(&self) {
        for (ticket, answer) in &self.answers {
            let word = &self.asked[ticket];
            let there = self.truth.contains(word);
            let asked_once = self.asked.values().filter(|other| *other == word).count() == 1;
            match answer {
                Ok(_) => assert!(there, "{word} was confirmed and is lost"),
                Err(SubmitError::NotController { .. }) if asked_once => {
                    assert!(!there, "{word} was refused and is there");
                }
                Err(SubmitError::NotController { .. } | SubmitError::LeadershipLost { .. }) => {}
                Err(other) => panic!("{word}: {other}"),
            }
        }
    }
}
