//! A rate as Kafka measures it: the sum of the last few windows over the time that they span, and the delay that brings
//! it back to a limit.

use std::collections::VecDeque;

/// `quota.window.num` windows of `quota.window.size.seconds`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// How many are kept.
    pub count: u32,
    /// How long each is.
    pub window_seconds: u32,
}

impl Default for Windows {
    /// Kafka's.
    fn default() -> Self {
        Self { count: 11, window_seconds: 1 }
    }
}

impl Windows {
    fn window_ms(self) -> i64 {
        i64::from(self.window_seconds.max(1)) * 1000
    }

    /// How long all of them are, in milliseconds.
    pub fn measure_ms(self) -> u32 {
        u32::try_from(self.window_ms() * i64::from(self.count.max(1))).unwrap_or(u32::MAX)
    }
}

/// What was counted in one window.
#[derive(Clone, Copy, Debug)]
struct Sample {
    start_ms: i64,
    last_ms: i64,
    amount: f64,
}

/// A rate. Samples are at most `count` + 1.
#[derive(Clone, Debug, Default)]
pub struct Rate {
    samples: VecDeque<Sample>,
}

impl Rate {
    /// Counts `amount` at `now_ms`.
    pub fn record(&mut self, amount: f64, windows: Windows, now_ms: i64) {
        self.purge(windows, now_ms);
        match self.samples.back_mut() {
            Some(last) if now_ms - last.start_ms < windows.window_ms() => {
                last.amount += amount;
                last.last_ms = now_ms;
            }
            _ => self.samples.push_back(Sample { start_ms: now_ms, last_ms: now_ms, amount }),
        }
    }

    /// Takes back what was counted last.
    pub fn take_back(&mut self, amount: f64) {
        if let Some(last) = self.samples.back_mut() {
            last.amount -= amount;
        }
    }

    /// How many milliseconds without anything bring the rate down to `limit` a second; 0 if it is not above.
    pub fn throttle_ms(&mut self, limit: f64, windows: Windows, now_ms: i64) -> u32 {
        self.purge(windows, now_ms);
        let total: f64 = self.samples.iter().map(|sample| sample.amount).sum();
        let span_ms = self.span_ms(windows, now_ms);
        let rate = total * 1000.0 / span_ms;
        if rate <= limit {
            return 0;
        }
        ((rate - limit) / limit * span_ms).round() as u32
    }

    /// Whether nothing was counted for a whole measure.
    pub fn is_idle(&self, windows: Windows, now_ms: i64) -> bool {
        let measure_ms = i64::from(windows.measure_ms());
        self.samples.back().is_none_or(|last| now_ms - last.last_ms >= measure_ms)
    }

    /// The time that the samples stand for: never less than all windows but one, or the first second of a client would
    /// look like a flood.
    fn span_ms(&self, windows: Windows, now_ms: i64) -> f64 {
        let window_ms = windows.window_ms();
        let elapsed_ms = self.samples.front().map_or(0, |oldest| now_ms - oldest.start_ms);
        let missing = i64::from(windows.count.saturating_sub(1)) - elapsed_ms / window_ms;
        let span_ms = elapsed_ms + missing.max(0) * window_ms;
        span_ms.max(window_ms) as f64
    }

    fn purge(&mut self, windows: Windows, now_ms: i64) {
        let measure_ms = i64::from(windows.measure_ms());
        while self.samples.front().is_some_and(|oldest| now_ms - oldest.last_ms >= measure_ms) {
            self.samples.pop_front();
        }
    }
}
