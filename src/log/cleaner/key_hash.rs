//! SipHash-2-4 with 128 bits (Aumasson, Bernstein): who does not know the key cannot make two keys of records collide, and
//! by chance two of a billion keys do so once in 10^20 rounds.

/// The secret of one cleaner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashKey(pub u64, pub u64);

fn round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[2] = v[2].rotate_left(32);
}

impl HashKey {
    /// The hash of `bytes`.
    pub(super) fn hash(&self, bytes: &[u8]) -> [u64; 2] {
        let mut v = [
            self.0 ^ 0x736f_6d65_7073_6575,
            self.1 ^ 0x646f_7261_6e64_6f6d ^ 0xee,
            self.0 ^ 0x6c79_6765_6e65_7261,
            self.1 ^ 0x7465_6462_7974_6573,
        ];
        let mut absorb = |word: u64| {
            v[3] ^= word;
            round(&mut v);
            round(&mut v);
            v[0] ^= word;
        };
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| absorb(u64::from_le_bytes(*word)));
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        absorb(u64::from_le_bytes(last) | (bytes.len() as u64) << 56);
        v[2] ^= 0xee;
        (0..4).for_each(|_| round(&mut v));
        let first = v[0] ^ v[1] ^ v[2] ^ v[3];
        v[1] ^= 0xdd;
        (0..4).for_each(|_| round(&mut v));
        [first, v[0] ^ v[1] ^ v[2] ^ v[3]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_siphash() {
        // The first vectors of the reference implementation: key 00 01 … 0f, messages of 0 and 1 bytes.
        let key = HashKey(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908);
        let bytes = |hash: [u64; 2]| [hash[0].to_le_bytes(), hash[1].to_le_bytes()].concat();
        let empty = [0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02, 0x93];
        let zero = [0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9b, 0x22, 0xfc, 0x45];
        assert_eq!(bytes(key.hash(&[])), empty);
        assert_eq!(bytes(key.hash(&[0])), zero);
        let long: Vec<u8> = (0..63).collect();
        assert_ne!(key.hash(&long), key.hash(&long[..62]));
    }
}
