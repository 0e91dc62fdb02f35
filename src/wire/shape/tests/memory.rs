//! What decoding asks the allocator for, whatever the bytes.

use super::super::probe::{self, Outcome};
use super::allocator::asked_by;
use super::*;

/// Decodes a frame that has passed the walk and holds what it asked for against the bound.
fn decode_within_the_bound(key: i16, version: i16, body: Vec<u8>) -> Outcome {
    let length = body.len();
    let body = Bytes::from(body);
    let (outcome, bytes, _) = asked_by(|| probe::body_of(key, version, body.clone()));
    let limit = MEMORY_FACTOR * length + MEMORY_BASE_BYTES;
    assert!(
        bytes <= limit,
        "key {key} version {version}: {length} bytes ask for {bytes}, more than {limit}: {body:02x?}"
    );
    outcome
}

#[test]
fn a12_no_request_asks_for_more_than_16_times_its_length_and_64_kib() {
    let rng = Rng::from_seed(11);
    let mut decoded = 0;
    for (key, version) in every_version() {
        for _ in 0..150 {
            let mut body = samples::body(&rng, key, version);
            samples::mutate(&rng, &mut body);
            if check(key, version, &body).is_ok() {
                decoded += usize::from(decode_within_the_bound(key, version, body) != Outcome::Malformed);
            }
        }
    }
    assert!(decoded > 10_000, "{decoded} were decoded");
}

#[test]
fn a12_the_walk_asks_for_nothing() {
    let rng = Rng::from_seed(12);
    for (key, version) in every_version() {
        let mut body = samples::body(&rng, key, version);
        let (_, bytes, _) = asked_by(|| check(key, version, &body));
        assert_eq!(bytes, 0);
        samples::mutate(&rng, &mut body);
        let (_, bytes, _) = asked_by(|| check(key, version, &body));
        assert_eq!(bytes, 0);
    }
}

#[test]
fn a12_the_most_wasteful_bodies_stay_within_the_bound() {
    // A long array of the smallest elements behind a few bytes of earlier fields: zeros are null or empty in all of them.
    const SIZE: usize = 16_000;
    let mut refused_for_memory = 0;
    for (key, version) in every_version() {
        for count in [SIZE / 8, SIZE / 4, SIZE / 3, SIZE / 2] {
            let compact = [0x80 | count as u8, 0x80 | (count >> 7) as u8, (count >> 14) as u8];
            for length in [&(count as u32).to_be_bytes()[..], &compact] {
                for prefix in (0..24).flat_map(|length| [vec![0; length], vec![1; length]]) {
                    let mut body = [&prefix, length].concat();
                    body.resize(SIZE, 0);
                    match check(key, version, &body) {
                        Ok(()) => drop(decode_within_the_bound(key, version, body)),
                        Err(ShapeError::Memory) => refused_for_memory += 1,
                        Err(_) => {}
                    }
                }
            }
        }
    }
    assert!(refused_for_memory > 100, "{refused_for_memory} were refused for their memory alone");
}

#[test]
fn a12_unknown_tagged_fields_stay_within_the_bound() {
    // DescribeCluster 0 with ever more unknown tags, in ascending order: the map that holds them fills its nodes by half.
    let mut passed = 0;
    for count in 1..=MAX_TAGGED_FIELDS {
        let mut body = vec![0, count as u8 | 0x80, (count >> 7) as u8 | 0x80, (count >> 14) as u8];
        for tag in 0..count {
            body.extend_from_slice(&[tag as u8 | 0x80, (tag >> 7) as u8 | 0x80, (tag >> 14) as u8, 0]);
        }
        if check(60, 0, &body).is_ok() {
            passed = count;
            decode_within_the_bound(60, 0, body);
        } else if count > passed + 100 {
            break;
        }
    }
    assert!(passed > 300, "{passed} pass");
}
