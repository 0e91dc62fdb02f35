//! The newest offset of each key, by the key's hash: 24 bytes a key, never more than it was made for.

use super::key_hash::HashKey;

/// Bytes of an entry: 16 of the hash, 8 of the offset.
const ENTRY_BYTES: u64 = 24;

/// An open-addressing table from hashes of keys to offsets. Untouched memory of it costs nothing.
pub(super) struct OffsetMap {
    hash_key: HashKey,
    /// Hash, and offset + 1; 0 is a free slot.
    slots: Vec<[u64; 3]>,
    length: usize,
    most: usize,
    latest_offset: i64,
}

impl OffsetMap {
    /// A map in at most `bytes`, filled up to `load_factor`, with no more room than `keys` keys need; room for one at least.
    pub fn new(hash_key: HashKey, bytes: u64, load_factor: f64, keys: u64) -> Self {
        let load_factor = if load_factor.is_finite() { load_factor.clamp(0.01, 0.95) } else { 0.9 };
        let needed = ((keys as f64 / load_factor).ceil() as u64).saturating_add(1);
        let slots = needed.min(bytes / ENTRY_BYTES).max(2) as usize;
        let most = ((slots as f64 * load_factor) as usize).clamp(1, slots - 1);
        Self { hash_key, slots: vec![[0; 3]; slots], length: 0, most, latest_offset: -1 }
    }

    /// The slot that has the key, or the free one where it belongs.
    fn slot(&self, hash: [u64; 2]) -> usize {
        let count = self.slots.len();
        let mut at = ((u128::from(hash[0]) * count as u128) >> 64) as usize;
        // A slot is always free: it is never filled up.
        while self.slots[at][2] != 0 && self.slots[at][..2] != hash {
            at = if at + 1 == count { 0 } else { at + 1 };
        }
        at
    }

    /// Notes that `key` is at `offset`, which is higher than every offset before; false if there is no room.
    pub fn put(&mut self, key: &[u8], offset: i64) -> bool {
        let hash = self.hash_key.hash(key);
        let at = self.slot(hash);
        if self.slots[at][2] == 0 {
            if self.length == self.most {
                return false;
            }
            self.length += 1;
        }
        self.slots[at] = [hash[0], hash[1], offset as u64 + 1];
        self.latest_offset = offset;
        true
    }

    /// The newest offset of `key`; `None` if the map has not met it.
    pub fn get(&self, key: &[u8]) -> Option<i64> {
        let stored = self.slots[self.slot(self.hash_key.hash(key))][2];
        stored.checked_sub(1).map(|offset| offset as i64)
    }

    /// Everything up to and at `offset` has been taken into account.
    pub fn reach(&mut self, offset: i64) {
        self.latest_offset = self.latest_offset.max(offset);
    }

    /// Everything up to and at this offset has been taken into account; -1 at first.
    pub fn latest_offset(&self) -> i64 {
        self.latest_offset
    }

    /// Keys.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Keys that fit.
    pub fn most(&self) -> usize {
        self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn c4_the_newest_offset_of_a_key_is_known_until_the_map_is_full() {
        let mut map = OffsetMap::new(HashKey(1, 2), 24 * 100, 0.9, u64::MAX);
        assert_eq!(map.most(), 90);
        let mut known = BTreeMap::new();
        let mut offset = 0;
        let mut random = 7_u64;
        loop {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let key = (random >> 40) % 200;
            if !map.put(&key.to_be_bytes(), offset) {
                assert!(!known.contains_key(&key), "a key that is there has room");
                break;
            }
            known.insert(key, offset);
            offset += 3;
        }
        assert_eq!((map.len(), known.len(), map.latest_offset()), (90, 90, offset - 3));
        for key in 0..200_u64 {
            assert_eq!(map.get(&key.to_be_bytes()), known.get(&key).copied());
        }
    }

    #[test]
    fn a_map_has_room_for_what_it_is_asked_for_and_no_more() {
        let map = OffsetMap::new(HashKey(1, 2), 1 << 27, 0.9, 10);
        assert!(map.slots.len() < 20 && map.most() >= 10);
        let map = OffsetMap::new(HashKey(1, 2), 0, f64::NAN, 10);
        assert_eq!(map.most(), 1, "the smallest map still moves on");
        let map = OffsetMap::new(HashKey(1, 2), 24 * 1000, 1e300, u64::MAX);
        assert_eq!(map.most(), 950);
    }
}
