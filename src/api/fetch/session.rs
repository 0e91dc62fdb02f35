//! Incremental fetch sessions (KIP-227): what each fetcher asked for and was last told, so that a request and its answer
//! name only what changed. Sessions are soft: losing one costs its fetcher one full request.

use crate::api::reply::LaterMemory;
use crate::ids::Uuid;
use crate::log::read::ReadCursor;
use crate::replica::Waiter;
use crate::rng::Rng;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How long a session is safe from eviction after its making and after each use, in milliseconds.
const EVICTION_MS: i64 = 120_000;
/// Partitions in all sessions together, at most: each takes some 300 bytes.
const MAX_SESSION_PARTITIONS: usize = 500_000;

/// A partition as a fetcher names it: by name below version 13, by id from there on; the other part is empty or nil.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PartitionKey {
    /// The topic's name; empty where it goes by id.
    pub topic: Arc<str>,
    /// The topic's id; nil where it goes by name.
    pub topic_id: Uuid,
    /// The partition's index.
    pub partition: i32,
}

/// What a fetcher wants of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// First offset wanted.
    pub fetch_offset: i64,
    /// The leader epoch that the fetcher knows; -1 for none.
    pub current_leader_epoch: i32,
    /// The epoch of the last record fetched (version 12); -1 for none.
    pub last_fetched_epoch: i32,
    /// Most bytes of this partition.
    pub max_bytes: i32,
}

/// What a fetcher was last told of one partition; -1 where it must be told again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// The high watermark.
    pub high_watermark: i64,
    /// The log start offset.
    pub log_start_offset: i64,
}

/// A fetcher has been told nothing, or an error.
pub(super) const NOTHING: Told = Told { high_watermark: -1, log_start_offset: -1 };

/// One partition of a session or of a full request.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Which.
    pub key: PartitionKey,
    /// What is asked.
    pub wanted: Wanted,
    /// What was answered last.
    pub told: Told,
    /// Where the last read ended, so that a sequential reader looks nothing up.
    pub cursor: Option<ReadCursor>,
}

/// The partitions of one request, in the order in which they share the byte limits.
#[derive(Debug, Default)]
pub struct Partitions {
    /// By turn: partitions that returned data go to the end (F10).
    by_turn: BTreeMap<u64, Entry>,
    turns: FxHashMap<PartitionKey, u64>,
    next_turn: u64,
}

impl Partitions {
    /// Adds a partition, or changes what is wanted of it.
    pub fn set(&mut self, key: PartitionKey, wanted: Wanted) {
        if let Some(entry) = self.turns.get(&key).and_then(|turn| self.by_turn.get_mut(turn)) {
            entry.wanted = wanted;
            return;
        }
        self.turns.insert(key.clone(), self.next_turn);
        self.by_turn.insert(self.next_turn, Entry { key, wanted, told: NOTHING, cursor: None });
        self.next_turn += 1;
    }

    /// Drops a partition; an unknown one is fine.
    pub fn forget(&mut self, key: &PartitionKey) {
        if let Some(turn) = self.turns.remove(key) {
            self.by_turn.remove(&turn);
        }
    }

    /// The partitions in turn.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.by_turn.values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_turn.len()
    }

    /// None at all.
    pub fn is_empty(&self) -> bool {
        self.by_turn.is_empty()
    }

    /// What was last told of a partition.
    pub fn told(&self, key: &PartitionKey) -> Option<Told> {
        self.turns.get(key).and_then(|turn| self.by_turn.get(turn)).map(|entry| entry.told)
    }

    /// Notes where the next read of a partition goes on.
    pub fn read_up_to(&mut self, key: &PartitionKey, cursor: Option<ReadCursor>) {
        if let Some(entry) = self.turns.get(key).and_then(|turn| self.by_turn.get_mut(turn)) {
            entry.cursor = cursor;
        }
    }

    /// Notes what an answer said of a partition, and sends it to the end of the order if it carried records.
    pub fn answered(&mut self, key: &PartitionKey, told: Told, had_records: bool) {
        let Some(turn) = self.turns.get_mut(key) else { return };
        if had_records {
            if let Some(entry) = self.by_turn.remove(turn) {
                *turn = self.next_turn;
                self.by_turn.insert(self.next_turn, entry);
                self.next_turn += 1;
            }
        }
        if let Some(entry) = self.by_turn.get_mut(turn) {
            entry.told = told;
        }
    }
}

/// One fetcher's session.
#[derive(Debug)]
pub struct Session {
    /// 1 to `i32::MAX`.
    pub id: i32,
    /// The epoch that the next request must carry.
    pub epoch: i32,
    /// Topics go by id.
    pub uses_topic_ids: bool,
    /// What is fetched.
    pub partitions: Partitions,
    /// Memory that the session's parked requests use one after the other.
    pub later: Arc<LaterMemory>,
    /// The same; none while one is parked.
    pub waiter: Option<Waiter>,
}

/// Why a request does not fit the session that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// Unknown id.
    #[error("the fetch session is not known")]
    NotFound,
    /// Another epoch was due.
    #[error("the fetch session's epoch is another")]
    InvalidEpoch,
    /// Names where ids are due, or the reverse.
    #[error("the fetch session names topics the other way")]
    TopicIdError,
}

/// The session part of a request's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// 0 for none.
    pub session_id: i32,
    /// 0: full, make a session. -1: full, without. Else the incremental epoch.
    pub epoch: i32,
    /// Version 13 and above.
    pub uses_topic_ids: bool,
}

/// A session shared by the requests of its fetcher, one at a time.
pub type SharedSession = Arc<Mutex<Session>>;

/// The node's sessions, at most `slots`.
pub struct SessionCache {
    slots: usize,
    rng: Rng,
    /// Guards the sessions' index; each session has a lock of its own.
    sessions: Mutex<FxHashMap<i32, Cached>>,
}

struct Cached {
    session: SharedSession,
    privileged: bool,
    size: usize,
    created_ms: i64,
    last_used_ms: i64,
}

impl SessionCache {
    /// Room for `slots` sessions (`max.incremental.fetch.session.cache.slots`); 0 turns sessions off.
    pub fn new(slots: usize, rng: Rng) -> Self {
        Self { slots, rng, sessions: Mutex::new(FxHashMap::default()) }
    }

    /// How many sessions there are.
    pub fn len(&self) -> usize {
        self.sessions.lock().len()
    }

    /// No session at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ends a session; an unknown one is fine.
    pub fn remove(&self, id: i32) {
        self.sessions.lock().remove(&id);
    }

    /// The session of an incremental request, checked (F9) and moved on to its next epoch.
    pub fn resume(&self, asked: Asked, now_ms: i64) -> Result<SharedSession, SessionError> {
        let mut sessions = self.sessions.lock();
        let cached = sessions.get_mut(&asked.session_id).ok_or(SessionError::NotFound)?;
        {
            let mut session = cached.session.lock();
            if session.epoch != asked.epoch {
                return Err(SessionError::InvalidEpoch);
            }
            if session.uses_topic_ids != asked.uses_topic_ids {
                return Err(SessionError::TopicIdError);
            }
            session.epoch = next_epoch(session.epoch);
        }
        cached.last_used_ms = now_ms;
        Ok(cached.session.clone())
    }

    /// Notes how large a session has become, which counts when another wants its slot. Ends one that has grown beyond
    /// what all sessions together may hold; false then, and its fetcher has to make a full request.
    pub fn resized(&self, id: i32, size: usize, now_ms: i64) -> bool {
        let mut sessions = self.sessions.lock();
        let Some(cached) = sessions.get_mut(&id) else { return true };
        let grown = size.saturating_sub(cached.size);
        if grown > 0 && !make_room(&mut sessions, grown, now_ms) {
            sessions.remove(&id);
            return false;
        }
        if let Some(cached) = sessions.get_mut(&id) {
            cached.size = size;
        }
        true
    }

    /// Makes a session for `partitions`, or gives them back where no slot is free and none may be taken.
    pub fn create(
        &self,
        partitions: Partitions,
        uses_topic_ids: bool,
        privileged: bool,
        now_ms: i64,
    ) -> Result<SharedSession, Partitions> {
        let mut sessions = self.sessions.lock();
        if self.slots == 0 || !make_room(&mut sessions, partitions.len(), now_ms) {
            return Err(partitions);
        }
        if sessions.len() >= self.slots && !evict_for(&mut sessions, privileged, partitions.len(), now_ms) {
            return Err(partitions);
        }
        let id = loop {
            let id = self.rng.below(i32::MAX as u64) as i32 + 1;
            if !sessions.contains_key(&id) {
                break id;
            }
        };
        let size = partitions.len();
        let session = Arc::new(Mutex::new(Session {
            id,
            epoch: 1,
            uses_topic_ids,
            partitions,
            later: Arc::default(),
            waiter: None,
        }));
        let cached = Cached { session: session.clone(), privileged, size, created_ms: now_ms, last_used_ms: now_ms };
        sessions.insert(id, cached);
        Ok(session)
    }
}

/// The epoch after `epoch`: 2147483647 is followed by 1, for 0 asks for a new session.
fn next_epoch(epoch: i32) -> i32 {
    if epoch == i32::MAX {
        1
    } else {
        epoch + 1
    }
}

/// Frees a slot for a session of `size` partitions, if some session has been idle for two minutes, or has lived that
/// long and weighs less: followers outweigh consumers, and more partitions outweigh fewer (F11).
fn evict_for(sessions: &mut FxHashMap<i32, Cached>, privileged: bool, size: usize, now_ms: i64) -> bool {
    let stale = stalest(sessions, now_ms);
    let lightest = || {
        sessions
            .iter()
            .filter(|(_, cached)| now_ms - cached.created_ms > EVICTION_MS && (privileged || !cached.privileged))
            .min_by_key(|(id, cached)| (cached.privileged, cached.size, **id))
            .filter(|(_, cached)| (cached.privileged, cached.size) < (privileged, size))
            .map(|(id, _)| *id)
    };
    match stale.or_else(lightest) {
        Some(id) => sessions.remove(&id).is_some(),
        None => false,
    }
}

/// The session that has been idle for longest, and for two minutes at least.
fn stalest(sessions: &FxHashMap<i32, Cached>, now_ms: i64) -> Option<i32> {
    let stale = sessions.iter().filter(|(_, cached)| now_ms - cached.last_used_ms > EVICTION_MS);
    stale.min_by_key(|(id, cached)| (cached.last_used_ms, **id)).map(|(id, _)| *id)
}

/// Ends idle sessions until `partitions` more fit beside the others; false if they do not.
fn make_room(sessions: &mut FxHashMap<i32, Cached>, partitions: usize, now_ms: i64) -> bool {
    loop {
        let held: usize = sessions.values().map(|cached| cached.size).sum();
        if held.saturating_add(partitions) <= MAX_SESSION_PARTITIONS {
            return true;
        }
        match stalest(sessions, now_ms) {
            Some(id) => sessions.remove(&id),
            None => return false,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(partition: i32) -> PartitionKey {
        PartitionKey { topic: "t".into(), topic_id: Uuid::nil(), partition }
    }

    fn wanted(fetch_offset: i64) -> Wanted {
        Wanted { fetch_offset, current_leader_epoch: -1, last_fetched_epoch: -1, max_bytes: 1 }
    }

    fn partitions(count: i32) -> Partitions {
        let mut partitions = Partitions::default();
        for partition in 0..count {
            partitions.set(key(partition), wanted(0));
        }
        partitions
    }

    fn asked(session_id: i32, epoch: i32) -> Asked {
        Asked { session_id, epoch, uses_topic_ids: false }
    }

    #[test]
    fn f9_an_incremental_request_must_carry_the_due_epoch_and_naming() {
        let cache = SessionCache::new(2, Rng::from_seed(1));
        let id = cache.create(partitions(1), false, false, 0).unwrap().lock().id;
        assert_eq!(cache.resume(asked(id + 1, 1), 0).unwrap_err(), SessionError::NotFound);
        assert_eq!(cache.resume(asked(id, 2), 0).unwrap_err(), SessionError::InvalidEpoch);
        let by_id = Asked { uses_topic_ids: true, ..asked(id, 1) };
        assert_eq!(cache.resume(by_id, 0).unwrap_err(), SessionError::TopicIdError);
        assert_eq!(cache.resume(asked(id, 1), 0).unwrap().lock().epoch, 2);
        assert_eq!(next_epoch(i32::MAX), 1, "0 would ask for a new session");
    }

    #[test]
    fn f10_partitions_that_returned_records_go_to_the_end() {
        let mut partitions = partitions(3);
        let told = Told { high_watermark: 5, log_start_offset: 0 };
        partitions.answered(&key(0), told, true);
        partitions.answered(&key(1), told, false);
        let order: Vec<i32> = partitions.iter().map(|entry| entry.key.partition).collect();
        assert_eq!(order, [1, 2, 0]);
        assert_eq!(partitions.iter().filter(|entry| entry.told == told).count(), 2);
        partitions.set(key(1), wanted(9));
        partitions.forget(&key(2));
        let left: Vec<_> = partitions.iter().map(|entry| (entry.key.partition, entry.wanted.fetch_offset)).collect();
        assert_eq!(left, [(1, 9), (0, 0)]);
    }

    #[test]
    fn f11_all_sessions_together_hold_so_many_partitions() {
        let cache = SessionCache::new(10, Rng::from_seed(1));
        let large = cache.create(partitions(10), false, false, 0).unwrap().lock().id;
        let small = cache.create(partitions(10), false, false, 0).unwrap().lock().id;
        assert!(cache.resized(large, MAX_SESSION_PARTITIONS - 10, 0));
        assert!(cache.create(partitions(1), false, false, 0).is_err(), "no room, and nobody is idle");
        assert!(!cache.resized(small, 11, 0), "it has outgrown the room");
        assert_eq!(cache.resume(asked(small, 1), 0).unwrap_err(), SessionError::NotFound);
        assert!(cache.create(partitions(10), false, false, 0).is_ok());
        let later = EVICTION_MS + 1;
        assert!(cache.create(partitions(11), false, false, later).is_ok(), "the idle give way");
    }

    #[test]
    fn f11_a_full_cache_gives_way_only_to_the_idle_or_the_lighter() {
        let cache = SessionCache::new(2, Rng::from_seed(1));
        let first = cache.create(partitions(1), false, false, 0).unwrap().lock().id;
        cache.create(partitions(5), false, false, 0).unwrap();
        assert!(cache.create(partitions(9), false, false, 1000).is_err(), "both are young");
        let later = EVICTION_MS + 1;
        cache.resume(asked(first, 1), later).unwrap();
        let third = cache.create(partitions(2), false, false, later).unwrap().lock().id;
        assert!(cache.resume(asked(first, 2), later).is_ok(), "the idle one gave way");
        assert!(cache.create(partitions(1), false, false, later).is_err(), "as light as the lightest");
        cache.create(partitions(1), false, true, later).unwrap();
        assert_eq!(cache.resume(asked(first, 3), later).unwrap_err(), SessionError::NotFound);
        assert!(cache.resume(asked(third, 1), later).is_ok(), "followers take only what may be taken");
        assert!(SessionCache::new(0, Rng::from_seed(1)).create(partitions(1), false, false, 0).is_err());
    }
}
