//! ShareFetch (key 78). Versions 1–1.
//!
//! Delivers records to a member of a share group and takes in what it says of earlier ones (KIP-932); 1: how many records.
//! Left out: version 2, with strict record limits and renewals (KIP-1206, KIP-1222): the codec does not know it.

mod answer;
mod wait;

use super::context::RequestContext;
use super::error::ErrorCode;
use super::reply::Reply;
use super::shares::{acknowledge, session_key, Pending, Refusal, Spoken};
use super::Services;
use crate::sharing::{SessionKey, TopicIdPartition, FINAL_EPOCH, INITIAL_EPOCH};
use answer::Answer;
use kafka_protocol::messages::ShareFetchRequest;
use std::collections::BTreeSet;
use std::sync::Arc;
use wait::Reading;

/// Answers with what is available, or waits for it; what is acknowledged is judged at once.
pub fn handle(services: &Arc<Services>, context: &RequestContext<'_>, request: ShareFetchRequest) -> Reply {
    let answer = Answer::new(context);
    let (key, entered) = match enter(services, context, &request) {
        Ok(entered) => entered,
        Err(refusal) => return answer.refused(refusal),
    };
    let pending = acknowledgements(services, &key, &request);
    let partitions = match entered {
        Entered::Reads(partitions) => partitions,
        Entered::Ended(partitions) => {
            tokio::spawn(services.shares.end_session(key.clone(), partitions));
            Vec::new()
        }
    };
    let reading = Reading::new(services, &key, &request, partitions);
    let services = services.clone();
    Reply::later(async move {
        let reads = reading.run(&services).await;
        let mut acknowledged = Vec::with_capacity(pending.len());
        for (at, outcome) in pending {
            acknowledged.push((at, outcome.await));
        }
        answer.send(&services, &key, reads, acknowledged)
    })
}

/// A session after the request has been entered.
enum Entered {
    /// These partitions are to be read.
    Reads(Vec<TopicIdPartition>),
    /// It is over; these were its partitions.
    Ended(Vec<TopicIdPartition>),
}

fn enter(
    services: &Services,
    context: &RequestContext<'_>,
    request: &ShareFetchRequest,
) -> Result<(SessionKey, Entered), Refusal> {
    let key = session_key(&request.group_id, &request.member_id)?;
    let invalid = |words: &str| Err((ErrorCode::InvalidRequest, words.to_owned()));
    let all =
        || request.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |partition| (topic, partition)));
    let speaks = all().any(|(_, partition)| !partition.acknowledgement_batches.is_empty());
    let is_silent = all().any(|(_, partition)| partition.acknowledgement_batches.is_empty());
    let named: Vec<_> = all().map(|(topic, partition)| (topic.topic_id, partition.partition_index)).collect();
    let sessions = &services.shares.sessions;
    let entered = match request.share_session_epoch {
        INITIAL_EPOCH if speaks => {
            return invalid("The first request of a share session cannot acknowledge records.");
        }
        INITIAL_EPOCH => sessions.open(&key, named.clone(), context.connection.id).map(|()| Entered::Reads(named)),
        FINAL_EPOCH if is_silent => return invalid("The last request of a share session cannot fetch records."),
        FINAL_EPOCH => sessions.close(&key).map(Entered::Ended),
        epoch => {
            let forgotten: BTreeSet<_> = request
                .forgotten_topics_data
                .iter()
                .flat_map(|topic| topic.partitions.iter().map(|partition| (topic.topic_id, *partition)))
                .collect();
            sessions.go_on(&key, epoch, named, &forgotten).map(Entered::Reads)
        }
    };
    let entered = entered.map_err(|error| (ErrorCode::from(error), error.to_string()))?;
    Ok((key, entered))
}

fn acknowledgements(services: &Arc<Services>, key: &SessionKey, request: &ShareFetchRequest) -> Vec<Pending> {
    let mut pending = Vec::new();
    for topic in &request.topics {
        for partition in topic.partitions.iter().filter(|partition| !partition.acknowledgement_batches.is_empty()) {
            let batches = partition.acknowledgement_batches.iter();
            let spoken: Spoken<'_> =
                batches.map(|batch| (batch.first_offset, batch.last_offset, &batch.acknowledge_types[..])).collect();
            let at = (topic.topic_id, partition.partition_index);
            pending.push((at, acknowledge(services, key, at, &spoken)));
        }
    }
    pending
}
