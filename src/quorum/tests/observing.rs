//! Observers, and members that talk over the in-memory transport with their real drivers.

use super::cluster::Cluster;
use super::list_machine::{Add, Added, ListMachine};
use crate::clock::SystemClock;
use crate::kv::memory::MemoryKv;
use crate::quorum::machine::Position;
use crate::quorum::observer::{follow, CommittedEntry, CommittedSource, Observer, Pull};
use crate::quorum::settings::Settings;
use crate::quorum::store::FAMILIES;
use crate::quorum::transport::memory::{Faults, MemoryNetwork, MemoryTransport};
use crate::quorum::transport::{inbox, DeliverError};
use crate::quorum::{Handle, Quorum, SubmitError, Surroundings, VoterId};
use crate::rng::Rng;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

fn catch_up(cluster: &Cluster, from: usize, observer: &mut Observer<ListMachine>) -> (usize, usize) {
    let (mut entries, mut snapshots) = (0, 0);
    loop {
        let pull = cluster.core(from).pull(observer.applied().index + 1, 50).unwrap();
        match &pull {
            Pull::Entries { .. } => entries += 1,
            Pull::Snapshot { .. } => snapshots += 1,
        }
        if !observer.absorb(pull).unwrap() {
            return (entries, snapshots);
        }
    }
}

#[test]
fn an_observer_follows_any_voter_and_jumps_by_snapshot() {
    let mut cluster = Cluster::new(8);
    cluster.run_until(10_000, "an active controller", |cluster| cluster.active().is_some());
    let leader = cluster.active().unwrap();
    let mut observer = Observer::new(ListMachine::default());
    for word in 0..5 {
        cluster.submit(leader, &format!("w{word}"));
        cluster.run_ms(100);
    }
    let (pulls, snapshots) = catch_up(&cluster, leader, &mut observer);
    assert!(pulls > 2 && snapshots == 0, "entry by entry: {pulls}, {snapshots}");
    assert_eq!(observer.machine().words, cluster.truth);
    for word in 5..60 {
        cluster.submit(leader, &format!("w{word}"));
        cluster.run_ms(100);
    }
    let (_, snapshots) = catch_up(&cluster, (leader + 1) % 3, &mut observer);
    assert_eq!(snapshots, 1, "the log no longer reaches back");
    catch_up(&cluster, leader, &mut observer);
    assert_eq!(observer.machine().words, cluster.truth);
    assert_eq!(observer.machine().published, cluster.truth);
    // A voter that is behind the observer takes nothing back.
    let behind = Pull::Snapshot { at: Position { index: 2, term: 1 }, bytes: b"x".to_vec(), high_watermark: 2 };
    assert_eq!(observer.absorb(behind), Ok(false));
}

#[test]
fn an_observer_refuses_gaps() {
    let entry = |index, term| CommittedEntry { at: Position { index, term }, records: vec![vec![b'a' + index as u8]] };
    let entries = |entries| Pull::Entries { entries, high_watermark: 9 };
    let mut observer = Observer::new(ListMachine::default());
    assert_eq!(observer.absorb(entries(vec![entry(1, 2), entry(2, 2)])), Ok(true));
    assert_eq!(observer.absorb(entries(vec![entry(1, 2), entry(2, 2)])), Ok(false), "again is nothing new");
    assert!(observer.absorb(entries(vec![entry(4, 2)])).is_err());
    assert!(observer.absorb(entries(vec![entry(3, 1)])).is_err(), "epochs do not go back");
    assert_eq!(observer.machine().words, ["b", "c"]);
}

fn three_drivers() -> (Vec<Handle<ListMachine>>, Arc<MemoryTransport>) {
    let clock = SystemClock::new();
    let voters: Vec<_> = (0..3).map(VoterId::first).collect();
    let (mut inboxes, mut mailboxes) = (BTreeMap::new(), Vec::new());
    for voter in &voters {
        let (inbox, mailbox) = inbox();
        inboxes.insert(voter.raft_id(), inbox);
        mailboxes.push(mailbox);
    }
    let network = MemoryNetwork::new(Rng::from_seed(4), Faults { max_delay_ms: 1, ..Faults::default() });
    let transport = MemoryTransport::new(network, inboxes, clock.clone());
    let mut handles = Vec::new();
    for (voter, mailbox) in voters.iter().zip(mailboxes) {
        let surroundings = Surroundings {
            kv: MemoryKv::new(FAMILIES.len()),
            transport: transport.clone(),
            mailbox,
            clock: clock.clone(),
            rng: Rng::from_seed(voter.raft_id()),
            fatal: Arc::new(|reason| panic!("{reason}")),
            threads: true,
        };
        let mut settings = Settings::new(*voter, voters.clone());
        (settings.tick_ms, settings.snapshot_entries, settings.retained_entries) = (10, 8, 2);
        let (handle, task) = Quorum::start(settings, ListMachine::default(), surroundings).unwrap();
        tokio::spawn(task);
        handles.push(handle);
    }
    let pump = transport.clone();
    tokio::spawn(async move {
        loop {
            pump.pump();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    (handles, transport)
}

/// Asks one node after the other until one of them is active.
async fn submit_somewhere(handles: &[Handle<ListMachine>], word: &str) -> usize {
    loop {
        for (node, handle) in handles.iter().enumerate() {
            match handle.submit(Add(word.to_owned())).await {
                Ok(_) => return node,
                Err(SubmitError::NotController { .. } | SubmitError::LeadershipLost { .. }) => {}
                Err(other) => panic!("{other}"),
            }
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn three_drivers_and_an_observer() {
    let (handles, transport) = three_drivers();
    let leader = submit_somewhere(&handles, "first").await;
    for word in 0..30 {
        submit_somewhere(&handles, &format!("w{word}")).await;
    }
    let voter = VoterId::first(leader as i32).raft_id();
    transport.change(|network| (1..=3).filter(|other| *other != voter).for_each(|other| network.cut(voter, other)));
    let rest: Vec<_> =
        handles.iter().enumerate().filter(|(node, _)| *node != leader).map(|(_, handle)| handle.clone()).collect();
    submit_somewhere(&rest, "without the first leader").await;
    transport.change(MemoryNetwork::heal);
    let source = handles[leader].clone();
    let mut observer = Observer::new(ListMachine::default());
    let caught_up = async {
        loop {
            let pull = source.pull(9, observer.applied().index, 1000).await.unwrap();
            observer.absorb(pull).unwrap();
            if observer.machine().words.last().is_some_and(|word| word == "without the first leader") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), caught_up).await.expect("the old leader follows when healed");
    assert_eq!(observer.machine().words.len(), 32);

    let mut second = Observer::new(ListMachine::default());
    let follows = follow(10, &mut second, &source, 5);
    assert!(tokio::time::timeout(Duration::from_millis(200), follows).await.is_err(), "it follows for ever");
    assert_eq!(second.machine().words, observer.machine().words);

    let leader = submit_somewhere(&handles, "last").await;
    handles[leader].observed(9, 3);
    let status = handles[leader].status().await.unwrap();
    assert_eq!(status.leader_id, Some(leader as i32));
    let seen = status.observers.iter().find(|observer| observer.node_id == 9).unwrap();
    assert_eq!(seen.log_end_offset, 3);
    assert!(seen.last_fetch_timestamp_ms > 0);
    assert_eq!(handles[leader].submit(Add("last".into())).await, Ok(Added::Exists));
}

#[test]
fn the_inbox_takes_messages_of_the_quorum_only() {
    let (inbox, _mailbox) = inbox();
    assert!(matches!(inbox.deliver(&[0xFF; 40]), Err(DeliverError::Malformed(_))));
    assert!(matches!(inbox.deliver(&[0x08, 0x63]), Err(DeliverError::Malformed(_))), "message type 99");
    assert_eq!(inbox.deliver(&[]), Ok(()), "a default message; the core refuses it");
    let filled =
        (0..1000).map(|_| inbox.deliver(&[])).filter(|delivered| *delivered == Err(DeliverError::Full)).count();
    assert!(filled > 0, "the mailbox is bounded");
}
