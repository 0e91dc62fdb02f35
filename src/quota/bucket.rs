//! A bucket of tokens (KIP-599): it fills at the quota's rate up to what the windows could hold, and may be overdrawn by
//! one payment, so that a large request gets through.

use super::rate::Windows;

/// A bucket of tokens.
#[derive(Clone, Debug)]
pub struct TokenBucket {
    tokens: f64,
    rate: f64,
    burst: f64,
    filled_ms: i64,
}

impl TokenBucket {
    /// A full one for `rate` tokens a second.
    pub fn full(rate: f64, windows: Windows, now_ms: i64) -> Self {
        let burst = rate * f64::from(windows.measure_ms()) / 1000.0;
        Self { tokens: burst, rate, burst, filled_ms: now_ms }
    }

    /// Adds what has come since the last time; the rate may be another by now.
    pub fn refill(&mut self, rate: f64, windows: Windows, now_ms: i64) {
        self.rate = rate;
        self.burst = rate * f64::from(windows.measure_ms()) / 1000.0;
        let elapsed_ms = (now_ms - self.filled_ms).max(0) as f64;
        self.filled_ms = now_ms;
        self.tokens = (self.tokens + rate * elapsed_ms / 1000.0).min(self.burst);
    }

    /// Takes tokens, or gives them back.
    pub fn take(&mut self, tokens: f64) {
        self.tokens = (self.tokens - tokens).min(self.burst);
    }

    /// For how many milliseconds it is overdrawn; 0 if it is not.
    pub fn overdrawn_ms(&self) -> u32 {
        if self.tokens >= 0.0 {
            return 0;
        }
        (-self.tokens / self.rate * 1000.0).round() as u32
    }

    /// Whether nothing is missing.
    pub fn is_full(&self) -> bool {
        self.tokens >= self.burst
    }
}
