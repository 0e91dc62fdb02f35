//! ShareAcknowledge (key 79). Versions 1–1.
//!
//! What members say of the records that they hold, without fetching more (KIP-932).
//! Left out: version 2, which renews locks (KIP-1222): the codec does not know it.

use super::context::RequestContext;
use super::error::ErrorCode;
use super::leaders::LeaderHints;
use super::reply::Reply;
use super::shares::{acknowledge, session_key, topic_place, words, Pending, Refusal, Spoken};
use super::Services;
use crate::sharing::{SessionError, SessionKey, TopicIdPartition, FINAL_EPOCH, INITIAL_EPOCH};
use kafka_protocol::messages::share_acknowledge_response::{
    LeaderIdAndEpoch, NodeEndpoint, PartitionData, ShareAcknowledgeTopicResponse,
};
use kafka_protocol::messages::{BrokerId, ShareAcknowledgeRequest, ShareAcknowledgeResponse};
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Answers once all of it is stored, or refused; a session's end gives up what is left.
pub fn handle(services: &Arc<Services>, context: &RequestContext<'_>, request: ShareAcknowledgeRequest) -> Reply {
    let responder = context.responder.clone();
    let (key, closing) = match enter(services, &request) {
        Ok(entered) => entered,
        Err((error, text)) => {
            let response = ShareAcknowledgeResponse::default().with_error_code(error.code());
            return responder.ready(&response.with_error_message(words(text)));
        }
    };
    let mut pending: Vec<Pending> = Vec::new();
    for topic in &request.topics {
        for partition in &topic.partitions {
            let batches = partition.acknowledgement_batches.iter();
            let spoken: Spoken<'_> =
                batches.map(|batch| (batch.first_offset, batch.last_offset, &batch.acknowledge_types[..])).collect();
            let at = (topic.topic_id, partition.partition_index);
            pending.push((at, acknowledge(services, &key, at, &spoken)));
        }
    }
    if let Some(partitions) = closing {
        tokio::spawn(services.shares.end_session(key, partitions));
    }
    let (services, listener) = (services.clone(), context.connection.listener.clone());
    Reply::later(async move {
        let image = services.metadata.current();
        let mut hints = LeaderHints::new(&image, &listener);
        let mut response = ShareAcknowledgeResponse::default();
        for ((topic_id, index), outcome) in pending {
            let mut data = PartitionData::default().with_partition_index(index);
            if let Err((error, text)) = outcome.await {
                data = data.with_error_code(error.code()).with_error_message(words(text));
                if error == ErrorCode::NotLeaderOrFollower {
                    if let Some((leader, epoch)) = hints.leader_of("", topic_id, index) {
                        data.current_leader =
                            LeaderIdAndEpoch::default().with_leader_id(leader).with_leader_epoch(epoch);
                    }
                }
            }
            let make = || ShareAcknowledgeTopicResponse::default().with_topic_id(topic_id);
            topic_place(&mut response.responses, topic_id, |topic| topic.topic_id, make).partitions.push(data);
        }
        response.node_endpoints = hints.endpoints(|node| {
            NodeEndpoint::default()
                .with_node_id(BrokerId(node.id))
                .with_host(StrBytes::from_string(node.host))
                .with_port(node.port)
                .with_rack(node.rack.map(StrBytes::from_string))
        });
        responder.ready(&response)
    })
}

/// The session that the request goes on with, or ends: then with its partitions.
fn enter(
    services: &Services,
    request: &ShareAcknowledgeRequest,
) -> Result<(SessionKey, Option<Vec<TopicIdPartition>>), Refusal> {
    let key = session_key(&request.group_id, &request.member_id)?;
    let sessions = &services.shares.sessions;
    let entered = match request.share_session_epoch {
        // Only ShareFetch opens one.
        INITIAL_EPOCH => Err(SessionError::InvalidEpoch),
        FINAL_EPOCH => sessions.close(&key).map(Some),
        epoch => sessions.go_on(&key, epoch, Vec::new(), &BTreeSet::new()).map(|_| None),
    };
    let closing = entered.map_err(|error| (ErrorCode::from(error), error.to_string()))?;
    Ok((key, closing))
}
