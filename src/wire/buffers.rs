//! Memory that requests and answers use again instead of asking the allocator each time.

use bytes::Bytes;
use parking_lot::Mutex;
use rustix::mm::{MapFlags, ProtFlags};
use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// Answer buffers kept for the next answer, at most.
const KEPT_ANSWERS: usize = 256;
/// An answer buffer that has grown beyond this many bytes goes back to the allocator.
const KEPT_ANSWER_BYTES: usize = 16 * 1024;
/// A fresh answer buffer's capacity in bytes: most answers fit.
const FRESH_ANSWER_BYTES: usize = 512;
/// Address space that placeholders for record bytes are cut from, per answer: as much as a frame's length can say.
const PLACEHOLDER_BYTES: usize = i32::MAX as usize;

/// A node's buffers. Clones share them.
#[derive(Clone)]
pub struct Buffers {
    shared: Arc<Shared>,
}

struct Shared {
    /// Guards the buffers that wait for the next answer.
    answers: Mutex<Vec<Vec<u8>>>,
    placeholder: Bytes,
}

impl Buffers {
    /// Reserves the address space for placeholders (no memory). An error means that the system refuses a mapping of 2 GiB.
    pub fn new() -> io::Result<Self> {
        let placeholder = Bytes::from_owner(AddressSpace::reserve(PLACEHOLDER_BYTES)?);
        Ok(Self { shared: Arc::new(Shared { answers: Mutex::new(Vec::new()), placeholder }) })
    }

    /// An empty buffer for one answer.
    pub(super) fn answer(&self) -> AnswerBuffer {
        let kept = self.shared.answers.lock().pop();
        AnswerBuffer { bytes: kept.unwrap_or_else(|| Vec::with_capacity(FRESH_ANSWER_BYTES)), home: self.clone() }
    }

    /// Readable zero pages that nobody reads: slices of it stand for record bytes while an answer is encoded.
    pub(super) fn placeholder(&self) -> Bytes {
        self.shared.placeholder.clone()
    }
}

/// Bytes of one answer; goes back to its home when dropped.
pub(super) struct AnswerBuffer {
    bytes: Vec<u8>,
    home: Buffers,
}

impl Deref for AnswerBuffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for AnswerBuffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl Drop for AnswerBuffer {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        if bytes.capacity() > KEPT_ANSWER_BYTES {
            return;
        }
        bytes.clear();
        let mut kept = self.home.shared.answers.lock();
        if kept.len() < KEPT_ANSWERS {
            kept.push(bytes);
        }
    }
}

/// A private anonymous mapping: address space without memory, as long as nobody touches it.
struct AddressSpace {
    start: *mut std::ffi::c_void,
    bytes: usize,
}

// SAFETY: the mapping is read-only for its whole life and owned by this value alone.
unsafe impl Send for AddressSpace {}
// SAFETY: as above; shared reads of zero pages race with nothing.
unsafe impl Sync for AddressSpace {}

impl AddressSpace {
    fn reserve(bytes: usize) -> io::Result<Self> {
        // Read-only and NORESERVE: it counts neither as memory nor against the overcommit limit.
        // SAFETY: a fresh anonymous mapping at an address of the system's choice overlaps nothing.
        let start = unsafe {
            rustix::mm::mmap_anonymous(
                std::ptr::null_mut(),
                bytes,
                ProtFlags::READ,
                MapFlags::PRIVATE | MapFlags::NORESERVE,
            )
        }?;
        Ok(Self { start, bytes })
    }
}

impl AsRef<[u8]> for AddressSpace {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: mapped readable from `start` for `bytes` bytes until drop, and never written to.
        unsafe { std::slice::from_raw_parts(self.start.cast(), self.bytes) }
    }
}

impl Drop for AddressSpace {
    fn drop(&mut self) {
        // SAFETY: this value owns the mapping, and no slice of it outlives it.
        if let Err(error) = unsafe { rustix::mm::munmap(self.start, self.bytes) } {
            tracing::warn!("could not give back {} bytes of address space: {error}", self.bytes);
        }
    }
}
