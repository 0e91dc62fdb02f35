//! Produce (key 0). Versions 3–13.
//!
//! 5: log start offset. 7: zstd (KIP-110). 8: errors by record (KIP-467). 10: leader hints (KIP-951). 11: TRANSACTION_ABORTABLE,
//! 12: partitions join their transaction on the way (KIP-890). 13: topic ids (KIP-516).

mod transactional;

use super::context::{RequestContext, Responder};
use super::error::ErrorCode;
use super::leaders::LeaderHints;
use super::reply::Reply;
use super::throttle;
use super::Services;
use crate::clock::Now;
use crate::ids::{TopicPartition, Uuid};
use crate::log::append::Appended;
use crate::metadata::image::MetadataImage;
use crate::quota::Kind as Quota;
use crate::record::validate::{check_one_batch, validate_with, BatchRefused};
use crate::replica::{Acks, Append, AppendError, AppendFuture, Burst};
use crate::wire::versions::PRODUCE;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::{
    BatchIndexAndErrorMessage, LeaderIdAndEpoch, NodeEndpoint, PartitionProduceResponse, TopicProduceResponse,
};
use kafka_protocol::messages::{BrokerId, ProduceRequest, ProduceResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use std::sync::Arc;
use transactional::Verified;

/// The client id with which Kafka's own tools may write to internal topics (P13).
const ADMIN_CLIENT_ID: &str = "__admin_client";

/// Whether any batch belongs to a transaction: then [`handle_transactional`] takes the request.
pub fn is_transactional(request: &ProduceRequest) -> bool {
    transactional::is_transactional(request)
}

/// Sees to it that the transaction is open where its batches go, then does as [`handle`].
pub async fn handle_transactional(services: &Services, context: &RequestContext<'_>, request: ProduceRequest) -> Reply {
    match Producing::new(services, context, &request).verified(&request).await {
        Ok(verified) => produce(services, context, request, Some(verified)),
        Err(error) => refuse_all(services, context, request, error),
    }
}

/// Appends each partition's batch, and answers when as many replicas have it as the client asked for.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: ProduceRequest) -> Reply {
    produce(services, context, request, None)
}

fn produce(
    services: &Services,
    context: &RequestContext<'_>,
    request: ProduceRequest,
    verified: Option<Verified>,
) -> Reply {
    let producing = Producing { verified, ..Producing::new(services, context, &request) };
    let mut waiting = Vec::new();
    // A topic's answer is as large as its request and is collected into its place.
    let topics = request.topic_data.into_iter().enumerate().map(|(at, topic)| {
        producing.topic(topic, |partition, future| waiting.push(Waiting { topic: at, partition, future }))
    });
    let topics = topics.collect();
    let answer = Answer {
        responder: context.responder.clone(),
        listener: context.connection.listener.clone(),
        topics,
        silent: request.acks == 0,
        throttle_ms: throttle::record(services, context, Quota::Produce, context.request_bytes as f64),
    };
    if waiting.is_empty() {
        return answer.send(&producing.image);
    }
    let metadata = services.metadata.clone();
    Reply::later(async move {
        let mut answer = answer;
        for waiting in waiting {
            let result = waiting.future.await;
            let partition = &mut answer.topics[waiting.topic].partition_responses[waiting.partition];
            *partition = appended(partition.index, result, answer.responder.version);
        }
        answer.send(&metadata.current())
    })
}

/// Refuses a request as a whole: every partition hears of it.
fn refuse_all(services: &Services, context: &RequestContext<'_>, request: ProduceRequest, error: ErrorCode) -> Reply {
    let topics = request.topic_data.into_iter().map(|topic| {
        let partitions = topic.partition_data.iter().map(|partition| refused(partition.index, error));
        let answer = TopicProduceResponse::default().with_partition_responses(partitions.collect());
        named(answer, topic.name, topic.topic_id, context.version)
    });
    let answer = Answer {
        responder: context.responder.clone(),
        listener: context.connection.listener.clone(),
        topics: topics.collect(),
        silent: request.acks == 0,
        throttle_ms: throttle::record(services, context, Quota::Produce, context.request_bytes as f64),
    };
    answer.send(&services.metadata.current())
}

/// A topic's answer under the name that its request's version gave it.
fn named(mut answer: TopicProduceResponse, name: TopicName, topic_id: Uuid, version: i16) -> TopicProduceResponse {
    if version >= 13 {
        answer.topic_id = topic_id;
    } else {
        answer.name = name;
    }
    answer
}

/// P1: the acknowledgement that a request's number asks for.
fn acks(acks: i16, timeout_ms: i32) -> Option<Acks> {
    match acks {
        0 => Some(Acks::None),
        1 => Some(Acks::Leader),
        -1 => Some(Acks::All { timeout_ms: timeout_ms.max(0).into() }),
        _ => None,
    }
}

/// An append whose result is awaited, and where in the answer it goes.
struct Waiting {
    topic: usize,
    partition: usize,
    future: AppendFuture,
}

struct Producing<'a> {
    services: &'a Services,
    image: Arc<MetadataImage>,
    version: i16,
    /// `None` for a number that means nothing (P1).
    acks: Option<Acks>,
    may_write_internal: bool,
    /// What came of asking the coordinator of the batches' transaction, if they have one.
    verified: Option<Verified>,
    now: Now,
    burst: &'a Burst,
}

impl<'a> Producing<'a> {
    fn new(services: &'a Services, context: &RequestContext<'a>, request: &ProduceRequest) -> Self {
        Self {
            services,
            image: services.metadata.current(),
            version: context.version,
            acks: acks(request.acks, request.timeout_ms),
            may_write_internal: &*context.client_id == ADMIN_CLIENT_ID,
            verified: None,
            now: services.clock.now(),
            burst: &context.connection.burst,
        }
    }

    fn topic(&self, topic: TopicProduceData, mut wait: impl FnMut(usize, AppendFuture)) -> TopicProduceResponse {
        let name = self.topic_name(&topic);
        let mut responses = Vec::with_capacity(topic.partition_data.len());
        for partition in topic.partition_data {
            let index = partition.index;
            let response = match &name {
                Err(error) => refused(index, *error),
                Ok(name) => match self.partition(name, partition) {
                    Ok(Append::Done(result)) => appended(index, result, self.version),
                    Ok(Append::Later(future)) => {
                        wait(responses.len(), future);
                        PartitionProduceResponse::default().with_index(index)
                    }
                    Err(refusal) => refusal.encoded(index, self.version),
                },
            };
            responses.push(response);
        }
        let answer = TopicProduceResponse::default().with_partition_responses(responses);
        named(answer, topic.name, topic.topic_id, self.version)
    }

    /// P10, P13: the topic's name, if it exists and may be written to.
    fn topic_name(&self, topic: &TopicProduceData) -> Result<Arc<str>, ErrorCode> {
        let found = if self.version >= 13 {
            self.image.topic_by_id(&topic.topic_id).ok_or(ErrorCode::UnknownTopicId)?
        } else {
            self.image.topic_by_name(&topic.name).ok_or(ErrorCode::UnknownTopicOrPartition)?
        };
        if found.is_internal() && !self.may_write_internal {
            return Err(ErrorCode::InvalidTopicException);
        }
        Ok(found.name.clone())
    }

    /// The checks in Kafka's order (P16); the batch is judged outside any lock.
    fn partition(&self, topic: &Arc<str>, produced: PartitionProduceData) -> Result<Append, Refusal> {
        let partition = self
            .services
            .replicas
            .partition(topic, produced.index)
            .map_err(|error| Refusal::error(ErrorCode::from(&error)))?;
        let records = produced.records.filter(|records| !records.is_empty()).ok_or_else(Refusal::no_batch)?;
        let zstd_allowed = self.version >= 7;
        // The batch's shape comes first, but is only looked at before all else where something else fails as well.
        let refuse = |error| match check_one_batch(&records, zstd_allowed) {
            Ok(()) => Refusal::error(error),
            Err(refused) => Refusal::Batch(refused),
        };
        let verification = match &self.verified {
            None => None,
            Some(verified) => {
                let verification = verified.of(&TopicPartition::new(topic.clone(), produced.index));
                verification.map_err(|(error, why)| Refusal::Request(error, why))?
            }
        };
        let acks = self.acks.ok_or_else(|| refuse(ErrorCode::InvalidRequiredAcks))?;
        partition.check_append(acks).map_err(|error| refuse(ErrorCode::from(&error)))?;
        let mut rules = partition.rules();
        if !zstd_allowed {
            Arc::make_mut(&mut rules).zstd_allowed = false;
        }
        let batch = validate_with(&self.services.scratch, records, &rules, self.now).map_err(Refusal::Batch)?;
        Ok(match self.burst.has_more() {
            true => partition.append_with_next(batch, acks, verification, self.now, self.burst),
            false => partition.append_verified(batch, acks, verification, self.now),
        })
    }
}

/// Why a batch is not in the log.
enum Refusal {
    /// The topic, the partition, or the request as a whole.
    Request(ErrorCode, Option<String>),
    /// The batch.
    Batch(BatchRefused),
}

impl Refusal {
    fn error(error: ErrorCode) -> Self {
        Self::Request(error, None)
    }

    fn no_batch() -> Self {
        Self::Request(ErrorCode::InvalidRecord, Some("Produce requests must have exactly one record batch".to_owned()))
    }

    fn encoded(self, index: i32, version: i16) -> PartitionProduceResponse {
        let (error, message, records) = match self {
            Self::Request(error, message) => (error, message, Vec::new()),
            Self::Batch(refused) => {
                let error = ErrorCode::from(&refused);
                let message = refused.to_string();
                let records = match refused {
                    BatchRefused::InvalidRecord { record_errors, .. }
                    | BatchRefused::InvalidTimestamp { record_errors, .. } => record_errors,
                    _ => Vec::new(),
                };
                (error, Some(message), records)
            }
        };
        let mut answer = refused(index, error);
        if version >= 8 {
            answer.error_message = message.map(StrBytes::from_string);
            answer.record_errors = records
                .into_iter()
                .map(|(index, message)| {
                    BatchIndexAndErrorMessage::default()
                        .with_batch_index(index)
                        .with_batch_index_error_message(Some(StrBytes::from_string(message)))
                })
                .collect();
        }
        answer
    }
}

fn refused(index: i32, error: ErrorCode) -> PartitionProduceResponse {
    PartitionProduceResponse::default()
        .with_index(index)
        .with_error_code(error.code())
        .with_base_offset(-1)
        .with_log_append_time_ms(-1)
}

/// P14: where the batch is, also if it was there before.
fn appended(index: i32, result: Result<Appended, AppendError>, version: i16) -> PartitionProduceResponse {
    match result {
        Ok(appended) => {
            let mut answer = PartitionProduceResponse::default()
                .with_index(index)
                .with_base_offset(appended.base_offset)
                .with_log_append_time_ms(appended.append_time_ms);
            if version >= 5 {
                answer.log_start_offset = appended.log_start_offset;
            }
            answer
        }
        Err(error) => {
            let mut answer = refused(index, ErrorCode::from(&error));
            if version >= 8 {
                answer.error_message = Some(StrBytes::from_string(error.to_string()));
            }
            answer
        }
    }
}

/// The answer as far as it is known.
struct Answer {
    responder: Responder,
    listener: Arc<str>,
    topics: Vec<TopicProduceResponse>,
    /// acks 0: nobody reads an answer (P2).
    silent: bool,
    /// What the client's quota says to this request (Q1).
    throttle_ms: u32,
}

impl Answer {
    fn send(self, image: &MetadataImage) -> Reply {
        let (version, throttle_ms) = (self.responder.version, self.throttle_ms);
        throttle::throttled(self.answered(image), PRODUCE, version, throttle_ms)
    }

    fn answered(mut self, image: &MetadataImage) -> Reply {
        if self.silent {
            return self.silence();
        }
        let throttle_ms = i32::try_from(self.throttle_ms).unwrap_or(i32::MAX);
        let mut response = ProduceResponse::default().with_throttle_time_ms(throttle_ms);
        if self.responder.version >= 10 {
            response.node_endpoints = self.add_leaders(image);
        }
        response.responses = self.topics;
        self.responder.ready(&response)
    }

    /// P2: the only way to tell is to close the connection.
    fn silence(&self) -> Reply {
        let mut partitions = self.topics.iter().flat_map(|topic| &topic.partition_responses);
        match partitions.find(|partition| partition.error_code != 0) {
            None => Reply::None,
            Some(failed) => Reply::Close(format!("a produce with acks=0 failed with error {}", failed.error_code)),
        }
    }

    /// P11: beside NOT_LEADER_OR_FOLLOWER, who leads.
    fn add_leaders(&mut self, image: &MetadataImage) -> Vec<NodeEndpoint> {
        let mut hints = LeaderHints::new(image, &self.listener);
        for topic in &mut self.topics {
            for partition in &mut topic.partition_responses {
                if partition.error_code == ErrorCode::NotLeaderOrFollower.code() {
                    if let Some((leader, epoch)) = hints.leader_of(&topic.name, topic.topic_id, partition.index) {
                        partition.current_leader =
                            LeaderIdAndEpoch::default().with_leader_id(BrokerId(leader)).with_leader_epoch(epoch);
                    }
                }
            }
        }
        hints.endpoints(|node| {
            NodeEndpoint::default()
                .with_node_id(BrokerId(node.id))
                .with_host(StrBytes::from_string(node.host))
                .with_port(node.port)
                .with_rack(node.rack.map(StrBytes::from_string))
        })
    }
}
