//! Records and their bytes.

use super::any::record;
use crate::ids::Uuid;
use crate::metadata::codec::{decode_all, decode_each, encode_all, DecodeError, MAX_RECORD_BYTES};
use crate::metadata::record::MetadataRecord;
use proptest::collection::vec;
use proptest::prelude::*;

proptest! {
    #[test]
    fn records_survive_their_bytes(records in vec(record(), 0..8)) {
        prop_assert_eq!(decode_all(&encode_all(&records)), Ok(records));
    }

    #[test]
    fn random_bytes_never_panic(bytes in vec(any::<u8>(), 0..300)) {
        let records: Vec<_> = decode_each(&bytes).collect();
        // The first fault ends the walk, so there are no more results than bytes.
        prop_assert!(records.len() <= bytes.len());
    }

    #[test]
    fn damaged_records_never_panic(records in vec(record(), 1..4), at in any::<prop::sample::Index>(), bits in 1..=255_u8, cut in any::<prop::sample::Index>()) {
        let mut bytes = encode_all(&records);
        let place = at.index(bytes.len());
        bytes[place] ^= bits;
        let _ = decode_all(&bytes);
        let whole = encode_all(&records);
        let cut = cut.index(whole.len());
        if let Ok(fewer) = decode_all(&whole[..cut]) {
            prop_assert_eq!(&fewer[..], &records[..fewer.len()]);
            prop_assert!(fewer.len() < records.len());
        }
    }
}

#[test]
fn the_bytes_stay_the_same() {
    let records = [
        MetadataRecord::Topic { name: "t".to_owned(), topic_id: Uuid::from_u128(1) },
        MetadataRecord::FeatureLevel { name: "f".to_owned(), level: 3 },
        MetadataRecord::NoOp,
    ];
    let expected: &[u8] = &[
        23, 10, 21, 10, 1, b't', 18, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, // topic
        7, 82, 5, 10, 1, b'f', 16, 3, // feature level
        2, 98, 0, // nothing
    ];
    assert_eq!(encode_all(&records), expected);
}

#[test]
fn unknown_fields_are_skipped_and_unknown_kinds_are_not() {
    // A topic with a field 9 that this version does not know.
    let with_new_field = [12, 10, 10, 10, 1, b't', 18, 0, 74, 3, b'n', b'e', b'w'];
    assert_eq!(decode_all(&with_new_field), Err(DecodeError::OutOfRange("topic_id")), "the id is too short");
    let feature_with_new_field = [12, 82, 10, 10, 1, b'f', 16, 3, 74, 3, b'n', b'e', b'w'];
    let feature = MetadataRecord::FeatureLevel { name: "f".to_owned(), level: 3 };
    assert_eq!(decode_all(&feature_with_new_field), Ok(vec![feature]));
    let new_kind = [3, 0xFA, 0x06, 0];
    assert_eq!(decode_all(&new_kind), Err(DecodeError::UnknownKind));
}

#[test]
fn a_length_beyond_the_limit_is_refused_before_it_is_read() {
    let mut bytes = Vec::new();
    prost::encoding::encode_varint(MAX_RECORD_BYTES as u64 + 1, &mut bytes);
    assert_eq!(decode_all(&bytes), Err(DecodeError::TooLong(MAX_RECORD_BYTES as u64 + 1)));
    bytes.clear();
    prost::encoding::encode_varint(100, &mut bytes);
    assert_eq!(decode_all(&bytes), Err(DecodeError::Truncated));
}
