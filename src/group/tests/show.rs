//! Effects as lines of a script.

use super::super::records::{CommittedOffset, StoredGroup};
use super::super::request::*;
use super::super::{GroupError, Record, Reply, Text, TimerChange, TimerKey};
use super::bench::EPOCH_MS;
use crate::record::internal::consumer_protocol::Subscription;
use bytes::Bytes;
use std::fmt::Write;

/// Shows generated ids as `client@n`.
pub fn short(line: &str) -> String {
    const ZEROS: &str = "-00000000-0000-0000-0000-";
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(ZEROS) {
        let (hex, tail) = rest[at + ZEROS.len()..].split_at(12);
        let number = u64::from_str_radix(hex, 16).expect("12 hex digits");
        write!(out, "{}@{number}", &rest[..at]).expect("a string takes all");
        rest = tail;
    }
    out + rest
}

/// The reverse of [`short`].
pub fn long(word: &str) -> Text {
    match word.rsplit_once('@') {
        Some((prefix, number)) => {
            let number: u128 = number.parse().expect("a number follows @");
            format!("{prefix}-{}", crate::ids::Uuid::from_u128(number).hyphenated()).into()
        }
        None => word.into(),
    }
}

fn error(error: Option<GroupError>) -> String {
    error.map_or_else(|| "ok".into(), |error| format!("{error:?}"))
}

fn bytes(bytes: &Bytes) -> String {
    match Subscription::decode(bytes) {
        Ok(subscription) if bytes.len() > 5 && bytes[0] == 0 => format!("topics({})", subscription.topics.join("+")),
        _ => format!("{:?}", String::from_utf8_lossy(bytes)),
    }
}

fn some(name: &str, text: &Option<Text>) -> String {
    text.as_ref().map(|text| format!(" {name}={text}")).unwrap_or_default()
}

fn outcomes(topics: &[TopicOutcome]) -> String {
    let each = |topic: &TopicOutcome| {
        let one = |(partition, why): &(i32, Option<GroupError>)| format!("{}-{partition}={}", topic.name, error(*why));
        topic.partitions.iter().map(one).collect::<Vec<_>>().join(" ")
    };
    topics.iter().map(each).collect::<Vec<_>>().join(" ")
}

/// An answer.
pub fn reply(reply: &Reply) -> String {
    match reply {
        Reply::JoinGroup(r) => join(r),
        Reply::SyncGroup(r) => {
            let kind = some("type", &r.protocol_type) + &some("protocol", &r.protocol_name);
            format!("sync {}{kind} assignment={}", error(r.error), bytes(&r.assignment))
        }
        Reply::Heartbeat(r) => format!("heartbeat {}", error(r.error)),
        Reply::LeaveGroup(r) => {
            let each =
                |m: &LeftMember| format!(" {}{}={}", m.member_id, some("", &m.group_instance_id), error(m.error));
            format!("leave {}{}", error(r.error), r.members.iter().map(each).collect::<String>())
        }
        Reply::OffsetCommit(r) => format!("commit {}", outcomes(&r.topics)),
        Reply::TxnOffsetCommit(r) => format!("txn-commit {}", outcomes(&r.topics)),
        Reply::OffsetFetch(r) => format!("fetch {}", fetched(r)),
        Reply::OffsetDelete(r) => format!("offset-delete {} {}", error(r.error), outcomes(&r.topics)),
        Reply::DescribeGroup(r) => describe(r),
        Reply::DeleteGroup(r) => format!("delete {}", error(r.error)),
    }
}

fn join(r: &JoinGroupReply) -> String {
    let member = format!("join {} member={}", error(r.error), r.member_id);
    if r.error.is_some() {
        return member;
    }
    let skip = if r.skip_assignment { " skip-assignment" } else { "" };
    let kind = some("type", &r.protocol_type) + &some("protocol", &r.protocol_name);
    let each = |m: &JoinedMember| {
        format!("\n    {}{} {}", m.member_id, some("instance", &m.group_instance_id), bytes(&m.metadata))
    };
    let members: String = r.members.iter().map(each).collect();
    format!("{member} generation={}{kind} leader={}{skip}{members}", r.generation_id, r.leader)
}

fn fetched(r: &OffsetFetchReply) -> String {
    let mut out = Vec::new();
    for topic in &r.topics {
        for p in &topic.partitions {
            let why = p.error.map(|why| format!(" {why:?}")).unwrap_or_default();
            let extra = format!("epoch={} metadata={:?}{why}", p.leader_epoch, p.metadata);
            out.push(format!("\n    {}-{}={} {extra}", topic.name, p.index, p.offset));
        }
    }
    if out.is_empty() {
        return "nothing".into();
    }
    out.concat()
}

fn describe(r: &DescribeGroupReply) -> String {
    let each = |m: &DescribedMember| {
        let who = format!(
            "{}{} client={} {}",
            m.member_id,
            some("instance", &m.group_instance_id),
            m.client_id,
            m.client_host
        );
        format!("\n    {who} metadata={} assignment={}", bytes(&m.metadata), bytes(&m.assignment))
    };
    let members: String = r.members.iter().map(each).collect();
    let message = r.error_message.as_ref().map(|text| format!(" {text:?}")).unwrap_or_default();
    let kind = format!("type={:?} protocol={:?}", r.protocol_type, r.protocol_data);
    format!("describe {}{message} state={} {kind}{members}", error(r.error), r.state)
}

/// A record.
pub fn record(record: &Record) -> String {
    match record {
        Record::Group { group, value: None } => format!("log group {group} tombstone"),
        Record::Group { group, value: Some(value) } => format!("log group {group} {}", stored(value)),
        Record::Offset { group, topic, partition, value: None } => {
            format!("log offset {group} {topic}-{partition} tombstone")
        }
        Record::Offset { group, topic, partition, value: Some(value) } => {
            format!("log offset {group} {topic}-{partition} {}", committed(value))
        }
    }
}

fn stored(value: &StoredGroup) -> String {
    let kind = some("type", &value.protocol_type) + &some("protocol", &value.protocol_name);
    let since = value.state_since_ms.map_or(-1, |ms| ms - EPOCH_MS);
    let head = format!("generation={}{kind}{} since={since}", value.generation, some("leader", &value.leader));
    let members = value.members.iter().map(|m| {
        let who = format!("{}{}", m.id, some("instance", &m.instance_id));
        format!("\n    {who} {} assignment={}", bytes(&m.subscription), bytes(&m.assignment))
    });
    head + &members.collect::<String>()
}

fn committed(value: &CommittedOffset) -> String {
    let expires = value.expire_timestamp_ms.map(|ms| format!(" expires={}", ms - EPOCH_MS)).unwrap_or_default();
    let at = value.commit_timestamp_ms - EPOCH_MS;
    format!("offset={} epoch={} metadata={:?} at={at}{expires}", value.offset, value.leader_epoch, value.metadata)
}

/// A timer.
pub fn timer(key: &TimerKey) -> String {
    match key {
        TimerKey::Expiry => "expiry".into(),
        TimerKey::Join { group } => format!("join {group}"),
        TimerKey::Sync { group } => format!("sync {group}"),
        TimerKey::Session { group, member } => format!("session {group} {member}"),
    }
}

/// A change to a timer.
pub fn change(change: &TimerChange) -> String {
    match change {
        TimerChange::Arm(key, deadline_ms) => format!("arm {} for {deadline_ms}", timer(key)),
        TimerChange::Cancel(key) => format!("cancel {}", timer(key)),
    }
}
