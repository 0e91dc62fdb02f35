//! Stores a batch's records under another codec, or with offset deltas put right, as one stream from end to end.

use super::build::{seal, BuildError};
use super::compress::{Codec, Decoder, Encoder, Scratch};
use super::header::{BatchHeader, CODEC_MASK, HEADER_BYTES};
use super::varint::{put_signed, signed_bytes};
use super::walk::{record_end, Input, SliceInput, StreamInput, WalkError};
use std::io::{self, Write};

/// Why a batch could not be stored otherwise.
#[derive(Debug)]
pub(super) enum RecompressError {
    /// The new batch is over the limit.
    TooLarge(usize),
    /// The old one could not be read.
    Walk(WalkError),
}

/// What to make of a batch.
pub(super) struct Target {
    pub(super) codec: Codec,
    pub(super) level: i32,
    /// Of the new batch, header included.
    pub(super) max_batch_bytes: usize,
    /// Of the old one's records.
    pub(super) max_decompressed_bytes: u64,
    /// Gives every record the batch's base timestamp.
    pub(super) one_timestamp: bool,
}

/// A batch that refuses to grow over its limit.
struct Capped {
    batch: Vec<u8>,
    limit_bytes: usize,
    /// Set once something was refused: the size that it would have made.
    refused_bytes: Option<usize>,
}

impl Write for &mut Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let size = self.batch.len().saturating_add(bytes.len());
        if size > self.limit_bytes {
            self.refused_bytes = Some(size);
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        self.batch.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes the records of `batch` anew with offset deltas 0, 1, 2, … under `header`, whose codec, length and CRC are set here.
///
/// As Kafka, the records' attributes become 0; unlike it, the base timestamp stays, which changes no record's time.
pub(super) fn recompress(
    mut header: BatchHeader,
    batch: &[u8],
    source: Codec,
    target: &Target,
    scratch: &mut Scratch,
) -> Result<(BatchHeader, Vec<u8>), RecompressError> {
    let records = &batch[HEADER_BYTES..];
    let mut sink = Capped { batch: vec![0; HEADER_BYTES], limit_bytes: target.max_batch_bytes, refused_bytes: None };
    let written = match source {
        Codec::None => transcribe(&mut SliceInput::new(records), header.record_count, target, &mut sink),
        codec => Decoder::new(codec, records, scratch).map_err(WalkError::Stream).and_then(|decoder| {
            let mut input = StreamInput::new(decoder, target.max_decompressed_bytes);
            transcribe(&mut input, header.record_count, target, &mut sink)
        }),
    };
    if let Some(size_bytes) = sink.refused_bytes {
        return Err(RecompressError::TooLarge(size_bytes));
    }
    written.map_err(RecompressError::Walk)?;
    header.attributes = header.attributes & !CODEC_MASK | target.codec.id();
    let header = seal(header, &mut sink.batch).map_err(|error| match error {
        BuildError::TooLarge(size_bytes) => RecompressError::TooLarge(size_bytes),
        other => RecompressError::Walk(WalkError::Stream(io::Error::other(other))),
    })?;
    Ok((header, sink.batch))
}

fn transcribe<I: Input>(input: &mut I, record_count: i32, to: &Target, sink: &mut Capped) -> Result<(), WalkError> {
    let mut encoder = Encoder::new(to.codec, to.level, sink).map_err(WalkError::Stream)?;
    let mut head = Vec::new();
    for offset_delta in 0..record_count {
        let (_, end) = record_end(input)?;
        input.skip(1)?;
        let sent_delta = input.i64()?;
        let timestamp_delta = if to.one_timestamp { 0 } else { sent_delta };
        input.i32()?;
        let rest = end.saturating_sub(input.position());
        head.clear();
        let deltas_bytes = signed_bytes(timestamp_delta) + signed_bytes(i64::from(offset_delta));
        put_signed(&mut head, 1 + deltas_bytes as i64 + rest as i64);
        head.push(0);
        put_signed(&mut head, timestamp_delta);
        put_signed(&mut head, i64::from(offset_delta));
        encoder.write_all(&head).map_err(WalkError::Stream)?;
        input.pass(rest, |piece| encoder.write_all(piece))?;
    }
    encoder.finish().map(|_| ()).map_err(WalkError::Stream)
}
