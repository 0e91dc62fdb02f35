//! Appends that came in one go: a client that keeps several requests on their way sends them together, and together they are
//! written.
//!
//! Whoever reads requests says before each whether another one follows at hand. A batch behind which one follows is left in
//! its partition's queue; the last one, or [`Burst::write`], empties the queue with one vectored write. Anybody else who
//! appends to the partition meanwhile does the same: nobody waits for the burst to end. Answers are what they would be, and
//! none leaves before its batch is written.

use super::partition::Partition;
use parking_lot::Mutex;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

/// The appends of one connection. Its reader is the only one to use it.
#[derive(Default)]
pub struct Burst {
    /// Another request follows at hand.
    more: AtomicBool,
    /// Guards the partitions in whose queues batches were left. At most one entry for each.
    left: Mutex<Vec<Arc<Partition>>>,
}

impl Burst {
    /// Says whether another request with batches follows the next one at once.
    pub fn expect_more(&self, more: bool) {
        self.more.store(more, Ordering::Relaxed);
    }

    /// Whether one follows.
    pub fn has_more(&self) -> bool {
        self.more.load(Ordering::Relaxed)
    }

    /// Notes that a batch was left in the partition's queue.
    pub fn left_in(&self, partition: Arc<Partition>) {
        let mut left = self.left.lock();
        if !left.iter().any(|known| Arc::ptr_eq(known, &partition)) {
            left.push(partition);
        }
    }

    /// Writes what was left.
    pub fn write(&self) {
        let left = std::mem::take(&mut *self.left.lock());
        for partition in left {
            partition.write_waiting();
        }
    }
}

impl Drop for Burst {
    /// A connection that breaks leaves nothing unwritten: its batches were taken.
    fn drop(&mut self) {
        self.write();
    }
}

impl fmt::Debug for Burst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Burst")
    }
}
