//! The only source of chance: a tree of generators from one seed.

use crate::ids::Uuid;
use parking_lot::Mutex;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

/// A seeded generator (SplitMix64). Clones share their state; [`Rng::fork`] makes an independent one.
/// Not for secrets.
#[derive(Clone)]
pub struct Rng {
    /// Guards the generator's counter.
    state: Arc<Mutex<u64>>,
}

impl Rng {
    /// A generator whose every draw follows from `seed`.
    pub fn from_seed(seed: u64) -> Self {
        Self { state: Arc::new(Mutex::new(seed)) }
    }

    /// A generator seeded by the operating system's randomness, through the standard library's hasher keys.
    pub fn from_os() -> Self {
        let draw = || RandomState::new().build_hasher().finish();
        Self::from_seed(draw() ^ draw().rotate_left(32))
    }

    /// 64 uniform bits.
    pub fn next_u64(&self) -> u64 {
        let mut state = self.state.lock();
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`; `bound` is at least 1.
    pub fn below(&self, bound: u64) -> u64 {
        assert!(bound > 0, "an empty range has no draw");
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// A random (version 4) UUID, never one of Kafka's reserved ids (zero and one) nor one whose text starts with `-`.
    pub fn uuid(&self) -> Uuid {
        loop {
            let bits = (u128::from(self.next_u64()) << 64) | u128::from(self.next_u64());
            let id = uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid();
            if !crate::ids::uuid_to_text(&id).starts_with('-') {
                return id;
            }
        }
    }

    /// An independent generator, drawn from this one.
    pub fn fork(&self) -> Self {
        Self::from_seed(self.next_u64())
    }
}
