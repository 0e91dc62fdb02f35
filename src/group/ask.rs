//! Each request with the type of its answer, and what Kafka answers without asking the shard.

use super::error::GroupError;
use super::request::*;
use super::{Settings, Text};

/// A request with the type of its answer, so that a handler need not tell answers apart.
pub trait Ask: Into<Request> {
    /// What it is answered with.
    type Reply: Send + 'static;

    /// The group that it is about.
    fn group_id(&self) -> &Text;

    /// Takes the answer out of any answer; none if it is another request's.
    fn reply(reply: Reply) -> Option<Self::Reply>;

    /// What Kafka answers before it looks for the coordinator, if it refuses already then (G2).
    fn refused_unseen(&self, _settings: &Settings) -> Option<Self::Reply> {
        None
    }

    /// What Kafka answers while the coordinator loads, if not `CoordinatorLoadInProgress`.
    fn while_loading(&self) -> Option<Self::Reply> {
        None
    }

    /// What the caller hears when its answer is not committed in time. Consumers before 3.9 do not retry an OffsetFetch
    /// on `CoordinatorNotAvailable`.
    fn not_committed() -> GroupError {
        GroupError::CoordinatorNotAvailable
    }
}

macro_rules! ask {
    ($request:ident, $reply:ty { $($more:item)* }) => {
        impl From<$request> for Request {
            fn from(request: $request) -> Self {
                Self::$request(request)
            }
        }
        impl From<$reply> for Reply {
            fn from(reply: $reply) -> Self {
                Self::$request(reply)
            }
        }
        impl Ask for $request {
            type Reply = $reply;
            fn group_id(&self) -> &Text {
                &self.group_id
            }
            fn reply(reply: Reply) -> Option<$reply> {
                match reply {
                    Reply::$request(reply) => Some(reply),
                    _ => None,
                }
            }
            $($more)*
        }
    };
}

ask!(JoinGroup, JoinGroupReply {
    fn refused_unseen(&self, settings: &Settings) -> Option<JoinGroupReply> {
        let allowed = settings.min_session_timeout_ms..=settings.max_session_timeout_ms;
        let error = if self.group_id.is_empty() {
            GroupError::InvalidGroupId
        } else if !allowed.contains(&self.session_timeout_ms) {
            GroupError::InvalidSessionTimeout
        } else {
            return None;
        };
        Some(JoinGroupReply::refused(error, self.member_id.clone()))
    }
});
ask!(SyncGroup, SyncGroupReply {
    fn refused_unseen(&self, _: &Settings) -> Option<SyncGroupReply> {
        self.group_id.is_empty().then(|| SyncGroupReply::refused(GroupError::InvalidGroupId))
    }
});
ask!(Heartbeat, HeartbeatReply {
    fn refused_unseen(&self, _: &Settings) -> Option<HeartbeatReply> {
        self.group_id.is_empty().then_some(HeartbeatReply { error: Some(GroupError::InvalidGroupId) })
    }
    fn while_loading(&self) -> Option<HeartbeatReply> {
        Some(HeartbeatReply { error: None })
    }
});
ask!(LeaveGroup, LeaveGroupReply {
    fn refused_unseen(&self, _: &Settings) -> Option<LeaveGroupReply> {
        let error = Some(GroupError::InvalidGroupId);
        self.group_id.is_empty().then(|| LeaveGroupReply { error, members: Vec::new() })
    }
});
ask!(OffsetCommit, OffsetCommitReply {});
ask!(OffsetFetch, OffsetFetchReply {
    fn not_committed() -> GroupError {
        GroupError::NotCoordinator
    }
});
ask!(OffsetDelete, OffsetDeleteReply {
    fn refused_unseen(&self, _: &Settings) -> Option<OffsetDeleteReply> {
        let error = Some(GroupError::InvalidGroupId);
        self.group_id.is_empty().then(|| OffsetDeleteReply { error, topics: Vec::new() })
    }
});
ask!(DescribeGroup, DescribeGroupReply {});
ask!(DeleteGroup, DeleteGroupReply {});
