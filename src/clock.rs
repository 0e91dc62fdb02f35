//! The only source of now. Rooms below the edges take a [`Now`]; nobody else reads a clock.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// One instant, as both clocks show it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds since the Unix epoch. May jump either way: for record timestamps and retention, never for timeouts.
    pub wall_ms: i64,
    /// Milliseconds since the process started. Never goes back: for timeouts and intervals.
    pub mono_ms: i64,
}

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Now;

    /// Time since the process started, as finely as the clock has it: for measurements, never for decisions.
    fn elapsed(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.now().mono_ms).unwrap_or(0))
    }
}

/// The machine's clocks.
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose `mono_ms` starts at 0.
    pub fn new() -> Arc<Self> {
        Arc::new(Self { start: Instant::now() })
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Now { wall_ms: wall.as_millis() as i64, mono_ms: self.start.elapsed().as_millis() as i64 }
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

/// A clock that moves only when told to: for tests and the simulator.
#[derive(Default)]
pub struct ManualClock {
    wall_ms: AtomicI64,
    mono_ms: AtomicI64,
}

impl ManualClock {
    /// Starts at `wall_ms`, with `mono_ms` 0.
    pub fn at(wall_ms: i64) -> Arc<Self> {
        Arc::new(Self { wall_ms: AtomicI64::new(wall_ms), mono_ms: AtomicI64::new(0) })
    }

    /// Moves both clocks on by `ms`, which is at least 0.
    pub fn advance(&self, ms: i64) {
        assert!(ms >= 0, "time does not run backwards; jump_wall moves the wall clock");
        self.wall_ms.fetch_add(ms, Ordering::SeqCst);
        self.mono_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// Moves the wall clock alone, either way, as an operator or NTP would.
    pub fn jump_wall(&self, ms: i64) {
        self.wall_ms.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Now {
        Now { wall_ms: self.wall_ms.load(Ordering::SeqCst), mono_ms: self.mono_ms.load(Ordering::SeqCst) }
    }
}
