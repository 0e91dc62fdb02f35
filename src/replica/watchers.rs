//! Who waits for news of one partition. An append to a partition that nobody watches pays one atomic load.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::Arc;
use tokio::sync::{oneshot, Notify};

/// A parked fetch: counts bytes over all its partitions and is woken once.
#[derive(Default)]
pub(super) struct ByteWaiter {
    min_bytes: u64,
    counted_bytes: AtomicU64,
    fired: AtomicBool,
    pub enough: AtomicBool,
    pub woken: Notify,
}

impl ByteWaiter {
    pub fn new(min_bytes: u64) -> Self {
        Self { min_bytes, ..Self::default() }
    }

    /// Counts bytes that have become readable; wakes at `min_bytes`.
    pub fn count(&self, bytes: u64) {
        let before = self.counted_bytes.fetch_add(bytes, Ordering::AcqRel);
        if before.saturating_add(bytes) >= self.min_bytes {
            self.enough.store(true, Ordering::Release);
            self.fire();
        }
    }

    /// Wakes the waiter, whatever it has counted; at most one wake-up comes of all calls.
    pub fn fire(&self) {
        if !self.fired.swap(true, Ordering::AcqRel) {
            self.woken.notify_one();
        }
    }

    pub fn has_fired(&self) -> bool {
        self.fired.load(Ordering::Acquire)
    }
}

/// One partition of a parked fetch.
pub(super) struct ByteWatch {
    pub waiter: Arc<ByteWaiter>,
    /// Bytes readable when last looked at, as `Progress::bytes_at` counts.
    pub seen_bytes: u64,
    /// Reads only up to the last stable offset.
    pub committed_only: bool,
    /// Segments when the watch began: a roll wakes (F12).
    pub segments: usize,
}

/// What an append, a flush or a fetch of a follower has changed.
pub(super) struct News {
    pub high_watermark: i64,
    /// As `Progress::bytes_at` counts, at the high watermark.
    pub bytes: u64,
    /// The same at the last stable offset.
    pub stable_bytes: u64,
}

#[derive(Default)]
struct Lists {
    next_id: u64,
    bytes: BTreeMap<u64, ByteWatch>,
    /// By the offset that the high watermark must reach.
    offsets: BTreeMap<(i64, u64), oneshot::Sender<()>>,
}

/// The watchers of one partition.
#[derive(Default)]
pub(super) struct Watchers {
    /// Entries of both lists. Raised before a waiter looks at the partition, read after a change was published there
    /// under the progress lock: so one of the two sees the other.
    armed: AtomicUsize,
    /// Guards the lists. The progress lock may be taken under it, never the other way round.
    lists: Mutex<Lists>,
}

/// A place in a list; dropping it leaves the list.
pub(super) struct Registered<'a> {
    watchers: &'a Watchers,
    id: u64,
    offset: Option<i64>,
}

impl Watchers {
    /// Whether anybody watches.
    pub fn any(&self) -> bool {
        self.armed.load(Ordering::SeqCst) > 0
    }

    /// Adds the watch that `make` makes; it may take the partition's progress lock.
    pub fn watch_bytes(&self, make: impl FnOnce() -> ByteWatch) -> u64 {
        self.armed.fetch_add(1, Ordering::SeqCst);
        let mut lists = self.lists.lock();
        // Under the lock: news of what `make` did not see finds the watch.
        let watch = make();
        lists.next_id += 1;
        let id = lists.next_id;
        lists.bytes.insert(id, watch);
        id
    }

    /// Removes a watch for bytes.
    pub fn unwatch_bytes(&self, id: u64) {
        if self.lists.lock().bytes.remove(&id).is_some() {
            self.armed.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Adds a watch for the high watermark; the sender is dropped, unsent, when leadership or storage changes.
    pub fn watch_offset(&self, offset: i64) -> (Registered<'_>, oneshot::Receiver<()>) {
        let (sender, receiver) = oneshot::channel();
        self.armed.fetch_add(1, Ordering::SeqCst);
        let mut lists = self.lists.lock();
        lists.next_id += 1;
        let id = lists.next_id;
        lists.offsets.insert((offset, id), sender);
        (Registered { watchers: self, id, offset: Some(offset) }, receiver)
    }

    /// Tells what has changed. `segments` is asked for only if somebody waits for bytes.
    pub fn advanced(&self, news: &News, segments: impl FnOnce() -> usize) {
        if !self.any() {
            return;
        }
        let mut lists = self.lists.lock();
        let beyond = news.high_watermark.saturating_add(1);
        let later = lists.offsets.split_off(&(beyond, 0));
        let reached = std::mem::replace(&mut lists.offsets, later);
        self.armed.fetch_sub(reached.len(), Ordering::SeqCst);
        for sender in reached.into_values() {
            // A receiver that is gone has stopped waiting.
            let _ = sender.send(());
        }
        if lists.bytes.is_empty() {
            return;
        }
        let segments = segments();
        for watch in lists.bytes.values_mut() {
            let bytes = if watch.committed_only { news.stable_bytes } else { news.bytes };
            if bytes > watch.seen_bytes {
                watch.waiter.count(bytes - watch.seen_bytes);
                watch.seen_bytes = bytes;
            }
            if segments != watch.segments {
                watch.waiter.fire();
            }
        }
    }

    /// Wakes everybody: leadership has changed, or the log has failed or gone.
    pub fn disturbed(&self) {
        if !self.any() {
            return;
        }
        let mut lists = self.lists.lock();
        let dropped = std::mem::take(&mut lists.offsets);
        self.armed.fetch_sub(dropped.len(), Ordering::SeqCst);
        for watch in lists.bytes.values() {
            watch.waiter.fire();
        }
    }
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        if let Some(offset) = self.offset {
            if self.watchers.lists.lock().offsets.remove(&(offset, self.id)).is_some() {
                self.watchers.armed.fetch_sub(1, Ordering::SeqCst);
            }
        }
    }
}
