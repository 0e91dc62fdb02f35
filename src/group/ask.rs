//! Each request with the type of its answer, and what Kafka answers without asking the shard.

use super::error::GroupError;
use super::request::*;
use super::{Settings, Shard, Text};
pub use crate::shard::Ask;

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
        impl Ask<Shard> for $request {
            type Reply = $reply;
            fn key(&self) -> &Text {
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
    fn may_park(&self) -> bool {
        true
    }
});
ask!(SyncGroup, SyncGroupReply {
    fn refused_unseen(&self, _: &Settings) -> Option<SyncGroupReply> {
        self.group_id.is_empty().then(|| SyncGroupReply::refused(GroupError::InvalidGroupId))
    }
    fn may_park(&self) -> bool {
        true
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
ask!(TxnOffsetCommit, TxnOffsetCommitReply {});
// Consumers before 3.9 do not retry an OffsetFetch on `CoordinatorNotAvailable`.
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
ask!(ConsumerGroupHeartbeat, ConsumerGroupHeartbeatReply {
    fn refused_unseen(&self, settings: &Settings) -> Option<ConsumerGroupHeartbeatReply> {
        self.judge(settings).err().map(ConsumerGroupHeartbeatReply::refused)
    }
});
ask!(ConsumerGroupDescribe, ConsumerGroupDescribeReply {});
ask!(ShareGroupHeartbeat, ShareGroupHeartbeatReply {
    fn refused_unseen(&self, _: &Settings) -> Option<ShareGroupHeartbeatReply> {
        self.judge().err().map(ShareGroupHeartbeatReply::refused)
    }
});

/// The same for answers that are made as a [`Reply`] at once.
macro_rules! ask_for {
    ($($request:ident -> $reply:ty,)*) => {
        $(impl From<$request> for Request {
            fn from(request: $request) -> Self {
                Self::$request(request)
            }
        }
        impl Ask<Shard> for $request {
            type Reply = $reply;
            fn key(&self) -> &Text {
                &self.group_id
            }
            fn reply(reply: Reply) -> Option<$reply> {
                match reply {
                    Reply::$request(reply) => Some(reply),
                    _ => None,
                }
            }
        })*
    };
}

ask_for! {
    ShareGroupInitialized -> ShareGroupInitializedReply,
    ShareGroupDescribe -> ShareGroupDescribeReply,
    ShareGroupPartitions -> ShareGroupPartitionsReply,
    ShareGroupAlter -> ShareGroupAlterReply,
    ShareGroupForget -> ShareGroupForgetReply,
}
