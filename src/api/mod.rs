//! One handler file per API key, the table of errors, and the way from a frame to its handler.
//!
//! To add an API: its file, its row in [`HANDLED`], its arm in `route`, one protocol test of the same name. What has no row
//! is not advertised, and a request for it closes the connection.
//!
//! Absent from here: sockets (`server/`), state of any kind but fetch sessions and the block of producer ids.

mod add_offsets_to_txn;
mod add_partitions_to_txn;
mod add_raft_voter;
mod alter_client_quotas;
mod alter_configs;
mod alter_partition_reassignments;
mod alter_share_group_offsets;
mod alter_user_scram_credentials;
mod api_versions;
mod broker_loggers;
mod consumer_group_describe;
mod consumer_group_heartbeat;
mod context;
mod controller_calls;
mod create_acls;
mod create_delegation_token;
mod create_partitions;
mod create_topics;
mod delegation_tokens;
mod delete_acls;
mod delete_groups;
mod delete_records;
mod delete_share_group_offsets;
mod delete_share_group_state;
mod delete_topics;
mod describe_acls;
mod describe_client_quotas;
mod describe_cluster;
mod describe_configs;
mod describe_delegation_token;
mod describe_groups;
mod describe_log_dirs;
mod describe_producers;
mod describe_quorum;
mod describe_share_group_offsets;
mod describe_topic_partitions;
mod describe_transactions;
mod describe_user_scram_credentials;
mod elect_leaders;
mod end_txn;
pub mod error;
mod expire_delegation_token;
pub mod fetch;
mod find_coordinator;
mod groups;
mod heartbeat;
mod incremental_alter_configs;
mod init_producer_id;
mod initialize_share_group_state;
mod join_group;
mod leaders;
mod leave_group;
mod list_config_resources;
mod list_groups;
mod list_offsets;
mod list_partition_reassignments;
mod list_transactions;
mod metadata;
mod mutations;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod offset_for_leader_epoch;
mod produce;
mod raft_voters;
mod read_share_group_state;
mod read_share_group_state_summary;
mod remove_raft_voter;
mod renew_delegation_token;
pub mod reply;
mod share_acknowledge;
mod share_fetch;
mod share_group_describe;
mod share_group_heartbeat;
mod share_state;
mod shares;
mod sync_group;
mod throttle;
mod topic_creation;
mod transactions;
mod txn_offset_commit;
mod unregister_broker;
mod update_features;
mod verification;
mod write_share_group_state;
mod write_txn_markers;

use crate::clock::Clock;
use crate::config::broker::BrokerConfig;
use crate::config::values::BrokerValues;
use crate::coordinator::{Groups, LocalMarkers, ShareStates, Transactions};
use crate::ids::Uuid;
use crate::metadata::cache::MetadataCache;
use crate::quorum::ControllerHandle;
use crate::quota::ClientQuotas;
use crate::record::compress::ScratchPool;
use crate::replica::ReplicaManager;
use crate::sharing::ShareManager;
use crate::telemetry::LogLevels;
use crate::wire::versions::ApiVersion;
use crate::wire::{frame, shape, versions, Buffers};
use bytes::Bytes;
use context::{decode, RequestContext, Responder};
use fetch::session::SessionCache;
pub use init_producer_id::ProducerIds;
use kafka_protocol::messages as wire_messages;
use kafka_protocol::protocol::StrBytes;
pub use metadata::Misled;
use reply::{ConnectionContext, Dispatch, Reply};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use throttle::Timed;
pub use topic_creation::TopicCreation;

/// An API that has a handler.
pub struct Handled {
    /// Its key.
    pub api_key: i16,
    /// Whether it may start while earlier answers of its connection are awaited, see [`Dispatch::overlaps`].
    pub overlaps: bool,
}

const fn alone(api_key: i16) -> Handled {
    Handled { api_key, overlaps: false }
}

const fn overlapping(api_key: i16) -> Handled {
    Handled { api_key, overlaps: true }
}

/// Every API with a handler, by key: what this node advertises and serves, in the versions of [`versions::TABLE`].
pub const HANDLED: &[Handled] = &[
    overlapping(0),
    overlapping(1),
    alone(2),
    alone(3),
    overlapping(8),
    overlapping(9),
    alone(10),
    overlapping(11),
    overlapping(12),
    overlapping(13),
    overlapping(14),
    overlapping(15),
    overlapping(16),
    alone(18),
    alone(19),
    alone(20),
    alone(21),
    alone(22),
    alone(23),
    alone(24),
    alone(25),
    alone(26),
    overlapping(27),
    overlapping(28),
    alone(29),
    alone(30),
    alone(31),
    alone(32),
    alone(33),
    alone(35),
    alone(37),
    alone(38),
    alone(39),
    alone(40),
    alone(41),
    overlapping(42),
    alone(43),
    alone(44),
    alone(45),
    alone(46),
    overlapping(47),
    alone(48),
    alone(49),
    alone(50),
    alone(51),
    alone(55),
    alone(57),
    alone(60),
    alone(61),
    alone(64),
    overlapping(65),
    overlapping(66),
    overlapping(68),
    overlapping(69),
    alone(74),
    alone(75),
    overlapping(76),
    overlapping(77),
    overlapping(78),
    overlapping(79),
    alone(80),
    alone(81),
    overlapping(83),
    overlapping(84),
    overlapping(85),
    overlapping(86),
    overlapping(87),
    alone(90),
    alone(91),
    alone(92),
];

/// The rooms that handlers talk to. Made once by `node`.
pub struct Services {
    /// This node's configuration, as it was started.
    pub config: Arc<BrokerConfig>,
    /// Features that this node supports: name, lowest and highest level.
    pub supported_features: Vec<(String, i16, i16)>,
    /// The id of the directory that holds the metadata quorum's log.
    pub metadata_directory_id: Uuid,
    /// The image of the cluster.
    pub metadata: Arc<MetadataCache>,
    /// The way to the active controller.
    pub controller: ControllerHandle,
    /// The partitions that this node holds.
    pub replicas: Arc<ReplicaManager>,
    /// The groups that this node coordinates.
    pub groups: Arc<Groups>,
    /// The transactional ids that this node coordinates.
    pub transactions: Arc<Transactions>,
    /// Ends transactions in the partitions that this node leads.
    pub markers: Arc<LocalMarkers>,
    /// The share-group state that this node coordinates.
    pub share_states: Arc<ShareStates>,
    /// The share-partitions of the partitions that this node leads.
    pub shares: Arc<ShareManager>,
    /// Fetch sessions.
    pub fetch_sessions: SessionCache,
    /// Producer ids at hand.
    pub producer_ids: ProducerIds,
    /// Topics being made on demand.
    pub topic_creation: Arc<TopicCreation>,
    /// Clients that are told to use another address than they did.
    pub misled: Misled,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// The levels of the loggers.
    pub log_levels: Arc<LogLevels>,
    /// What clients may do.
    pub quotas: Arc<ClientQuotas>,
    /// Memory for answers.
    pub buffers: Buffers,
    /// Working memory for reading compressed batches.
    pub scratch: ScratchPool,
}

impl Services {
    /// This broker's values with what has been altered since the start.
    fn broker_values(&self) -> BrokerValues {
        let image = self.metadata.current();
        let of = |broker| (**image.broker_config(broker)).clone();
        self.config.values.altered(of(None), of(Some(self.config.node_id)))
    }
}

/// Takes frames to their handlers.
pub struct Api {
    services: Arc<Services>,
}

impl Api {
    /// Handlers over these rooms.
    pub fn new(services: Services) -> Arc<Self> {
        Arc::new(Self { services: Arc::new(services) })
    }
}

impl Dispatch for Api {
    async fn dispatch(&self, connection: &ConnectionContext, frame: Bytes) -> Reply {
        match self.begin(connection, frame) {
            Begun::Done(reply) => reply,
            Begun::Awaited(reply) => {
                // What earlier requests have left is not to wait for this one.
                connection.burst.write();
                reply.await
            }
        }
    }

    fn closed(&self, connection: u64) {
        self.services.shares.connection_closed(connection);
    }

    fn overlaps(&self, api_key: i16) -> bool {
        HANDLED.iter().any(|handled| handled.api_key == api_key && handled.overlaps)
    }
}

/// A request that a handler has begun. Small, for every connection has room for one: most requests are over at once, and
/// those that are not have their own memory.
enum Begun<'a> {
    Done(Reply),
    Awaited(Pin<Box<dyn Future<Output = Reply> + Send + 'a>>),
}

impl Api {
    fn begin<'a>(&'a self, connection: &'a ConnectionContext, frame: Bytes) -> Begun<'a> {
        let header = match frame::header(&frame) {
            Ok(header) => header,
            Err(error) => return Begun::Done(Reply::Close(error.to_string())),
        };
        let api = header.api;
        let client_id = client_id(&frame, header.client_id);
        let responder = Responder::new(header.version, header.correlation_id, self.services.buffers.clone());
        let (version, request_bytes) = (header.version, frame.len());
        let mut context = RequestContext { connection, version, client_id, request_bytes, responder };
        if !HANDLED.iter().any(|handled| handled.api_key == api.key) {
            Begun::Done(Reply::Close(format!("{} is not served", api.name)))
        } else if api.serves(header.version) {
            self.serve(api, context, frame.slice(header.body_start..))
        } else if api.key == versions::API_VERSIONS {
            context.responder = Responder::new(0, header.correlation_id, self.services.buffers.clone());
            Begun::Done(api_versions::unsupported(&context))
        } else {
            Begun::Done(Reply::Close(format!("{} {} is not served", api.name, header.version)))
        }
    }

    /// Checks the body's shape, then routes it (A9).
    fn serve<'a>(&'a self, api: &ApiVersion, context: RequestContext<'a>, body: Bytes) -> Begun<'a> {
        let version = context.version;
        if let Err(error) = shape::check(api.key, version, &body) {
            return Begun::Done(Reply::Close(format!("{} {version}: {error}", api.name)));
        }
        let timed = Timed::begin(&self.services, &context, api.key);
        match (self.route(api.key, context, body), timed) {
            (Ok(begun), None) => begun,
            (Ok(Begun::Done(reply)), Some(timed)) => Begun::Done(timed.over(reply)),
            (Ok(Begun::Awaited(reply)), Some(timed)) => {
                Begun::Awaited(Box::pin(async move { timed.over(reply.await) }))
            }
            (Err(why), _) => Begun::Done(Reply::Close(format!("{} {version}: {why}", api.name))),
        }
    }

    /// Decodes the body and calls the handler. The hot ones stand first.
    fn route<'a>(&'a self, key: i16, context: RequestContext<'a>, mut body: Bytes) -> Result<Begun<'a>, String> {
        let services = &self.services;
        let version = context.version;
        macro_rules! now {
            ($handler:ident, $request:ident) => {{
                let request = decode::<wire_messages::$request>(&mut body, version)?;
                Begun::Done($handler::handle(services, &context, request))
            }};
        }
        macro_rules! soon {
            ($handler:ident, $request:ident) => {{
                let request = decode::<wire_messages::$request>(&mut body, version)?;
                Begun::Awaited(Box::pin(async move { $handler::handle(services, &context, request).await }))
            }};
        }
        Ok(match key {
            0 => {
                let request = decode::<wire_messages::ProduceRequest>(&mut body, version)?;
                match produce::is_transactional(&request) {
                    false => Begun::Done(produce::handle(services, &context, request)),
                    true => Begun::Awaited(Box::pin(async move {
                        produce::handle_transactional(services, &context, request).await
                    })),
                }
            }
            1 => now!(fetch, FetchRequest),
            2 => now!(list_offsets, ListOffsetsRequest),
            3 => now!(metadata, MetadataRequest),
            8 => now!(offset_commit, OffsetCommitRequest),
            9 => now!(offset_fetch, OffsetFetchRequest),
            10 => now!(find_coordinator, FindCoordinatorRequest),
            11 => now!(join_group, JoinGroupRequest),
            12 => now!(heartbeat, HeartbeatRequest),
            13 => now!(leave_group, LeaveGroupRequest),
            14 => now!(sync_group, SyncGroupRequest),
            15 => now!(describe_groups, DescribeGroupsRequest),
            16 => now!(list_groups, ListGroupsRequest),
            18 => now!(api_versions, ApiVersionsRequest),
            19 => soon!(create_topics, CreateTopicsRequest),
            20 => soon!(delete_topics, DeleteTopicsRequest),
            21 => soon!(delete_records, DeleteRecordsRequest),
            22 => soon!(init_producer_id, InitProducerIdRequest),
            23 => now!(offset_for_leader_epoch, OffsetForLeaderEpochRequest),
            24 => soon!(add_partitions_to_txn, AddPartitionsToTxnRequest),
            25 => soon!(add_offsets_to_txn, AddOffsetsToTxnRequest),
            26 => soon!(end_txn, EndTxnRequest),
            27 => now!(write_txn_markers, WriteTxnMarkersRequest),
            28 => soon!(txn_offset_commit, TxnOffsetCommitRequest),
            29 => now!(describe_acls, DescribeAclsRequest),
            30 => now!(create_acls, CreateAclsRequest),
            31 => now!(delete_acls, DeleteAclsRequest),
            32 => now!(describe_configs, DescribeConfigsRequest),
            33 => soon!(alter_configs, AlterConfigsRequest),
            35 => now!(describe_log_dirs, DescribeLogDirsRequest),
            37 => soon!(create_partitions, CreatePartitionsRequest),
            38 => now!(create_delegation_token, CreateDelegationTokenRequest),
            39 => now!(renew_delegation_token, RenewDelegationTokenRequest),
            40 => now!(expire_delegation_token, ExpireDelegationTokenRequest),
            41 => now!(describe_delegation_token, DescribeDelegationTokenRequest),
            42 => now!(delete_groups, DeleteGroupsRequest),
            43 => soon!(elect_leaders, ElectLeadersRequest),
            44 => soon!(incremental_alter_configs, IncrementalAlterConfigsRequest),
            45 => soon!(alter_partition_reassignments, AlterPartitionReassignmentsRequest),
            46 => now!(list_partition_reassignments, ListPartitionReassignmentsRequest),
            47 => now!(offset_delete, OffsetDeleteRequest),
            48 => now!(describe_client_quotas, DescribeClientQuotasRequest),
            49 => soon!(alter_client_quotas, AlterClientQuotasRequest),
            50 => now!(describe_user_scram_credentials, DescribeUserScramCredentialsRequest),
            51 => soon!(alter_user_scram_credentials, AlterUserScramCredentialsRequest),
            55 => soon!(describe_quorum, DescribeQuorumRequest),
            57 => soon!(update_features, UpdateFeaturesRequest),
            60 => now!(describe_cluster, DescribeClusterRequest),
            61 => now!(describe_producers, DescribeProducersRequest),
            64 => soon!(unregister_broker, UnregisterBrokerRequest),
            65 => now!(describe_transactions, DescribeTransactionsRequest),
            66 => now!(list_transactions, ListTransactionsRequest),
            68 => now!(consumer_group_heartbeat, ConsumerGroupHeartbeatRequest),
            69 => now!(consumer_group_describe, ConsumerGroupDescribeRequest),
            74 => now!(list_config_resources, ListConfigResourcesRequest),
            75 => now!(describe_topic_partitions, DescribeTopicPartitionsRequest),
            76 => now!(share_group_heartbeat, ShareGroupHeartbeatRequest),
            77 => now!(share_group_describe, ShareGroupDescribeRequest),
            78 => now!(share_fetch, ShareFetchRequest),
            79 => now!(share_acknowledge, ShareAcknowledgeRequest),
            80 => now!(add_raft_voter, AddRaftVoterRequest),
            81 => now!(remove_raft_voter, RemoveRaftVoterRequest),
            83 => now!(initialize_share_group_state, InitializeShareGroupStateRequest),
            84 => now!(read_share_group_state, ReadShareGroupStateRequest),
            85 => now!(write_share_group_state, WriteShareGroupStateRequest),
            86 => now!(delete_share_group_state, DeleteShareGroupStateRequest),
            87 => now!(read_share_group_state_summary, ReadShareGroupStateSummaryRequest),
            90 => now!(describe_share_group_offsets, DescribeShareGroupOffsetsRequest),
            91 => now!(alter_share_group_offsets, AlterShareGroupOffsetsRequest),
            92 => now!(delete_share_group_offsets, DeleteShareGroupOffsetsRequest),
            other => return Err(format!("API key {other} has a row but no handler")),
        })
    }
}

/// The client's name for itself as a slice of its frame.
fn client_id(frame: &Bytes, client_id: Option<&str>) -> StrBytes {
    let bytes = client_id.map_or(Bytes::new(), |text| frame.slice_ref(text.as_bytes()));
    StrBytes::from_utf8(bytes).unwrap_or_default()
}
