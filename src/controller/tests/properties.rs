//! What holds whatever is asked.

use super::golden::{settings, World};
use crate::controller::request::{CreateTopics, NewTopic};
use crate::controller::{Request, Response};
use crate::metadata::codec::{decode_all, encode_all};
use crate::metadata::image::MetadataImage;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;

fn topic(name: &str, partitions: i32, replication_factor: i16) -> NewTopic {
    NewTopic { name: name.to_owned(), partitions, replication_factor, assignments: Vec::new(), configs: Vec::new() }
}

proptest! {
    #[test]
    fn m11_placement_is_fair_and_never_doubles_a_broker(
        brokers in 1..12_i32,
        racks in 1..5_i32,
        partitions in 1..60_i32,
        factor in 1..12_i16,
    ) {
        prop_assume!(i32::from(factor) <= brokers);
        let mut world = World::new(settings());
        for id in 1..=brokers {
            world.broker_joins(id, Some(&format!("r{}", id % racks)));
        }
        let request = CreateTopics { topics: vec![topic("t", partitions, factor)], validate_only: false };
        world.ask(Request::CreateTopics(request));
        let mut led = vec![0; brokers as usize + 1];
        let available_racks = racks.min(brokers) as usize;
        for partition in &world.image.topic_by_name("t").expect("created").partitions {
            let distinct: BTreeSet<_> = partition.replicas.iter().collect();
            prop_assert_eq!(distinct.len(), factor as usize);
            prop_assert_eq!(&partition.isr, &partition.replicas);
            prop_assert_eq!(partition.leader, partition.replicas[0]);
            let spread: BTreeSet<_> = partition.replicas.iter().map(|id| id % racks).collect();
            prop_assert_eq!(spread.len(), available_racks.min(factor as usize));
            led[partition.leader as usize] += 1;
        }
        let most = led[1..].iter().max().expect("a broker");
        let least = led[1..].iter().min().expect("a broker");
        prop_assert!(most - least <= 1, "{:?}", led);
    }

    #[test]
    fn m11_a_request_only_judged_changes_nothing(names in prop::collection::vec("[a-c._]{1,3}", 1..6), partitions in -2..4_i32) {
        let mut world = World::new(settings());
        world.broker_joins(1, None);
        let topics: Vec<NewTopic> = names.iter().map(|name| topic(name, partitions, 1)).collect();
        let judged = world.ask(Request::CreateTopics(CreateTopics { topics: topics.clone(), validate_only: true }));
        prop_assert!(judged.records.is_empty());
        let created = world.ask(Request::CreateTopics(CreateTopics { topics, validate_only: false }));
        let (Response::CreateTopics(judged), Response::CreateTopics(created)) = (judged.response, created.response) else {
            panic!("another answer");
        };
        for ((name, judged), (other, created)) in judged.iter().zip(&created) {
            prop_assert_eq!(name, other);
            prop_assert_eq!(judged.as_ref().err(), created.as_ref().err());
        }
    }
}

#[test]
fn a_follower_that_folds_the_bytes_has_the_same_image() {
    let mut world = World::new(settings());
    let mut follower = MetadataImage::new();
    let mut ask = |world: &mut World, request: Request| {
        let decision = world.ask(request);
        let (offset, epoch) = world.image.applied();
        follower.begin_entry(offset, epoch);
        for record in decode_all(&encode_all(&decision.records)).expect("own bytes") {
            follower.apply(&record).expect("decided records fit");
        }
    };
    ask(&mut world, Request::Bootstrap { cluster_id: "c".to_owned() });
    for round in 0..20 {
        let topics = (0..5).map(|n| topic(&format!("t-{round}-{n}"), n + 1, 1)).collect();
        world.now.mono_ms += 5000;
        ask(&mut world, super::golden::register(1, 1 + round, "c", None));
        let (offset, _) = world.image.applied();
        let beat = super::golden::heartbeat(&world.image, 1, offset);
        ask(&mut world, Request::BrokerHeartbeat(beat));
        ask(&mut world, Request::CreateTopics(CreateTopics { topics, validate_only: false }));
        ask(&mut world, Request::AllocateProducerIds { broker_id: 1, broker_epoch: offset });
    }
    assert_eq!(follower, world.image);
    assert_eq!(follower.topic_count(), 100);
    assert_eq!(follower.next_producer_id(), 20_000);
}

#[test]
fn e7_no_session_is_left_to_run_out_once_all_have() {
    let mut world = World::new(settings());
    world.broker_joins(1, None);
    world.broker_joins(2, None);
    world.ask(super::golden::register(3, 3, "c", None));
    assert_eq!(world.controller.next_session_expiry_ms(), Some(9000));
    world.now.mono_ms = 9000;
    let decision = world.ask(Request::FenceStaleBrokers);
    assert_eq!(decision.response, Response::FenceStaleBrokers(vec![1, 2]));
    assert_eq!(world.controller.next_session_expiry_ms(), None, "a timer would spin on a session that is over");
}

/// As the image's own test of sharing, but through decisions: judging a request copies no more than applying it.
#[test]
fn m11_topics_created_one_a_request_share_their_structure() {
    const TOPICS: usize = 50_000;
    const IMAGES: usize = 500;
    let mut world = World::new(settings());
    world.broker_joins(1, None);
    let mut moments = Vec::new();
    for n in 0..TOPICS {
        let name = format!("topic-{:05}", n * 7919 % TOPICS);
        let decision =
            world.ask(Request::CreateTopics(CreateTopics { topics: vec![topic(&name, 1, 1)], validate_only: false }));
        assert_eq!(decision.records.len(), 2);
        if n >= TOPICS - IMAGES {
            moments.push(world.image.clone());
        }
    }
    assert_eq!(world.image.topic_count(), TOPICS);
    let held: usize = world.image.topics().map(Arc::strong_count).sum();
    assert!(held - TOPICS <= IMAGES * 40, "{} references were copied for {IMAGES} images", held - TOPICS);
}
