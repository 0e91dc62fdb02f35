//! What a connection has received: frames cut from pooled read blocks, and large frames in buffers of their own.
//!
//! A connection with nothing unread holds no memory here. A frame that fits a block is a slice of it; a larger one first
//! waits for its length in the node's byte permits, and then takes memory only as its bytes arrive.
//!
//! A connection that fills its blocks reads into larger ones while the node has byte permits to spare for them: fewer calls
//! and no copy for frames of 64 KiB and more.

use super::net::{poll_read_into, ByteStream};
use crate::wire::buffers::{BLOCK_BYTES, LARGE_BLOCK_BYTES};
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
/// The node's frame memory divided by what large blocks may take: most of it is for frames that need it.
const LARGE_BLOCKS_SHARE: usize = 16;

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

    /// For a large block, if there is plenty.
    fn spare(&self) -> Option<HeldPermit> {
        let plenty = LARGE_BLOCKS_SHARE * LARGE_BLOCK_BYTES <= self.total_bytes as usize;
        let spare = plenty && self.permits.available_permits() >= self.total_bytes as usize / LARGE_BLOCKS_SHARE;
        let count = LARGE_BLOCK_BYTES as u32;
        spare.then(|| Arc::clone(&self.permits).try_acquire_many_owned(count).ok().map(Arc::new)).flatten()
    }
}

/// A share of the frame memory, held by a block and by the frames that were cut from it.
pub(super) type HeldPermit = Arc<OwnedSemaphorePermit>;

enum Permit {
    Awaited(Pin<Box<dyn Future<Output = Result<OwnedSemaphorePermit, AcquireError>> + Send>>),
    Held(OwnedSemaphorePermit),
}

/// A whole frame without its length prefix, and what it holds of the node's frame memory while it is handled.
pub(super) struct Frame {
    pub(super) bytes: Bytes,
    pub(super) permit: Option<HeldPermit>,
}

/// What a connection reads into.
struct Block {
    bytes: BytesMut,
    /// Of a large one.
    permit: Option<HeldPermit>,
    /// Most unread bytes it has held at once.
    most_bytes: usize,
}

impl Block {
    fn size_bytes(&self) -> usize {
        if self.permit.is_some() {
            LARGE_BLOCK_BYTES
        } else {
            BLOCK_BYTES
        }
    }
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
    block: Option<Block>,
    /// The last block was full: a larger one would have saved a call or a copy.
    hungry: bool,
    /// The frame that the unread bytes begin, if it is larger than a block.
    large: Option<Large>,
}

impl Input {
    pub(super) fn new(buffers: Buffers, memory: FrameMemory, request_max_bytes: usize) -> Self {
        Self { buffers, memory, request_max_bytes, block: None, hungry: false, large: None }
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
            return Ok(Some(Frame { bytes: Bytes::from(bytes), permit: Some(Arc::new(permit)) }));
        }
        let length = self.unread_frame()?.map_or(0, |(_, length)| length);
        let Some(block) = &mut self.block else { return Ok(None) };
        let mut whole = block.bytes.split_to(PREFIX_BYTES + length);
        whole.advance(PREFIX_BYTES);
        Ok(Some(Frame { bytes: whole.freeze(), permit: block.permit.clone() }))
    }

    /// How much has arrived of an unfinished frame, larger than a usual block, that holds its permit.
    pub(super) fn large_frame_bytes(&self) -> Option<usize> {
        if let Some(large) = &self.large {
            return matches!(large.permit, Permit::Held(_)).then_some(large.bytes.len());
        }
        self.block.as_ref()?.permit.as_ref()?;
        let (unread, length) = self.unread_frame().ok().flatten()?;
        let whole = PREFIX_BYTES + length;
        (whole > BLOCK_BYTES && unread.len() < whole).then_some(unread.len())
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
        let Some(prefix) = block.bytes.first_chunk::<PREFIX_BYTES>() else { return Ok(None) };
        Ok(Some((&block.bytes, frame::length(*prefix, self.request_max_bytes)?)))
    }

    /// Asks for a permit once the unread bytes show that the frame is larger than a block.
    fn begin_large(&mut self) -> Result<(), FrameError> {
        let Some((unread, length)) = self.unread_frame()? else { return Ok(()) };
        let size_bytes = self.block.as_ref().map_or(BLOCK_BYTES, Block::size_bytes);
        if PREFIX_BYTES + length <= size_bytes || unread.len() < PREFIX_BYTES + 2 {
            return Ok(());
        }
        frame::check_api_bound(length, &unread[PREFIX_BYTES..])?;
        if PREFIX_BYTES + length <= LARGE_BLOCK_BYTES && self.enlarge() {
            return Ok(());
        }
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
        let read = poll_read_into(stream, cx, block.bytes.spare_capacity_mut());
        if let Poll::Ready(Ok(count)) = read {
            // SAFETY: the read has filled `count` bytes of the spare capacity.
            unsafe { block.bytes.set_len(block.bytes.len() + count) };
            block.most_bytes = block.most_bytes.max(block.bytes.len());
            self.hungry |= block.bytes.len() == block.bytes.capacity();
        }
        self.release_empty_block();
        read
    }

    fn release_empty_block(&mut self) {
        if let Some(block) = self.block.take_if(|block| block.bytes.is_empty()) {
            self.give_back(block);
        }
    }

    fn give_back(&mut self, block: Block) {
        match block.permit {
            None => self.buffers.give_back_block(block.bytes),
            Some(_) => {
                self.hungry = block.most_bytes > BLOCK_BYTES;
                self.buffers.give_back_large_block(block.bytes);
            }
        }
    }

    /// An empty block with room for at least `room_bytes`, a large one if the connection fills its blocks.
    fn fresh_block(&self, room_bytes: usize) -> Block {
        match self.hungry.then(|| self.memory.spare()).flatten() {
            None => Block { bytes: self.buffers.block(room_bytes), permit: None, most_bytes: 0 },
            permit => Block { bytes: self.buffers.large_block(), permit, most_bytes: 0 },
        }
    }

    /// Moves the unread bytes to a large block. False if there is no memory to spare.
    fn enlarge(&mut self) -> bool {
        let Some(permit) = self.memory.spare() else { return false };
        let mut bytes = self.buffers.large_block();
        if let Some(small) = self.block.take() {
            bytes.extend_from_slice(&small.bytes);
            self.give_back(small);
        }
        self.block = Some(Block { bytes, permit: Some(permit), most_bytes: BLOCK_BYTES + 1 });
        true
    }

    /// Makes sure that the rest of the frame at hand fits behind the unread bytes.
    fn make_room(&mut self) {
        let whole = match self.unread_frame() {
            Ok(Some((_, length))) => PREFIX_BYTES + length,
            _ => PREFIX_BYTES + 2,
        };
        let Some(block) = &mut self.block else {
            self.block = Some(self.fresh_block(ROOM_BYTES));
            return;
        };
        let size_bytes = block.size_bytes();
        let bytes = &mut block.bytes;
        let rest = whole.min(size_bytes).saturating_sub(bytes.len());
        let room = bytes.capacity() - bytes.len();
        if room >= rest.max(ROOM_BYTES.min(size_bytes - bytes.len().min(size_bytes))) {
            return;
        }
        if bytes.try_reclaim(size_bytes - bytes.len()) {
            return;
        }
        // Frames of this block are still in use: the beginning of the next one moves.
        let unread = std::mem::take(bytes);
        let mut fresh = match block.permit {
            Some(_) => self.buffers.large_block(),
            None => self.buffers.block(BLOCK_BYTES),
        };
        fresh.extend_from_slice(&unread);
        *bytes = fresh;
    }

    fn poll_fill_large<S: ByteStream>(&mut self, stream: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Some(large) = &mut self.large else { return Poll::Pending };
        if let Permit::Awaited(permit) = &mut large.permit {
            let permit = ready!(permit.as_mut().poll(cx));
            large.permit = Permit::Held(permit.map_err(io::Error::other)?);
        }
        if let Some(Block { mut bytes, permit, .. }) = self.block.take() {
            large.bytes.reserve_exact(large.length.min(GROWTH * bytes.len()));
            large.bytes.extend_from_slice(&bytes[PREFIX_BYTES..]);
            bytes.clear();
            match permit {
                None => self.buffers.give_back_block(bytes),
                Some(_) => self.buffers.give_back_large_block(bytes),
            }
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
