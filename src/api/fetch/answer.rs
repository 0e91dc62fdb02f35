//! The answer to a fetch: record bytes by reference, and of a session only what changed (F10, F15).

use super::quota::FetchQuota;
use super::request::Source;
use super::{Attempt, PartitionRead, Refusal};
use crate::api::context::{RequestContext, Responder};
use crate::api::error::ErrorCode;
use crate::api::leaders::LeaderHints;
use crate::api::reply::Reply;
use crate::api::throttle::throttled;
use crate::log::read::Piece as LogPiece;
use crate::metadata::image::MetadataImage;
use crate::replica::Isolation;
use crate::wire::{Piece, Scatter};
use bytes::Bytes;
use kafka_protocol::messages::fetch_response::{
    AbortedTransaction, EpochEndOffset, FetchableTopicResponse, LeaderIdAndEpoch, NodeEndpoint, PartitionData,
};
use kafka_protocol::messages::{BrokerId, FetchResponse, ProducerId, TopicName};
use kafka_protocol::protocol::StrBytes;
use std::sync::Arc;

/// This API's key.
const FETCH: i16 = 1;

/// Makes the answer of one request.
pub(super) struct Answer {
    responder: Responder,
    listener: Arc<str>,
    isolation: Isolation,
    /// `None` where no quota holds for the client.
    quota: Option<FetchQuota>,
}

impl Answer {
    pub(super) fn new(context: &RequestContext<'_>, isolation: Isolation, quota: Option<FetchQuota>) -> Self {
        Self { responder: context.responder.clone(), listener: context.connection.listener.clone(), isolation, quota }
    }

    /// A session's error, and nothing else.
    pub(super) fn refused(&self, error: ErrorCode) -> Reply {
        self.responder.ready(&FetchResponse::default().with_error_code(error.code()))
    }

    pub(super) fn send(&self, image: &MetadataImage, source: &Source, attempt: Attempt) -> Reply {
        let version = self.responder.version;
        if let Some(throttle_ms) = self.quota.as_ref().and_then(|quota| quota.exceeded_by(attempt.bytes)) {
            return self.throttled(source, throttle_ms);
        }
        let mut scatter = self.responder.scatter();
        let mut response = FetchResponse::default();
        let mut hints = LeaderHints::new(image, &self.listener);
        for read in attempt.reads {
            remember(source, &read);
            let key = read.key.clone();
            let partition = self.partition(read, &mut scatter, &mut hints);
            add(&mut response.responses, &key.topic, key.topic_id, partition, version);
        }
        if version >= 7 {
            response.session_id = source.session_id();
        }
        if version >= 16 {
            response.node_endpoints = hints.endpoints(|node| {
                NodeEndpoint::default()
                    .with_node_id(BrokerId(node.id))
                    .with_host(StrBytes::from_string(node.host))
                    .with_port(node.port)
                    .with_rack(node.rack.map(StrBytes::from_string))
            });
        }
        self.responder.ready_with(scatter, &response)
    }

    /// F14: no records, and nothing of the session has been told. A session that would begin does not.
    fn throttled(&self, source: &Source, throttle_ms: u32) -> Reply {
        let mut response = FetchResponse::default();
        if let (true, Source::Incremental(_)) = (self.responder.version >= 7, source) {
            response.session_id = source.session_id();
        }
        throttled(self.responder.ready(&response), FETCH, self.responder.version, throttle_ms)
    }

    fn partition(&self, read: PartitionRead, scatter: &mut Scatter, hints: &mut LeaderHints<'_>) -> PartitionData {
        let version = self.responder.version;
        let mut data = PartitionData::default()
            .with_partition_index(read.key.partition)
            .with_records(Some(Bytes::new()))
            .with_aborted_transactions(None)
            .with_high_watermark(-1)
            .with_last_stable_offset(-1);
        match read.result {
            Ok(found) => {
                data.high_watermark = found.high_watermark;
                data.last_stable_offset = found.last_stable_offset;
                if version >= 5 {
                    data.log_start_offset = found.log_start_offset;
                }
                if self.isolation == Isolation::ReadCommitted {
                    let aborted = found.aborted.iter().flatten().map(|transaction| {
                        AbortedTransaction::default()
                            .with_producer_id(ProducerId(transaction.producer_id))
                            .with_first_offset(transaction.first_offset)
                    });
                    data.aborted_transactions = Some(aborted.collect());
                }
                if let (true, Some((epoch, end_offset))) = (version >= 12, found.diverging_epoch) {
                    data.diverging_epoch = EpochEndOffset::default().with_epoch(epoch).with_end_offset(end_offset);
                }
                if !found.pieces.is_empty() {
                    data.records = Some(scatter.place(found.pieces.into_iter().map(wire_piece).collect()));
                }
            }
            Err(refusal) => {
                let error = match &refusal {
                    Refusal::Topic(error) => *error,
                    Refusal::Partition(error) => ErrorCode::from(error),
                };
                data.error_code = error.code();
                let moved = matches!(error, ErrorCode::NotLeaderOrFollower | ErrorCode::FencedLeaderEpoch);
                if version >= 16 && moved {
                    if let Some((leader, epoch)) =
                        hints.leader_of(&read.key.topic, read.key.topic_id, read.key.partition)
                    {
                        data.current_leader =
                            LeaderIdAndEpoch::default().with_leader_id(BrokerId(leader)).with_leader_epoch(epoch);
                    }
                }
            }
        }
        data
    }
}

/// Notes in the session what this answer tells of a partition.
fn remember(source: &Source, read: &PartitionRead) {
    let (Source::New(session) | Source::Incremental(session)) = source else { return };
    let mut session = session.lock();
    let had_records = read.length_bytes() > 0;
    if let (true, Ok(found)) = (had_records, &read.result) {
        session.partitions.read_up_to(&read.key, found.cursor);
    }
    session.partitions.answered(&read.key, read.told(), had_records);
}

fn wire_piece(piece: LogPiece) -> Piece {
    match piece {
        LogPiece::Bytes(bytes) => Piece::Bytes(bytes),
        LogPiece::File(range) => Piece::File(range),
    }
}

/// Adds a partition to its topic's answer; neighbours of one topic share it.
fn add(
    topics: &mut Vec<FetchableTopicResponse>,
    topic: &str,
    topic_id: crate::ids::Uuid,
    partition: PartitionData,
    version: i16,
) {
    if let Some(last) = topics.last_mut() {
        let same = if version >= 13 { last.topic_id == topic_id } else { *last.topic.0 == *topic };
        if same {
            last.partitions.push(partition);
            return;
        }
    }
    let mut answer = FetchableTopicResponse::default().with_partitions(vec![partition]);
    if version >= 13 {
        answer.topic_id = topic_id;
    } else {
        answer.topic = TopicName(StrBytes::from_string(topic.to_owned()));
    }
    topics.push(answer);
}
