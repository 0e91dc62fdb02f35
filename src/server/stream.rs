//! Writes answers to a socket: one vectored write for all that is ready, and file ranges in chunks as the socket takes
//! them, so that a slow reader holds one chunk whatever it asked for.

use super::answers::Answers;
use super::net::ByteStream;
use crate::disk::FileRange;
use crate::wire::buffers::CHUNK_BYTES;
use crate::wire::response::Segment;
use crate::wire::{Buffers, Piece, Response};
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{ready, Context, Poll};
use tokio::task::JoinHandle;

/// Slices of one vectored write, at most.
const SLICES: usize = 64;
/// A file range with at least this many bytes left is sent by the kernel where it can: below, a copy that rides in the
/// vectored write is cheaper than a call of its own.
const SEND_FILE_BYTES: u64 = 64 * 1024;
/// Bytes asked of the kernel at once; whether they are in memory is looked up at both ends.
const SEND_FILE_STRETCH_BYTES: u64 = 1024 * 1024;

/// File bytes read ahead of the socket, in the order of writing.
struct Chunk {
    memory: Box<[u8]>,
    filled: usize,
    parts: VecDeque<Part>,
}

/// The next bytes of one file range, from its first unwritten byte on.
struct Part {
    answer: u64,
    segment: usize,
    /// Where in the chunk, and how many bytes.
    at: usize,
    length: usize,
}

impl Chunk {
    /// The rest of the memory, to be read into.
    fn free(&mut self) -> &mut [u8] {
        &mut self.memory[self.filled..]
    }

    /// Notes that `length` bytes of a range have been read into the free memory.
    fn filled(&mut self, answer: u64, segment: usize, length: usize) {
        self.parts.push_back(Part { answer, segment, at: self.filled, length });
        self.filled += length;
    }
}

/// A place in the answers: where writing goes on.
#[derive(Clone, Copy)]
struct Cursor {
    segment: usize,
    /// Bytes of the segment that have been written.
    offset: u64,
}

/// The sending half of a connection.
pub(super) struct Writer {
    buffers: Buffers,
    cursor: Cursor,
    /// `None` while no file bytes are on their way.
    chunk: Option<Chunk>,
    /// A read that has to wait for the disk.
    loading: Option<JoinHandle<io::Result<Chunk>>>,
    sent_bytes: u64,
}

impl Writer {
    pub(super) fn new(buffers: Buffers) -> Self {
        Self { buffers, cursor: Cursor { segment: 0, offset: 0 }, chunk: None, loading: None, sent_bytes: 0 }
    }

    /// Bytes sent since the connection began.
    pub(super) fn sent_bytes(&self) -> u64 {
        self.sent_bytes
    }

    /// Writes as much as is ready and as the socket takes. Ready once nothing more is ready to be written; an error means
    /// that an answer is broken off and the connection must be closed.
    pub(super) fn poll_write<S: ByteStream>(
        &mut self,
        stream: &mut S,
        answers: &mut Answers,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while answers.front().is_some() {
            if let Some(loading) = &mut self.loading {
                let loaded = ready!(Pin::new(loading).poll(cx));
                self.loading = None;
                self.chunk = Some(loaded.map_err(io::Error::other)??);
            }
            self.load_ahead(answers, stream.sends_files())?;
            let count = match self.poll_gathered(stream, answers, cx) {
                Some(written) => ready!(written)?,
                None => ready!(self.poll_file(stream, answers, cx))?,
            };
            if count == 0 && self.loading.is_none() {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.advance(answers, count as u64);
        }
        Poll::Ready(Ok(()))
    }

    /// Reads what is cached of the file ranges that come next into the chunk.
    fn load_ahead(&mut self, answers: &Answers, sends_files: bool) -> io::Result<()> {
        let mut known = self.chunk.as_ref().map_or(0, |chunk| chunk.parts.len());
        for (answer, segment, offset, piece) in walk(answers, self.cursor).take(SLICES) {
            let Walked::File(range) = piece else { continue };
            let left = range.length - offset;
            if known > 0 {
                known -= 1;
                continue;
            }
            if sends_files && left >= SEND_FILE_BYTES && range.file.descriptor().is_some() {
                return Ok(());
            }
            let chunk = self.chunk.get_or_insert_with(|| Chunk {
                memory: self.buffers.chunk(),
                filled: 0,
                parts: VecDeque::new(),
            });
            let free = chunk.free();
            let want = usize::try_from(left).unwrap_or(usize::MAX).min(free.len());
            if want == 0 {
                return Ok(());
            }
            match range.file.read_cached_at(range.position + offset, &mut free[..want]) {
                Ok(0) => return Err(cut_short(range)),
                Ok(count) => {
                    chunk.filled(answer, segment, count);
                    if (count as u64) < left {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Writes all that is in memory, in one call; `None` if the next byte is not.
    fn poll_gathered<S: ByteStream>(
        &self,
        stream: &mut S,
        answers: &Answers,
        cx: &mut Context<'_>,
    ) -> Option<Poll<io::Result<usize>>> {
        let mut slices = SmallVec::new();
        self.gather(answers, &mut slices);
        (!slices.is_empty()).then(|| Pin::new(stream).poll_write_vectored(cx, &slices))
    }

    /// Collects what can go in one vectored write.
    fn gather<'a>(&'a self, answers: &'a Answers, slices: &mut SmallVec<[IoSlice<'a>; SLICES]>) {
        let mut parts = self.chunk.iter().flat_map(|chunk| chunk.parts.iter().map(move |part| (chunk, part)));
        for (answer, segment, offset, piece) in walk(answers, self.cursor).take(SLICES) {
            match piece {
                Walked::Bytes(bytes) => slices.push(IoSlice::new(bytes)),
                Walked::File(range) => {
                    let Some((chunk, part)) = parts.next() else { return };
                    debug_assert!(part.answer == answer && part.segment == segment, "parts follow the walk");
                    slices.push(IoSlice::new(&chunk.memory[part.at..part.at + part.length]));
                    if (part.length as u64) < range.length - offset {
                        return;
                    }
                }
            }
        }
    }

    /// Goes on with a file range of which nothing is in the chunk: the kernel sends it, or a read that may wait begins
    /// (then 0 bytes have gone).
    fn poll_file<S: ByteStream>(
        &mut self,
        stream: &mut S,
        answers: &Answers,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let Some((answer, segment, offset, Walked::File(range))) = walk(answers, self.cursor).next() else {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        };
        let rest = FileRange { position: range.position + offset, length: range.length - offset, ..range.clone() };
        if stream.sends_files() && rest.length >= SEND_FILE_BYTES && rest.file.descriptor().is_some() {
            let stretch = FileRange { length: rest.length.min(SEND_FILE_STRETCH_BYTES), ..rest.clone() };
            if is_cached(&stretch)? {
                return match ready!(stream.poll_send_file(cx, &stretch))? {
                    0 => Poll::Ready(Err(cut_short(range))),
                    count => Poll::Ready(Ok(count)),
                };
            }
        }
        let mut chunk = self.chunk.take().unwrap_or_else(|| Chunk {
            memory: self.buffers.chunk(),
            filled: 0,
            parts: VecDeque::new(),
        });
        self.loading = Some(tokio::task::spawn_blocking(move || {
            let want = usize::try_from(rest.length).unwrap_or(usize::MAX).min(CHUNK_BYTES);
            let count = rest.file.read_at(rest.position, &mut chunk.memory[..want])?;
            if count == 0 {
                return Err(cut_short(&rest));
            }
            chunk.filled = 0;
            chunk.filled(answer, segment, count);
            Ok(chunk)
        }));
        Poll::Ready(Ok(0))
    }

    /// Moves on by `count` written bytes, and over everything empty behind them.
    fn advance(&mut self, answers: &mut Answers, mut count: u64) {
        self.sent_bytes += count;
        while let Some((_, response)) = answers.front() {
            let Some(length) = segment_length(response, self.cursor.segment) else {
                answers.finish_front();
                self.cursor = Cursor { segment: 0, offset: 0 };
                continue;
            };
            let step = count.min(length - self.cursor.offset);
            self.consume_part(response, step);
            count -= step;
            self.cursor.offset += step;
            if self.cursor.offset < length {
                break;
            }
            self.cursor = Cursor { segment: self.cursor.segment + 1, offset: 0 };
        }
        if let Some(chunk) = self.chunk.take_if(|chunk| chunk.parts.is_empty()) {
            self.buffers.give_back_chunk(chunk.memory);
        }
    }

    /// Takes written bytes of the present segment out of the chunk, if they came from there.
    fn consume_part(&mut self, response: &Response, step: u64) {
        let Some(Segment::Piece(Piece::File(_))) = response.segment(self.cursor.segment) else { return };
        let Some(chunk) = &mut self.chunk else { return };
        let Some(part) = chunk.parts.front_mut() else { return };
        // Within the part: what was gathered of this segment was the part.
        let step = (step as usize).min(part.length);
        part.at += step;
        part.length -= step;
        if part.length == 0 {
            chunk.parts.pop_front();
        }
    }
}

/// A stretch of what is to be written.
enum Walked<'a> {
    Bytes(&'a [u8]),
    /// The whole range; its offset stands beside it.
    File(&'a FileRange),
}

/// What is to be written from the cursor on, without empty stretches: the answer's number, the segment, how much of a file
/// range has been written already, the stretch.
fn walk(answers: &Answers, cursor: Cursor) -> impl Iterator<Item = (u64, usize, u64, Walked<'_>)> {
    answers.ready().enumerate().flat_map(move |(index, (number, response))| {
        let start = if index == 0 { cursor } else { Cursor { segment: 0, offset: 0 } };
        (start.segment..response.segments()).filter_map(move |segment| {
            let offset = if segment == start.segment { start.offset } else { 0 };
            let rest = |bytes| -> Option<&[u8]> { <[u8]>::get(bytes, offset as usize..) };
            let (walked, offset) = match response.segment(segment)? {
                Segment::Bytes(bytes) => (Walked::Bytes(rest(bytes)?), 0),
                Segment::Piece(Piece::Bytes(bytes)) => (Walked::Bytes(rest(bytes)?), 0),
                Segment::Piece(Piece::File(range)) => (Walked::File(range), offset),
            };
            let is_empty = match &walked {
                Walked::Bytes(bytes) => bytes.is_empty(),
                Walked::File(range) => range.length == 0,
            };
            (!is_empty).then_some((number, segment, offset, walked))
        })
    })
}

fn segment_length(response: &Response, segment: usize) -> Option<u64> {
    response.segment(segment).map(|segment| match segment {
        Segment::Bytes(bytes) => bytes.len() as u64,
        Segment::Piece(piece) => piece.length(),
    })
}

/// Whether both ends of a range are in memory, and so most likely what is between.
fn is_cached(range: &FileRange) -> io::Result<bool> {
    let mut byte = [0];
    for position in [range.position, range.position + range.length - 1] {
        match range.file.read_cached_at(position, &mut byte) {
            Ok(0) => return Err(cut_short(range)),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

fn cut_short(range: &FileRange) -> io::Error {
    io::Error::new(
        io::ErrorKind::UnexpectedEof,
        format!("a segment file ends before position {}, bytes of which are due", range.position + range.length),
    )
}
