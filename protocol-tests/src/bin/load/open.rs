//! Requests at a fixed rate, whatever becomes of them: how long answers take.

use crate::histogram::Histogram;
use crate::work::{Budget, Sender};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Requests on their way per connection, at most: more means that the broker cannot keep the rate by far.
const ON_THEIR_WAY: usize = 100_000;

/// Sends one request every `interval`, the first after `delay`. Latency counts from when a request was due.
pub fn run(mut sender: Sender, interval: Duration, delay: Duration, budget: &Budget) -> Histogram {
    let mut answers = sender.answers();
    let (due_times, expected) = mpsc::sync_channel::<Instant>(ON_THEIR_WAY);
    let reader = std::thread::spawn(move || {
        let mut histogram = Histogram::default();
        let mut unclaimed = 0;
        while let Ok(due) = expected.recv() {
            if unclaimed == 0 {
                unclaimed = answers.read();
            }
            unclaimed -= 1;
            histogram.record(due.elapsed());
        }
        histogram
    });
    let mut due = Instant::now() + delay;
    while budget.take() {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        due_times.send(due).expect("the reader lives");
        sender.send().expect("the broker takes a request");
        due += interval;
    }
    drop(due_times);
    reader.join().expect("the reader ends well")
}
