//! Share groups: the coordinator of their state, and what is asked of it.

use crate::topics::Topic;
use crate::{error, eventually, group_id, text, topic_name, Client};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::*;

/// What a test knows of the state of a share-partition: state epoch, start offset, batches as first, last, state, count.
pub type State = (i32, i64, Vec<(i64, i64, i8, i16)>);

/// Kafka's text form of a UUID.
fn base64(id: &[u8; 16]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits: Vec<bool> = id.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1)).collect();
    let digit = |six: &[bool]| {
        let value = (0..6).fold(0, |value, at| value << 1 | usize::from(six.get(at).copied().unwrap_or(false)));
        char::from(DIGITS[value])
    };
    bits.chunks(6).map(digit).collect()
}

/// The key by which a share-partition's coordinator is found.
pub fn coordinator_key(group: &str, topic: &Topic, partition: i32) -> String {
    format!("{group}:{}:{partition}", base64(topic.id.as_bytes()))
}

/// An InitializeShareGroupState of one share-partition.
pub fn initialize_request(
    group: &str,
    topic: &Topic,
    state_epoch: i32,
    start: i64,
) -> InitializeShareGroupStateRequest {
    use initialize_share_group_state_request::{InitializeStateData, PartitionData};
    let partition = PartitionData::default().with_state_epoch(state_epoch).with_start_offset(start);
    let topic = InitializeStateData::default().with_topic_id(topic.id).with_partitions(vec![partition]);
    InitializeShareGroupStateRequest::default().with_group_id(text(group)).with_topics(vec![topic])
}

/// A ReadShareGroupState of one share-partition.
pub fn read_request(group: &str, topic: &Topic, leader_epoch: i32) -> ReadShareGroupStateRequest {
    use read_share_group_state_request::{PartitionData, ReadStateData};
    let partition = PartitionData::default().with_leader_epoch(leader_epoch);
    let topic = ReadStateData::default().with_topic_id(topic.id).with_partitions(vec![partition]);
    ReadShareGroupStateRequest::default().with_group_id(text(group)).with_topics(vec![topic])
}

/// A WriteShareGroupState of one share-partition.
pub fn write_request(
    group: &str,
    topic: &Topic,
    epochs: (i32, i32),
    start: i64,
    batches: &[(i64, i64, i8, i16)],
) -> WriteShareGroupStateRequest {
    use write_share_group_state_request::{PartitionData, StateBatch, WriteStateData};
    let batch = |(first, last, state, count): &(i64, i64, i8, i16)| {
        let batch = StateBatch::default().with_first_offset(*first).with_last_offset(*last);
        batch.with_delivery_state(*state).with_delivery_count(*count)
    };
    let partition = PartitionData::default()
        .with_state_epoch(epochs.0)
        .with_leader_epoch(epochs.1)
        .with_start_offset(start)
        .with_state_batches(batches.iter().map(batch).collect());
    let topic = WriteStateData::default().with_topic_id(topic.id).with_partitions(vec![partition]);
    WriteShareGroupStateRequest::default().with_group_id(text(group)).with_topics(vec![topic])
}

/// A DeleteShareGroupState of one share-partition.
pub fn delete_request(group: &str, topic: &Topic) -> DeleteShareGroupStateRequest {
    use delete_share_group_state_request::{DeleteStateData, PartitionData};
    let topic = DeleteStateData::default().with_topic_id(topic.id).with_partitions(vec![PartitionData::default()]);
    DeleteShareGroupStateRequest::default().with_group_id(text(group)).with_topics(vec![topic])
}

/// A ReadShareGroupStateSummary of one share-partition.
pub fn summary_request(group: &str, topic: &Topic, leader_epoch: i32) -> ReadShareGroupStateSummaryRequest {
    use read_share_group_state_summary_request::{PartitionData, ReadStateSummaryData};
    let partition = PartitionData::default().with_leader_epoch(leader_epoch);
    let topic = ReadStateSummaryData::default().with_topic_id(topic.id).with_partitions(vec![partition]);
    ReadShareGroupStateSummaryRequest::default().with_group_id(text(group)).with_topics(vec![topic])
}

impl Client {
    /// Asks for the coordinator of partition 0 until there is one that serves it.
    pub fn find_share_coordinator(&mut self, group: &str, topic: &Topic) {
        let keys = vec![text(&coordinator_key(group, topic, 0))];
        let request = FindCoordinatorRequest::default().with_key_type(2).with_coordinator_keys(keys);
        eventually("a share coordinator", || {
            let found = error(self.call(6, &request).coordinators[0].error_code);
            assert!(matches!(found, None | Some(ResponseError::CoordinatorNotAvailable)), "{found:?}");
            found.is_none().then_some(())
        });
        eventually("a share coordinator that has loaded", || {
            let response = self.call(0, &summary_request(group, topic, -1));
            let found = error(response.results[0].partitions[0].error_code);
            let may = [None, Some(ResponseError::CoordinatorLoadInProgress), Some(ResponseError::NotCoordinator)];
            assert!(may.contains(&found), "{found:?}");
            found.is_none().then_some(())
        });
    }

    /// Sets partition 0 up; how that is answered.
    pub fn initialize_share_state(
        &mut self,
        group: &str,
        topic: &Topic,
        epoch: i32,
        start: i64,
    ) -> Option<ResponseError> {
        error(self.call(0, &initialize_request(group, topic, epoch, start)).results[0].partitions[0].error_code)
    }

    /// Writes state of partition 0; how that is answered.
    pub fn write_share_state(
        &mut self,
        group: &str,
        topic: &Topic,
        epochs: (i32, i32),
        start: i64,
        batches: &[(i64, i64, i8, i16)],
    ) -> Option<ResponseError> {
        let request = write_request(group, topic, epochs, start, batches);
        error(self.call(0, &request).results[0].partitions[0].error_code)
    }

    /// Reads the state of partition 0 as its leader.
    pub fn read_share_state(&mut self, group: &str, topic: &Topic, leader_epoch: i32) -> Result<State, ResponseError> {
        let response = self.call(0, &read_request(group, topic, leader_epoch));
        let found = &response.results[0].partitions[0];
        let batch = |batch: &read_share_group_state_response::StateBatch| {
            (batch.first_offset, batch.last_offset, batch.delivery_state, batch.delivery_count)
        };
        match error(found.error_code) {
            Some(why) => Err(why),
            None => Ok((found.state_epoch, found.start_offset, found.state_batches.iter().map(batch).collect())),
        }
    }
}

/// Acknowledge types.
pub const GAP: i8 = 0;
pub const ACCEPT: i8 = 1;
pub const RELEASE: i8 = 2;
pub const REJECT: i8 = 3;

/// What is said of partition 0 of a topic: first offset, last offset, types.
pub type Spoken<'a> = (&'a Topic, &'a [(i64, i64, &'a [i8])]);

/// A ShareFetch of partitions 0 that waits for long.
pub fn share_fetch_request(group: &str, member: &str, epoch: i32, topics: &[Spoken<'_>]) -> ShareFetchRequest {
    use share_fetch_request::{AcknowledgementBatch, FetchPartition, FetchTopic};
    let topics = topics.iter().map(|(topic, spoken)| {
        let batch = |(first, last, types): &(i64, i64, &[i8])| {
            let batch = AcknowledgementBatch::default().with_first_offset(*first).with_last_offset(*last);
            batch.with_acknowledge_types(types.to_vec())
        };
        let batches = spoken.iter().map(batch).collect();
        let partition = FetchPartition::default().with_acknowledgement_batches(batches);
        FetchTopic::default().with_topic_id(topic.id).with_partitions(vec![partition])
    });
    ShareFetchRequest::default()
        .with_group_id(Some(group_id(group)))
        .with_member_id(Some(text(member)))
        .with_share_session_epoch(epoch)
        .with_max_wait_ms(20_000)
        .with_min_bytes(1)
        .with_max_records(500)
        .with_batch_size(1)
        .with_topics(topics.collect())
}

/// A ShareAcknowledge of partitions 0.
pub fn share_acknowledge_request(
    group: &str,
    member: &str,
    epoch: i32,
    topics: &[Spoken<'_>],
) -> ShareAcknowledgeRequest {
    use share_acknowledge_request::{AcknowledgePartition, AcknowledgeTopic, AcknowledgementBatch};
    let topics = topics.iter().map(|(topic, spoken)| {
        let batch = |(first, last, types): &(i64, i64, &[i8])| {
            let batch = AcknowledgementBatch::default().with_first_offset(*first).with_last_offset(*last);
            batch.with_acknowledge_types(types.to_vec())
        };
        let partition =
            AcknowledgePartition::default().with_acknowledgement_batches(spoken.iter().map(batch).collect());
        AcknowledgeTopic::default().with_topic_id(topic.id).with_partitions(vec![partition])
    });
    ShareAcknowledgeRequest::default()
        .with_group_id(Some(group_id(group)))
        .with_member_id(Some(text(member)))
        .with_share_session_epoch(epoch)
        .with_topics(topics.collect())
}

/// What was acquired: first offset, last offset, delivery count.
pub fn taken(response: &ShareFetchResponse) -> Vec<(i64, i64, i16)> {
    let partitions = response.responses.iter().flat_map(|topic| &topic.partitions);
    let acquired = partitions.flat_map(|partition| &partition.acquired_records);
    acquired.map(|one| (one.first_offset, one.last_offset, one.delivery_count)).collect()
}

/// A ShareGroupHeartbeat.
pub fn share_beat(group: &str, member: &str, epoch: i32, topics: Option<&[&str]>) -> ShareGroupHeartbeatRequest {
    ShareGroupHeartbeatRequest::default()
        .with_group_id(group_id(group))
        .with_member_id(text(member))
        .with_member_epoch(epoch)
        .with_subscribed_topic_names(topics.map(|topics| topics.iter().map(|name| topic_name(name)).collect()))
}

/// A DescribeShareGroupOffsets of partitions 0 of topics, or of all there is.
pub fn describe_offsets_request(group: &str, topics: Option<&[&str]>) -> DescribeShareGroupOffsetsRequest {
    use describe_share_group_offsets_request::*;
    let topic = |name: &&str| {
        DescribeShareGroupOffsetsRequestTopic::default().with_topic_name(topic_name(name)).with_partitions(vec![0])
    };
    let group = DescribeShareGroupOffsetsRequestGroup::default()
        .with_group_id(group_id(group))
        .with_topics(topics.map(|topics| topics.iter().map(topic).collect()));
    DescribeShareGroupOffsetsRequest::default().with_groups(vec![group])
}

/// An AlterShareGroupOffsets of partition 0.
pub fn alter_offsets_request(group: &str, topic: &str, start_offset: i64) -> AlterShareGroupOffsetsRequest {
    use alter_share_group_offsets_request::*;
    let partition = AlterShareGroupOffsetsRequestPartition::default().with_start_offset(start_offset);
    let topic = AlterShareGroupOffsetsRequestTopic::default()
        .with_topic_name(topic_name(topic))
        .with_partitions(vec![partition]);
    AlterShareGroupOffsetsRequest::default().with_group_id(group_id(group)).with_topics(vec![topic])
}

/// A DeleteShareGroupOffsets.
pub fn delete_offsets_request(group: &str, topics: &[&str]) -> DeleteShareGroupOffsetsRequest {
    use delete_share_group_offsets_request::DeleteShareGroupOffsetsRequestTopic;
    let topics =
        topics.iter().map(|name| DeleteShareGroupOffsetsRequestTopic::default().with_topic_name(topic_name(name)));
    DeleteShareGroupOffsetsRequest::default().with_group_id(group_id(group)).with_topics(topics.collect())
}

impl Client {
    /// Beats until so many partitions are assigned: the epoch then, and the partitions.
    pub fn await_share_assignment(
        &mut self,
        group: &str,
        member: &str,
        mut epoch: i32,
        count: usize,
    ) -> (i32, Vec<(uuid::Uuid, Vec<i32>)>) {
        eventually("an assignment", || {
            let beat = self.call(1, &share_beat(group, member, epoch, None));
            assert_eq!(error(beat.error_code), None);
            epoch = beat.member_epoch;
            let topics = beat.assignment?.topic_partitions;
            let assigned: Vec<_> = topics.into_iter().map(|topic| (topic.topic_id, topic.partitions)).collect();
            let total: usize = assigned.iter().map(|(_, partitions)| partitions.len()).sum();
            (total == count).then_some((epoch, assigned))
        })
    }
}
