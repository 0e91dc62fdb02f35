//! Decodes whatever comes, as a node would, and throws it away: what fuzzing and the memory tests drive.

use super::super::frame;
use super::check;
use bytes::{Buf, Bytes};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::Request;

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its header or its shape was refused.
    Refused,
    /// The codec refused it.
    Malformed,
    /// It was decoded, and so many bytes were left behind it.
    Decoded(usize),
}

/// Takes a frame without its length prefix through header, shape and codec.
pub fn frame(frame: Bytes) -> Outcome {
    let Ok(header) = frame::header(&frame) else { return Outcome::Refused };
    let (key, version) = (header.api.key, header.version);
    let body = frame.slice(header.body_start..);
    if check(key, version, &body).is_err() {
        return Outcome::Refused;
    }
    body_of(key, version, body)
}

/// Does something with one request type.
pub trait Visit {
    /// What comes of it.
    type Output;
    /// Called with the type of the API's requests.
    fn visit<R: Request>(self) -> Self::Output;
}

struct Decode {
    version: i16,
    body: Bytes,
}

impl Visit for Decode {
    type Output = Outcome;

    fn visit<R: Request>(mut self) -> Outcome {
        match R::decode(&mut self.body, self.version) {
            Ok(_) => Outcome::Decoded(self.body.remaining()),
            Err(_) => Outcome::Malformed,
        }
    }
}

/// Decodes a body without looking at it first.
pub fn body_of(api_key: i16, version: i16, body: Bytes) -> Outcome {
    with_type_of(api_key, Decode { version, body }).unwrap_or(Outcome::Refused)
}

/// Calls the visitor with the type of an API's requests; `None` where there is no such API.
pub fn with_type_of<V: Visit>(api_key: i16, visitor: V) -> Option<V::Output> {
    let api = ApiKey::try_from(api_key).ok()?;
    Some(match api {
        ApiKey::Produce => visitor.visit::<ProduceRequest>(),
        ApiKey::Fetch => visitor.visit::<FetchRequest>(),
        ApiKey::ListOffsets => visitor.visit::<ListOffsetsRequest>(),
        ApiKey::Metadata => visitor.visit::<MetadataRequest>(),
        ApiKey::OffsetCommit => visitor.visit::<OffsetCommitRequest>(),
        ApiKey::OffsetFetch => visitor.visit::<OffsetFetchRequest>(),
        ApiKey::FindCoordinator => visitor.visit::<FindCoordinatorRequest>(),
        ApiKey::JoinGroup => visitor.visit::<JoinGroupRequest>(),
        ApiKey::Heartbeat => visitor.visit::<HeartbeatRequest>(),
        ApiKey::LeaveGroup => visitor.visit::<LeaveGroupRequest>(),
        ApiKey::SyncGroup => visitor.visit::<SyncGroupRequest>(),
        ApiKey::DescribeGroups => visitor.visit::<DescribeGroupsRequest>(),
        ApiKey::ListGroups => visitor.visit::<ListGroupsRequest>(),
        ApiKey::SaslHandshake => visitor.visit::<SaslHandshakeRequest>(),
        ApiKey::ApiVersions => visitor.visit::<ApiVersionsRequest>(),
        ApiKey::CreateTopics => visitor.visit::<CreateTopicsRequest>(),
        ApiKey::DeleteTopics => visitor.visit::<DeleteTopicsRequest>(),
        ApiKey::DeleteRecords => visitor.visit::<DeleteRecordsRequest>(),
        ApiKey::InitProducerId => visitor.visit::<InitProducerIdRequest>(),
        ApiKey::OffsetForLeaderEpoch => visitor.visit::<OffsetForLeaderEpochRequest>(),
        ApiKey::AddPartitionsToTxn => visitor.visit::<AddPartitionsToTxnRequest>(),
        ApiKey::AddOffsetsToTxn => visitor.visit::<AddOffsetsToTxnRequest>(),
        ApiKey::EndTxn => visitor.visit::<EndTxnRequest>(),
        ApiKey::WriteTxnMarkers => visitor.visit::<WriteTxnMarkersRequest>(),
        ApiKey::TxnOffsetCommit => visitor.visit::<TxnOffsetCommitRequest>(),
        ApiKey::DescribeAcls => visitor.visit::<DescribeAclsRequest>(),
        ApiKey::CreateAcls => visitor.visit::<CreateAclsRequest>(),
        ApiKey::DeleteAcls => visitor.visit::<DeleteAclsRequest>(),
        ApiKey::DescribeConfigs => visitor.visit::<DescribeConfigsRequest>(),
        ApiKey::AlterConfigs => visitor.visit::<AlterConfigsRequest>(),
        ApiKey::AlterReplicaLogDirs => visitor.visit::<AlterReplicaLogDirsRequest>(),
        ApiKey::DescribeLogDirs => visitor.visit::<DescribeLogDirsRequest>(),
        ApiKey::SaslAuthenticate => visitor.visit::<SaslAuthenticateRequest>(),
        ApiKey::CreatePartitions => visitor.visit::<CreatePartitionsRequest>(),
        ApiKey::CreateDelegationToken => visitor.visit::<CreateDelegationTokenRequest>(),
        ApiKey::RenewDelegationToken => visitor.visit::<RenewDelegationTokenRequest>(),
        ApiKey::ExpireDelegationToken => visitor.visit::<ExpireDelegationTokenRequest>(),
        ApiKey::DescribeDelegationToken => visitor.visit::<DescribeDelegationTokenRequest>(),
        ApiKey::DeleteGroups => visitor.visit::<DeleteGroupsRequest>(),
        ApiKey::ElectLeaders => visitor.visit::<ElectLeadersRequest>(),
        ApiKey::IncrementalAlterConfigs => visitor.visit::<IncrementalAlterConfigsRequest>(),
        ApiKey::AlterPartitionReassignments => visitor.visit::<AlterPartitionReassignmentsRequest>(),
        ApiKey::ListPartitionReassignments => visitor.visit::<ListPartitionReassignmentsRequest>(),
        ApiKey::OffsetDelete => visitor.visit::<OffsetDeleteRequest>(),
        ApiKey::DescribeClientQuotas => visitor.visit::<DescribeClientQuotasRequest>(),
        ApiKey::AlterClientQuotas => visitor.visit::<AlterClientQuotasRequest>(),
        ApiKey::DescribeUserScramCredentials => visitor.visit::<DescribeUserScramCredentialsRequest>(),
        ApiKey::AlterUserScramCredentials => visitor.visit::<AlterUserScramCredentialsRequest>(),
        ApiKey::Vote => visitor.visit::<VoteRequest>(),
        ApiKey::BeginQuorumEpoch => visitor.visit::<BeginQuorumEpochRequest>(),
        ApiKey::EndQuorumEpoch => visitor.visit::<EndQuorumEpochRequest>(),
        ApiKey::DescribeQuorum => visitor.visit::<DescribeQuorumRequest>(),
        ApiKey::AlterPartition => visitor.visit::<AlterPartitionRequest>(),
        ApiKey::UpdateFeatures => visitor.visit::<UpdateFeaturesRequest>(),
        ApiKey::Envelope => visitor.visit::<EnvelopeRequest>(),
        ApiKey::FetchSnapshot => visitor.visit::<FetchSnapshotRequest>(),
        ApiKey::DescribeCluster => visitor.visit::<DescribeClusterRequest>(),
        ApiKey::DescribeProducers => visitor.visit::<DescribeProducersRequest>(),
        ApiKey::BrokerRegistration => visitor.visit::<BrokerRegistrationRequest>(),
        ApiKey::BrokerHeartbeat => visitor.visit::<BrokerHeartbeatRequest>(),
        ApiKey::UnregisterBroker => visitor.visit::<UnregisterBrokerRequest>(),
        ApiKey::DescribeTransactions => visitor.visit::<DescribeTransactionsRequest>(),
        ApiKey::ListTransactions => visitor.visit::<ListTransactionsRequest>(),
        ApiKey::AllocateProducerIds => visitor.visit::<AllocateProducerIdsRequest>(),
        ApiKey::ConsumerGroupHeartbeat => visitor.visit::<ConsumerGroupHeartbeatRequest>(),
        ApiKey::ConsumerGroupDescribe => visitor.visit::<ConsumerGroupDescribeRequest>(),
        ApiKey::ControllerRegistration => visitor.visit::<ControllerRegistrationRequest>(),
        ApiKey::GetTelemetrySubscriptions => visitor.visit::<GetTelemetrySubscriptionsRequest>(),
        ApiKey::PushTelemetry => visitor.visit::<PushTelemetryRequest>(),
        ApiKey::AssignReplicasToDirs => visitor.visit::<AssignReplicasToDirsRequest>(),
        ApiKey::ListConfigResources => visitor.visit::<ListConfigResourcesRequest>(),
        ApiKey::DescribeTopicPartitions => visitor.visit::<DescribeTopicPartitionsRequest>(),
        ApiKey::ShareGroupHeartbeat => visitor.visit::<ShareGroupHeartbeatRequest>(),
        ApiKey::ShareGroupDescribe => visitor.visit::<ShareGroupDescribeRequest>(),
        ApiKey::ShareFetch => visitor.visit::<ShareFetchRequest>(),
        ApiKey::ShareAcknowledge => visitor.visit::<ShareAcknowledgeRequest>(),
        ApiKey::AddRaftVoter => visitor.visit::<AddRaftVoterRequest>(),
        ApiKey::RemoveRaftVoter => visitor.visit::<RemoveRaftVoterRequest>(),
        ApiKey::UpdateRaftVoter => visitor.visit::<UpdateRaftVoterRequest>(),
        ApiKey::InitializeShareGroupState => visitor.visit::<InitializeShareGroupStateRequest>(),
        ApiKey::ReadShareGroupState => visitor.visit::<ReadShareGroupStateRequest>(),
        ApiKey::WriteShareGroupState => visitor.visit::<WriteShareGroupStateRequest>(),
        ApiKey::DeleteShareGroupState => visitor.visit::<DeleteShareGroupStateRequest>(),
        ApiKey::ReadShareGroupStateSummary => visitor.visit::<ReadShareGroupStateSummaryRequest>(),
        ApiKey::DescribeShareGroupOffsets => visitor.visit::<DescribeShareGroupOffsetsRequest>(),
        ApiKey::AlterShareGroupOffsets => visitor.visit::<AlterShareGroupOffsetsRequest>(),
        ApiKey::DeleteShareGroupOffsets => visitor.visit::<DeleteShareGroupOffsetsRequest>(),
    })
}
