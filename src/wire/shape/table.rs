// Do not edit: made by generate.py from the message schemas of Apache Kafka 4.4.0.
//! The shape of every request, in the order of API keys.

use super::{field, request, shape, tagged, Kind::*, Request, Shape, LAST, NEVER};
use kafka_protocol::messages;
use std::mem::size_of;

const PRODUCE__PARTITION_PRODUCE_DATA: Shape = shape(size_of::<messages::produce_request::PartitionProduceData>(), &[
    field(0, LAST, Fixed(4)), field(0, LAST, Blob),
]);
const PRODUCE__TOPIC_PRODUCE_DATA: Shape = shape(size_of::<messages::produce_request::TopicProduceData>(), &[
    field(0, 12, Text), field(13, LAST, Fixed(16)),
    field(0, LAST, Array(&Struct(&PRODUCE__PARTITION_PRODUCE_DATA))),
]);
const PRODUCE: Shape = shape(size_of::<messages::produce_request::ProduceRequest>(), &[
    field(3, LAST, Text), field(0, LAST, Fixed(6)), field(0, LAST, Array(&Struct(&PRODUCE__TOPIC_PRODUCE_DATA))),
]);
const FETCH__REPLICA_STATE: Shape = shape(size_of::<messages::fetch_request::ReplicaState>(), &[
    field(15, LAST, Fixed(12)),
]);
const FETCH__FETCH_PARTITION: Shape = shape(size_of::<messages::fetch_request::FetchPartition>(), &[
    field(0, LAST, Fixed(4)), field(9, LAST, Fixed(4)), field(0, LAST, Fixed(8)), field(12, LAST, Fixed(4)),
    field(5, LAST, Fixed(8)), field(0, LAST, Fixed(4)), tagged(0, 17, LAST, Fixed(16)),
    tagged(1, 18, LAST, Fixed(8)),
]);
const FETCH__FETCH_TOPIC: Shape = shape(size_of::<messages::fetch_request::FetchTopic>(), &[
    field(0, 12, Text), field(13, LAST, Fixed(16)), field(0, LAST, Array(&Struct(&FETCH__FETCH_PARTITION))),
]);
const FETCH__FORGOTTEN_TOPIC: Shape = shape(size_of::<messages::fetch_request::ForgottenTopic>(), &[
    field(7, 12, Text), field(13, LAST, Fixed(16)), field(7, LAST, Array(&Fixed(4))),
]);
const FETCH: Shape = shape(size_of::<messages::fetch_request::FetchRequest>(), &[
    tagged(0, 12, LAST, Text), field(0, 14, Fixed(4)), tagged(1, 15, LAST, Struct(&FETCH__REPLICA_STATE)),
    field(0, LAST, Fixed(8)), field(3, LAST, Fixed(4)), field(4, LAST, Fixed(1)), field(7, LAST, Fixed(8)),
    field(0, LAST, Array(&Struct(&FETCH__FETCH_TOPIC))), field(7, LAST, Array(&Struct(&FETCH__FORGOTTEN_TOPIC))),
    field(11, LAST, Text),
]);
const LIST_OFFSETS__LIST_OFFSETS_PARTITION: Shape = shape(size_of::<messages::list_offsets_request::ListOffsetsPartition>(), &[
    field(0, LAST, Fixed(4)), field(4, LAST, Fixed(4)), field(0, LAST, Fixed(8)),
]);
const LIST_OFFSETS__LIST_OFFSETS_TOPIC: Shape = shape(size_of::<messages::list_offsets_request::ListOffsetsTopic>(), &[
    field(0, LAST, Text), field(0, LAST, Array(&Struct(&LIST_OFFSETS__LIST_OFFSETS_PARTITION))),
]);
const LIST_OFFSETS: Shape = shape(size_of::<messages::list_offsets_request::ListOffsetsRequest>(), &[
    field(0, LAST, Fixed(4)), field(2, LAST, Fixed(1)),
    field(0, LAST, Array(&Struct(&LIST_OFFSETS__LIST_OFFSETS_TOPIC))), field(10, LAST, Fixed(4)),
]);
const METADATA__METADATA_REQUEST_TOPIC: Shape = shape(size_of::<messages::metadata_request::MetadataRequestTopic>(), &[
    field(10, LAST, Fixed(16)), field(0, LAST, Text),
]);
const METADATA: Shape = shape(size_of::<messages::metadata_request::MetadataRequest>(), &[
    field(0, LAST, Array(&Struct(&METADATA__METADATA_REQUEST_TOPIC))), field(4, LAST, Fixed(1)),
    field(8, 10, Fixed(1)), field(8, LAST, Fixed(1)),
]);
const OFFSET_COMMIT__OFFSET_COMMIT_REQUEST_PARTITION: Shape = shape(size_of::<messages::offset_commit_request::OffsetCommitRequestPartition>(), &[
    field(0, LAST, Fixed(12)), field(6, LAST, Fixed(4)), field(0, LAST, Text),
]);
const OFFSET_COMMIT__OFFSET_COMMIT_REQUEST_TOPIC: Shape = shape(size_of::<messages::offset_commit_request::OffsetCommitRequestTopic>(), &[
    field(0, 9, Text), field(10, LAST, Fixed(16)),
    field(0, LAST, Array(&Struct(&OFFSET_COMMIT__OFFSET_COMMIT_REQUEST_PARTITION))),
]);
const OFFSET_COMMIT: Shape = shape(size_of::<messages::offset_commit_request::OffsetCommitRequest>(), &[
    field(0, LAST, Text), field(1, LAST, Fixed(4)), field(1, LAST, Text), field(7, LAST, Text),
    field(2, 4, Fixed(8)), field(0, LAST, Array(&Struct(&OFFSET_COMMIT__OFFSET_COMMIT_REQUEST_TOPIC))),
]);
const OFFSET_FETCH__OFFSET_FETCH_REQUEST_TOPIC: Shape = shape(size_of::<messages::offset_fetch_request::OffsetFetchRequestTopic>(), &[
    field(0, 7, Text), field(0, 7, Array(&Fixed(4))),
]);
const OFFSET_FETCH__OFFSET_FETCH_REQUEST_TOPICS: Shape = shape(size_of::<messages::offset_fetch_request::OffsetFetchRequestTopics>(), &[
    field(8, 9, Text), field(10, LAST, Fixed(16)), field(8, LAST, Array(&Fixed(4))),
]);
const OFFSET_FETCH__OFFSET_FETCH_REQUEST_GROUP: Shape = shape(size_of::<messages::offset_fetch_request::OffsetFetchRequestGroup>(), &[
    field(8, LAST, Text), field(9, LAST, Text), field(9, LAST, Fixed(4)),
    field(8, LAST, Array(&Struct(&OFFSET_FETCH__OFFSET_FETCH_REQUEST_TOPICS))),
]);
const OFFSET_FETCH: Shape = shape(size_of::<messages::offset_fetch_request::OffsetFetchRequest>(), &[
    field(0, 7, Text), field(0, 7, Array(&Struct(&OFFSET_FETCH__OFFSET_FETCH_REQUEST_TOPIC))),
    field(8, LAST, Array(&Struct(&OFFSET_FETCH__OFFSET_FETCH_REQUEST_GROUP))), field(7, LAST, Fixed(1)),
]);
const FIND_COORDINATOR: Shape = shape(size_of::<messages::find_coordinator_request::FindCoordinatorRequest>(), &[
    field(0, 3, Text), field(1, LAST, Fixed(1)), field(4, LAST, Array(&Text)),
]);
const JOIN_GROUP__JOIN_GROUP_REQUEST_PROTOCOL: Shape = shape(size_of::<messages::join_group_request::JoinGroupRequestProtocol>(), &[
    field(0, LAST, Text), field(0, LAST, Blob),
]);
const JOIN_GROUP: Shape = shape(size_of::<messages::join_group_request::JoinGroupRequest>(), &[
    field(0, LAST, Text), field(0, LAST, Fixed(4)), field(1, LAST, Fixed(4)), field(0, LAST, Text),
    field(5, LAST, Text), field(0, LAST, Text),
    field(0, LAST, Array(&Struct(&JOIN_GROUP__JOIN_GROUP_REQUEST_PROTOCOL))), field(8, LAST, Text),
]);
const HEARTBEAT: Shape = shape(size_of::<messages::heartbeat_request::HeartbeatRequest>(), &[
    field(0, LAST, Text), field(0, LAST, Fixed(4)), field(0, LAST, Text), field(3, LAST, Text),
]);
const LEAVE_GROUP__MEMBER_IDENTITY: Shape = shape(size_of::<messages::leave_group_request::MemberIdentity>(), &[
    field(3, LAST, Text), field(3, LAST, Text), field(5, LAST, Text),
]);
const LEAVE_GROUP: Shape = shape(size_of::<messages::leave_group_request::LeaveGroupRequest>(), &[
    field(0, LAST, Text), field(0, 2, Text), field(3, LAST, Array(&Struct(&LEAVE_GROUP__MEMBER_IDENTITY))),
]);
const SYNC_GROUP__SYNC_GROUP_REQUEST_ASSIGNMENT: Shape = shape(size_of::<messages::sync_group_request::SyncGroupRequestAssignment>(), &[
    field(0, LAST, Text), field(0, LAST, Blob),
]);
const SYNC_GROUP: Shape = shape(size_of::<messages::sync_group_request::SyncGroupRequest>(), &[
    field(0, LAST, Text), field(0, LAST, Fixed(4)), field(0, LAST, Text), field(3, LAST, Text),
    field(5, LAST, Text), field(5, LAST, Text),
    field(0, LAST, Array(&Struct(&SYNC_GROUP__SYNC_GROUP_REQUEST_ASSIGNMENT))),
]);
const DESCRIBE_GROUPS: Shape = shape(size_of::<messages::describe_groups_request::DescribeGroupsRequest>(), &[
    field(0, LAST, Array(&Text)), field(3, LAST, Fixed(1)),
]);
const LIST_GROUPS: Shape = shape(size_of::<messages::list_groups_request::ListGroupsRequest>(), &[
    field(4, LAST, Array(&Text)), field(5, LAST, Array(&Text)),
]);
const SASL_HANDSHAKE: Shape = shape(size_of::<messages::sasl_handshake_request::SaslHandshakeRequest>(), &[
    field(0, LAST, Text),
]);
const API_VERSIONS: Shape = shape(size_of::<messages::api_versions_request::ApiVersionsRequest>(), &[
    field(3, LAST, Text), field(3, LAST, Text), field(5, LAST, Text), field(5, LAST, Fixed(4)),
]);
const CREATE_TOPICS__CREATABLE_REPLICA_ASSIGNMENT: Shape = shape(size_of::<messages::create_topics_request::CreatableReplicaAssignment>(), &[
    field(0, LAST, Fixed(4)), field(0, LAST, Array(&Fixed(4))),
]);
const CREATE_TOPICS__CREATABLE_TOPIC_CONFIG: Shape = shape(size_of::<messages::create_topics_request::CreatableTopicConfig>(), &[
    field(0, LAST, Text), field(0, LAST, Text),
]);
const CREATE_TOPICS__CREATABLE_TOPIC: Shape = shape(size_of::<messages::create_topics_request::CreatableTopic>(), &[
    field(0, LAST, Text), field(0, LAST, Fixed(6)),
    field(0, LAST, Array(&Struct(&CREATE_TOPICS__CREATABLE_REPLICA_ASSIGNMENT))),
    field(0, LAST, Array(&Struct(&CREATE_TOPICS__CREATABLE_TOPIC_CONFIG))),
]);
const CREATE_TOPICS: Shape = shape(size_of::<messages::create_topics_request::CreateTopicsRequest>(), &[
    field(0, LAST, Array(&Struct(&CREATE_TOPICS__CREATABLE_TOPIC))), field(0, LAST, Fixed(4)),
    field(1, LAST, Fixed(1)),
]);
const DELETE_TOPICS__DELETE_TOPIC_STATE: Shape = shape(size_of::<messages::delete_topics_request::DeleteTopicState>(), &[
    field(6, LAST, Text), field(6, LAST, Fixed(16)),
]);
const DELETE_TOPICS: Shape = shape(size_of::<messages::delete_topics_request::DeleteTopicsRequest>(), &[
    field(6, LAST, Array(&Struct(&DELETE_TOPICS__DELETE_TOPIC_STATE))), field(0, 5, Array(&Text)),
    field(0, LAST, Fixed(4)),
]);
const DELETE_RECORDS__DELETE_RECORDS_PARTITION: Shape = shape(size_of::<messages::delete_records_request::DeleteRecordsPartition>(), &[
    field(0, LAST, Fixed(12)),
]);
const DELETE_RECORDS__DELETE_RECORDS_TOPIC: Shape = shape(size_of::<messages::delete_records_request::DeleteRecordsTopic>(), &[
    field(0, LAST, Text), field(0, LAST, Array(&Struct(&DELETE_RECORDS__DELETE_RECORDS_PARTITION))),
]);
const DELETE_RECORDS: Shape = shape(size_of::<messages::delete_records_request::DeleteRecordsRequest>(), &[
    field(0, LAST, Array(&Struct(&DELETE_RECORDS__DELETE_RECORDS_TOPIC))), field(0, LAST, Fixed(4)),
]);
const INIT_PRODUCER_ID: Shape = shape(size_of::<messages::init_producer_id_request::InitProducerIdRequest>(), &[
    field(0, LAST, Text), field(0, LAST, Fixed(4)), field(3, LAST, Fixed(10)), field(6, LAST, Fixed(2)),
]);
const OFFSET_FOR_LEADER_EPOCH__OFFSET_FOR_LEADER_PARTITION: Shape = shape(size_of::<messages::offset_for_leader_epoch_request::OffsetForLeaderPartition>(), &[
    field(0, LAST, Fixed(4)), field(2, LAST, Fixed(4)), field(0, LAST, Fixed(4)),
]);
const OFFSET_FOR_LEADER_EPOCH__OFFSET_FOR_LEADER_TOPIC: Shape = shape(size_of::<messages::offset_for_leader_epoch_request::OffsetForLeaderTopic>(), &[
    field(0, LAST, Text), field(0, LAST, Array(&Struct(&OFFSET_FOR_LEADER_EPOCH__OFFSET_FOR_LEADER_PARTITION))),
]);
const OFFSET_FOR_LEADER_EPOCH: Shape = shape(size_of::<messages::offset_for_leader_epoch_request::OffsetForLeaderEpochRequest>(), &[
    field(3, LAST, Fixed(4)), field(0, LAST, Array(&Struct(&OFFSET_FOR_LEADER_EPOCH__OFFSET_FOR_LEADER_TOPIC))),
]);
const ADD_PARTITIONS_TO_TXN__ADD_PARTITIONS_TO_TXN_TOPIC: Shape = shape(size_of::<messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic>(), &[
    field(0, LAST, Text), field(0, LAST, Array(&Fixed(4))),
]);
const ADD_PARTITIONS_TO_TXN__ADD_PARTITIONS_TO_TXN_TRANSACTION: Shape = shape(size_of::<messages::add_partitions_to_txn_request::AddPartitionsToTxnTransaction>(), &[
    field(4, LAST, Text), field(4, LAST, Fixed(11)),
    field(4, LAST, Array(&Struct(&ADD_PARTITIONS_TO_TXN__ADD_PARTITIONS_TO_TXN_TOPIC))),
]);
const ADD_PARTITIONS_TO_TXN: Shape = shape(size_of::<messages::add_partitions_to_txn_request::AddPartitionsToTxnRequest>(), &[
    field(4, LAST, Array(&Struct(&ADD_PARTITIONS_TO_TXN__ADD_PARTITIONS_TO_TXN_TRANSACTION))), field(0, 3, Text),
    field(0, 3, Fixed(10)), field(0, 3, Array(&Struct(&ADD_PARTITIONS_TO_TXN__ADD_PARTITIONS_TO_TXN_TOPIC))),
]);
const ADD_OFFSETS_TO_TXN: Shape = shape(size_of::<messages::add_offsets_to_txn_request::AddOffsetsToTxnRequest>(), &[
    field(0, LAST, Text), field(0, LAST, Fixed(10)), field(0, LAST, Text),
]);
const END_TXN: Shape = shape(size_of::<messages::end_txn_request::EndTxnRequest>(), &[
    field(0, LAST, Text), field(0, LAST, Fixed(11)),
]);
const WRITE_TXN_MARKERS__WRITABLE_TXN_MARKER_TOPIC: Shape = shape(size_of::<messages::write_txn_markers_request::WritableTxnMarkerTopic>(), &[
    field(0, LAST, Text), field(0, LAST, Array(&Fixed(4))),
]);
const WRITE_TXN_MARKERS__WRITABLE_TXN_MARKER: Shape = shape(size_of::<messages::write_txn_markers_request::WritableTxnMarker>(), &[
    field(0, LAST, Fixed(11)), field(0, LAST, Array(&Struct(&WRITE_TXN_MARKERS__WRITABLE_TXN_MARKER_TOPIC))),
    field(0, LAST, Fixed(4)), field(2, LAST, Fixed(1)),
]);
const WRITE_TXN_MARKERS: Shape = shape(size_of::<messages::write_txn_markers_request::WriteTxnMarkersRequest>(), &[
    field(0, LAST, Array(&Struct(&WRITE_TXN_MARKERS__WRITABLE_TXN_MARKER))),
]);
const TXN_OFFSET_COMMIT__TXN_OFFSET_COMMIT_REQUEST_PARTITION: Shape = shape(size_of::<messages::txn_offset_commit_request::TxnOffsetCommitRequestPartition>(), &[
    field(0, LAST, Fixed(12)), field(2, LAST, Fixed(4)), field(0, LAST, Text),
]);
const TXN_OFFSET_COMMIT__TXN_OFFSET_COMMIT_REQUEST_TOPIC: Shape = shape(size_of::<messages::txn_offset_commit_request::TxnOffsetCommitRequestTopic>(), &[
    field(0, 5, Text), field(6, LAST, Fixed(16)),
    field(0, LAST, Array(&Struct(&TXN_OFFSET_COMMIT__TXN_OFFSET_COMMIT_REQUEST_PARTITION))),
]);
const TXN_OFFSET_COMMIT: Shape = shape(size_of::<messages::txn_offset_commit_request::TxnOffsetCommitRequest>(), &[
    field(0, LAST, Text), field(0, LAST, Text), field(0, LAST, Fixed(10)), field(3, LAST, Fixed(4)),
    field(3, LAST, Text), field(3, LAST, Text),
    field(0, LAST, Array(&Struct(&TXN_OFFSET_COMMIT__TXN_OFFSET_COMMIT_REQUEST_TOPIC))),
]);
const DESCRIBE_ACLS: Shape = shape(size_of::<messages::describe_acls_request::DescribeAclsRequest>(), &[
    field(0, LAST, Fixed(1)), field(0, LAST, Text), field(1, LAST, Fixed(1)), field(0, LAST, Text),
    field(0, LAST, Text), field(0, LAST, Fixed(2)),
]);
const CREATE_ACLS__ACL_CREATION: Shape = shape(size_of::<messages::create_acls_request::AclCreation>(), &[
    field(0, LAST, Fixed(1)), field(0, LAST, Text), field(1, LAST, Fixed(1)), field(0, LAST, Text),
    field(0, LAST, Text), field(0, LAST, Fixed(2)),
]);
const CREATE_ACLS: Shape = shape(size_of::<messages::create_acls_request::CreateAclsRequest>(), &[
    field(0, LAST, Array(&Struct(&CREATE_ACLS__ACL_CREATION))),
]);
const DELETE_ACLS__DELETE_ACLS_FILTER: Shape = shape(size_of::<messages::delete_acls_request::DeleteAclsFilter>(), &[
    field(0, LAST, Fixed(1)), field(0, LAST, Text), field(1, LAST, Fixed(1)), field(0, LAST, Text),
    field(0, LAST, Text), field(0, LAST, Fixed(2)),
]);
const DELETE_ACLS: Shape = shape(size_of::<messages::delete_acls_request::DeleteAclsRequest>(), &[
    field(0, LAST, Array(&Struct(&DELETE_ACLS__DELETE_ACLS_FILTER))),
]);
const DESCRIBE_CONFIGS__DESCRIBE_CONFIGS_RESOURCE: Shape = shape(size_of::<messages::describe_configs_request::DescribeConfigsResource>(), &[
    field(0, LAST, Fixed(1)), field(0, LAST, Text), field(0, LAST, Array(&Text)),
]);
const DESCRIBE_CONFIGS: Shape = shape(size_of::<messages::describe_configs_request::DescribeConfigsRequest>(), &[
    field(0, LAST, Array(&Struct(&DESCRIBE_CONFIGS__DESCRIBE_CONFIGS_RESOURCE))), field(1, LAST, Fixed(1)),
    field(3, LAST, Fixed(1)),
]);
const ALTER_CONFIGS__ALTERABLE_CONFIG: Shape = shape(size_of::<messages::alter_configs_request::AlterableConfig>(), &[
    field(0, LAST, Text), field(0, LAST, Text),
]);
const ALTER_CONFIGS__ALTER_CONFIGS_RESOURCE: Shape = shape(size_of::<messages::alter_configs_request::AlterConfigsResource>(), &[
    field(0, LAST, Fixed(1)), field(0, LAST, Text),
    field(0, LAST, Array(&Struct(&ALTER_CONFIGS__ALTERABLE_CONFIG))),
]);
const ALTER_CONFIGS: Shape = shape(size_of::<messages::alter_configs_request::AlterConfigsRequest>(), &[
    field(0, LAST, Array(&Struct(&ALTER_CONFIGS__ALTER_CONFIGS_RESOURCE))), field(0, LAST, Fixed(1)),
]);
const ALTER_REPLICA_LOG_DIRS__ALTER_REPLICA_LOG_DIR_TOPIC: Shape = shape(size_of::<messages::alter_replica_log_dirs_request::AlterReplicaLogDirTopic>(), &[
    field(0, LAST, Text), field(0, LAST, Array(&Fixed(4))),
]);
const ALTER_REPLICA_LOG_DIRS__ALTER_REPLICA_LOG_DIR: Shape = shape(size_of::<messages::alter_replica_log_dirs_request::AlterReplicaLogDir>(), &[
    field(0, LAST, Text), field(0, LAST, Array(&Struct(&ALTER_REPLICA_LOG_DIRS__ALTER_REPLICA_LOG_DIR_TOPIC))),
]);
const ALTER_REPLICA_LOG_DIRS: Shape = shape(size_of::<messages::alter_replica_log_dirs_request::AlterReplicaLogDirsRequest>(), &[
    field(0, LAST, Array(&Struct(&ALTER_REPLICA_LOG_DIRS__ALTER_REPLICA_LOG_DIR))),
]);
const DESCRIBE_LOG_DIRS__DESCRIBABLE_LOG_DIR_TOPIC: Shape = shape(size_of::<messages::describe_log_dirs_request::DescribableLogDirTopic>(), &[
    field(0, LAST, Text), field(0, LAST, Array(&Fixed(4))),
]);
const DESCRIBE_LOG_DIRS: Shape = shape(size_of::<messages::describe_log_dirs_request::DescribeLogDirsRequest>(), &[
    field(0, LAST, Array(&Struct(&DESCRIBE_LOG_DIRS__DESCRIBABLE_LOG_DIR_TOPIC))),
]);
const SASL_AUTHENTICATE: Shape = shape(size_of::<messages::sasl_authenticate_request::SaslAuthenticateRequest>(), &[
    field(0, LAST, Blob),
]);
const CREATE_PARTITIONS__CREATE_PARTITIONS_ASSIGNMENT: Shape = shape(size_of::<messages::create_partitions_request::CreatePartitionsAssignment>(), &[
    field(0, LAST, Array(&Fixed(4))),
]);
const CREATE_PARTITIONS__CREATE_PARTITIONS_TOPIC: Shape = shape(size_of::<messages::create_partitions_request::CreatePartitionsTopic>(), &[
    field(0, LAST, Text), field(0, LAST, Fixed(4)),
    field(0, LAST, Array(&Struct(&CREATE_PARTITIONS__CREATE_PARTITIONS_ASSIGNMENT))),
]);
const CREATE_PARTITIONS: Shape = shape(size_of::<messages::create_partitions_request::CreatePartitionsRequest>(), &[
    field(0, LAST, Array(&Struct(&CREATE_PARTITIONS__CREATE_PARTITIONS_TOPIC))), field(0, LAST, Fixed(5)),
]);
const CREATE_DELEGATION_TOKEN__CREATABLE_RENEWERS: Shape = shape(size_of::<messages::create_delegation_token_request::CreatableRenewers>(), &[
    field(0, LAST, Text), field(0, LAST, Text),
]);
const CREATE_DELEGATION_TOKEN: Shape = shape(size_of::<messages::create_delegation_token_request::CreateDelegationTokenRequest>(), &[
    field(3, LAST, Text), field(3, LAST, Text),
    field(0, LAST, Array(&Struct(&CREATE_DELEGATION_TOKEN__CREATABLE_RENEWERS))), field(0, LAST, Fixed(8)),
]);
const RENEW_DELEGATION_TOKEN: Shape = shape(size_of::<messages::renew_delegation_token_request::RenewDelegationTokenRequest>(), &[
    field(0, LAST, Blob), field(0, LAST, Fixed(8)),
]);
const EXPIRE_DELEGATION_TOKEN: Shape = shape(size_of::<messages::expire_delegation_token_request::ExpireDelegationTokenRequest>(), &[
    field(0, LAST, Blob), field(0, LAST, Fixed(8)),
]);
const DESCRIBE_DELEGATION_TOKEN__DESCRIBE_DELEGATION_TOKEN_OWNER: Shape = shape(size_of::<messages::describe_delegation_token_request::DescribeDelegationTokenOwner>(), &[
    field(0, LAST, Text), field(0, LAST, Text),
]);
const DESCRIBE_DELEGATION_TOKEN: Shape = shape(size_of::<messages::describe_delegation_token_request::DescribeDelegationTokenRequest>(), &[
    field(0, LAST, Array(&Struct(&DESCRIBE_DELEGATION_TOKEN__DESCRIBE_DELEGATION_TOKEN_OWNER))),
]);
const DELETE_GROUPS: Shape = shape(size_of::<messages::delete_groups_request::DeleteGroupsRequest>(), &[
    field(0, LAST, Array(&Text)),
]);
const ELECT_LEADERS__TOPIC_PARTITIONS: Shape = shape(size_of::<messages::elect_leaders_request::TopicPartitions>(), &[
    field(0, LAST, Text), field(0, LAST, Array(&Fixed(4))),
]);
const ELECT_LEADERS: Shape = shape(size_of::<messages::elect_leaders_request::ElectLeadersRequest>(), &[
    field(1, LAST, Fixed(1)), field(0, LAST, Array(&Struct(&ELECT_LEADERS__TOPIC_PARTITIONS))),
    field(0, LAST, Fixed(4)),
]);
const INCREMENTAL_ALTER_CONFIGS__ALTERABLE_CONFIG: Shape = shape(size_of::<messages::incremental_alter_configs_request::AlterableConfig>(), &[
    field(0, LAST, Text), field(0, LAST, Fixed(1)), field(0, LAST, Text),
]);
const INCREMENTAL_ALTER_CONFIGS__ALTER_CONFIGS_RESOURCE: Shape = shape(size_of::<messages::incremental_alter_configs_request::AlterConfigsResource>(), &[
    field(0, LAST, Fixed(1)), field(0, LAST, Text),
    field(0, LAST, Array(&Struct(&INCREMENTAL_ALTER_CONFIGS__ALTERABLE_CONFIG))),
]);
const INCREMENTAL_ALTER_CONFIGS: Shape = shape(size_of::<messages::incremental_alter_configs_request::IncrementalAlterConfigsRequest>(), &[
    field(0, LAST, Array(&Struct(&INCREMENTAL_ALTER_CONFIGS__ALTER_CONFIGS_RESOURCE))), field(0, LAST, Fixed(1)),
]);
const ALTER_PARTITION_REASSIGNMENTS__REASSIGNABLE_PARTITION: Shape = shape(size_of::<messages::alter_partition_reassignments_request::ReassignablePartition>(), &[
    field(0, LAST, Fixed(4)), field(0, LAST, Array(&Fixed(4))),
]);
const ALTER_PARTITION_REASSIGNMENTS__REASSIGNABLE_TOPIC: Shape = shape(size_of::<messages::alter_partition_reassignments_request::ReassignableTopic>(), &[
    field(0, LAST, Text), field(0, LAST, Array(&Struct(&ALTER_PARTITION_REASSIGNMENTS__REASSIGNABLE_PARTITION))),
]);
const ALTER_PARTITION_REASSIGNMENTS: Shape = shape(size_of::<messages::alter_partition_reassignments_request::AlterPartitionReassignmentsRequest>(), &[
    field(0, LAST, Fixed(4)), field(1, LAST, Fixed(1)),
    field(0, LAST, Array(&Struct(&ALTER_PARTITION_REASSIGNMENTS__REASSIGNABLE_TOPIC))),
]);
const LIST_PARTITION_REASSIGNMENTS__LIST_PARTITION_REASSIGNMENTS_TOPICS: Shape = shape(size_of::<messages::list_partition_reassignments_request::ListPartitionReassignmentsTopics>(), &[
    field(0, LAST, Text), field(0, LAST, Array(&Fixed(4))),
]);
const LIST_PARTITION_REASSIGNMENTS: Shape = shape(size_of::<messages::list_partition_reassignments_request::ListPartitionReassignmentsRequest>(), &[
    field(0, LAST, Fixed(4)),
    field(0, LAST, Array(&Struct(&LIST_PARTITION_REASSIGNMENTS__LIST_PARTITION_REASSIGNMENTS_TOPICS))),
]);
const OFFSET_DELETE__OFFSET_DELETE_REQUEST_PARTITION: Shape = shape(size_of::<messages::offset_delete_request::OffsetDeleteRequestPartition>(), &[
    field(0, LAST, Fixed(4)),
]);
const OFFSET_DELETE__OFFSET_DELETE_REQUEST_TOPIC: Shape = shape(size_of::<messages::offset_delete_request::OffsetDeleteRequestTopic>(), &[
    field(0, LAST, Text), field(0, LAST, Array(&Struct(&OFFSET_DELETE__OFFSET_DELETE_REQUEST_PARTITION))),
]);
const OFFSET_DELETE: Shape = shape(size_of::<messages::offset_delete_request::OffsetDeleteRequest>(), &[
    field(0, LAST, Text), field(0, LAST, Array(&Struct(&OFFSET_DELETE__OFFSET_DELETE_REQUEST_TOPIC))),
]);
const DESCRIBE_CLIENT_QUOTAS__COMPONENT_DATA: Shape = shape(size_of::<messages::describe_client_quotas_request::ComponentData>(), &[
    field(0, LAST, Text), field(0, LAST, Fixed(1)), field(0, LAST, Text),
]);
const DESCRIBE_CLIENT_QUOTAS: Shape = shape(size_of::<messages::describe_client_quotas_request::DescribeClientQuotasRequest>(), &[
    field(0, LAST, Array(&Struct(&DESCRIBE_CLIENT_QUOTAS__COMPONENT_DATA))), field(0, LAST, Fixed(1)),
]);
const ALTER_CLIENT_QUOTAS__ENTITY_DATA: Shape = shape(size_of::<messages::alter_client_quotas_request::EntityData>(), &[
    field(0, LAST, Text), field(0, LAST, Text),
]);
const ALTER_CLIENT_QUOTAS__OP_DATA: Shape = shape(size_of::<messages::alter_client_quotas_request::OpData>(), &[
    field(0, LAST, Text), field(0, LAST, Fixed(9)),
]);
const ALTER_CLIENT_QUOTAS__ENTRY_DATA: Shape = shape(size_of::<messages::alter_client_quotas_request::EntryData>(), &[
    field(0, LAST, Array(&Struct(&ALTER_CLIENT_QUOTAS__ENTITY_DATA))),
    field(0, LAST, Array(&Struct(&ALTER_CLIENT_QUOTAS__OP_DATA))),
]);
const ALTER_CLIENT_QUOTAS: Shape = shape(size_of::<messages::alter_client_quotas_request::AlterClientQuotasRequest>(), &[
    field(0, LAST, Array(&Struct(&ALTER_CLIENT_QUOTAS__ENTRY_DATA))), field(0, LAST, Fixed(1)),
]);
const DESCRIBE_USER_SCRAM_CREDENTIALS__USER_NAME: Shape = shape(size_of::<messages::describe_user_scram_credentials_request::UserName>(), &[
    field(0, LAST, Text),
]);
const DESCRIBE_USER_SCRAM_CREDENTIALS: Shape = shape(size_of::<messages::describe_user_scram_credentials_request::DescribeUserScramCredentialsRequest>(), &[
    field(0, LAST, Array(&Struct(&DESCRIBE_USER_SCRAM_CREDENTIALS__USER_NAME))),
]);
const ALTER_USER_SCRAM_CREDENTIALS__SCRAM_CREDENTIAL_DELETION: Shape = shape(size_of::<messages::alter_user_scram_credentials_request::ScramCredentialDeletion>(), &[
    field(0, LAST, Text), field(0, LAST, Fixed(1)),
]);
const ALTER_USER_SCRAM_CREDENTIALS__SCRAM_CREDENTIAL_UPSERTION: Shape = shape(size_of::<messages::alter_user_scram_credentials_request::ScramCredentialUpsertion>(), &[
    field(0, LAST, Text), field(0, LAST, Fixed(5)), field(0, LAST, Blob), field(0, LAST, Blob),
]);
const ALTER_USER_SCRAM_CREDENTIALS: Shape = shape(size_of::<messages::alter_user_scram_credentials_request::AlterUserScramCredentialsRequest>(), &[
    field(0, LAST, Array(&Struct(&ALTER_USER_SCRAM_CREDENTIALS__SCRAM_CREDENTIAL_DELETION))),
    field(0, LAST, Array(&Struct(&ALTER_USER_SCRAM_CREDENTIALS__SCRAM_CREDENTIAL_UPSERTION))),
]);
const VOTE__PARTITION_DATA: Shape = shape(size_of::<messages::vote_request::PartitionData>(), &[
    field(0, LAST, Fixed(12)), field(1, LAST, Fixed(32)), field(0, LAST, Fixed(12)), field(2, LAST, Fixed(1)),
]);
const VOTE__TOPIC_DATA: Shape = shape(size_of::<messages::vote_request::TopicData>(), &[
    field(0, LAST, Text), field(0, LAST, Array(&Struct(&VOTE__PARTITION_DATA))),
]);
const VOTE: Shape = shape(size_of::<messages::vote_request::VoteRequest>(), &[
    field(0, LAST, Text), field(1, LAST, Fixed(4)), field(0, LAST, Array(&Struct(&VOTE__TOPIC_DATA))),
]);
const BEGIN_QUORUM_EPOCH__PARTITION_DATA: Shape = shape(size_of::<messages::begin_quorum_epoch_request::PartitionData>(), &[
    field(0, LAST, Fixed(4)), field(1, LAST, Fixed(16)), field(0, LAST, Fixed(8)),
]);
const BEGIN_QUORUM_EPOCH__TOPIC_DATA: Shape = shape(size_of::<messages::begin_quorum_epoch_request::TopicData>(), &[
    field(0, LAST, Text), field(0, LAST, Array(&Struct(&BEGIN_QUORUM_EPOCH__PARTITION_DATA))),
]);
const BEGIN_QUORUM_EPOCH__LEADER_ENDPOINT: Shape = shape(size_of::<messages::begin_quorum_epoch_request::LeaderEndpoint>(), &[
    field(1, LAST, Text), field(1, LAST, Text), field(1, LAST, Fixed(2)),
]);
const BEGIN_QUORUM_EPOCH: Shape = shape(size_of::<messages::begin_quorum_epoch_request::BeginQuorumEpochRequest>(), &[
    field(0, LAST, Text), field(1, LAST, Fixed(4)), field(0, LAST, Array(&Struct(&BEGIN_QUORUM_EPOCH__TOPIC_DATA))),
    field(1, LAST, Array(&Struct(&BEGIN_QUORUM_EPOCH__LEADER_ENDPOINT))),
]);
const END_QUORUM_EPOCH__REPLICA_INFO: Shape = shape(size_of::<messages::end_quorum_epoch_request::ReplicaInfo>(), &[
    field(1, LAST, Fixed(20)),
]);
const END_QUORUM_EPOCH__PARTITION_DATA: Shape = shape(size_of::<messages::end_quorum_epoch_request::PartitionData>(), &[
    field(0, LAST, Fixed(12)), field(0, 0, Array(&Fixed(4))),
    field(1, LAST, Array(&Struct(&END_QUORUM_EPOCH__REPLICA_INFO))),
]);
const END_QUORUM_EPOCH__TOPIC_DATA: Shape = shape(size_of::<messages::end_quorum_epoch_request::TopicData>(), &[
    field(0, LAST, Text), field(0, LAST, Array(&Struct(&END_QUORUM_EPOCH__PARTITION_DATA))),
]);
const END_QUORUM_EPOCH__LEADER_ENDPOINT: Shape = shape(size_of::<messages::end_quorum_epoch_request::LeaderEndpoint>(), &[
    field(1, LAST, Text), field(1, LAST, Text), field(1, LAST, Fixed(2)),
]);
const END_QUORUM_EPOCH: Shape = shape(size_of::<messages::end_quorum_epoch_request::EndQuorumEpochRequest>(), &[
    field(0, LAST, Text), field(0, LAST, Array(&Struct(&END_QUORUM_EPOCH__TOPIC_DATA))),
    field(1, LAST, Array(&Struct(&END_QUORUM_EPOCH__LEADER_ENDPOINT))),
]);
const DESCRIBE_QUORUM__PARTITION_DATA: Shape = shape(size_of::<messages::describe_quorum_request::PartitionData>(), &[
    field(0, LAST, Fixed(4)),
]);
const DESCRIBE_QUORUM__TOPIC_DATA: Shape = shape(size_of::<messages::describe_quorum_request::TopicData>(), &[
    field(0, LAST, Text), field(0, LAST, Array(&Struct(&DESCRIBE_QUORUM__PARTITION_DATA))),
]);
const DESCRIBE_QUORUM: Shape = shape(size_of::<messages::describe_quorum_request::DescribeQuorumRequest>(), &[
    field(0, LAST, Array(&Struct(&DESCRIBE_QUORUM__TOPIC_DATA))),
]);
const ALTER_PARTITION__BROKER_STATE: Shape = shape(size_of::<messages::alter_partition_request::BrokerState>(), &[
    field(3, LAST, Fixed(12)),
]);
const ALTER_PARTITION__PARTITION_DATA: Shape = shape(size_of::<messages::alter_partition_request::PartitionData>(), &[
    field(0, LAST, Fixed(8)), field(0, 2, Array(&Fixed(4))),
    field(3, LAST, Array(&Struct(&ALTER_PARTITION__BROKER_STATE))), field(1, LAST, Fixed(1)),
    field(0, LAST, Fixed(4)),
]);
const ALTER_PARTITION__TOPIC_DATA: Shape = shape(size_of::<messages::alter_partition_request::TopicData>(), &[
    field(2, LAST, Fixed(16)), field(0, LAST, Array(&Struct(&ALTER_PARTITION__PARTITION_DATA))),
]);
const ALTER_PARTITION: Shape = shape(size_of::<messages::alter_partition_request::AlterPartitionRequest>(), &[
    field(0, LAST, Fixed(12)), field(0, LAST, Array(&Struct(&ALTER_PARTITION__TOPIC_DATA))),
]);
const UPDATE_FEATURES__FEATURE_UPDATE_KEY: Shape = shape(size_of::<messages::update_features_request::FeatureUpdateKey>(), &[
    field(0, LAST, Text), field(0, LAST, Fixed(2)), field(0, 0, Fixed(1)), field(1, LAST, Fixed(1)),
]);
const UPDATE_FEATURES: Shape = shape(size_of::<messages::update_features_request::UpdateFeaturesRequest>(), &[
    field(0, LAST, Fixed(4)), field(0, LAST, Array(&Struct(&UPDATE_FEATURES__FEATURE_UPDATE_KEY))),
    field(1, LAST, Fixed(1)),
]);
const ENVELOPE: Shape = shape(size_of::<messages::envelope_request::EnvelopeRequest>(), &[
    field(0, LAST, Blob), field(0, LAST, Blob), field(0, LAST, Blob),
]);
const FETCH_SNAPSHOT__SNAPSHOT_ID: Shape = shape(size_of::<messages::fetch_snapshot_request::SnapshotId>(), &[
    field(0, LAST, Fixed(12)),
]);
const FETCH_SNAPSHOT__PARTITION_SNAPSHOT: Shape = shape(size_of::<messages::fetch_snapshot_request::PartitionSnapshot>(), &[
    field(0, LAST, Fixed(8)), field(0, LAST, Struct(&FETCH_SNAPSHOT__SNAPSHOT_ID)), field(0, LAST, Fixed(8)),
    tagged(0, 1, LAST, Fixed(16)),
]);
const FETCH_SNAPSHOT__TOPIC_SNAPSHOT: Shape = shape(size_of::<messages::fetch_snapshot_request::TopicSnapshot>(), &[
    field(0, LAST, Text), field(0, LAST, Array(&Struct(&FETCH_SNAPSHOT__PARTITION_SNAPSHOT))),
]);
const FETCH_SNAPSHOT: Shape = shape(size_of::<messages::fetch_snapshot_request::FetchSnapshotRequest>(), &[
    tagged(0, 0, LAST, Text), field(0, LAST, Fixed(8)),
    field(0, LAST, Array(&Struct(&FETCH_SNAPSHOT__TOPIC_SNAPSHOT))),
]);
const DESCRIBE_CLUSTER: Shape = shape(size_of::<messages::describe_cluster_request::DescribeClusterRequest>(), &[
    field(0, LAST, Fixed(1)), field(1, LAST, Fixed(1)), field(2, LAST, Fixed(1)),
]);
const DESCRIBE_PRODUCERS__TOPIC_REQUEST: Shape = shape(size_of::<messages::describe_producers_request::TopicRequest>(), &[
    field(0, LAST, Text), field(0, LAST, Array(&Fixed(4))),
]);
const DESCRIBE_PRODUCERS: Shape = shape(size_of::<messages::describe_producers_request::DescribeProducersRequest>(), &[
    field(0, LAST, Array(&Struct(&DESCRIBE_PRODUCERS__TOPIC_REQUEST))),
]);
const BROKER_REGISTRATION__LISTENER: Shape = shape(size_of::<messages::broker_registration_request::Listener>(), &[
    field(0, LAST, Text), field(0, LAST, Text), field(0, LAST, Fixed(4)),
]);
const BROKER_REGISTRATION__FEATURE: Shape = shape(size_of::<messages::broker_registration_request::Feature>(), &[
    field(0, LAST, Text), field(0, LAST, Fixed(4)),
]);
const BROKER_REGISTRATION: Shape = shape(size_of::<messages::broker_registration_request::BrokerRegistrationRequest>(), &[
    field(0, LAST, Fixed(4)), field(0, LAST, Text), field(0, LAST, Fixed(16)),
    field(0, LAST, Array(&Struct(&BROKER_REGISTRATION__LISTENER))),
    field(0, LAST, Array(&Struct(&BROKER_REGISTRATION__FEATURE))), field(0, LAST, Text), field(1, LAST, Fixed(1)),
    field(2, LAST, Array(&Fixed(16))), field(3, LAST, Fixed(8)),
]);
const BROKER_HEARTBEAT: Shape = shape(size_of::<messages::broker_heartbeat_request::BrokerHeartbeatRequest>(), &[
    field(0, LAST, Fixed(22)), tagged(0, 1, LAST, Array(&Fixed(16))), tagged(1, 2, LAST, Array(&Fixed(16))),
]);
const UNREGISTER_BROKER: Shape = shape(size_of::<messages::unregister_broker_request::UnregisterBrokerRequest>(), &[
    field(0, LAST, Fixed(4)),
]);
const DESCRIBE_TRANSACTIONS: Shape = shape(size_of::<messages::describe_transactions_request::DescribeTransactionsRequest>(), &[
    field(0, LAST, Array(&Text)),
]);
const LIST_TRANSACTIONS: Shape = shape(size_of::<messages::list_transactions_request::ListTransactionsRequest>(), &[
    field(0, LAST, Array(&Text)), field(0, LAST, Array(&Fixed(8))), field(1, LAST, Fixed(8)), field(2, LAST, Text),
]);
const ALLOCATE_PRODUCER_IDS: Shape = shape(size_of::<messages::allocate_producer_ids_request::AllocateProducerIdsRequest>(), &[
    field(0, LAST, Fixed(12)),
]);
const CONSUMER_GROUP_HEARTBEAT__TOPIC_PARTITIONS: Shape = shape(size_of::<messages::consumer_group_heartbeat_request::TopicPartitions>(), &[
    field(0, LAST, Fixed(16)), field(0, LAST, Array(&Fixed(4))),
]);
const CONSUMER_GROUP_HEARTBEAT: Shape = shape(size_of::<messages::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest>(), &[
    field(0, LAST, Text), field(0, LAST, Text), field(0, LAST, Fixed(4)), field(0, LAST, Text),
    field(0, LAST, Text), field(0, LAST, Fixed(4)), field(0, LAST, Array(&Text)), field(1, LAST, Text),
    field(0, LAST, Text), field(0, LAST, Array(&Struct(&CONSUMER_GROUP_HEARTBEAT__TOPIC_PARTITIONS))),
]);
const CONSUMER_GROUP_DESCRIBE: Shape = shape(size_of::<messages::consumer_group_describe_request::ConsumerGroupDescribeRequest>(), &[
    field(0, LAST, Array(&Text)), field(0, LAST, Fixed(1)),
]);
const CONTROLLER_REGISTRATION__LISTENER: Shape = shape(size_of::<messages::controller_registration_request::Listener>(), &[
    field(0, LAST, Text), field(0, LAST, Text), field(0, LAST, Fixed(4)),
]);
const CONTROLLER_REGISTRATION__FEATURE: Shape = shape(size_of::<messages::controller_registration_request::Feature>(), &[
    field(0, LAST, Text), field(0, LAST, Fixed(4)),
]);
const CONTROLLER_REGISTRATION: Shape = shape(size_of::<messages::controller_registration_request::ControllerRegistrationRequest>(), &[
    field(0, LAST, Fixed(21)), field(0, LAST, Array(&Struct(&CONTROLLER_REGISTRATION__LISTENER))),
    field(0, LAST, Array(&Struct(&CONTROLLER_REGISTRATION__FEATURE))),
]);
const GET_TELEMETRY_SUBSCRIPTIONS: Shape = shape(size_of::<messages::get_telemetry_subscriptions_request::GetTelemetrySubscriptionsRequest>(), &[
    field(0, LAST, Fixed(16)),
]);
const PUSH_TELEMETRY: Shape = shape(size_of::<messages::push_telemetry_request::PushTelemetryRequest>(), &[
    field(0, LAST, Fixed(22)), field(0, LAST, Blob),
]);
const ASSIGN_REPLICAS_TO_DIRS__PARTITION_DATA: Shape = shape(size_of::<messages::assign_replicas_to_dirs_request::PartitionData>(), &[
    field(0, LAST, Fixed(4)),
]);
const ASSIGN_REPLICAS_TO_DIRS__TOPIC_DATA: Shape = shape(size_of::<messages::assign_replicas_to_dirs_request::TopicData>(), &[
    field(0, LAST, Fixed(16)), field(0, LAST, Array(&Struct(&ASSIGN_REPLICAS_TO_DIRS__PARTITION_DATA))),
]);
const ASSIGN_REPLICAS_TO_DIRS__DIRECTORY_DATA: Shape = shape(size_of::<messages::assign_replicas_to_dirs_request::DirectoryData>(), &[
    field(0, LAST, Fixed(16)), field(0, LAST, Array(&Struct(&ASSIGN_REPLICAS_TO_DIRS__TOPIC_DATA))),
]);
const ASSIGN_REPLICAS_TO_DIRS: Shape = shape(size_of::<messages::assign_replicas_to_dirs_request::AssignReplicasToDirsRequest>(), &[
    field(0, LAST, Fixed(12)), field(0, LAST, Array(&Struct(&ASSIGN_REPLICAS_TO_DIRS__DIRECTORY_DATA))),
]);
const LIST_CONFIG_RESOURCES: Shape = shape(size_of::<messages::list_config_resources_request::ListConfigResourcesRequest>(), &[
    field(1, LAST, Array(&Fixed(1))),
]);
const DESCRIBE_TOPIC_PARTITIONS__TOPIC_REQUEST: Shape = shape(size_of::<messages::describe_topic_partitions_request::TopicRequest>(), &[
    field(0, LAST, Text),
]);
const DESCRIBE_TOPIC_PARTITIONS__CURSOR: Shape = shape(size_of::<messages::describe_topic_partitions_request::Cursor>(), &[
    field(0, LAST, Text), field(0, LAST, Fixed(4)),
]);
const DESCRIBE_TOPIC_PARTITIONS: Shape = shape(size_of::<messages::describe_topic_partitions_request::DescribeTopicPartitionsRequest>(), &[
    field(0, LAST, Array(&Struct(&DESCRIBE_TOPIC_PARTITIONS__TOPIC_REQUEST))), field(0, LAST, Fixed(4)),
    field(0, LAST, Optional(&DESCRIBE_TOPIC_PARTITIONS__CURSOR)),
]);
const SHARE_GROUP_HEARTBEAT: Shape = shape(size_of::<messages::share_group_heartbeat_request::ShareGroupHeartbeatRequest>(), &[
    field(0, LAST, Text), field(0, LAST, Text), field(0, LAST, Fixed(4)), field(0, LAST, Text),
    field(0, LAST, Array(&Text)),
]);
const SHARE_GROUP_DESCRIBE: Shape = shape(size_of::<messages::share_group_describe_request::ShareGroupDescribeRequest>(), &[
    field(0, LAST, Array(&Text)), field(0, LAST, Fixed(1)),
]);
const SHARE_FETCH__ACKNOWLEDGEMENT_BATCH: Shape = shape(size_of::<messages::share_fetch_request::AcknowledgementBatch>(), &[
    field(0, LAST, Fixed(16)), field(0, LAST, Array(&Fixed(1))),
]);
const SHARE_FETCH__FETCH_PARTITION: Shape = shape(size_of::<messages::share_fetch_request::FetchPartition>(), &[
    field(0, LAST, Fixed(4)), field(0, 0, Fixed(4)),
    field(0, LAST, Array(&Struct(&SHARE_FETCH__ACKNOWLEDGEMENT_BATCH))),
]);
const SHARE_FETCH__FETCH_TOPIC: Shape = shape(size_of::<messages::share_fetch_request::FetchTopic>(), &[
    field(0, LAST, Fixed(16)), field(0, LAST, Array(&Struct(&SHARE_FETCH__FETCH_PARTITION))),
]);
const SHARE_FETCH__FORGOTTEN_TOPIC: Shape = shape(size_of::<messages::share_fetch_request::ForgottenTopic>(), &[
    field(0, LAST, Fixed(16)), field(0, LAST, Array(&Fixed(4))),
]);
const SHARE_FETCH: Shape = shape(size_of::<messages::share_fetch_request::ShareFetchRequest>(), &[
    field(0, LAST, Text), field(0, LAST, Text), field(0, LAST, Fixed(16)), field(1, LAST, Fixed(8)),
    field(2, LAST, Fixed(2)), field(0, LAST, Array(&Struct(&SHARE_FETCH__FETCH_TOPIC))),
    field(0, LAST, Array(&Struct(&SHARE_FETCH__FORGOTTEN_TOPIC))),
]);
const SHARE_ACKNOWLEDGE__ACKNOWLEDGEMENT_BATCH: Shape = shape(size_of::<messages::share_acknowledge_request::AcknowledgementBatch>(), &[
    field(0, LAST, Fixed(16)), field(0, LAST, Array(&Fixed(1))),
]);
const SHARE_ACKNOWLEDGE__ACKNOWLEDGE_PARTITION: Shape = shape(size_of::<messages::share_acknowledge_request::AcknowledgePartition>(), &[
    field(0, LAST, Fixed(4)), field(0, LAST, Array(&Struct(&SHARE_ACKNOWLEDGE__ACKNOWLEDGEMENT_BATCH))),
]);
const SHARE_ACKNOWLEDGE__ACKNOWLEDGE_TOPIC: Shape = shape(size_of::<messages::share_acknowledge_request::AcknowledgeTopic>(), &[
    field(0, LAST, Fixed(16)), field(0, LAST, Array(&Struct(&SHARE_ACKNOWLEDGE__ACKNOWLEDGE_PARTITION))),
]);
const SHARE_ACKNOWLEDGE: Shape = shape(size_of::<messages::share_acknowledge_request::ShareAcknowledgeRequest>(), &[
    field(0, LAST, Text), field(0, LAST, Text), field(0, LAST, Fixed(4)), field(2, LAST, Fixed(1)),
    field(0, LAST, Array(&Struct(&SHARE_ACKNOWLEDGE__ACKNOWLEDGE_TOPIC))),
]);
const ADD_RAFT_VOTER__LISTENER: Shape = shape(size_of::<messages::add_raft_voter_request::Listener>(), &[
    field(0, LAST, Text), field(0, LAST, Text), field(0, LAST, Fixed(2)),
]);
const ADD_RAFT_VOTER: Shape = shape(size_of::<messages::add_raft_voter_request::AddRaftVoterRequest>(), &[
    field(0, LAST, Text), field(0, LAST, Fixed(24)), field(0, LAST, Array(&Struct(&ADD_RAFT_VOTER__LISTENER))),
    field(1, LAST, Fixed(1)),
]);
const REMOVE_RAFT_VOTER: Shape = shape(size_of::<messages::remove_raft_voter_request::RemoveRaftVoterRequest>(), &[
    field(0, LAST, Text), field(0, LAST, Fixed(20)),
]);
const UPDATE_RAFT_VOTER__LISTENER: Shape = shape(size_of::<messages::update_raft_voter_request::Listener>(), &[
    field(0, LAST, Text), field(0, LAST, Text), field(0, LAST, Fixed(2)),
]);
const UPDATE_RAFT_VOTER__KRAFT_VERSION_FEATURE: Shape = shape(size_of::<messages::update_raft_voter_request::KRaftVersionFeature>(), &[
    field(0, LAST, Fixed(4)),
]);
const UPDATE_RAFT_VOTER: Shape = shape(size_of::<messages::update_raft_voter_request::UpdateRaftVoterRequest>(), &[
    field(0, LAST, Text), field(0, LAST, Fixed(24)), field(0, LAST, Array(&Struct(&UPDATE_RAFT_VOTER__LISTENER))),
    field(0, LAST, Struct(&UPDATE_RAFT_VOTER__KRAFT_VERSION_FEATURE)),
]);
const INITIALIZE_SHARE_GROUP_STATE__PARTITION_DATA: Shape = shape(size_of::<messages::initialize_share_group_state_request::PartitionData>(), &[
    field(0, LAST, Fixed(16)),
]);
const INITIALIZE_SHARE_GROUP_STATE__INITIALIZE_STATE_DATA: Shape = shape(size_of::<messages::initialize_share_group_state_request::InitializeStateData>(), &[
    field(0, LAST, Fixed(16)), field(0, LAST, Array(&Struct(&INITIALIZE_SHARE_GROUP_STATE__PARTITION_DATA))),
]);
const INITIALIZE_SHARE_GROUP_STATE: Shape = shape(size_of::<messages::initialize_share_group_state_request::InitializeShareGroupStateRequest>(), &[
    field(0, LAST, Text), field(0, LAST, Array(&Struct(&INITIALIZE_SHARE_GROUP_STATE__INITIALIZE_STATE_DATA))),
]);
const READ_SHARE_GROUP_STATE__PARTITION_DATA: Shape = shape(size_of::<messages::read_share_group_state_request::PartitionData>(), &[
    field(0, LAST, Fixed(8)),
]);
const READ_SHARE_GROUP_STATE__READ_STATE_DATA: Shape = shape(size_of::<messages::read_share_group_state_request::ReadStateData>(), &[
    field(0, LAST, Fixed(16)), field(0, LAST, Array(&Struct(&READ_SHARE_GROUP_STATE__PARTITION_DATA))),
]);
const READ_SHARE_GROUP_STATE: Shape = shape(size_of::<messages::read_share_group_state_request::ReadShareGroupStateRequest>(), &[
    field(0, LAST, Text), field(0, LAST, Array(&Struct(&READ_SHARE_GROUP_STATE__READ_STATE_DATA))),
]);
const WRITE_SHARE_GROUP_STATE__STATE_BATCH: Shape = shape(size_of::<messages::write_share_group_state_request::StateBatch>(), &[
    field(0, LAST, Fixed(19)),
]);
const WRITE_SHARE_GROUP_STATE__PARTITION_DATA: Shape = shape(size_of::<messages::write_share_group_state_request::PartitionData>(), &[
    field(0, LAST, Fixed(20)), field(1, LAST, Fixed(4)),
    field(0, LAST, Array(&Struct(&WRITE_SHARE_GROUP_STATE__STATE_BATCH))),
]);
const WRITE_SHARE_GROUP_STATE__WRITE_STATE_DATA: Shape = shape(size_of::<messages::write_share_group_state_request::WriteStateData>(), &[
    field(0, LAST, Fixed(16)), field(0, LAST, Array(&Struct(&WRITE_SHARE_GROUP_STATE__PARTITION_DATA))),
]);
const WRITE_SHARE_GROUP_STATE: Shape = shape(size_of::<messages::write_share_group_state_request::WriteShareGroupStateRequest>(), &[
    field(0, LAST, Text), field(0, LAST, Array(&Struct(&WRITE_SHARE_GROUP_STATE__WRITE_STATE_DATA))),
]);
const DELETE_SHARE_GROUP_STATE__PARTITION_DATA: Shape = shape(size_of::<messages::delete_share_group_state_request::PartitionData>(), &[
    field(0, LAST, Fixed(4)),
]);
const DELETE_SHARE_GROUP_STATE__DELETE_STATE_DATA: Shape = shape(size_of::<messages::delete_share_group_state_request::DeleteStateData>(), &[
    field(0, LAST, Fixed(16)), field(0, LAST, Array(&Struct(&DELETE_SHARE_GROUP_STATE__PARTITION_DATA))),
]);
const DELETE_SHARE_GROUP_STATE: Shape = shape(size_of::<messages::delete_share_group_state_request::DeleteShareGroupStateRequest>(), &[
    field(0, LAST, Text), field(0, LAST, Array(&Struct(&DELETE_SHARE_GROUP_STATE__DELETE_STATE_DATA))),
]);
const READ_SHARE_GROUP_STATE_SUMMARY__PARTITION_DATA: Shape = shape(size_of::<messages::read_share_group_state_summary_request::PartitionData>(), &[
    field(0, LAST, Fixed(8)),
]);
const READ_SHARE_GROUP_STATE_SUMMARY__READ_STATE_SUMMARY_DATA: Shape = shape(size_of::<messages::read_share_group_state_summary_request::ReadStateSummaryData>(), &[
    field(0, LAST, Fixed(16)), field(0, LAST, Array(&Struct(&READ_SHARE_GROUP_STATE_SUMMARY__PARTITION_DATA))),
]);
const READ_SHARE_GROUP_STATE_SUMMARY: Shape = shape(size_of::<messages::read_share_group_state_summary_request::ReadShareGroupStateSummaryRequest>(), &[
    field(0, LAST, Text), field(0, LAST, Array(&Struct(&READ_SHARE_GROUP_STATE_SUMMARY__READ_STATE_SUMMARY_DATA))),
]);
const DESCRIBE_SHARE_GROUP_OFFSETS__DESCRIBE_SHARE_GROUP_OFFSETS_REQUEST_TOPIC: Shape = shape(size_of::<messages::describe_share_group_offsets_request::DescribeShareGroupOffsetsRequestTopic>(), &[
    field(0, LAST, Text), field(0, LAST, Array(&Fixed(4))),
]);
const DESCRIBE_SHARE_GROUP_OFFSETS__DESCRIBE_SHARE_GROUP_OFFSETS_REQUEST_GROUP: Shape = shape(size_of::<messages::describe_share_group_offsets_request::DescribeShareGroupOffsetsRequestGroup>(), &[
    field(0, LAST, Text),
    field(0, LAST, Array(&Struct(&DESCRIBE_SHARE_GROUP_OFFSETS__DESCRIBE_SHARE_GROUP_OFFSETS_REQUEST_TOPIC))),
]);
const DESCRIBE_SHARE_GROUP_OFFSETS: Shape = shape(size_of::<messages::describe_share_group_offsets_request::DescribeShareGroupOffsetsRequest>(), &[
    field(0, LAST, Array(&Struct(&DESCRIBE_SHARE_GROUP_OFFSETS__DESCRIBE_SHARE_GROUP_OFFSETS_REQUEST_GROUP))),
]);
const ALTER_SHARE_GROUP_OFFSETS__ALTER_SHARE_GROUP_OFFSETS_REQUEST_PARTITION: Shape = shape(size_of::<messages::alter_share_group_offsets_request::AlterShareGroupOffsetsRequestPartition>(), &[
    field(0, LAST, Fixed(12)),
]);
const ALTER_SHARE_GROUP_OFFSETS__ALTER_SHARE_GROUP_OFFSETS_REQUEST_TOPIC: Shape = shape(size_of::<messages::alter_share_group_offsets_request::AlterShareGroupOffsetsRequestTopic>(), &[
    field(0, LAST, Text),
    field(0, LAST, Array(&Struct(&ALTER_SHARE_GROUP_OFFSETS__ALTER_SHARE_GROUP_OFFSETS_REQUEST_PARTITION))),
]);
const ALTER_SHARE_GROUP_OFFSETS: Shape = shape(size_of::<messages::alter_share_group_offsets_request::AlterShareGroupOffsetsRequest>(), &[
    field(0, LAST, Text),
    field(0, LAST, Array(&Struct(&ALTER_SHARE_GROUP_OFFSETS__ALTER_SHARE_GROUP_OFFSETS_REQUEST_TOPIC))),
]);
const DELETE_SHARE_GROUP_OFFSETS__DELETE_SHARE_GROUP_OFFSETS_REQUEST_TOPIC: Shape = shape(size_of::<messages::delete_share_group_offsets_request::DeleteShareGroupOffsetsRequestTopic>(), &[
    field(0, LAST, Text),
]);
const DELETE_SHARE_GROUP_OFFSETS: Shape = shape(size_of::<messages::delete_share_group_offsets_request::DeleteShareGroupOffsetsRequest>(), &[
    field(0, LAST, Text),
    field(0, LAST, Array(&Struct(&DELETE_SHARE_GROUP_OFFSETS__DELETE_SHARE_GROUP_OFFSETS_REQUEST_TOPIC))),
]);

/// One row per API.
pub(super) const REQUESTS: &[Request] = &[
    request(0, 9, &PRODUCE),
    request(1, 12, &FETCH),
    request(2, 6, &LIST_OFFSETS),
    request(3, 9, &METADATA),
    request(8, 8, &OFFSET_COMMIT),
    request(9, 6, &OFFSET_FETCH),
    request(10, 3, &FIND_COORDINATOR),
    request(11, 6, &JOIN_GROUP),
    request(12, 4, &HEARTBEAT),
    request(13, 4, &LEAVE_GROUP),
    request(14, 4, &SYNC_GROUP),
    request(15, 5, &DESCRIBE_GROUPS),
    request(16, 3, &LIST_GROUPS),
    request(17, NEVER, &SASL_HANDSHAKE),
    request(18, 3, &API_VERSIONS),
    request(19, 5, &CREATE_TOPICS),
    request(20, 4, &DELETE_TOPICS),
    request(21, 2, &DELETE_RECORDS),
    request(22, 2, &INIT_PRODUCER_ID),
    request(23, 4, &OFFSET_FOR_LEADER_EPOCH),
    request(24, 3, &ADD_PARTITIONS_TO_TXN),
    request(25, 3, &ADD_OFFSETS_TO_TXN),
    request(26, 3, &END_TXN),
    request(27, 1, &WRITE_TXN_MARKERS),
    request(28, 3, &TXN_OFFSET_COMMIT),
    request(29, 2, &DESCRIBE_ACLS),
    request(30, 2, &CREATE_ACLS),
    request(31, 2, &DELETE_ACLS),
    request(32, 4, &DESCRIBE_CONFIGS),
    request(33, 2, &ALTER_CONFIGS),
    request(34, 2, &ALTER_REPLICA_LOG_DIRS),
    request(35, 2, &DESCRIBE_LOG_DIRS),
    request(36, 2, &SASL_AUTHENTICATE),
    request(37, 2, &CREATE_PARTITIONS),
    request(38, 2, &CREATE_DELEGATION_TOKEN),
    request(39, 2, &RENEW_DELEGATION_TOKEN),
    request(40, 2, &EXPIRE_DELEGATION_TOKEN),
    request(41, 2, &DESCRIBE_DELEGATION_TOKEN),
    request(42, 2, &DELETE_GROUPS),
    request(43, 2, &ELECT_LEADERS),
    request(44, 1, &INCREMENTAL_ALTER_CONFIGS),
    request(45, 0, &ALTER_PARTITION_REASSIGNMENTS),
    request(46, 0, &LIST_PARTITION_REASSIGNMENTS),
    request(47, NEVER, &OFFSET_DELETE),
    request(48, 1, &DESCRIBE_CLIENT_QUOTAS),
    request(49, 1, &ALTER_CLIENT_QUOTAS),
    request(50, 0, &DESCRIBE_USER_SCRAM_CREDENTIALS),
    request(51, 0, &ALTER_USER_SCRAM_CREDENTIALS),
    request(52, 0, &VOTE),
    request(53, 1, &BEGIN_QUORUM_EPOCH),
    request(54, 1, &END_QUORUM_EPOCH),
    request(55, 0, &DESCRIBE_QUORUM),
    request(56, 0, &ALTER_PARTITION),
    request(57, 0, &UPDATE_FEATURES),
    request(58, 0, &ENVELOPE),
    request(59, 0, &FETCH_SNAPSHOT),
    request(60, 0, &DESCRIBE_CLUSTER),
    request(61, 0, &DESCRIBE_PRODUCERS),
    request(62, 0, &BROKER_REGISTRATION),
    request(63, 0, &BROKER_HEARTBEAT),
    request(64, 0, &UNREGISTER_BROKER),
    request(65, 0, &DESCRIBE_TRANSACTIONS),
    request(66, 0, &LIST_TRANSACTIONS),
    request(67, 0, &ALLOCATE_PRODUCER_IDS),
    request(68, 0, &CONSUMER_GROUP_HEARTBEAT),
    request(69, 0, &CONSUMER_GROUP_DESCRIBE),
    request(70, 0, &CONTROLLER_REGISTRATION),
    request(71, 0, &GET_TELEMETRY_SUBSCRIPTIONS),
    request(72, 0, &PUSH_TELEMETRY),
    request(73, 0, &ASSIGN_REPLICAS_TO_DIRS),
    request(74, 0, &LIST_CONFIG_RESOURCES),
    request(75, 0, &DESCRIBE_TOPIC_PARTITIONS),
    request(76, 0, &SHARE_GROUP_HEARTBEAT),
    request(77, 0, &SHARE_GROUP_DESCRIBE),
    request(78, 0, &SHARE_FETCH),
    request(79, 0, &SHARE_ACKNOWLEDGE),
    request(80, 0, &ADD_RAFT_VOTER),
    request(81, 0, &REMOVE_RAFT_VOTER),
    request(82, 0, &UPDATE_RAFT_VOTER),
    request(83, 0, &INITIALIZE_SHARE_GROUP_STATE),
    request(84, 0, &READ_SHARE_GROUP_STATE),
    request(85, 0, &WRITE_SHARE_GROUP_STATE),
    request(86, 0, &DELETE_SHARE_GROUP_STATE),
    request(87, 0, &READ_SHARE_GROUP_STATE_SUMMARY),
    request(90, 0, &DESCRIBE_SHARE_GROUP_OFFSETS),
    request(91, 0, &ALTER_SHARE_GROUP_OFFSETS),
    request(92, 0, &DELETE_SHARE_GROUP_OFFSETS),
];
