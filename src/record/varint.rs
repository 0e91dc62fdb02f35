//! Zigzag variable-length numbers, as records use them, and the unsigned ones of flexible messages.

/// Longest varint of 32 bits.
pub const MAX_VARINT_BYTES: usize = 5;
/// Longest varint of 64 bits.
pub const MAX_VARLONG_BYTES: usize = 10;

/// Zigzag: small magnitudes become small unsigned numbers.
pub fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// The reverse of [`zigzag`].
pub fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Appends an unsigned varint.
pub fn put_unsigned(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a zigzag varint; the same bytes whether the field is 32 or 64 bits wide.
pub fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_unsigned(out, zigzag(value));
}

/// Bytes of an unsigned varint.
pub fn unsigned_bytes(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// Bytes of a zigzag varint.
pub fn signed_bytes(value: i64) -> usize {
    unsigned_bytes(zigzag(value))
}

/// Takes a zigzag varint of 32 bits off the front of `bytes`; `None` if it is cut off or longer than 5 bytes.
pub fn take_i32(bytes: &mut &[u8]) -> Option<i32> {
    take_unsigned(bytes, MAX_VARINT_BYTES).map(|raw| unzigzag(u64::from(raw as u32)) as i32)
}

/// Takes a zigzag varint of 64 bits off the front of `bytes`; `None` if it is cut off or longer than 10 bytes.
pub fn take_i64(bytes: &mut &[u8]) -> Option<i64> {
    take_unsigned(bytes, MAX_VARLONG_BYTES).map(unzigzag)
}

/// Takes an unsigned varint of 32 bits off the front of `bytes`, as flexible messages write lengths and tags.
pub fn take_u32(bytes: &mut &[u8]) -> Option<u32> {
    take_unsigned(bytes, MAX_VARINT_BYTES).map(|raw| raw as u32)
}

/// Bits beyond the width of the field are dropped, as Kafka drops them.
fn take_unsigned(bytes: &mut &[u8], max_bytes: usize) -> Option<u64> {
    let mut value = 0u64;
    for (at, byte) in bytes.iter().take(max_bytes).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            *bytes = &bytes[at + 1..];
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn round_trips(value in any::<i64>()) {
            let mut out = Vec::new();
            put_signed(&mut out, value);
            prop_assert_eq!(out.len(), signed_bytes(value));
            let mut rest = &out[..];
            prop_assert_eq!(take_i64(&mut rest), Some(value));
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn round_trips_32(value in any::<i32>()) {
            let mut out = Vec::new();
            put_signed(&mut out, i64::from(value));
            prop_assert!(out.len() <= MAX_VARINT_BYTES);
            prop_assert_eq!(take_i32(&mut &out[..]), Some(value));
        }
    }

    #[test]
    fn too_long_or_cut_off_is_none() {
        assert_eq!(take_i32(&mut &[0xff; 5][..]), None);
        assert_eq!(take_i64(&mut &[0xff; 10][..]), None);
        assert_eq!(take_i32(&mut &[0x80][..]), None);
        assert_eq!(take_i32(&mut &[][..]), None);
    }
}
