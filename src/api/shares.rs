//! What the APIs of share groups' readers have in common: whose session it is, what is acknowledged, and refusals.

use super::error::ErrorCode;
use super::Services;
use crate::ids::Uuid;
use crate::shard::Text;
use crate::share::partition::{AcknowledgeType, Acknowledgement};
use crate::share::ShareName;
use crate::sharing::{SessionKey, ShareError, TopicIdPartition};
use futures_util::future::BoxFuture;
use futures_util::FutureExt;
use kafka_protocol::messages::GroupId;
use kafka_protocol::protocol::StrBytes;
use std::sync::Arc;

/// Why something was refused, and in which words.
pub(super) type Refusal = (ErrorCode, String);

/// The batches of one partition that a member speaks of: first offset, last offset, types.
pub(super) type Spoken<'a> = Vec<(i64, i64, &'a [i8])>;

/// An acknowledgement that is being stored.
pub(super) type Pending = (TopicIdPartition, BoxFuture<'static, Result<(), Refusal>>);

/// Whose session a request is part of.
pub(super) fn session_key(group: &Option<GroupId>, member: &Option<StrBytes>) -> Result<SessionKey, Refusal> {
    match (group, member) {
        (Some(group), Some(member)) if !group.is_empty() && !member.is_empty() => {
            Ok(SessionKey { group: Text::from(group.as_str()), member: Text::from(member.as_str()) })
        }
        _ => Err((ErrorCode::InvalidRequest, "A group and a member must be named.".to_owned())),
    }
}

/// The share-partition that a request names; what the metadata does not know is refused as in Fetch.
pub(super) fn known(services: &Services, group: &Text, at: TopicIdPartition) -> Result<ShareName, Refusal> {
    let image = services.metadata.current();
    let (topic_id, partition) = at;
    let topic = image.topic_by_id(&topic_id).ok_or_else(|| refusal(ErrorCode::UnknownTopicId))?;
    topic.partition(partition).ok_or_else(|| refusal(ErrorCode::UnknownTopicOrPartition))?;
    Ok(ShareName::new(group.clone(), topic_id, partition))
}

fn refusal(error: ErrorCode) -> Refusal {
    let words = match error {
        ErrorCode::UnknownTopicId => "This server does not host this topic ID.",
        _ => "This server does not host this topic-partition.",
    };
    (error, words.to_owned())
}

/// An error on its way to the wire.
pub(super) fn refused(error: ShareError) -> Refusal {
    (ErrorCode::from(&error), error.to_string())
}

/// Begins to acknowledge what a member says of a partition. Judged when this returns, in the order of these calls.
pub(super) fn acknowledge(
    services: &Arc<Services>,
    key: &SessionKey,
    at: TopicIdPartition,
    spoken: &Spoken<'_>,
) -> BoxFuture<'static, Result<(), Refusal>> {
    let begun = known(services, &key.group, at).and_then(|name| Ok((name, understood(spoken)?)));
    match begun {
        Ok((name, said)) => {
            let stored = services.shares.acknowledge(&name, &key.member, &said);
            async move { stored.await.map_err(refused) }.boxed()
        }
        Err(refusal) => std::future::ready(Err(refusal)).boxed(),
    }
}

/// What Kafka checks before it looks at a partition.
fn understood(spoken: &Spoken<'_>) -> Result<Vec<Acknowledgement>, Refusal> {
    let invalid = |words: String| (ErrorCode::InvalidRequest, words);
    let mut said: Vec<Acknowledgement> = Vec::with_capacity(spoken.len());
    for (first_offset, last_offset, types) in spoken {
        let (first_offset, last_offset) = (*first_offset, *last_offset);
        if first_offset < 0 || first_offset > last_offset {
            return Err(invalid(format!("The offsets {first_offset} to {last_offset} are out of order.")));
        }
        if said.last().is_some_and(|before| first_offset <= before.last_offset) {
            return Err(invalid("Acknowledgement batches overlap or are out of order.".to_owned()));
        }
        let count = last_offset - first_offset;
        if types.is_empty() || types.len() > 1 && types.len() as i64 - 1 != count {
            return Err(invalid("There must be one acknowledge type, or one for each offset.".to_owned()));
        }
        let kind = |id: &i8| match AcknowledgeType::of(*id) {
            Some(kind) if kind != AcknowledgeType::Renew => Ok(kind),
            _ => Err(invalid(format!("Invalid acknowledge type: {id}"))),
        };
        let types = types.iter().map(kind).collect::<Result<_, _>>()?;
        said.push(Acknowledgement { first_offset, last_offset, types });
    }
    Ok(said)
}

/// The topic's place among the answers; made where it is missing.
pub(super) fn topic_place<T>(
    topics: &mut Vec<T>,
    id: Uuid,
    of: impl Fn(&T) -> Uuid,
    make: impl FnOnce() -> T,
) -> &mut T {
    let at = topics.iter().position(|topic| of(topic) == id).unwrap_or_else(|| {
        topics.push(make());
        topics.len() - 1
    });
    &mut topics[at]
}

/// Words for the wire.
pub(super) fn words(text: String) -> Option<StrBytes> {
    Some(StrBytes::from_string(text))
}
