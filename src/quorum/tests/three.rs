//! Three voters: elections, replication, partitions, crashes, and 200 seeds of all of it.

use super::cluster::{raft_id, Cluster, VOTERS};
use super::list_machine::Added;
use crate::kv::memory::Crash;
use crate::quorum::core::{Event, SubmitError};
use crate::quorum::transport::memory::Faults;
use crate::quorum::VoterId;
use crate::rng::Rng;
use raft::eraftpb::{ConfChangeSingle, ConfChangeType, ConfChangeV2, Entry, Message, MessageType};

fn elected(seed: u64) -> (Cluster, usize) {
    let mut cluster = Cluster::new(seed);
    cluster.run_until(10_000, "a first active controller", |cluster| cluster.active().is_some());
    let active = cluster.active().unwrap();
    (cluster, active)
}

fn others(node: usize) -> [usize; 2] {
    [(node + 1) % VOTERS, (node + 2) % VOTERS]
}

#[test]
fn three_voters_elect_and_replicate() {
    let (mut cluster, leader) = elected(1);
    let tickets: Vec<_> = (0..40).map(|word| cluster.submit(leader, &format!("w{word}"))).collect();
    cluster.run_until(5_000, "all answers", |cluster| tickets.iter().all(|t| cluster.answers.contains_key(t)));
    assert!(tickets.iter().all(|ticket| matches!(cluster.answers[ticket], Ok(Added::At(_)))));
    let [follower, _] = others(leader);
    let refused = cluster.submit(follower, "elsewhere");
    assert_eq!(cluster.answers[&refused], Err(SubmitError::NotController { leader: Some(leader as i32) }));
    cluster.converge();
    assert_eq!(cluster.truth.len(), 41);
    let status = cluster.core(leader).status(Default::default());
    assert_eq!(status.leader_id, Some(leader as i32));
    assert_eq!(status.voters.len(), 3);
    for voter in &status.voters {
        assert_eq!(voter.log_end_offset, status.high_watermark, "all have caught up: {status:?}");
        assert!(voter.last_caught_up_timestamp_ms >= 0);
    }
}

#[test]
fn a_partitioned_leader_gives_way_and_follows_when_healed() {
    let (mut cluster, old) = elected(2);
    cluster.submit(old, "before");
    cluster.run_ms(500);
    cluster.isolate(old);
    let doomed = cluster.submit(old, "into the void");
    cluster.run_until(10_000, "another controller", |cluster| cluster.active().is_some_and(|active| active != old));
    let new = cluster.active().unwrap();
    let kept = cluster.submit(new, "by the majority");
    cluster.run_until(10_000, "the old one notices", |cluster| cluster.answers.contains_key(&doomed));
    assert_eq!(cluster.answers[&doomed], Err(SubmitError::LeadershipLost { leader: None }), "nobody can know");
    cluster.converge();
    assert!(matches!(cluster.answers[&kept], Ok(Added::At(_))));
    assert!(!cluster.truth.contains(&"into the void".to_owned()));
    assert!(cluster.core(new).view().active, "a node that comes back disturbs nobody (pre-vote)");
}

#[test]
fn a_laggard_gets_a_snapshot() {
    let (mut cluster, leader) = elected(3);
    let [laggard, _] = others(leader);
    cluster.crash(laggard, Crash::Power);
    for word in 0..60 {
        cluster.submit(leader, &format!("w{word}"));
        cluster.run_ms(50);
    }
    assert_eq!(cluster.snapshots_sent, 0);
    cluster.converge();
    assert!(cluster.snapshots_sent > 0, "the log no longer reaches back");
    // What came as a snapshot is as durable as the rest.
    cluster.crash(laggard, Crash::Power);
    cluster.restart(laggard);
    cluster.converge();
}

/// A snapshot under way is lost without a word: the leader must not wait for ever.
#[test]
fn a_lost_snapshot_is_sent_again() {
    let (mut cluster, leader) = elected(4);
    let [laggard, _] = others(leader);
    cluster.crash(laggard, Crash::Power);
    for word in 0..60 {
        cluster.submit(leader, &format!("w{word}"));
        cluster.run_ms(50);
    }
    cluster.restart(laggard);
    cluster.run_until(10_000, "a first snapshot", |cluster| cluster.snapshots_sent > 0);
    cluster.network.forget(raft_id(laggard));
    cluster.network.forget(raft_id(leader));
    cluster.converge();
    assert!(cluster.snapshots_sent > 1);
}

#[test]
fn a_leader_whose_disk_stalls_steps_down() {
    let (mut cluster, old) = elected(5);
    cluster.stall_disk(old, 5_000);
    let stuck = cluster.submit(old, "on the stalled disk");
    cluster.run_until(4_500, "another controller", |cluster| cluster.active().is_some_and(|active| active != old));
    // The others had it on their disks: it is committed without the leader's, or else nobody said so.
    cluster.converge();
    if cluster.answers[&stuck].is_ok() {
        assert!(cluster.truth.contains(&"on the stalled disk".to_owned()));
    }
}

#[test]
fn a_stalled_disk_does_not_stop_a_leaders_heartbeats() {
    let (mut cluster, leader) = elected(6);
    let epoch = cluster.core(leader).view().epoch;
    for _ in 0..10 {
        cluster.stall_disk(leader, 700);
        cluster.submit(leader, &format!("at {}", cluster.now_ms));
        cluster.run_ms(800);
    }
    assert_eq!(cluster.core(leader).view().epoch, epoch, "an election timeout is 1,000 ms");
    assert!(cluster.core(leader).view().active);
}

/// Messages that no voter sends do nothing, whatever state they meet.
#[test]
fn foreign_messages_are_refused() {
    let (mut cluster, leader) = elected(9);
    let [follower, _] = others(leader);
    let from_leader = |kind: MessageType| Message {
        msg_type: kind as i32,
        from: raft_id(leader),
        to: raft_id(follower),
        term: cluster.core(follower).view().epoch,
        ..Message::default()
    };
    let good = from_leader(MessageType::MsgAppend);
    let foreign = [
        Message::default(),
        Message { term: 0, ..good.clone() },
        Message { from: 0, ..good.clone() },
        Message { from: good.to, ..good.clone() },
        Message { to: VoterId { node_id: follower as i32, incarnation: 1 }.raft_id(), ..good.clone() },
        Message { index: 5, entries: vec![Entry { index: 9, ..Entry::default() }], ..good.clone() },
        Message { index: u64::MAX, entries: vec![Entry::default(); 2], ..good.clone() },
        from_leader(MessageType::MsgPropose),
        from_leader(MessageType::MsgReadIndex),
        from_leader(MessageType::MsgReadIndexResp),
        from_leader(MessageType::MsgTransferLeader),
        from_leader(MessageType::MsgHup),
        from_leader(MessageType::MsgBeat),
        from_leader(MessageType::MsgUnreachable),
    ];
    let before = cluster.core(follower).applied();
    for message in foreign {
        cluster.event(follower, Event::Peer(Box::new(message)));
    }
    assert_eq!(cluster.core(follower).applied(), before);
    cluster.converge();
    assert!(cluster.core(leader).view().active, "nobody was disturbed");
}

/// A voter is removed while requests come in; what was packed for the place in the log that the change took comes again.
#[test]
fn voters_can_change_and_the_change_survives_restarts() {
    let (mut cluster, leader) = elected(10);
    let [removed, stays] = others(leader);
    cluster.stall_disk(leader, 300);
    let in_flight = cluster.submit(leader, "in flight");
    let packed = cluster.submit(leader, "packed");
    let mut change = ConfChangeV2::default();
    let single = ConfChangeSingle { change_type: ConfChangeType::RemoveNode as i32, node_id: raft_id(removed) };
    change.changes.push(single);
    cluster.nodes[leader].core.as_mut().unwrap().propose_change(change).unwrap();
    cluster.run_until(5_000, "both answers", |cluster| {
        cluster.answers.contains_key(&in_flight) && cluster.answers.contains_key(&packed)
    });
    assert!(matches!(cluster.answers[&in_flight], Ok(Added::At(_))));
    assert_eq!(cluster.answers[&packed], Err(SubmitError::NotController { leader: Some(leader as i32) }));
    cluster.run_until(5_000, "active again", |cluster| cluster.core(leader).view().active);
    cluster.crash(removed, Crash::Power);
    // Enough for snapshots: the change is behind some of them and in the log of others.
    for word in 0..30 {
        cluster.submit(leader, &format!("w{word}"));
        cluster.run_ms(100);
        if word % 7 == 3 {
            cluster.crash(stays, Crash::Power);
            cluster.restart(stays);
        }
    }
    for node in [leader, stays] {
        cluster.crash(node, Crash::Power);
        cluster.restart(node);
    }
    cluster.run_until(10_000, "two voters elect", |cluster| cluster.active().is_some());
    let active = cluster.active().unwrap();
    assert_eq!(cluster.core(active).status(Default::default()).voters.len(), 2);
    let last = cluster.submit(active, "last");
    cluster.run_until(5_000, "the last answer", |cluster| cluster.answers.contains_key(&last));
    assert!(matches!(cluster.answers[&last], Ok(Added::At(_))));
    cluster.judge_answers();
}

/// At every step of a run, one node or all of them lose power.
#[test]
fn nothing_answered_is_lost_by_a_crash_at_any_step() {
    for crash_at_step in (0..250).step_by(3) {
        let mut cluster = Cluster::new(40);
        for step in 0..crash_at_step {
            cluster.step();
            if let (0, Some(active)) = (step % 4, cluster.active()) {
                cluster.submit(active, &format!("w{step}"));
            }
        }
        if crash_at_step % 2 == 0 {
            (0..VOTERS).for_each(|node| cluster.crash(node, Crash::Power));
        } else {
            let victim = cluster.active().unwrap_or(0);
            cluster.crash(victim, Crash::Process);
        }
        cluster.converge();
    }
}

fn rough(rng: &Rng) -> Faults {
    Faults {
        dropped_per_mille: rng.below(100),
        repeated_per_mille: rng.below(50),
        min_delay_ms: 1,
        // Enough to overtake several others.
        max_delay_ms: 5 + rng.below(300) as i64,
    }
}

/// Some seconds of work and trouble, all drawn from the seed.
fn ordeal(seed: u64) -> Cluster {
    let mut cluster = Cluster::new(seed);
    let rng = cluster.rng.fork();
    for round in 0..700 {
        cluster.run_ms(20);
        let node = rng.below(VOTERS as u64) as usize;
        if rng.below(3) > 0 {
            let target = if rng.below(4) > 0 { cluster.active().unwrap_or(node) } else { node };
            let word = if rng.below(10) > 0 { format!("w{round}") } else { format!("w{}", round / 2) };
            cluster.submit(target, &word);
        }
        match rng.below(300) {
            0 => cluster.isolate(node),
            1 => cluster.network.cut(raft_id(node), raft_id((node + 1) % VOTERS)),
            2..=5 => cluster.network.heal(),
            6 => cluster.crash(node, Crash::Power),
            7 => cluster.crash(node, Crash::Process),
            8..=15 => {
                let down = (0..VOTERS).find(|node| cluster.nodes[*node].core.is_none());
                down.into_iter().for_each(|node| cluster.restart(node));
            }
            16 | 17 => cluster.stall_disk(node, rng.below(2_500) as i64),
            18 | 19 => cluster.network.set_faults(rough(&rng)),
            20 => (0..VOTERS).for_each(|node| cluster.crash(node, Crash::Power)),
            _ => {}
        }
    }
    cluster.converge();
    cluster
}

#[test]
fn no_committed_entry_is_lost_in_200_seeds() {
    let (mut words, mut snapshots, mut unknown) = (0, 0, 0);
    for seed in 1000..1200 {
        let cluster = ordeal(seed);
        words += cluster.truth.len();
        snapshots += cluster.snapshots_sent;
        unknown += cluster.answers.values().filter(|a| matches!(a, Err(SubmitError::LeadershipLost { .. }))).count();
    }
    // The ordeal is one: there was work, laggards and lost leaderships.
    assert!(
        words > 10_000 && snapshots > 200 && unknown > 200,
        "{words} words, {snapshots} snapshots, {unknown} unknown"
    );
}

#[test]
fn a_seed_run_twice_is_the_same_run() {
    let (one, other) = (ordeal(77), ordeal(77));
    assert_eq!(one.trace, other.trace);
    assert_eq!(one.truth, other.truth);
    assert_ne!(one.trace, ordeal(78).trace);
}
