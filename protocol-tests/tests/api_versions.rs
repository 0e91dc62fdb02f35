//! ApiVersions (key 18), versions 0–4.

use bytes::{Buf, Bytes};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{ApiKey, ApiVersionsRequest, ApiVersionsResponse, ResponseHeader};
use kafka_protocol::protocol::Decodable;
use protocol_tests::{error, frame, shared, text, Client};

/// Every API that this node has, in the versions of Kafka 4.4 or as many of them as the codec knows.
const SERVED: &[(ApiKey, i16, i16)] = &[
    (ApiKey::Produce, 0, 13),
    (ApiKey::Fetch, 4, 18),
    (ApiKey::ListOffsets, 1, 10),
    (ApiKey::Metadata, 0, 13),
    (ApiKey::OffsetCommit, 2, 9),
    (ApiKey::OffsetFetch, 1, 9),
    (ApiKey::FindCoordinator, 0, 6),
    (ApiKey::JoinGroup, 0, 9),
    (ApiKey::Heartbeat, 0, 4),
    (ApiKey::LeaveGroup, 0, 5),
    (ApiKey::SyncGroup, 0, 5),
    (ApiKey::DescribeGroups, 0, 6),
    (ApiKey::ListGroups, 0, 5),
    (ApiKey::ApiVersions, 0, 4),
    (ApiKey::CreateTopics, 2, 7),
    (ApiKey::DeleteTopics, 1, 6),
    (ApiKey::DeleteRecords, 0, 2),
    (ApiKey::InitProducerId, 0, 5),
    (ApiKey::OffsetForLeaderEpoch, 2, 4),
    (ApiKey::AddPartitionsToTxn, 0, 5),
    (ApiKey::AddOffsetsToTxn, 0, 4),
    (ApiKey::EndTxn, 0, 5),
    (ApiKey::WriteTxnMarkers, 1, 1),
    (ApiKey::TxnOffsetCommit, 0, 5),
    (ApiKey::DescribeAcls, 1, 3),
    (ApiKey::CreateAcls, 1, 3),
    (ApiKey::DeleteAcls, 1, 3),
    (ApiKey::DescribeConfigs, 1, 4),
    (ApiKey::AlterConfigs, 0, 2),
    (ApiKey::DescribeLogDirs, 1, 4),
    (ApiKey::CreatePartitions, 0, 3),
    (ApiKey::CreateDelegationToken, 1, 3),
    (ApiKey::RenewDelegationToken, 1, 2),
    (ApiKey::ExpireDelegationToken, 1, 2),
    (ApiKey::DescribeDelegationToken, 1, 3),
    (ApiKey::DeleteGroups, 0, 2),
    (ApiKey::ElectLeaders, 0, 2),
    (ApiKey::IncrementalAlterConfigs, 0, 1),
    (ApiKey::AlterPartitionReassignments, 0, 1),
    (ApiKey::ListPartitionReassignments, 0, 0),
    (ApiKey::OffsetDelete, 0, 0),
    (ApiKey::DescribeClientQuotas, 0, 1),
    (ApiKey::AlterClientQuotas, 0, 1),
    (ApiKey::DescribeUserScramCredentials, 0, 0),
    (ApiKey::AlterUserScramCredentials, 0, 0),
    (ApiKey::DescribeQuorum, 0, 2),
    (ApiKey::UpdateFeatures, 0, 2),
    (ApiKey::DescribeCluster, 0, 2),
    (ApiKey::DescribeProducers, 0, 0),
    (ApiKey::UnregisterBroker, 0, 0),
    (ApiKey::DescribeTransactions, 0, 0),
    (ApiKey::ListTransactions, 0, 2),
    (ApiKey::ConsumerGroupHeartbeat, 0, 1),
    (ApiKey::ConsumerGroupDescribe, 0, 1),
    (ApiKey::ListConfigResources, 0, 1),
    (ApiKey::DescribeTopicPartitions, 0, 0),
    (ApiKey::ShareGroupHeartbeat, 1, 1),
    (ApiKey::ShareGroupDescribe, 1, 1),
    (ApiKey::ShareFetch, 1, 1),
    (ApiKey::ShareAcknowledge, 1, 1),
    (ApiKey::AddRaftVoter, 0, 0),
    (ApiKey::RemoveRaftVoter, 0, 0),
    (ApiKey::InitializeShareGroupState, 0, 0),
    (ApiKey::ReadShareGroupState, 0, 0),
    (ApiKey::WriteShareGroupState, 0, 0),
    (ApiKey::DeleteShareGroupState, 0, 0),
    (ApiKey::ReadShareGroupStateSummary, 0, 0),
    (ApiKey::DescribeShareGroupOffsets, 0, 0),
    (ApiKey::AlterShareGroupOffsets, 0, 0),
    (ApiKey::DeleteShareGroupOffsets, 0, 0),
];

fn request(version: i16) -> ApiVersionsRequest {
    match version >= 3 {
        true => software("librdkafka", "2.15.1"),
        false => ApiVersionsRequest::default(),
    }
}

fn software(name: &str, version: &str) -> ApiVersionsRequest {
    ApiVersionsRequest::default().with_client_software_name(text(name)).with_client_software_version(text(version))
}

fn ranges(response: &ApiVersionsResponse) -> Vec<(i16, i16, i16)> {
    response.api_keys.iter().map(|api| (api.api_key, api.min_version, api.max_version)).collect()
}

#[test]
fn a3_a8_every_version_lists_what_is_served() {
    let mut client = shared().connect();
    let expected: Vec<_> = SERVED.iter().map(|(key, min, max)| (*key as i16, *min, *max)).collect();
    for version in 0..=4 {
        let response = client.call(version, &request(version));
        assert_eq!((error(response.error_code), response.throttle_time_ms), (None, 0));
        assert_eq!(ranges(&response), expected, "version {version}");
    }
}

/// The answer to a frame of ApiVersions in a version that nobody knows.
fn answer_to_unknown(client: &mut Client, version: i16, body: &[u8]) -> (i32, ApiVersionsResponse) {
    let mut bytes = frame(0, 77, "future", &ApiVersionsRequest::default()).to_vec();
    bytes[6..8].copy_from_slice(&version.to_be_bytes());
    bytes.extend_from_slice(body);
    let length = bytes.len() as i32 - 4;
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    client.write(&bytes).unwrap();
    let mut answer: Bytes = client.receive_frame().unwrap();
    let header = ResponseHeader::decode(&mut answer, 0).unwrap();
    let response = ApiVersionsResponse::decode(&mut answer, 0).unwrap();
    assert!(!answer.has_remaining(), "{} bytes behind the answer", answer.remaining());
    (header.correlation_id, response)
}

#[test]
fn a1_an_unknown_version_is_answered_in_version_0_with_the_range() {
    let mut client = shared().connect();
    // With the tagged fields of the newer header and with a body that means nothing; the older header has neither.
    for (version, body) in [(5, &b"\0"[..]), (99, &b"\0\xff\xff\xff\xff\x0fnonsense"[..]), (i16::MAX, b"\0"), (-1, b"")]
    {
        let (correlation_id, response) = answer_to_unknown(&mut client, version, body);
        assert_eq!(correlation_id, 77, "version {version}");
        assert_eq!(error(response.error_code), Some(ResponseError::UnsupportedVersion));
        assert!(ranges(&response).contains(&(18, 0, 4)), "{:?}", ranges(&response));
    }
    // The connection goes on.
    assert_eq!(error(client.api_versions().error_code), None);
}

#[test]
fn a2_the_answers_header_is_version_0() {
    let mut client = shared().connect();
    for version in 0..=4 {
        client.write(&frame(version, 1234, "header", &request(version))).unwrap();
        let answer = client.receive_frame().unwrap();
        // The error code stands right behind the correlation id: no tagged fields between them.
        assert_eq!(answer[..6], [0, 0, 4, 210, 0, 0], "version {version}");
        let mut body = answer.slice(4..);
        ApiVersionsResponse::decode(&mut body, version).unwrap();
        assert!(!body.has_remaining());
    }
}

#[test]
fn a4_software_that_nobody_would_name_so_is_an_invalid_request() {
    let mut client = shared().connect();
    let long = "x".repeat(5000);
    let bad = [("", "1"), ("name", ""), ("-name", "1"), ("name-", "1"), ("a b", "1"), ("name", "1_0"), ("nämé", "1")];
    for version in [3, 4] {
        for (name, number) in bad {
            let response = client.call(version, &software(name, number));
            assert_eq!(error(response.error_code), Some(ResponseError::InvalidRequest), "{name:?} {number:?}");
        }
        for (name, number) in [("a", "0"), ("apache-kafka-java", "4.3.1-SNAPSHOT"), (&*long, "1")] {
            assert_eq!(error(client.call(version, &software(name, number)).error_code), None, "{name:?} {number:?}");
        }
    }
}

#[test]
fn a5_a6_features_are_true() {
    let mut client = shared().connect();
    for version in 0..=4 {
        let response = client.call(version, &request(version));
        if version < 3 {
            assert!(response.supported_features.is_empty() && response.finalized_features.is_empty());
            continue;
        }
        assert!(response.finalized_features_epoch >= 0, "version {version}");
        if version == 3 {
            assert!(response.supported_features.iter().all(|feature| feature.min_version > 0));
        }
        let finalized = |name: &str| {
            let found = response.finalized_features.iter().find(|feature| &*feature.name == name);
            found.map(|feature| feature.max_version_level)
        };
        assert!(finalized("metadata.version").is_some_and(|level| level >= 1), "{:?}", response.finalized_features);
        // A new cluster's producers have an epoch for every transaction (KIP-890).
        assert_eq!(finalized("transaction.version"), Some(2));
        assert!(!response.zk_migration_ready);
    }
    let named = client.call(4, &request(4)).supported_features;
    let finalized = client.call(4, &request(4)).finalized_features;
    for feature in &finalized {
        let supported =
            named.iter().find(|supported| supported.name == feature.name).expect("what is finalized is supported");
        assert!((supported.min_version..=supported.max_version).contains(&feature.max_version_level));
    }
}
