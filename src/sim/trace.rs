//! What happened, as lines and as one number.

use std::cell::RefCell;
use std::collections::VecDeque;

/// Lines that are kept for the report of a failure.
const KEPT_LINES: usize = 60;
/// FNV-1a, 64 bits.
const FNV_START: u64 = 0xCBF2_9CE4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01B3;

/// The events of one run, folded into a hash. Two runs of one seed have the same.
pub struct Trace {
    seed: u64,
    /// Prints every line.
    loud: bool,
    lines: RefCell<Lines>,
}

struct Lines {
    hash: u64,
    events: u64,
    last: VecDeque<String>,
}

impl Trace {
    /// Of a run from `seed`; prints each event if `loud`.
    pub fn new(seed: u64, loud: bool) -> Self {
        Self { seed, loud, lines: RefCell::new(Lines { hash: FNV_START, events: 0, last: VecDeque::new() }) }
    }

    /// Notes an event at `mono_ms`.
    pub fn note(&self, mono_ms: i64, who: &str, what: &str) {
        let line = format!("{mono_ms:>7} {who:<10} {what}");
        if self.loud {
            println!("{line}");
        }
        let mut lines = self.lines.borrow_mut();
        lines.events += 1;
        lines.hash = line.bytes().fold(lines.hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME));
        if lines.last.len() == KEPT_LINES {
            lines.last.pop_front();
        }
        lines.last.push_back(line);
    }

    /// The hash of everything noted so far.
    pub fn hash(&self) -> u64 {
        self.lines.borrow().hash
    }

    /// How many events were noted.
    pub fn events(&self) -> u64 {
        self.lines.borrow().events
    }

    /// Reports a rule that was broken, with what happened last and how to see it again.
    ///
    /// # Panics
    /// Always: that is the report.
    pub fn broken(&self, what: &str) -> ! {
        for line in &self.lines.borrow().last {
            eprintln!("{line}");
        }
        panic!("seed {}: {what}\nrun it again: make sim SEED={}", self.seed, self.seed);
    }
}
