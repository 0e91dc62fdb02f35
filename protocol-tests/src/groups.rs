//! Classic groups: finding their coordinator, joining, syncing.

use crate::{error, eventually, group_id, text, topic_name, Client};
use bytes::Bytes;
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    FindCoordinatorRequest, HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
    OffsetCommitRequest, OffsetFetchRequest, SyncGroupRequest, SyncGroupResponse,
};

/// The session and rebalance time-outs of members that say no other, in ms.
pub const SESSION_TIMEOUT_MS: i32 = 30_000;

/// A member of a generation.
#[derive(Clone, Debug)]
pub struct Member {
    pub group: String,
    pub id: String,
    pub generation: i32,
}

/// A JoinGroup of a consumer with one protocol, `range`.
pub fn join_request(group: &str, member_id: &str) -> JoinGroupRequest {
    let protocol = JoinGroupRequestProtocol::default().with_name(text("range")).with_metadata(Bytes::from_static(b"m"));
    JoinGroupRequest::default()
        .with_group_id(group_id(group))
        .with_session_timeout_ms(SESSION_TIMEOUT_MS)
        .with_rebalance_timeout_ms(SESSION_TIMEOUT_MS)
        .with_member_id(text(member_id))
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol])
}

/// A SyncGroup with these assignments by member id.
pub fn sync_request(member: &Member, assignments: &[(&str, &'static [u8])]) -> SyncGroupRequest {
    let assignments = assignments.iter().map(|(id, assignment)| {
        SyncGroupRequestAssignment::default().with_member_id(text(id)).with_assignment(Bytes::from_static(assignment))
    });
    SyncGroupRequest::default()
        .with_group_id(group_id(&member.group))
        .with_generation_id(member.generation)
        .with_member_id(text(&member.id))
        .with_assignments(assignments.collect())
}

/// A Heartbeat.
pub fn heartbeat_request(member: &Member) -> HeartbeatRequest {
    HeartbeatRequest::default()
        .with_group_id(group_id(&member.group))
        .with_generation_id(member.generation)
        .with_member_id(text(&member.id))
}

/// An OffsetCommit of one partition, from outside any generation.
pub fn commit_request(group: &str, topic: &str, partition: i32, offset: i64) -> OffsetCommitRequest {
    let partition =
        OffsetCommitRequestPartition::default().with_partition_index(partition).with_committed_offset(offset);
    let topic = OffsetCommitRequestTopic::default().with_name(topic_name(topic)).with_partitions(vec![partition]);
    OffsetCommitRequest::default().with_group_id(group_id(group)).with_topics(vec![topic])
}

/// An OffsetFetch, version 8 or 9, of one partition.
pub fn offset_fetch_request(group: &str, topic: &str, partition: i32) -> OffsetFetchRequest {
    let topic =
        OffsetFetchRequestTopics::default().with_name(topic_name(topic)).with_partition_indexes(vec![partition]);
    let group = OffsetFetchRequestGroup::default().with_group_id(group_id(group)).with_topics(Some(vec![topic]));
    OffsetFetchRequest::default().with_groups(vec![group])
}

impl Client {
    /// Asks for the group's coordinator until there is one that serves it.
    pub fn find_coordinator(&mut self, group: &str) {
        let request = FindCoordinatorRequest::default().with_coordinator_keys(vec![text(group)]);
        eventually("a coordinator", || {
            let found = error(self.call(4, &request).coordinators[0].error_code);
            assert!(matches!(found, None | Some(ResponseError::CoordinatorNotAvailable)), "{found:?}");
            found.is_none().then_some(())
        });
        eventually("a coordinator that has loaded", || {
            // Not a Heartbeat, which is answered as if all were well meanwhile.
            let found = error(self.call(8, &offset_fetch_request(group, "t", 0)).groups[0].error_code);
            let may = [None, Some(ResponseError::CoordinatorLoadInProgress), Some(ResponseError::NotCoordinator)];
            assert!(may.contains(&found), "{found:?}");
            found.is_none().then_some(())
        });
    }

    /// A first JoinGroup of a dynamic member, which only hands out an id; that id.
    pub fn member_id(&mut self, group: &str) -> String {
        let response = self.call(9, &join_request(group, ""));
        assert_eq!(error(response.error_code), Some(ResponseError::MemberIdRequired));
        response.member_id.to_string()
    }

    /// Joins with an id and waits for the end of the join phase.
    pub fn join(&mut self, group: &str, member_id: &str) -> JoinGroupResponse {
        let response = self.call(9, &join_request(group, member_id));
        assert_eq!(error(response.error_code), None, "joining {group}");
        response
    }

    /// Joins an empty group and syncs: its only member, with assignment `a`.
    pub fn join_alone(&mut self, group: &str) -> Member {
        self.find_coordinator(group);
        let id = self.member_id(group);
        let joined = self.join(group, &id);
        assert_eq!((&*joined.leader, joined.members.len()), (&*id, 1));
        let member = Member { group: group.to_owned(), id: id.clone(), generation: joined.generation_id };
        let synced = self.sync(&member, &[(&id, b"a")]);
        assert_eq!((error(synced.error_code), &*synced.assignment), (None, &b"a"[..]));
        member
    }

    /// Syncs and waits for the assignment.
    pub fn sync(&mut self, member: &Member, assignments: &[(&str, &'static [u8])]) -> SyncGroupResponse {
        self.call(5, &with_protocol(sync_request(member, assignments)))
    }

    /// How a Heartbeat is answered.
    pub fn heartbeat(&mut self, member: &Member) -> Option<ResponseError> {
        error(self.call(4, &heartbeat_request(member)).error_code)
    }

    /// Leaves; how that is answered for the member.
    pub fn leave(&mut self, group: &str, member_id: &str) -> Option<ResponseError> {
        let members = vec![MemberIdentity::default().with_member_id(text(member_id))];
        let request = LeaveGroupRequest::default().with_group_id(group_id(group)).with_members(members);
        error(self.call(5, &request).members[0].error_code)
    }

    /// Waits until a member hears that its group is in its join phase, which somebody else's request has begun.
    pub fn await_rebalance(&mut self, member: &Member) {
        eventually("the rebalance", || {
            let why = self.heartbeat(member);
            assert!(matches!(why, None | Some(ResponseError::RebalanceInProgress)), "{why:?}");
            why
        });
    }

    /// The committed offset of one partition.
    pub fn committed(&mut self, group: &str, topic: &str, partition: i32) -> i64 {
        let response = self.call(8, &offset_fetch_request(group, topic, partition));
        assert_eq!(error(response.groups[0].error_code), None);
        response.groups[0].topics[0].partitions[0].committed_offset
    }
}

/// From version 5 on a SyncGroup names its protocol.
pub fn with_protocol(request: SyncGroupRequest) -> SyncGroupRequest {
    request.with_protocol_type(Some(text("consumer"))).with_protocol_name(Some(text("range")))
}
