//! Any bytes as a request: header, shape, codec. Ends the run on a panic, and when decoding one frame asks the
//! allocator for more than 16 times its length and 64 KiB.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

// The files themselves, so that fuzzing builds neither RocksDB nor a broker.
#[path = "../../../src/wire"]
mod wire {
    #[path = "frame.rs"]
    pub mod frame;
    #[path = "shape/mod.rs"]
    pub mod shape;
    #[path = "versions.rs"]
    pub mod versions;
}

use wire::shape::{probe, MEMORY_BASE_BYTES, MEMORY_FACTOR};

/// Refuses what goes beyond the budget of the frame being decoded.
struct Budget;

#[global_allocator]
static ALLOCATOR: Budget = Budget;

/// What may still be asked for.
static LEFT: AtomicUsize = AtomicUsize::new(usize::MAX);

fn charge(bytes: usize) {
    let charged = LEFT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| match left {
        usize::MAX => Some(left),
        left => left.checked_sub(bytes),
    });
    if charged.is_err() {
        // No panic: unwinding would ask for memory itself.
        std::process::abort();
    }
}

// SAFETY: everything is left to the system's allocator.
unsafe impl GlobalAlloc for Budget {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        charge(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        charge(size);
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { System.dealloc(memory, layout) }
    }
}

fuzz_target!(|input: &[u8]| {
    let frame = bytes::Bytes::copy_from_slice(input);
    LEFT.store(input.len() * MEMORY_FACTOR + MEMORY_BASE_BYTES, Ordering::Relaxed);
    probe::frame(frame);
    LEFT.store(usize::MAX, Ordering::Relaxed);
});
