//! Random bodies that fit a shape: the walk turned around.

use super::super::{find, Kind, Shape, UNTAGGED};
use crate::rng::Rng;

/// A body for this version of this API: random values, no nulls but optional structs, every known tagged field or none.
pub fn body(rng: &Rng, api_key: i16, version: i16) -> Vec<u8> {
    let request = find(api_key).expect("an API of the table");
    let mut writer = Writer { rng, version, flexible: version >= request.flexible_from, bytes: Vec::new() };
    writer.fields(request.shape);
    writer.bytes
}

struct Writer<'a> {
    rng: &'a Rng,
    version: i16,
    flexible: bool,
    bytes: Vec<u8>,
}

impl Writer<'_> {
    fn fields(&mut self, shape: &'static Shape) {
        for field in shape.fields {
            if field.tag == UNTAGGED && field.is_in(self.version) {
                self.kind(&field.kind);
            }
        }
        if self.flexible {
            self.tagged_section(shape);
        }
    }

    fn tagged_section(&mut self, shape: &'static Shape) {
        let known: Vec<_> = shape.fields.iter().filter(|f| f.tag != UNTAGGED && f.is_in(self.version)).collect();
        let some = self.rng.below(2) == 0;
        let unknown = self.rng.below(8) / 7;
        let count = if some { known.len() as u64 } else { 0 } + unknown;
        self.varint(count as u32);
        for field in known.into_iter().filter(|_| some) {
            let outside = std::mem::take(&mut self.bytes);
            self.kind(&field.kind);
            let value = std::mem::replace(&mut self.bytes, outside);
            self.varint(field.tag as u32);
            self.varint(value.len() as u32);
            self.bytes.extend_from_slice(&value);
        }
        if unknown == 1 {
            self.varint(9_000);
            self.varint(2);
            self.bytes.extend_from_slice(&[1, 2]);
        }
    }

    fn kind(&mut self, kind: &'static Kind) {
        match kind {
            Kind::Fixed(count) => self.random(*count),
            Kind::Text => self.text(),
            Kind::Blob => {
                let length = self.rng.below(40) as usize;
                self.length(length, 4);
                self.random(length);
            }
            Kind::Array(element) => {
                let count = self.rng.below(4) as usize;
                self.length(count, 4);
                (0..count).for_each(|_| self.kind(element));
            }
            Kind::Struct(shape) => self.fields(shape),
            Kind::Optional(shape) => {
                if self.rng.below(2) == 0 {
                    self.bytes.push(0xff);
                } else {
                    self.bytes.push(1);
                    self.fields(shape);
                }
            }
        }
    }

    fn text(&mut self) {
        let length = self.rng.below(12) as usize;
        self.length(length, 2);
        self.bytes.extend((0..length).map(|_| b'a' + self.rng.below(26) as u8));
    }

    fn random(&mut self, count: usize) {
        self.bytes.extend((0..count).map(|_| self.rng.next_u64() as u8));
    }

    /// A length or count: compact, or big-endian in so many bytes.
    fn length(&mut self, length: usize, width: usize) {
        if self.flexible {
            self.varint(length as u32 + 1);
        } else {
            self.bytes.extend_from_slice(&(length as u32).to_be_bytes()[4 - width..]);
        }
    }

    fn varint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }
}

/// Damages a body: flips, cuts, extends, or overwrites a stretch with a count that promises the world.
pub fn mutate(rng: &Rng, body: &mut Vec<u8>) {
    const COUNTS: [&[u8]; 6] = [
        &[0x7f, 0xff, 0xff, 0xff],
        &[0x00, 0x0f, 0xff, 0xff],
        &[0xff, 0xff, 0xff, 0xff, 0x0f],
        &[0xff, 0xff, 0x03],
        &[0x7f, 0xff],
        &[0xff, 0xff, 0xff, 0xff],
    ];
    for _ in 0..=rng.below(3) {
        let at = rng.below(body.len() as u64 + 1) as usize;
        match rng.below(5) {
            0 => body.truncate(at),
            1 => body.extend((0..rng.below(64)).map(|_| rng.next_u64() as u8)),
            2 => {
                let count = COUNTS[rng.below(COUNTS.len() as u64) as usize];
                let end = body.len().min(at + count.len());
                body.splice(at..end, count.iter().copied());
            }
            3 => body.splice(at..at, std::iter::repeat_n(rng.next_u64() as u8, rng.below(300) as usize)).for_each(drop),
            _ => {
                if let Some(byte) = body.get_mut(at) {
                    *byte = rng.next_u64() as u8;
                }
            }
        }
    }
}
