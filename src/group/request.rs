//! What can be asked of a group's shard and what it answers: plain Rust, no wire types.
//!
//! Versions of the wire protocol show here only as flags that say what they mean. Where an answer has an `error`, the
//! other fields of that answer hold what Kafka puts beside an error.

pub use super::ask::Ask;
use super::consumer::{Partitions, Refusal};
use super::error::GroupError;
pub use super::share::request::*;
use super::Text;
use crate::ids::Uuid;
use crate::shard::BatchProducer;
use bytes::Bytes;

/// Who asks. Kept with a member for as long as it lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The request header's client id; empty if it had none.
    pub id: Text,
    /// The peer's address as Java prints it: `/127.0.0.1`.
    pub host: Text,
}

/// One protocol (assignor) a member supports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// The protocol's name, such as `range`.
    pub name: Text,
    /// Opaque to the broker, but for the topics of protocol type `consumer`.
    pub metadata: Bytes,
}

/// JoinGroup, versions 0 to 9.
#[derive(Clone, Debug)]
pub struct JoinGroup {
    /// The group.
    pub group_id: Text,
    /// How long the member may be silent, ms.
    pub session_timeout_ms: i32,
    /// How long the others wait for this member to rejoin, ms. Version 0 has none: give the session timeout.
    pub rebalance_timeout_ms: i32,
    /// Empty on the first join.
    pub member_id: Text,
    /// Set by static members (KIP-345).
    pub group_instance_id: Option<Text>,
    /// `consumer`, `connect`, …
    pub protocol_type: Text,
    /// In order of preference.
    pub protocols: Vec<Protocol>,
    /// Why the client joins, for the log (KIP-800).
    pub reason: Option<Text>,
    /// Version 4 and newer: a dynamic member must come back with the id it is given (KIP-394).
    pub needs_known_member_id: bool,
    /// Version 9 and newer: a static leader can be told to keep the assignment (KIP-814).
    pub may_skip_assignment: bool,
}

/// What a leader learns of each member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedMember {
    /// The member's id.
    pub member_id: Text,
    /// Its instance id, if static.
    pub group_instance_id: Option<Text>,
    /// Its metadata for the chosen protocol.
    pub metadata: Bytes,
}

/// The answer to [`JoinGroup`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinGroupReply {
    /// Set if the join was refused.
    pub error: Option<GroupError>,
    /// The generation joined; −1 beside an error.
    pub generation_id: i32,
    /// The group's protocol type.
    pub protocol_type: Option<Text>,
    /// The chosen protocol. Versions below 7 send the empty string for none.
    pub protocol_name: Option<Text>,
    /// The leader's member id; empty beside an error.
    pub leader: Text,
    /// The leader shall not compute an assignment.
    pub skip_assignment: bool,
    /// The member's own id; beside an error, what Kafka sends (the new id with `MemberIdRequired`).
    pub member_id: Text,
    /// All members, for the leader only.
    pub members: Vec<JoinedMember>,
}

impl JoinGroupReply {
    /// A refusal that names `member_id`.
    pub fn refused(error: GroupError, member_id: impl Into<Text>) -> Self {
        Self {
            error: Some(error),
            generation_id: -1,
            protocol_type: None,
            protocol_name: None,
            leader: "".into(),
            skip_assignment: false,
            member_id: member_id.into(),
            members: Vec::new(),
        }
    }
}

/// SyncGroup, versions 0 to 5.
#[derive(Clone, Debug)]
pub struct SyncGroup {
    /// The group.
    pub group_id: Text,
    /// The generation that the member joined.
    pub generation_id: i32,
    /// The member.
    pub member_id: Text,
    /// Its instance id, if static.
    pub group_instance_id: Option<Text>,
    /// Checked against the group's if given (version 5).
    pub protocol_type: Option<Text>,
    /// Checked against the group's if given (version 5).
    pub protocol_name: Option<Text>,
    /// From the leader: each member's assignment.
    pub assignments: Vec<(Text, Bytes)>,
}

/// The answer to [`SyncGroup`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncGroupReply {
    /// Set if the sync was refused.
    pub error: Option<GroupError>,
    /// The group's protocol type.
    pub protocol_type: Option<Text>,
    /// The chosen protocol.
    pub protocol_name: Option<Text>,
    /// This member's assignment; may be empty.
    pub assignment: Bytes,
}

impl SyncGroupReply {
    /// A refusal.
    pub fn refused(error: GroupError) -> Self {
        Self { error: Some(error), protocol_type: None, protocol_name: None, assignment: Bytes::new() }
    }
}

/// Heartbeat, versions 0 to 4.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    /// The group.
    pub group_id: Text,
    /// The member's generation.
    pub generation_id: i32,
    /// The member.
    pub member_id: Text,
    /// Its instance id, if static.
    pub group_instance_id: Option<Text>,
}

/// The answer to [`Heartbeat`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeartbeatReply {
    /// Set if the beat was refused.
    pub error: Option<GroupError>,
}

/// One member that leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeavingMember {
    /// Empty when an administrator removes a static member.
    pub member_id: Text,
    /// Its instance id, if static.
    pub group_instance_id: Option<Text>,
    /// Why, for the log.
    pub reason: Option<Text>,
}

/// LeaveGroup, versions 0 to 5. Versions below 3 name one member, and send its error as the answer's.
#[derive(Clone, Debug)]
pub struct LeaveGroup {
    /// The group.
    pub group_id: Text,
    /// Who leaves.
    pub members: Vec<LeavingMember>,
}

/// What became of one leaving member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftMember {
    /// As in the request.
    pub member_id: Text,
    /// As in the request.
    pub group_instance_id: Option<Text>,
    /// Set if this member did not leave.
    pub error: Option<GroupError>,
}

/// The answer to [`LeaveGroup`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaveGroupReply {
    /// Set if the whole request was refused.
    pub error: Option<GroupError>,
    /// One per leaving member, in order.
    pub members: Vec<LeftMember>,
}

/// One offset to commit.
#[derive(Clone, Debug)]
pub struct CommitPartition {
    /// The partition.
    pub index: i32,
    /// The next offset to read.
    pub offset: i64,
    /// The leader epoch of the last record read; −1 for none.
    pub leader_epoch: i32,
    /// Kept with the offset; none is the empty text.
    pub metadata: Option<Text>,
}

/// One topic's offsets to commit.
#[derive(Clone, Debug)]
pub struct CommitTopic {
    /// The topic's name.
    pub name: Text,
    /// The topic's id, zero if unknown.
    pub topic_id: Uuid,
    /// Its partitions.
    pub partitions: Vec<CommitPartition>,
}

/// OffsetCommit, versions 2 to 10. The handler has already dropped the partitions that do not exist.
#[derive(Clone, Debug)]
pub struct OffsetCommit {
    /// The group; may be empty for simple consumers of old.
    pub group_id: Text,
    /// The generation; negative for a commit outside of group management.
    pub generation_id: i32,
    /// The member; may be empty.
    pub member_id: Text,
    /// Its instance id, if static.
    pub group_instance_id: Option<Text>,
    /// Versions 2 to 4: keep the offset this long, ms. −1 for the broker's retention.
    pub retention_time_ms: i64,
    /// What to commit.
    pub topics: Vec<CommitTopic>,
    /// Version 9 and newer: a missing group is `GroupIdNotFound`, not `IllegalGeneration`.
    pub missing_group_is_not_found: bool,
}

/// TxnOffsetCommit, versions 0 to 5: what a transaction commits if it commits. Its transaction was verified to be open.
#[derive(Clone, Debug)]
pub struct TxnOffsetCommit {
    /// The group.
    pub group_id: Text,
    /// In whose transaction.
    pub producer: BatchProducer,
    /// The generation; negative for a commit outside of group management, and before version 3.
    pub generation_id: i32,
    /// The member; may be empty.
    pub member_id: Text,
    /// Its instance id, if static.
    pub group_instance_id: Option<Text>,
    /// What to commit.
    pub topics: Vec<CommitTopic>,
}

/// The answer to [`TxnOffsetCommit`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxnOffsetCommitReply {
    /// Topics and partitions in the request's order; a refusal as a whole stands at every partition.
    pub topics: Vec<TopicOutcome>,
}

/// What became of one topic's partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicOutcome {
    /// The topic's name.
    pub name: Text,
    /// The topic's id as in the request (zero where the request has none).
    pub topic_id: Uuid,
    /// Partition and, if it failed, why.
    pub partitions: Vec<(i32, Option<GroupError>)>,
}

/// The answer to [`OffsetCommit`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetCommitReply {
    /// Topics and partitions in the request's order; a refusal as a whole stands at every partition.
    pub topics: Vec<TopicOutcome>,
}

/// One topic's partitions whose offsets are asked for (or to be deleted).
#[derive(Clone, Debug)]
pub struct TopicPartitions {
    /// The topic's name.
    pub name: Text,
    /// Its partitions.
    pub partitions: Vec<i32>,
}

/// One group of an OffsetFetch, versions 1 to 10.
#[derive(Clone, Debug)]
pub struct OffsetFetch {
    /// The group.
    pub group_id: Text,
    /// Which partitions; none for all that have an offset.
    pub topics: Option<Vec<TopicPartitions>>,
    /// Refuse partitions that an open transaction is about to commit.
    pub require_stable: bool,
    /// Version 9 and newer: the member that asks, if it says so.
    pub member_id: Option<Text>,
    /// Its epoch; negative if it says none.
    pub member_epoch: i32,
}

/// One partition's committed offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedPartition {
    /// The partition.
    pub index: i32,
    /// The offset, −1 for none.
    pub offset: i64,
    /// Its leader epoch, −1 for none.
    pub leader_epoch: i32,
    /// Its metadata, empty for none.
    pub metadata: Text,
    /// `UnstableOffsetCommit`, if so.
    pub error: Option<GroupError>,
}

/// One topic's committed offsets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedTopic {
    /// The topic's name.
    pub name: Text,
    /// Its partitions.
    pub partitions: Vec<FetchedPartition>,
}

/// The answer to [`OffsetFetch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetFetchReply {
    /// Set if the whole request was refused.
    pub error: Option<GroupError>,
    /// In the request's order; by name and index if all were asked for.
    pub topics: Vec<FetchedTopic>,
}

/// OffsetDelete, version 0.
#[derive(Clone, Debug)]
pub struct OffsetDelete {
    /// The group.
    pub group_id: Text,
    /// What to delete.
    pub topics: Vec<TopicPartitions>,
}

/// The answer to [`OffsetDelete`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetDeleteReply {
    /// Set if the whole request was refused.
    pub error: Option<GroupError>,
    /// In the request's order.
    pub topics: Vec<TopicOutcome>,
}

/// One group of a DescribeGroups, versions 0 to 6.
#[derive(Clone, Debug)]
pub struct DescribeGroup {
    /// The group.
    pub group_id: Text,
    /// Version 6 and newer: a missing group is `GroupIdNotFound`, not only dead.
    pub missing_is_error: bool,
}

/// One member of a described group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedMember {
    /// The member's id.
    pub member_id: Text,
    /// Its instance id, if static.
    pub group_instance_id: Option<Text>,
    /// Its client id.
    pub client_id: Text,
    /// Its address as Java prints it.
    pub client_host: Text,
    /// Its metadata, in a stable group.
    pub metadata: Bytes,
    /// Its assignment.
    pub assignment: Bytes,
}

/// The answer to [`DescribeGroup`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribeGroupReply {
    /// Set if the group could not be described.
    pub error: Option<GroupError>,
    /// Beside an error, its text.
    pub error_message: Option<String>,
    /// The group.
    pub group_id: Text,
    /// Kafka's name of its state: `Stable`, `Empty`, `Dead` …
    pub state: &'static str,
    /// `consumer`, `connect`, … or empty.
    pub protocol_type: Text,
    /// The chosen protocol, in a stable group.
    pub protocol_data: Text,
    /// The members.
    pub members: Vec<DescribedMember>,
}

/// ListGroups, versions 0 to 5, asked of every shard.
#[derive(Clone, Debug, Default)]
pub struct ListGroups {
    /// Only groups in these states, in any case; empty for all.
    pub states: Vec<String>,
    /// Only groups of these types, in any case; empty for all.
    pub types: Vec<String>,
}

/// One listed group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedGroup {
    /// The group.
    pub group_id: Text,
    /// `consumer`, `connect`, … or empty.
    pub protocol_type: Text,
    /// Kafka's name of its state.
    pub state: &'static str,
    /// Kafka's name of its type: `classic` or `consumer`.
    pub group_type: &'static str,
}

/// One group of a DeleteGroups.
#[derive(Clone, Debug)]
pub struct DeleteGroup {
    /// The group.
    pub group_id: Text,
}

/// The answer to [`DeleteGroup`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeleteGroupReply {
    /// Set if the group stays.
    pub error: Option<GroupError>,
}

/// ConsumerGroupHeartbeat, versions 0 and 1 (KIP-848). What is none has not changed since the member last said it.
#[derive(Clone, Debug, Default)]
pub struct ConsumerGroupHeartbeat {
    /// The group.
    pub group_id: Text,
    /// Made by the client; version 0 may leave the first one to the coordinator.
    pub member_id: Text,
    /// 0 joins, −1 leaves, −2 leaves for a while.
    pub member_epoch: i32,
    /// Set by static members.
    pub instance_id: Option<Text>,
    /// `client.rack`.
    pub rack_id: Option<Text>,
    /// How long it may take to give partitions up, ms; −1 for no change.
    pub rebalance_timeout_ms: i32,
    /// The topics that it names.
    pub subscribed_topics: Option<Vec<Text>>,
    /// The expression that it subscribes by; empty for none.
    pub subscribed_regex: Option<Text>,
    /// The assignor that it asks for.
    pub server_assignor: Option<Text>,
    /// What it holds.
    pub owned: Option<Partitions>,
    /// Version 1 and newer: the member id is the client's to make.
    pub needs_member_id: bool,
}

/// The answer to [`ConsumerGroupHeartbeat`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerGroupHeartbeatReply {
    /// Set if it was refused.
    pub refusal: Option<Refusal>,
    /// The member's id; none beside a refusal.
    pub member_id: Option<Text>,
    /// The member's epoch.
    pub member_epoch: i32,
    /// When it shall beat next, ms.
    pub heartbeat_interval_ms: i32,
    /// What it shall hold; none if that has not changed.
    pub assignment: Option<Partitions>,
}

impl ConsumerGroupHeartbeatReply {
    /// A refusal.
    pub fn refused(refusal: Refusal) -> Self {
        Self { refusal: Some(refusal), member_id: None, member_epoch: 0, heartbeat_interval_ms: 0, assignment: None }
    }
}

/// One group of a ConsumerGroupDescribe, versions 0 and 1.
#[derive(Clone, Debug)]
pub struct ConsumerGroupDescribe {
    /// The group.
    pub group_id: Text,
}

/// Partitions of one topic that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignedTopic {
    /// The topic's name.
    pub name: Text,
    /// The topic's id.
    pub topic_id: Uuid,
    /// Partition indexes.
    pub partitions: Vec<i32>,
}

/// One member of a described consumer group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedConsumer {
    /// The member's id.
    pub member_id: Text,
    /// Its instance id, if static.
    pub instance_id: Option<Text>,
    /// Its rack.
    pub rack_id: Option<Text>,
    /// Its epoch.
    pub member_epoch: i32,
    /// Its client id.
    pub client_id: Text,
    /// Its address as Java prints it.
    pub client_host: Text,
    /// The topics that it names.
    pub subscribed_topics: Vec<Text>,
    /// The expression that it subscribes by.
    pub subscribed_regex: Option<Text>,
    /// What it has.
    pub assignment: Vec<AssignedTopic>,
    /// What it is to have.
    pub target: Vec<AssignedTopic>,
    /// It speaks the classic protocol.
    pub is_classic: bool,
}

/// A described consumer group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedConsumerGroup {
    /// Kafka's name of its state.
    pub state: &'static str,
    /// Its epoch.
    pub group_epoch: i32,
    /// The epoch of its target assignment.
    pub assignment_epoch: i32,
    /// The assignor that its members ask for most.
    pub assignor: &'static str,
    /// Its members.
    pub members: Vec<DescribedConsumer>,
}

/// The answer to [`ConsumerGroupDescribe`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerGroupDescribeReply {
    /// The group, or an error with its text.
    pub described: Result<DescribedConsumerGroup, (GroupError, String)>,
}

/// Any request about one group.
#[derive(Clone, Debug)]
pub enum Request {
    /// See [`JoinGroup`].
    JoinGroup(JoinGroup),
    /// See [`SyncGroup`].
    SyncGroup(SyncGroup),
    /// See [`Heartbeat`].
    Heartbeat(Heartbeat),
    /// See [`LeaveGroup`].
    LeaveGroup(LeaveGroup),
    /// See [`OffsetCommit`].
    OffsetCommit(OffsetCommit),
    /// See [`TxnOffsetCommit`].
    TxnOffsetCommit(TxnOffsetCommit),
    /// See [`OffsetFetch`].
    OffsetFetch(OffsetFetch),
    /// See [`OffsetDelete`].
    OffsetDelete(OffsetDelete),
    /// See [`DescribeGroup`].
    DescribeGroup(DescribeGroup),
    /// See [`DeleteGroup`].
    DeleteGroup(DeleteGroup),
    /// See [`ConsumerGroupHeartbeat`].
    ConsumerGroupHeartbeat(ConsumerGroupHeartbeat),
    /// See [`ConsumerGroupDescribe`].
    ConsumerGroupDescribe(ConsumerGroupDescribe),
    /// See [`ShareGroupHeartbeat`].
    ShareGroupHeartbeat(ShareGroupHeartbeat),
    /// See [`ShareGroupInitialized`].
    ShareGroupInitialized(ShareGroupInitialized),
    /// See [`ShareGroupDescribe`].
    ShareGroupDescribe(ShareGroupDescribe),
    /// See [`ShareGroupPartitions`].
    ShareGroupPartitions(ShareGroupPartitions),
    /// See [`ShareGroupAlter`].
    ShareGroupAlter(ShareGroupAlter),
    /// See [`ShareGroupForget`].
    ShareGroupForget(ShareGroupForget),
}

/// Any answer about one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// See [`JoinGroupReply`].
    JoinGroup(JoinGroupReply),
    /// See [`SyncGroupReply`].
    SyncGroup(SyncGroupReply),
    /// See [`HeartbeatReply`].
    Heartbeat(HeartbeatReply),
    /// See [`LeaveGroupReply`].
    LeaveGroup(LeaveGroupReply),
    /// See [`OffsetCommitReply`].
    OffsetCommit(OffsetCommitReply),
    /// See [`TxnOffsetCommitReply`].
    TxnOffsetCommit(TxnOffsetCommitReply),
    /// See [`OffsetFetchReply`].
    OffsetFetch(OffsetFetchReply),
    /// See [`OffsetDeleteReply`].
    OffsetDelete(OffsetDeleteReply),
    /// See [`DescribeGroupReply`].
    DescribeGroup(DescribeGroupReply),
    /// See [`DeleteGroupReply`].
    DeleteGroup(DeleteGroupReply),
    /// See [`ConsumerGroupHeartbeatReply`].
    ConsumerGroupHeartbeat(ConsumerGroupHeartbeatReply),
    /// See [`ConsumerGroupDescribeReply`].
    ConsumerGroupDescribe(ConsumerGroupDescribeReply),
    /// To [`ShareGroupHeartbeat`].
    ShareGroupHeartbeat(ShareGroupHeartbeatReply),
    /// To [`ShareGroupInitialized`].
    ShareGroupInitialized(ShareGroupInitializedReply),
    /// To [`ShareGroupDescribe`].
    ShareGroupDescribe(ShareGroupDescribeReply),
    /// To [`ShareGroupPartitions`].
    ShareGroupPartitions(ShareGroupPartitionsReply),
    /// To [`ShareGroupAlter`].
    ShareGroupAlter(ShareGroupAlterReply),
    /// To [`ShareGroupForget`].
    ShareGroupForget(ShareGroupForgetReply),
}
