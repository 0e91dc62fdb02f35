//! The walk against the codec: every API, every version.

pub(crate) mod allocator;
mod memory;
mod samples;

use super::probe::{body_of, with_type_of, Outcome, Visit};
use super::*;
use crate::rng::Rng;
use bytes::{Bytes, BytesMut};
use kafka_protocol::protocol::Request;

/// Every API and version that is served.
fn every_version() -> impl Iterator<Item = (i16, i16)> {
    versions::TABLE.iter().flat_map(|api| (api.min..=api.max).map(|version| (api.key, version)))
}

/// Decodes and encodes again.
struct Recode {
    version: i16,
    body: Bytes,
}

impl Visit for Recode {
    type Output = BytesMut;

    fn visit<R: Request>(mut self) -> BytesMut {
        let request = R::decode(&mut self.body, self.version).expect("decodes");
        let mut encoded = BytesMut::new();
        request.encode(&mut encoded, self.version).expect("encodes");
        encoded
    }
}

#[test]
fn a9_the_table_and_the_codec_agree_on_every_version() {
    let rng = Rng::from_seed(1);
    for (key, version) in every_version() {
        for round in 0..30 {
            let body = samples::body(&rng, key, version);
            let name = || format!("key {key} version {version} round {round}: {body:02x?}");
            assert_eq!(walk(key, version, &body), Ok(&[][..]), "{}", name());
            let outcome = body_of(key, version, Bytes::from(body.clone()));
            assert_eq!(outcome, Outcome::Decoded(0), "{}", name());
            // What the codec itself writes passes as well.
            let recoded = with_type_of(key, Recode { version, body: Bytes::from(body.clone()) }).unwrap();
            assert_eq!(walk(key, version, &recoded), Ok(&[][..]), "{}", name());
        }
    }
}

#[test]
fn a9_cut_bodies_are_refused_wherever_they_are_cut() {
    let rng = Rng::from_seed(2);
    for (key, version) in every_version() {
        let body = samples::body(&rng, key, version);
        for length in 0..body.len() {
            let outcome = check(key, version, &body[..length]);
            assert!(outcome.is_err(), "key {key} version {version}: {length} of {} bytes pass", body.len());
        }
    }
}

#[test]
fn a9_what_passes_the_walk_is_decoded_or_refused_but_never_panics() {
    let rng = Rng::from_seed(3);
    let (mut passed, mut refused) = (0, 0);
    for (key, version) in every_version() {
        for _ in 0..60 {
            let mut body = samples::body(&rng, key, version);
            samples::mutate(&rng, &mut body);
            match check(key, version, &body) {
                Ok(()) => {
                    passed += 1;
                    body_of(key, version, Bytes::from(body));
                }
                Err(_) => refused += 1,
            }
        }
    }
    assert!(passed > 1000 && refused > 1000, "{passed} passed, {refused} refused");
}

#[test]
fn a12_counts_are_bounded_by_the_bytes_behind_them() {
    let metadata_v1 = |count: i32, rest: usize| [&count.to_be_bytes()[..], &vec![0; rest]].concat();
    assert_eq!(check(3, 1, &metadata_v1(i32::MAX, 0)), Err(ShapeError::Count(i32::MAX as usize)));
    assert_eq!(check(3, 1, &metadata_v1(3, 5)), Err(ShapeError::Count(3)));
    assert_eq!(check(3, 1, &metadata_v1(3, 6)), Ok(()));
    assert_eq!(check(3, 1, &metadata_v1(-1, 0)), Ok(()));
    assert_eq!(check(3, 1, &metadata_v1(-2, 0)), Err(ShapeError::Length));
    // A compact count of 2^32 - 2, as cheap as it gets.
    assert_eq!(check(3, 12, &[0xff, 0xff, 0xff, 0xff, 0x0f]), Err(ShapeError::Count(u32::MAX as usize - 1)));
    assert_eq!(check(3, 12, &[0xff, 0xff, 0xff, 0xff, 0x1f]), Err(ShapeError::Length));
    // OffsetForLeaderEpoch has arrays in arrays: an inner count is bounded, too.
    let nested = [&(-1i32).to_be_bytes()[..], &1i32.to_be_bytes(), &[0, 1, b't'], &i32::MAX.to_be_bytes()].concat();
    assert_eq!(check(23, 3, &nested), Err(ShapeError::Count(i32::MAX as usize)));
}

#[test]
fn a12_arrays_and_tagged_sections_have_kafkas_bounds() {
    // DescribeCluster 0: one boolean, then the tagged section.
    let tagged = |count: usize| {
        let mut body = vec![0, (count & 0x7f) as u8 | 0x80, ((count >> 7) & 0x7f) as u8 | 0x80, (count >> 14) as u8];
        (0..count).for_each(|_| body.extend_from_slice(&[0x7f, 0]));
        body
    };
    assert_eq!(check(60, 0, &tagged(10_001)), Err(ShapeError::TaggedFields(10_001)));
    // The same tag again and again costs the codec nothing, but the walk cannot know that they are the same.
    assert_eq!(check(60, 0, &tagged(10_000)), Err(ShapeError::Memory));
    assert_eq!(check(60, 0, &tagged(300)), Ok(()));
    // DeleteTopics 3: strings of two bytes each.
    let topics = |count: usize| [&(count as i32).to_be_bytes()[..], &vec![0; 2 * count + 4]].concat();
    assert_eq!(check(20, 3, &topics(1_000_001)), Err(ShapeError::Count(1_000_001)));
    assert_eq!(check(20, 3, &topics(1_000_000)), Ok(()));
}

#[test]
fn a9_strings_are_no_longer_than_kafka_reads_them() {
    // FindCoordinator 3: a key of so many bytes, the key's type, no tagged fields.
    let asked = |length: usize| {
        let compact = length + 1;
        let mut body = vec![(compact & 0x7f) as u8 | 0x80, (compact >> 7 & 0x7f) as u8 | 0x80, (compact >> 14) as u8];
        body.resize(3 + length, b'g');
        body.extend_from_slice(&[0, 0]);
        body
    };
    assert_eq!(check(10, 3, &asked(MAX_TEXT_BYTES)), Ok(()));
    assert_eq!(check(10, 3, &asked(MAX_TEXT_BYTES + 1)), Err(ShapeError::Length));
}

#[test]
fn a_known_tagged_field_fills_its_size() {
    // FetchSnapshot 0 with a cluster id (tag 0) of three letters: "abc" takes 4 bytes.
    let body = |size: u8| {
        let mut bytes = vec![0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 0, size, 4, b'a', b'b', b'c'];
        bytes.extend_from_slice(&[0; 8]);
        bytes
    };
    assert_eq!(check(59, 0, &body(4)), Ok(()));
    assert_eq!(check(59, 0, &body(3)), Err(ShapeError::TaggedSize(0)));
    assert_eq!(check(59, 0, &body(5)), Err(ShapeError::TaggedSize(0)));
    assert_eq!(check(59, 0, &body(60)), Err(ShapeError::Cut));
}

#[test]
fn a9_versions_that_are_not_served_are_refused() {
    for (key, version) in
        [(0, 2), (0, 14), (8, 10), (9, 10), (22, 6), (18, 5), (88, 0), (4, 0), (-1, 0), (3, -1), (i16::MAX, i16::MAX)]
    {
        assert_eq!(check(key, version, &[0; 64]), Err(ShapeError::Version), "key {key} version {version}");
    }
}
