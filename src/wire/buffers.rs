//! Memory that requests and answers use again instead of asking the allocator each time.

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use rustix::mm::{MapFlags, ProtFlags};
use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

/// Answer buffers kept for the next answer, at most.
const KEPT_ANSWERS: usize = 256;
/// An answer buffer that has grown beyond this many bytes goes back to the allocator.
const KEPT_ANSWER_BYTES: usize = 16 * 1024;
/// A fresh answer buffer's capacity in bytes: most answers fit.
const FRESH_ANSWER_BYTES: usize = 512;
/// A read block's size in bytes: what one read takes in, and the largest frame that needs no buffer of its own.
pub const BLOCK_BYTES: usize = 64 * 1024;
/// Read blocks kept for the next readable connection, at most.
const KEPT_BLOCKS: usize = 64;
/// A block whose front is still in use elsewhere is kept while this many bytes of it are free.
const KEPT_BLOCK_ROOM_BYTES: usize = 16 * 1024;
/// A large read block's size in bytes, for connections that fill the others.
pub const LARGE_BLOCK_BYTES: usize = 256 * 1024;
/// Large read blocks kept for the next readable connection, at most.
const KEPT_LARGE_BLOCKS: usize = 8;
/// Bytes of a file that are in memory at once while they are sent, per connection.
pub const CHUNK_BYTES: usize = 256 * 1024;
/// Chunks kept for the next read of a file, at most.
const KEPT_CHUNKS: usize = 16;
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
    /// Guards the empty read blocks that no connection holds.
    blocks: Mutex<Vec<BytesMut>>,
    /// Guards the empty large read blocks that no connection holds.
    large_blocks: Mutex<Vec<BytesMut>>,
    /// Guards the chunks that no connection holds, each of [`CHUNK_BYTES`].
    chunks: Mutex<Vec<Box<[u8]>>>,
    placeholder: Bytes,
    /// Blocks and chunks taken from the allocator so far.
    blocks_made: AtomicUsize,
    chunks_made: AtomicUsize,
}

impl Buffers {
    /// Reserves the address space for placeholders (no memory). An error means that the system refuses a mapping of 2 GiB.
    pub fn new() -> io::Result<Self> {
        let placeholder = Bytes::from_owner(AddressSpace::reserve(PLACEHOLDER_BYTES)?);
        let shared = Shared {
            answers: Mutex::default(),
            blocks: Mutex::default(),
            large_blocks: Mutex::default(),
            chunks: Mutex::default(),
            placeholder,
            blocks_made: AtomicUsize::new(0),
            chunks_made: AtomicUsize::new(0),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// An empty block with room for at least `room_bytes`, which is at most [`BLOCK_BYTES`].
    pub fn block(&self, room_bytes: usize) -> BytesMut {
        debug_assert!(room_bytes <= BLOCK_BYTES);
        if let Some(mut block) = self.shared.blocks.lock().pop() {
            // What was in use when the block came back may be free by now.
            if block.try_reclaim(BLOCK_BYTES) || block.capacity() >= room_bytes {
                return block;
            }
        }
        self.shared.blocks_made.fetch_add(1, Ordering::Relaxed);
        BytesMut::with_capacity(BLOCK_BYTES)
    }

    /// Read blocks taken from the allocator so far: stays low while connections share them.
    pub fn blocks_made(&self) -> usize {
        self.shared.blocks_made.load(Ordering::Relaxed)
    }

    /// Chunks taken from the allocator so far.
    pub fn chunks_made(&self) -> usize {
        self.shared.chunks_made.load(Ordering::Relaxed)
    }

    /// Takes a block back. Frames cut from it may still be in use: their bytes are left alone.
    pub fn give_back_block(&self, mut block: BytesMut) {
        block.clear();
        if !block.try_reclaim(BLOCK_BYTES) && block.capacity() < KEPT_BLOCK_ROOM_BYTES {
            return;
        }
        let mut kept = self.shared.blocks.lock();
        if kept.len() < KEPT_BLOCKS {
            kept.push(block);
        }
    }

    /// An empty large block, all of it free. Who takes it has memory of the node's to spare.
    pub fn large_block(&self) -> BytesMut {
        if let Some(mut block) = self.shared.large_blocks.lock().pop() {
            if block.try_reclaim(LARGE_BLOCK_BYTES) {
                return block;
            }
        }
        BytesMut::with_capacity(LARGE_BLOCK_BYTES)
    }

    /// Takes a large block back. One of which frames are still in use goes when they do.
    pub fn give_back_large_block(&self, mut block: BytesMut) {
        block.clear();
        if block.try_reclaim(LARGE_BLOCK_BYTES) {
            let mut kept = self.shared.large_blocks.lock();
            if kept.len() < KEPT_LARGE_BLOCKS {
                kept.push(block);
            }
        }
    }

    /// A chunk of [`CHUNK_BYTES`], of any content.
    pub fn chunk(&self) -> Box<[u8]> {
        let kept = self.shared.chunks.lock().pop();
        kept.unwrap_or_else(|| {
            self.shared.chunks_made.fetch_add(1, Ordering::Relaxed);
            vec![0; CHUNK_BYTES].into_boxed_slice()
        })
    }

    /// Takes a chunk back.
    pub fn give_back_chunk(&self, chunk: Box<[u8]>) {
        let mut kept = self.shared.chunks.lock();
        if kept.len() < KEPT_CHUNKS {
            kept.push(chunk);
        }
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
