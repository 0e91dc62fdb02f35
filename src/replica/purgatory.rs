//! Parked fetches: they count bytes as partitions advance and are woken once (F1, F12).

use super::fetch::Isolation;
use super::partition::Partition;
use super::watchers::{ByteWaiter, ByteWatch};
use smallvec::SmallVec;
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::Duration;

/// A partition that a parked fetch waits for.
#[derive(Clone)]
pub struct Watched {
    /// The partition.
    pub partition: Arc<Partition>,
    /// First offset wanted.
    pub from_offset: i64,
    /// How far the reader sees.
    pub isolation: Isolation,
}

/// Why a parked fetch goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// There are bytes enough.
    Enough,
    /// A partition has another leader, failed, rolled or cannot be read at that offset: reading again tells.
    Disturbed,
    /// Time is up.
    Deadline,
}

/// Partitions of one parked fetch whose places need no memory of their own.
const FEW_PARTITIONS: usize = 8;

/// Leaves the lists of all partitions when the fetch goes on, or its connection is gone.
struct Parked {
    places: SmallVec<[(Arc<Partition>, u64); FEW_PARTITIONS]>,
}

impl Drop for Parked {
    fn drop(&mut self) {
        for (partition, id) in &self.places {
            partition.watchers.unwatch_bytes(*id);
        }
    }
}

/// Waits for bytes, one fetch after the other: its memory is used again. One a request, so connections bound them.
#[derive(Default)]
pub struct Waiter {
    waiter: Arc<ByteWaiter>,
}

impl fmt::Debug for Waiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Waiter")
    }
}

impl Waiter {
    /// Waits until the partitions together have `min_bytes` to read from their offsets on, until one of them changes in
    /// another way, or for `max_wait_ms`. What is there already counts.
    pub async fn wait(
        &mut self,
        watched: impl IntoIterator<Item = Watched>,
        min_bytes: usize,
        max_wait_ms: i64,
    ) -> Woken {
        let fresh = ByteWaiter::new(min_bytes as u64);
        match Arc::get_mut(&mut self.waiter) {
            Some(waiter) => *waiter = fresh,
            None => self.waiter = Arc::new(fresh),
        }
        let waiter = &self.waiter;
        let _parked = park(waiter, watched, min_bytes);
        let longest = Duration::from_millis(max_wait_ms.max(0).unsigned_abs());
        let woken = tokio::time::timeout(longest, waiter.woken.notified()).await;
        match woken {
            Ok(()) if waiter.enough.load(Ordering::Acquire) => Woken::Enough,
            Ok(()) => Woken::Disturbed,
            Err(_) => Woken::Deadline,
        }
    }
}

fn park(waiter: &Arc<ByteWaiter>, watched: impl IntoIterator<Item = Watched>, min_bytes: usize) -> Parked {
    let mut parked = Parked { places: SmallVec::new() };
    for Watched { partition, from_offset, isolation } in watched {
        let committed_only = isolation == Isolation::ReadCommitted;
        let mut bound = 0;
        let id = partition.watchers.watch_bytes(|| {
            let segments = partition.reader.segment_count().unwrap_or(0);
            let progress = partition.progress.lock();
            let stable = partition.reader.stable_below(progress.high_watermark);
            bound = if committed_only { stable } else { progress.high_watermark };
            let seen_bytes = progress.bytes_at(bound);
            ByteWatch { waiter: waiter.clone(), seen_bytes, committed_only, segments }
        });
        let there = partition.there(from_offset, bound, min_bytes);
        parked.places.push((partition, id));
        match there {
            Some(bytes) => waiter.count(bytes as u64),
            None => waiter.fire(),
        }
        if waiter.has_fired() {
            break;
        }
    }
    parked
}

impl Partition {
    /// Bytes from `offset` to `bound`, counted up to about `enough`; `None` if a reader would get an error. Where a batch
    /// that would exceed `enough` follows, that much is there (F2): a reader's limit may not let it have the whole of it.
    fn there(&self, offset: i64, bound: i64, enough: usize) -> Option<usize> {
        if self.check_read(-1).is_err() {
            return None;
        }
        let read = self.reader.read(offset, enough, bound, true).ok()?;
        let more_follows = read.next_offset_hint.is_some_and(|next| next < bound);
        Some(if more_follows { read.length_bytes.max(enough) } else { read.length_bytes })
    }
}
