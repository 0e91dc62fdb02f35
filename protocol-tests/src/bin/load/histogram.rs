//! Latencies in buckets of at most 1.6 % of their value.

use std::time::Duration;

/// Buckets per doubling.
const STEPS: u64 = 64;

/// Counts of durations, in microseconds.
#[derive(Clone, Default)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Histogram {
    pub fn record(&mut self, taken: Duration) {
        let bucket = bucket(taken.as_nanos() as u64 / 100);
        if bucket >= self.counts.len() {
            self.counts.resize(bucket + 1, 0);
        }
        self.counts[bucket] += 1;
        self.total += 1;
    }

    pub fn add(&mut self, other: &Self) {
        if other.counts.len() > self.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.total += other.total;
    }

    pub fn count(&self) -> u64 {
        self.total
    }

    /// The duration in microseconds that `part` of all do not exceed.
    pub fn percentile_us(&self, part: f64) -> f64 {
        let wanted = (part * self.total as f64).ceil() as u64;
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return upper(bucket) as f64 / 10.0;
            }
        }
        0.0
    }
}

fn bucket(value: u64) -> usize {
    if value < STEPS {
        return value as usize;
    }
    let doubling = u64::from(value.ilog2()) - u64::from(STEPS.ilog2());
    (doubling * STEPS + (value >> doubling)) as usize
}

/// The largest value of a bucket.
fn upper(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < 2 * STEPS {
        return bucket;
    }
    let doubling = bucket / STEPS - 1;
    ((bucket - doubling * STEPS + 1) << doubling) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_its_value() {
        for value in (0..100_000).chain([1 << 40, (1 << 40) + 12_345]) {
            let top = upper(bucket(value));
            assert!(top >= value && (top - value) * STEPS <= value + STEPS, "{value} in a bucket up to {top}");
        }
        let mut histogram = Histogram::default();
        (1..=1000).for_each(|us| histogram.record(Duration::from_micros(us)));
        let p99 = histogram.percentile_us(0.99);
        assert!((985.0..=1010.0).contains(&p99), "{p99}");
    }
}
