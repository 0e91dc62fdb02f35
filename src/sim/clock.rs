//! Time in the simulation: tokio's paused time, what slow operations took on top, and jumps of the wall clock.

use crate::clock::{Clock, Now};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Time that outlives a process, in milliseconds: the machine's wall clock.
pub struct WallClock {
    /// At the start of the present process.
    at_start_ms: AtomicI64,
    /// Jumps since.
    jumped_ms: AtomicI64,
}

impl WallClock {
    /// Starts at `wall_ms` since the Unix epoch.
    pub fn at(wall_ms: i64) -> Arc<Self> {
        Arc::new(Self { at_start_ms: AtomicI64::new(wall_ms), jumped_ms: AtomicI64::new(0) })
    }

    /// Moves it either way, as an operator or NTP would.
    pub fn jump(&self, ms: i64) {
        self.jumped_ms.fetch_add(ms, Ordering::Relaxed);
    }
}

/// One process's clock.
pub struct SimClock {
    origin: Instant,
    wall: Arc<WallClock>,
    /// What operations took that could not wait in tokio's time, and has not passed there yet.
    owed_ms: AtomicI64,
}

impl SimClock {
    /// A clock whose monotonic time starts at 0. On a runtime with paused time.
    pub fn start(wall: Arc<WallClock>) -> Arc<Self> {
        Arc::new(Self { origin: Instant::now(), wall, owed_ms: AtomicI64::new(0) })
    }

    /// An operation took so long, without waiting.
    pub fn took(&self, ms: i64) {
        self.owed_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// Lets the time pass for everybody that slow operations took.
    pub async fn settle(&self) {
        let owed_ms = self.owed_ms.swap(0, Ordering::Relaxed);
        if owed_ms > 0 {
            tokio::time::advance(Duration::from_millis(owed_ms.unsigned_abs())).await;
        }
    }

    /// The process ends; the wall clock goes on from here.
    pub fn end(&self) {
        let Now { wall_ms, .. } = self.now();
        self.wall.at_start_ms.store(wall_ms, Ordering::Relaxed);
        self.wall.jumped_ms.store(0, Ordering::Relaxed);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Now {
        let mono_ms = self.origin.elapsed().as_millis() as i64 + self.owed_ms.load(Ordering::Relaxed);
        let start_ms = self.wall.at_start_ms.load(Ordering::Relaxed) + self.wall.jumped_ms.load(Ordering::Relaxed);
        Now { wall_ms: start_ms + mono_ms, mono_ms }
    }
}
