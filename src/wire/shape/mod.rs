//! Walks a request's body before kafka-protocol decodes it. The codec reserves memory for as many elements as a count
//! says; after this walk every count is one that the bytes behind it justify.
//!
//! Nothing is allocated, and nothing is kept: the walk says yes or why not. It is strict where the codec is lenient
//! (a known tagged field fills its size exactly), and leaves UTF-8 and null checks to the codec.

pub mod probe;
#[rustfmt::skip]
mod table;
#[cfg(test)]
pub(crate) mod tests;

use super::versions;

/// Bytes of one string, at most; Kafka reads no longer one either, and no record or older version could hold it.
pub const MAX_TEXT_BYTES: usize = i16::MAX as usize;
/// Elements of one array, at most; Kafka 4.4 reads no more either (A12).
pub const MAX_ELEMENTS: usize = 1_000_000;
/// Fields of one tagged section, at most; Kafka 4.4 reads no more either (A12).
pub const MAX_TAGGED_FIELDS: usize = 10_000;
/// A decoded request takes at most this many times its length …
pub const MEMORY_FACTOR: usize = 16;
/// … and this many bytes.
pub const MEMORY_BASE_BYTES: usize = 64 * 1024;
/// Part of [`MEMORY_BASE_BYTES`] that stays free for what is not an element: reference counts, errors.
const MEMORY_SPARE_BYTES: usize = 16 * 1024;
/// What a map of unknown tagged fields takes: one leaf, and per field a share of half-full leaves with their parents.
const TAGGED_MAP_BYTES: usize = 512;
const TAGGED_FIELD_BYTES: usize = 112;
/// What an element that is a string takes decoded: a reference into the frame.
const TEXT_BYTES: usize = 32;

/// `to` of a field that the newest version still has.
const LAST: i16 = i16::MAX;
/// `flexible_from` of a request that has no flexible version.
const NEVER: i16 = i16::MAX;
/// `tag` of a field outside the tagged section.
const UNTAGGED: i16 = -1;

/// How a field is encoded.
enum Kind {
    /// So many bytes.
    Fixed(usize),
    /// A string: 16-bit or compact length.
    Text,
    /// Bytes or records: 32-bit or compact length.
    Blob,
    /// 32-bit or compact count, then the elements.
    Array(&'static Kind),
    /// Fields.
    Struct(&'static Shape),
    /// A byte that says whether fields follow.
    Optional(&'static Shape),
}

struct Field {
    from: i16,
    to: i16,
    tag: i16,
    kind: Kind,
}

struct Shape {
    /// The decoded struct's own size.
    memory_bytes: usize,
    fields: &'static [Field],
}

struct Request {
    key: i16,
    flexible_from: i16,
    shape: &'static Shape,
}

const fn field(from: i16, to: i16, kind: Kind) -> Field {
    Field { from, to, tag: UNTAGGED, kind }
}

const fn shape(memory_bytes: usize, fields: &'static [Field]) -> Shape {
    Shape { memory_bytes, fields }
}

const fn request(key: i16, flexible_from: i16, shape: &'static Shape) -> Request {
    Request { key, flexible_from, shape }
}

const fn tagged(tag: i16, from: i16, to: i16, kind: Kind) -> Field {
    Field { from, to, tag, kind }
}

impl Field {
    fn is_in(&self, version: i16) -> bool {
        (self.from..=self.to).contains(&version)
    }
}

/// Why a body is not decoded. The connection is closed (A9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// This version of this API is not served.
    #[error("this version of the API is not served")]
    Version,
    /// A field reaches beyond the frame.
    #[error("a field reaches beyond the request's end")]
    Cut,
    /// A length or count is negative and not null, or no varint of 32 bits; or a string is longer than any may be.
    #[error("a length is malformed")]
    Length,
    /// An array says more elements than its bytes can hold, or than are read at all.
    #[error("an array of {0} elements cannot be in the request's remaining bytes")]
    Count(usize),
    /// A tagged section has more fields than are read.
    #[error("a section of {0} tagged fields")]
    TaggedFields(usize),
    /// A known tagged field does not fill its size.
    #[error("tagged field {0} does not fill its size")]
    TaggedSize(u32),
    /// Decoded, the request would take far more memory than its length justifies.
    #[error("the request would take too much memory for its length")]
    Memory,
}

/// Whether the codec may decode `body` as a request of this API and version. What follows the last field is not looked at.
pub fn check(api_key: i16, version: i16, body: &[u8]) -> Result<(), ShapeError> {
    walk(api_key, version, body).map(|_rest| ())
}

/// Walks a body; what follows its last field.
fn walk(api_key: i16, version: i16, body: &[u8]) -> Result<&[u8], ShapeError> {
    if !versions::lookup(api_key).is_some_and(|api| api.serves(version)) {
        return Err(ShapeError::Version);
    }
    let request = find(api_key).ok_or(ShapeError::Version)?;
    let memory_bytes = body.len().saturating_mul(MEMORY_FACTOR) + MEMORY_BASE_BYTES - MEMORY_SPARE_BYTES;
    let flexible = version >= request.flexible_from;
    let mut walker = Walker { rest: body, version, flexible, memory_bytes };
    walker.fields(request.shape)?;
    Ok(walker.rest)
}

fn find(api_key: i16) -> Option<&'static Request> {
    let index = table::REQUESTS.binary_search_by_key(&api_key, |request| request.key).ok()?;
    table::REQUESTS.get(index)
}

struct Walker<'a> {
    rest: &'a [u8],
    version: i16,
    flexible: bool,
    /// What decoded elements may still take.
    memory_bytes: usize,
}

impl Walker<'_> {
    /// The untagged fields of a struct, then its tagged section. Structs nest as the schemas do: a few levels.
    fn fields(&mut self, shape: &'static Shape) -> Result<(), ShapeError> {
        for field in shape.fields {
            if field.tag == UNTAGGED && field.is_in(self.version) {
                self.kind(&field.kind)?;
            }
        }
        if self.flexible {
            self.tagged_section(shape)?;
        }
        Ok(())
    }

    fn kind(&mut self, kind: &'static Kind) -> Result<(), ShapeError> {
        match kind {
            Kind::Fixed(bytes) => self.skip(*bytes),
            Kind::Text => {
                let length = if self.flexible { self.compact()? } else { self.length_16()? }.unwrap_or(0);
                if length > MAX_TEXT_BYTES {
                    return Err(ShapeError::Length);
                }
                self.skip(length)
            }
            Kind::Blob => {
                let length = if self.flexible { self.compact()? } else { self.length_32()? };
                self.skip(length.unwrap_or(0))
            }
            Kind::Array(element) => self.array(element),
            Kind::Struct(shape) => self.fields(shape),
            Kind::Optional(shape) => match self.fixed::<1>()? {
                [1] => self.fields(shape),
                // The codec takes every other byte for null.
                _ => Ok(()),
            },
        }
    }

    fn array(&mut self, element: &'static Kind) -> Result<(), ShapeError> {
        let count = if self.flexible { self.compact()? } else { self.length_32()? };
        let count = count.unwrap_or(0);
        if count > MAX_ELEMENTS || count.saturating_mul(self.least_bytes(element)) > self.rest.len() {
            return Err(ShapeError::Count(count));
        }
        let element_bytes = match element {
            Kind::Fixed(bytes) => *bytes,
            Kind::Text | Kind::Blob | Kind::Array(_) => TEXT_BYTES,
            Kind::Struct(shape) | Kind::Optional(shape) => shape.memory_bytes,
        };
        self.reserve(count * element_bytes)?;
        if let Kind::Fixed(bytes) = element {
            return self.skip(count * bytes);
        }
        for _ in 0..count {
            self.kind(element)?;
        }
        Ok(())
    }

    /// The fewest bytes that a field of this kind takes; at least 1, so that bytes bound every count.
    fn least_bytes(&self, kind: &Kind) -> usize {
        match kind {
            Kind::Fixed(bytes) => *bytes,
            Kind::Optional(_) => 1,
            Kind::Text if !self.flexible => 2,
            Kind::Blob | Kind::Array(_) if !self.flexible => 4,
            Kind::Text | Kind::Blob | Kind::Array(_) => 1,
            Kind::Struct(shape) => {
                let untagged = shape.fields.iter().filter(|field| field.tag == UNTAGGED && field.is_in(self.version));
                let fields: usize = untagged.map(|field| self.least_bytes(&field.kind)).sum();
                (fields + usize::from(self.flexible)).max(1)
            }
        }
    }

    fn tagged_section(&mut self, shape: &'static Shape) -> Result<(), ShapeError> {
        let count = self.varint()? as usize;
        if count > MAX_TAGGED_FIELDS {
            return Err(ShapeError::TaggedFields(count));
        }
        let mut unknown = 0;
        for _ in 0..count {
            let tag = self.varint()?;
            let size = self.varint()? as usize;
            let after = self.rest.get(size..).ok_or(ShapeError::Cut)?;
            let known = shape.fields.iter().find(|field| {
                field.tag != UNTAGGED && u32::try_from(field.tag) == Ok(tag) && field.is_in(self.version)
            });
            match known {
                Some(field) => {
                    self.kind(&field.kind)?;
                    if self.rest.len() != after.len() {
                        return Err(ShapeError::TaggedSize(tag));
                    }
                }
                None => {
                    unknown += 1;
                    self.rest = after;
                }
            }
        }
        if unknown > 0 {
            self.reserve(TAGGED_MAP_BYTES + unknown * TAGGED_FIELD_BYTES)?;
        }
        Ok(())
    }

    fn reserve(&mut self, bytes: usize) -> Result<(), ShapeError> {
        self.memory_bytes = self.memory_bytes.checked_sub(bytes).ok_or(ShapeError::Memory)?;
        Ok(())
    }

    fn skip(&mut self, bytes: usize) -> Result<(), ShapeError> {
        self.rest = self.rest.get(bytes..).ok_or(ShapeError::Cut)?;
        Ok(())
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], ShapeError> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>().ok_or(ShapeError::Cut)?;
        self.rest = rest;
        Ok(*bytes)
    }

    /// A length of 16 bits; `None` for null.
    fn length_16(&mut self) -> Result<Option<usize>, ShapeError> {
        match i16::from_be_bytes(self.fixed()?) {
            -1 => Ok(None),
            length => usize::try_from(length).map(Some).map_err(|_| ShapeError::Length),
        }
    }

    /// A length of 32 bits; `None` for null.
    fn length_32(&mut self) -> Result<Option<usize>, ShapeError> {
        match i32::from_be_bytes(self.fixed()?) {
            -1 => Ok(None),
            length => usize::try_from(length).map(Some).map_err(|_| ShapeError::Length),
        }
    }

    /// A compact length, one more than what it says; `None` for null.
    fn compact(&mut self) -> Result<Option<usize>, ShapeError> {
        Ok((self.varint()? as usize).checked_sub(1))
    }

    fn varint(&mut self) -> Result<u32, ShapeError> {
        let (value, rest) = super::frame::unsigned_varint(self.rest).ok_or(ShapeError::Length)?;
        self.rest = rest;
        Ok(value)
    }
}
