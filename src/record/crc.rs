//! CRC-32C (Castagnoli, CRC-32/ISCSI), the checksum of a magic 2 batch.

use super::header::{array, CRC_AT, CRC_FROM, HEADER_BYTES};

/// The CRC-32C of `bytes`.
pub fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}

/// Whether one whole batch (exactly its bytes, header included) carries the CRC of what follows its CRC field.
pub fn verify(batch: &[u8]) -> bool {
    match batch.first_chunk::<HEADER_BYTES>() {
        Some(head) => u32::from_be_bytes(array(head, CRC_AT)) == crc32c(&batch[CRC_FROM..]),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p5_crc_is_castagnoli() {
        assert_eq!(crc32c(b"123456789"), 0xE306_9283);
    }

    #[test]
    fn p5_too_short_for_a_header_does_not_verify() {
        assert!(!verify(&[0; 60]));
    }
}
