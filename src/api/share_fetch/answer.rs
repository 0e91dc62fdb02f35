//! The answer to a ShareFetch: record bytes by reference, what is held of them, and what came of acknowledgements.

use super::wait::Read;
use crate::api::context::{RequestContext, Responder};
use crate::api::error::ErrorCode;
use crate::api::leaders::LeaderHints;
use crate::api::reply::Reply;
use crate::api::shares::{topic_place, words, Refusal};
use crate::api::Services;
use crate::ids::Uuid;
use crate::log::Piece as LogPiece;
use crate::sharing::{SessionKey, TopicIdPartition};
use crate::wire::{Piece, Scatter};
use bytes::Bytes;
use kafka_protocol::messages::share_fetch_response::{
    AcquiredRecords, LeaderIdAndEpoch, NodeEndpoint, PartitionData, ShareFetchableTopicResponse,
};
use kafka_protocol::messages::{BrokerId, ShareFetchResponse};
use kafka_protocol::protocol::StrBytes;
use std::sync::Arc;

/// Makes the answer of one request.
pub(super) struct Answer {
    responder: Responder,
    listener: Arc<str>,
}

impl Answer {
    pub(super) fn new(context: &RequestContext<'_>) -> Self {
        Self { responder: context.responder.clone(), listener: context.connection.listener.clone() }
    }

    /// An error of the whole request.
    pub(super) fn refused(&self, (error, text): Refusal) -> Reply {
        let response = ShareFetchResponse::default().with_error_code(error.code());
        self.responder.ready(&response.with_error_message(words(text)))
    }

    pub(super) fn send(
        &self,
        services: &Services,
        key: &SessionKey,
        reads: Vec<Read>,
        acknowledged: Vec<(TopicIdPartition, Result<(), Refusal>)>,
    ) -> Reply {
        let image = services.metadata.current();
        let mut hints = LeaderHints::new(&image, &self.listener);
        let mut scatter = self.responder.scatter();
        let lock_ms = services.shares.settings_of(&key.group).limits.lock_duration_ms;
        let mut response =
            ShareFetchResponse::default().with_acquisition_lock_timeout_ms(i32::try_from(lock_ms).unwrap_or(i32::MAX));
        for (at, outcome) in acknowledged {
            let data = place(&mut response, at);
            if let Err((error, text)) = outcome {
                (data.acknowledge_error_code, data.acknowledge_error_message) = (error.code(), words(text));
                name_leader(data, error, at.0, &mut hints);
            }
        }
        for (at, read) in reads {
            let data = place(&mut response, at);
            match read {
                Ok(delivered) => {
                    data.records = Some(bytes(&mut scatter, delivered.pieces));
                    data.acquired_records = delivered
                        .acquired
                        .iter()
                        .map(|one| {
                            AcquiredRecords::default()
                                .with_first_offset(one.first_offset)
                                .with_last_offset(one.last_offset)
                                .with_delivery_count(one.delivery_count)
                        })
                        .collect();
                }
                Err((error, text)) => {
                    (data.error_code, data.error_message) = (error.code(), words(text));
                    name_leader(data, error, at.0, &mut hints);
                }
            }
        }
        response.node_endpoints = hints.endpoints(|node| {
            NodeEndpoint::default()
                .with_node_id(BrokerId(node.id))
                .with_host(StrBytes::from_string(node.host))
                .with_port(node.port)
                .with_rack(node.rack.map(StrBytes::from_string))
        });
        self.responder.ready_with(scatter, &response)
    }
}

fn name_leader(data: &mut PartitionData, error: ErrorCode, topic_id: Uuid, hints: &mut LeaderHints<'_>) {
    if error == ErrorCode::NotLeaderOrFollower {
        if let Some((leader, epoch)) = hints.leader_of("", topic_id, data.partition_index) {
            data.current_leader = LeaderIdAndEpoch::default().with_leader_id(leader).with_leader_epoch(epoch);
        }
    }
}

fn bytes(scatter: &mut Scatter, pieces: Vec<LogPiece>) -> Bytes {
    let piece = |piece| match piece {
        LogPiece::Bytes(bytes) => Piece::Bytes(bytes),
        LogPiece::File(range) => Piece::File(range),
    };
    scatter.place(pieces.into_iter().map(piece).collect())
}

/// A partition's place in the answer; made where it is missing.
fn place(response: &mut ShareFetchResponse, (topic_id, index): TopicIdPartition) -> &mut PartitionData {
    let make = || ShareFetchableTopicResponse::default().with_topic_id(topic_id);
    let topic = topic_place(&mut response.responses, topic_id, |topic| topic.topic_id, make);
    let at = topic.partitions.iter().position(|data| data.partition_index == index).unwrap_or_else(|| {
        let data = PartitionData::default().with_partition_index(index).with_records(Some(Bytes::new()));
        topic.partitions.push(data);
        topic.partitions.len() - 1
    });
    &mut topic.partitions[at]
}
