//! Puts a log directory into slow mode when one of its writes takes long, so that its disk holds up no other work.

use super::lane::Lane;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

/// A write that is seen at two looks in a row has run for longer than this.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Looks without a slow write after which a directory counts as fast again: a second.
const FAST_LOOKS: u32 = 100;
/// Looks without any write after which the watchdog sleeps until there is one.
const IDLE_LOOKS: u32 = 100;

/// What the watchdog knows of a directory.
struct Watched {
    lane: Arc<Lane>,
    running: Vec<u64>,
    writes: u64,
    fast_looks: u32,
}

impl Watched {
    fn look(&mut self) {
        if self.lane.sample(&mut self.running) {
            self.fast_looks = 0;
            self.lane.set_slow(true);
        } else if self.lane.is_slow() {
            self.fast_looks += 1;
            if self.fast_looks >= FAST_LOOKS {
                self.lane.set_slow(false);
            }
        }
    }

    /// Whether nothing was written since the last call, nothing is, and the directory is fast.
    fn is_idle(&mut self) -> bool {
        let before = std::mem::replace(&mut self.writes, self.lane.writes());
        before == self.writes && self.running.iter().all(|number| *number == 0) && !self.lane.is_slow()
    }
}

/// Looks at all directories until `stopping`; sleeps while none is written to.
pub(super) fn run(lanes: Vec<Arc<Lane>>, stopping: &AtomicBool) {
    for lane in &lanes {
        *lane.watchdog.lock() = Some(std::thread::current());
    }
    let watch = |lane| Watched { lane, running: vec![0; Lane::marks()], writes: 0, fast_looks: 0 };
    let mut watched: Vec<Watched> = lanes.into_iter().map(watch).collect();
    let mut idle_looks = 0;
    while !stopping.load(Ordering::Acquire) {
        watched.iter_mut().for_each(Watched::look);
        let mut idle = true;
        for directory in &mut watched {
            idle &= directory.is_idle();
        }
        idle_looks = if idle { idle_looks + 1 } else { 0 };
        if idle_looks < IDLE_LOOKS {
            std::thread::sleep(LOOK_EVERY);
            continue;
        }
        for directory in &watched {
            directory.lane.watchdog_asleep.store(true, Ordering::SeqCst);
        }
        // A write that began before the flags were raised is seen here, a later one wakes.
        let mut still_idle = true;
        for directory in &mut watched {
            still_idle &= directory.is_idle();
        }
        if still_idle && !stopping.load(Ordering::Acquire) {
            std::thread::park();
        }
        for directory in &watched {
            directory.lane.watchdog_asleep.store(false, Ordering::SeqCst);
        }
        idle_looks = 0;
    }
}
