//! Every API that Klamm can speak: Kafka 4.4's version ranges cut to what the codec knows. Which of them a node
//! *advertises* is decided by which handlers exist.

/// `flexible_from` of an API that has no flexible version.
const NEVER: i16 = i16::MAX;
/// Listeners on which Kafka serves an API.
const BROKER: (bool, bool) = (true, false);
const CONTROLLER: (bool, bool) = (false, true);
const BOTH: (bool, bool) = (true, true);

/// Produce's key.
pub const PRODUCE: i16 = 0;
/// ApiVersions' key: the only API that answers a request of a version it does not know (A1).
pub const API_VERSIONS: i16 = 18;

/// One API and the versions of it that can be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiVersion {
    /// The API key.
    pub key: i16,
    /// Kafka's name.
    pub name: &'static str,
    /// Lowest version served.
    pub min: i16,
    /// Highest version served.
    pub max: i16,
    /// First version with compact lengths, tagged fields and request header 2; `i16::MAX` where there is none.
    pub flexible_from: i16,
    /// Served on broker listeners.
    pub on_broker: bool,
    /// Served on controller listeners.
    pub on_controller: bool,
    /// What versions brought, and where Kafka 4.4 goes further.
    pub note: &'static str,
}

impl ApiVersion {
    /// Whether a request of this version is served.
    pub fn serves(&self, version: i16) -> bool {
        (self.min..=self.max).contains(&version)
    }

    /// Whether this version is encoded with compact lengths and tagged fields.
    pub fn is_flexible(&self, version: i16) -> bool {
        version >= self.flexible_from
    }

    /// The lowest version to advertise. Produce's is 0 although it is served from 3: librdkafka takes a broker without
    /// Produce 0 for one without compression (KAFKA-18659, A3).
    pub fn advertised_min(&self) -> i16 {
        if self.key == PRODUCE {
            0
        } else {
            self.min
        }
    }
}

/// The API of this key, if Klamm can speak it.
pub fn lookup(key: i16) -> Option<&'static ApiVersion> {
    // Keys are few and nearly dense: a row is never behind its key's index.
    let last = TABLE.len().min(usize::try_from(key).ok()? + 1);
    TABLE[..last].iter().rev().find(|api| api.key <= key).filter(|api| api.key == key)
}

const fn row(
    key: i16,
    name: &'static str,
    min: i16,
    max: i16,
    flexible_from: i16,
    (on_broker, on_controller): (bool, bool),
    note: &'static str,
) -> ApiVersion {
    ApiVersion { key, name, min, max, flexible_from, on_broker, on_controller, note }
}

/// In the order of keys.
#[rustfmt::skip]
pub const TABLE: &[ApiVersion] = &[
    row(0, "Produce", 3, 13, 9, BROKER, "advertised from 0 (A3); 7 zstd, 9 flexible, 12 implicit transaction partitions (KIP-890), 13 topic ids (KIP-516)"),
    row(1, "Fetch", 4, 18, 12, BOTH, "7 sessions (KIP-227), 11 rack (KIP-392), 12 epoch divergence (KIP-595), 13 topic ids, 15 replica state, 16 leader hints (KIP-951)"),
    row(2, "ListOffsets", 1, 10, 6, BROKER, "7 max timestamp (KIP-734), 8 local log start, 9 tiered; Kafka 4.4 has 11"),
    row(3, "Metadata", 0, 13, 9, BROKER, "10 topic ids, 12 lookup by id, 13 top-level error (KIP-1102)"),
    row(8, "OffsetCommit", 2, 9, 8, BROKER, "9 member epochs (KIP-848); Kafka 4.4 has 10 (topic ids), which the codec lists but cannot decode"),
    row(9, "OffsetFetch", 1, 9, 6, BROKER, "8 many groups (KIP-709), 9 member epochs; Kafka 4.4 has 10 (topic ids), which the codec lists but cannot decode"),
    row(10, "FindCoordinator", 0, 6, 3, BROKER, "4 many keys (KIP-699), 6 share coordinators"),
    row(11, "JoinGroup", 0, 9, 6, BROKER, "4 member id first (KIP-394), 5 static members (KIP-345), 8 reason, 9 skip assignment"),
    row(12, "Heartbeat", 0, 4, 4, BROKER, ""),
    row(13, "LeaveGroup", 0, 5, 4, BROKER, "3 many members"),
    row(14, "SyncGroup", 0, 5, 4, BROKER, ""),
    row(15, "DescribeGroups", 0, 6, 5, BROKER, "6 GROUP_ID_NOT_FOUND (KIP-1043)"),
    row(16, "ListGroups", 0, 5, 3, BROKER, "4 state filter, 5 type filter"),
    row(17, "SaslHandshake", 0, 1, NEVER, BOTH, ""),
    row(18, "ApiVersions", 0, 4, 3, BOTH, "3 client software (KIP-511), 4 features from 0; Kafka 4.4 has 5 (KIP-1242)"),
    row(19, "CreateTopics", 2, 7, 5, BOTH, "5 answers with configs, 7 with the topic id"),
    row(20, "DeleteTopics", 1, 6, 4, BOTH, "6 by topic id"),
    row(21, "DeleteRecords", 0, 2, 2, BROKER, ""),
    row(22, "InitProducerId", 0, 5, 2, BROKER, "6 (two-phase commit, KIP-939) is unstable and not served"),
    row(23, "OffsetForLeaderEpoch", 2, 4, 4, BROKER, ""),
    row(24, "AddPartitionsToTxn", 0, 5, 3, BROKER, "4 and 5 are for brokers"),
    row(25, "AddOffsetsToTxn", 0, 4, 3, BROKER, ""),
    row(26, "EndTxn", 0, 5, 3, BROKER, ""),
    row(27, "WriteTxnMarkers", 1, 1, 1, BROKER, "Kafka 4.4 has 2"),
    row(28, "TxnOffsetCommit", 0, 5, 3, BROKER, "5 implicit partitions (KIP-890); Kafka 4.4 has 6 (KIP-1319)"),
    row(29, "DescribeAcls", 1, 3, 2, BOTH, ""),
    row(30, "CreateAcls", 1, 3, 2, BOTH, ""),
    row(31, "DeleteAcls", 1, 3, 2, BOTH, ""),
    row(32, "DescribeConfigs", 1, 4, 4, BOTH, ""),
    row(33, "AlterConfigs", 0, 2, 2, BOTH, ""),
    row(34, "AlterReplicaLogDirs", 1, 2, 2, BROKER, ""),
    row(35, "DescribeLogDirs", 1, 4, 2, BROKER, "4 space of the volume (KIP-827); Kafka 4.4 has 5"),
    row(36, "SaslAuthenticate", 0, 2, 2, BOTH, ""),
    row(37, "CreatePartitions", 0, 3, 2, BOTH, ""),
    row(38, "CreateDelegationToken", 1, 3, 2, BOTH, ""),
    row(39, "RenewDelegationToken", 1, 2, 2, BOTH, ""),
    row(40, "ExpireDelegationToken", 1, 2, 2, BOTH, ""),
    row(41, "DescribeDelegationToken", 1, 3, 2, BOTH, ""),
    row(42, "DeleteGroups", 0, 2, 2, BROKER, "Kafka 4.4 has 3"),
    row(43, "ElectLeaders", 0, 2, 2, BOTH, ""),
    row(44, "IncrementalAlterConfigs", 0, 1, 1, BOTH, ""),
    row(45, "AlterPartitionReassignments", 0, 1, 0, BOTH, ""),
    row(46, "ListPartitionReassignments", 0, 0, 0, BOTH, ""),
    row(47, "OffsetDelete", 0, 0, NEVER, BROKER, ""),
    row(48, "DescribeClientQuotas", 0, 1, 1, BROKER, ""),
    row(49, "AlterClientQuotas", 0, 1, 1, BOTH, ""),
    row(50, "DescribeUserScramCredentials", 0, 0, 0, BOTH, ""),
    row(51, "AlterUserScramCredentials", 0, 0, 0, BOTH, ""),
    row(52, "Vote", 0, 2, 0, CONTROLLER, ""),
    row(53, "BeginQuorumEpoch", 0, 1, 1, CONTROLLER, ""),
    row(54, "EndQuorumEpoch", 0, 1, 1, CONTROLLER, ""),
    row(55, "DescribeQuorum", 0, 2, 0, BOTH, ""),
    row(56, "AlterPartition", 2, 3, 0, CONTROLLER, ""),
    row(57, "UpdateFeatures", 0, 2, 0, BOTH, ""),
    row(58, "Envelope", 0, 0, 0, CONTROLLER, ""),
    row(59, "FetchSnapshot", 0, 1, 0, CONTROLLER, ""),
    row(60, "DescribeCluster", 0, 2, 0, BOTH, "1 endpoint type, 2 fenced brokers"),
    row(61, "DescribeProducers", 0, 0, 0, BROKER, ""),
    row(62, "BrokerRegistration", 0, 4, 0, CONTROLLER, ""),
    row(63, "BrokerHeartbeat", 0, 1, 0, CONTROLLER, "Kafka 4.4 has 2"),
    row(64, "UnregisterBroker", 0, 0, 0, BOTH, ""),
    row(65, "DescribeTransactions", 0, 0, 0, BROKER, ""),
    row(66, "ListTransactions", 0, 2, 0, BROKER, ""),
    row(67, "AllocateProducerIds", 0, 0, 0, CONTROLLER, ""),
    row(68, "ConsumerGroupHeartbeat", 0, 1, 0, BROKER, "1 regular expressions, member ids made by clients"),
    row(69, "ConsumerGroupDescribe", 0, 1, 0, BROKER, ""),
    row(70, "ControllerRegistration", 0, 0, 0, CONTROLLER, ""),
    row(71, "GetTelemetrySubscriptions", 0, 0, 0, BROKER, ""),
    row(72, "PushTelemetry", 0, 0, 0, BROKER, ""),
    row(73, "AssignReplicasToDirs", 0, 0, 0, CONTROLLER, ""),
    row(74, "ListConfigResources", 0, 1, 0, BROKER, "1 every resource type (KIP-1142)"),
    row(75, "DescribeTopicPartitions", 0, 0, 0, BROKER, ""),
    row(76, "ShareGroupHeartbeat", 1, 1, 0, BROKER, ""),
    row(77, "ShareGroupDescribe", 1, 1, 0, BROKER, ""),
    row(78, "ShareFetch", 1, 1, 0, BROKER, "Kafka 4.4 has 2"),
    row(79, "ShareAcknowledge", 1, 1, 0, BROKER, "Kafka 4.4 has 2"),
    row(80, "AddRaftVoter", 0, 0, 0, BOTH, "Kafka 4.4 has 1"),
    row(81, "RemoveRaftVoter", 0, 0, 0, BOTH, ""),
    row(82, "UpdateRaftVoter", 0, 0, 0, CONTROLLER, ""),
    row(83, "InitializeShareGroupState", 0, 0, 0, BROKER, ""),
    row(84, "ReadShareGroupState", 0, 0, 0, BROKER, ""),
    row(85, "WriteShareGroupState", 0, 0, 0, BROKER, "Kafka 4.4 has 1"),
    row(86, "DeleteShareGroupState", 0, 0, 0, BROKER, ""),
    row(87, "ReadShareGroupStateSummary", 0, 0, 0, BROKER, "Kafka 4.4 has 1"),
    row(90, "DescribeShareGroupOffsets", 0, 0, 0, BROKER, "Kafka 4.4 has 1"),
    row(91, "AlterShareGroupOffsets", 0, 0, 0, BROKER, ""),
    row(92, "DeleteShareGroupOffsets", 0, 0, 0, BROKER, ""),
];

#[cfg(test)]
mod tests {
    use super::super::shape::probe::{with_type_of, Visit};
    use super::*;
    use kafka_protocol::messages::ApiKey;
    use kafka_protocol::protocol::{Message, Request, VersionRange};

    #[test]
    fn rows_are_in_order_and_found_by_key() {
        assert!(TABLE.windows(2).all(|pair| pair[0].key < pair[1].key));
        for api in TABLE {
            assert_eq!(lookup(api.key), Some(api));
        }
        for key in [i16::MIN, -1, 4, 7, 88, 93, 1000, i16::MAX] {
            assert_eq!(lookup(key), None, "key {key}");
        }
    }

    /// The versions that the codec has of an API's requests and answers.
    struct Versions;

    impl Visit for Versions {
        type Output = [VersionRange; 2];

        fn visit<R: Request>(self) -> [VersionRange; 2] {
            [R::VERSIONS, <R::Response as Message>::VERSIONS]
        }
    }

    #[test]
    fn a9_the_codec_knows_every_version_served() {
        for api in TABLE {
            assert!(api.min <= api.max, "{}", api.name);
            for versions in with_type_of(api.key, Versions).unwrap() {
                assert!(versions.min <= api.min && api.max <= versions.max, "{} {versions}", api.name);
            }
            let key = ApiKey::try_from(api.key).unwrap();
            assert_eq!(format!("{key:?}"), api.name);
            for version in api.min..=api.max {
                let header = if api.is_flexible(version) { 2 } else { 1 };
                assert_eq!(key.request_header_version(version), header, "{} {version}", api.name);
            }
        }
        assert_eq!(TABLE.len(), ApiKey::iter().count(), "an API of the codec has no row");
    }

    #[test]
    fn a2_the_answer_to_api_versions_has_header_0() {
        for version in 0..=4 {
            assert_eq!(ApiKey::ApiVersions.response_header_version(version), 0);
        }
    }

    #[test]
    fn a3_produce_is_advertised_from_0_and_served_from_3() {
        let produce = lookup(PRODUCE).unwrap();
        assert_eq!((produce.advertised_min(), produce.min), (0, 3));
        assert!(!produce.serves(2));
        assert_eq!(lookup(1).unwrap().advertised_min(), 4);
    }
}
