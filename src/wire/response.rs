//! Answers, framed and ready to be written.

use super::buffers::AnswerBuffer;
use super::scatter::{Insert, Piece, Scatter};
use bytes::BufMut;
use kafka_protocol::protocol::{Encodable, HeaderVersion};
use smallvec::SmallVec;
use std::fmt;
use std::io;

/// One answer, its length prefix included: bytes with pieces between them.
pub struct Response {
    buffer: AnswerBuffer,
    /// In the order in which they stand in the answer; `at` never falls.
    inserts: SmallVec<[Insert; 2]>,
    length: u64,
}

/// A stretch of an answer, in the order of writing.
pub enum Segment<'a> {
    /// Bytes in memory.
    Bytes(&'a [u8]),
    /// A piece of records.
    Piece(&'a Piece),
}

/// Why an answer cannot be sent. The connection has to be closed: the client waits for an answer in order.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The answer is longer than a frame's length can say.
    #[error("the answer is longer than a frame can be")]
    TooLarge,
    /// A field's value does not exist in the version asked for.
    #[error("{0}")]
    Message(String),
}

/// Encodes an answer: length prefix, header (always of version 0 for ApiVersions), body. `version` is the request's.
/// What was placed in `scatter` stands where the body names its placeholders.
pub fn encode<M: Encodable + HeaderVersion>(
    mut scatter: Scatter,
    correlation_id: i32,
    version: i16,
    body: &M,
) -> Result<Response, EncodeError> {
    scatter.put_u32(0);
    scatter.put_i32(correlation_id);
    if M::header_version(version) >= 1 {
        // No tagged fields.
        scatter.put_u8(0);
    }
    body.encode(&mut scatter, version).map_err(|error| EncodeError::Message(error.to_string()))?;
    let prefix = i32::try_from(scatter.length() - 4).map_err(|_| EncodeError::TooLarge)?;
    scatter.patch_prefix(prefix.to_be_bytes());
    let (buffer, inserts, length) = scatter.finish().ok_or(EncodeError::TooLarge)?;
    Ok(Response { buffer, inserts, length })
}

impl Response {
    /// Bytes on the wire, length prefix and pieces included.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Bytes of it that are held in memory; pieces in files are not.
    pub fn memory_bytes(&self) -> u64 {
        let files: u64 = self
            .inserts
            .iter()
            .map(|insert| if let Piece::File(range) = &insert.piece { range.length } else { 0 })
            .sum();
        self.length - files
    }

    /// The number at this place of the bytes in memory; `None` beyond them.
    pub(super) fn i32_at(&self, at: usize) -> Option<i32> {
        let bytes = self.buffer.get(at..at + 4)?;
        bytes.try_into().ok().map(i32::from_be_bytes)
    }

    /// Changes the number at this place, which must be one of the answer's own.
    pub(super) fn set_i32_at(&mut self, at: usize, number: i32) {
        self.buffer[at..at + 4].copy_from_slice(&number.to_be_bytes());
    }

    /// How many segments [`Response::segment`] knows. Some may be empty.
    pub fn segments(&self) -> usize {
        2 * self.inserts.len() + 1
    }

    /// The segment of this index: bytes and pieces alternate, bytes first and last.
    pub fn segment(&self, index: usize) -> Option<Segment<'_>> {
        let number = index / 2;
        if index % 2 == 1 {
            return self.inserts.get(number).map(|insert| Segment::Piece(&insert.piece));
        }
        let start = match number.checked_sub(1) {
            Some(before) => self.inserts.get(before)?.at,
            None => 0,
        };
        let end = self.inserts.get(number).map_or(self.buffer.len(), |insert| insert.at);
        Some(Segment::Bytes(&self.buffer[start..end]))
    }

    /// The whole answer in one buffer, files read: for tests and for answers that go no further than this process.
    pub fn to_vec(&self) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        for index in 0..self.segments() {
            match self.segment(index) {
                Some(Segment::Bytes(bytes)) => all.extend_from_slice(bytes),
                Some(Segment::Piece(Piece::Bytes(bytes))) => all.extend_from_slice(bytes),
                Some(Segment::Piece(Piece::File(range))) => {
                    let start = all.len();
                    all.resize(start + range.length as usize, 0);
                    if range.file.read_at(range.position, &mut all[start..])? as u64 != range.length {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                None => {}
            }
        }
        Ok(all)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({} bytes, {} pieces)", self.length, self.inserts.len())
    }
}

#[cfg(test)]
#[path = "response_tests.rs"]
mod tests;
