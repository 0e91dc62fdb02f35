//! What share groups are asked, and what they answer.

use super::super::consumer::{Partitions, Refusal};
use super::super::Text;
use crate::ids::Uuid;

/// Partitions of a topic with its id and name.
pub type StateTopic = (Uuid, Text, Vec<i32>);

/// ShareGroupHeartbeat, version 1. What is none has not changed since the member last said it.
#[derive(Clone, Debug, Default)]
pub struct ShareGroupHeartbeat {
    /// The group.
    pub group_id: Text,
    /// Made by the client.
    pub member_id: Text,
    /// 0 joins, −1 leaves.
    pub member_epoch: i32,
    /// `client.rack`.
    pub rack_id: Option<Text>,
    /// The topics that it names.
    pub subscribed_topics: Option<Vec<Text>>,
}

/// Partitions that the share coordinator is to set up for a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToSetUp {
    /// The state's epoch.
    pub state_epoch: i32,
    /// The partitions.
    pub topics: Vec<StateTopic>,
}

/// The answer to [`ShareGroupHeartbeat`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareGroupHeartbeatReply {
    /// Set if it was refused.
    pub refusal: Option<Refusal>,
    /// The member's id; none beside a refusal.
    pub member_id: Option<Text>,
    /// The member's epoch.
    pub member_epoch: i32,
    /// When it shall beat next, ms.
    pub heartbeat_interval_ms: i32,
    /// What it shall read; none if that has not changed.
    pub assignment: Option<Partitions>,
    /// What is to be asked of the share coordinator, beside the answer.
    pub to_set_up: Option<ToSetUp>,
}

impl ShareGroupHeartbeatReply {
    /// A refusal.
    pub fn refused(refusal: Refusal) -> Self {
        Self {
            refusal: Some(refusal),
            member_id: None,
            member_epoch: 0,
            heartbeat_interval_ms: 0,
            assignment: None,
            to_set_up: None,
        }
    }
}

/// The share coordinator has set these partitions up.
#[derive(Clone, Debug)]
pub struct ShareGroupInitialized {
    /// The group.
    pub group_id: Text,
    /// The partitions.
    pub topics: Vec<StateTopic>,
}

/// One group of a ShareGroupDescribe.
#[derive(Clone, Debug)]
pub struct ShareGroupDescribe {
    /// The group.
    pub group_id: Text,
}

/// A described member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedShareMember {
    /// Its id.
    pub member_id: Text,
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
    /// What it reads.
    pub assignment: Vec<StateTopic>,
}

/// A described group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedShareGroup {
    /// Kafka's word for its state.
    pub state: &'static str,
    /// Its epoch.
    pub group_epoch: i32,
    /// Its target assignment's epoch.
    pub assignment_epoch: i32,
    /// Its members.
    pub members: Vec<DescribedShareMember>,
}

/// Which partitions a group has state of.
#[derive(Clone, Debug)]
pub struct ShareGroupPartitions {
    /// The group.
    pub group_id: Text,
}

/// Announces that partitions of an empty group start elsewhere from now on.
#[derive(Clone, Debug)]
pub struct ShareGroupAlter {
    /// The group.
    pub group_id: Text,
}

/// Announces that an empty group's state of topics is to be deleted, or that it is.
#[derive(Clone, Debug)]
pub struct ShareGroupForget {
    /// The group.
    pub group_id: Text,
    /// The topics; none for all of them.
    pub topics: Option<Vec<Uuid>>,
    /// It is deleted.
    pub done: bool,
}

/// The answer to [`ShareGroupInitialized`].
pub type ShareGroupInitializedReply = Result<(), Refusal>;
/// The answer to [`ShareGroupDescribe`].
pub type ShareGroupDescribeReply = Result<DescribedShareGroup, Refusal>;
/// The answer to [`ShareGroupPartitions`].
pub type ShareGroupPartitionsReply = Result<Vec<StateTopic>, Refusal>;
/// The answer to [`ShareGroupAlter`]: the epoch of the new state.
pub type ShareGroupAlterReply = Result<i32, Refusal>;
/// The answer to [`ShareGroupForget`]: what there is, or was.
pub type ShareGroupForgetReply = Result<Vec<StateTopic>, Refusal>;
