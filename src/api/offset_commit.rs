//! OffsetCommit (key 8). Versions 2–9.
//!
//! 5: no retention time any more (KIP-211). 6: leader epochs (KIP-320). 7: static members (KIP-345).
//! 9: a missing group has its own error (KIP-848).
//! Left out: version 10 (topic ids).

use super::context::RequestContext;
use super::error::ErrorCode;
use super::groups::{ask, code, optional_text, text};
use super::reply::Reply;
use super::Services;
use crate::group::request::{CommitPartition, CommitTopic, OffsetCommit, OffsetCommitReply, TopicOutcome};
use crate::group::GroupError;
use crate::ids::Uuid;
use crate::metadata::image::MetadataImage;
use kafka_protocol::messages::offset_commit_request::OffsetCommitRequestTopic;
use kafka_protocol::messages::offset_commit_response::{OffsetCommitResponsePartition, OffsetCommitResponseTopic};
use kafka_protocol::messages::{OffsetCommitRequest, OffsetCommitResponse};

/// Commits the offsets of partitions that exist; the others answer for themselves.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: OffsetCommitRequest) -> Reply {
    let image = services.metadata.current();
    let version = context.version;
    let topics: Vec<CommitTopic> = request
        .topics
        .iter()
        .map(|topic| known(&image, topic, version))
        .filter(|topic| !topic.partitions.is_empty())
        .collect();
    let responder = context.responder.clone();
    if topics.is_empty() {
        return responder.ready(&encoded(&request, &Ok(OffsetCommitReply { topics: Vec::new() })));
    }
    let commit = OffsetCommit {
        group_id: text(&request.group_id.0),
        generation_id: request.generation_id_or_member_epoch,
        member_id: text(&request.member_id),
        group_instance_id: optional_text(&request.group_instance_id),
        retention_time_ms: if version <= 4 { request.retention_time_ms } else { -1 },
        topics,
        missing_group_is_not_found: version >= 9,
    };
    ask(services, context, commit, move |result| responder.ready(&encoded(&request, &result)))
}

/// What of a topic exists.
fn known(image: &MetadataImage, topic: &OffsetCommitRequestTopic, version: i16) -> CommitTopic {
    let found = image.topic_by_name(&topic.name);
    let partitions = topic
        .partitions
        .iter()
        .filter(|partition| found.is_some_and(|found| found.partition(partition.partition_index).is_some()));
    CommitTopic {
        name: text(&topic.name.0),
        topic_id: found.map_or(Uuid::nil(), |found| found.id),
        partitions: partitions
            .map(|partition| CommitPartition {
                index: partition.partition_index,
                offset: partition.committed_offset,
                leader_epoch: if version >= 6 { partition.committed_leader_epoch } else { -1 },
                metadata: optional_text(&partition.committed_metadata),
            })
            .collect(),
    }
}

/// Topics and partitions in the request's order: the coordinator's word where it was asked, else that there is none such.
fn encoded(request: &OffsetCommitRequest, result: &Result<OffsetCommitReply, GroupError>) -> OffsetCommitResponse {
    let mut outcomes: &[TopicOutcome] = result.as_ref().map_or(&[], |reply| &reply.topics);
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in &request.topics {
        let answered = match outcomes.split_first() {
            Some((outcome, rest)) if *outcome.name == **topic.name => {
                outcomes = rest;
                Some(outcome)
            }
            _ => None,
        };
        let partitions = topic.partitions.iter().map(|partition| {
            let outcome = answered
                .and_then(|topic| topic.partitions.iter().find(|(index, _)| *index == partition.partition_index));
            let error = match (result, outcome) {
                (Err(error), _) => code(Some(*error)),
                (Ok(_), Some((_, error))) => code(*error),
                (Ok(_), None) => ErrorCode::UnknownTopicOrPartition.code(),
            };
            OffsetCommitResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(error)
        });
        topics.push(
            OffsetCommitResponseTopic::default().with_name(topic.name.clone()).with_partitions(partitions.collect()),
        );
    }
    OffsetCommitResponse::default().with_topics(topics)
}
