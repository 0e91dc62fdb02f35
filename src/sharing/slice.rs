//! Batches of a read as their offsets, and the bytes of some of them.

use crate::disk::FileRange;
use crate::log::{AbortedTransaction, Piece};
use crate::record::header::{BatchHeader, HEADER_BYTES};
use crate::share::partition::LogBatch;
use std::io;

/// Where a batch lies in what was read.
struct Place {
    piece: usize,
    from: u64,
    to: u64,
    first_offset: i64,
    last_offset: i64,
}

/// Walks over what was read, header by header, no further than is asked for.
pub(super) struct Slicer<'a> {
    pieces: &'a [Piece],
    aborted: &'a [AbortedTransaction],
    piece: usize,
    position: u64,
    seen: Vec<Place>,
    /// Why the walk ended early.
    pub(super) failed: Option<io::Error>,
}

impl<'a> Slicer<'a> {
    /// Over `pieces`, in which `aborted` transactions are void.
    pub(super) fn new(pieces: &'a [Piece], aborted: &'a [AbortedTransaction]) -> Self {
        Self { pieces, aborted, piece: 0, position: 0, seen: Vec::new(), failed: None }
    }

    /// The bytes of the batches that hold the offsets from `first` to `last`, both among those walked over.
    pub(super) fn between(&self, first: i64, last: i64) -> Vec<Piece> {
        let mut slices: Vec<(usize, u64, u64)> = Vec::new();
        for place in self.seen.iter().filter(|place| place.last_offset >= first && place.first_offset <= last) {
            match slices.last_mut() {
                Some((piece, _, to)) if *piece == place.piece => *to = place.to,
                _ => slices.push((place.piece, place.from, place.to)),
            }
        }
        slices.into_iter().map(|(piece, from, to)| slice(&self.pieces[piece], from, to)).collect()
    }

    fn walk(&mut self) -> io::Result<Option<LogBatch>> {
        loop {
            let Some(piece) = self.pieces.get(self.piece) else { return Ok(None) };
            let length = piece.length_bytes() as u64;
            let header = match header_at(piece, self.position)? {
                Some(header) if self.position + header.size_bytes() as u64 <= length => header,
                // The end of the piece, or a batch that a read has cut.
                _ => {
                    (self.piece, self.position) = (self.piece + 1, 0);
                    continue;
                }
            };
            let (first_offset, last_offset) = (header.base_offset, header.last_offset());
            let to = self.position + header.size_bytes() as u64;
            self.seen.push(Place { piece: self.piece, from: self.position, to, first_offset, last_offset });
            self.position = to;
            let is_aborted = header.is_transactional()
                && self.aborted.iter().any(|aborted| {
                    let span = aborted.first_offset..=aborted.last_offset;
                    aborted.producer_id == header.producer_id && span.contains(&first_offset)
                });
            return Ok(Some(LogBatch { first_offset, last_offset, is_void: is_aborted || header.is_control() }));
        }
    }
}

impl Iterator for Slicer<'_> {
    type Item = LogBatch;

    fn next(&mut self) -> Option<LogBatch> {
        self.walk().unwrap_or_else(|error| {
            self.failed = Some(error);
            None
        })
    }
}

fn header_at(piece: &Piece, position: u64) -> io::Result<Option<BatchHeader>> {
    let mut head = [0; HEADER_BYTES];
    let bytes = match piece {
        Piece::Bytes(bytes) => bytes.get(position as usize..).unwrap_or_default(),
        Piece::File(range) => {
            let left = range.length.saturating_sub(position).min(HEADER_BYTES as u64) as usize;
            let filled = range.file.read_at(range.position + position, &mut head[..left])?;
            &head[..filled]
        }
    };
    if bytes.len() < HEADER_BYTES {
        return Ok(None);
    }
    BatchHeader::parse(bytes).map(Some).map_err(io::Error::other)
}

fn slice(piece: &Piece, from: u64, to: u64) -> Piece {
    match piece {
        Piece::Bytes(bytes) => Piece::Bytes(bytes.slice(from as usize..to as usize)),
        Piece::File(range) => {
            Piece::File(FileRange { file: range.file.clone(), position: range.position + from, length: to - from })
        }
    }
}
