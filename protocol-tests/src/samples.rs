//! One harmless request of each API, with an element in every array: material to cut short and to falsify.
//!
//! What they name is not there, so that falsified ones change nothing either.

use crate::consumer_groups::consumer_beat;
use crate::groups::{heartbeat_request, join_request, sync_request, with_protocol, Member};
use crate::records::Batch;
use crate::topics::{creatable, fetch_request, list_offsets_request, metadata_request, produce_request, Topic};
use crate::{frame, group_id, text, topic_name};
use bytes::Bytes;
use kafka_protocol::messages::*;
use kafka_protocol::protocol::Request;

/// What the samples name.
pub(crate) const NOWHERE: &str = "sample-of-nothing";

/// A sample of `R` in a version.
pub(crate) fn sample<R: Request>(version: i16, request: &R) -> (i16, i16, Bytes) {
    (R::KEY, version, frame(version, 1, "sample", request))
}

/// Key, version and frame of each API, in its oldest and newest version and in those where its encoding changes.
pub fn samples() -> Vec<(i16, i16, Bytes)> {
    let mut samples = data();
    samples.extend(topics());
    samples.extend(configs());
    samples.extend(groups());
    samples.extend(offsets());
    samples.extend(crate::admin::samples());
    samples.extend(crate::transaction_samples::samples());
    samples.extend(share_state());
    samples
}

fn data() -> Vec<(i16, i16, Bytes)> {
    let nowhere = Topic::unknown(NOWHERE);
    let mut samples = Vec::new();
    for version in [3, 8, 9, 13] {
        let records = Batch::of(&["a"]).encode();
        samples.push(sample(version, &produce_request(version, -1, &[(&nowhere, 0, Some(records))])));
    }
    for version in [4, 7, 12, 13, 18] {
        samples.push(sample(version, &fetch_request(version, &[(&nowhere, 0, 0)])));
    }
    for version in [1, 5, 6, 10] {
        samples.push(sample(version, &list_offsets_request(&nowhere, 0, -1)));
    }
    for version in [2, 3, 4] {
        let partition = offset_for_leader_epoch_request::OffsetForLeaderPartition::default();
        let topic = offset_for_leader_epoch_request::OffsetForLeaderTopic::default()
            .with_topic(topic_name(NOWHERE))
            .with_partitions(vec![partition]);
        let mut request = OffsetForLeaderEpochRequest::default().with_topics(vec![topic]);
        request.replica_id = if version >= 3 { (-1).into() } else { (-2).into() };
        samples.push(sample(version, &request));
    }
    for version in [0, 1, 2] {
        let partition = delete_records_request::DeleteRecordsPartition::default();
        let topic = delete_records_request::DeleteRecordsTopic::default()
            .with_name(topic_name(NOWHERE))
            .with_partitions(vec![partition]);
        samples.push(sample(version, &DeleteRecordsRequest::default().with_topics(vec![topic])));
    }
    for version in [0, 1, 2, 5] {
        samples.push(sample(version, &InitProducerIdRequest::default().with_transactional_id(None)));
    }
    samples
}

fn topics() -> Vec<(i16, i16, Bytes)> {
    let mut samples = Vec::new();
    for version in [0, 4, 8, 9, 13] {
        samples.push(sample(version, &metadata_request(version, &[NOWHERE])));
    }
    for version in [0, 2, 3, 4] {
        let mut request = ApiVersionsRequest::default();
        if version >= 3 {
            request = request.with_client_software_name(text("sample")).with_client_software_version(text("1"));
        }
        samples.push(sample(version, &request));
    }
    for version in [2, 4, 5, 7] {
        let mut topic = creatable(NOWHERE, -1, &[("retention.ms", "1")]).with_replication_factor(-1);
        let assignment = create_topics_request::CreatableReplicaAssignment::default();
        topic.assignments = vec![assignment.with_broker_ids(vec![BrokerId(1)])];
        let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_validate_only(true);
        samples.push(sample(version, &request));
    }
    for version in [1, 4, 5, 6] {
        let request = DeleteTopicsRequest::default();
        let state = delete_topics_request::DeleteTopicState::default().with_name(Some(topic_name(NOWHERE)));
        samples.push(match version >= 6 {
            true => sample(version, &request.with_topics(vec![state])),
            false => sample(version, &request.with_topic_names(vec![topic_name(NOWHERE)])),
        });
    }
    for version in [0, 1, 2, 3] {
        let assignment =
            create_partitions_request::CreatePartitionsAssignment::default().with_broker_ids(vec![BrokerId(1)]);
        let topic = create_partitions_request::CreatePartitionsTopic::default()
            .with_name(topic_name(NOWHERE))
            .with_count(2)
            .with_assignments(Some(vec![assignment]));
        let request = CreatePartitionsRequest::default().with_topics(vec![topic]).with_validate_only(true);
        samples.push(sample(version, &request));
    }
    let topic = describe_topic_partitions_request::TopicRequest::default().with_name(topic_name(NOWHERE));
    let cursor = describe_topic_partitions_request::Cursor::default().with_topic_name(topic_name(NOWHERE));
    let request = DescribeTopicPartitionsRequest::default().with_topics(vec![topic]).with_cursor(Some(cursor));
    samples.push(sample(0, &request.with_response_partition_limit(10)));
    for version in [0, 1, 2] {
        samples.push(sample(version, &DescribeClusterRequest::default()));
        let partition = describe_quorum_request::PartitionData::default();
        let topic = describe_quorum_request::TopicData::default()
            .with_topic_name(topic_name("__cluster_metadata"))
            .with_partitions(vec![partition]);
        samples.push(sample(version, &DescribeQuorumRequest::default().with_topics(vec![topic])));
    }
    for version in [1, 2, 4] {
        let topic = describe_log_dirs_request::DescribableLogDirTopic::default()
            .with_topic(topic_name(NOWHERE))
            .with_partitions(vec![0]);
        samples.push(sample(version, &DescribeLogDirsRequest::default().with_topics(Some(vec![topic]))));
    }
    samples
}

fn configs() -> Vec<(i16, i16, Bytes)> {
    let mut samples = Vec::new();
    for version in [1, 3, 4] {
        let resource = describe_configs_request::DescribeConfigsResource::default()
            .with_resource_type(2)
            .with_resource_name(text(NOWHERE))
            .with_configuration_keys(Some(vec![text("retention.ms")]));
        samples.push(sample(version, &DescribeConfigsRequest::default().with_resources(vec![resource])));
    }
    for version in [0, 1, 2] {
        let config = alter_configs_request::AlterableConfig::default()
            .with_name(text("retention.ms"))
            .with_value(Some(text("1")));
        let resource = alter_configs_request::AlterConfigsResource::default()
            .with_resource_type(2)
            .with_resource_name(text(NOWHERE))
            .with_configs(vec![config]);
        samples.push(sample(version, &AlterConfigsRequest::default().with_resources(vec![resource])));
    }
    for version in [0, 1] {
        let config = incremental_alter_configs_request::AlterableConfig::default()
            .with_name(text("retention.ms"))
            .with_value(Some(text("1")));
        let resource = incremental_alter_configs_request::AlterConfigsResource::default()
            .with_resource_type(2)
            .with_resource_name(text(NOWHERE))
            .with_configs(vec![config]);
        samples.push(sample(version, &IncrementalAlterConfigsRequest::default().with_resources(vec![resource])));
    }
    samples
}

fn groups() -> Vec<(i16, i16, Bytes)> {
    let member = Member { group: NOWHERE.to_owned(), id: "nobody".to_owned(), generation: 1 };
    let mut samples = Vec::new();
    for version in [0, 1, 3, 4, 6] {
        let request = FindCoordinatorRequest::default();
        samples.push(match version >= 4 {
            true => sample(version, &request.with_coordinator_keys(vec![text(NOWHERE)])),
            false => sample(version, &request.with_key(text(NOWHERE))),
        });
    }
    for version in [0, 5, 6, 9] {
        let mut request = join_request(NOWHERE, "nobody");
        request.rebalance_timeout_ms = if version == 0 { -1 } else { 30_000 };
        samples.push(sample(version, &request));
    }
    for version in [0, 3, 4] {
        samples.push(sample(version, &heartbeat_request(&member)));
        let request = sync_request(&member, &[("nobody", b"a")]);
        samples.push(sample(version, &request));
    }
    samples.push(sample(5, &with_protocol(sync_request(&member, &[("nobody", b"a")]))));
    for version in [0, 2, 3, 4, 5] {
        let request = LeaveGroupRequest::default().with_group_id(group_id(NOWHERE));
        let identity = leave_group_request::MemberIdentity::default().with_member_id(text("nobody"));
        samples.push(match version >= 3 {
            true => sample(version, &request.with_members(vec![identity])),
            false => sample(version, &request.with_member_id(text("nobody"))),
        });
    }
    for version in [0, 3, 5, 6] {
        samples.push(sample(version, &DescribeGroupsRequest::default().with_groups(vec![group_id(NOWHERE)])));
    }
    for version in [0, 3, 4, 5] {
        let mut request = ListGroupsRequest::default();
        if version >= 4 {
            request.states_filter = vec![text("Empty")];
        }
        if version >= 5 {
            request.types_filter = vec![text("classic")];
        }
        samples.push(sample(version, &request));
    }
    for version in [0, 1, 2] {
        samples.push(sample(version, &DeleteGroupsRequest::default().with_groups_names(vec![group_id(NOWHERE)])));
    }
    for version in [0, 1] {
        let owned = Some((Topic::unknown(NOWHERE).id, &[0][..]));
        let mut beat = consumer_beat(NOWHERE, "nobody", 1, owned);
        beat.subscribed_topic_names = Some(vec![topic_name(NOWHERE)]);
        samples.push(sample(version, &beat));
        let describe = ConsumerGroupDescribeRequest::default().with_group_ids(vec![group_id(NOWHERE)]);
        samples.push(sample(version, &describe));
    }
    samples
}

fn offsets() -> Vec<(i16, i16, Bytes)> {
    let mut samples = Vec::new();
    for version in [2, 6, 8, 9] {
        samples.push(sample(version, &crate::groups::commit_request(NOWHERE, NOWHERE, 0, 1)));
    }
    for version in [1, 5, 6, 7] {
        let topic = offset_fetch_request::OffsetFetchRequestTopic::default()
            .with_name(topic_name(NOWHERE))
            .with_partition_indexes(vec![0]);
        let request = OffsetFetchRequest::default().with_group_id(group_id(NOWHERE)).with_topics(Some(vec![topic]));
        samples.push(sample(version, &request));
    }
    for version in [8, 9] {
        samples.push(sample(version, &crate::groups::offset_fetch_request(NOWHERE, NOWHERE, 0)));
    }
    let partition = offset_delete_request::OffsetDeleteRequestPartition::default();
    let topic = offset_delete_request::OffsetDeleteRequestTopic::default()
        .with_name(topic_name(NOWHERE))
        .with_partitions(vec![partition]);
    let request = OffsetDeleteRequest::default().with_group_id(group_id(NOWHERE)).with_topics(vec![topic]);
    samples.push(sample(0, &request));
    samples
}

fn share_state() -> Vec<(i16, i16, Bytes)> {
    use crate::shares::{
        alter_offsets_request, delete_offsets_request, delete_request, describe_offsets_request, initialize_request,
        read_request, share_acknowledge_request, share_beat, share_fetch_request, summary_request, write_request,
    };
    let nowhere = Topic::unknown(NOWHERE);
    let described = ShareGroupDescribeRequest::default().with_group_ids(vec![group_id(NOWHERE)]);
    vec![
        sample(1, &share_beat(NOWHERE, "nobody", 7, Some(&[NOWHERE]))),
        sample(1, &described),
        sample(0, &describe_offsets_request(NOWHERE, Some(&[NOWHERE]))),
        sample(0, &alter_offsets_request(NOWHERE, NOWHERE, 1)),
        sample(0, &delete_offsets_request(NOWHERE, &[NOWHERE])),
        sample(0, &initialize_request(NOWHERE, &nowhere, 0, 0)),
        sample(0, &read_request(NOWHERE, &nowhere, 0)),
        sample(0, &write_request(NOWHERE, &nowhere, (0, 0), 0, &[(0, 1, 2, 1)])),
        sample(0, &delete_request(NOWHERE, &nowhere)),
        sample(0, &summary_request(NOWHERE, &nowhere, 0)),
        sample(1, &share_fetch_request(NOWHERE, "nobody", 7, &[(&nowhere, &[(0, 1, &[1])])])),
        sample(1, &share_acknowledge_request(NOWHERE, "nobody", 7, &[(&nowhere, &[(0, 1, &[1])])])),
    ]
}
