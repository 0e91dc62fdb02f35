//! Effects as lines of a script.

use super::super::consumer::{ConsumerRecord, Owned, Profile};
use super::super::records::{CommittedOffset, StoredGroup};
use super::super::request::*;
use super::super::{GroupError, Partitions, Record, Refusal, Reply, Text, TimerChange, TimerKey};
use super::bench::{topic_name, EPOCH_MS};
use crate::record::internal::consumer_protocol::{Assignment, Subscription};
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

fn assignment(assignment: &Bytes) -> String {
    let Ok(decoded) = Assignment::decode(assignment) else { return bytes(assignment) };
    let each = decoded.partitions.iter().map(|topic| format!("{}{:?}", topic.topic, topic.partitions));
    let data = decoded.user_data.map(|data| format!("!{}", String::from_utf8_lossy(&data))).unwrap_or_default();
    format!("({}){data}", each.collect::<Vec<_>>().join(" "))
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
            format!("sync {}{kind} assignment={}", error(r.error), assignment(&r.assignment))
        }
        Reply::Heartbeat(r) => format!("heartbeat {}", error(r.error)),
        Reply::LeaveGroup(r) => {
            let each =
                |m: &LeftMember| format!(" {}{}={}", m.member_id, some("", &m.group_instance_id), error(m.error));
            format!("leave {}{}", error(r.error), r.members.iter().map(each).collect::<String>())
        }
        Reply::OffsetCommit(r) => format!("commit {}", outcomes(&r.topics)),
        Reply::TxnOffsetCommit(r) => format!("txn-commit {}", outcomes(&r.topics)),
        Reply::OffsetFetch(OffsetFetchReply { error: Some(why), .. }) => format!("fetch {why:?}"),
        Reply::OffsetFetch(r) => format!("fetch {}", fetched(r)),
        Reply::OffsetDelete(r) => format!("offset-delete {} {}", error(r.error), outcomes(&r.topics)),
        Reply::DescribeGroup(r) => describe(r),
        Reply::DeleteGroup(r) => format!("delete {}", error(r.error)),
        Reply::ConsumerGroupHeartbeat(r) => consumed(r),
        Reply::ConsumerGroupDescribe(r) => described(r),
        // Of share groups.
        other => format!("{other:?}"),
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
        format!("\n    {who} metadata={} assignment={}", bytes(&m.metadata), assignment(&m.assignment))
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
        Record::Consumer { group, record } => format!("log consumers {group} {}", consumer_record(record)),
        Record::Group { group, value: Some(value) } => format!("log group {group} {}", stored(value)),
        Record::Offset { group, topic, partition, value: None } => {
            format!("log offset {group} {topic}-{partition} tombstone")
        }
        Record::Offset { group, topic, partition, value: Some(value) } => {
            format!("log offset {group} {topic}-{partition} {}", committed(value))
        }
        Record::Share { group, record } => format!("log {group} {record:?}"),
    }
}

fn stored(value: &StoredGroup) -> String {
    let kind = some("type", &value.protocol_type) + &some("protocol", &value.protocol_name);
    let since = value.state_since_ms.map_or(-1, |ms| ms - EPOCH_MS);
    let head = format!("generation={}{kind}{} since={since}", value.generation, some("leader", &value.leader));
    let members = value.members.iter().map(|m| {
        let who = format!("{}{}", m.id, some("instance", &m.instance_id));
        format!("\n    {who} {} assignment={}", bytes(&m.subscription), assignment(&m.assignment))
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
        TimerKey::Assign { group } => format!("assign {group}"),
        TimerKey::Revoke { group, member } => format!("revoke {group} {member}"),
        TimerKey::Rejoin { group, member } => format!("rejoin {group} {member}"),
        TimerKey::Resync { group, member } => format!("resync {group} {member}"),
    }
}

/// A change to a timer.
pub fn change(change: &TimerChange) -> String {
    match change {
        TimerChange::Arm(key, deadline_ms) => format!("arm {} for {deadline_ms}", timer(key)),
        TimerChange::ArmIfIdle(key, deadline_ms) => format!("arm {} for {deadline_ms} if idle", timer(key)),
        TimerChange::Cancel(key) => format!("cancel {}", timer(key)),
    }
}

fn consumed(r: &ConsumerGroupHeartbeatReply) -> String {
    if let Some(Refusal { error, message }) = &r.refusal {
        return format!("consume {error:?} {message:?}");
    }
    let member = r.member_id.as_deref().unwrap_or("none");
    let assigned = r.assignment.as_ref().map(|assigned| format!(" assigned={}", partitions(assigned)));
    let rest = format!("interval={}{}", r.heartbeat_interval_ms, assigned.unwrap_or_default());
    format!("consume ok member={member} epoch={} {rest}", r.member_epoch)
}

fn described(r: &ConsumerGroupDescribeReply) -> String {
    let group = match &r.described {
        Ok(group) => group,
        Err((error, message)) => return format!("describe-consumers {error:?} {message:?}"),
    };
    let topics = |topics: &[AssignedTopic]| {
        let each = topics.iter().map(|topic| format!("{}{:?}", topic.name, topic.partitions));
        each.collect::<Vec<_>>().join(" ")
    };
    let member = |m: &DescribedConsumer| {
        let kind = if m.is_classic { " classic" } else { "" };
        let who = format!("{}{}{} client={}", m.member_id, some("instance", &m.instance_id), kind, m.client_id);
        let reads = format!("reads={}{}", m.subscribed_topics.join("+"), some("regex", &m.subscribed_regex));
        let has = format!("has=({}) target=({})", topics(&m.assignment), topics(&m.target));
        format!("\n    {who} epoch={} {reads} {has}", m.member_epoch)
    };
    let epochs = format!("epoch={} target-epoch={}", group.group_epoch, group.assignment_epoch);
    let members: String = group.members.iter().map(member).collect();
    format!("describe-consumers {} {epochs} assignor={}{members}", group.state, group.assignor)
}

fn partitions(partitions: &Partitions) -> String {
    let each = partitions.topics().map(|(topic, indexes)| {
        let indexes: Vec<String> = indexes.iter().map(i32::to_string).collect();
        format!("{}[{}]", topic_name(topic), indexes.join(","))
    });
    format!("({})", each.collect::<Vec<_>>().join(" "))
}

fn owned(owned: &Owned) -> String {
    let each = owned.topics().map(|(topic, indexes)| {
        let indexes: Vec<String> = indexes.iter().map(|(index, epoch)| format!("{index}@{epoch}")).collect();
        format!("{}[{}]", topic_name(topic), indexes.join(","))
    });
    format!("({})", each.collect::<Vec<_>>().join(" "))
}

fn consumer_record(record: &ConsumerRecord) -> String {
    match record {
        ConsumerRecord::Epoch(None) => "tombstone".into(),
        ConsumerRecord::Epoch(Some(value)) => {
            format!("epoch={}{}", value.epoch, if value.metadata_hash == 0 { " without topics" } else { "" })
        }
        ConsumerRecord::LegacyMetadata(value) => {
            format!("legacy {}", if value.is_some() { "kept" } else { "tombstone" })
        }
        ConsumerRecord::TargetEpoch(None) => "target tombstone".into(),
        ConsumerRecord::TargetEpoch(Some(value)) => {
            let at = if value.computed_ms == 0 { 0 } else { value.computed_ms - EPOCH_MS };
            format!("target epoch={} at={at}", value.epoch)
        }
        ConsumerRecord::Profile { member, value: None } => format!("{member} profile tombstone"),
        ConsumerRecord::Profile { member, value: Some(value) } => format!("{member} {}", profile(value)),
        ConsumerRecord::Target { member, value: None } => format!("{member} target tombstone"),
        ConsumerRecord::Target { member, value: Some(value) } => format!("{member} target={}", partitions(value)),
        ConsumerRecord::Current { member, value: None } => format!("{member} current tombstone"),
        ConsumerRecord::Current { member, value: Some(value) } => {
            let epochs = format!("epoch={} before={}", value.epoch, value.previous_epoch);
            let revoking =
                if value.revoking.is_empty() { String::new() } else { format!(" revoking={}", owned(&value.revoking)) };
            format!("{member} {:?} {epochs} has={}{revoking}", value.state, owned(&value.assigned))
        }
        ConsumerRecord::Regex { regex, value: None } => format!("regex {regex} tombstone"),
        ConsumerRecord::Regex { regex, value: Some(value) } => {
            let topics: Vec<&str> = value.topics.iter().map(|topic| &**topic).collect();
            format!("regex {regex} topics={} metadata={}", topics.join("+"), value.metadata_offset)
        }
    }
}

fn profile(value: &Profile) -> String {
    let topics: Vec<&str> = value.topics.iter().map(|topic| &**topic).collect();
    let who = format!("{}{}", some("instance", &value.instance_id), some("rack", &value.rack_id));
    let reads = format!("reads={}{}", topics.join("+"), some("regex", &value.regex));
    let classic = value.classic.as_ref().map(|part| {
        let names: Vec<&str> = part.protocols.iter().map(|protocol| &*protocol.name).collect();
        format!(" classic session={} protocols={}", part.session_timeout_ms, names.join("+"))
    });
    let rest = format!("rebalance={}{}", value.rebalance_timeout_ms, some("assignor", &value.assignor));
    format!("profile{who} client={} {reads} {rest}{}", value.client_id, classic.unwrap_or_default())
}
