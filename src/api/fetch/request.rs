//! From a fetch request to the partitions that it reads: a session's, or its own (F9).

use super::session::{Asked, Entry, PartitionKey, Partitions, SessionError, SharedSession, Wanted};
use super::Uuid;
use crate::api::error::ErrorCode;
use crate::api::reply::LaterMemory;
use crate::api::Services;
use crate::replica::Waiter;
use kafka_protocol::messages::FetchRequest;
use parking_lot::Mutex;
use std::sync::Arc;

/// A request without a session, one that must not make one.
const NO_SESSION_EPOCH: i32 = -1;
/// A full request that asks for a session.
const NEW_SESSION_EPOCH: i32 = 0;

/// The partitions of one request, and what becomes of them.
pub(super) enum Source {
    /// They are in the request alone.
    Full(Mutex<Partitions>),
    /// They are in a new session: all of them are answered.
    New(SharedSession),
    /// They are in a session: what changed is answered.
    Incremental(SharedSession),
}

pub(super) enum Opened {
    Source(Source),
    /// The session's error, told at the top.
    Refused(ErrorCode),
}

impl Source {
    /// Runs over the partitions in turn.
    pub(super) fn with<T>(&self, run: impl FnOnce(&mut dyn Iterator<Item = &Entry>) -> T) -> T {
        match self {
            Self::Full(partitions) => run(&mut partitions.lock().iter()),
            Self::New(session) | Self::Incremental(session) => run(&mut session.lock().partitions.iter()),
        }
    }

    /// The memory of the session's last parked answer; of no use to a request without a session.
    pub(super) fn memory(&self) -> Arc<LaterMemory> {
        match self {
            Self::Full(_) => Arc::default(),
            Self::New(session) | Self::Incremental(session) => session.lock().later.clone(),
        }
    }

    /// A waiter, the session's if no other request of it has that.
    pub(super) fn take_waiter(&self) -> Waiter {
        match self {
            Self::Full(_) => Waiter::default(),
            Self::New(session) | Self::Incremental(session) => session.lock().waiter.take().unwrap_or_default(),
        }
    }

    /// Leaves a waiter to the session's next request.
    pub(super) fn give_waiter_back(&self, waiter: Waiter) {
        if let Self::New(session) | Self::Incremental(session) = self {
            session.lock().waiter = Some(waiter);
        }
    }

    /// The session's id, 0 for none.
    pub(super) fn session_id(&self) -> i32 {
        match self {
            Self::Full(_) => 0,
            Self::New(session) | Self::Incremental(session) => session.lock().id,
        }
    }
}

/// Finds the session that a request names, changes it as it says, or makes one.
pub(super) fn open(services: &Services, request: FetchRequest, version: i16) -> Opened {
    let uses_topic_ids = version >= 13;
    let asked = Asked { session_id: request.session_id, epoch: request.session_epoch, uses_topic_ids };
    let sessions = &services.fetch_sessions;
    let now_ms = services.clock.now().mono_ms;
    if version < 7 || matches!(asked.epoch, NEW_SESSION_EPOCH | NO_SESSION_EPOCH) {
        if version >= 7 && asked.session_id != 0 {
            sessions.remove(asked.session_id);
        }
        let mut partitions = Partitions::default();
        add_all(&mut partitions, &request, uses_topic_ids);
        if version < 7 || asked.epoch == NO_SESSION_EPOCH || partitions.is_empty() {
            return Opened::Source(Source::Full(Mutex::new(partitions)));
        }
        let source = match sessions.create(partitions, uses_topic_ids, false, now_ms) {
            Ok(session) => Source::New(session),
            Err(partitions) => Source::Full(Mutex::new(partitions)),
        };
        return Opened::Source(source);
    }
    match sessions.resume(asked, now_ms) {
        Err(SessionError::NotFound) => Opened::Refused(ErrorCode::FetchSessionIdNotFound),
        Err(SessionError::InvalidEpoch) => Opened::Refused(ErrorCode::InvalidFetchSessionEpoch),
        Err(SessionError::TopicIdError) => Opened::Refused(ErrorCode::FetchSessionTopicIdError),
        Ok(session) => {
            let size = {
                let mut session = session.lock();
                add_all(&mut session.partitions, &request, uses_topic_ids);
                forget(&mut session.partitions, &request, uses_topic_ids);
                session.partitions.len()
            };
            if size == 0 {
                sessions.remove(asked.session_id);
                return Opened::Source(Source::Full(Mutex::new(Partitions::default())));
            }
            if !sessions.resized(asked.session_id, size, now_ms) {
                return Opened::Refused(ErrorCode::FetchSessionIdNotFound);
            }
            Opened::Source(Source::Incremental(session))
        }
    }
}

fn add_all(partitions: &mut Partitions, request: &FetchRequest, by_id: bool) {
    for topic in &request.topics {
        let name = if by_id { Arc::from("") } else { Arc::from(topic.topic.as_str()) };
        let topic_id = if by_id { topic.topic_id } else { Uuid::nil() };
        for partition in &topic.partitions {
            let key = PartitionKey { topic: Arc::clone(&name), topic_id, partition: partition.partition };
            let wanted = Wanted {
                fetch_offset: partition.fetch_offset,
                current_leader_epoch: partition.current_leader_epoch,
                last_fetched_epoch: partition.last_fetched_epoch,
                max_bytes: partition.partition_max_bytes,
            };
            partitions.set(key, wanted);
        }
    }
}

fn forget(partitions: &mut Partitions, request: &FetchRequest, by_id: bool) {
    for topic in &request.forgotten_topics_data {
        let name: Arc<str> = if by_id { Arc::from("") } else { Arc::from(topic.topic.as_str()) };
        let topic_id = if by_id { topic.topic_id } else { Uuid::nil() };
        for partition in &topic.partitions {
            partitions.forget(&PartitionKey { topic: name.clone(), topic_id, partition: *partition });
        }
    }
}
