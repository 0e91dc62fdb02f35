//! Many clients at once, as brokers have them: what each is told fits what the others are told.

use kafka_protocol::messages::{FetchRequest, FetchResponse, JoinGroupRequest, ProduceRequest, SyncGroupRequest};
use protocol_tests::groups::{commit_request, heartbeat_request, join_request, sync_request, with_protocol, Member};
use protocol_tests::records::{batches, Batch};
use protocol_tests::topics::{fetch_request, produce_request, Topic};
use protocol_tests::{error, shared, Client};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

const PRODUCERS: usize = 6;
const EACH: usize = 150;

/// Produces with five in flight, and returns the offset at which each value went.
fn produce_all(topic: &Topic, name: usize) -> Vec<(i64, String)> {
    let mut client = shared().connect();
    let values: Vec<String> = (0..EACH).map(|number| format!("{name}-{number}")).collect();
    let mut offsets = Vec::new();
    for (number, value) in values.iter().enumerate() {
        let records = Some(Batch::of(&[value]).encode());
        client.send(9, &produce_request(9, -1, &[(topic, 0, records)]));
        if number >= 5 {
            offsets.push(receive_offset(&mut client));
        }
    }
    while offsets.len() < EACH {
        offsets.push(receive_offset(&mut client));
    }
    offsets.into_iter().zip(values).collect()
}

fn receive_offset(client: &mut Client) -> i64 {
    let (_, response) = client.receive::<ProduceRequest>(9);
    let result = &response.responses[0].partition_responses[0];
    assert_eq!(error(result.error_code), None);
    result.base_offset
}

/// Follows the partition in a fetch session, parked whenever there is nothing new, to its `end`.
fn follow(topic: &Topic, end: i64) -> Vec<(i64, String)> {
    let mut client = shared().connect();
    let mut read = Vec::new();
    let (mut session, mut epoch, mut offset) = (0, 0, 0);
    while offset < end {
        let request = fetch_request(12, &[(topic, 0, offset)]).with_session_id(session).with_session_epoch(epoch);
        let response: FetchResponse = client.call(12, &request.with_max_wait_ms(30_000).with_min_bytes(1));
        assert_eq!(error(response.error_code), None);
        (session, epoch) = (response.session_id, epoch + 1);
        for partition in response.responses.iter().flat_map(|topic| &topic.partitions) {
            assert_eq!(error(partition.error_code), None);
            for batch in batches(partition.records.as_ref().unwrap()) {
                assert_eq!(batch.base_offset, offset, "no gap and nothing twice");
                assert!(offset < partition.high_watermark, "nothing beyond the high watermark");
                read.extend(batch.values().into_iter().zip(offset..).map(|(value, at)| (at, value)));
                offset = batch.base_offset + i64::from(batch.last_offset_delta) + 1;
            }
        }
    }
    assert!(epoch > 1, "more than one answer");
    read
}

#[test]
fn p14_f12_d8_d9_d10_producers_and_consumers_agree_on_every_offset() {
    let topic = shared().connect().create_topic("crowded", 1, &[("segment.bytes", "1048576")]);
    let end = (PRODUCERS * EACH) as i64;
    let (produced, followed) = thread::scope(|scope| {
        let consumers: Vec<_> = (0..3).map(|_| scope.spawn(|| follow(&topic, end))).collect();
        let producers: Vec<_> = (0..PRODUCERS)
            .map(|name| {
                scope.spawn({
                    let topic = &topic;
                    move || produce_all(topic, name)
                })
            })
            .collect();
        let produced: Vec<_> = producers.into_iter().map(|one| one.join().unwrap()).collect();
        let followed: Vec<_> = consumers.into_iter().map(|one| one.join().unwrap()).collect();
        (produced, followed)
    });
    // Each producer's own values are in order.
    for of_one in &produced {
        assert!(of_one.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
    let log: BTreeMap<i64, String> = produced.into_iter().flatten().collect();
    assert_eq!(log.keys().copied().collect::<Vec<_>>(), (0..end).collect::<Vec<_>>(), "each offset once");
    let log: Vec<(i64, String)> = log.into_iter().collect();
    for read in followed {
        assert!(read == log, "a consumer read what was not told to producers");
    }
}

/// Joins, syncs and beats until its group has `size` members and is stable; its identity and assignment.
fn settle(group: &str, size: usize) -> (Client, Member, String) {
    let mut client = shared().connect();
    client.find_coordinator(group);
    let id = client.member_id(group);
    loop {
        let joined = client.call(9, &join_request(group, &id));
        assert_eq!(error(joined.error_code), None);
        let member = Member { group: group.to_owned(), id: id.clone(), generation: joined.generation_id };
        let ids: Vec<String> = joined.members.iter().map(|member| member.member_id.to_string()).collect();
        let size_now = format!("{}", ids.len());
        let mut sync = with_protocol(sync_request(&member, &[]));
        sync.assignments = ids
            .iter()
            .map(|id| {
                let assignment = format!("{id} of {size_now} in {}", joined.generation_id);
                kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment::default()
                    .with_member_id(protocol_tests::text(id))
                    .with_assignment(assignment.into())
            })
            .collect();
        let synced = client.call(5, &sync);
        if error(synced.error_code).is_some() {
            continue;
        }
        let assignment = String::from_utf8(synced.assignment.to_vec()).unwrap();
        if assignment.contains(&format!(" of {size} ")) {
            return (client, member, assignment);
        }
        // Not all are there yet: the next rebalance is told by a heartbeat.
        client.await_rebalance(&member);
    }
}

#[test]
fn g6_g8_members_that_come_together_end_in_one_generation() {
    const MEMBERS: usize = 5;
    let settled: Vec<_> = thread::scope(|scope| {
        let members: Vec<_> = (0..MEMBERS).map(|_| scope.spawn(|| settle("crowd", MEMBERS))).collect();
        members.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let generations: BTreeSet<i32> = settled.iter().map(|(_, member, _)| member.generation).collect();
    assert_eq!(generations.len(), 1, "{generations:?}");
    for (_, member, assignment) in &settled {
        let expected = format!("{} of {MEMBERS} in {}", member.id, member.generation);
        assert_eq!(*assignment, expected, "each its own");
    }
    let mut clients = settled;
    for (client, member, _) in &mut clients {
        assert_eq!(error(client.call(4, &heartbeat_request(member)).error_code), None);
    }
    // A join from outside disturbs all of them; a new generation has all of them again.
    let mut late = shared().connect();
    let id = late.member_id("crowd");
    late.send(9, &join_request("crowd", &id));
    for (client, member, _) in &mut clients {
        client.await_rebalance(member);
        client.send(9, &join_request("crowd", &member.id));
    }
    let (_, joined) = late.receive::<JoinGroupRequest>(9);
    let mut counts = vec![joined.members.len()];
    for (client, member, _) in &mut clients {
        let (_, again) = client.receive::<JoinGroupRequest>(9);
        assert_eq!((error(again.error_code), again.generation_id), (None, member.generation + 1));
        counts.push(again.members.len());
    }
    counts.sort();
    assert_eq!(counts, [0, 0, 0, 0, 0, MEMBERS + 1], "one leads and knows all");
    late.send(
        5,
        &with_protocol(sync_request(&Member { id, generation: joined.generation_id, group: "crowd".to_owned() }, &[])),
    );
    let leader = clients.iter_mut().find(|(_, member, _)| *joined.leader == *member.id).expect("one of the old");
    let led = Member { generation: joined.generation_id, ..leader.1.clone() };
    assert_eq!(error(leader.0.sync(&led, &[(&led.id, b"l")]).error_code), None);
    let (_, synced) = late.receive::<SyncGroupRequest>(5);
    assert_eq!((error(synced.error_code), synced.assignment.len()), (None, 0), "no assignment was made for it");
}

#[test]
fn f12_a_hundred_parked_fetches_wake_together() {
    let mut producer = shared().connect();
    let topic = producer.create_topic("audience", 1, &[]);
    let mut audience: Vec<Client> = (0..100).map(|_| shared().connect()).collect();
    for client in &mut audience {
        client.send(12, &fetch_request(12, &[(&topic, 0, 0)]).with_max_wait_ms(600_000).with_min_bytes(1));
    }
    producer.append(&topic, 0, &["news"]);
    for client in &mut audience {
        let (_, response) = client.receive::<FetchRequest>(12);
        assert_eq!(batches(response.responses[0].partitions[0].records.as_ref().unwrap()).len(), 1);
    }
}

/// What one member was given in one generation: its name, its number there.
type Seat = (i32, String);

/// Joins and leaves again and again; commits in each generation that it was seated in, and once more when it is over.
fn storm(topic: &Topic, until: Instant, seats: &Mutex<BTreeMap<Seat, String>>) -> usize {
    const GROUP: &str = "storm";
    let mut client = shared().connect();
    let mut rounds = 0;
    while Instant::now() < until {
        let id = client.member_id(GROUP);
        let joined = client.call(9, &join_request(GROUP, &id).with_rebalance_timeout_ms(300));
        if error(joined.error_code).is_some() {
            continue;
        }
        let member = Member { group: GROUP.to_owned(), id: id.clone(), generation: joined.generation_id };
        let mut sync = with_protocol(sync_request(&member, &[]));
        sync.assignments = joined
            .members
            .iter()
            .enumerate()
            .map(|(seat, other)| {
                kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment::default()
                    .with_member_id(other.member_id.clone())
                    .with_assignment(seat.to_string().into())
            })
            .collect();
        let synced = client.call(5, &sync);
        if error(synced.error_code).is_none() {
            rounds += 1;
            let seat = String::from_utf8(synced.assignment.to_vec()).unwrap();
            let before = seats.lock().unwrap().insert((member.generation, seat.clone()), id.clone());
            assert_eq!(before, None, "seat {seat} of generation {} is given twice", member.generation);
        }
        thread::sleep(Duration::from_millis(20 * (rounds as u64 % 4)));
        client.leave(GROUP, &id);
        let late = commit_request(GROUP, &topic.name, 0, 1)
            .with_member_id(protocol_tests::text(&id))
            .with_generation_id_or_member_epoch(member.generation);
        let refused = error(client.call(8, &late).topics[0].partitions[0].error_code);
        assert!(refused.is_some(), "a commit of generation {} after the member left", member.generation);
    }
    rounds
}

/// Number 31 of the faults: members come and go faster than the group settles.
#[test]
fn d31_a_storm_of_joins_and_leaves_gives_each_seat_once() {
    let mut client = shared().connect();
    let topic = client.create_topic("storm", 1, &[]);
    client.find_coordinator("storm");
    let seats = Mutex::default();
    let until = Instant::now() + Duration::from_secs(4);
    let rounds: usize = thread::scope(|scope| {
        let members: Vec<_> = (0..6).map(|_| scope.spawn(|| storm(&topic, until, &seats))).collect();
        members.into_iter().map(|one| one.join().unwrap()).sum()
    });
    assert!(rounds > 6, "{rounds} members were seated");
    assert_eq!(client.committed("storm", "storm", 0), -1, "no commit of an old generation counts");
    let (_, member, _) = settle("storm", 1);
    assert!(member.generation > 1);
}
