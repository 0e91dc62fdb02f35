//! Looks at the keys of a batch's records, and stores a batch anew with some of its records: what compaction does.
//!
//! Records pass as streams: what is held is one key and a bit for each record, however far a batch decompresses. What is
//! kept keeps its offset, its time, its attributes, and its headers byte for byte, in their order, doubles included.

use super::build::{seal, BuildError};
use super::compress::{Codec, Decoder, Encoder, Scratch};
use super::header::{
    BatchHeader, TimestampType, CODEC_MASK, CONTROL_BIT, DELETE_HORIZON_BIT, HEADER_BYTES, LOG_APPEND_TIME_BIT,
    TRANSACTIONAL_BIT,
};
use super::records::RecordError;
use super::varint::{put_signed, signed_bytes};
use super::walk::{record_end, Input, SliceInput, StreamInput, WalkError};
use super::MAX_DECOMPRESSED_BYTES;
use std::io::{self, Write};

/// What is told of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordLook<'a> {
    /// Its offset.
    pub offset: i64,
    /// `None` is null, which is not the empty key.
    pub key: Option<&'a [u8]>,
    /// False for a tombstone.
    pub has_value: bool,
}

/// What a batch holds after a judgement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sifted {
    /// Records that stay.
    pub kept: usize,
    /// Records that go.
    pub dropped: usize,
    /// Tombstones among those that stay.
    pub tombstones: usize,
    /// Largest timestamp of those that stay, in ms.
    max_timestamp: i64,
}

/// Reads and rewrites batches, one after the other, with the same working memory.
#[derive(Default)]
pub struct Sieve {
    scratch: Scratch,
    key: Vec<u8>,
    /// Which records of the last batch stay.
    kept: Vec<bool>,
}

impl Sieve {
    /// Tells `each` the records of a whole batch until it says that it has had enough.
    pub fn look(
        &mut self,
        header: &BatchHeader,
        batch: &[u8],
        mut each: impl FnMut(&RecordLook<'_>) -> bool,
    ) -> Result<(), WalkError> {
        let Self { scratch, key, .. } = self;
        each_record(header, batch, scratch, key, |look, _| each(look))
    }

    /// Asks `keep` of each record of a whole batch whether it stays. [`Self::store`] carries it out.
    pub fn sift(
        &mut self,
        header: &BatchHeader,
        batch: &[u8],
        mut keep: impl FnMut(&RecordLook<'_>) -> bool,
    ) -> Result<Sifted, WalkError> {
        let Self { scratch, key, kept } = self;
        kept.clear();
        let mut sifted = Sifted { max_timestamp: -1, ..Sifted::default() };
        each_record(header, batch, scratch, key, |look, timestamp| {
            let keeps = keep(look);
            kept.push(keeps);
            if keeps {
                sifted.kept += 1;
                sifted.tombstones += usize::from(!look.has_value);
                sifted.max_timestamp = sifted.max_timestamp.max(timestamp);
            } else {
                sifted.dropped += 1;
            }
            true
        })?;
        Ok(sifted)
    }

    /// The batch with the records that the last [`Self::sift`], of this very batch, has kept: at least one. `horizon` sets
    /// the delete horizon (KIP-534), `target` is the codec and its level. Offsets, producer and sequence stay.
    pub fn store(
        &mut self,
        header: &BatchHeader,
        batch: &[u8],
        sifted: &Sifted,
        horizon: Option<i64>,
        target: (Codec, i32),
    ) -> Result<(BatchHeader, Vec<u8>), WalkError> {
        assert!(sifted.kept > 0, "a batch without records is stored by `emptied`");
        let mut stored = *header;
        stored.attributes = header.attributes & !CODEC_MASK | target.0.id();
        if header.timestamp_type() == TimestampType::CreateTime {
            stored.max_timestamp = sifted.max_timestamp;
        }
        if let Some(horizon) = horizon {
            stored.attributes |= DELETE_HORIZON_BIT;
            stored.base_timestamp = horizon;
        }
        stored.record_count = i32::try_from(sifted.kept).expect("no more than the batch had");
        let mut bytes = vec![0; HEADER_BYTES];
        let records = &batch[HEADER_BYTES..header.size_bytes()];
        let encoder = Encoder::new(target.0, target.1, &mut bytes).map_err(WalkError::Stream)?;
        let rebase = horizon.map(|_| (header, stored.base_timestamp));
        match codec_of(header)? {
            Codec::None => transcribe(&mut SliceInput::new(records), &self.kept, rebase, encoder)?,
            codec => {
                let decoder = Decoder::new(codec, records, &mut self.scratch).map_err(WalkError::Stream)?;
                let mut input = StreamInput::new(decoder, MAX_DECOMPRESSED_BYTES as u64);
                transcribe(&mut input, &self.kept, rebase, encoder)?;
            }
        }
        let stored = seal(stored, &mut bytes).map_err(unsealed)?;
        Ok((stored, bytes))
    }
}

/// The batch without its records: what is left says whose last sequence and which last offset it had (KIP-98).
pub fn emptied(header: &BatchHeader) -> Result<(BatchHeader, Vec<u8>), WalkError> {
    let mut bytes = vec![0; HEADER_BYTES];
    let attributes = header.attributes & (LOG_APPEND_TIME_BIT | TRANSACTIONAL_BIT | CONTROL_BIT);
    let empty = BatchHeader { attributes, base_timestamp: -1, record_count: 0, ..*header };
    let empty = seal(empty, &mut bytes).map_err(unsealed)?;
    Ok((empty, bytes))
}

fn unsealed(error: BuildError) -> WalkError {
    WalkError::Stream(io::Error::other(error))
}

fn codec_of(header: &BatchHeader) -> Result<Codec, WalkError> {
    header.codec().map_err(|error| WalkError::Stream(io::Error::new(io::ErrorKind::InvalidData, error.to_string())))
}

/// Walks a batch's records; `each` gets the record and its timestamp, and says whether to go on.
fn each_record(
    header: &BatchHeader,
    batch: &[u8],
    scratch: &mut Scratch,
    key: &mut Vec<u8>,
    each: impl FnMut(&RecordLook<'_>, i64) -> bool,
) -> Result<(), WalkError> {
    let records = &batch[HEADER_BYTES..header.size_bytes()];
    match codec_of(header)? {
        // An emptied batch has no stream behind it.
        _ if header.record_count == 0 && records.is_empty() => Ok(()),
        Codec::None => walk_keys(SliceInput::new(records), header, key, each),
        codec => {
            let decoder = Decoder::new(codec, records, scratch).map_err(WalkError::Stream)?;
            walk_keys(StreamInput::new(decoder, MAX_DECOMPRESSED_BYTES as u64), header, key, each)
        }
    }
}

fn walk_keys<I: Input>(
    mut input: I,
    header: &BatchHeader,
    key: &mut Vec<u8>,
    mut each: impl FnMut(&RecordLook<'_>, i64) -> bool,
) -> Result<(), WalkError> {
    if header.record_count < 0 {
        return Err(RecordError::Count(header.record_count).into());
    }
    for _ in 0..header.record_count {
        let (length, end) = record_end(&mut input)?;
        input.skip(1)?;
        let timestamp_delta = input.i64()?;
        let offset_delta = input.i32()?;
        key.clear();
        let key_bytes = u64::try_from(input.i32()?).ok();
        if let Some(bytes) = key_bytes {
            if bytes > end.saturating_sub(input.position()) {
                return Err(RecordError::Fields(length).into());
            }
            input.pass(bytes, |piece| {
                key.extend_from_slice(piece);
                Ok(())
            })?;
        }
        let has_value = input.i32()? >= 0;
        let rest = end.checked_sub(input.position()).ok_or(RecordError::Fields(length))?;
        input.skip(rest)?;
        let timestamp = match header.timestamp_type() {
            TimestampType::CreateTime => header.base_timestamp.wrapping_add(timestamp_delta),
            TimestampType::LogAppendTime => header.max_timestamp,
        };
        let offset = header.base_offset.wrapping_add(i64::from(offset_delta));
        let look = RecordLook { offset, key: key_bytes.map(|_| key.as_slice()), has_value };
        if !each(&look, timestamp) {
            return Ok(());
        }
    }
    match input.at_end()? {
        true => Ok(()),
        false => Err(RecordError::Trailing.into()),
    }
}

/// Copies the records that `kept` names. With `rebase`, the header before and the new base timestamp, their timestamp
/// deltas are written anew.
fn transcribe<I: Input, W: Write>(
    input: &mut I,
    kept: &[bool],
    rebase: Option<(&BatchHeader, i64)>,
    mut encoder: Encoder<W>,
) -> Result<(), WalkError> {
    let mut head = Vec::new();
    for keeps in kept {
        let (length, end) = record_end(input)?;
        if !keeps {
            input.skip(end - input.position())?;
            continue;
        }
        head.clear();
        match rebase {
            None => put_signed(&mut head, i64::from(length)),
            Some((header, base_timestamp)) => {
                let mut attributes = 0;
                input.pass(1, |piece| {
                    attributes = piece[0];
                    Ok(())
                })?;
                let old_delta = input.i64()?;
                let timestamp = match header.timestamp_type() {
                    TimestampType::CreateTime => header.base_timestamp.wrapping_add(old_delta),
                    TimestampType::LogAppendTime => header.max_timestamp,
                };
                let delta = timestamp.wrapping_sub(base_timestamp);
                let rest = end.checked_sub(input.position()).ok_or(RecordError::Fields(length))?;
                put_signed(&mut head, 1 + signed_bytes(delta) as i64 + rest as i64);
                head.push(attributes);
                put_signed(&mut head, delta);
            }
        }
        encoder.write_all(&head).map_err(WalkError::Stream)?;
        let rest = end.checked_sub(input.position()).ok_or(RecordError::Fields(length))?;
        input.pass(rest, |piece| encoder.write_all(piece))?;
    }
    encoder.finish().map(|_| ()).map_err(WalkError::Stream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::build::{end_transaction, BatchBuilder, Marker};
    use crate::record::crc;
    use crate::record::record_bytes;
    use crate::record::records::RecordIter;

    const HEADERS: &[(&[u8], Option<&[u8]>)] = &[(b"h", Some(b"1")), (b"h", Some(b"2")), (b"n", None), (b"h", None)];

    fn batch(codec: Codec) -> (BatchHeader, Vec<u8>) {
        let mut builder = BatchBuilder::new().compression(codec, codec.default_level()).producer(9, 1, 5);
        builder.append(1_000, Some(b"a"), Some(&[1; 5_000]), HEADERS);
        builder.append(1_400, Some(b"b"), Some(b"x"), &[]);
        builder.append(900, Some(b""), None, &[]);
        builder.append(1_200, None, Some(b"keyless"), HEADERS);
        let built = builder.build().expect("small");
        let mut bytes = built.bytes.to_vec();
        bytes[..16].copy_from_slice(&built.prefix(100, 7));
        (BatchHeader::parse(&bytes).expect("just built"), bytes)
    }

    type Plain = (i64, i64, Option<Vec<u8>>, Option<Vec<u8>>, usize);

    fn plain(header: &BatchHeader, batch: &[u8]) -> Vec<Plain> {
        assert!(crc::verify(batch));
        assert_eq!(BatchHeader::parse(batch).as_ref(), Ok(header));
        let records = record_bytes(header, batch, 1 << 20).expect("a good batch");
        let plain = |record: crate::record::records::RecordView<'_>| {
            let headers: Vec<_> = record.headers.iter().map(|header| header.expect("good")).collect();
            assert!(headers.is_empty() || headers == HEADERS);
            let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
            let timestamp = header.base_timestamp + record.timestamp_delta;
            let offset = header.base_offset + i64::from(record.offset_delta);
            (offset, timestamp, owned(record.key), owned(record.value), headers.len())
        };
        RecordIter::new(&records, header.record_count).map(|record| plain(record.expect("a good record"))).collect()
    }

    #[test]
    fn c4_c7_what_is_kept_keeps_all_of_itself_in_every_codec() {
        for from in Codec::ALL {
            for to in Codec::ALL {
                let (header, bytes) = batch(from);
                let whole = plain(&header, &bytes);
                for mask in 1..16 {
                    for horizon in [None, Some(5_000_000)] {
                        let mut sieve = Sieve::default();
                        let keeps = |look: &RecordLook<'_>| mask >> (look.offset - 100) & 1 == 1;
                        let sifted = sieve.sift(&header, &bytes, keeps).expect("a good batch");
                        let stored = sieve.store(&header, &bytes, &sifted, horizon, (to, to.default_level()));
                        let (stored, out) = stored.expect("a good batch");
                        let expected: Vec<Plain> =
                            whole.iter().filter(|record| mask >> (record.0 - 100) & 1 == 1).cloned().collect();
                        assert_eq!(plain(&stored, &out), expected, "{from:?} to {to:?}, {mask:04b}");
                        assert_eq!(sifted.tombstones, usize::from(mask & 4 != 0));
                        assert_eq!(stored.codec(), Ok(to));
                        assert_eq!(stored.last_offset(), 103);
                        assert_eq!(stored.last_sequence(), 8);
                        assert_eq!((stored.leader_epoch, stored.producer_id, stored.producer_epoch), (7, 9, 1));
                        assert_eq!(Some(stored.max_timestamp), expected.iter().map(|record| record.1).max());
                        assert_eq!(stored.has_delete_horizon(), horizon.is_some());
                        assert_eq!(stored.base_timestamp, horizon.unwrap_or(1_000));
                    }
                }
            }
        }
    }

    #[test]
    fn c5_a_horizon_once_set_stays_and_times_stay_true() {
        let (header, bytes) = batch(Codec::Zstd);
        let mut sieve = Sieve::default();
        let all = sieve.sift(&header, &bytes, |_| true).expect("a good batch");
        let to = (Codec::Lz4, 9);
        let (first, first_bytes) = sieve.store(&header, &bytes, &all, Some(77), to).expect("a good batch");
        let some = sieve.sift(&first, &first_bytes, |look| look.offset > 100).expect("a good batch");
        let (second, second_bytes) = sieve.store(&first, &first_bytes, &some, None, to).expect("a good batch");
        assert!(second.has_delete_horizon() && second.base_timestamp == 77);
        assert_eq!(plain(&second, &second_bytes), plain(&header, &bytes)[1..]);
    }

    #[test]
    fn c5_golden_bytes_of_a_tombstone_with_its_horizon() {
        let mut builder = BatchBuilder::new();
        builder.append(1_000, Some(b"old"), Some(b"v"), &[]).append(1_001, Some(b"k"), None, &[(b"h", None)]);
        let built = builder.build().expect("small");
        let mut sieve = Sieve::default();
        let sifted = sieve.sift(&built.header, &built.bytes, |look| !look.has_value).expect("a good batch");
        let stored = sieve.store(&built.header, &built.bytes, &sifted, Some(2_000), (Codec::None, 0));
        let (_, bytes) = stored.expect("a good batch");
        let expected = [
            &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 61, 0xff, 0xff, 0xff, 0xff, 2][..],
            &bytes[17..21],
            // The horizon bit, the last offset delta of before, the horizon as base, the kept record's own time.
            &[0, 0x40, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x07, 0xd0, 0, 0, 0, 0, 0, 0, 0x03, 0xe9],
            &[0xff; 14],
            &[0, 0, 0, 1],
            // Length 11, attributes, delta -999, offset delta 1, key, null value, one header without a value.
            &[22, 0, 0xcd, 0x0f, 2, 2, b'k', 1, 2, 2, b'h', 1],
        ];
        assert_eq!(bytes, expected.concat());
        assert!(crc::verify(&bytes));
    }

    #[test]
    fn c6_c7_golden_bytes_of_an_emptied_batch() {
        let marker = end_transaction(Marker::Commit, 7, 2, 0, 5_000).expect("small");
        let header = BatchHeader { base_offset: 300, leader_epoch: 4, ..marker.header };
        let (empty, bytes) = emptied(&header).expect("small");
        let expected = [
            &[0, 0, 0, 0, 0, 0, 1, 0x2c, 0, 0, 0, 49, 0, 0, 0, 4, 2][..],
            &bytes[17..21],
            &[0, 0x30, 0, 0, 0, 0],
            &[0xff; 8],
            &[0, 0, 0, 0, 0, 0, 0x13, 0x88, 0, 0, 0, 0, 0, 0, 0, 7, 0, 2, 0xff, 0xff, 0xff, 0xff],
            &[0, 0, 0, 0],
        ];
        assert_eq!(bytes, expected.concat());
        assert!(crc::verify(&bytes));
        let mut sieve = Sieve::default();
        assert_eq!(sieve.sift(&empty, &bytes, |_| true).expect("nothing to read").kept, 0);
    }

    #[test]
    fn broken_records_are_an_error_and_reserve_nothing() {
        let (header, bytes) = batch(Codec::None);
        for at in HEADER_BYTES..bytes.len() {
            for wrong in [0x80, 0xff, 0x7f] {
                let mut broken = bytes.clone();
                broken[at] = wrong;
                // Whatever comes of it: no panic.
                let mut sieve = Sieve::default();
                if let Ok(sifted) = sieve.sift(&header, &broken, |_| true) {
                    let _ = sieve.store(&header, &broken, &sifted, Some(1), (Codec::None, 0));
                }
            }
        }
        let mut sieve = Sieve::default();
        let long = BatchHeader { record_count: 5, ..header };
        assert!(sieve.sift(&long, &bytes, |_| true).is_err());
    }
}
