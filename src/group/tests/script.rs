//! Runs golden scripts. A command stands at the start of a line, what it brings about is indented below it.
//!
//! Commands: `at MS` (fires timers), `settings k=v`, `join G`, `sync G M`, `beat G M`, `leave G M[:INSTANCE]…`,
//! `commit G T-P=OFFSET[:METADATA]…`, `txn-commit G pid=PID T-P=OFFSET…`, `txn PID commit|abort`, `fetch G [T-P…]`,
//! `offset-delete G T-P…`, `describe G`, `topic T partitions=N|gone`, `consume G M epoch=E topics=T+T regex=R owned=T-P+T-P`,
//! `describe-consumers G`, `group-config G consumer_session_timeout_ms=N`, `list`, `delete G`, `topics-deleted T…`,
//! `restart k=v`, `refuse`, `accept`. Words with `=` in front of a command's own are its options.

use super::super::request::*;
use super::super::{Assignor, Caller, Effects, Event, MigrationPolicy, Settings, Text, TimerChange};
use super::bench::{reply_to, text, topic_id, Bench};
use super::show;
use crate::ids::Uuid;
use crate::record::internal::consumer_protocol::{self, Assignment, Subscription};
use crate::shard::BatchProducer;
use bytes::Bytes;
use std::collections::BTreeMap;

/// Runs a script; returns it with the output that it now has.
pub fn run(script: &str) -> String {
    let mut out = String::new();
    let mut bench = Bench::new(Settings::default());
    for line in script.lines().filter(|line| !line.starts_with("  ")) {
        out.push_str(line);
        out.push('\n');
        if !line.is_empty() && !line.starts_with('#') {
            for shown in Command::parse(line).run(&mut bench) {
                for shown in show::short(&shown).lines() {
                    out.push_str(&format!("  {shown}\n"));
                }
            }
        }
    }
    out
}

struct Command<'a> {
    name: &'a str,
    options: BTreeMap<&'a str, &'a str>,
    words: Vec<&'a str>,
}

impl<'a> Command<'a> {
    fn parse(line: &'a str) -> Self {
        let mut parts = line.split_whitespace();
        let name = parts.next().expect("a command");
        let (mut options, mut words) = (BTreeMap::new(), Vec::new());
        for part in parts {
            match part.split_once('=') {
                Some((key, value)) if !key.contains('-') => drop(options.insert(key, value)),
                _ => words.push(part),
            }
        }
        Self { name, options, words }
    }

    fn run(&self, bench: &mut Bench) -> Vec<String> {
        match self.name {
            "at" => self.at(bench),
            "settings" => {
                self.settings(&mut bench.settings);
                *bench = Bench::new(bench.settings.clone());
                Vec::new()
            }
            "refuse" | "accept" => {
                bench.refusing = self.name == "refuse";
                Vec::new()
            }
            "restart" => {
                self.settings(&mut bench.settings);
                let effects = bench.restart();
                lines(bench, None, &effects)
            }
            "topics-deleted" => {
                let effects = bench.drive(Event::TopicsDeleted(self.words.iter().map(|t| text(t)).collect()));
                lines(bench, None, &effects)
            }
            "topic" => self.topic(bench),
            "group-config" => self.group_config(bench),
            "list" => self.list(bench),
            "txn" => self.end(bench),
            _ => self.ask(bench),
        }
    }

    fn ask(&self, bench: &mut Bench) -> Vec<String> {
        let client = self.options.get("client").copied().unwrap_or("c");
        let request = self.request();
        let (caller, effects) = bench.ask(client, request);
        lines(bench, Some(caller), &effects)
    }

    fn request(&self) -> Request {
        let group_id = text(self.words.first().copied().unwrap_or_default());
        match self.name {
            "join" => self.join(group_id).into(),
            "sync" => self.sync(group_id).into(),
            "beat" => {
                let (generation_id, member_id) = (self.number("gen", 1) as i32, self.member());
                Heartbeat { group_id, generation_id, member_id, group_instance_id: self.some("instance") }.into()
            }
            "leave" => LeaveGroup {
                group_id,
                members: self.words.get(1..).unwrap_or(&[]).iter().map(|word| leaving(word)).collect(),
            }
            .into(),
            "commit" => self.commit(group_id).into(),
            "txn-commit" => self.txn_commit(group_id).into(),
            "fetch" => {
                let asked = self.partitions();
                let require_stable = self.options.contains_key("stable");
                let topics = (!asked.is_empty()).then_some(asked);
                let (member_id, member_epoch) = (self.some("member"), self.number("epoch", -1) as i32);
                OffsetFetch { group_id, topics, require_stable, member_id, member_epoch }.into()
            }
            "offset-delete" => OffsetDelete { group_id, topics: self.partitions() }.into(),
            "describe" => DescribeGroup { group_id, missing_is_error: self.number("v", 6) >= 6 }.into(),
            "delete" => DeleteGroup { group_id }.into(),
            "consume" => self.consume(group_id).into(),
            "describe-consumers" => ConsumerGroupDescribe { group_id }.into(),
            other => panic!("no command {other}"),
        }
    }

    fn join(&self, group_id: Text) -> JoinGroup {
        let version = self.number("v", 9);
        let protocol_type = self.some("type").unwrap_or_else(|| text("consumer"));
        let named = self.options.get("protocols").copied().unwrap_or("range:t");
        let protocols = named.split(',').filter(|word| !word.is_empty()).map(|word| protocol(word, &protocol_type));
        JoinGroup {
            group_id,
            session_timeout_ms: self.number("session", 10_000) as i32,
            rebalance_timeout_ms: self.number("rebalance", 60_000) as i32,
            member_id: self.options.get("member").map_or_else(|| text(""), |word| show::long(word)),
            group_instance_id: self.some("instance"),
            protocols: protocols.collect(),
            protocol_type,
            reason: None,
            needs_known_member_id: version >= 4,
            may_skip_assignment: version >= 9,
        }
    }

    fn sync(&self, group_id: Text) -> SyncGroup {
        let given = self.options.get("assign").copied().unwrap_or_default();
        let assignments = given.split(',').filter_map(|word| word.split_once(':'));
        SyncGroup {
            group_id,
            generation_id: self.number("gen", 1) as i32,
            member_id: self.member(),
            group_instance_id: self.some("instance"),
            protocol_type: self.some("type"),
            protocol_name: self.some("protocol"),
            assignments: assignments.map(|(id, what)| (show::long(id), assignment(what))).collect(),
        }
    }

    fn commit(&self, group_id: Text) -> OffsetCommit {
        OffsetCommit {
            group_id,
            generation_id: self.number("gen", -1) as i32,
            member_id: self.options.get("member").map_or_else(|| text(""), |word| show::long(word)),
            group_instance_id: self.some("instance"),
            retention_time_ms: self.number("retention", -1),
            topics: self.words.get(1..).unwrap_or(&[]).iter().map(|word| commit_topic(word)).collect(),
            missing_group_is_not_found: self.number("v", 9) >= 9,
        }
    }

    fn txn_commit(&self, group_id: Text) -> TxnOffsetCommit {
        let (producer_id, epoch) = (self.number("pid", 1), self.number("epoch", 0) as i16);
        let OffsetCommit { generation_id, member_id, group_instance_id, topics, .. } = self.commit(group_id.clone());
        let producer = BatchProducer { producer_id, epoch, verification: None };
        TxnOffsetCommit { group_id, producer, generation_id, member_id, group_instance_id, topics }
    }

    fn end(&self, bench: &mut Bench) -> Vec<String> {
        let producer_id = self.words[0].parse().expect("a producer id");
        bench.end_transaction(producer_id, self.words[1] == "commit");
        Vec::new()
    }

    fn list(&self, bench: &Bench) -> Vec<String> {
        let words = |key| self.options.get(key).map(|list: &&str| list.split(',').map(String::from).collect());
        let filter =
            ListGroups { states: words("states").unwrap_or_default(), types: words("types").unwrap_or_default() };
        let shown = |g: ListedGroup| format!("{} {:?} {} {}", g.group_id, g.protocol_type, g.state, g.group_type);
        bench.shard.list(&filter).into_iter().map(shown).collect()
    }

    fn at(&self, bench: &mut Bench) -> Vec<String> {
        let until_ms = self.words[0].parse().expect("milliseconds");
        assert!(until_ms >= bench.mono_ms, "time goes on");
        let mut out = Vec::new();
        while let Some(key) = bench.next_timer(until_ms) {
            out.push(format!("{} fires at {}", show::timer(&key), bench.mono_ms));
            let effects = bench.drive(Event::Timer(key));
            out.extend(lines(bench, None, &effects));
        }
        bench.mono_ms = until_ms;
        out
    }

    fn topic(&self, bench: &mut Bench) -> Vec<String> {
        let name = self.words[0];
        let effects = match self.words.get(1) {
            Some(_) => bench.delete_topic(name),
            None => bench.put_topic(name, self.number("partitions", 1) as i32),
        };
        effects.iter().flat_map(|effects| lines(bench, None, effects)).collect()
    }

    fn group_config(&self, bench: &mut Bench) -> Vec<String> {
        for (key, value) in &self.options {
            bench.set_group_config(self.words[0], &key.replace('_', "."), value);
        }
        Vec::new()
    }

    /// A ConsumerGroupHeartbeat. What is not named is null; a join names what it must.
    fn consume(&self, group_id: Text) -> ConsumerGroupHeartbeat {
        let epoch = self.number("epoch", 0) as i32;
        let list = |words: &&str| words.split('+').filter(|word| !word.is_empty()).map(text).collect::<Vec<_>>();
        let owned = self.options.get("owned").copied().or((epoch == 0).then_some(""));
        let owned = owned.filter(|owned| *owned != "null").map(|owned| {
            let places = owned.split('+').filter(|word| !word.is_empty()).map(topic_partition);
            places.map(|(topic, partition)| (topic_id(&topic), partition)).collect()
        });
        ConsumerGroupHeartbeat {
            group_id,
            member_id: self.member(),
            member_epoch: epoch,
            instance_id: self.some("instance"),
            rack_id: self.some("rack"),
            rebalance_timeout_ms: self.number("rebalance", if epoch == 0 { 60_000 } else { -1 }) as i32,
            subscribed_topics: self.options.get("topics").map(list),
            subscribed_regex: self.some("regex"),
            server_assignor: self.some("assignor"),
            owned,
            needs_member_id: self.number("v", 1) >= 1,
        }
    }

    fn settings(&self, settings: &mut Settings) {
        let consumer = &mut settings.consumer;
        consumer.max_size = self.number("consumer_max", consumer.max_size as i64) as usize;
        consumer.defaults.session_timeout_ms =
            self.number("session", consumer.defaults.session_timeout_ms.into()) as i32;
        consumer.defaults.assignment_interval_ms = self.number("interval", consumer.defaults.assignment_interval_ms);
        if let Some(policy) = self.options.get("policy") {
            consumer.migration = MigrationPolicy::named(policy).expect("a policy");
        }
        if let Some(names) = self.options.get("assignors") {
            consumer.assignors = names.split('+').map(|name| Assignor::named(name).expect("an assignor")).collect();
        }
        settings.initial_rebalance_delay_ms = self.number("delay", settings.initial_rebalance_delay_ms.into()) as i32;
        settings.max_size = self.number("max", settings.max_size as i64) as usize;
        settings.offsets_retention_ms = self.number("retention", settings.offsets_retention_ms);
        settings.offset_metadata_max_bytes =
            self.number("metadata", settings.offset_metadata_max_bytes as i64) as usize;
        settings.offsets_retention_check_interval_ms =
            self.number("check", settings.offsets_retention_check_interval_ms);
    }

    fn member(&self) -> Text {
        show::long(self.words.get(1).copied().unwrap_or_default())
    }

    fn some(&self, key: &str) -> Option<Text> {
        self.options.get(key).map(|word| text(word))
    }

    fn number(&self, key: &str, default: i64) -> i64 {
        self.options.get(key).map_or(default, |word| word.parse().expect("a number"))
    }

    fn partitions(&self) -> Vec<TopicPartitions> {
        let one = |word: &&str| {
            let (name, partition) = topic_partition(word);
            TopicPartitions { name, partitions: vec![partition] }
        };
        self.words.get(1..).unwrap_or(&[]).iter().map(one).collect()
    }
}

fn protocol(word: &str, protocol_type: &str) -> Protocol {
    let (name, metadata) = word.split_once(':').unwrap_or((word, ""));
    let bytes = match protocol_type {
        "consumer" if metadata != "junk" => {
            let topics = metadata.split('+').filter(|topic| !topic.is_empty()).map(String::from).collect();
            Subscription { topics, ..Subscription::default() }.encode(0).expect("short names").into()
        }
        _ => Bytes::copy_from_slice(metadata.as_bytes()),
    };
    Protocol { name: text(name), metadata: bytes }
}

/// `t-0!data` is what the consumers' own protocol says of one partition, with an assignor's data; anything else is what it
/// is.
fn assignment(word: &str) -> Bytes {
    let Some((place, user_data)) = word.split_once('!') else { return Bytes::copy_from_slice(word.as_bytes()) };
    let (topic, partition) = topic_partition(place);
    let partitions = consumer_protocol::TopicPartitions { topic: topic.to_string(), partitions: vec![partition] };
    let user_data = Some(Bytes::copy_from_slice(user_data.as_bytes())).filter(|data| !data.is_empty());
    let assignment = Assignment { partitions: vec![partitions], user_data };
    assignment.encode(1).expect("short names").into()
}

fn leaving(word: &str) -> LeavingMember {
    let (member, instance) = word.split_once(':').map_or((word, None), |(m, i)| (m, Some(text(i))));
    LeavingMember { member_id: show::long(member), group_instance_id: instance, reason: None }
}

fn topic_partition(word: &str) -> (Text, i32) {
    let (topic, partition) = word.rsplit_once('-').expect("topic-partition");
    (text(topic), partition.parse().expect("a partition"))
}

fn commit_topic(word: &str) -> CommitTopic {
    let (place, what) = word.split_once('=').expect("an offset");
    let (offset, metadata) = what.split_once(':').map_or((what, None), |(o, m)| (o, Some(text(m))));
    let (name, index) = topic_partition(place);
    let offset = offset.parse().expect("an offset");
    let partitions = vec![CommitPartition { index, offset, leader_epoch: 7, metadata }];
    CommitTopic { name, topic_id: Uuid::nil(), partitions }
}

/// What a step brought about.
fn lines(bench: &Bench, caller: Option<Caller>, effects: &Effects) -> Vec<String> {
    if bench.refusing && !effects.records.is_empty() {
        return vec!["the log refuses: nothing happens".into()];
    }
    let mut out: Vec<String> = effects.records.iter().map(show::record).collect();
    out.extend(effects.timers.iter().filter(|change| is_shown(change)).map(show::change));
    for (who, reply) in &effects.replies {
        let whom = if Some(*who) == caller { String::new() } else { format!(" #{}", who.0) };
        out.push(format!("answer{whom}: {}", show::reply(reply)));
    }
    if let Some(caller) = caller.filter(|caller| reply_to(*caller, effects).is_none()) {
        out.push(format!("parked as #{}", caller.0));
    }
    out
}

/// Cancelling is often done just to be sure, and says nothing.
fn is_shown(change: &TimerChange) -> bool {
    matches!(change, TimerChange::Arm(..))
}
