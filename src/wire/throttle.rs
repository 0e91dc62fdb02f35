//! Where an answer says for how long its connection is throttled. Most answers begin with it; those that do not are told
//! by their handlers or not at all.

use super::response::Response;
use super::versions;

/// APIs whose answers begin with `throttle_time_ms` only from a version on. All others that are listed nowhere here begin
/// with it in every version.
const SINCE: &[(i16, i16)] = &[
    (1, 1),
    (2, 2),
    (3, 3),
    (8, 3),
    (9, 3),
    (10, 1),
    (11, 2),
    (12, 1),
    (13, 1),
    (14, 1),
    (15, 1),
    (16, 1),
    (19, 2),
    (20, 1),
    (23, 2),
];

/// APIs whose answers have it elsewhere, or not at all.
const ELSEWHERE: &[i16] = &[0, 17, 18, 27, 36, 38, 39, 40, 41, 47, 52, 53, 54, 55, 58, 83, 84, 85, 86, 87];

/// Length prefix and correlation id.
const HEADER_BYTES: usize = 8;

/// Writes `throttle_ms` into an answer, if it is larger than what stands there. Answers that have it elsewhere stay.
pub fn tell(response: &mut Response, api_key: i16, version: i16, throttle_ms: u32) {
    let since = SINCE.iter().find(|(key, _)| *key == api_key).map_or(0, |(_, since)| *since);
    let Some(api) = versions::lookup(api_key).filter(|_| version >= since && !ELSEWHERE.contains(&api_key)) else {
        return;
    };
    // A flexible header has an empty section of tagged fields.
    let at = HEADER_BYTES + usize::from(api.is_flexible(version));
    let told = i32::try_from(throttle_ms).unwrap_or(i32::MAX);
    if response.i32_at(at).is_some_and(|there| there < told) {
        response.set_i32_at(at, told);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{response, Buffers, Scatter};
    use super::*;
    use bytes::{Buf, Bytes};
    use kafka_protocol::messages::*;
    use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion};
    use std::fmt::Debug;

    /// An answer as it is after having been told, `None` if the version has no empty one.
    fn told<M: Encodable + Decodable + HeaderVersion + Default>(api: &versions::ApiVersion, version: i16) -> Option<M> {
        let scatter = Scatter::new(&Buffers::new().unwrap());
        let mut made = response::encode(scatter, 7, version, &M::default()).ok()?;
        tell(&mut made, api.key, version, 4711);
        let mut bytes = Bytes::from(made.to_vec().unwrap());
        bytes.advance(HEADER_BYTES + usize::from(M::header_version(version) >= 1));
        let body = M::decode(&mut bytes, version).unwrap();
        assert!(!bytes.has_remaining(), "{} {version}", api.name);
        Some(body)
    }

    /// How many versions of an API said so; in the others nothing may have changed.
    fn check<M>(name: &str, field: impl Fn(&mut M) -> &mut i32) -> usize
    where
        M: Encodable + Decodable + HeaderVersion + Default + PartialEq + Debug,
    {
        let api = versions::TABLE.iter().find(|api| api.name == name).unwrap();
        let mut said = 0;
        for version in api.min..=api.max {
            let Some(mut body) = told::<M>(api, version) else { continue };
            let throttle_ms = std::mem::take(field(&mut body));
            assert_eq!(body, M::default(), "{name} {version}: another field was changed");
            let since = SINCE.iter().find(|(key, _)| *key == api.key).map_or(0, |(_, since)| *since);
            assert_eq!(throttle_ms, if version >= since { 4711 } else { 0 }, "{name} {version}");
            said += usize::from(throttle_ms > 0);
        }
        said
    }

    #[test]
    fn q2_an_answer_is_told_in_its_own_field() {
        let mut said = 0;
        said += check::<FetchResponse>("Fetch", |answer| &mut answer.throttle_time_ms);
        said += check::<ListOffsetsResponse>("ListOffsets", |answer| &mut answer.throttle_time_ms);
        said += check::<MetadataResponse>("Metadata", |answer| &mut answer.throttle_time_ms);
        said += check::<OffsetCommitResponse>("OffsetCommit", |answer| &mut answer.throttle_time_ms);
        said += check::<OffsetFetchResponse>("OffsetFetch", |answer| &mut answer.throttle_time_ms);
        said += check::<FindCoordinatorResponse>("FindCoordinator", |answer| &mut answer.throttle_time_ms);
        said += check::<JoinGroupResponse>("JoinGroup", |answer| &mut answer.throttle_time_ms);
        said += check::<HeartbeatResponse>("Heartbeat", |answer| &mut answer.throttle_time_ms);
        said += check::<LeaveGroupResponse>("LeaveGroup", |answer| &mut answer.throttle_time_ms);
        said += check::<SyncGroupResponse>("SyncGroup", |answer| &mut answer.throttle_time_ms);
        said += check::<DescribeGroupsResponse>("DescribeGroups", |answer| &mut answer.throttle_time_ms);
        said += check::<ListGroupsResponse>("ListGroups", |answer| &mut answer.throttle_time_ms);
        said += check::<CreateTopicsResponse>("CreateTopics", |answer| &mut answer.throttle_time_ms);
        said += check::<DeleteTopicsResponse>("DeleteTopics", |answer| &mut answer.throttle_time_ms);
        said += check::<DeleteRecordsResponse>("DeleteRecords", |answer| &mut answer.throttle_time_ms);
        said += check::<InitProducerIdResponse>("InitProducerId", |answer| &mut answer.throttle_time_ms);
        said += check::<OffsetForLeaderEpochResponse>("OffsetForLeaderEpoch", |answer| &mut answer.throttle_time_ms);
        said += check::<AddPartitionsToTxnResponse>("AddPartitionsToTxn", |answer| &mut answer.throttle_time_ms);
        said += check::<AddOffsetsToTxnResponse>("AddOffsetsToTxn", |answer| &mut answer.throttle_time_ms);
        said += check::<EndTxnResponse>("EndTxn", |answer| &mut answer.throttle_time_ms);
        said += check::<TxnOffsetCommitResponse>("TxnOffsetCommit", |answer| &mut answer.throttle_time_ms);
        said += check::<DescribeAclsResponse>("DescribeAcls", |answer| &mut answer.throttle_time_ms);
        said += check::<CreateAclsResponse>("CreateAcls", |answer| &mut answer.throttle_time_ms);
        said += check::<DeleteAclsResponse>("DeleteAcls", |answer| &mut answer.throttle_time_ms);
        said += check::<DescribeConfigsResponse>("DescribeConfigs", |answer| &mut answer.throttle_time_ms);
        said += check::<AlterConfigsResponse>("AlterConfigs", |answer| &mut answer.throttle_time_ms);
        said += check::<AlterReplicaLogDirsResponse>("AlterReplicaLogDirs", |answer| &mut answer.throttle_time_ms);
        said += check::<DescribeLogDirsResponse>("DescribeLogDirs", |answer| &mut answer.throttle_time_ms);
        said += check::<CreatePartitionsResponse>("CreatePartitions", |answer| &mut answer.throttle_time_ms);
        said += check::<DeleteGroupsResponse>("DeleteGroups", |answer| &mut answer.throttle_time_ms);
        said += check::<ElectLeadersResponse>("ElectLeaders", |answer| &mut answer.throttle_time_ms);
        said +=
            check::<IncrementalAlterConfigsResponse>("IncrementalAlterConfigs", |answer| &mut answer.throttle_time_ms);
        said += check::<AlterPartitionReassignmentsResponse>("AlterPartitionReassignments", |answer| {
            &mut answer.throttle_time_ms
        });
        said += check::<ListPartitionReassignmentsResponse>("ListPartitionReassignments", |answer| {
            &mut answer.throttle_time_ms
        });
        said += check::<DescribeClientQuotasResponse>("DescribeClientQuotas", |answer| &mut answer.throttle_time_ms);
        said += check::<AlterClientQuotasResponse>("AlterClientQuotas", |answer| &mut answer.throttle_time_ms);
        said += check::<DescribeUserScramCredentialsResponse>("DescribeUserScramCredentials", |answer| {
            &mut answer.throttle_time_ms
        });
        said += check::<AlterUserScramCredentialsResponse>("AlterUserScramCredentials", |answer| {
            &mut answer.throttle_time_ms
        });
        said += check::<AlterPartitionResponse>("AlterPartition", |answer| &mut answer.throttle_time_ms);
        said += check::<UpdateFeaturesResponse>("UpdateFeatures", |answer| &mut answer.throttle_time_ms);
        said += check::<FetchSnapshotResponse>("FetchSnapshot", |answer| &mut answer.throttle_time_ms);
        said += check::<DescribeClusterResponse>("DescribeCluster", |answer| &mut answer.throttle_time_ms);
        said += check::<DescribeProducersResponse>("DescribeProducers", |answer| &mut answer.throttle_time_ms);
        said += check::<BrokerRegistrationResponse>("BrokerRegistration", |answer| &mut answer.throttle_time_ms);
        said += check::<BrokerHeartbeatResponse>("BrokerHeartbeat", |answer| &mut answer.throttle_time_ms);
        said += check::<UnregisterBrokerResponse>("UnregisterBroker", |answer| &mut answer.throttle_time_ms);
        said += check::<DescribeTransactionsResponse>("DescribeTransactions", |answer| &mut answer.throttle_time_ms);
        said += check::<ListTransactionsResponse>("ListTransactions", |answer| &mut answer.throttle_time_ms);
        said += check::<AllocateProducerIdsResponse>("AllocateProducerIds", |answer| &mut answer.throttle_time_ms);
        said +=
            check::<ConsumerGroupHeartbeatResponse>("ConsumerGroupHeartbeat", |answer| &mut answer.throttle_time_ms);
        said += check::<ConsumerGroupDescribeResponse>("ConsumerGroupDescribe", |answer| &mut answer.throttle_time_ms);
        said +=
            check::<ControllerRegistrationResponse>("ControllerRegistration", |answer| &mut answer.throttle_time_ms);
        said += check::<GetTelemetrySubscriptionsResponse>("GetTelemetrySubscriptions", |answer| {
            &mut answer.throttle_time_ms
        });
        said += check::<PushTelemetryResponse>("PushTelemetry", |answer| &mut answer.throttle_time_ms);
        said += check::<AssignReplicasToDirsResponse>("AssignReplicasToDirs", |answer| &mut answer.throttle_time_ms);
        said += check::<ListConfigResourcesResponse>("ListConfigResources", |answer| &mut answer.throttle_time_ms);
        said +=
            check::<DescribeTopicPartitionsResponse>("DescribeTopicPartitions", |answer| &mut answer.throttle_time_ms);
        said += check::<ShareGroupHeartbeatResponse>("ShareGroupHeartbeat", |answer| &mut answer.throttle_time_ms);
        said += check::<ShareGroupDescribeResponse>("ShareGroupDescribe", |answer| &mut answer.throttle_time_ms);
        said += check::<ShareFetchResponse>("ShareFetch", |answer| &mut answer.throttle_time_ms);
        said += check::<ShareAcknowledgeResponse>("ShareAcknowledge", |answer| &mut answer.throttle_time_ms);
        said += check::<AddRaftVoterResponse>("AddRaftVoter", |answer| &mut answer.throttle_time_ms);
        said += check::<RemoveRaftVoterResponse>("RemoveRaftVoter", |answer| &mut answer.throttle_time_ms);
        said += check::<UpdateRaftVoterResponse>("UpdateRaftVoter", |answer| &mut answer.throttle_time_ms);
        said += check::<DescribeShareGroupOffsetsResponse>("DescribeShareGroupOffsets", |answer| {
            &mut answer.throttle_time_ms
        });
        said +=
            check::<AlterShareGroupOffsetsResponse>("AlterShareGroupOffsets", |answer| &mut answer.throttle_time_ms);
        said +=
            check::<DeleteShareGroupOffsetsResponse>("DeleteShareGroupOffsets", |answer| &mut answer.throttle_time_ms);
        assert!(said > 100, "{said} versions have the field in front");
    }

    #[test]
    fn q2_answers_that_have_it_elsewhere_stay_as_they_are() {
        let api = versions::lookup(18).unwrap();
        for version in api.min..=api.max {
            assert_eq!(told::<ApiVersionsResponse>(api, version), Some(ApiVersionsResponse::default()));
        }
        let api = versions::lookup(0).unwrap();
        for version in api.min..=api.max {
            assert_eq!(told::<ProduceResponse>(api, version), Some(ProduceResponse::default()));
        }
    }
}
