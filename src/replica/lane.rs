//! What the partitions of one log directory share: the thread that writes when the disk is slow, orders for the flusher,
//! and the marks by which the watchdog sees a write that takes long.

use super::cleaner::CleanerDesk;
use super::partition::Partition;
use super::queue::{Place, Writing};
use crate::clock::Now;
use crate::ids::{TopicPartition, Uuid};
use crate::log::{DirState, LogDir};
use parking_lot::{Condvar, Mutex};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::Notify;

/// Writes of one directory that the watchdog can see at once; more than there are threads that write.
const MARKS: usize = 64;
/// Bytes that wait to be written in one directory, at most; beyond, appends are refused.
pub(super) const MAX_WAITING_BYTES: usize = 256 << 20;
/// Unflushed bytes at which the flusher is woken before its time.
const FLUSH_BYTES: u64 = 256 << 20;

/// Work for the I/O thread: a partition whose log was handed over.
struct Task {
    partition: Arc<Partition>,
    writing: Box<Writing>,
}

#[derive(Default)]
struct IoQueue {
    tasks: VecDeque<Task>,
    stopping: bool,
}

/// What the flusher is to do.
#[derive(Default)]
pub(super) struct FlushOrders {
    /// Partitions to sync now. At most one entry each.
    pub partitions: Vec<Arc<Partition>>,
    /// Partitions to sync at a time in `mono_ms`. At most one entry each.
    pub timers: BTreeMap<(i64, u64), Arc<Partition>>,
    next_timer: u64,
    /// Too many bytes of the directory are unflushed.
    pub whole_dir: bool,
    pub stopping: bool,
}

/// One log directory, as its partitions see it.
pub(super) struct Lane {
    pub dir: Arc<LogDir>,
    pub id: Uuid,
    /// The node's log cleaner.
    pub cleaner: Arc<CleanerDesk>,
    /// Whether there are threads; without, the caller of an order carries it out, or `ReplicaManager::work`.
    threaded: bool,
    /// Appends go to the I/O thread.
    slow: AtomicBool,
    /// Numbers of the writes that are running; 0 is none.
    running: [AtomicU64; MARKS],
    writes: AtomicU64,
    waiting_bytes: AtomicUsize,
    unflushed_bytes: AtomicU64,
    /// Guards the partitions that lie here, for walks and counts.
    hosted: Mutex<BTreeMap<TopicPartition, Weak<Partition>>>,
    /// Guards the I/O thread's tasks. At most one a partition.
    io: Mutex<IoQueue>,
    io_ready: Condvar,
    /// Guards the flusher's orders.
    orders: Mutex<FlushOrders>,
    orders_ready: Condvar,
    /// The watchdog sleeps and wants to hear of the next write.
    pub watchdog_asleep: AtomicBool,
    pub watchdog: Mutex<Option<std::thread::Thread>>,
    /// Woken when a directory of the node has gone offline.
    failed: Arc<Notify>,
}

/// Marks a write as running until it is dropped.
pub(super) struct RunningWrite<'a> {
    mark: Option<&'a AtomicU64>,
}

impl Drop for RunningWrite<'_> {
    fn drop(&mut self) {
        if let Some(mark) = self.mark {
            mark.store(0, Ordering::Release);
        }
    }
}

impl Lane {
    pub fn new(
        dir: Arc<LogDir>,
        id: Uuid,
        cleaner: Arc<CleanerDesk>,
        threaded: bool,
        failed: Arc<Notify>,
    ) -> Arc<Self> {
        Arc::new(Self {
            dir,
            id,
            cleaner,
            threaded,
            slow: AtomicBool::new(false),
            running: [const { AtomicU64::new(0) }; MARKS],
            writes: AtomicU64::new(0),
            waiting_bytes: AtomicUsize::new(0),
            unflushed_bytes: AtomicU64::new(0),
            hosted: Mutex::default(),
            io: Mutex::default(),
            io_ready: Condvar::new(),
            orders: Mutex::default(),
            orders_ready: Condvar::new(),
            watchdog_asleep: AtomicBool::new(false),
            watchdog: Mutex::default(),
            failed,
        })
    }

    pub fn is_online(&self) -> bool {
        self.dir.state() != DirState::Offline
    }

    /// Tells the node if the directory has gone offline.
    pub fn note_failure(&self) {
        if !self.is_online() {
            self.failed.notify_waiters();
            self.failed.notify_one();
        }
    }

    /// Whether appends go to the I/O thread.
    pub fn is_slow(&self) -> bool {
        self.slow.load(Ordering::Relaxed)
    }

    pub fn set_slow(&self, slow: bool) {
        let path = self.dir.path().display();
        match (self.slow.swap(slow, Ordering::AcqRel), slow) {
            (false, true) => tracing::warn!(%path, "writes are slow: appends go to the directory's I/O thread"),
            (true, false) => tracing::info!(%path, "writes are fast again"),
            _ => {}
        }
    }

    /// Marks a write for the watchdog.
    pub fn begin_write(&self) -> RunningWrite<'_> {
        let number = self.writes.fetch_add(1, Ordering::Relaxed) + 1;
        let first = number as usize % MARKS;
        let free = |mark: &&AtomicU64| mark.compare_exchange(0, number, Ordering::SeqCst, Ordering::Relaxed).is_ok();
        let mark = self.running[first..].iter().chain(&self.running[..first]).find(free);
        if self.watchdog_asleep.load(Ordering::SeqCst) && self.watchdog_asleep.swap(false, Ordering::SeqCst) {
            if let Some(watchdog) = &*self.watchdog.lock() {
                watchdog.unpark();
            }
        }
        RunningWrite { mark }
    }

    /// Copies the numbers of the running writes. Whether one of them was running in `before` already.
    pub fn sample(&self, before: &mut [u64]) -> bool {
        let mut stuck = false;
        for (mark, before) in self.running.iter().zip(before) {
            let number = mark.load(Ordering::SeqCst);
            stuck |= number != 0 && number == *before;
            *before = number;
        }
        stuck
    }

    /// How many samples [`Self::sample`] takes.
    pub const fn marks() -> usize {
        MARKS
    }

    /// Writes begun so far.
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    /// Counts bytes that begin to wait; false, and nothing counted, if they are too many.
    pub fn admit(&self, bytes: usize) -> bool {
        let before = self.waiting_bytes.fetch_add(bytes, Ordering::AcqRel);
        let fits = before == 0 || before.saturating_add(bytes) <= MAX_WAITING_BYTES;
        if !fits {
            self.waiting_bytes.fetch_sub(bytes, Ordering::AcqRel);
        }
        fits
    }

    /// Bytes have stopped waiting.
    pub fn release(&self, bytes: usize) {
        self.waiting_bytes.fetch_sub(bytes, Ordering::AcqRel);
    }

    /// Hands a partition's log to the I/O thread, which empties the queue, behind the partitions that wait there already.
    pub fn hand_over(&self, partition: Arc<Partition>, writing: Box<Writing>) {
        if self.threaded {
            let mut io = self.io.lock();
            if !io.stopping {
                io.tasks.push_back(Task { partition, writing });
                drop(io);
                self.io_ready.notify_one();
                return;
            }
        }
        partition.drain(writing, Place::Last);
    }

    /// The I/O thread: empties queues until it is stopped and nothing is left.
    pub fn run_io(&self) {
        loop {
            let mut io = self.io.lock();
            let task = loop {
                match io.tasks.pop_front() {
                    Some(task) => break task,
                    None if io.stopping => return,
                    None => self.io_ready.wait(&mut io),
                }
            };
            drop(io);
            task.partition.drain(task.writing, Place::Background);
        }
    }

    /// Counts appended bytes; wakes the flusher when there are many.
    pub fn appended(&self, bytes: u64) {
        let before = self.unflushed_bytes.fetch_add(bytes, Ordering::Relaxed);
        if before < FLUSH_BYTES && before + bytes >= FLUSH_BYTES {
            self.orders.lock().whole_dir = true;
            self.orders_ready.notify_one();
        }
    }

    /// A flush of the whole directory begins.
    pub fn begin_flush(&self) {
        self.unflushed_bytes.store(0, Ordering::Relaxed);
    }

    /// Orders a sync of one log, now.
    pub fn flush_soon(&self, partition: Arc<Partition>) {
        self.orders.lock().partitions.push(partition);
        self.orders_ready.notify_one();
    }

    /// Orders a sync of one log at `due_ms` of the monotonic clock.
    pub fn flush_at(&self, due_ms: i64, partition: Arc<Partition>) {
        let mut orders = self.orders.lock();
        let is_first = orders.timers.first_key_value().is_none_or(|((first, _), _)| due_ms < *first);
        orders.next_timer += 1;
        let number = orders.next_timer;
        orders.timers.insert((due_ms, number), partition);
        drop(orders);
        if is_first {
            self.orders_ready.notify_one();
        }
    }

    /// Takes what is to be flushed by `now`, without waiting.
    pub fn take_orders(&self, now: Now) -> FlushOrders {
        let mut orders = self.orders.lock();
        let mut taken = FlushOrders {
            partitions: std::mem::take(&mut orders.partitions),
            whole_dir: std::mem::take(&mut orders.whole_dir),
            stopping: orders.stopping,
            ..FlushOrders::default()
        };
        let later = orders.timers.split_off(&(now.mono_ms.saturating_add(1), 0));
        taken.partitions.extend(std::mem::replace(&mut orders.timers, later).into_values());
        taken
    }

    /// Waits for an order, or until `longest` or the next timer is over.
    pub fn wait_for_orders(&self, longest: Duration, now: Now) {
        let mut orders = self.orders.lock();
        if !orders.partitions.is_empty() || orders.whole_dir || orders.stopping {
            return;
        }
        let until_timer = orders.timers.first_key_value().map_or(longest, |((due_ms, _), _)| {
            Duration::from_millis(due_ms.saturating_sub(now.mono_ms).max(0).unsigned_abs())
        });
        self.orders_ready.wait_for(&mut orders, longest.min(until_timer));
    }

    /// Tells the flusher to end.
    pub fn stop_flusher(&self) {
        self.orders.lock().stopping = true;
        self.orders_ready.notify_one();
    }

    /// Tells the I/O thread to end once it has nothing left to do.
    pub fn stop_io(&self) {
        self.io.lock().stopping = true;
        self.io_ready.notify_one();
    }

    /// Notes a partition that lies here.
    pub fn host(&self, partition: &Arc<Partition>) {
        self.hosted.lock().insert(partition.name().clone(), Arc::downgrade(partition));
    }

    /// Forgets a partition.
    pub fn unhost(&self, name: &TopicPartition) {
        self.hosted.lock().remove(name);
    }

    /// Partitions that lie here.
    pub fn hosted_count(&self) -> usize {
        self.hosted.lock().len()
    }

    /// The partitions that lie here, by name.
    pub fn hosted(&self) -> Vec<Arc<Partition>> {
        self.hosted.lock().values().filter_map(Weak::upgrade).collect()
    }
}
