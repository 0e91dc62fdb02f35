//! Produce (key 0). Versions 3–13.
//!
//! 5: log start offset. 7: zstd (KIP-110). 8: errors by record (KIP-467). 10: leader hints (KIP-951). 13: topic ids (KIP-516).
//! Left out: transactional data, which is refused until transactions are served.

use super::context::{RequestContext, Responder};
use super::error::ErrorCode;
use super::leaders::LeaderHints;
use super::reply::Reply;
use super::Services;
use crate::clock::Now;
use crate::log::append::Appended;
use crate::metadata::image::MetadataImage;
use crate::record::validate::{check_one_batch, validate_with, BatchRefused};
use crate::replica::{Acks, Append, AppendError, AppendFuture};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::{
    BatchIndexAndErrorMessage, LeaderIdAndEpoch, NodeEndpoint, PartitionProduceResponse, TopicProduceResponse,
};
use kafka_protocol::messages::{BrokerId, ProduceRequest, ProduceResponse};
use kafka_protocol::protocol::StrBytes;
use std::sync::Arc;

/// The client id with which Kafka's own tools may write to internal topics (P13).
const ADMIN_CLIENT_ID: &str = "__admin_client";

/// Appends each partition's batch, and answers when as many replicas have it as the client asked for.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: ProduceRequest) -> Reply {
    let producing = Producing {
        services,
        image: services.metadata.current(),
        version: context.version,
        acks: acks(request.acks, request.timeout_ms),
        may_write_internal: &*context.client_id == ADMIN_CLIENT_ID,
        transactional: request.transactional_id.is_some(),
        now: services.clock.now(),
    };
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
    transactional: bool,
    now: Now,
}

impl Producing<'_> {
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
        let mut answer = TopicProduceResponse::default().with_partition_responses(responses);
        if self.version >= 13 {
            answer.topic_id = topic.topic_id;
        } else {
            answer.name = topic.name;
        }
        answer
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
    fn partition(&self, topic: &str, produced: PartitionProduceData) -> Result<Append, Refusal> {
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
        if self.transactional {
            return Err(refuse(ErrorCode::InvalidTxnState));
        }
        let acks = self.acks.ok_or_else(|| refuse(ErrorCode::InvalidRequiredAcks))?;
        partition.check_append(acks).map_err(|error| refuse(ErrorCode::from(&error)))?;
        let mut rules = partition.rules();
        if !zstd_allowed {
            Arc::make_mut(&mut rules).zstd_allowed = false;
        }
        let batch = validate_with(&self.services.scratch, records, &rules, self.now).map_err(Refusal::Batch)?;
        Ok(partition.append_as_leader(batch, acks, self.now))
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
}

impl Answer {
    fn send(mut self, image: &MetadataImage) -> Reply {
        if self.silent {
            return self.silence();
        }
        let mut response = ProduceResponse::default();
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
