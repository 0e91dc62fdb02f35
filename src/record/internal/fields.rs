//! Fields of Kafka's messages, in both encodings: lengths of fixed width, and compact ones with tagged fields (KIP-482).

use crate::ids::Uuid;
use crate::record::varint::{put_unsigned, take_u32};
use bytes::Bytes;

/// Why a message could not be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// The bytes end inside a field, or a count is more than they can hold.
    #[error("message is cut off")]
    CutOff,
    /// A null where the field knows none.
    #[error("null in a field that cannot be null")]
    Null,
    /// A string that is not UTF-8.
    #[error("string is not UTF-8")]
    Utf8,
    /// A version that is not known.
    #[error("unsupported version {0}")]
    Version(i16),
    /// A string or array that its length field cannot express, by its length.
    #[error("field of length {0} is too long")]
    TooLong(usize),
}

/// Takes fields off the front of a message.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    pub(super) flexible: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(rest: &'a [u8]) -> Self {
        Self { rest, flexible: false }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FieldError> {
        let (field, rest) = self.rest.split_first_chunk().ok_or(FieldError::CutOff)?;
        self.rest = rest;
        Ok(*field)
    }

    pub(super) fn i8(&mut self) -> Result<i8, FieldError> {
        self.array().map(i8::from_be_bytes)
    }

    pub(super) fn i16(&mut self) -> Result<i16, FieldError> {
        self.array().map(i16::from_be_bytes)
    }

    pub(super) fn i32(&mut self) -> Result<i32, FieldError> {
        self.array().map(i32::from_be_bytes)
    }

    pub(super) fn i64(&mut self) -> Result<i64, FieldError> {
        self.array().map(i64::from_be_bytes)
    }

    pub(super) fn uuid(&mut self) -> Result<Uuid, FieldError> {
        self.array().map(Uuid::from_bytes)
    }

    fn unsigned(&mut self) -> Result<usize, FieldError> {
        take_u32(&mut self.rest).map(|value| value as usize).ok_or(FieldError::CutOff)
    }

    /// A compact length: one more than it says, 0 for null.
    fn compact_length(&mut self) -> Result<Option<usize>, FieldError> {
        self.unsigned().map(|length| length.checked_sub(1))
    }

    fn length_i16(&mut self) -> Result<Option<usize>, FieldError> {
        match self.flexible {
            true => self.compact_length(),
            false => self.i16().map(|length| usize::try_from(length).ok()),
        }
    }

    fn length_i32(&mut self) -> Result<Option<usize>, FieldError> {
        match self.flexible {
            true => self.compact_length(),
            false => self.i32().map(|length| usize::try_from(length).ok()),
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], FieldError> {
        let (field, rest) = self.rest.split_at_checked(length).ok_or(FieldError::CutOff)?;
        self.rest = rest;
        Ok(field)
    }

    pub(super) fn nullable_string(&mut self) -> Result<Option<String>, FieldError> {
        let Some(length) = self.length_i16()? else { return Ok(None) };
        let text = std::str::from_utf8(self.take(length)?).map_err(|_| FieldError::Utf8)?;
        Ok(Some(text.to_owned()))
    }

    pub(super) fn string(&mut self) -> Result<String, FieldError> {
        self.nullable_string()?.ok_or(FieldError::Null)
    }

    pub(super) fn nullable_bytes(&mut self) -> Result<Option<Bytes>, FieldError> {
        let Some(length) = self.length_i32()? else { return Ok(None) };
        self.take(length).map(|field| Some(Bytes::copy_from_slice(field)))
    }

    pub(super) fn bytes(&mut self) -> Result<Bytes, FieldError> {
        self.nullable_bytes()?.ok_or(FieldError::Null)
    }

    /// An array whose elements take at least `least_bytes` each: what cannot be there is not reserved.
    pub(super) fn list<T>(
        &mut self,
        least_bytes: usize,
        element: impl Fn(&mut Self) -> Result<T, FieldError>,
    ) -> Result<Vec<T>, FieldError> {
        self.nullable_list(least_bytes, element)?.ok_or(FieldError::Null)
    }

    /// The same for an array that may be null.
    pub(super) fn nullable_list<T>(
        &mut self,
        least_bytes: usize,
        element: impl Fn(&mut Self) -> Result<T, FieldError>,
    ) -> Result<Option<Vec<T>>, FieldError> {
        let Some(count) = self.length_i32()? else { return Ok(None) };
        if count > self.rest.len() / least_bytes {
            return Err(FieldError::CutOff);
        }
        let mut list = Vec::with_capacity(count);
        for _ in 0..count {
            list.push(element(self)?);
        }
        Ok(Some(list))
    }

    /// The tagged fields that end every structure of a flexible version; `each` reads the tags that it knows.
    pub(super) fn tagged(
        &mut self,
        mut each: impl FnMut(u32, Reader<'a>) -> Result<(), FieldError>,
    ) -> Result<(), FieldError> {
        if !self.flexible {
            return Ok(());
        }
        for _ in 0..self.unsigned()? {
            let tag = self.unsigned()? as u32;
            let length = self.unsigned()?;
            each(tag, Reader { rest: self.take(length)?, flexible: true })?;
        }
        Ok(())
    }

    /// Passes over tagged fields.
    pub(super) fn skip_tagged(&mut self) -> Result<(), FieldError> {
        self.tagged(|_, _| Ok(()))
    }
}

/// Appends fields to a message that starts with its version.
pub(super) struct Writer {
    out: Vec<u8>,
    flexible: bool,
}

impl Writer {
    pub(super) fn new(version: i16, flexible: bool) -> Self {
        Self { out: version.to_be_bytes().to_vec(), flexible }
    }

    /// A part of a flexible message, for a tagged field.
    pub(super) fn nested() -> Self {
        Self { out: Vec::new(), flexible: true }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.out
    }

    pub(super) fn i8(&mut self, value: i8) {
        self.out.extend_from_slice(&value.to_be_bytes());
    }

    pub(super) fn i16(&mut self, value: i16) {
        self.out.extend_from_slice(&value.to_be_bytes());
    }

    pub(super) fn i32(&mut self, value: i32) {
        self.out.extend_from_slice(&value.to_be_bytes());
    }

    pub(super) fn i64(&mut self, value: i64) {
        self.out.extend_from_slice(&value.to_be_bytes());
    }

    pub(super) fn uuid(&mut self, value: Uuid) {
        self.out.extend_from_slice(value.as_bytes());
    }

    fn compact_length(&mut self, length: Option<usize>) -> Result<(), FieldError> {
        let length = length.map_or(Ok(0), |length| {
            i32::try_from(length).map(|length| length as u64 + 1).map_err(|_| FieldError::TooLong(length))
        })?;
        put_unsigned(&mut self.out, length);
        Ok(())
    }

    fn length_i32(&mut self, length: Option<usize>) -> Result<(), FieldError> {
        if self.flexible {
            return self.compact_length(length);
        }
        let length = length.map_or(Ok(-1), |length| i32::try_from(length).map_err(|_| FieldError::TooLong(length)))?;
        self.i32(length);
        Ok(())
    }

    pub(super) fn nullable_string(&mut self, text: Option<&str>) -> Result<(), FieldError> {
        let length = text.map(str::len);
        if self.flexible {
            self.compact_length(length)?;
        } else {
            let length =
                length.map_or(Ok(-1), |length| i16::try_from(length).map_err(|_| FieldError::TooLong(length)))?;
            self.out.extend_from_slice(&length.to_be_bytes());
        }
        self.out.extend_from_slice(text.unwrap_or_default().as_bytes());
        Ok(())
    }

    pub(super) fn string(&mut self, text: &str) -> Result<(), FieldError> {
        self.nullable_string(Some(text))
    }

    pub(super) fn nullable_bytes(&mut self, bytes: Option<&[u8]>) -> Result<(), FieldError> {
        self.length_i32(bytes.map(<[u8]>::len))?;
        self.out.extend_from_slice(bytes.unwrap_or_default());
        Ok(())
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Result<(), FieldError> {
        self.nullable_bytes(Some(bytes))
    }

    pub(super) fn list<T>(
        &mut self,
        list: &[T],
        element: impl FnMut(&mut Self, &T) -> Result<(), FieldError>,
    ) -> Result<(), FieldError> {
        self.nullable_list(Some(list), element)
    }

    pub(super) fn nullable_list<T>(
        &mut self,
        list: Option<&[T]>,
        mut element: impl FnMut(&mut Self, &T) -> Result<(), FieldError>,
    ) -> Result<(), FieldError> {
        self.length_i32(list.map(<[T]>::len))?;
        list.unwrap_or_default().iter().try_for_each(|item| element(self, item))
    }

    pub(super) fn ints(&mut self, list: &[i32]) -> Result<(), FieldError> {
        self.list(list, |fields, value| {
            fields.i32(*value);
            Ok(())
        })
    }

    /// Ends a structure of a flexible version with the tagged fields given, by ascending tag.
    pub(super) fn tagged(&mut self, fields: &[(u32, &[u8])]) {
        if self.flexible {
            put_unsigned(&mut self.out, fields.len() as u64);
            for (tag, field) in fields {
                put_unsigned(&mut self.out, u64::from(*tag));
                put_unsigned(&mut self.out, field.len() as u64);
                self.out.extend_from_slice(field);
            }
        }
    }
}
