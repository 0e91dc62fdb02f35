//! Share sessions (S2): what a member reads on this node, remembered between its requests, and tied to its connection.

use crate::ids::Uuid;
use crate::shard::Text;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

/// Opens a session.
pub const INITIAL_EPOCH: i32 = 0;
/// Closes it.
pub const FINAL_EPOCH: i32 = -1;
/// Partitions of all sessions together. Partitions.
const MAX_SESSION_PARTITIONS: usize = 200_000;

/// Why a request with a session is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SessionError {
    /// There is none, or not any more.
    #[error("The share session was not found.")]
    NotFound,
    /// The request's epoch is not the next one.
    #[error("The share session epoch is invalid.")]
    InvalidEpoch,
    /// There are as many as there may be.
    #[error("The limit of share sessions has been reached.")]
    LimitReached,
}

/// Whose session it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionKey {
    /// The group.
    pub group: Text,
    /// The member.
    pub member: Text,
}

/// A partition of a topic.
pub type TopicIdPartition = (Uuid, i32);

#[derive(Debug)]
struct Session {
    /// The epoch of the next request.
    epoch: i32,
    /// In the order in which they came.
    partitions: Vec<TopicIdPartition>,
    /// The same.
    known: BTreeSet<TopicIdPartition>,
    connection: u64,
}

/// The sessions of a node.
#[derive(Debug)]
pub struct Sessions {
    max: usize,
    /// Guards the table; held for no longer than to look or change.
    table: Mutex<BTreeMap<SessionKey, Session>>,
}

impl Sessions {
    /// At most `max` of them.
    pub fn new(max: usize) -> Self {
        Self { max, table: Mutex::default() }
    }

    /// Opens a session, in place of an earlier one of the same member.
    pub fn open(
        &self,
        key: &SessionKey,
        partitions: Vec<TopicIdPartition>,
        connection: u64,
    ) -> Result<(), SessionError> {
        let mut table = self.table.lock();
        table.remove(key);
        if table.len() >= self.max {
            return Err(SessionError::LimitReached);
        }
        let mut session =
            Session { epoch: next(INITIAL_EPOCH), partitions: Vec::new(), known: BTreeSet::new(), connection };
        session.add(partitions);
        table.insert(key.clone(), session);
        bounded(&mut table, key)
    }

    /// Goes on with a session at `epoch`: adds and forgets partitions. Returns all of them, in turn: which comes first
    /// changes from request to request, so that none is starved.
    pub fn go_on(
        &self,
        key: &SessionKey,
        epoch: i32,
        add: Vec<TopicIdPartition>,
        forget: &BTreeSet<TopicIdPartition>,
    ) -> Result<Vec<TopicIdPartition>, SessionError> {
        let mut table = self.table.lock();
        let session = table.get_mut(key).ok_or(SessionError::NotFound)?;
        if session.epoch != epoch {
            return Err(SessionError::InvalidEpoch);
        }
        session.add(add);
        if !forget.is_empty() {
            session.known.retain(|partition| !forget.contains(partition));
            let known = &session.known;
            session.partitions.retain(|partition| known.contains(partition));
        }
        session.epoch = next(epoch);
        let mut partitions = session.partitions.clone();
        if !partitions.is_empty() {
            let first = epoch.unsigned_abs() as usize % partitions.len();
            partitions.rotate_left(first);
        }
        bounded(&mut table, key)?;
        Ok(partitions)
    }

    /// Ends a session; its partitions.
    pub fn close(&self, key: &SessionKey) -> Result<Vec<TopicIdPartition>, SessionError> {
        self.table.lock().remove(key).map(|session| session.partitions).ok_or(SessionError::NotFound)
    }

    /// Ends the sessions of a connection that is gone.
    pub fn close_all_of(&self, connection: u64) -> Vec<(SessionKey, Vec<TopicIdPartition>)> {
        let mut table = self.table.lock();
        let gone: Vec<SessionKey> =
            table.iter().filter(|(_, session)| session.connection == connection).map(|(key, _)| key.clone()).collect();
        gone.into_iter().filter_map(|key| Some((key.clone(), table.remove(&key)?.partitions))).collect()
    }

    /// Whether any member of a group has a session.
    pub fn has_any_of(&self, group: &str) -> bool {
        let from = SessionKey { group: group.into(), member: "".into() };
        self.table.lock().range(from..).next().is_some_and(|(key, _)| *key.group == *group)
    }
}

impl Session {
    fn add(&mut self, partitions: Vec<TopicIdPartition>) {
        for partition in partitions {
            if self.known.insert(partition) {
                self.partitions.push(partition);
            }
        }
    }
}

/// A session with which all have more partitions than they may is ended.
fn bounded(table: &mut BTreeMap<SessionKey, Session>, key: &SessionKey) -> Result<(), SessionError> {
    let held: usize = table.values().map(|session| session.partitions.len()).sum();
    if held > MAX_SESSION_PARTITIONS {
        table.remove(key);
        return Err(SessionError::LimitReached);
    }
    Ok(())
}

/// The epoch behind this one: never again 0 or less, which mean something else.
fn next(epoch: i32) -> i32 {
    epoch.checked_add(1).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(member: &str) -> SessionKey {
        SessionKey { group: "g".into(), member: member.into() }
    }

    fn at(partition: i32) -> TopicIdPartition {
        (Uuid::nil(), partition)
    }

    #[test]
    fn s2_requests_of_a_session_follow_one_another() {
        let sessions = Sessions::new(2);
        assert_eq!(sessions.go_on(&key("a"), 1, Vec::new(), &BTreeSet::new()), Err(SessionError::NotFound));
        assert_eq!(sessions.open(&key("a"), vec![at(0), at(1), at(0)], 7), Ok(()));
        assert_eq!(sessions.go_on(&key("a"), 2, Vec::new(), &BTreeSet::new()), Err(SessionError::InvalidEpoch));
        assert_eq!(sessions.go_on(&key("a"), 1, vec![at(2)], &BTreeSet::new()), Ok(vec![at(1), at(2), at(0)]));
        assert_eq!(sessions.go_on(&key("a"), 2, Vec::new(), &BTreeSet::from([at(1)])), Ok(vec![at(0), at(2)]));
        assert_eq!(sessions.close(&key("a")), Ok(vec![at(0), at(2)]));
        assert_eq!(sessions.close(&key("a")), Err(SessionError::NotFound));
        assert_eq!(next(i32::MAX), 1);
    }

    #[test]
    fn s2_sessions_are_bounded_and_end_with_their_connection() {
        let sessions = Sessions::new(2);
        for (member, connection) in [("a", 1), ("b", 2), ("a", 1)] {
            assert_eq!(sessions.open(&key(member), vec![at(0)], connection), Ok(()), "{member}");
        }
        assert_eq!(sessions.open(&key("c"), vec![at(0)], 3), Err(SessionError::LimitReached));
        assert!(sessions.has_any_of("g") && !sessions.has_any_of("f") && !sessions.has_any_of("h"));
        assert_eq!(sessions.close_all_of(1), [(key("a"), vec![at(0)])]);
        assert_eq!(sessions.open(&key("c"), vec![at(0)], 3), Ok(()));
        let many = (0..MAX_SESSION_PARTITIONS as i32).map(at).collect();
        assert_eq!(sessions.open(&key("b"), many, 2), Err(SessionError::LimitReached));
    }
}
