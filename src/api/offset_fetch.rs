//! OffsetFetch (key 9). Versions 1–9.
//!
//! 2: all partitions of a group, a top-level error. 5: leader epochs (KIP-320). 7: only stable offsets (KIP-447).
//! 8: several groups (KIP-709). 9: member ids and epochs (KIP-848).
//! Left out: version 10 (topic ids).

use super::context::RequestContext;
use super::groups::{client, code, text, wire};
use super::reply::Reply;
use super::Services;
use crate::group::request::{FetchedTopic, OffsetFetch, OffsetFetchReply, TopicPartitions};
use crate::group::GroupError;
use futures_util::future::join_all;
use kafka_protocol::messages::offset_fetch_request::{OffsetFetchRequestTopic, OffsetFetchRequestTopics};
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions, OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
};
use kafka_protocol::messages::{GroupId, OffsetFetchRequest, OffsetFetchResponse, TopicName};
use std::collections::BTreeSet;

/// Answers with committed offsets.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: OffsetFetchRequest) -> Reply {
    let version = context.version;
    let require_stable = version >= 7 && request.require_stable;
    let asked: Vec<OffsetFetch> = if version >= 8 {
        let by_group = request.groups.iter().map(|group| OffsetFetch {
            group_id: text(&group.group_id.0),
            topics: group.topics.as_ref().map(|topics| topics.iter().map(asked_of_group).collect()),
            require_stable,
            member_id: group.member_id.as_ref().filter(|_| version >= 9).map(text),
            member_epoch: if version >= 9 { group.member_epoch } else { -1 },
        });
        by_group.collect()
    } else {
        let topics = request.topics.as_ref().map(|topics| topics.iter().map(asked_alone).collect());
        let group_id = text(&request.group_id.0);
        vec![OffsetFetch { group_id, topics, require_stable, member_id: None, member_epoch: -1 }]
    };
    let asked = each_once(asked);
    let client = client(context);
    let pending: Vec<_> = asked.iter().map(|one| services.groups.execute(client.clone(), one.clone())).collect();
    let responder = context.responder.clone();
    Reply::later(async move {
        let results = join_all(pending).await;
        let response = if version >= 8 {
            let groups = asked.iter().zip(results).map(|(one, result)| in_group(one, result));
            OffsetFetchResponse::default().with_groups(groups.collect())
        } else {
            alone(&asked, results, version)
        };
        responder.ready(&response)
    })
}

/// Leaves out what is asked for again: otherwise a short request could ask for an answer of any length.
fn each_once(asked: Vec<OffsetFetch>) -> Vec<OffsetFetch> {
    let mut whole_groups = BTreeSet::new();
    let mut partitions = BTreeSet::new();
    let mut once = Vec::with_capacity(asked.len());
    for mut one in asked {
        match &mut one.topics {
            None if !whole_groups.insert(one.group_id.clone()) => continue,
            None => {}
            Some(topics) => {
                for topic in topics {
                    let name = &topic.name;
                    let new = |index: &i32| partitions.insert((one.group_id.clone(), name.clone(), *index));
                    topic.partitions.retain(new);
                }
            }
        }
        once.push(one);
    }
    once
}

fn asked_of_group(topic: &OffsetFetchRequestTopics) -> TopicPartitions {
    TopicPartitions { name: text(&topic.name.0), partitions: topic.partition_indexes.clone() }
}

fn asked_alone(topic: &OffsetFetchRequestTopic) -> TopicPartitions {
    TopicPartitions { name: text(&topic.name.0), partitions: topic.partition_indexes.clone() }
}

fn in_group(asked: &OffsetFetch, result: Result<OffsetFetchReply, GroupError>) -> OffsetFetchResponseGroup {
    let group = OffsetFetchResponseGroup::default().with_group_id(GroupId(wire(&asked.group_id)));
    let reply = match result.and_then(|reply| reply.error.map_or(Ok(reply), Err)) {
        Ok(reply) => reply,
        Err(error) => return group.with_error_code(code(Some(error))),
    };
    let topics = reply.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            OffsetFetchResponsePartitions::default()
                .with_partition_index(partition.index)
                .with_committed_offset(partition.offset)
                .with_committed_leader_epoch(partition.leader_epoch)
                .with_metadata(Some(wire(&partition.metadata)))
                .with_error_code(code(partition.error))
        });
        OffsetFetchResponseTopics::default()
            .with_name(TopicName(wire(&topic.name)))
            .with_partitions(partitions.collect())
    });
    group.with_topics(topics.collect())
}

/// Versions 1–7. Version 1 has no top-level error, so there it stands at each partition.
fn alone(
    asked: &[OffsetFetch],
    results: Vec<Result<OffsetFetchReply, GroupError>>,
    version: i16,
) -> OffsetFetchResponse {
    let mut response = OffsetFetchResponse::default();
    for result in results {
        match result.and_then(|reply| reply.error.map_or(Ok(reply), Err)) {
            Ok(reply) => response.topics = reply.topics.iter().map(|topic| alone_topic(topic, version)).collect(),
            Err(error) if version >= 2 => response.error_code = code(Some(error)),
            Err(error) => {
                let topics = asked.iter().flat_map(|one| one.topics.iter().flatten());
                response.topics = topics.map(|topic| refused_topic(topic, error)).collect();
            }
        }
    }
    response
}

fn alone_topic(topic: &FetchedTopic, version: i16) -> OffsetFetchResponseTopic {
    let partitions = topic.partitions.iter().map(|partition| {
        let mut answer = OffsetFetchResponsePartition::default()
            .with_partition_index(partition.index)
            .with_committed_offset(partition.offset)
            .with_metadata(Some(wire(&partition.metadata)))
            .with_error_code(code(partition.error));
        if version >= 5 {
            answer.committed_leader_epoch = partition.leader_epoch;
        }
        answer
    });
    OffsetFetchResponseTopic::default().with_name(TopicName(wire(&topic.name))).with_partitions(partitions.collect())
}

fn refused_topic(topic: &TopicPartitions, error: GroupError) -> OffsetFetchResponseTopic {
    let partitions = topic.partitions.iter().map(|index| {
        OffsetFetchResponsePartition::default()
            .with_partition_index(*index)
            .with_committed_offset(-1)
            .with_metadata(Some(Default::default()))
            .with_error_code(code(Some(error)))
    });
    OffsetFetchResponseTopic::default().with_name(TopicName(wire(&topic.name))).with_partitions(partitions.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g13_what_is_asked_for_twice_is_answered_once() {
        let topic =
            |name: &str, partitions: &[i32]| TopicPartitions { name: name.into(), partitions: partitions.into() };
        let of = |group: &str, topics| OffsetFetch {
            group_id: group.into(),
            topics,
            require_stable: false,
            member_id: None,
            member_epoch: -1,
        };
        let twice = Some(vec![topic("t", &[0, 1, 0]), topic("t", &[1, 2])]);
        let once = each_once(vec![of("a", None), of("a", None), of("b", None), of("a", twice)]);
        let groups: Vec<_> = once.iter().map(|one| (&*one.group_id, one.topics.is_some())).collect();
        assert_eq!(groups, [("a", false), ("b", false), ("a", true)]);
        let left: Vec<_> = once[2].topics.iter().flatten().map(|topic| topic.partitions.clone()).collect();
        assert_eq!(left, [vec![0, 1], vec![2]]);
    }
}
