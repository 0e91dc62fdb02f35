//! Record batches of format 2, made by hand so that a test may also make them wrong.

use bytes::{BufMut, Bytes, BytesMut};
use crc_fast::{checksum, CrcAlgorithm};

/// The header of a batch in bytes.
pub const HEADER_BYTES: usize = 61;
/// The timestamp of every record that says no other.
pub const TIMESTAMP: i64 = 1_700_000_000_000;
/// The codecs of `attributes`.
pub const GZIP: i16 = 1;
pub const ZSTD: i16 = 4;

/// A key and a value.
pub type Record = (Option<Vec<u8>>, Option<Vec<u8>>);

/// What a batch says of itself. The default is one that every topic takes.
#[derive(Clone, Debug)]
pub struct Batch {
    pub base_offset: i64,
    pub magic: i8,
    /// The codec among them is applied to the records.
    pub attributes: i16,
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub base_sequence: i32,
    pub base_timestamp: i64,
    /// In order.
    pub records: Vec<Record>,
    /// One for each record from the first; the rest have 0.
    pub timestamp_deltas: Vec<i64>,
    /// Says another count than there are records.
    pub claimed_count: Option<i32>,
    /// Says another last offset delta than the count less 1.
    pub claimed_last_delta: Option<i32>,
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            base_offset: 0,
            magic: 2,
            attributes: 0,
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
            base_timestamp: TIMESTAMP,
            records: Vec::new(),
            timestamp_deltas: Vec::new(),
            claimed_count: None,
            claimed_last_delta: None,
        }
    }
}

impl Batch {
    /// A batch of these values, without keys.
    pub fn of(values: &[&str]) -> Self {
        let records = values.iter().map(|value| (None, Some(value.as_bytes().to_vec()))).collect();
        Self { records, ..Self::default() }
    }

    /// A batch of one value of so many bytes.
    pub fn of_size(bytes: usize) -> Self {
        Self { records: vec![(None, Some(vec![b'x'; bytes]))], ..Self::default() }
    }

    /// The same from an idempotent producer.
    pub fn from_producer(mut self, id: i64, epoch: i16, sequence: i32) -> Self {
        (self.producer_id, self.producer_epoch, self.base_sequence) = (id, epoch, sequence);
        self
    }

    /// The same with these timestamps, one a record.
    pub fn at(mut self, timestamps: &[i64]) -> Self {
        self.base_timestamp = timestamps[0];
        self.timestamp_deltas = timestamps.iter().map(|timestamp| timestamp - timestamps[0]).collect();
        self
    }

    /// The same with keys, one a record.
    pub fn keyed(mut self, keys: &[Option<&str>]) -> Self {
        for (record, key) in self.records.iter_mut().zip(keys) {
            record.0 = key.map(|key| key.as_bytes().to_vec());
        }
        self
    }

    /// The same with other attributes.
    pub fn with_attributes(self, attributes: i16) -> Self {
        Self { attributes, ..self }
    }

    /// The batch's bytes, checksum and all.
    pub fn encode(&self) -> Bytes {
        let mut covered = BytesMut::new();
        let count = self.claimed_count.unwrap_or(self.records.len() as i32);
        let largest_delta = self.timestamp_deltas.iter().copied().max().unwrap_or(0).max(0);
        covered.put_i16(self.attributes);
        covered.put_i32(self.claimed_last_delta.unwrap_or(count - 1));
        covered.put_i64(self.base_timestamp);
        covered.put_i64(self.base_timestamp + largest_delta);
        covered.put_i64(self.producer_id);
        covered.put_i16(self.producer_epoch);
        covered.put_i32(self.base_sequence);
        covered.put_i32(count);
        let records = self.encode_records();
        match self.attributes & 7 {
            GZIP => covered.put_slice(&gzip(&records)),
            ZSTD => covered.put_slice(&zstd(&records)),
            _ => covered.put_slice(&records),
        }
        let mut batch = BytesMut::new();
        batch.put_i64(self.base_offset);
        batch.put_i32(covered.len() as i32 + 9);
        batch.put_i32(-1);
        batch.put_i8(self.magic);
        batch.put_u32(checksum(CrcAlgorithm::Crc32Iscsi, &covered) as u32);
        batch.put_slice(&covered);
        batch.freeze()
    }

    fn encode_records(&self) -> BytesMut {
        let mut records = BytesMut::new();
        for (delta, (key, value)) in self.records.iter().enumerate() {
            let mut record = BytesMut::new();
            record.put_i8(0);
            put_varint(&mut record, self.timestamp_deltas.get(delta).copied().unwrap_or(0));
            put_varint(&mut record, delta as i64);
            for part in [key, value] {
                match part {
                    None => put_varint(&mut record, -1),
                    Some(part) => {
                        put_varint(&mut record, part.len() as i64);
                        record.put_slice(part);
                    }
                }
            }
            put_varint(&mut record, 0);
            put_varint(&mut records, record.len() as i64);
            records.put_slice(&record);
        }
        records
    }
}

/// A batch as it was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub base_offset: i64,
    pub leader_epoch: i32,
    pub attributes: i16,
    pub last_offset_delta: i32,
    pub max_timestamp: i64,
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub base_sequence: i32,
    pub count: i32,
    /// The whole batch.
    pub bytes: Bytes,
}

impl Stored {
    /// The values of its records, which must not be compressed.
    pub fn values(&self) -> Vec<String> {
        assert_eq!(self.attributes & 7, 0, "a batch that is not compressed");
        let mut rest = &self.bytes[HEADER_BYTES..];
        let mut values = Vec::new();
        for _ in 0..self.count {
            let length = take_varint(&mut rest) as usize;
            let (mut record, after) = rest.split_at(length);
            rest = after;
            record = &record[1..];
            take_varint(&mut record);
            take_varint(&mut record);
            let key = take_varint(&mut record).max(0) as usize;
            record = &record[key..];
            let value = take_varint(&mut record).max(0) as usize;
            values.push(String::from_utf8_lossy(&record[..value]).into_owned());
        }
        assert!(rest.is_empty(), "bytes behind the last record");
        values
    }
}

/// The batches in fetched bytes, their checksums compared; a cut last one is left out.
pub fn batches(fetched: &Bytes) -> Vec<Stored> {
    let mut found = Vec::new();
    let mut at = 0;
    while fetched.len() - at >= HEADER_BYTES {
        let size = 12 + i32::from_be_bytes(field(fetched, at + 8)) as usize;
        if fetched.len() - at < size {
            break;
        }
        let bytes = fetched.slice(at..at + size);
        let crc = checksum(CrcAlgorithm::Crc32Iscsi, &bytes[21..]) as u32;
        assert_eq!(u32::from_be_bytes(field(&bytes, 17)), crc, "the checksum of a fetched batch");
        found.push(Stored {
            base_offset: i64::from_be_bytes(field(&bytes, 0)),
            leader_epoch: i32::from_be_bytes(field(&bytes, 12)),
            attributes: i16::from_be_bytes(field(&bytes, 21)),
            last_offset_delta: i32::from_be_bytes(field(&bytes, 23)),
            max_timestamp: i64::from_be_bytes(field(&bytes, 35)),
            producer_id: i64::from_be_bytes(field(&bytes, 43)),
            producer_epoch: i16::from_be_bytes(field(&bytes, 51)),
            base_sequence: i32::from_be_bytes(field(&bytes, 53)),
            count: i32::from_be_bytes(field(&bytes, 57)),
            bytes,
        });
        at += size;
    }
    found
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("as many bytes as asked for")
}

/// A gzip member of one stored block: valid, and no smaller than what it holds.
fn gzip(plain: &[u8]) -> Bytes {
    let length = u16::try_from(plain.len()).expect("a short batch");
    let mut out = BytesMut::new();
    out.put_slice(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 1]);
    out.put_u16_le(length);
    out.put_u16_le(!length);
    out.put_slice(plain);
    out.put_u32_le(checksum(CrcAlgorithm::Crc32IsoHdlc, plain) as u32);
    out.put_u32_le(plain.len() as u32);
    out.freeze()
}

/// A zstd frame of one raw block.
fn zstd(plain: &[u8]) -> Bytes {
    assert!(plain.len() < 100_000, "a short batch");
    let mut out = BytesMut::new();
    out.put_u32_le(0xfd2f_b528);
    out.put_u8(0xa0);
    out.put_u32_le(plain.len() as u32);
    let block = (plain.len() as u32) << 3 | 1;
    out.put_slice(&block.to_le_bytes()[..3]);
    out.put_slice(plain);
    out.freeze()
}

fn put_varint(out: &mut BytesMut, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        out.put_u8(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.put_u8(rest as u8);
}

fn take_varint(bytes: &mut &[u8]) -> i64 {
    let (mut value, mut shift) = (0u64, 0);
    loop {
        let byte = bytes[0];
        *bytes = &bytes[1..];
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return (value >> 1) as i64 ^ -((value & 1) as i64);
        }
        shift += 7;
    }
}
