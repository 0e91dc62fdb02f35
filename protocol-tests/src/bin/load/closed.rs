//! As many requests on their way as are allowed, on each connection: how much goes through.

use crate::histogram::Histogram;
use crate::work::{Budget, Sender};
use std::collections::VecDeque;
use std::time::Instant;

/// Sends until the budget is spent. Latency counts from the sending, which a slow broker delays: see `open`.
pub fn run(mut sender: Sender, in_flight: usize, budget: &Budget) -> Histogram {
    let mut answers = sender.answers();
    let mut sent: VecDeque<Instant> = VecDeque::new();
    let mut histogram = Histogram::default();
    let mut more = true;
    loop {
        while more && sent.len() < in_flight {
            more = budget.take();
            if more {
                sent.push_back(Instant::now());
                sender.send().expect("the broker takes a request");
            }
        }
        if sent.is_empty() {
            return histogram;
        }
        let count = answers.read();
        let now = Instant::now();
        for began in sent.drain(..count) {
            histogram.record(now - began);
        }
    }
}
