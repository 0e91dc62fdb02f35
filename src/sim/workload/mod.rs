//! What clients do, drawn from the seed. Each client lives on across the node's lives and remembers what it has not heard
//! the answer of.

mod accountant;
mod admin;
pub mod compaction;
mod consumer;
mod member;
mod payer;
mod producer;

pub use accountant::Accountant;
pub use admin::Admin;
pub use compaction::Keeper;
pub use consumer::Consumer;
pub use member::Member;
pub use payer::Payer;
pub use producer::Producer;

use super::audit::audit;
use super::client::Connection;
use super::groups::Group;
use super::ledger::Ledger;
use super::life::Life;
use super::oracle::{Oracle, TopicState};
use crate::rng::Rng;
use futures_util::future::join_all;
use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// What a client works with in one life of the node.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The node.
    pub life: &'a Life,
    /// What must be true.
    pub oracle: &'a RefCell<Oracle>,
    /// Nothing new is begun: what is open is brought to its end.
    pub closing: bool,
}

impl Scene<'_> {
    /// Whether a topic of this name is known to be there.
    fn has_topic(&self, name: &str) -> bool {
        let oracle = self.oracle.borrow();
        oracle.topics.values().any(|topic| topic.name == name && topic.state == TopicState::Created)
    }

    /// Reports an error that the node had no reason to answer with, unless its disk has been in trouble.
    fn unexpected(&self, what: &str, error_code: i16) {
        /// COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR, NOT_CONTROLLER, KAFKA_STORAGE_ERROR.
        const DISK_TROUBLE: [i16; 5] = [14, 15, 16, 41, 56];
        if !DISK_TROUBLE.contains(&error_code) || !self.life.troubled.get() {
            self.life.broken(&format!("{what} is answered with error {error_code}"));
        }
    }
}

/// Waits for up to `ms` milliseconds.
async fn pause(rng: &Rng, ms: u64) {
    tokio::time::sleep(Duration::from_millis(rng.below(ms))).await;
}

/// Groups of consumers.
const GROUPS: [&str; 2] = ["g0", "g1"];

fn members(group_id: &'static str, rng: &Rng) -> Vec<Member> {
    (0..1 + rng.below(3)).map(|id| Member::new(id, group_id, rng.fork())).collect()
}

/// All clients.
pub struct Workload {
    producers: Vec<Producer>,
    consumers: Vec<Consumer>,
    admin: Admin,
    /// The groups with their members.
    groups: Vec<(&'static str, RefCell<Group>, Vec<Member>)>,
    /// Producers of transactions, and who reads what they commit.
    payers: Vec<Payer>,
    accountant: Accountant,
    ledger: RefCell<Ledger>,
    /// Writes to a compacted topic.
    keeper: Keeper,
}

impl Workload {
    /// Draws some.
    pub fn draw(rng: &Rng, oracle: &mut Oracle) -> Self {
        let producers = 2 + rng.below(4) as u32;
        let consumers = 1 + rng.below(3);
        Self {
            producers: (0..producers).map(|id| Producer::draw(id, rng.fork(), oracle)).collect(),
            consumers: (0..consumers).map(|id| Consumer::new(id, rng.fork())).collect(),
            admin: Admin::new(rng.fork()),
            groups: GROUPS.iter().map(|id| (*id, RefCell::default(), members(id, rng))).collect(),
            payers: (0..1 + rng.below(3) as u32).map(|id| Payer::draw(id, rng.fork(), oracle)).collect(),
            accountant: Accountant::new(rng.fork()),
            ledger: RefCell::default(),
            keeper: Keeper::new(rng.fork()),
        }
    }

    /// Compares what the node has with what is known, before anybody works.
    pub async fn begin(&mut self, scene: Scene<'_>, lossy: bool) {
        audit(scene, self.admin.open_topic(), lossy).await;
        for (id, group, _) in &self.groups {
            group.borrow_mut().begin(lossy);
            if !group.borrow().has_commits() {
                continue;
            }
            member::check_commits(&mut Connection::reliable(scene.life), scene, id, group, lossy).await;
        }
        self.admin.close_open();
        self.keeper.begin(scene).await;
    }

    /// Lets everybody work: until the node dies, or, when `closing`, until everything open is done.
    pub async fn run(&mut self, scene: Scene<'_>) {
        let Self { producers, consumers, admin, groups, payers, accountant, ledger, keeper } = self;
        let ledger = &*ledger;
        let mut clients: Vec<Pin<Box<dyn Future<Output = ()> + '_>>> = vec![Box::pin(admin.run(scene))];
        for producer in producers {
            clients.push(Box::pin(producer.run(scene)));
        }
        for consumer in consumers.iter_mut() {
            clients.push(Box::pin(consumer.run(scene)));
        }
        for (_, group, members) in groups {
            let group = &*group;
            for member in members {
                clients.push(Box::pin(member.run(scene, group)));
            }
        }
        clients.push(Box::pin(keeper.run(scene)));
        clients.push(Box::pin(accountant.run(scene, ledger)));
        for payer in payers {
            clients.push(Box::pin(payer.run(scene, ledger)));
        }
        join_all(clients).await;
    }

    /// Nobody works any more: every transaction counts whole or not at all, and nothing holds committed readers back.
    pub async fn settle(&mut self, scene: Scene<'_>) {
        self.accountant.settle(scene, &self.ledger).await;
        for payer in &self.payers {
            payer.check_offset(&mut Connection::reliable(scene.life), scene, &self.ledger).await;
        }
    }

    /// Cleanings of compacted logs that came to their ends.
    pub fn cleanings(&self) -> u64 {
        self.keeper.cleanings()
    }

    /// Transactions that ended as their producers were told.
    pub fn transactions(&self) -> u64 {
        self.ledger.borrow().told
    }
}
