//! The cluster's metadata as the quorum's state machine: the controller judges over a scratch image, committed records fold into
//! the current one, and the cache shows that to the node.

use super::machine::{Decision, MachineError, Position, SnapshotWriter, StateMachine, TooLarge};
use crate::clock::Now;
use crate::controller::request::{ReassignPartition, Setting};
use crate::controller::{Controller, Request, Response};
use crate::metadata::cache::MetadataCache;
use crate::metadata::codec;
use crate::metadata::delta::MetadataDelta;
use crate::metadata::image::MetadataImage;
use std::sync::Arc;

/// The first byte of a snapshot; the image's records follow.
const SNAPSHOT_FORMAT: u8 = 1;

/// Events, ticks among them, further apart than this, in milliseconds, mean that this node was stopped or busy, and not that
/// brokers are silent.
const AWAY_MS: i64 = 1_000;

/// What a request counts for beyond its strings and lists.
const REQUEST_BYTES: usize = 64;

/// The cluster's metadata. Its requests are the controller's.
pub struct MetadataMachine {
    controller: Controller,
    cache: Arc<MetadataCache>,
    /// All that is applied.
    current: MetadataImage,
    /// What the cache shows.
    published: Arc<MetadataImage>,
    /// `current`, and all that was decided since and is still in flight.
    scratch: MetadataImage,
    /// When anything was last to be judged, in milliseconds of the monotonic clock.
    heard_ms: Option<i64>,
}

impl MetadataMachine {
    /// A machine with the image that `cache` holds, which is the empty one at start. Nobody else may publish there.
    pub fn new(controller: Controller, cache: Arc<MetadataCache>) -> Self {
        let published = cache.current();
        let current = MetadataImage::clone(&published);
        Self { controller, cache, scratch: current.clone(), current, published, heard_ms: None }
    }

    /// Where the current image is shown.
    pub fn cache(&self) -> &Arc<MetadataCache> {
        &self.cache
    }

    fn fold(image: &mut MetadataImage, records: &[u8]) -> Result<(), MachineError> {
        for record in codec::decode_each(records) {
            let record = record.map_err(|error| MachineError(error.to_string()))?;
            image.take(record).map_err(|error| MachineError(error.to_string()))?;
        }
        Ok(())
    }

    /// To be called with every event: after a pause of the process the first one may be a heartbeat or a tick, and none
    /// may judge the sessions by a time in which nobody was heard.
    fn notice_absence(&mut self, now: Now) {
        let since_ms = now.mono_ms - self.heard_ms.replace(now.mono_ms).unwrap_or(now.mono_ms);
        if since_ms > AWAY_MS {
            self.controller.was_away(since_ms);
        }
    }
}

/// Marks in `image` that what follows stands at `at`, in Kafka's narrower numbers.
fn begin(image: &mut MetadataImage, at: Position) {
    image.begin_entry(i64::try_from(at.index).unwrap_or(i64::MAX), i32::try_from(at.term).unwrap_or(i32::MAX));
}

impl StateMachine for MetadataMachine {
    type Request = Request;
    type Response = Response;

    fn decide(&mut self, now: Now, at: Position, request: &Request) -> Result<Decision<Response>, TooLarge> {
        self.notice_absence(now);
        let mut image = self.scratch.clone();
        begin(&mut image, at);
        let decision = self.controller.decide(&image, request, now);
        let mut records = Vec::new();
        for record in &decision.records {
            let before = records.len();
            codec::encode(record, &mut records);
            if records.len() - before > codec::MAX_RECORD_BYTES {
                return Err(TooLarge(records.len() - before));
            }
            image.apply(record).expect("the controller has applied it to the same image");
        }
        self.scratch = image;
        Ok(Decision { records, response: decision.response })
    }

    fn apply(&mut self, at: Position, records: &[u8]) -> Result<(), MachineError> {
        begin(&mut self.current, at);
        Self::fold(&mut self.current, records)
    }

    fn publish(&mut self) {
        let image = Arc::new(self.current.clone());
        let delta = MetadataDelta::between(&self.published, &image);
        self.cache.publish(image.clone(), &delta);
        self.published = image;
    }

    fn snapshot(&self) -> SnapshotWriter {
        let image = self.current.clone();
        Box::new(move || {
            let mut bytes = vec![SNAPSHOT_FORMAT];
            for record in image.to_records() {
                codec::encode(&record, &mut bytes);
            }
            bytes
        })
    }

    fn restore(&mut self, at: Position, snapshot: &[u8]) -> Result<(), MachineError> {
        let Some((&SNAPSHOT_FORMAT, records)) = snapshot.split_first() else {
            return Err(MachineError(format!("a snapshot starts with {:?}", snapshot.first())));
        };
        let mut image = MetadataImage::new();
        begin(&mut image, at);
        Self::fold(&mut image, records)?;
        self.current = image;
        Ok(())
    }

    fn reset_scratch(&mut self) {
        self.scratch = self.current.clone();
    }

    fn became_active(&mut self, now: Now) {
        self.controller.became_active(&self.current, now);
    }

    fn timed_request(&mut self, now: Now) -> Option<Request> {
        self.notice_absence(now);
        let due = self.controller.next_session_expiry_ms().is_some_and(|expiry_ms| expiry_ms <= now.mono_ms);
        due.then_some(Request::FenceStaleBrokers)
    }

    fn request_bytes(request: &Request) -> usize {
        let settings = |settings: &[Setting]| -> usize {
            settings.iter().map(|(key, value)| REQUEST_BYTES + key.len() + value.as_ref().map_or(0, String::len)).sum()
        };
        let content = match request {
            Request::CreateTopics(request) => request
                .topics
                .iter()
                .map(|topic| {
                    let replicas: usize = topic.assignments.iter().map(|(_, replicas)| 8 + 4 * replicas.len()).sum();
                    REQUEST_BYTES + topic.name.len() + replicas + settings(&topic.configs)
                })
                .sum(),
            Request::DeleteTopics { topics } => topics.len() * REQUEST_BYTES,
            Request::CreatePartitions(request) => request.topics.len() * REQUEST_BYTES,
            Request::IncrementalAlterConfigs { resources, .. } => resources
                .iter()
                .flat_map(|(_, changes)| changes)
                .map(|change| REQUEST_BYTES + change.key.len() + change.value.as_ref().map_or(0, String::len))
                .sum(),
            Request::AlterConfigs { resources, .. } => resources.iter().map(|(_, all)| settings(all)).sum(),
            Request::RegisterBroker(request) => {
                request.endpoints.len() * REQUEST_BYTES + request.rack.as_ref().map_or(0, String::len)
            }
            Request::UpdateFeatures { updates, .. } => updates.len() * REQUEST_BYTES,
            Request::ElectLeaders { partitions, .. } => partitions.as_ref().map_or(0, Vec::len) * REQUEST_BYTES,
            Request::Reassign(request) => {
                let replicas = |asked: &ReassignPartition| asked.replicas.as_ref().map_or(0, Vec::len);
                request.partitions.iter().map(|asked| REQUEST_BYTES + 4 * replicas(asked)).sum()
            }
            Request::AlterClientQuotas { alterations, .. } => {
                alterations.iter().map(|asked| REQUEST_BYTES * (1 + asked.operations.len())).sum()
            }
            Request::AlterScramCredentials(request) => {
                REQUEST_BYTES * (request.deletions.len() + 4 * request.upsertions.len())
            }
            Request::Bootstrap { .. }
            | Request::AllocateProducerIds { .. }
            | Request::BrokerHeartbeat(_)
            | Request::UnregisterBroker { .. }
            | Request::FenceStaleBrokers => 0,
        };
        REQUEST_BYTES + content
    }
}
