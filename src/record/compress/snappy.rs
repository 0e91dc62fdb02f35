//! Snappy as Kafka's clients frame it: the stream of `snappy-java` (also called xerial), or, from some clients, one raw block.
//!
//! ```text
//! 82 'S' 'N' 'A' 'P' 'P' 'Y' 00 │ version i32 │ compatible version i32 │ { length i32 │ raw snappy block } …
//! ```

use std::io::{self, Read, Write};

const MAGIC: [u8; 8] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];
const HEADER_BYTES: usize = 16;
/// What `snappy-java` writes for version and compatible version.
const VERSIONS: [u8; 8] = [0, 0, 0, 1, 0, 0, 0, 1];
/// Bytes of records per block when writing, as `snappy-java`.
const BLOCK_BYTES: usize = 32 * 1024;
/// A block of n bytes cannot hold more than 64 bytes for every 3: longer claims are false, and reserve nothing.
const MAX_EXPANSION: usize = 22;

/// Decompresses block by block; holds one block.
pub struct Reader<'a> {
    rest: Rest<'a>,
    block: Vec<u8>,
    given: usize,
}

enum Rest<'a> {
    Xerial(&'a [u8]),
    Raw(&'a [u8]),
}

fn malformed(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let rest = match bytes.get(HEADER_BYTES..) {
            Some(blocks) if bytes.starts_with(&MAGIC) => Rest::Xerial(blocks),
            _ => Rest::Raw(bytes),
        };
        Self { rest, block: Vec::new(), given: 0 }
    }

    /// The next compressed block, `None` at the end.
    fn next_block(&mut self) -> io::Result<Option<&'a [u8]>> {
        match &mut self.rest {
            Rest::Raw(bytes) => Ok(Some(std::mem::take(bytes)).filter(|block| !block.is_empty())),
            Rest::Xerial(rest) => {
                // Java's reader takes a further header between blocks as the start of a concatenated stream.
                while rest.starts_with(&MAGIC) && rest.len() >= HEADER_BYTES {
                    *rest = &rest[HEADER_BYTES..];
                }
                if rest.is_empty() {
                    return Ok(None);
                }
                let (length, tail) = rest.split_first_chunk().ok_or_else(|| malformed("block length is cut off"))?;
                let length =
                    usize::try_from(i32::from_be_bytes(*length)).map_err(|_| malformed("negative block length"))?;
                let (block, tail) = tail.split_at_checked(length).ok_or_else(|| malformed("block is cut off"))?;
                *rest = tail;
                Ok(Some(block))
            }
        }
    }
}

impl Read for Reader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.given == self.block.len() {
            let Some(compressed) = self.next_block()? else { return Ok(0) };
            let length = snap::raw::decompress_len(compressed)?;
            if length > compressed.len().saturating_mul(MAX_EXPANSION) {
                return Err(malformed("block claims more than it can hold"));
            }
            self.block.resize(length, 0);
            self.given = 0;
            let written = snap::raw::Decoder::new().decompress(compressed, &mut self.block)?;
            self.block.truncate(written);
        }
        let count = out.len().min(self.block.len() - self.given);
        out[..count].copy_from_slice(&self.block[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

/// Compresses in blocks of 32 KiB.
pub struct Writer<W: Write> {
    sink: W,
    pending: Vec<u8>,
    compressed: Vec<u8>,
    encoder: snap::raw::Encoder,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(mut sink: W) -> io::Result<Self> {
        sink.write_all(&MAGIC)?;
        sink.write_all(&VERSIONS)?;
        Ok(Self { sink, pending: Vec::new(), compressed: Vec::new(), encoder: snap::raw::Encoder::new() })
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        self.flush()?;
        Ok(self.sink)
    }

    fn write_block(&mut self) -> io::Result<()> {
        self.compressed.resize(snap::raw::max_compress_len(self.pending.len()), 0);
        let length = self.encoder.compress(&self.pending, &mut self.compressed)?;
        self.sink.write_all(&(length as i32).to_be_bytes())?;
        self.sink.write_all(&self.compressed[..length])?;
        self.pending.clear();
        Ok(())
    }
}

impl<W: Write> Write for Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(BLOCK_BYTES - self.pending.len());
        self.pending.extend_from_slice(&bytes[..taken]);
        if self.pending.len() == BLOCK_BYTES {
            self.write_block()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.pending.is_empty() {
            self.write_block()?;
        }
        self.sink.flush()
    }
}
