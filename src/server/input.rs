//! What a connection has received: frames cut from pooled read blocks, and large frames in buffers of their own.
//!
//! A connection with nothing unread holds no memory here. A frame that fits a block is a slice of it; a larger one first
//! waits for its length in the node's byte permits, and then takes memory only as its bytes arrive.

use super::net::{poll_read_into, ByteStream};
use crate::wire::buffers::BLOCK_BYTES;
use crate::wire::frame::{self, FrameError, PREFIX_BYTES};
use crate::wire::Buffers;
use bytes::{Buf, Bytes, BytesMut};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{ready, Context, Poll};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// Room below which a read block is exchanged before it is read into, in bytes: many tiny reads cost more than a copy.
const ROOM_BYTES: usize = 4 * 1024;
/// A large frame's buffer is at most this many times what has arrived of it.
const GROWTH: usize = 16;

/// The bytes that all large frames of a node may take.
#[derive(Clone)]
pub(super) struct FrameMemory {
    permits: Arc<Semaphore>,
    /// The most that one frame can ask for.
    total_bytes: u32,
}

impl FrameMemory {
    pub(super) fn new(total_bytes: usize) -> Self {
        let total_bytes = u32::try_from(total_bytes).unwrap_or(u32::MAX);
        Self { permits: Arc::new(Semaphore::new(total_bytes as usize)), total_bytes }
    }

    fn ask(&self, length: usize) -> Permit {
        let count = u32::try_from(length).unwrap_or(u32::MAX).min(self.total_bytes);
        match Arc::clone(&self.permits).try_acquire_many_owned(count) {
            Ok(permit) => Permit::Held(permit),
            Err(_) => Permit::Awaited(Box::pin(Arc::clone(&self.permits).acquire_many_owned(count))),
        }
    }
}

enum Permit {
    Awaited(Pin<Box<dyn Future<Output = Result<OwnedSemaphorePermit, AcquireError>> + Send>>),
    Held(OwnedSemaphorePermit),
}

/// A whole frame without its length prefix, and what it holds of the node's frame memory while it is handled.
pub(super) struct Frame {
    pub(super) bytes: Bytes,
    pub(super) permit: Option<OwnedSemaphorePermit>,
}

/// A frame larger than a read block.
struct Large {
    length: usize,
    /// Empty until the permit is held.
    bytes: Vec<u8>,
    permit: Permit,
}

/// The receiving half of a connection.
pub(super) struct Input {
    buffers: Buffers,
    memory: FrameMemory,
    request_max_bytes: usize,
    /// Unread bytes; none while the connection is idle.
    block: Option<BytesMut>,
    /// The frame that the unread bytes begin, if it is larger than a block.
    large: Option<Large>,
}

impl Input {
    pub(super) fn new(buffers: Buffers, memory: FrameMemory, request_max_bytes: usize) -> Self {
        Self { buffers, memory, request_max_bytes, block: None, large: None }
    }

    /// The API key of the whole frame at hand, if there is one.
    pub(super) fn next_api_key(&self) -> Result<Option<i16>, FrameError> {
        if let Some(large) = &self.large {
            return Ok(if large.bytes.len() == large.length { frame::api_key(&large.bytes) } else { None });
        }
        let Some((unread, length)) = self.unread_frame()? else { return Ok(None) };
        Ok(unread.get(PREFIX_BYTES..PREFIX_BYTES + length).and_then(frame::api_key))
    }

    /// The whole frame at hand.
    pub(super) fn take(&mut self) -> Result<Option<Frame>, FrameError> {
        if self.next_api_key()?.is_none() {
            return Ok(None);
        }
        if let Some(Large { bytes, permit: Permit::Held(permit), .. }) = self.large.take() {
            return Ok(Some(Frame { bytes: Bytes::from(bytes), permit: Some(permit) }));
        }
        let length = self.unread_frame()?.map_or(0, |(_, length)| length);
        let Some(block) = &mut self.block else { return Ok(None) };
        let mut whole = block.split_to(PREFIX_BYTES + length);
        whole.advance(PREFIX_BYTES);
        Ok(Some(Frame { bytes: whole.freeze(), permit: None }))
    }

    /// How much has arrived of a large frame that holds its permit.
    pub(super) fn large_frame_bytes(&self) -> Option<usize> {
        self.large.as_ref().filter(|large| matches!(large.permit, Permit::Held(_))).map(|large| large.bytes.len())
    }

    /// Reads what there is; how many bytes came, 0 at the end of the stream. To be called when no whole frame is at hand.
    pub(super) fn poll_fill<S: ByteStream>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Result<usize, FrameError>>> {
        if self.large.is_none() {
            if let Err(error) = self.begin_large() {
                return Poll::Ready(Ok(Err(error)));
            }
        }
        let read = match self.large {
            Some(_) => ready!(self.poll_fill_large(stream, cx)),
            None => ready!(self.poll_fill_block(stream, cx)),
        };
        Poll::Ready(read.map(Ok))
    }

    /// The unread bytes and the length that their prefix says; `None` below a whole prefix.
    fn unread_frame(&self) -> Result<Option<(&[u8], usize)>, FrameError> {
        let Some(block) = &self.block else { return Ok(None) };
        let Some(prefix) = block.first_chunk::<PREFIX_BYTES>() else { return Ok(None) };
        Ok(Some((block, frame::length(*prefix, self.request_max_bytes)?)))
    }

    /// Asks for a permit once the unread bytes show that the frame is larger than a block.
    fn begin_large(&mut self) -> Result<(), FrameError> {
        let Some((unread, length)) = self.unread_frame()? else { return Ok(()) };
        if PREFIX_BYTES + length <= BLOCK_BYTES || unread.len() < PREFIX_BYTES + 2 {
            return Ok(());
        }
        frame::check_api_bound(length, &unread[PREFIX_BYTES..])?;
        self.large = Some(Large { length, bytes: Vec::new(), permit: self.memory.ask(length) });
        Ok(())
    }

    fn poll_fill_block<S: ByteStream>(&mut self, stream: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.release_empty_block();
        if self.block.is_none() {
            ready!(stream.poll_readable(cx))?;
        }
        self.make_room();
        let Some(block) = &mut self.block else { return Poll::Pending };
        let read = poll_read_into(stream, cx, block.spare_capacity_mut());
        if let Poll::Ready(Ok(count)) = read {
            // SAFETY: the read has filled `count` bytes of the spare capacity.
            unsafe { block.set_len(block.len() + count) };
        }
        self.release_empty_block();
        read
    }

    fn release_empty_block(&mut self) {
        if let Some(block) = self.block.take_if(|block| block.is_empty()) {
            self.buffers.give_back_block(block);
        }
    }

    /// Makes sure that the rest of the frame at hand fits behind the unread bytes.
    fn make_room(&mut self) {
        let whole = match self.unread_frame() {
            Ok(Some((_, length))) => (PREFIX_BYTES + length).min(BLOCK_BYTES),
            _ => PREFIX_BYTES + 2,
        };
        let Some(block) = &mut self.block else {
            self.block = Some(self.buffers.block(ROOM_BYTES));
            return;
        };
        let rest = whole.saturating_sub(block.len());
        let room = block.capacity() - block.len();
        if room >= rest.max(ROOM_BYTES.min(BLOCK_BYTES - block.len().min(BLOCK_BYTES))) {
            return;
        }
        if block.try_reclaim(BLOCK_BYTES - block.len()) {
            return;
        }
        // Frames of this block are still in use: the beginning of the next one moves.
        let mut fresh = self.buffers.block(BLOCK_BYTES);
        fresh.extend_from_slice(block);
        *block = fresh;
    }

    fn poll_fill_large<S: ByteStream>(&mut self, stream: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Some(large) = &mut self.large else { return Poll::Pending };
        if let Permit::Awaited(permit) = &mut large.permit {
            let permit = ready!(permit.as_mut().poll(cx));
            large.permit = Permit::Held(permit.map_err(io::Error::other)?);
        }
        if let Some(mut block) = self.block.take() {
            large.bytes.reserve_exact(large.length.min(GROWTH * block.len()));
            large.bytes.extend_from_slice(&block[PREFIX_BYTES..]);
            block.clear();
            self.buffers.give_back_block(block);
        }
        let arrived = large.bytes.len();
        if arrived == large.bytes.capacity() {
            let target = large.length.min((GROWTH * arrived).max(BLOCK_BYTES));
            large.bytes.reserve_exact(target - arrived);
        }
        let missing = large.length - arrived;
        let spare = large.bytes.spare_capacity_mut();
        let room = spare.len().min(missing);
        let count = ready!(poll_read_into(stream, cx, &mut spare[..room]))?;
        // SAFETY: the read has filled `count` bytes of the spare capacity.
        unsafe { large.bytes.set_len(arrived + count) };
        Poll::Ready(Ok(count))
    }
}
