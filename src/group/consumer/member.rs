//! One member of a consumer group, as its records say.

use super::super::request::Protocol;
use super::super::Text;
use super::partitions::Owned;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The epoch with which a member joins.
pub const JOIN_EPOCH: i32 = 0;
/// The epoch with which a member leaves for good.
pub const LEAVE_EPOCH: i32 = -1;
/// The epoch with which a static member leaves to come back, and which it has until then.
pub const STATIC_LEAVE_EPOCH: i32 = -2;

/// Where a member stands on its way to the target assignment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemberState {
    /// It has what it is to have in its epoch.
    #[default]
    Stable,
    /// It has still to give partitions up before it goes to the next epoch.
    Unrevoked,
    /// It is in the next epoch and waits for partitions that others have still to give up.
    Unreleased,
    /// Written by a version that knows more states.
    Unknown,
}

impl MemberState {
    /// Kafka's number.
    pub fn number(self) -> i8 {
        match self {
            Self::Stable => 0,
            Self::Unrevoked => 1,
            Self::Unreleased => 2,
            Self::Unknown => 127,
        }
    }

    /// The state of that number.
    pub fn of(number: i8) -> Self {
        match number {
            0 => Self::Stable,
            1 => Self::Unrevoked,
            2 => Self::Unreleased,
            _ => Self::Unknown,
        }
    }
}

/// What a member that speaks the classic protocol brought in its JoinGroup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassicPart {
    /// How long it may be silent, ms.
    pub session_timeout_ms: i32,
    /// Its protocols, in its order.
    pub protocols: Arc<[Protocol]>,
}

/// What a member says of itself: stored whenever it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Set for static members.
    pub instance_id: Option<Text>,
    /// `client.rack`.
    pub rack_id: Option<Text>,
    /// The client id of its last heartbeat.
    pub client_id: Text,
    /// Its address as Java prints it.
    pub client_host: Text,
    /// The topics that it names.
    pub topics: Arc<BTreeSet<Text>>,
    /// The expression that it subscribes by. An empty one is none.
    pub regex: Option<Text>,
    /// How long it may take to give partitions up, ms; −1 if it never said.
    pub rebalance_timeout_ms: i32,
    /// The assignor that it asks for.
    pub assignor: Option<Text>,
    /// Set if it speaks the classic protocol.
    pub classic: Option<ClassicPart>,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            instance_id: None,
            rack_id: None,
            client_id: "".into(),
            client_host: "".into(),
            topics: Arc::default(),
            regex: None,
            rebalance_timeout_ms: -1,
            assignor: None,
            classic: None,
        }
    }
}

impl Profile {
    /// The expression, if it is one.
    pub fn regex(&self) -> Option<&Text> {
        self.regex.as_ref().filter(|regex| !regex.is_empty())
    }
}

/// What a member has: stored whenever it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Current {
    /// Its epoch.
    pub epoch: i32,
    /// The one before, in case the answer that raised it was lost.
    pub previous_epoch: i32,
    /// Where it stands.
    pub state: MemberState,
    /// What it has.
    pub assigned: Arc<Owned>,
    /// What it must give up.
    pub revoking: Arc<Owned>,
}

impl Default for Current {
    /// Of a member that is about to join.
    fn default() -> Self {
        Self {
            epoch: JOIN_EPOCH,
            previous_epoch: -1,
            state: MemberState::Stable,
            assigned: Arc::default(),
            revoking: Arc::default(),
        }
    }
}

/// One member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Made by the client, or by the coordinator for those that cannot.
    pub id: Text,
    /// What it says of itself.
    pub profile: Profile,
    /// What it has.
    pub current: Current,
}

impl Member {
    /// A member about to join.
    pub fn new(id: Text) -> Self {
        Self { id, profile: Profile::default(), current: Current::default() }
    }

    /// Whether it speaks the classic protocol.
    pub fn is_classic(&self) -> bool {
        self.profile.classic.is_some()
    }

    /// Whether it has all that the assignment of `target_epoch` gives it.
    pub fn is_reconciled_to(&self, target_epoch: i32) -> bool {
        self.current.state == MemberState::Stable && self.current.epoch == target_epoch
    }
}
