//! Counts what a thread asks the allocator for.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    /// Bytes and calls of this thread so far; memory given back is not taken off.
    static ASKED: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(bytes: usize) {
    // A thread that is ending has no counter any more.
    let _ = ASKED.try_with(|asked| {
        let (before, calls) = asked.get();
        asked.set((before.wrapping_add(bytes), calls + 1));
    });
}

// SAFETY: everything is left to the system's allocator; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// What `work` asked for on this thread: bytes and calls.
pub(crate) fn asked_by<T>(work: impl FnOnce() -> T) -> (T, usize, usize) {
    let before = ASKED.with(Cell::get);
    let result = work();
    let after = ASKED.with(Cell::get);
    (result, after.0.wrapping_sub(before.0), after.1 - before.1)
}

/// Calls of this thread so far.
pub(crate) fn calls() -> usize {
    ASKED.with(Cell::get).1
}
