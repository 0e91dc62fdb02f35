//! Record batches of format 2, made by hand so that a test may also make them wrong.

use bytes::{BufMut, Bytes, BytesMut};

/// A key and a value.
pub type Record = (Option<Vec<u8>>, Option<Vec<u8>>);

/// What a batch says of itself. The default is one that every topic takes.
#[derive(Clone, Debug)]
pub struct Batch {
    pub base_offset: i64,
    pub magic: i8,
    pub attributes: i16,
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub base_sequence: i32,
    pub base_timestamp: i64,
    /// In order.
    pub records: Vec<Record>,
    /// Says another count than there are records.
    pub claimed_count: Option<i32>,
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
            base_timestamp: 1_700_000_000_000,
            records: Vec::new(),
            claimed_count: None,
        }
    }
}

impl Batch {
    /// A batch of these values, without keys.
    pub fn of(values: &[&str]) -> Self {
        let records = values.iter().map(|value| (None, Some(value.as_bytes().to_vec()))).collect();
        Self { records, ..Self::default() }
    }

    /// The same from an idempotent producer.
    pub fn from_producer(mut self, id: i64, epoch: i16, sequence: i32) -> Self {
        (self.producer_id, self.producer_epoch, self.base_sequence) = (id, epoch, sequence);
        self
    }

    /// The batch's bytes, checksum and all.
    pub fn encode(&self) -> Bytes {
        let mut covered = BytesMut::new();
        let count = self.claimed_count.unwrap_or(self.records.len() as i32);
        covered.put_i16(self.attributes);
        covered.put_i32(count - 1);
        covered.put_i64(self.base_timestamp);
        covered.put_i64(self.base_timestamp);
        covered.put_i64(self.producer_id);
        covered.put_i16(self.producer_epoch);
        covered.put_i32(self.base_sequence);
        covered.put_i32(count);
        for (delta, (key, value)) in self.records.iter().enumerate() {
            let mut record = BytesMut::new();
            record.put_i8(0);
            varint(&mut record, 0);
            varint(&mut record, delta as i64);
            for part in [key, value] {
                match part {
                    None => varint(&mut record, -1),
                    Some(part) => {
                        varint(&mut record, part.len() as i64);
                        record.put_slice(part);
                    }
                }
            }
            varint(&mut record, 0);
            varint(&mut covered, record.len() as i64);
            covered.put_slice(&record);
        }
        let mut batch = BytesMut::new();
        batch.put_i64(self.base_offset);
        batch.put_i32(covered.len() as i32 + 9);
        batch.put_i32(-1);
        batch.put_i8(self.magic);
        batch.put_u32(crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, &covered) as u32);
        batch.put_slice(&covered);
        batch.freeze()
    }
}

/// Base offset and record count of each batch in fetched bytes; a cut last batch is left out.
pub fn batches(mut bytes: &[u8]) -> Vec<(i64, i32)> {
    let mut found = Vec::new();
    while bytes.len() >= 61 {
        let size = 12 + i32::from_be_bytes(bytes[8..12].try_into().expect("four bytes")) as usize;
        if bytes.len() < size {
            break;
        }
        let base_offset = i64::from_be_bytes(bytes[..8].try_into().expect("eight bytes"));
        let count = i32::from_be_bytes(bytes[57..61].try_into().expect("four bytes"));
        found.push((base_offset, count));
        bytes = &bytes[size..];
    }
    found
}

fn varint(out: &mut BytesMut, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        out.put_u8(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.put_u8(rest as u8);
}
