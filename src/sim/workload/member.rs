//! Members of classic groups: they join, share partitions, commit, fall silent and leave.

use super::{pause, Scene};
use crate::rng::Rng;
use crate::sim::client::Connection;
use crate::sim::groups::Group;
use bytes::Bytes;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    FindCoordinatorRequest, GroupId, HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest, OffsetCommitRequest,
    OffsetFetchRequest, SyncGroupRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// The topic whose offsets are committed; it is never deleted.
pub const TOPIC: &str = "stable";
/// Its partitions.
pub const PARTITIONS: i32 = 2;

const NONE: i16 = 0;
const ILLEGAL_GENERATION: i16 = 22;
const UNKNOWN_MEMBER_ID: i16 = 25;
const REBALANCE_IN_PROGRESS: i16 = 27;
const MEMBER_ID_REQUIRED: i16 = 79;
/// COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR: after a start.
const NOT_YET: [i16; 3] = [14, 15, 16];

/// A client in a group.
pub struct Member {
    name: String,
    group_id: &'static str,
    rng: Rng,
    member_id: String,
    generation: i32,
    /// It has committed in the closing life.
    done: bool,
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn group_id(group_id: &str) -> GroupId {
    GroupId(text(group_id))
}

fn topic() -> TopicName {
    TopicName(StrBytes::from_static_str(TOPIC))
}

impl Member {
    /// One that has not joined yet.
    pub fn new(id: u64, group_id: &'static str, rng: Rng) -> Self {
        let name = format!("member{id}");
        Self { name, group_id, rng, member_id: String::new(), generation: -1, done: false }
    }

    /// Takes part.
    pub async fn run(&mut self, scene: Scene<'_>, group: &RefCell<Group>) {
        let mut connection = Connection::open(scene.life);
        while !scene.has_topic(TOPIC) {
            pause(&self.rng, 50).await;
        }
        loop {
            if self.generation < 0 {
                self.join(&mut connection, scene, group).await;
            } else {
                self.take_part(&mut connection, scene, group).await;
            }
            if scene.closing && self.done {
                return;
            }
            pause(&self.rng, 150).await;
        }
    }

    /// What an error means to a member; true if it may go on.
    fn heed(&mut self, scene: Scene<'_>, what: &str, error: i16) -> bool {
        if error != NONE {
            scene.life.note(&self.name, &format!("{what}: error {error}"));
        }
        match error {
            NONE => return true,
            UNKNOWN_MEMBER_ID => {
                self.member_id.clear();
                self.generation = -1;
            }
            ILLEGAL_GENERATION | REBALANCE_IN_PROGRESS => self.generation = -1,
            error if NOT_YET.contains(&error) => {}
            error => scene.unexpected(what, error),
        }
        false
    }

    async fn join(&mut self, connection: &mut Connection<'_>, scene: Scene<'_>, group: &RefCell<Group>) {
        // It makes the topic of the groups where there is none yet.
        let find = FindCoordinatorRequest::default().with_coordinator_keys(vec![text(self.group_id)]);
        let Ok(found) = connection.call(4, &find).await else { return };
        let error = found.coordinators.first().map_or(-1, |coordinator| coordinator.error_code);
        if !self.heed(scene, "FindCoordinator", error) {
            return;
        }
        let protocol = JoinGroupRequestProtocol::default().with_name(text("sim"));
        let request = JoinGroupRequest::default()
            .with_group_id(group_id(self.group_id))
            .with_session_timeout_ms(1_000 + self.rng.below(2_000) as i32)
            .with_rebalance_timeout_ms(2_000)
            .with_member_id(text(&self.member_id))
            .with_protocol_type(text("consumer"))
            .with_protocols(vec![protocol]);
        let Ok(joined) = connection.call(5, &request).await else { return };
        if joined.error_code == MEMBER_ID_REQUIRED {
            self.member_id = joined.member_id.to_string();
            return;
        }
        if !self.heed(scene, "JoinGroup", joined.error_code) {
            return;
        }
        self.member_id = joined.member_id.to_string();
        let (generation, leader) = (joined.generation_id, joined.leader.to_string());
        scene.life.note(&self.name, &format!("joined {} in {generation}", self.group_id));
        group.borrow_mut().joined(scene.life, generation, &leader);
        let mut assignments = BTreeMap::new();
        if leader == self.member_id {
            // Who owns a partition is what is told apart: each member gets bytes of its own.
            let each = joined.members.iter().map(|member| member.member_id.to_string());
            assignments = each.map(|id| (id.clone(), Bytes::from(format!("{generation} {id}")))).collect();
            group.borrow_mut().assigned(generation, assignments.clone());
        }
        let sent = assignments.iter().map(|(id, bytes)| {
            SyncGroupRequestAssignment::default().with_member_id(text(id)).with_assignment(bytes.clone())
        });
        let request = SyncGroupRequest::default()
            .with_group_id(group_id(self.group_id))
            .with_generation_id(generation)
            .with_member_id(text(&self.member_id))
            .with_assignments(sent.collect());
        let Ok(synced) = connection.call(4, &request).await else { return };
        if self.heed(scene, "SyncGroup", synced.error_code) {
            group.borrow_mut().synced(scene.life, generation, &self.member_id, &synced.assignment);
            self.generation = generation;
        }
    }

    async fn take_part(&mut self, connection: &mut Connection<'_>, scene: Scene<'_>, group: &RefCell<Group>) {
        match self.rng.below(12) {
            0 if !scene.closing => self.leave(connection, scene).await,
            // Silent for so long that the others may go on without it.
            1 if !scene.closing => pause(&self.rng, 4_000).await,
            2..=5 => self.commit(connection, scene, group).await,
            6 => check_commits(connection, scene, self.group_id, group, false).await,
            _ => {
                let request = HeartbeatRequest::default()
                    .with_group_id(group_id(self.group_id))
                    .with_generation_id(self.generation)
                    .with_member_id(text(&self.member_id));
                let Ok(answer) = connection.call(4, &request).await else { return };
                self.heed(scene, "Heartbeat", answer.error_code);
            }
        }
    }

    async fn commit(&mut self, connection: &mut Connection<'_>, scene: Scene<'_>, group: &RefCell<Group>) {
        let partition = self.rng.below(PARTITIONS as u64) as i32;
        let (number, synced) = {
            let mut group = group.borrow_mut();
            (group.next_commit(partition), group.synced)
        };
        let committed = OffsetCommitRequestPartition::default()
            .with_partition_index(partition)
            .with_committed_offset(number)
            .with_committed_metadata(Some(text("")));
        let request = OffsetCommitRequest::default()
            .with_group_id(group_id(self.group_id))
            .with_generation_id_or_member_epoch(self.generation)
            .with_member_id(text(&self.member_id))
            .with_topics(vec![OffsetCommitRequestTopic::default().with_name(topic()).with_partitions(vec![committed])]);
        let Ok(answer) = connection.call(8, &request).await else { return };
        let found = answer.topics.first().and_then(|topic| topic.partitions.first());
        let error = found.map_or(-1, |partition| partition.error_code);
        scene.life.note(&self.name, &format!("commits {partition} at {number} in {}: {error}", self.generation));
        let generation = self.generation;
        if self.heed(scene, "OffsetCommit", error) {
            group.borrow_mut().committed(scene.life, partition, number, generation, synced);
            self.done |= scene.closing;
        }
    }

    async fn leave(&mut self, connection: &mut Connection<'_>, scene: Scene<'_>) {
        let member = MemberIdentity::default().with_member_id(text(&self.member_id)).with_group_instance_id(None);
        let request = LeaveGroupRequest::default().with_group_id(group_id(self.group_id)).with_members(vec![member]);
        let Ok(answer) = connection.call(4, &request).await else { return };
        scene.life.note(&self.name, &format!("leaves: {}", answer.error_code));
        if self.heed(scene, "LeaveGroup", answer.error_code) {
            self.member_id.clear();
            self.generation = -1;
        }
    }
}

/// Compares what is committed with what was acknowledged. `lossy` if the newest commits may be gone.
pub async fn check_commits(
    connection: &mut Connection<'_>,
    scene: Scene<'_>,
    id: &'static str,
    group: &RefCell<Group>,
    lossy: bool,
) {
    let least: Vec<i64> = (0..PARTITIONS).map(|partition| group.borrow_mut().acknowledged(partition)).collect();
    let topics =
        OffsetFetchRequestTopics::default().with_name(topic()).with_partition_indexes((0..PARTITIONS).collect());
    let request = OffsetFetchRequest::default().with_groups(vec![OffsetFetchRequestGroup::default()
        .with_group_id(group_id(id))
        .with_topics(Some(vec![topics]))]);
    for _ in 0..200 {
        let Ok(answer) = connection.call(8, &request).await else { return };
        let Some(found) = answer.groups.first() else { scene.life.broken("OffsetFetch answers nothing") };
        match found.error_code {
            NONE => {}
            error if NOT_YET.contains(&error) => {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                continue;
            }
            error => return scene.unexpected("OffsetFetch", error),
        }
        for partition in found.topics.iter().flat_map(|topic| &topic.partitions) {
            let (index, number) = (partition.partition_index, partition.committed_offset);
            scene.life.note("commits", &format!("{id} {index} at {number}"));
            let mut group = group.borrow_mut();
            match lossy {
                true => group.lost(scene.life, index, number),
                false => group.told(scene.life, index, number, least[index as usize]),
            }
        }
        return;
    }
}
