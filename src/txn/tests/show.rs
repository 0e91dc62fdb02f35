//! Effects as lines of a script.

use super::super::request::*;
use super::super::{Deed, Effects, Event, Record, Reply, Soft, TimerChange, TimerKey, TxnError};
use super::bench::EPOCH_MS;
use crate::ids::TopicPartition;

fn error(error: Option<TxnError>) -> String {
    error.map_or_else(|| "ok".into(), |error| format!("{error:?}"))
}

fn partitions<'a>(partitions: impl IntoIterator<Item = &'a TopicPartition>) -> String {
    partitions.into_iter().map(|partition| format!(" {partition}")).collect()
}

fn instant(ms: i64) -> i64 {
    if ms == -1 {
        -1
    } else {
        ms - EPOCH_MS
    }
}

/// An answer.
pub fn reply(reply: &Reply) -> String {
    match reply {
        Reply::Producer(ProducerReply::Producer { producer_id: -1, epoch: -1 }) => "ok".into(),
        Reply::Producer(ProducerReply::Producer { producer_id, epoch }) => format!("producer {producer_id}:{epoch}"),
        Reply::Producer(ProducerReply::Refused(error)) => format!("{error:?}"),
        Reply::Producer(ProducerReply::NeedsProducerId) => "needs a producer id".into(),
        Reply::AddPartitionsToTxn(reply) => {
            let each = reply.results.iter().map(|(partition, why)| format!("{partition}={}", error(*why)));
            each.collect::<Vec<_>>().join(" ")
        }
        Reply::DescribeTransaction(Err(error)) => format!("{error:?}"),
        Reply::DescribeTransaction(Ok(found)) => format!(
            "{} producer {}:{} timeout={} start={}{}",
            found.state.name(),
            found.producer_id,
            found.producer_epoch,
            found.timeout_ms,
            instant(found.start_timestamp_ms),
            partitions(&found.partitions),
        ),
    }
}

fn record(record: &Record) -> String {
    let Some(value) = &record.value else { return format!("log {} tombstone", record.transactional_id) };
    let previous = match value.previous_producer_id {
        id if id == value.producer_id => String::new(),
        id => format!(" previous={id}"),
    };
    let next = if value.next_producer_id == -1 { String::new() } else { format!(" next={}", value.next_producer_id) };
    format!(
        "log {} v{} {} producer {}:{}{previous}{next} start={} client={}{}",
        record.transactional_id,
        record.version,
        value.state.name(),
        value.producer_id,
        value.producer_epoch,
        instant(value.start_ms),
        value.client_version,
        partitions(&value.partitions),
    )
}

fn soft(soft: &Soft) -> Option<String> {
    match soft {
        Soft::LastEpoch(id, epoch) => (*epoch != -1).then(|| format!("epoch before {id}'s: {epoch}")),
        _ => None,
    }
}

/// A timer.
pub fn timer(key: &TimerKey) -> String {
    match key {
        TimerKey::Timeout(id) => format!("timeout {id}"),
        TimerKey::Markers(id) => format!("markers {id}"),
        TimerKey::Expiry => "expiry".into(),
    }
}

/// An order.
pub fn deed(deed: &Deed) -> String {
    let Deed::WriteMarkers {
        transactional_id,
        producer_id,
        producer_epoch,
        commit,
        transaction_version,
        partitions: to,
    } = deed;
    let kind = if *commit { "commit" } else { "abort" };
    let to = partitions(to);
    format!("markers of {transactional_id}: {kind} {producer_id}:{producer_epoch} version {transaction_version} to{to}")
}

/// What came of an order, where it is not that all was written.
pub fn outcome(event: &Event) -> Vec<String> {
    let Event::Marked { outcomes, .. } = event else { return Vec::new() };
    let failed = outcomes.iter().filter(|(_, outcome)| *outcome != super::super::Marked::Written);
    failed.map(|(partition, outcome)| format!("marker for {partition}: {outcome:?}")).collect()
}

/// What a step brings about, without answers.
pub fn effects(effects: &Effects) -> Vec<String> {
    let mut out: Vec<String> = effects.records.iter().map(record).collect();
    out.extend(effects.soft.iter().filter_map(soft));
    for change in &effects.timers {
        if let TimerChange::Arm(key, deadline_ms) = change {
            out.push(format!("arm {} for {deadline_ms}", timer(key)));
        }
    }
    out.extend(effects.deeds.iter().map(deed));
    out
}
