//! The five codecs of record batches, as streams: nothing here holds a decompressed batch unless it is asked to.
//!
//! What is written is what Kafka's Java client writes: gzip members, snappy in xerial framing, LZ4 frames of independent
//! 64 KiB blocks (Java refuses dependent ones), zstd frames. What is read is more: raw snappy, concatenated gzip members
//! and zstd frames, LZ4 frames of any block mode.

mod scratch;
mod snappy;
#[cfg(test)]
mod tests;

use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;
use std::borrow::Cow;
use std::io::{self, Read, Write};
use std::ops::RangeInclusive;

pub use scratch::{Scratch, ScratchPool};

/// Largest zstd window that is accepted, as a power of two in bytes: what Kafka's Java decoder accepts. The decoder
/// touches its window only as far as decompressed bytes fill it.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// How the records of a batch are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Codec {
    /// As they are.
    #[default]
    None,
    /// gzip, id 1.
    Gzip,
    /// snappy, id 2.
    Snappy,
    /// LZ4 frame, id 3.
    Lz4,
    /// zstd, id 4 (KIP-110).
    Zstd,
}

/// Why bytes could not be compressed or decompressed.
#[derive(Debug, thiserror::Error)]
pub enum CompressError {
    /// The bytes are no stream of the codec.
    #[error("not a valid {} stream: {reason}", codec.name())]
    Malformed {
        /// What the bytes were read as.
        codec: Codec,
        /// The codec's own words.
        reason: String,
    },
    /// There is more behind the bytes than the caller takes.
    #[error("more than {limit_bytes} bytes when decompressed")]
    TooLong {
        /// What the caller takes.
        limit_bytes: usize,
    },
}

impl Codec {
    /// All codecs, by id.
    pub const ALL: [Codec; 5] = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

    /// The codec of an id; ids from 5 on are unknown.
    pub fn from_id(id: u8) -> Option<Self> {
        Self::ALL.get(usize::from(id)).copied()
    }

    /// The id, as the attributes of a batch carry it.
    pub fn id(self) -> i16 {
        self as i16
    }

    /// Kafka's name, as `compression.type` spells it.
    pub fn name(self) -> &'static str {
        match self {
            Codec::None => "none",
            Codec::Gzip => "gzip",
            Codec::Snappy => "snappy",
            Codec::Lz4 => "lz4",
            Codec::Zstd => "zstd",
        }
    }

    /// The level that Kafka takes when none is set (KIP-390). 0 for codecs without levels.
    pub fn default_level(self) -> i32 {
        match self {
            Codec::None | Codec::Snappy => 0,
            Codec::Gzip => -1,
            Codec::Lz4 => 9,
            Codec::Zstd => 3,
        }
    }

    /// The levels that Kafka allows; gzip also takes -1, its default.
    pub fn levels(self) -> RangeInclusive<i32> {
        match self {
            Codec::None | Codec::Snappy => 0..=0,
            Codec::Gzip => 1..=9,
            Codec::Lz4 => 1..=17,
            Codec::Zstd => -131_072..=22,
        }
    }
}

/// Decompresses as it is read. Ends where the stream ends; bytes behind the end are left alone.
pub enum Decoder<'a> {
    /// Passes bytes on.
    None(&'a [u8]),
    /// All members, one after the other.
    Gzip(Box<MultiGzDecoder<&'a [u8]>>),
    /// Xerial framing, or one raw block.
    Snappy(Box<snappy::Reader<'a>>),
    /// One frame.
    Lz4(lz4::Decoder<&'a [u8]>),
    /// All frames, one after the other.
    Zstd(zstd::stream::read::Decoder<'a, &'a [u8]>),
}

impl<'a> Decoder<'a> {
    /// Starts to decompress `bytes` with the working memory of an earlier decoder.
    pub fn new(codec: Codec, bytes: &'a [u8], scratch: &'a mut Scratch) -> io::Result<Self> {
        Ok(match codec {
            Codec::None => Self::None(bytes),
            Codec::Gzip => Self::Gzip(Box::new(MultiGzDecoder::new(bytes))),
            Codec::Snappy => Self::Snappy(Box::new(snappy::Reader::new(bytes))),
            Codec::Lz4 => Self::Lz4(lz4::Decoder::new(bytes)?),
            Codec::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_context(bytes, scratch.zstd());
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                Self::Zstd(decoder)
            }
        })
    }
}

impl Read for Decoder<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::None(bytes) => bytes.read(out),
            Self::Gzip(decoder) => decoder.read(out),
            Self::Snappy(decoder) => decoder.read(out),
            Self::Lz4(decoder) => decoder.read(out),
            Self::Zstd(decoder) => decoder.read(out),
        }
    }
}

/// Compresses what is written to it. Nothing is whole before [`Encoder::finish`].
pub enum Encoder<W: Write> {
    /// Passes bytes on.
    None(W),
    /// One member.
    Gzip(Box<GzEncoder<W>>),
    /// Xerial framing.
    Snappy(Box<snappy::Writer<W>>),
    /// One frame of independent 64 KiB blocks.
    Lz4(Box<lz4::Encoder<W>>),
    /// One frame.
    Zstd(Box<zstd::stream::write::Encoder<'static, W>>),
}

impl<W: Write> Encoder<W> {
    /// Starts to compress into `sink`. A level outside the codec's range is moved to its nearest end.
    pub fn new(codec: Codec, level: i32, sink: W) -> io::Result<Self> {
        Ok(match codec {
            Codec::None => Self::None(sink),
            Codec::Gzip => Self::Gzip(Box::new(GzEncoder::new(sink, gzip_level(level)))),
            Codec::Snappy => Self::Snappy(Box::new(snappy::Writer::new(sink)?)),
            Codec::Lz4 => {
                let encoder = lz4::EncoderBuilder::new()
                    .block_size(lz4::BlockSize::Max64KB)
                    .block_mode(lz4::BlockMode::Independent)
                    .block_checksum(lz4::liblz4::BlockChecksum::NoBlockChecksum)
                    .checksum(lz4::ContentChecksum::NoChecksum)
                    .level(lz4_level(level))
                    .build(sink)?;
                Self::Lz4(Box::new(encoder))
            }
            Codec::Zstd => {
                let levels = Codec::Zstd.levels();
                let level = level.clamp(*levels.start(), *levels.end());
                Self::Zstd(Box::new(zstd::stream::write::Encoder::new(sink, level)?))
            }
        })
    }

    /// Writes what is still held back and the end of the stream, and gives the sink back.
    pub fn finish(self) -> io::Result<W> {
        match self {
            Self::None(sink) => Ok(sink),
            Self::Gzip(encoder) => encoder.finish(),
            Self::Snappy(encoder) => encoder.finish(),
            Self::Lz4(encoder) => {
                let (sink, finished) = encoder.finish();
                finished.map(|()| sink)
            }
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::None(sink) => sink.write(bytes),
            Self::Gzip(encoder) => encoder.write(bytes),
            Self::Snappy(encoder) => encoder.write(bytes),
            Self::Lz4(encoder) => encoder.write(bytes),
            Self::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::None(sink) => sink.flush(),
            Self::Gzip(encoder) => encoder.flush(),
            Self::Snappy(encoder) => encoder.flush(),
            Self::Lz4(encoder) => encoder.flush(),
            Self::Zstd(encoder) => encoder.flush(),
        }
    }
}

fn gzip_level(level: i32) -> flate2::Compression {
    match level {
        -1 => flate2::Compression::default(),
        level => flate2::Compression::new(level.clamp(1, 9) as u32),
    }
}

/// Kafka's default level, 9, means LZ4's fast compressor; every other level means LZ4 HC. The C library calls its fast
/// compressor 0 and knows HC levels 3 to 12.
fn lz4_level(level: i32) -> u32 {
    match level {
        9 => 0,
        level => level.clamp(3, 12) as u32,
    }
}

/// Compresses `bytes` whole.
pub fn compress(codec: Codec, level: i32, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = Encoder::new(codec, level, Vec::new())?;
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// Decompresses `bytes` whole, refusing to hold more than `limit_bytes`. Borrowed without a codec.
pub fn decompress(codec: Codec, bytes: &[u8], limit_bytes: usize) -> Result<Cow<'_, [u8]>, CompressError> {
    if codec == Codec::None {
        return if bytes.len() > limit_bytes {
            Err(CompressError::TooLong { limit_bytes })
        } else {
            Ok(Cow::Borrowed(bytes))
        };
    }
    let malformed = |error: io::Error| CompressError::Malformed { codec, reason: error.to_string() };
    let mut out = Vec::new();
    let mut scratch = Scratch::default();
    let decoder = Decoder::new(codec, bytes, &mut scratch).map_err(malformed)?;
    decoder.take((limit_bytes as u64).saturating_add(1)).read_to_end(&mut out).map_err(malformed)?;
    if out.len() > limit_bytes {
        return Err(CompressError::TooLong { limit_bytes });
    }
    Ok(Cow::Owned(out))
}
