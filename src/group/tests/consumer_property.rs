//! Random interleavings of members of the consumer protocol that join, beat, forget, lose answers, leave, come back, are
//! slow; of classic members among them; of topics that come, grow and go; of a log that refuses, and of restarts.
//!
//! After every step the bench rebuilds the shard from its records alone and compares (see `Bench::drive`). Here, in
//! addition: no partition is held by two members, as the coordinator sees it and as the members do; and once the living
//! behave, all of them have what they are to have, and nothing is left over.

use super::super::request::*;
use super::super::{Effects, Event, GroupError, MigrationPolicy, Partitions, Reply, Settings};
use super::bench::{text, topic_id, Bench};
use proptest::prelude::*;
use std::collections::BTreeMap;

const MEMBERS: usize = 6;

/// One client, as far as it knows about itself.
#[derive(Clone, Default)]
struct Client {
    /// Counts its lives: a new one has a new member id.
    life: usize,
    epoch: i32,
    owned: Partitions,
    /// What it was told to hold; it gives up at its next act.
    told: Partitions,
    instance: Option<&'static str>,
    reads: usize,
}

impl Client {
    fn id(&self, who: usize) -> String {
        format!("m{who}-{}", self.life)
    }

    /// It has lost everything and starts anew.
    fn die(&mut self) {
        *self = Self { life: self.life + 1, instance: self.instance, reads: self.reads, ..Self::default() };
    }
}

#[derive(Clone, Copy, Debug)]
enum Act {
    /// Joins, or beats with what it holds.
    Beat(usize),
    /// Beats without saying what it holds.
    BeatShort(usize),
    /// Beats, but the answer is lost.
    BeatLost(usize),
    Subscribe(usize, usize),
    /// Stops without a word.
    Crash(usize),
    Leave(usize),
    LeaveForAWhile(usize),
    Commit(usize),
    Grow(usize),
    Delete(usize),
    Wait(i64),
    Refuse(bool),
    Restart,
}

fn act() -> impl Strategy<Value = Act> {
    let who = 0..MEMBERS;
    prop_oneof![
        14 => who.clone().prop_map(Act::Beat),
        2 => who.clone().prop_map(Act::BeatShort),
        3 => who.clone().prop_map(Act::BeatLost),
        2 => (who.clone(), 0..SUBSCRIPTIONS.len()).prop_map(|(who, reads)| Act::Subscribe(who, reads)),
        1 => who.clone().prop_map(Act::Crash),
        1 => who.clone().prop_map(Act::Leave),
        1 => who.clone().prop_map(Act::LeaveForAWhile),
        2 => who.prop_map(Act::Commit),
        1 => (0..TOPICS.len()).prop_map(Act::Grow),
        1 => (0..TOPICS.len()).prop_map(Act::Delete),
        6 => prop_oneof![Just(100i64), Just(1_000), Just(5_000), Just(40_000)].prop_map(Act::Wait),
        1 => any::<bool>().prop_map(Act::Refuse),
        1 => Just(Act::Restart),
    ]
}

const TOPICS: [&str; 3] = ["t", "u", "tt"];
/// Topics, and an expression.
const SUBSCRIPTIONS: [(&[&str], &str); 4] = [(&["t"], ""), (&["t", "u"], ""), (&[], "t+"), (&["u"], "t.*")];

struct World {
    bench: Bench,
    clients: Vec<Client>,
    sizes: BTreeMap<&'static str, i32>,
}

impl World {
    fn new() -> Self {
        let mut clients = vec![Client::default(); MEMBERS];
        clients[4].instance = Some("i4");
        clients[5].instance = Some("i5");
        let mut settings = Settings::default();
        settings.consumer.max_size = 5;
        settings.consumer.migration = MigrationPolicy::Disabled;
        let mut world = Self { bench: Bench::new(settings), clients, sizes: BTreeMap::new() };
        world.act(Act::Grow(0));
        world
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Beat(who) => self.beat(who, true, true),
            Act::BeatShort(who) => self.beat(who, false, true),
            Act::BeatLost(who) => self.beat(who, true, false),
            Act::Subscribe(who, reads) => self.clients[who].reads = reads,
            Act::Crash(who) => self.clients[who].die(),
            Act::Leave(who) => self.leave(who, -1),
            Act::LeaveForAWhile(who) if self.clients[who].instance.is_some() => self.leave(who, -2),
            Act::LeaveForAWhile(_) => {}
            Act::Commit(who) => self.commit(who),
            Act::Grow(which) => {
                let size = self.sizes.entry(TOPICS[which]).or_default();
                *size = (*size + 2).min(6);
                let size = *size;
                self.bench.put_topic(TOPICS[which], size);
            }
            Act::Delete(which) => {
                if self.sizes.remove(TOPICS[which]).is_some() {
                    self.bench.refusing = false;
                    self.bench.delete_topic(TOPICS[which]);
                    self.forget_topic(which);
                }
            }
            Act::Wait(ms) => {
                let until_ms = self.bench.mono_ms + ms;
                while let Some(key) = self.bench.next_timer(until_ms) {
                    self.bench.drive(Event::Timer(key));
                }
                self.bench.mono_ms = until_ms;
            }
            Act::Refuse(refusing) => self.bench.refusing = refusing,
            Act::Restart => {
                self.bench.refusing = false;
                self.bench.restart();
            }
        }
        self.check();
    }

    /// A test's topic has the same id when it is made again; a client that still holds a part of the old one would be
    /// taken to hold the new one.
    fn forget_topic(&mut self, which: usize) {
        for client in &mut self.clients {
            for partitions in [&mut client.owned, &mut client.told] {
                let gone: Vec<_> = partitions.iter().filter(|(topic, _)| *topic == topic_id(TOPICS[which])).collect();
                gone.iter().for_each(|(topic, index)| partitions.remove(topic, *index));
            }
        }
    }

    fn beat(&mut self, who: usize, in_full: bool, hears: bool) {
        let client = &mut self.clients[who];
        // A client gives up first, then says so, then takes what is new.
        let kept = client.owned.iter().filter(|(topic, index)| client.told.contains(topic, *index)).collect();
        client.owned = kept;
        let joins = client.epoch == 0;
        let (topics, regex) = SUBSCRIPTIONS[client.reads];
        let says_all = joins || in_full;
        let beat = ConsumerGroupHeartbeat {
            group_id: text("g"),
            member_id: text(&client.id(who)),
            member_epoch: client.epoch,
            instance_id: client.instance.map(text),
            rack_id: None,
            rebalance_timeout_ms: if says_all { 20_000 } else { -1 },
            subscribed_topics: says_all.then(|| topics.iter().map(|topic| text(topic)).collect()),
            subscribed_regex: says_all.then(|| text(regex)),
            server_assignor: None,
            owned: says_all.then(|| client.owned.clone()),
            needs_member_id: true,
        };
        let (caller, effects) = self.bench.ask("c", beat);
        if self.refused(&effects) {
            self.bench.waiting.remove(&caller);
            return;
        }
        let reply = effects.replies.into_iter().find_map(|(_, reply)| match reply {
            Reply::ConsumerGroupHeartbeat(reply) => Some(reply),
            _ => None,
        });
        if let Some(reply) = reply.filter(|_| hears) {
            self.heard(who, reply);
        }
    }

    fn refused(&self, effects: &Effects) -> bool {
        self.bench.refusing && !effects.records.is_empty()
    }

    fn heard(&mut self, who: usize, reply: ConsumerGroupHeartbeatReply) {
        let client = &mut self.clients[who];
        match reply.refusal.map(|refusal| refusal.error) {
            None => {
                client.epoch = reply.member_epoch;
                if let Some(assigned) = reply.assignment {
                    client.told = assigned;
                }
                // It takes at once what is new, and gives up at its next act what is not its any more.
                let told = client.told.clone();
                told.iter().for_each(|(topic, index)| _ = client.owned.insert(topic, index));
            }
            Some(
                GroupError::UnknownMemberId
                | GroupError::FencedMemberEpoch
                | GroupError::FencedInstanceId
                | GroupError::GroupIdNotFound,
            ) => client.die(),
            Some(GroupError::UnreleasedInstanceId | GroupError::GroupMaxSizeReached) => {}
            Some(error) => panic!("{error:?} to a client that does as it should"),
        }
    }

    fn leave(&mut self, who: usize, epoch: i32) {
        let client = &self.clients[who];
        let beat = ConsumerGroupHeartbeat {
            group_id: text("g"),
            member_id: text(&client.id(who)),
            member_epoch: epoch,
            instance_id: client.instance.map(text),
            rebalance_timeout_ms: -1,
            ..ConsumerGroupHeartbeat::default()
        };
        let (caller, effects) = self.bench.ask("c", beat);
        if self.refused(&effects) {
            self.bench.waiting.remove(&caller);
        }
        self.clients[who].die();
    }

    fn commit(&mut self, who: usize) {
        let client = &self.clients[who];
        let Some((_, index)) = client.owned.iter().find(|(topic, _)| *topic == topic_id("t")) else { return };
        let partitions = vec![CommitPartition { index, offset: 1, leader_epoch: -1, metadata: None }];
        let commit = OffsetCommit {
            group_id: text("g"),
            generation_id: client.epoch,
            member_id: text(&client.id(who)),
            group_instance_id: client.instance.map(text),
            retention_time_ms: -1,
            topics: vec![CommitTopic { name: text("t"), topic_id: topic_id("t"), partitions }],
            missing_group_is_not_found: true,
        };
        let (caller, effects) = self.bench.ask("c", commit);
        if self.refused(&effects) {
            self.bench.waiting.remove(&caller);
        }
    }

    /// No partition has two holders: as the coordinator sees it, and as those members do that the coordinator knows.
    fn check(&self) {
        let Some(group) = self.bench.shard.consumer_group("g") else { return };
        assert!(group.len() <= 5, "no more members than may be");
        let mut held = BTreeMap::new();
        for member in group.members() {
            let current = &member.current;
            for (topic, index, since) in current.assigned.iter().chain(current.revoking.iter()) {
                let before = held.insert((topic, index), member.id.clone());
                assert_eq!(before, None, "two hold a partition");
                assert!(!group.is_free(topic, index), "who holds it is known");
                assert!(since <= group.epoch, "since an epoch that was");
            }
            assert!(current.epoch <= group.target_epoch, "nobody is ahead of the assignment");
        }
        for (who, client) in self.clients.iter().enumerate() {
            let Some(member) = group.member(&client.id(who)).filter(|member| member.current.epoch >= 0) else {
                continue;
            };
            if client.epoch == 0 {
                continue;
            }
            for (topic, index) in client.owned.iter() {
                let holder = held.get(&(topic, index));
                assert!(holder.is_none_or(|holder| *holder == member.id), "{} holds what {holder:?} has", member.id);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn n4_n5_n6_one_owner_and_restart_equals(acts in prop::collection::vec(act(), 1..150)) {
        let mut world = World::new();
        for act in acts {
            world.act(act);
        }
    }

    /// However it went before: once the living behave, everyone has what it is to have, and every partition is read.
    #[test]
    fn n6_n9_group_converges(acts in prop::collection::vec(act(), 1..100), living in 1..MEMBERS) {
        let mut world = World::new();
        for act in acts {
            world.act(act);
        }
        world.bench.refusing = false;
        world.act(Act::Grow(0));
        for client in &mut world.clients {
            client.reads = 0;
        }
        for _ in 0..40 {
            // The last two share a group of five with the rest: whoever is not among the living has died.
            (0..living.min(5)).for_each(|who| world.act(Act::Beat(who)));
            world.act(Act::Wait(4_000));
        }
        let group = world.bench.shard.consumer_group("g").expect("they joined it");
        prop_assert_eq!(group.state().name(), "Stable");
        prop_assert_eq!(group.len(), living.min(5));
        let mut read = 0;
        for who in 0..living.min(5) {
            let client = &world.clients[who];
            let member = group.member(&client.id(who)).expect("a member");
            prop_assert_eq!(&client.owned, &*group.target(&member.id));
            prop_assert_eq!(&client.owned, &member.current.assigned.partitions());
            read += client.owned.len();
        }
        prop_assert_eq!(read as i32, world.sizes["t"]);
    }
}
