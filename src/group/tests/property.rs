//! Random interleavings of members that join, sync, beat, leave, die, return and lose their answers, and of restarts.
//!
//! After every step the bench rebuilds the shard from its records alone and compares (see `Bench::drive`). Here, in
//! addition: a partition has one owner in a generation; who is parked is remembered by the group, and answered once.

use super::super::request::*;
use super::super::{Caller, Effects, Event, GroupError, Reply, Settings, Text};
use super::bench::{text, Bench};
use bytes::Bytes;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Partitions that the test's assignor hands out.
const PARTITIONS: usize = 5;

/// One client, as far as it knows about itself.
#[derive(Clone, Default)]
struct Member {
    id: String,
    generation: i32,
    instance: Option<&'static str>,
    /// What its last answer said, if it leads: all members.
    leads: Option<Vec<Text>>,
    parked: Option<Caller>,
    phase: Phase,
}

/// What a client would do next.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Out,
    Joined,
    Synced,
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Join {
        who: usize,
        protocols: u8,
        version: i16,
    },
    Sync(usize),
    Beat(usize),
    Leave(usize),
    /// Forgets its id, as a process that is started again.
    Forget(usize),
    Commit(usize),
    Wait(i64),
    Refuse(bool),
    Restart,
    DeleteGroup,
}

fn act() -> impl Strategy<Value = Act> {
    let who = 0..6usize;
    prop_oneof![
        8 => (who.clone(), 0..3u8, prop_oneof![Just(3i16), Just(9)])
            .prop_map(|(who, protocols, version)| Act::Join { who, protocols, version }),
        8 => who.clone().prop_map(Act::Sync),
        4 => who.clone().prop_map(Act::Beat),
        1 => who.clone().prop_map(Act::Leave),
        1 => who.clone().prop_map(Act::Forget),
        2 => who.prop_map(Act::Commit),
        6 => prop_oneof![Just(100i64), Just(3_000), Just(5_000), Just(30_000)].prop_map(Act::Wait),
        1 => any::<bool>().prop_map(Act::Refuse),
        1 => Just(Act::Restart),
        1 => Just(Act::DeleteGroup),
    ]
}

/// A world of six clients and one group.
struct World {
    bench: Bench,
    members: Vec<Member>,
    /// Generation → partition → owner, as the clients were told.
    owners: BTreeMap<i32, BTreeMap<u8, String>>,
    highest_generation: i32,
}

impl World {
    fn new() -> Self {
        let mut members = vec![Member::default(); 6];
        members[4].instance = Some("i4");
        members[5].instance = Some("i5");
        let settings = Settings { max_size: 5, ..Settings::default() };
        Self { bench: Bench::new(settings), members, owners: BTreeMap::new(), highest_generation: 0 }
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Join { who, protocols, version } => self.join(who, protocols, version),
            Act::Sync(who) => self.sync(who),
            Act::Beat(who) => {
                let member = &self.members[who];
                let (generation_id, member_id) = (member.generation, text(&member.id));
                let group_instance_id = member.instance.map(text);
                self.ask(who, Heartbeat { group_id: text("g"), generation_id, member_id, group_instance_id });
            }
            Act::Leave(who) => {
                let member_id = text(&self.members[who].id);
                let leaving = LeavingMember { member_id, group_instance_id: None, reason: None };
                self.ask(who, LeaveGroup { group_id: text("g"), members: vec![leaving] });
            }
            Act::Forget(who) => {
                self.members[who] = Member { instance: self.members[who].instance, ..Member::default() }
            }
            Act::Commit(who) => self.commit(who),
            Act::Wait(ms) => {
                let until_ms = self.bench.mono_ms + ms;
                while let Some(key) = self.bench.next_timer(until_ms) {
                    let effects = self.bench.drive(Event::Timer(key));
                    self.hear(&effects);
                }
                self.bench.mono_ms = until_ms;
            }
            Act::Refuse(refusing) => self.bench.refusing = refusing,
            Act::Restart => {
                self.bench.refusing = false;
                let effects = self.bench.restart();
                self.members.iter_mut().for_each(|member| member.parked = None);
                self.hear(&effects);
                // What was not stored is gone: generations that were only announced may come again.
                let stored = self.bench.shard.group("g").map_or(0, |group| group.generation);
                self.owners.retain(|generation, _| *generation <= stored);
                self.highest_generation = stored;
            }
            Act::DeleteGroup => {
                let deleted = self.ask(0, DeleteGroup { group_id: text("g") });
                if deleted == Some(Reply::DeleteGroup(DeleteGroupReply { error: None })) {
                    self.owners.clear();
                    self.highest_generation = 0;
                }
            }
        }
        self.check();
    }

    fn join(&mut self, who: usize, protocols: u8, version: i16) {
        let names: &[&str] = [&["range", "rr"][..], &["rr", "range"], &["range"]][usize::from(protocols)];
        let protocol =
            |name: &&str| Protocol { name: text(name), metadata: Bytes::from_static(b"\0\0\0\0\0\0\xff\xff\xff\xff") };
        let join = JoinGroup {
            group_id: text("g"),
            session_timeout_ms: 10_000,
            rebalance_timeout_ms: 20_000,
            member_id: text(&self.members[who].id),
            group_instance_id: self.members[who].instance.map(text),
            protocol_type: text("consumer"),
            protocols: names.iter().map(protocol).collect(),
            reason: None,
            needs_known_member_id: version >= 4,
            may_skip_assignment: version >= 9,
        };
        self.ask(who, join);
    }

    /// The test's assignor: partitions go round over the members that the leader was told of.
    fn sync(&mut self, who: usize) {
        let member = &self.members[who];
        let mut assignments: BTreeMap<Text, Vec<u8>> = BTreeMap::new();
        if let Some(all) = member.leads.as_ref().filter(|all| !all.is_empty()) {
            for partition in 0..PARTITIONS {
                assignments.entry(all[partition % all.len()].clone()).or_default().push(partition as u8);
            }
        }
        let sync = SyncGroup {
            group_id: text("g"),
            generation_id: member.generation,
            member_id: text(&member.id),
            group_instance_id: member.instance.map(text),
            protocol_type: None,
            protocol_name: None,
            assignments: assignments.into_iter().map(|(id, bytes)| (id, bytes.into())).collect(),
        };
        self.ask(who, sync);
    }

    fn commit(&mut self, who: usize) {
        let member = &self.members[who];
        let partition =
            CommitPartition { index: who as i32, offset: self.bench.mono_ms, leader_epoch: -1, metadata: None };
        let topic = CommitTopic { name: text("t"), topic_id: uuid::Uuid::nil(), partitions: vec![partition] };
        let commit = OffsetCommit {
            group_id: text("g"),
            generation_id: member.generation,
            member_id: text(&member.id),
            group_instance_id: member.instance.map(text),
            retention_time_ms: -1,
            topics: vec![topic],
            missing_group_is_not_found: true,
        };
        self.ask(who, commit);
    }

    /// Asks for a client; a client that asks again has given its earlier request up.
    fn ask(&mut self, who: usize, request: impl Into<Request>) -> Option<Reply> {
        let request = request.into();
        let (caller, effects) = self.bench.ask("c", request);
        if self.bench.refusing && !effects.records.is_empty() {
            self.bench.waiting.remove(&caller);
            return None;
        }
        self.members[who].parked = Some(caller);
        self.hear(&effects);
        effects.replies.into_iter().find(|(heard, _)| *heard == caller).map(|(_, reply)| reply)
    }

    fn hear(&mut self, effects: &Effects) {
        if self.bench.refusing && !effects.records.is_empty() {
            return;
        }
        for (caller, reply) in &effects.replies {
            let who = self.members.iter().position(|member| member.parked == Some(*caller));
            let Some(who) = who else { continue };
            self.members[who].parked = None;
            match reply {
                Reply::JoinGroup(joined) => self.joined(who, joined),
                Reply::SyncGroup(synced) => self.synced(who, synced),
                Reply::Heartbeat(HeartbeatReply { error: Some(error) }) => self.must_rejoin(who, *error),
                _ => {}
            }
        }
    }

    fn must_rejoin(&mut self, who: usize, error: GroupError) {
        let member = &mut self.members[who];
        member.phase = Phase::Out;
        if matches!(error, GroupError::UnknownMemberId | GroupError::FencedInstanceId) {
            member.id.clear();
        }
    }

    fn joined(&mut self, who: usize, joined: &JoinGroupReply) {
        let member = &mut self.members[who];
        match joined.error {
            None => {
                member.id = joined.member_id.to_string();
                member.generation = joined.generation_id;
                member.phase = Phase::Joined;
                let leads = joined.leader == joined.member_id && !joined.skip_assignment;
                member.leads = leads.then(|| joined.members.iter().map(|m| m.member_id.clone()).collect());
                assert!(joined.generation_id >= self.highest_generation, "generations do not go back");
                self.highest_generation = joined.generation_id;
            }
            Some(GroupError::MemberIdRequired) => member.id = joined.member_id.to_string(),
            Some(error) => self.must_rejoin(who, error),
        }
    }

    fn synced(&mut self, who: usize, synced: &SyncGroupReply) {
        if let Some(error) = synced.error {
            return self.must_rejoin(who, error);
        }
        let member = &mut self.members[who];
        member.phase = Phase::Synced;
        let owners = self.owners.entry(member.generation).or_default();
        for partition in &synced.assignment {
            let owner = member.instance.map_or_else(|| member.id.clone(), String::from);
            let before = owners.insert(*partition, owner.clone());
            assert!(before.is_none_or(|before| before == owner), "one owner a partition and generation");
        }
    }

    fn check(&self) {
        let group = self.bench.shard.group("g");
        let mut remembered: Vec<Caller> = Vec::new();
        if let Some(group) = group {
            for member in group.members.iter() {
                remembered.extend(member.awaiting_join.iter().chain(&member.awaiting_sync));
            }
            let awaiting = group.members.iter().filter(|member| member.awaiting_join.is_some()).count();
            assert_eq!(awaiting, group.members.awaiting_join(), "the count of waiting members");
            assert!(awaiting <= self.bench.settings.max_size, "more have joined than may");
            assert_eq!(group.leader.is_some(), !group.members.is_empty(), "a group with members has a leader");
        }
        remembered.sort();
        let waiting: Vec<Caller> = self.bench.waiting.iter().copied().collect();
        assert_eq!(waiting, remembered, "whoever waits is known to a member, and nobody else");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn g6_g8_g10_one_owner_and_restart_equals(acts in prop::collection::vec(act(), 1..120)) {
        let mut world = World::new();
        for act in acts {
            world.act(act);
        }
    }

    /// However it went before: once the living behave, they end up with every partition owned.
    #[test]
    fn g5_g6_g8_group_settles(acts in prop::collection::vec(act(), 1..60)) {
        let mut world = World::new();
        for act in acts {
            world.act(act);
        }
        world.bench.refusing = false;
        let living = [0usize, 1, 4];
        for member in &mut world.members {
            (member.phase, member.parked) = (Phase::Out, None);
        }
        for _ in 0..60 {
            for who in living {
                match world.members[who].phase {
                    _ if world.members[who].parked.is_some() => {}
                    Phase::Out => world.act(Act::Join { who, protocols: 0, version: 9 }),
                    Phase::Joined => world.act(Act::Sync(who)),
                    Phase::Synced => world.act(Act::Beat(who)),
                }
            }
            world.act(Act::Wait(2_000));
        }
        let group = world.bench.shard.group("g").expect("they joined it");
        prop_assert_eq!(group.state.name(), "Stable");
        let assigned: usize = group.members.iter().map(|member| member.assignment.len()).sum();
        prop_assert_eq!(assigned, PARTITIONS);
    }
}
