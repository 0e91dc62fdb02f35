//! One process on the machine, from its start to its end.

use super::clock::SimClock;
use super::machine::Machine;
use super::trace::Trace;
use crate::clock::Clock;
use crate::config::Loaded;
use crate::disk::sim::{Faults, SimDisk};
use crate::kv::memory::Crash;
use crate::node::{Node, World};
use crate::quorum::FatalHook;
use crate::rng::Rng;
use crate::telemetry::LogLevels;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Builder;

/// How long a node may take to start, in milliseconds.
const START_MS: u64 = 60_000;
/// How long the process may live on after its disk failed, in milliseconds.
const FAILED_MS: u64 = 5_000;
/// How far the wall clock jumps at most, either way, in milliseconds: half a day.
const JUMP_MS: u64 = 43_200_000;

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It is told to stop.
    Stop,
    /// It is killed: what it wrote is in the page cache.
    Kill,
    /// The machine loses power.
    PowerCut,
    /// The disk fails, and then the process ends by itself.
    DiskFailure,
}

/// What becomes of one process.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    /// When it ends, in milliseconds from its start.
    pub lasts_ms: u64,
    /// How.
    pub ending: Ending,
    /// It dies in the middle of the operation after so many further ones on the disk, not between two.
    pub dies_after: Option<u64>,
    /// The same count begins at the start of the process already.
    pub dies_early: bool,
    /// Trouble on the way.
    pub troubles: u64,
}

impl Script {
    /// Draws one.
    pub fn draw(rng: &Rng) -> Self {
        let ending = match rng.below(10) {
            0..=1 => Ending::Stop,
            2..=4 => Ending::Kill,
            5..=7 => Ending::PowerCut,
            _ => Ending::DiskFailure,
        };
        let inside = matches!(ending, Ending::Kill | Ending::PowerCut) && rng.below(2) == 0;
        Self {
            lasts_ms: 300 + rng.below(4_000),
            ending,
            dies_after: inside.then(|| rng.below(120)),
            dies_early: inside && rng.below(6) == 0,
            troubles: rng.below(4),
        }
    }

    /// A quiet one, stopped at the end.
    pub fn quiet(lasts_ms: u64) -> Self {
        Self { lasts_ms, ending: Ending::Stop, dies_after: None, dies_early: false, troubles: 0 }
    }
}

/// A running process.
pub struct Life {
    /// The node.
    pub node: Node,
    /// Its clock.
    pub clock: Arc<SimClock>,
    /// What decides about the network.
    pub chance: Rng,
    disk: Arc<SimDisk>,
    machine_disk: Arc<SimDisk>,
    /// The metadata quorum could not go on.
    ended: Arc<AtomicBool>,
    connections: Cell<u64>,
    /// Its disk has been full, slow or failing.
    pub troubled: Cell<bool>,
    trace: Rc<Trace>,
}

impl Life {
    /// Whether the process still runs.
    pub fn is_alive(&self) -> bool {
        self.disk.is_alive()
    }

    /// A number for a new connection.
    pub fn next_connection(&self) -> u64 {
        self.connections.set(self.connections.get() + 1);
        self.connections.get()
    }

    /// Notes an event.
    pub fn note(&self, who: &str, what: &str) {
        self.trace.note(self.clock.now().mono_ms, who, what);
    }

    /// Reports a rule that was broken.
    pub fn broken(&self, what: &str) -> ! {
        self.trace.broken(what)
    }

    /// Does what the node's threads would do, and lets time pass that slow operations took. Returns once the process is
    /// dead.
    async fn keep(&self) {
        while self.is_alive() {
            tokio::time::sleep(Duration::from_millis(1 + self.chance.below(8))).await;
            self.clock.settle().await;
            self.node.replicas.work();
            let healthy = !self.troubled.get() && self.is_alive();
            if healthy && (self.ended.load(Ordering::Relaxed) || self.node.replicas.online_dirs().is_empty()) {
                self.broken("the node gave up although nothing was wrong with its disk");
            }
        }
    }

    /// Returns when the process has given up after its disk failed, or has been given the time to.
    async fn give_up(&self) {
        let gone = || self.ended.load(Ordering::Relaxed) || self.node.replicas.online_dirs().is_empty();
        for _ in 0..FAILED_MS / 10 {
            if gone() || !self.is_alive() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Trouble that passes.
    async fn trouble(&self, wall: &super::clock::WallClock) {
        let chance = &self.chance;
        match chance.below(4) {
            0 => {
                let room_bytes = chance.below(20_000);
                self.note("disk", &format!("room for {room_bytes} bytes"));
                self.troubled.set(true);
                self.machine_disk.set_faults(Faults { room_bytes: Some(room_bytes), ..Faults::default() });
                tokio::time::sleep(Duration::from_millis(chance.below(2_000))).await;
                self.note("disk", "room again");
                self.machine_disk.set_faults(Faults::default());
            }
            1 => {
                self.note("disk", "slow");
                let (clock, odds) = (self.clock.clone(), self.chance.fork());
                self.machine_disk.set_slow(Some(Arc::new(move |is_sync| {
                    if odds.below(4) == 0 {
                        clock.took(odds.below(if is_sync { 400 } else { 60 }) as i64);
                    }
                })));
                tokio::time::sleep(Duration::from_millis(chance.below(3_000))).await;
                self.note("disk", "fast again");
                self.machine_disk.set_slow(None);
            }
            _ => {
                let ms = chance.below(2 * JUMP_MS) as i64 - JUMP_MS as i64;
                self.note("clock", &format!("jumps by {ms} ms"));
                wall.jump(ms);
            }
        }
    }

    /// Carries the script out up to the end of the process.
    async fn perform(&self, script: &Script, machine: &Machine) {
        let mut left_ms = script.lasts_ms;
        for trouble in 0..script.troubles {
            let part = left_ms / (script.troubles - trouble + 1);
            tokio::time::sleep(Duration::from_millis(part)).await;
            left_ms -= part;
            self.trouble(&machine.wall).await;
        }
        tokio::time::sleep(Duration::from_millis(left_ms)).await;
        if let Some(operations) = script.dies_after.filter(|_| !script.dies_early) {
            machine.disk.die_after(operations);
            // It may have nothing left to write; then it dies between two operations after all.
            tokio::time::sleep(Duration::from_millis(2_000)).await;
        }
        if script.ending == Ending::DiskFailure {
            let on_write = self.chance.below(2) == 0;
            self.note("disk", if on_write { "EIO on write" } else { "EIO on sync" });
            self.troubled.set(true);
            machine.disk.set_faults(Faults { write_error: on_write, sync_error: !on_write, ..Faults::default() });
            self.give_up().await;
        }
    }
}

/// Where processes are started.
pub struct Place<'a> {
    /// The machine.
    pub machine: &'a Machine,
    /// The node's configuration.
    pub loaded: &'a Loaded,
    /// Chance, for this process.
    pub rng: Rng,
    /// Where events are noted.
    pub trace: Rc<Trace>,
}

impl Place<'_> {
    /// Runs a process as the script says, or until `clients` are done. Whether what was not synced may be lost.
    pub fn run<C>(&self, script: &Script, clients: C) -> bool
    where
        C: AsyncFnOnce(&Life),
    {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime without sockets needs nothing of the system");
        // Tasks of the dead process end with the runtime.
        runtime.block_on(self.live(script, clients))
    }

    async fn live<C>(&self, script: &Script, clients: C) -> bool
    where
        C: AsyncFnOnce(&Life),
    {
        let process = self.machine.disk.process();
        let clock = SimClock::start(self.machine.wall.clone());
        if let Some(operations) = script.dies_after.filter(|_| script.dies_early) {
            self.machine.disk.die_after(operations);
        }
        self.trace.note(0, "world", &format!("{script:?}"));
        let ended = Arc::new(AtomicBool::new(false));
        let started = tokio::select! {
            biased;
            () = died(&process) => None,
            node = self.start(&process, &clock, &ended) => node,
        };
        if let Some(node) = started {
            let life = Life {
                node,
                clock: clock.clone(),
                chance: self.rng.fork(),
                disk: process.clone(),
                machine_disk: self.machine.disk.clone(),
                ended,
                connections: Cell::new(0),
                troubled: Cell::new(false),
                trace: self.trace.clone(),
            };
            life.note("world", "started");
            self.through(script, life, clients).await;
        }
        self.trace.note(clock.now().mono_ms, "world", &format!("ends: {:?}", script.ending));
        clock.end();
        self.machine.crash(match script.ending {
            Ending::Kill => Crash::Process,
            // What was stopped cleanly has nothing left to lose.
            Ending::PowerCut | Ending::Stop => Crash::Power,
            // Somebody reboots the machine, or just starts the process again.
            Ending::DiskFailure if self.rng.below(2) == 0 => Crash::Power,
            Ending::DiskFailure => Crash::Process,
        });
        self.machine.disk.set_faults(Faults::default());
        matches!(script.ending, Ending::PowerCut | Ending::DiskFailure)
    }

    async fn through<C>(&self, script: &Script, life: Life, clients: C)
    where
        C: AsyncFnOnce(&Life),
    {
        tokio::select! {
            biased;
            () = life.keep() => {}
            () = life.perform(script, self.machine) => {}
            () = clients(&life) => {}
        }
        if script.ending == Ending::Stop && life.is_alive() {
            self.machine.disk.set_slow(None);
            life.note("world", "stops");
            life.node.stop().await;
        }
    }

    async fn start(&self, process: &Arc<SimDisk>, clock: &Arc<SimClock>, ended: &Arc<AtomicBool>) -> Option<Node> {
        let world = World {
            disk: process.clone(),
            open_kv: self.machine.open_kv(process.clone()),
            clock: clock.clone(),
            rng: self.rng.fork(),
            threads: false,
            log_levels: Arc::new(LogLevels::unheard()),
        };
        let ended = ended.clone();
        let fatal: FatalHook = Arc::new(move |_| ended.store(true, Ordering::Relaxed));
        let starting = Node::start(self.loaded, &world, fatal);
        match tokio::time::timeout(Duration::from_millis(START_MS), starting).await {
            Ok(Ok(node)) => Some(node),
            _ if !process.is_alive() => None,
            Ok(Err(error)) => self.trace.broken(&format!("the node does not start: {error}")),
            Err(_) => self.trace.broken("the node does not start in time"),
        }
    }
}

/// Returns once the process is dead.
async fn died(process: &SimDisk) {
    while process.is_alive() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
