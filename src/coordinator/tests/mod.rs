//! The runtime over a log in memory, in tokio's paused time: waiting costs nothing and is exact.

mod elections;
mod markers;
mod memory;
mod partitions;
mod transactions;

use super::deeds::Idle;
use super::groups::Groups;
use super::journal::{Journal, JournalError};
use super::runtime::{java_string_hash, Runtime, RuntimeParts, RuntimeSettings};
use super::slot::State;
use crate::group::request::*;
use crate::group::{GroupError, Settings, Text};
use crate::ids::Uuid;
use crate::rng::Rng;
use crate::shard::Machine;
use bytes::Bytes;
use futures_util::FutureExt;
use memory::{MemoryJournal, TokioClock};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A coordinator of four partitions, all led here and loaded, with its timers running.
async fn coordinator() -> (Arc<Groups>, Arc<MemoryJournal>) {
    let journal = Arc::new(MemoryJournal::default());
    let runtime = over(&journal);
    for partition in 0..4 {
        runtime.load(partition, 0).await.expect("an empty log loads");
    }
    (runtime, journal)
}

/// A coordinator that leads nothing yet.
fn over(journal: &Arc<MemoryJournal>) -> Arc<Groups> {
    let settings = RuntimeSettings {
        machine: Settings::default(),
        partitions: 4,
        max_batch_bytes: 10_000,
        max_parked_replies: 6,
        commit_timeout_ms: 5_000,
    };
    let parts = parts_over(journal.clone(), TokioClock::start());
    let runtime = Runtime::new(parts, settings);
    tokio::spawn(Arc::clone(&runtime).run_timers(CancellationToken::new()));
    runtime
}

fn parts_over<M: Machine<Deed = Infallible>>(journal: Arc<dyn Journal>, clock: Arc<TokioClock>) -> RuntimeParts<M> {
    RuntimeParts { journal, doer: Arc::new(Idle), clock, rng: Rng::from_seed(1) }
}

fn client() -> Client {
    Client { id: "c".into(), host: "/127.0.0.1".into() }
}

fn join(group: &str, member: &str) -> JoinGroup {
    JoinGroup {
        group_id: group.into(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 60_000,
        member_id: member.into(),
        group_instance_id: None,
        protocol_type: "consumer".into(),
        protocols: vec![Protocol { name: "range".into(), metadata: Bytes::from_static(b"any") }],
        reason: None,
        needs_known_member_id: false,
        may_skip_assignment: true,
    }
}

fn sync(group: &str, member: &Text, assignments: Vec<(Text, Bytes)>) -> SyncGroup {
    SyncGroup {
        group_id: group.into(),
        generation_id: 1,
        member_id: member.clone(),
        group_instance_id: None,
        protocol_type: None,
        protocol_name: None,
        assignments,
    }
}

fn commit(group: &str, offsets: std::ops::Range<i32>) -> OffsetCommit {
    let partition = |index| CommitPartition { index, offset: 5, leader_epoch: -1, metadata: None };
    OffsetCommit {
        group_id: group.into(),
        generation_id: -1,
        member_id: "".into(),
        group_instance_id: None,
        retention_time_ms: -1,
        topics: vec![CommitTopic {
            name: "t".into(),
            topic_id: Uuid::nil(),
            partitions: offsets.map(partition).collect(),
        }],
        missing_group_is_not_found: true,
    }
}

fn fetch(group: &str) -> OffsetFetch {
    OffsetFetch { group_id: group.into(), topics: None, require_stable: true, member_id: None, member_epoch: -1 }
}

fn describe(group: &str) -> DescribeGroup {
    DescribeGroup { group_id: group.into(), missing_is_error: true }
}

/// How many callers are parked in all shards.
fn parked(runtime: &Groups) -> usize {
    let parked = |state: &State<_>| match state {
        State::Active(active) => active.waiting.len(),
        _ => 0,
    };
    (0..4).filter_map(|partition| runtime.slot(partition)).map(|slot| parked(&slot.state.lock())).sum()
}

/// Two members of `group`, joined and synced.
async fn stable_pair(runtime: &Arc<Groups>, group: &str) -> (Text, Text) {
    let (a, b) = (runtime.execute(client(), join(group, "")), runtime.execute(client(), join(group, "")));
    let (a, b) = (a.await.expect("a joins"), b.await.expect("b joins"));
    let leader = if a.members.is_empty() { &b } else { &a };
    assert_eq!(leader.members.len(), 2);
    let given = leader.members.iter().map(|m| (m.member_id.clone(), Bytes::from_static(b"part"))).collect();
    let follower = if leader.member_id == a.member_id { &b } else { &a };
    let waits = runtime.execute(client(), sync(group, &follower.member_id, Vec::new()));
    let leads = runtime.execute(client(), sync(group, &leader.member_id, given)).await.expect("the leader syncs");
    assert_eq!((leads.error, &leads.assignment[..]), (None, &b"part"[..]));
    assert_eq!(waits.await.expect("the follower syncs").assignment, leads.assignment);
    (leader.member_id.clone(), follower.member_id.clone())
}

#[tokio::test(start_paused = true)]
async fn g1_partition_is_javas_hash() {
    assert_eq!(java_string_hash(""), 0);
    assert_eq!(java_string_hash("hello"), 99_162_322);
    assert_eq!(java_string_hash("polygenelubricants"), i32::MIN);
    assert_eq!(java_string_hash("grün😀"), -1_231_497_408);
    let runtime = over(&Arc::default());
    assert_eq!(runtime.partition_for("hello"), 2);
    assert_eq!(runtime.partition_for("polygenelubricants"), 0);
    runtime.set_partitions(50);
    assert_eq!(runtime.partition_for("hello"), 22);
}

#[tokio::test(start_paused = true)]
async fn g1_not_coordinator_then_loading_then_served() {
    let runtime = over(&Arc::default());
    let partition = runtime.partition_for("g");
    assert_eq!(runtime.execute(client(), fetch("g")).await, Err(GroupError::NotCoordinator));
    assert!(runtime.begin_load(partition, 3));
    assert_eq!(runtime.execute(client(), fetch("g")).await, Err(GroupError::CoordinatorLoadInProgress));
    assert_eq!(runtime.list_groups(ListGroups::default()).await, Err(GroupError::CoordinatorLoadInProgress));
    // A beat must not make members rejoin only because the coordinator starts.
    let beat = Heartbeat { group_id: "g".into(), generation_id: 1, member_id: "m".into(), group_instance_id: None };
    assert_eq!(runtime.execute(client(), beat).await, Ok(HeartbeatReply { error: None }));
    runtime.load(partition, 3).await.expect("an empty log loads");
    assert_eq!(runtime.execute(client(), fetch("g")).await, Ok(OffsetFetchReply { error: None, topics: Vec::new() }));
    // News of an older epoch changes nothing; of the same one it ends.
    assert!(!runtime.begin_load(partition, 2));
    runtime.unload(partition, Some(2));
    assert!(runtime.execute(client(), fetch("g")).await.is_ok());
    runtime.unload(partition, Some(3));
    assert_eq!(runtime.execute(client(), fetch("g")).await, Err(GroupError::NotCoordinator));
}

#[tokio::test(start_paused = true)]
async fn g2_refused_before_the_coordinator_is_looked_for() {
    let runtime = over(&Arc::default());
    let refused = runtime.execute(client(), join("", "m")).await.expect("refused by an answer");
    assert_eq!((refused.error, &*refused.member_id), (Some(GroupError::InvalidGroupId), "m"));
}

#[tokio::test(start_paused = true)]
async fn g5_g8_join_and_sync_by_timers() {
    let (runtime, _) = coordinator().await;
    let start = tokio::time::Instant::now();
    stable_pair(&runtime, "g").await;
    // The initial delay, extended once for the second member; nothing else took time.
    assert_eq!(start.elapsed().as_millis(), 6_000);
    assert_eq!(parked(&runtime), 0);
}

#[tokio::test(start_paused = true)]
async fn g7_silent_members_are_dropped_on_time() {
    let (runtime, _) = coordinator().await;
    stable_pair(&runtime, "g").await;
    tokio::time::sleep(Duration::from_millis(9_990)).await;
    assert_eq!(runtime.execute(client(), describe("g")).await.expect("served").state, "Stable");
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(runtime.execute(client(), describe("g")).await.expect("served").state, "Empty");
}

#[tokio::test(start_paused = true)]
async fn g11_commit_and_later_reads_wait_for_replication() {
    let (runtime, journal) = coordinator().await;
    journal.hold();
    let mut committed = Box::pin(runtime.execute(client(), commit("g", 0..1)));
    let mut fetched = Box::pin(runtime.execute(client(), fetch("g")));
    assert!(committed.as_mut().now_or_never().is_none(), "not yet replicated");
    assert!(fetched.as_mut().now_or_never().is_none(), "a read may not show what may be lost");
    journal.release();
    assert_eq!(committed.await.expect("committed").topics[0].partitions, [(0, None)]);
    assert_eq!(fetched.await.expect("fetched").topics[0].partitions[0].offset, 5);
    // Without replicas to wait for the answer is there at the first poll.
    assert!(runtime.execute(client(), commit("g", 0..1)).now_or_never().is_some());
}

#[tokio::test(start_paused = true)]
async fn g11_replication_that_takes_too_long() {
    let (runtime, journal) = coordinator().await;
    journal.hold();
    let start = tokio::time::Instant::now();
    let committed = runtime.execute(client(), commit("g", 0..1));
    let fetched = runtime.execute(client(), fetch("g"));
    assert_eq!(committed.await, Err(GroupError::CoordinatorNotAvailable));
    assert_eq!(start.elapsed().as_millis(), 5_000);
    assert_eq!(fetched.await, Err(GroupError::NotCoordinator));
}

#[tokio::test(start_paused = true)]
async fn g11_refused_append_changes_nothing() {
    let (runtime, journal) = coordinator().await;
    journal.fail(Some(JournalError::NotEnoughReplicas));
    let refused = runtime.execute(client(), commit("g", 0..1)).await;
    assert_eq!(refused, Err(GroupError::CoordinatorNotAvailable));
    journal.fail(None);
    let described = runtime.execute(client(), describe("g")).await.expect("served");
    assert_eq!(described.error, Some(GroupError::GroupIdNotFound));
}

#[tokio::test(start_paused = true)]
async fn g11_timer_is_put_off_while_the_log_refuses() {
    let (runtime, journal) = coordinator().await;
    stable_pair(&runtime, "g").await;
    journal.fail(Some(JournalError::NotEnoughReplicas));
    tokio::time::sleep(Duration::from_millis(20_000)).await;
    // The first member's end needs no record; the second's, which empties the group, does.
    assert_eq!(runtime.execute(client(), describe("g")).await.expect("served").state, "PreparingRebalance");
    journal.fail(None);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(runtime.execute(client(), describe("g")).await.expect("served").state, "Empty");
}

#[tokio::test(start_paused = true)]
async fn g1_unload_sends_everyone_away() {
    let (runtime, journal) = coordinator().await;
    let joining = runtime.execute(client(), join("g", ""));
    journal.hold();
    let committing = runtime.execute(client(), commit("g2", 0..1));
    for partition in 0..4 {
        runtime.unload(partition, None);
    }
    assert_eq!(joining.await, Err(GroupError::NotCoordinator));
    assert_eq!(committing.await, Err(GroupError::NotCoordinator));
}

#[tokio::test(start_paused = true)]
async fn g1_disk_error_unloads_that_shard_only() {
    let (runtime, journal) = coordinator().await;
    let other = (0..).map(|n| format!("g{n}")).find(|g| runtime.partition_for(g) != runtime.partition_for("g"));
    let other = other.expect("hashes differ");
    let joining = runtime.execute(client(), join("g", ""));
    journal.fail(Some(JournalError::Storage("no space left".into())));
    assert_eq!(runtime.execute(client(), commit("g", 0..1)).await, {
        // A simple commit to a group with members is judged before it needs the log.
        let refused = Some(GroupError::UnknownMemberId);
        let topics = vec![TopicOutcome { name: "t".into(), topic_id: Uuid::nil(), partitions: vec![(0, refused)] }];
        Ok(OffsetCommitReply { topics })
    });
    let same_shard = (0..).map(|n| format!("s{n}")).find(|g| runtime.partition_for(g) == runtime.partition_for("g"));
    let same_shard = same_shard.expect("hashes agree");
    assert_eq!(runtime.execute(client(), commit(&same_shard, 0..1)).await, Err(GroupError::NotCoordinator));
    assert_eq!(joining.await, Err(GroupError::NotCoordinator));
    journal.fail(None);
    assert_eq!(runtime.execute(client(), fetch("g")).await, Err(GroupError::NotCoordinator));
    assert!(runtime.execute(client(), commit(&other, 0..1)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn g1_panic_costs_the_shard_only() {
    let (runtime, journal) = coordinator().await;
    let joining = runtime.execute(client(), join("g", ""));
    journal.fail(Some(JournalError::Corrupt("a panic that the test asks for".into())));
    let joined = joining.await.expect("joined");
    runtime.execute(client(), sync("g", &joined.member_id, Vec::new())).await.expect_err("the leader's sync is stored");
    assert_eq!(runtime.execute(client(), fetch("g")).await, Err(GroupError::NotCoordinator));
    journal.fail(None);
    let other = (0..).map(|n| format!("g{n}")).find(|g| runtime.partition_for(g) != runtime.partition_for("g"));
    stable_pair(&runtime, &other.expect("hashes differ")).await;
}

#[tokio::test(start_paused = true)]
async fn g1_panic_in_a_timer_leaves_the_others_running() {
    let (runtime, journal) = coordinator().await;
    let other = (0..).map(|n| format!("g{n}")).find(|g| runtime.partition_for(g) != runtime.partition_for("g"));
    stable_pair(&runtime, "g").await;
    journal.fail(Some(JournalError::Corrupt("a panic that the test asks for".into())));
    tokio::time::sleep(Duration::from_millis(10_010)).await;
    journal.fail(None);
    assert_eq!(runtime.execute(client(), describe("g")).await, Err(GroupError::NotCoordinator));
    stable_pair(&runtime, &other.expect("hashes differ")).await;
}

#[tokio::test(start_paused = true)]
async fn g6_g11_restart_finds_groups_and_offsets() {
    let (runtime, journal) = coordinator().await;
    let (leader, _) = stable_pair(&runtime, "g").await;
    runtime.execute(client(), commit("simple", 0..3)).await.expect("committed");
    let described = runtime.execute(client(), describe("g")).await.expect("served");

    let restarted = over(&journal);
    for partition in 0..4 {
        restarted.load(partition, 1).await.expect("what was written can be read");
    }
    assert_eq!(restarted.execute(client(), describe("g")).await, Ok(described));
    assert_eq!(restarted.execute(client(), fetch("simple")).await.expect("served").topics[0].partitions.len(), 3);
    let beat = Heartbeat { group_id: "g".into(), generation_id: 1, member_id: leader, group_instance_id: None };
    assert_eq!(restarted.execute(client(), beat).await, Ok(HeartbeatReply { error: None }));
    // Sessions run on: who does not beat is dropped, and the one that did can rejoin alone.
    tokio::time::sleep(Duration::from_millis(10_010)).await;
    assert_eq!(restarted.execute(client(), describe("g")).await.expect("served").state, "Empty");
}

#[tokio::test(start_paused = true)]
async fn g6_dropped_callers_leave_nothing_behind() {
    let (runtime, _) = coordinator().await;
    for _ in 0..5 {
        drop(runtime.execute(client(), join("g", "")));
    }
    let stays = runtime.execute(client(), join("g", "")).await.expect("joined");
    assert_eq!(stays.generation_id, 1);
    assert_eq!(parked(&runtime), 0, "the phase has answered everyone, listening or not");
    // The others never come back: their sessions end, and then those of all.
    tokio::time::sleep(Duration::from_millis(60_000)).await;
    assert_eq!(runtime.execute(client(), describe("g")).await.expect("served").state, "Empty");
    assert_eq!(parked(&runtime), 0);
}

#[tokio::test(start_paused = true)]
async fn g6_parked_callers_are_bounded() {
    let (runtime, _) = coordinator().await;
    let parked_callers: Vec<_> = (0..6).map(|n| runtime.execute(client(), join(&format!("g{n}"), ""))).collect();
    assert_eq!(parked(&runtime), 6);
    assert_eq!(runtime.execute(client(), join("h", "")).await, Err(GroupError::CoordinatorNotAvailable));
    // What does not park is served.
    assert!(runtime.execute(client(), commit("h", 0..1)).await.is_ok());
    for answered in parked_callers {
        answered.await.expect("joined");
    }
    assert!(runtime.execute(client(), join("h", "")).await.is_ok());
    // An unload frees all places.
    let gone: Vec<_> = (0..6).map(|n| runtime.execute(client(), join(&format!("n{n}"), ""))).collect();
    for partition in 0..4 {
        runtime.unload(partition, None);
        runtime.load(partition, 1).await.expect("what was written can be read");
    }
    assert!(runtime.execute(client(), join("m", "")).await.is_ok());
    drop(gone);
}

#[tokio::test(start_paused = true)]
async fn g15_delete_of_many_offsets_is_divided() {
    let (runtime, journal) = coordinator().await;
    for hundred in 0..10 {
        runtime.execute(client(), commit("g", hundred * 100..(hundred + 1) * 100)).await.expect("committed");
    }
    let partition = runtime.partition_for("g");
    let before = journal.batch_sizes(partition).len();
    let deleted = runtime.execute(client(), DeleteGroup { group_id: "g".into() }).await;
    assert_eq!(deleted, Ok(DeleteGroupReply { error: None }));
    let sizes = journal.batch_sizes(partition);
    assert!(sizes.len() > before + 1, "1,000 tombstones do not fit in one batch of 10,000 bytes");
    assert!(sizes.iter().all(|bytes| *bytes <= 10_000));
    assert_eq!(runtime.list_groups(ListGroups::default()).await, Ok(Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn g8_assignment_too_large_to_store() {
    let (runtime, _) = coordinator().await;
    let joined = runtime.execute(client(), join("g", "")).await.expect("joined");
    let large = vec![(joined.member_id.clone(), Bytes::from(vec![7; 20_000]))];
    let refused = runtime.execute(client(), sync("g", &joined.member_id, large)).await;
    assert_eq!(refused, Err(GroupError::UnknownServerError));
    assert_eq!(runtime.execute(client(), describe("g")).await.expect("served").state, "CompletingRebalance");
}

#[tokio::test(start_paused = true)]
async fn g15_list_asks_every_shard() {
    let (runtime, _) = coordinator().await;
    let names: Vec<String> = (0..8).map(|n| format!("group-{n}")).collect();
    for name in &names {
        runtime.execute(client(), commit(name, 0..1)).await.expect("committed");
    }
    let mut listed = runtime.list_groups(ListGroups::default()).await.expect("served");
    listed.sort_by(|a, b| a.group_id.cmp(&b.group_id));
    let listed: Vec<&str> = listed.iter().map(|group| &*group.group_id).collect();
    assert_eq!(listed, names);
}

#[tokio::test(start_paused = true)]
async fn g14_offsets_expire_and_then_nothing_wakes() {
    let (runtime, _) = coordinator().await;
    runtime.execute(client(), commit("g", 0..1)).await.expect("committed");
    let day = Duration::from_secs(24 * 3_600);
    tokio::time::sleep(day * 6).await;
    assert_eq!(runtime.execute(client(), fetch("g")).await.expect("served").topics.len(), 1);
    tokio::time::sleep(day + Duration::from_secs(1_200)).await;
    assert_eq!(runtime.list_groups(ListGroups::default()).await, Ok(Vec::new()));
    assert!(!runtime.has_timers(), "a coordinator without groups sleeps");
}

#[tokio::test(start_paused = true)]
async fn g14_topics_deleted_in_every_shard() {
    let (runtime, _) = coordinator().await;
    for name in ["a", "b", "c", "d", "e"] {
        runtime.execute(client(), commit(name, 0..2)).await.expect("committed");
    }
    runtime.topics_deleted(&["t".into()]);
    for name in ["a", "b", "c", "d", "e"] {
        assert_eq!(
            runtime.execute(client(), fetch(name)).await,
            Ok(OffsetFetchReply { error: None, topics: Vec::new() })
        );
    }
}
