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

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BytesMut;
    use kafka_protocol::messages::{self, ApiKey};
    use kafka_protocol::protocol::{encode_request_header_into_buffer, StrBytes};

    fn encoded(api: ApiKey, version: i16, client_id: Option<&'static str>) -> BytesMut {
        let mut header = messages::RequestHeader::default()
            .with_request_api_key(api as i16)
            .with_request_api_version(version)
            .with_correlation_id(-7)
            .with_client_id(client_id.map(StrBytes::from_static_str));
        if api.request_header_version(version) >= 2 {
            header.unknown_tagged_fields.insert(300, bytes::Bytes::from_static(b"abc"));
        }
        let mut frame = BytesMut::new();
        encode_request_header_into_buffer(&mut frame, &header).unwrap();
        frame.extend_from_slice(b"body");
        frame
    }

    #[test]
    fn headers_are_read_as_the_codec_writes_them() {
        for api in versions::TABLE {
            for version in api.min..=api.max {
                for client_id in [None, Some(""), Some("rdkafka"), Some("bücher")] {
                    let frame = encoded(ApiKey::try_from(api.key).unwrap(), version, client_id);
                    let header = header(&frame).unwrap();
                    assert_eq!((header.api, header.version, header.correlation_id), (api, version, -7));
                    assert_eq!(header.client_id, client_id);
                    assert_eq!(&frame[header.body_start..], b"body");
                }
            }
        }
    }

    #[test]
    fn a9_no_cut_or_damaged_header_panics() {
        for (api, version) in [(ApiKey::Produce, 9), (ApiKey::ApiVersions, 3), (ApiKey::OffsetDelete, 0)] {
            let frame = encoded(api, version, Some("rdkafka"));
            let whole = header(&frame).unwrap().body_start;
            for length in 0..frame.len() {
                assert_eq!(header(&frame[..length]).is_ok(), length >= whole, "{api:?} cut to {length}");
            }
            for at in 0..whole {
                for byte in 0..=255 {
                    let mut damaged = frame.clone();
                    damaged[at] = byte;
                    if let Ok(header) = header(&damaged) {
                        assert!(header.body_start <= damaged.len());
                    }
                }
            }
        }
    }

    #[test]
    fn a1_the_header_of_an_unknown_version_of_api_versions_is_read() {
        let mut frame = encoded(ApiKey::ApiVersions, 4, Some("new"));
        frame[2..4].copy_from_slice(&99i16.to_be_bytes());
        let header = header(&frame).unwrap();
        assert_eq!((header.version, header.correlation_id), (99, -7));
        assert!(!header.api.serves(99));
    }

    #[test]
    fn a10_prefixes_are_judged_before_anything_is_read() {
        assert_eq!(length((-1i32).to_be_bytes(), 100), Err(FrameError::TooShort(-1)));
        assert_eq!(length(i32::MIN.to_be_bytes(), 100), Err(FrameError::TooShort(i32::MIN)));
        assert_eq!(length(9i32.to_be_bytes(), 100), Err(FrameError::TooShort(9)));
        assert_eq!(length(10i32.to_be_bytes(), 100), Ok(10));
        assert_eq!(length(100i32.to_be_bytes(), 100), Ok(100));
        assert_eq!(length(101i32.to_be_bytes(), 100), Err(FrameError::TooLong { length: 101, limit: 100 }));
        let fetch = 1i16.to_be_bytes();
        assert_eq!(check_api_bound(NON_PRODUCE_MAX_BYTES, &fetch), Ok(()));
        assert!(check_api_bound(NON_PRODUCE_MAX_BYTES + 1, &fetch).is_err());
        assert_eq!(check_api_bound(REQUEST_MAX_BYTES, &[0, 0]), Ok(()));
        assert_eq!(check_api_bound(100, &[0]), Err(FrameError::Header));
    }

    #[test]
    fn varints_of_more_than_32_bits_are_refused() {
        assert_eq!(unsigned_varint(&[0xff, 0xff, 0xff, 0xff, 0x0f, 9]), Some((u32::MAX, &[9][..])));
        assert_eq!(unsigned_varint(&[0xff, 0xff, 0xff, 0xff, 0x10]), None);
        assert_eq!(unsigned_varint(&[0x80, 0x80, 0x80, 0x80, 0x80, 0]), None);
        assert_eq!(unsigned_varint(&[0x80]), None);
        assert_eq!(unsigned_varint(&[]), None);
    }
}
