//! TxnOffsetCommit (key 28). Versions 0–5.
//!
//! 2: leader epochs (KIP-320). 3: member, generation and instance (KIP-447). 4: TRANSACTION_ABORTABLE, 5: the group's
//! partition joins the transaction on the way (KIP-890).
//! Left out: version 6 (KIP-1319).

use super::context::RequestContext;
use super::error::ErrorCode;
use super::groups::{client, optional_text, text};
use super::reply::Reply;
use super::verification::{verify, InTransaction, TransactionSupportedOperation, Unverified};
use super::Services;
use crate::coordinator::CONSUMER_OFFSETS;
use crate::group::request::{CommitPartition, CommitTopic, TopicOutcome, TxnOffsetCommit, TxnOffsetCommitReply};
use crate::group::Text;
use crate::ids::{TopicPartition, Uuid, Verification};
use crate::metadata::image::MetadataImage;
use crate::replica::AppendError;
use crate::shard::BatchProducer;
use kafka_protocol::messages::txn_offset_commit_request::TxnOffsetCommitRequestTopic;
use kafka_protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use kafka_protocol::messages::{TxnOffsetCommitRequest, TxnOffsetCommitResponse};

/// Writes what the transaction commits if it commits; partitions that do not exist answer for themselves.
pub async fn handle(services: &Services, context: &RequestContext<'_>, request: TxnOffsetCommitRequest) -> Reply {
    let image = services.metadata.current();
    let version = context.version;
    let topics = request.topics.iter().map(|topic| known(&image, topic, version));
    let topics: Vec<CommitTopic> = topics.filter(|topic| !topic.partitions.is_empty()).collect();
    let responder = context.responder.clone();
    if topics.is_empty() {
        let none = Ok(TxnOffsetCommitReply { topics: Vec::new() });
        return responder.ready(&encoded(&image, &request, &none, version));
    }
    let verification = match verified(services, version, &request).await {
        Ok(verification) => verification,
        Err(error) => return responder.ready(&encoded(&image, &request, &Err(error), version)),
    };
    let producer = BatchProducer { producer_id: *request.producer_id, epoch: request.producer_epoch, verification };
    let has_member = version >= 3;
    let commit = TxnOffsetCommit {
        group_id: text(&request.group_id.0),
        producer,
        generation_id: if has_member { request.generation_id } else { -1 },
        member_id: if has_member { text(&request.member_id) } else { Text::from("") },
        group_instance_id: optional_text(&request.group_instance_id).filter(|_| has_member),
        topics,
    };
    let pending = services.groups.execute(client(context), commit);
    Reply::later(async move {
        let result = pending.await.map_err(ErrorCode::from);
        responder.ready(&encoded(&image, &request, &result, version))
    })
}

/// Sees to it that the transaction is open on the partition where the group lives, or will be (X6).
async fn verified(
    services: &Services,
    version: i16,
    request: &TxnOffsetCommitRequest,
) -> Result<Option<Verification>, ErrorCode> {
    if request.group_id.is_empty() {
        return Err(ErrorCode::InvalidGroupId);
    }
    let supported = TransactionSupportedOperation::of_txn_offset_commit(version);
    let place = TopicPartition::new(CONSUMER_OFFSETS, services.groups.partition_for(&request.group_id));
    let transaction = InTransaction {
        transactional_id: request.transactional_id.as_str().into(),
        producer_id: *request.producer_id,
        producer_epoch: request.producer_epoch,
        supported,
    };
    // Coordinators' batches have no sequence.
    let verified = verify(services, &transaction, &[(place, -1)]).await.pop();
    let Some((_, verified)) = verified else { return Err(ErrorCode::NotCoordinator) };
    verified.map_err(|refused| match refused {
        Unverified::NotInTransaction(why) => why.0,
        Unverified::Append(AppendError::NotLeader | AppendError::Storage(_)) => ErrorCode::NotCoordinator,
        Unverified::Append(_) => ErrorCode::CoordinatorNotAvailable,
    })
}

/// What of a topic exists.
fn known(image: &MetadataImage, topic: &TxnOffsetCommitRequestTopic, version: i16) -> CommitTopic {
    let found = image.topic_by_name(&topic.name);
    let exists = |index| found.is_some_and(|found| found.partition(index).is_some());
    let partitions = topic.partitions.iter().filter(|partition| exists(partition.partition_index));
    CommitTopic {
        name: text(&topic.name.0),
        topic_id: found.map_or(Uuid::nil(), |found| found.id),
        partitions: partitions
            .map(|partition| CommitPartition {
                index: partition.partition_index,
                offset: partition.committed_offset,
                leader_epoch: if version >= 2 { partition.committed_leader_epoch } else { -1 },
                metadata: optional_text(&partition.committed_metadata),
            })
            .collect(),
    }
}

/// Topics and partitions in the request's order: the coordinator's word where it was asked, else that there is none such.
fn encoded(
    image: &MetadataImage,
    request: &TxnOffsetCommitRequest,
    result: &Result<TxnOffsetCommitReply, ErrorCode>,
    version: i16,
) -> TxnOffsetCommitResponse {
    let mut outcomes: &[TopicOutcome] = result.as_ref().map_or(&[], |reply| &reply.topics);
    let topics = request.topics.iter().map(|topic| {
        let answered = outcomes.split_first().filter(|(outcome, _)| *outcome.name == **topic.name);
        if let Some((_, rest)) = answered {
            outcomes = rest;
        }
        let found = image.topic_by_name(&topic.name);
        let partitions = topic.partitions.iter().map(|partition| {
            let index = partition.partition_index;
            let exists = found.is_some_and(|found| found.partition(index).is_some());
            let outcome = answered.and_then(|(topic, _)| topic.partitions.iter().find(|(found, _)| *found == index));
            let error = match (result, outcome) {
                (Err(error), _) if exists => *error,
                (Ok(_), Some((_, error))) => error.map_or(ErrorCode::None, ErrorCode::from),
                _ => ErrorCode::UnknownTopicOrPartition,
            };
            TxnOffsetCommitResponsePartition::default()
                .with_partition_index(index)
                .with_error_code(in_version(error, version).code())
        });
        TxnOffsetCommitResponseTopic::default().with_name(topic.name.clone()).with_partitions(partitions.collect())
    });
    TxnOffsetCommitResponse::default().with_topics(topics.collect())
}

/// Producers before 2.0 do not expect a coordinator to load, and those before version 6 know no member epochs.
fn in_version(error: ErrorCode, version: i16) -> ErrorCode {
    match error {
        ErrorCode::CoordinatorLoadInProgress if version < 2 => ErrorCode::CoordinatorNotAvailable,
        ErrorCode::StaleMemberEpoch if version < 6 => ErrorCode::IllegalGeneration,
        error => error,
    }
}
