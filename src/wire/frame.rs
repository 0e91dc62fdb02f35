//! Frames: a length, then a header, then a body. Everything here works on bytes that nobody has checked.

use super::versions::{self, ApiVersion};

/// The length prefix in front of each frame, in bytes.
pub const PREFIX_BYTES: usize = 4;
/// The shortest request: API key, version, correlation id, and the client id's length.
pub const SHORTEST_REQUEST_BYTES: usize = 10;
/// Kafka's `socket.request.max.bytes` by default (A10).
pub const REQUEST_MAX_BYTES: usize = 100 * 1024 * 1024;
/// The longest request that is not a Produce, in bytes: decoded, such a request takes several times its length.
pub const NON_PRODUCE_MAX_BYTES: usize = 8 * 1024 * 1024;

/// Why bytes are not a frame that is served. The connection is closed: nothing behind it can be trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The length prefix is below what a request needs; negative ones count as such.
    #[error("a frame of {0} bytes cannot hold a request header")]
    TooShort(i32),
    /// The length prefix is above the bound.
    #[error("a frame of {length} bytes exceeds the limit of {limit}")]
    TooLong {
        /// What the prefix says, in bytes.
        length: usize,
        /// What is allowed, in bytes.
        limit: usize,
    },
    /// The header does not fit its frame.
    #[error("the request header is cut or malformed")]
    Header,
    /// No API has this key.
    #[error("unknown API key {0}")]
    UnknownApi(i16),
}

/// The frame's length in bytes without its prefix, checked against what any request may have.
/// `request_max_bytes` is `socket.request.max.bytes`.
pub fn length(prefix: [u8; PREFIX_BYTES], request_max_bytes: usize) -> Result<usize, FrameError> {
    let signed = i32::from_be_bytes(prefix);
    let length = usize::try_from(signed).map_err(|_| FrameError::TooShort(signed))?;
    if length < SHORTEST_REQUEST_BYTES {
        return Err(FrameError::TooShort(signed));
    }
    if length > request_max_bytes {
        return Err(FrameError::TooLong { length, limit: request_max_bytes });
    }
    Ok(length)
}

/// Checks a frame's length against the bound of its API; `start` is what has arrived of it, at least two bytes.
pub fn check_api_bound(length: usize, start: &[u8]) -> Result<(), FrameError> {
    let key = api_key(start).ok_or(FrameError::Header)?;
    if key != versions::PRODUCE && length > NON_PRODUCE_MAX_BYTES {
        return Err(FrameError::TooLong { length, limit: NON_PRODUCE_MAX_BYTES });
    }
    Ok(())
}

/// The API key that a frame (or its beginning) names; `None` below two bytes.
pub fn api_key(frame: &[u8]) -> Option<i16> {
    frame.first_chunk().map(|bytes| i16::from_be_bytes(*bytes))
}

/// A request's header, as slices of the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestHeader<'a> {
    /// The API's row. Its `serves(version)` has not been asked yet (A1, A9).
    pub api: &'static ApiVersion,
    /// The version of the request.
    pub version: i16,
    /// Comes back in the answer.
    pub correlation_id: i32,
    /// What the client calls itself; `None` where it is null.
    pub client_id: Option<&'a str>,
    /// Where the body starts in the frame.
    pub body_start: usize,
}

/// Reads a frame's header. The client id must be UTF-8, tagged fields are skipped.
pub fn header(frame: &[u8]) -> Result<RequestHeader<'_>, FrameError> {
    let (fixed, rest) = frame.split_first_chunk::<SHORTEST_REQUEST_BYTES>().ok_or(FrameError::Header)?;
    let [k0, k1, v0, v1, c0, c1, c2, c3, l0, l1] = *fixed;
    let key = i16::from_be_bytes([k0, k1]);
    let version = i16::from_be_bytes([v0, v1]);
    let api = versions::lookup(key).ok_or(FrameError::UnknownApi(key))?;
    let (client_id, mut rest) = match i16::from_be_bytes([l0, l1]) {
        -1 => (None, rest),
        length => {
            let length = usize::try_from(length).map_err(|_| FrameError::Header)?;
            let (client_id, rest) = rest.split_at_checked(length).ok_or(FrameError::Header)?;
            (Some(std::str::from_utf8(client_id).map_err(|_| FrameError::Header)?), rest)
        }
    };
    if api.is_flexible(version) {
        rest = skip_tagged(rest).ok_or(FrameError::Header)?;
    }
    let correlation_id = i32::from_be_bytes([c0, c1, c2, c3]);
    Ok(RequestHeader { api, version, correlation_id, client_id, body_start: frame.len() - rest.len() })
}

/// What follows a section of tagged fields; `None` if it is cut.
fn skip_tagged(bytes: &[u8]) -> Option<&[u8]> {
    let (count, mut rest) = unsigned_varint(bytes)?;
    for _ in 0..count {
        let (_tag, after_tag) = unsigned_varint(rest)?;
        let (size, after_size) = unsigned_varint(after_tag)?;
        // Every field takes bytes, so that a huge count ends with the frame.
        rest = after_size.get(usize::try_from(size).ok()?..)?;
    }
    Some(rest)
}

/// An unsigned varint of at most 32 bits, and what follows it.
pub(super) fn unsigned_varint(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let mut value = 0u32;
    for (index, byte) in bytes.iter().take(5).enumerate() {
        let low = u32::from(byte & 0x7f);
        if index == 4 && low > 0x0f {
            return None;
        }
        value |= low << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[index + 1..]));
        }
    }
    None
}
