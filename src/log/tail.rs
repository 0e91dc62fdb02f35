//! The last batches appended, kept as the bytes that they came in, so that who reads at the end needs neither file nor
//! index. One [`TailCache`] per node bounds what all logs keep.
//!
//! Neither side waits for the other: a reader that finds the lock taken reads the file, a writer that finds it taken
//! adds its batches the next time.

use super::read::Piece;
use bytes::{Bytes, BytesMut};
use parking_lot::{Mutex, RwLock};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

/// Batches up to this size are copied: a kept slice would pin the whole block that it came in. Larger ones fill a good
/// part of it.
const COPY_BYTES: usize = 64 << 10;
/// What is counted for a slice on top of its own length: the rest of the buffer that it may pin.
const PINNED_BYTES: usize = 256 << 10;
/// Bytes that a writer keeps aside while it cannot get the lock.
const PENDING_BYTES: usize = 1 << 20;

/// Bounds the tails of all logs of a node.
pub struct TailCache {
    /// Most bytes of all tails.
    capacity_bytes: usize,
    /// Most bytes of one log's tail.
    log_bytes: usize,
    used_bytes: AtomicUsize,
    /// Guards the tails that hold something, in the order in which they began to.
    holders: Mutex<VecDeque<Weak<LogTail>>>,
}

impl TailCache {
    /// A cache of `capacity_bytes` for the node and at most `log_bytes` for one log. 0 keeps nothing.
    pub fn new(capacity_bytes: usize, log_bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            capacity_bytes,
            log_bytes,
            used_bytes: AtomicUsize::new(0),
            holders: Mutex::new(VecDeque::new()),
        })
    }

    /// Bytes held now, pinned ones included.
    pub fn used_bytes(&self) -> usize {
        self.used_bytes.load(Ordering::Relaxed)
    }

    /// Lets go of the tails that nobody has read since the last call. A timer calls it, every ten seconds or so; it
    /// looks at logs that hold something, not at all logs.
    pub fn release_idle(&self) {
        let mut holders = self.holders.lock();
        for _ in 0..holders.len() {
            let Some(holder) = holders.pop_front() else { break };
            let Some(tail) = holder.upgrade() else { continue };
            if tail.read_lately.swap(false, Ordering::Relaxed) || !tail.try_clear() {
                holders.push_back(holder);
            } else {
                tail.wanted.store(false, Ordering::Relaxed);
            }
        }
    }

    /// Makes room by emptying the tails that have held something longest.
    fn reclaim(&self) {
        let Some(mut holders) = self.holders.try_lock() else { return };
        for _ in 0..holders.len() {
            if self.used_bytes() <= self.capacity_bytes {
                return;
            }
            let Some(holder) = holders.pop_front() else { return };
            if holder.upgrade().is_some_and(|tail| !tail.try_clear()) {
                holders.push_back(holder);
            }
        }
    }
}

/// One batch of a tail.
pub(super) struct TailBatch {
    base_offset: i64,
    next_offset: i64,
    /// The fresh 16 bytes; empty where `body` holds the whole batch.
    prefix: Bytes,
    body: Bytes,
}

impl TailBatch {
    /// The batch whose first 16 bytes are `prefix` and whose other bytes are those of `bytes`.
    pub fn new(base_offset: i64, next_offset: i64, prefix: &[u8; 16], bytes: &Bytes) -> Self {
        if bytes.len() > COPY_BYTES {
            let prefix = Bytes::copy_from_slice(prefix);
            return Self { base_offset, next_offset, prefix, body: bytes.slice(16..) };
        }
        let mut whole = BytesMut::with_capacity(bytes.len());
        whole.extend_from_slice(prefix);
        whole.extend_from_slice(&bytes[16..]);
        Self { base_offset, next_offset, prefix: Bytes::new(), body: whole.freeze() }
    }

    fn length_bytes(&self) -> usize {
        self.prefix.len() + self.body.len()
    }

    fn held_bytes(&self) -> usize {
        let pinned = if self.prefix.is_empty() { 0 } else { PINNED_BYTES };
        self.length_bytes() + pinned + size_of::<Self>()
    }
}

#[derive(Default)]
struct Held {
    batches: VecDeque<TailBatch>,
    bytes: usize,
    /// Counted in the cache's list.
    listed: bool,
}

/// The tail of one log: batches without a gap, the newest last.
pub(super) struct LogTail {
    cache: Arc<TailCache>,
    /// Guards the batches; only ever tried, never waited for.
    held: RwLock<Held>,
    /// Somebody reads at the end of this log: it is worth keeping.
    wanted: AtomicBool,
    /// Read since the cache last looked.
    read_lately: AtomicBool,
}

/// What a tail has for a reader.
pub(super) struct TailRead {
    pub pieces: Vec<Piece>,
    pub length_bytes: usize,
    pub next_offset: i64,
}

impl LogTail {
    pub fn new(cache: Arc<TailCache>) -> Arc<Self> {
        Arc::new(Self {
            cache,
            held: RwLock::default(),
            wanted: AtomicBool::new(false),
            read_lately: AtomicBool::new(false),
        })
    }

    /// Whether batches are worth keeping.
    pub fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed)
    }

    /// Says that somebody reads at the end.
    pub fn want(&self) {
        if self.cache.capacity_bytes > 0 && !self.is_wanted() {
            self.wanted.store(true, Ordering::Relaxed);
        }
    }

    /// Takes over what is in `pending`, or leaves it there if a reader is at the batches.
    pub fn push(self: &Arc<Self>, pending: &mut Vec<TailBatch>) {
        let Some(mut held) = self.held.try_write() else {
            if pending.iter().map(TailBatch::held_bytes).sum::<usize>() > PENDING_BYTES {
                pending.clear();
            }
            return;
        };
        for batch in pending.drain(..) {
            if held.batches.back().is_some_and(|last| last.next_offset != batch.base_offset) {
                self.clear(&mut held);
            }
            let bytes = batch.held_bytes();
            held.bytes += bytes;
            self.cache.used_bytes.fetch_add(bytes, Ordering::Relaxed);
            held.batches.push_back(batch);
        }
        while held.bytes > self.cache.log_bytes && self.pop(&mut held) {}
        if self.cache.used_bytes() > self.cache.capacity_bytes {
            self.cache.reclaim();
            while self.cache.used_bytes() > self.cache.capacity_bytes && self.pop(&mut held) {}
        }
        if !held.listed && !held.batches.is_empty() {
            held.listed = true;
            self.cache.holders.lock().push_back(Arc::downgrade(self));
        }
    }

    fn pop(&self, held: &mut Held) -> bool {
        let Some(batch) = held.batches.pop_front() else { return false };
        let bytes = batch.held_bytes();
        held.bytes -= bytes;
        self.cache.used_bytes.fetch_sub(bytes, Ordering::Relaxed);
        true
    }

    fn clear(&self, held: &mut Held) {
        self.cache.used_bytes.fetch_sub(held.bytes, Ordering::Relaxed);
        held.batches = VecDeque::new();
        held.bytes = 0;
    }

    /// Empties the tail and takes it off the cache's list, unless somebody is at it.
    fn try_clear(&self) -> bool {
        let Some(mut held) = self.held.try_write() else { return false };
        self.clear(&mut held);
        held.listed = false;
        true
    }

    /// Empties the tail, waiting for readers: for truncation, after which its batches are not the log's any more.
    pub fn forget(&self) {
        let mut held = self.held.write();
        self.clear(&mut held);
    }

    /// Lets go of the batches below `offset`, waiting for readers: the log does not hold them like this any more.
    pub fn forget_below(&self, offset: i64) {
        let mut held = self.held.write();
        while held.batches.front().is_some_and(|first| first.base_offset < offset) && self.pop(&mut held) {}
    }

    /// Whole batches from the one that holds `offset`, below `up_to`, within `max_bytes` (the first may exceed it if
    /// `min_one_batch`). `None` where the tail does not reach back to `offset`, or has nothing that fits.
    pub fn read(&self, offset: i64, max_bytes: usize, up_to: i64, min_one_batch: bool) -> Option<TailRead> {
        self.read_lately.store(true, Ordering::Relaxed);
        let held = self.held.try_read()?;
        if held.batches.front()?.base_offset > offset {
            return None;
        }
        let first = held.batches.partition_point(|batch| batch.next_offset <= offset);
        let mut read = TailRead { pieces: Vec::new(), length_bytes: 0, next_offset: offset };
        for batch in held.batches.range(first..) {
            let length_bytes = read.length_bytes + batch.length_bytes();
            let fits = length_bytes <= max_bytes || (min_one_batch && read.pieces.is_empty());
            if batch.next_offset > up_to || !fits {
                break;
            }
            if !batch.prefix.is_empty() {
                read.pieces.push(Piece::Bytes(batch.prefix.clone()));
            }
            read.pieces.push(Piece::Bytes(batch.body.clone()));
            read.length_bytes = length_bytes;
            read.next_offset = batch.next_offset;
        }
        (!read.pieces.is_empty()).then_some(read)
    }
}

impl Drop for LogTail {
    fn drop(&mut self) {
        let bytes = self.held.get_mut().bytes;
        self.cache.used_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}
